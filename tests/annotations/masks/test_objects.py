"""The objects of a label image, against other libraries and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import label as connected
from skimage.measure import regionprops, regionprops_table

from label_images import discs, planes, volumes
from micrographia import images
from micrographia.annotations import LabelFacts, ObjectAccumulator, label_facts, objects_table
from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage

MEASURES = [
    "label_id",
    "area",
    "y0",
    "x0",
    "y1",
    "x1",
    "touches_border",
    "components",
    "smallest_component",
    "holes",
]


def reference(labels, connectivity):
    """The same measures by scikit-image and SciPy, label by label."""
    rows = {}
    for props in regionprops(labels):
        part, count = connected(props.image, connectivity=connectivity, return_num=True)
        sizes = np.bincount(part.ravel())[1:]
        padded = np.pad(props.image, 1)
        outside = ndimage.generate_binary_structure(labels.ndim, labels.ndim + 1 - connectivity)
        holes = ndimage.label(~padded, outside)[1] - 1
        box = np.array(props.bbox).reshape(2, -1)
        border = (box[0][-2:] == 0).any() or (box[1][-2:] == labels.shape[-2:]).any()
        if labels.ndim == 3 and labels.shape[0] > 1:
            border |= box[0][0] == 0 or box[1][0] == labels.shape[0]
        rows[props.label] = (props.area, box, props.centroid, border, count, sizes.min(), holes)
    return rows


@given(planes(), st.sampled_from([1, 2]))
def test_planes_agree_with_other_libraries(labels, connectivity):
    table = objects_table(labels, connectivity=connectivity)
    expected = reference(labels, connectivity)
    assert table["label_id"].tolist() == sorted(expected)
    for row in table.itertuples():
        area, box, centroid, border, count, smallest, holes = expected[row.label_id]
        assert (row.area, row.components, row.smallest_component, row.holes) == (area, count, smallest, holes)
        assert (row.y0, row.x0, row.y1, row.x1) == tuple(box.ravel())
        assert (row.y, row.x) == pytest.approx(centroid)
        assert row.touches_border == border
    assert table["z"].isna().all()
    assert table["z0"].isna().all()


@settings(max_examples=50)
@given(volumes(), st.sampled_from([1, 2, 3]))
def test_volumes_agree_with_other_libraries(labels, connectivity):
    table = objects_table(labels, connectivity=connectivity)
    expected = reference(labels, connectivity)
    assert table["label_id"].tolist() == sorted(expected)
    for row in table.itertuples():
        area, box, centroid, border, count, smallest, _ = expected[row.label_id]
        if labels.shape[0] > 1 or connectivity < 3:
            assert (row.components, row.smallest_component) == (count, smallest)
        assert row.area == area
        assert (row.z0, row.y0, row.x0, row.z1, row.y1, row.x1) == tuple(box.ravel())
        assert (row.z, row.y, row.x) == pytest.approx(centroid)
        assert row.touches_border == border


@given(st.data(), volumes(7))
def test_blocks_in_any_order_give_the_same(data, labels):
    whole = objects_table(labels)
    step = data.draw(st.tuples(*[st.integers(1, size) for size in labels.shape]))
    corners = [
        tuple(s * n for s, n in zip(step, at, strict=True))
        for at in np.ndindex(*[-(-n // s) for n, s in zip(labels.shape, step, strict=True)])
    ]
    summed = ObjectAccumulator(labels.shape)
    for corner in data.draw(st.permutations(corners)):
        summed.add(labels[tuple(slice(c, c + s) for c, s in zip(corner, step, strict=True))], corner)
    table = summed.table()
    columns = [name for name in table.columns if name != "holes"]
    assert table[columns].equals(whole[columns])
    counted = table["holes"].notna()
    assert (table["holes"][counted] == whole["holes"][counted]).all()
    assert summed.facts() == label_facts(labels)


def test_blocks_settle_what_no_later_block_reaches(monkeypatch):
    """Far more components than may be open at once, through many thin blocks."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, (600, 700)).astype(np.uint8)
    summed = ObjectAccumulator(labels.shape)
    for y in range(0, 600, 7):
        summed.add(labels[y : y + 7], (y, 0))
    expected = objects_table(labels)
    table = summed.table()
    assert table[MEASURES[:-1]].equals(expected[MEASURES[:-1]])
    assert table["components"].max() > 10_000


