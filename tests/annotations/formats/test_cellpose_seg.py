"""Cellpose `_seg.npy` without running what it holds."""

import pickle

import numpy as np
import pytest

from label_images import discs
from micrographia.annotations import Annotations, Mask, MaskKey, read, sniff, write
from micrographia.annotations.masks.outlines import boundary
from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage


class Harmful:
    """Makes a folder when it is unpickled the usual way."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        import os

        return os.mkdir, (self.folder,)


def segmentation(labels):
    """A dictionary as Cellpose's masks_flows_to_seg and its window save it."""
    return {
        "outlines": np.where(boundary(labels), labels, 0).astype(np.uint16),
        "colors": np.full((int(labels.max()), 3), 7, np.uint8),
        "masks": labels,
        "chan_choose": [2, 0],
        "ismanual": np.zeros(int(labels.max()), bool),
        "filename": "C:\\Users\\lab\\Bilder\\Zelle 1.tif",
        "flows": [np.zeros((2, 3), np.float32), [np.zeros(3)], None],
        "est_diam": np.float64(23.5),
        "model_path": 0,
        "img": np.zeros(labels.shape, np.float32),
        "restore": None,
        "normalize_params": {"lowhigh": None, "percentile": [1.0, 99.0], "invert": np.bool_(False)},
    }


def saved(path, content, protocol=None):
    held = np.empty((), object)
    held[()] = content
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(held, file, protocol=protocol)
    return path


@pytest.mark.parametrize("protocol", [None, 0, 1, 2, 3, 4, 5])
def test_files_of_cellpose_are_read(protocol, tmp_path):
    labels = discs(48, 16).astype(np.int32)
    path = tmp_path / "cell_seg.npy"
    if protocol is None:
        np.save(path, segmentation(labels))
    else:
        saved(path, segmentation(labels), protocol)
    assert sniff(path) == "cellpose"
    result = read(path, set_name="s")
    ((key, mask),) = result.masks.items()
    assert key == MaskKey("cell", "s")
    assert mask.kind == "instance"
    assert (mask.labels.read() == labels).all()
    assert result.about["filename"] == "Zelle 1.tif"
    assert result.about["chan_choose"] == [2, 0]
    assert result.about["est_diam"] == 23.5
    (note,) = result.findings
    assert note.evidence["entries"] == ["normalize_params", "restore"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", ">u2", "i8", "?", "<u4"])
def test_arrays_of_any_integer_type(dtype, order, tmp_path):
    labels = np.asarray(np.eye(4, 6).astype(dtype), order=order)
    saved(tmp_path / "a_seg.npy", {"masks": labels})
    ((_, mask),) = read(tmp_path / "a_seg.npy").masks.items()
    assert (mask.labels.read() == labels).all()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_is_run(protocol, tmp_path):
    harm = Harmful(tmp_path / "harm")
    for content in ({"masks": np.ones((2, 2), int), "flows": harm}, harm, {"masks": harm}):
        path = saved(tmp_path / "a_seg.npy", content, protocol)
        with pytest.raises(AnnotationError, match="it would run"):
            read(path, "cellpose")
    assert not (tmp_path / "harm").exists()
    np.load(tmp_path / "a_seg.npy", allow_pickle=True)
    assert (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "content",
    [
        {"masks": np.zeros((2, 2))},
        {"masks": np.zeros(3, int)},
        {"masks": [[1, 2]]},
        {"masks": np.array([[None]], object)},
        {"masks": np.zeros((0, 2), int)},
        {"masks": np.zeros((2, 2), "U3")},
        {"other": 1},
        [1, 2],
        "text",
    ],
)
def test_files_without_masks_are_refused(content, tmp_path):
    with pytest.raises(AnnotationError, match=r"a_seg\.npy"):
        read(saved(tmp_path / "a_seg.npy", content), "cellpose")


def test_plain_arrays_are_no_cellpose_files(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(3, dtype=int))
    assert sniff(tmp_path / "a.npy") == "label_image"
    with pytest.raises(AnnotationError, match="in place of Cellpose's dictionary"):
        read(tmp_path / "a.npy", "cellpose")


def test_written_files_load_in_cellpose(tmp_path):
    """Cellpose reads them with NumPy and asks for these entries."""
    labels = discs(48, 16)
    before = Annotations(
        masks={MaskKey("cell"): Mask(ArrayImage(labels, "YX"), "instance")}, about={"est_diam": 17.0}
    )
    assert write(before, tmp_path / "cell_seg.npy", "cellpose") == []
    held = np.load(tmp_path / "cell_seg.npy", allow_pickle=True).item()
    assert {
        "outlines",
        "colors",
        "masks",
        "chan_choose",
        "ismanual",
        "filename",
        "flows",
        "est_diam",
    } <= held.keys()
    assert held["masks"].dtype == np.uint16
    assert (held["masks"] == labels).all()
    assert (held["outlines"][boundary(labels)] == labels[boundary(labels)]).all()
    assert len(held["colors"]) == len(held["ismanual"]) == labels.max()
    assert held["est_diam"] == 17.0
    assert held["filename"] == "cell"


def test_further_masks_and_sets_are_told(tmp_path):
    labels = ArrayImage(np.eye(3, dtype=np.uint8), "YX")
    masks = {MaskKey("a", "s", layer): Mask(labels, "instance") for layer in (1, 2)}
    findings = write(Annotations(masks=masks), tmp_path / "a_seg.npy", "cellpose")
    assert {note.field for note in findings} == {"masks", "set"}


@pytest.mark.parametrize(
    "labels", [ArrayImage(np.zeros((2, 3, 3), np.uint8), "TYX"), ArrayImage(np.full((3, 3), -1), "YX"), None]
)
def test_what_cellpose_cannot_hold_is_refused(labels, tmp_path):
    masks = {} if labels is None else {MaskKey("a"): Mask(labels, "instance")}
    with pytest.raises(AnnotationError):
        write(Annotations(masks=masks), tmp_path / "a_seg.npy", "cellpose")
    assert list(tmp_path.iterdir()) == []
