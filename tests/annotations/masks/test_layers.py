"""One mask an object, merged into label images without losing a pixel."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from micrographia import images
from micrographia.annotations import merge_object_masks
from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))))
def test_nothing_is_lost(masks):
    merged = merge_object_masks(list(masks))
    for label, mask in enumerate(masks, 1):
        holding = [layer for layer in merged.layers if (layer == label).any()]
        assert len(holding) == int(mask.any())
        assert all(((layer == label) == mask).all() for layer in holding)
    assert merged.overlap_pixels == np.maximum(masks.sum(axis=0) - 1, 0).sum()
    assert merged.objects["area"].sum() == masks.sum()
    assert merged.objects["source"].tolist() == [str(k + 1) for k, mask in enumerate(masks) if mask.any()]


def test_overlaps_are_reported():
    masks = np.zeros((3, 4, 4), np.uint8)
    masks[0, :2], masks[1, 1:3], masks[2, 3] = 255, 255, 255
    merged = merge_object_masks(list(masks), names=["a", "b", "c"], image="i", set_name="s")
    assert len(merged.layers) == 2
    assert merged.layers[0].dtype == np.uint16
    assert merged.objects[["image", "set", "label_id", "layer", "source"]].values.tolist() == [
        ["i", "s", 1, 1, "a"],
        ["i", "s", 2, 2, "b"],
        ["i", "s", 3, 1, "c"],
    ]
    (note,) = merged.findings
    assert (note.code, note.evidence["pixels"], note.evidence["layers"]) == ("N009", 4, 2)


def test_empty_and_odd_masks_are_reported():
    masks = [np.zeros((2, 2), np.uint8), np.array([[0, 3], [9, 0]], np.uint8)]
    merged = merge_object_masks(masks)
    assert merged.objects["label_id"].tolist() == [2]
    assert [note.code for note in merged.findings] == ["N012", "N001"]


def test_colour_and_transparency_count_as_object():
    pixels = np.zeros((4, 1, 3), np.uint8)
    pixels[0] = 255
    pixels[3, 0, 1:] = 255
    merged = merge_object_masks([ArrayImage(pixels, "CYX")])
    assert merged.layers[0].tolist() == [[0, 1, 1]]
    assert merge_object_masks([ArrayImage(pixels[:3], "CYX")]).layers[0].tolist() == [[1, 1, 1]]


def test_volumes_stay_volumes():
    merged = merge_object_masks([np.ones((2, 3, 4), bool)])
    assert merged.layers[0].shape == (2, 3, 4)


def test_shapes_must_agree():
    with pytest.raises(AnnotationError, match="3 x 2 differs from 2 x 2"):
        merge_object_masks([np.ones((2, 2), bool), np.ones((3, 2), bool)])


@pytest.mark.parametrize("masks", [[], [np.ones((2, 2, 2, 2), bool)]])
def test_what_is_no_object_mask_is_refused(masks):
    with pytest.raises(AnnotationError):
        merge_object_masks(masks)


def test_the_published_layout_of_dsb2018_merges_to_its_labels(data):
    """Three samples as published, one PNG an object; the folder of labels has them merged, numbered otherwise."""
    index = pd.read_csv(data / "dsb2018" / "index.csv", dtype=str).set_index("source_id")
    samples = sorted((data / "dsb2018" / "original_layout").iterdir())
    assert samples
    for sample in samples:
        merged = merge_object_masks(sorted((sample / "masks").glob("*.png")), image=sample.name)
        assert len(merged.layers) == 1
        assert merged.findings == []
        if sample.name not in index.index:
            continue
        row = index.loc[sample.name]
        assert len(merged.objects) == int(row["n_masks"])
        labels = images.open_image(data / "dsb2018" / "labels" / f"{row['name']}.png").read()
        pairs = set(zip(labels.ravel().tolist(), merged.layers[0].ravel().tolist(), strict=True))
        assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})