def test_discs_agree_with_regionprops():
    labels = discs()
    table = objects_table(labels)
    props = regionprops_table(labels, properties=("label", "area", "bbox", "centroid"))
    assert table["label_id"].tolist() == props["label"].tolist()
    assert table["area"].tolist() == props["area"].tolist()
    for index, name in enumerate(["y0", "x0", "y1", "x1"]):
        assert table[name].tolist() == props[f"bbox-{index}"].tolist()
    assert table["y"].to_numpy() == pytest.approx(props["centroid-0"])


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "<i4", ">i4", "u4", "i8", ">u8"])
def test_every_integer_type_is_read(dtype):
    labels = np.zeros((3, 5), dtype)
    labels[1, 1:4] = 1
    assert objects_table(labels)[["label_id", "area", "holes"]].values.tolist() == [[1, 3, 0]]


def test_ids_may_be_negative_and_huge():
    labels = np.zeros((2, 4), np.int64)
    labels[0], labels[1, :2] = -1, 2**62
    table = objects_table(labels)
    assert table["label_id"].tolist() == [-1, 2**62]
    assert table["area"].tolist() == [4, 2]
    assert label_facts(labels) == LabelFacts("int64", 8, 6, 2, -1, 2**62, (-1, 2**62))


def test_an_id_that_no_table_holds_is_refused():
    with pytest.raises(AnnotationError, match="larger than"):
        objects_table(np.full((2, 2), 2**63, np.uint64))


@pytest.mark.parametrize("labels", [np.zeros((2, 2)), np.zeros((2, 2), complex)])
def test_what_is_no_integer_is_refused(labels):
    with pytest.raises(AnnotationError, match="labels are integers"):
        objects_table(labels)


def test_channels_are_refused():
    image = ArrayImage(np.zeros((3, 4, 4), np.uint8), "CYX")
    with pytest.raises(AnnotationError, match="3 channels"):
        objects_table(image)


def test_time_points_are_apart():
    labels = np.zeros((2, 3, 3), np.uint8)
    labels[0, 0, 0] = labels[1, :, 1] = 4
    table = objects_table(labels, axes="TYX", image="a", set_name="cells", layer=2)
    assert table[["t", "label_id", "area"]].values.tolist() == [[0, 4, 1], [1, 4, 3]]
    assert table[["image", "set", "layer"]].values.tolist() == [["a", "cells", 2]] * 2


def test_an_image_is_read_by_its_blocks():
    labels = discs()
    image = ArrayImage(labels, "YX", block_shape=(7, 33))
    assert objects_table(image)[MEASURES].equals(objects_table(labels)[MEASURES])


def test_a_mask_without_objects_gives_an_empty_table():
    table = objects_table(np.zeros((4, 4), np.uint8))
    assert len(table) == 0
    facts = label_facts(np.zeros((4, 4), np.uint8))
    assert facts.empty
    assert (facts.minimum, facts.maximum) == (0, 0)


def test_a_picture_of_a_mask_is_told_from_instances():
    picture = np.zeros((4, 4), np.uint8)
    picture[1:3] = 255
    assert label_facts(picture).zero_255
    assert label_facts(picture).binary
    assert not label_facts(picture).consecutive
    assert not label_facts(np.eye(4, dtype=np.uint8)).zero_255
    assert label_facts(np.eye(4, dtype=np.uint8)).consecutive


@pytest.mark.parametrize(
    ("offset", "problem"),
    [((0, 3), "leaves the image"), ((-1, 0), "leaves the image"), ((0, 0), "added before")],
)
def test_blocks_that_do_not_tile_are_refused(offset, problem):
    summed = ObjectAccumulator((4, 4))
    summed.add(np.ones((2, 2), np.uint8), (0, 0))
    with pytest.raises(AnnotationError, match=problem):
        summed.add(np.ones((2, 2), np.uint8), offset)


def test_a_finished_frame_takes_no_more_blocks():
    summed = ObjectAccumulator((2, 2))
    summed.add(np.ones((2, 2), np.uint8))
    with pytest.raises(AnnotationError, match="added before"):
        summed.add(np.ones((2, 2), np.uint8))


def test_real_cells_in_3d_agree_with_regionprops(data):
    path = data / "plantseg_3d" / "sample_ovule.h5"
    member = next(found.name for found in images.members(path) if "label" in found.name)
    image = images.open_image(path, member)
    labels = image.read()
    table = objects_table(image)
    props = regionprops_table(labels, properties=("label", "area", "bbox"))
    assert table["label_id"].tolist() == props["label"].tolist()
    assert table["area"].tolist() == props["area"].astype(int).tolist()
    assert table["z1"].tolist() == props["bbox-3"].tolist()


def test_real_nuclei_are_counted(data):
    index = pd.read_csv(data / "dsb2018" / "index.csv")
    for row in index.iloc[::20].itertuples():
        image = images.open_image(data / "dsb2018" / "labels" / f"{row.name}.png")
        assert label_facts(image).labels == row.n_labels
