from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import members, open_image
from micrographia.images.layout import guess


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("npy")


@given(
    array=st.sampled_from(["u1", ">u2", "i4", "u8", "f2", ">f8", "bool"]).flatmap(
        lambda dtype: hnp.arrays(
            np.dtype(dtype), hnp.array_shapes(min_dims=2, max_dims=5, min_side=2, max_side=6)
        )
    ),
    fortran=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read(folder: Path, array: Any, fortran: bool) -> None:
    np.save(folder / "a.npy", np.asfortranarray(array) if fortran else array)
    with open_image(folder / "a.npy") as image:
        samples = guess(array.shape)[0].endswith("S")
        expected = np.moveaxis(array, -1, image.axes.index("C")) if samples else array
        assert image.rgb == (samples and array.shape[-1] == 3)
        assert_reads(image, expected, count=3)


def test_a_colour_picture_in_fortran_order_is_one(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype("u1")
    np.save(tmp_path / "a.npy", np.asfortranarray(array))
    with open_image(tmp_path / "a.npy") as image:
        assert image.rgb
        assert_reads(image, np.moveaxis(array, -1, 0))


def test_a_colour_picture(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype("u1")
    np.save(tmp_path / "a.npy", array)
    image = open_image(tmp_path / "a.npy")
    assert image.rgb
    assert image.notes == ("the file does not name its axes; its shape (20, 30, 3) is read as YXC",)
    assert_reads(image, np.moveaxis(array, -1, 0))


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array([{"masks": 1}], object), "holds pickled Python objects"),
        (np.zeros((20, 30), complex), "holds complex numbers"),
        (np.zeros((20, 30), "U3"), "holds values of type <U3"),
        (np.zeros((20, 30), "f16"), "holds floats of more than 64 bits"),
        (np.zeros((20, 30), "M8[s]"), "holds values of type datetime64"),
        (np.zeros(30), r"an array of shape \(30,\), which is no image"),
        (np.zeros((0, 30)), "holds an empty array"),
    ],
    ids=lambda value: getattr(value, "dtype", ""),
)
def test_what_is_no_image_is_told(tmp_path: Path, array: Any, told: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ImageError, match=told):
        members(tmp_path / "a.npy")
    with pytest.raises(ImageError, match=told):
        open_image(tmp_path / "a.npy")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    np.save(tmp_path / "a_seg.npy", np.array({"masks": Bomb()}, object))
    with pytest.raises(ImageError, match="could run any program and are not opened"):
        open_image(tmp_path / "a_seg.npy")
    assert not (tmp_path / "ran").exists()
