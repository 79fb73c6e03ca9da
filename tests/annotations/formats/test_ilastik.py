"""HDF5 exports of ilastik."""

import json

import h5py
import numpy as np
import pytest

from micrographia.annotations import read, sniff
from micrographia.errors import AnnotationError


def exported(path, array, axes=None, name="exported_data", **options):
    with h5py.File(path, "w") as file:
        data = file.create_dataset(name, data=array, **options)
        if axes is not None:
            tags = {
                "axes": [{"key": axis, "typeFlags": 2, "resolution": 0, "description": ""} for axis in axes]
            }
            data.attrs["axistags"] = json.dumps(tags)
    return path


@pytest.mark.parametrize(
    ("axes", "kept"),
    [("yxc", "YX"), ("zyxc", "ZYX"), ("tzyxc", "TZYX"), ("xyz", "ZYX"), ("tcyx", "TYX"), ("cxy", "YX")],
)
@pytest.mark.parametrize("chunks", [None, True])
def test_axes_in_any_order(axes, kept, chunks, tmp_path):
    sizes = {"t": 2, "c": 1, "z": 3, "y": 4, "x": 5}
    array = np.arange(np.prod([sizes[axis] for axis in axes]), dtype=np.uint32).reshape(
        [sizes[axis] for axis in axes]
    )
    path = exported(tmp_path / "a.h5", array, axes, chunks=chunks)
    assert sniff(path) == "ilastik"
    ((_, mask),) = read(path).masks.items()
    expected = np.einsum(f"{axes}->{kept.lower()}", array.reshape(array.shape))
    assert mask.labels.axes == kept
    assert (mask.labels.read() == expected).all()
    assert (
        mask.labels.read([slice(0, 1)] * (len(kept) - 1) + [slice(1, 3)])
        == expected[(slice(0, 1),) * (len(kept) - 1) + (slice(1, 3),)]
    ).all()


def test_a_simple_segmentation_has_no_background(tmp_path):
    array = np.array([[1, 2], [2, 1]], np.uint8)[..., None]
    path = exported(tmp_path / "img_Simple Segmentation.h5", array, "yxc")
    result = read(path)
    ((key, mask),) = result.masks.items()
    assert key.image == "img"
    assert mask.kind == "semantic"
    assert mask.labels.read().min() == 1
    (note,) = result.findings
    assert note.code == "N011"
    assert "2 classes" in note.message


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a_Object Identities.h5", "instance"), ("a_Object Predictions.h5", "semantic"), ("a.h5", "instance")],
)
def test_objects_have_a_background(name, kind, tmp_path):
    path = exported(tmp_path / name, np.array([[0, 1], [2, 0]], np.uint32)[..., None], "yxc")
    result = read(path)
    ((_, mask),) = result.masks.items()
    assert mask.kind == kind
    assert result.findings == []


@pytest.mark.parametrize(("ndim", "axes"), [(2, "YX"), (3, "ZYX"), (4, "ZYX"), (5, "TZYX")])
def test_without_axistags_the_usual_order_is_taken(ndim, axes, tmp_path):
    path = exported(
        tmp_path / "a.h5",
        np.zeros((1,) * 2 + (2,) * (ndim - 3) + (1,) if ndim > 3 else (2,) * ndim, np.uint8),
    )
    ((_, mask),) = read(path).masks.items()
    assert mask.labels.axes == axes


@pytest.mark.parametrize(
    ("array", "axes", "problem"),
    [
        (np.zeros((4, 4, 2), np.uint8), "yxc", "no labels"),
        (np.zeros((4, 4, 1), np.float32), "yxc", "no labels"),
        (np.zeros((4, 4), np.uint8), "ab", "has axes"),
        (np.zeros((4, 4), np.uint8), "yy", "has axes"),
        (np.zeros((4, 0), np.uint8), "yx", "is empty"),
        (np.zeros(4, np.uint8), "x", "has axes"),
    ],
)
def test_what_is_no_label_image_is_refused(array, axes, problem, tmp_path):
    with pytest.raises(AnnotationError, match=problem):
        read(exported(tmp_path / "a.h5", array, axes), "ilastik")


def test_pixels_in_other_files_are_not_followed(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(range(16)))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("exported_data", (4, 4), "u1", external=[(str(tmp_path / "secret"), 0, 16)])
    with pytest.raises(AnnotationError, match="not followed"):
        read(tmp_path / "a.h5", "ilastik")


def test_other_datasets_are_not_ilastik(tmp_path):
    path = exported(tmp_path / "a.h5", np.zeros((4, 4), np.uint8), name="raw")
    assert sniff(path) != "ilastik"
    with pytest.raises(AnnotationError, match="no dataset 'exported_data'"):
        read(path, "ilastik")


def test_broken_tags_do_not_matter(tmp_path):
    path = exported(tmp_path / "a.h5", np.zeros((4, 4), np.uint8))
    for tags in ("{", "[]", json.dumps({"axes": [3]}), "[" * 5000):
        with h5py.File(path, "a") as file:
            file["exported_data"].attrs["axistags"] = tags
        ((_, mask),) = read(path, "ilastik").masks.items()
        assert mask.labels.axes == "YX"


def test_an_opened_image_is_picklable(tmp_path):
    import pickle

    path = exported(tmp_path / "a.h5", np.eye(4, dtype=np.uint8), "yx")
    ((_, mask),) = read(path).masks.items()
    assert (pickle.loads(pickle.dumps(mask.labels)).read() == np.eye(4)).all()
