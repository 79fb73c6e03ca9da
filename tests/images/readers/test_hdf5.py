import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import Channel, Member, members, open_image


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 200, shape).astype(dtype)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hdf5")


@given(
    array=st.sampled_from(["u1", "u2", ">u4", "i8", "f2", ">f8", "bool"]).flatmap(
        lambda dtype: hnp.arrays(
            np.dtype(dtype), hnp.array_shapes(min_dims=2, max_dims=5, min_side=2, max_side=6)
        )
    ),
    options=st.sampled_from(
        [{}, {"chunks": True}, {"compression": "gzip"}, {"compression": "lzf", "shuffle": True}]
    ),
    data=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read(
    folder: Path, array: Any, options: dict[str, Any], data: st.DataObject
) -> None:
    axes = "".join(data.draw(st.permutations("TCZYX"[-array.ndim :])))
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("raw", data=array, **options)
        dataset.attrs["axes"] = axes
    with open_image(path) as image:
        assert image.axes == "TCZYX"[-array.ndim :]
        assert image.compression == options.get("compression", "")
        order = [axes.index(axis) for axis in image.axes]
        assert_reads(image, array.transpose(order), count=3)


def test_datasets_that_can_be_images_are_members(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["raw"] = noise(5, 20, 30)
        file["volumes/labels/cells"] = noise(5, 20, 30, dtype="u8")
        file["alias"] = h5py.SoftLink("/raw")
        file["again"] = file["raw"]
        file["table"] = noise(100, 3)
        file["line"] = noise(100)
        file["text"] = "words"
        file["complex"] = noise(20, 30).astype(complex)
        file["small"] = noise(4, 5)
        file["small"].attrs["axes"] = "yx"
        file["records"] = np.zeros((20, 30), [("a", "u1"), ("b", "f4")])
        file["frame/block0_values"] = noise(20, 30)
        file["frame"].attrs["pandas_type"] = "frame"
        file["loop"] = file["volumes"]
    found = members(path)
    assert [m.name for m in found] in (
        ["again", "small", "volumes/labels/cells"],
        ["again", "loop/labels/cells", "small"],
    )
    assert found[0] == Member("again", "ZYX", (5, 20, 30), "uint16")
    assert_reads(open_image(path, "volumes/labels/cells"), noise(5, 20, 30, dtype="u8"))
    assert_reads(open_image(path, "/raw"), noise(5, 20, 30))
    assert_reads(open_image(path, "table"), noise(100, 3))
    with pytest.raises(ImageError, match=r"holds 3 images\. Name one of its members: 'again'"):
        open_image(path)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("nothing", "has no member 'nothing'. Name one of its members: 'raw', 'seg'"),
        ("raw/deeper", "has no member 'raw/deeper'"),
        ("group", "has no member 'group'"),
        ("complex", "'/complex' holds complex numbers"),
        ("line", r"'/line' of shape \(100,\) is no image"),
        ("text", "'/text' holds Python objects"),
        ("alias", "'alias' is a link to '/raw'"),
        ("outside", r"'outside' is a link to another file, '\.\./other\.h5', which is not followed"),
        ("outer/raw", "is a link to another file"),
    ],
)
def test_what_is_no_image_is_told(tmp_path: Path, member: str, told: str) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["raw"] = noise(20, 30)
        file["seg"] = noise(20, 30)
        file["line"] = noise(100)
        file["text"] = "words"
        file["complex"] = noise(20, 30).astype(complex)
        file["alias"] = h5py.SoftLink("/raw")
        file["outside"] = h5py.ExternalLink("../other.h5", "/raw")
        file["outer"] = h5py.ExternalLink("other.h5", "/")
        file.create_group("group")
    with pytest.raises(ImageError, match=told):
        open_image(path, member)


def test_pixels_in_other_files_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(noise(20, 30).tobytes())
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["raw"] = noise(20, 30)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("external", (20, 30), "u2", external=[(str(secret), 0, 1200)])
        layout = h5py.VirtualLayout((20, 30), "u2")
        layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "raw", (20, 30))
        file.create_virtual_dataset("virtual", layout)
    for member in ("external", "virtual"):
        with pytest.raises(ImageError, match="keeps its pixels in other files"):
            open_image(path, member)
    with pytest.raises(ImageError, match="keeps its pixels in other files"):
        members(path)


