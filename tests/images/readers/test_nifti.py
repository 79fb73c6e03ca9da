from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import open_image
from micrographia.images.raw import MappedPixels, StreamPixels


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 200, shape).astype(dtype)


def save(
    path: Path, array: Any, *, zooms: tuple[float, ...] = (), units: tuple[str, ...] = (), kind: Any = None
) -> Path:
    picture = (kind or nib.Nifti1Image)(array.T, np.eye(4), dtype=array.dtype)
    if zooms:
        picture.header.set_zooms(zooms)
    if units:
        picture.header.set_xyzt_units(*units)
    nib.save(picture, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nifti")


@given(
    array=st.sampled_from(["u1", "i1", "u2", "i2", "i4", "u8", "f4", "f8"]).flatmap(
        lambda dtype: hnp.arrays(
            np.dtype(dtype), hnp.array_shapes(min_dims=2, max_dims=5, min_side=2, max_side=6)
        )
    ),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
    kind=st.sampled_from([nib.Nifti1Image, nib.Nifti2Image]),
)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read(folder: Path, array: Any, suffix: str, kind: Any) -> None:
    path = save(folder / f"a{suffix}", array, kind=kind)
    with open_image(path) as image:
        assert image.axes == {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}[array.ndim]
        assert isinstance(image._pixels, StreamPixels if suffix == ".nii.gz" else MappedPixels)
        assert_reads(image, array.swapaxes(0, 1) if array.ndim == 5 else array, count=3)


def test_big_endian(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">u2")
    nib.save(nib.Nifti1Image(noise(5, 20, 30).T, np.eye(4), header), tmp_path / "a.nii")
    assert_reads(open_image(tmp_path / "a.nii"), noise(5, 20, 30))


def test_zooms_are_the_voxel_size(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", noise(4, 5, 20, 30), zooms=(0.1, 0.2, 0.5, 3), units=("micron", "sec"))
    image = open_image(path)
    assert image.scale == {"x": 0.1, "y": 0.2, "z": 0.5, "t": 3}
    assert image.units == {"x": "micrometer", "y": "micrometer", "z": "micrometer", "t": "second"}


def test_unknown_units_are_not_invented(tmp_path: Path) -> None:
    assert open_image(save(tmp_path / "a.nii", noise(5, 20, 30))).scale == {}
    image = open_image(save(tmp_path / "b.nii", noise(5, 20, 30), zooms=(0.5, 0.5, 2)))
    assert (image.scale, image.units) == ({"x": 0.5, "y": 0.5, "z": 2}, {})
    assert image.notes == ("it does not say in which unit its voxel size is",)


def test_scaled_values_are_read_scaled(tmp_path: Path) -> None:
    picture = nib.Nifti1Image(noise(5, 20, 30).astype("i2").T, np.eye(4))
    nib.save(picture, tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[112:120] = np.array([0.5, 10], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    image = open_image(tmp_path / "a.nii")
    assert image.dtype == np.float64
    assert image.notes[-1] == "its values are stored times 0.5 plus 10, and are read so"
    assert_reads(image, noise(5, 20, 30) * 0.5 + 10)
    np.testing.assert_array_equal(image.read(), np.asarray(nib.load(tmp_path / "a.nii").dataobj).T)


@pytest.mark.parametrize("samples", [3, 4])
def test_colours(tmp_path: Path, samples: int) -> None:
    array = noise(5, 20, 30, samples, dtype="u1")
    record = np.dtype([(name, "u1") for name in "RGBA"[:samples]])
    nib.save(
        nib.Nifti1Image(np.ascontiguousarray(array).view(record)[..., 0].T, np.eye(4)), tmp_path / "a.nii"
    )
    image = open_image(tmp_path / "a.nii")
    assert image.rgb
    assert_reads(image, np.moveaxis(array[..., :3], -1, 0))


def test_header_and_pixels_in_two_files(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(noise(5, 20, 30).T, np.eye(4)), tmp_path / "a.img")
    image = open_image(tmp_path / "a.hdr")
    assert [file.name for file in image.files] == ["a.hdr", "a.img"]
    assert_reads(image, noise(5, 20, 30))
    (tmp_path / "a.img").unlink()
    with pytest.raises(ImageError, match=r"keeps its pixels in 'a\.img', which is not there"):
        open_image(tmp_path / "a.hdr")


def test_oblique_axes_are_told(tmp_path: Path) -> None:
    affine = np.array([[0.6, -0.8, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(noise(5, 20, 30).T, affine), tmp_path / "a.nii")
    assert (
        "its axes are oblique to its space; they are read as stored" in open_image(tmp_path / "a.nii").notes
    )


def test_what_is_no_image_is_told(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(noise(20, 30).astype("c8"), np.eye(4)), tmp_path / "c.nii")
    with pytest.raises(ImageError, match="holds complex numbers"):
        open_image(tmp_path / "c.nii")
    nib.save(nib.Nifti1Image(noise(2, 1, 2, 2, 20, 30).T, np.eye(4)), tmp_path / "d.nii")
    with pytest.raises(ImageError, match="which is no image"):
        open_image(tmp_path / "d.nii")


def test_a_volume_of_one_plane_is_a_picture(tmp_path: Path) -> None:
    array = np.arange(600, dtype=np.int16).reshape(1, 20, 30)
    nib.save(nib.Nifti1Image(array.T, np.eye(4)), tmp_path / "a.nii")
    with open_image(tmp_path / "a.nii") as image:
        assert_reads(image, array[0])
