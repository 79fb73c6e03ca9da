"""Label images as annotation files."""

import numpy as np
import pytest
from PIL import Image as Picture

from micrographia.annotations import Annotations, Mask, MaskKey, read, sniff, write
from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage


def test_a_png(tmp_path):
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Picture.fromarray(labels).save(tmp_path / "a.png")
    assert sniff(tmp_path / "a.png") == "label_image"
    ((key, mask),) = read(tmp_path / "a.png").masks.items()
    assert key == MaskKey("a")
    assert mask.kind == ""
    assert (mask.labels.read() == labels).all()


@pytest.mark.parametrize("top", [1, 255])
def test_a_picture_of_a_mask_is_binary(top, tmp_path):
    Picture.fromarray((np.eye(5) * top).astype(np.uint8)).save(tmp_path / "a.png")
    ((_, mask),) = read(tmp_path / "a.png").masks.items()
    assert mask.kind == "binary"


def test_a_colour_picture_is_no_label_image(tmp_path):
    Picture.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "a.png")
    assert sniff(tmp_path / "a.png") is None
    with pytest.raises(AnnotationError, match="3 channels"):
        read(tmp_path / "a.png", "label_image")


def test_floats_are_no_labels(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4)))
    with pytest.raises(AnnotationError, match="labels are integers"):
        read(tmp_path / "a.npy", "label_image")


def test_scale_is_written(tmp_path):
    image = ArrayImage(
        np.eye(6, dtype=np.uint32),
        "YX",
        scale={"y": 0.5, "x": 0.25},
        units={"y": "micrometer", "x": "micrometer"},
    )
    write(Annotations(masks={MaskKey("a"): Mask(image)}), tmp_path / "a.tif", "label_image")
    ((_, mask),) = read(tmp_path / "a.tif").masks.items()
    assert (mask.labels.scale["y"], mask.labels.scale["x"]) == (0.5, 0.25)
    assert mask.labels.dtype == np.uint32


def test_time_and_planes_are_written(tmp_path):
    labels = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
    write(
        Annotations(masks={MaskKey("a"): Mask(ArrayImage(labels, "TZYX"))}), tmp_path / "a.tif", "label_image"
    )
    ((_, mask),) = read(tmp_path / "a.tif").masks.items()
    assert mask.labels.axes == "TZYX"
    assert (mask.labels.read() == labels).all()


def test_other_endings_and_layers_are_refused(tmp_path):
    labels = Mask(ArrayImage(np.eye(3, dtype=np.uint8), "YX"))
    with pytest.raises(AnnotationError, match=r"written as \.tif"):
        write(Annotations(masks={MaskKey("a"): labels}), tmp_path / "a.png", "label_image")
    layers = Annotations(masks={MaskKey("a", "s", layer): labels for layer in (1, 2)})
    with pytest.raises(AnnotationError, match="one label image, not 2"):
        write(layers, tmp_path / "a.tif", "label_image")
    write(layers, tmp_path / "out", "label_image")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.s.layer2.tif", "a.s.tif"]


def test_real_labels(data):
    path = next(iter(sorted((data / "dsb2018" / "labels").glob("*.png"))))
    ((key, mask),) = read(path).masks.items()
    assert key.image == path.stem
    assert mask.labels.dtype == np.uint16