def test_a_file_without_images_says_so(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["line"] = noise(100)
    with pytest.raises(ImageError, match="holds no dataset that is an image"):
        members(tmp_path / "a.h5")
    with pytest.raises(ImageError, match="holds no dataset that is an image"):
        open_image(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("attributes", "axes"),
    [
        ({"axes": "cyx"}, "CYX"),
        ({"axes": b"C,Y,X"}, "CYX"),
        ({"axes": ["time", "height", "width"]}, "TYX"),
        ({"DIMENSION_LABELS": ["y", "x", "c"]}, "CYX"),
        ({"axistags": json.dumps({"axes": [{"key": key} for key in "zyx"]})}, "ZYX"),
        ({"axistags": "no json", "axes": "tyx"}, "TYX"),
        ({"axes": "abc"}, "ZYX"),
        ({"axes": "zy"}, "ZYX"),
        ({}, "ZYX"),
    ],
    ids=str,
)
def test_axes_are_taken_from_attributes(tmp_path: Path, attributes: dict[str, Any], axes: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = noise(9, 10, 11)
        file["raw"].attrs.update(attributes)
    image = open_image(tmp_path / "a.h5")
    assert image.axes == axes
    stated = axes != "ZYX" or str(attributes.get("axistags", "no")).startswith("{")
    assert bool(image.notes) != stated


def test_voxel_size_of_dataset_group_or_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("own", "group/inner", "none"):
            file[name] = noise(5, 20, 30)
        file["own"].attrs["element_size_um"] = [0.5, 0.25, 0.2]
        file["group"].attrs["voxel_size"] = [500, 250, 200]
        file["group"].attrs["voxel_size_unit"] = "nm"
    assert open_image(tmp_path / "a.h5", "own").scale == {"z": 0.5, "y": 0.25, "x": 0.2}
    assert open_image(tmp_path / "a.h5", "own").notes == ()
    assert open_image(tmp_path / "a.h5", "group/inner").units == dict.fromkeys("zyx", "nanometer")
    assert open_image(tmp_path / "a.h5", "none").scale == {}


def test_axistags_carry_a_resolution(tmp_path: Path) -> None:
    tags = {
        "axes": [
            {"key": "c", "resolution": 0},
            {"key": "y", "resolution": 0.5, "unit": "um"},
            {"key": "x", "resolution": 0.25, "unit": "um"},
        ]
    }
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = noise(2, 20, 30)
        file["raw"].attrs["axistags"] = json.dumps(tags)
        file["raw"].attrs["channel_names"] = ["DAPI", "GFP"]
    image = open_image(tmp_path / "a.h5")
    assert (image.axes, image.scale) == ("CYX", {"y": 0.5, "x": 0.25})
    assert image.channels == (Channel("DAPI"), Channel("GFP"))


def test_colour_pictures(tmp_path: Path) -> None:
    array = noise(20, 30, 3, dtype="u1")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = array
    image = open_image(tmp_path / "a.h5")
    assert image.rgb
    assert_reads(image, np.moveaxis(array, -1, 0))


def test_blocks_are_whole_chunks(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("raw", (64, 1000, 2000), "u2", chunks=(8, 100, 100))
    image = open_image(tmp_path / "a.h5")
    assert image.block_shape == (8, 100, 600)
    assert "no pixels were ever written to it; it reads as its fill value" in image.notes


def test_a_chunk_too_large_to_decode_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("raw", (4, 2000, 2000), "u2", chunks=(4, 2000, 2000), compression="gzip")
    open_image(tmp_path / "a.h5")
    monkeypatch.setenv("MICROGRAPHIA_MAX_DECODED_MB", "16")
    with pytest.raises(
        ImageError, match=r"one chunk of '/raw' claims 31 MiB.*set MICROGRAPHIA_MAX_DECODED_MB higher"
    ):
        open_image(tmp_path / "a.h5")


def test_a_user_block_before_the_signature_is_skipped(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["raw"] = noise(20, 30)
    assert_reads(open_image(tmp_path / "a.h5"), noise(20, 30))
