"""Pixels by address: the same as from disk, only what is needed, and never wrong ones."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from micrographia import images
from micrographia.errors import ImageError, MicrographiaError
from micrographia.images import ArrayImage, label_names, open_image, open_label
from micrographia.images.ome_zarr_writer import LabelSource, write_image
from micrographia.images.ome_zarr_zip import pack
from micrographia.images.remote import open_at
from remote_server import Served

SHAPE = (4, 200, 230)
KINDS = ("sharded.ome.zarr", "single.ome.zarr", "old.ome.zarr", "zipped.ozx", "foreign.ome.zarr")


def pixels() -> np.ndarray:
    """Return an image of which a part is empty."""
    made = np.random.default_rng(1).integers(0, 4000, SHAPE, dtype=np.uint16)
    made[:2, :64, :64] = 0
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image in every form of OME-Zarr."""
    folder = tmp_path_factory.mktemp("images")
    image = ArrayImage(
        pixels(), "ZYX", scale={"z": 1.0, "y": 0.5, "x": 0.5}, units=dict.fromkeys("zyx", "micrometer")
    )
    labels = LabelSource("nuclei", ArrayImage((pixels() > 2000).astype(np.uint16), "ZYX"))
    chunk = {"z": 1, "y": 64, "x": 64}
    write_image(folder / "first.ome.zarr", image, labels=[labels], chunk=chunk, levels=2)
    write_image(folder / "old.ome.zarr", image, version="0.4", chunk=chunk)
    reshard(folder / "first.ome.zarr", folder / "single.ome.zarr")
    reshard(folder / "first.ome.zarr", folder / "sharded.ome.zarr", shards=(1, 4, 128, 128))
    reshard(folder / "first.ome.zarr", folder / "foreign.ome.zarr", compressors=zarr.codecs.GzipCodec())
    shutil.copytree(folder / "sharded.ome.zarr", folder / "zipped.ozx")
    pack(folder / "zipped.ozx", "zipped.ozx")
    return folder


def reshard(source: Path, target: Path, **changed: object) -> None:
    """Write an image again, its full resolution in another form."""
    shutil.copytree(source, target)
    shutil.rmtree(target / "0")
    names = ("c", "z", "y", "x")
    array = zarr.create_array(
        target / "0",
        shape=(1, *SHAPE),
        chunks=(1, 1, 64, 64),
        dtype="uint16",
        fill_value=0,
        dimension_names=names,
        **changed,
    )
    array[0] = pixels()


@pytest.fixture
def here(made: Path, served: Served) -> Served:
    """A server of the images."""
    served.folder = made
    return served


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_as_from_disk(here: Served, made: Path, kind: str) -> None:
    image = open_image(f"{here.url}/{kind}")
    local = open_image(made / kind)
    assert (image.shape, image.axes, image.dtype, dict(image.scale)) == (
        local.shape,
        local.axes,
        local.dtype,
        dict(local.scale),
    )
    assert np.array_equal(image.read(), pixels())
    region = (slice(1, 3), slice(60, 70), slice(100, 229))
    assert np.array_equal(image.read(region), pixels()[region])
    asked = len(here.asked)
    assert np.array_equal(pickle.loads(pickle.dumps(image)).read(region), pixels()[region])
    assert len(here.asked) <= asked + 2


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_needed_is_read(here: Served, made: Path, kind: str) -> None:
    image = open_image(f"{here.url}/{kind}")
    opened = len(here.asked)
    image.read((slice(3, 4), slice(64, 128), slice(64, 128)))
    assert len(here.asked) - opened <= 4
    again = open_image(f"{here.url}/{kind}")
    here.asked.clear()
    again.read((slice(3, 4), slice(64, 128), slice(64, 128)))
    assert here.asked == []


def test_labels_by_address(here: Served) -> None:
    address = f"{here.url}/single.ome.zarr"
    assert label_names(address) == ["nuclei"]
    assert np.array_equal(open_label(address, "nuclei").read(), pixels() > 2000)
    assert np.array_equal(open_image(f"{address}/labels/nuclei").read(), pixels() > 2000)
    assert images.open_level(address, level=1).shape[1:] == (100, 115)


def test_requests_go_side_by_side(here: Served) -> None:
    here.latency = 0.02
    image = open_image(f"{here.url}/single.ome.zarr")
    image.read()
    assert here.most >= 8


def test_a_chunk_that_is_not_there_is_empty(here: Served, tmp_path: Path) -> None:
    shutil.copytree(here.folder / "single.ome.zarr", tmp_path / "served" / "gap.ome.zarr")
    here.folder = tmp_path / "served"
    (here.folder / "gap.ome.zarr" / "0" / "c" / "0" / "3" / "0" / "0").unlink()
    expected = pixels()
    expected[3, :64, :64] = 0
    assert np.array_equal(open_image(f"{here.url}/gap.ome.zarr").read(), expected)


FAULTS = {
    "status": ("403", "500", "401"),
    "page": ("text/html", "application/octet-stream"),
    "redirect": ("file:///etc/passwd",),
    **dict.fromkeys(("drop", "stall", "short", "gzip", "endless", "unframed"), ("",)),
}


@pytest.mark.parametrize("kind", ["single.ome.zarr", "sharded.ome.zarr", "old.ome.zarr", "foreign.ome.zarr"])
@pytest.mark.parametrize(
    ("fault", "value"), [(fault, value) for fault, held in FAULTS.items() for value in held]
)
def test_a_chunk_that_cannot_be_read_is_an_error(here: Served, kind: str, fault: str, value: str) -> None:
    image = open_image(f"{here.url}/{kind}")
    here.fault(fault, "/0/c|/0/[0-9]", value=value)
    with pytest.raises(ImageError) as told:
        image.read()
    assert here.url in str(told.value)
    here.faults.clear()
    assert np.array_equal(open_image(f"{here.url}/{kind}").read(), pixels())


@pytest.mark.parametrize("kind", ["sharded.ome.zarr", "zipped.ozx"])
@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ("wrong_range", 0),
        ("wrong_range", 1),
        ("unsaid_range", 0),
        ("unsaid_range", 2),
        ("changed", 1),
        ("changed", 2),
    ],
)
def test_a_part_that_is_another_one_is_an_error(here: Served, kind: str, fault: str, after: int) -> None:
    here.fault(fault, "/0/c|ozx", after=after)
    with pytest.raises(ImageError) as told:
        open_image(f"{here.url}/{kind}").read()
    assert here.url in str(told.value)


@pytest.mark.parametrize("fault", ["changed", "short", "page", "gzip", "status"])
def test_metadata_that_are_wrong_are_an_error(here: Served, fault: str) -> None:
    here.fault(fault, r"zarr\.json", value="500")
    with pytest.raises(ImageError, match="http://127"):
        open_image(f"{here.url}/single.ome.zarr")


def test_other_bytes_in_an_uncompressed_or_damaged_chunk(here: Served) -> None:
    here.fault("changed", "/0/c")
    with pytest.raises(ImageError, match=r"damaged"):
        open_image(f"{here.url}/single.ome.zarr").read()
    here.faults.clear()
    assert np.array_equal(open_image(f"{here.url}/single.ome.zarr").read(), pixels())


@pytest.mark.parametrize("kind", ["sharded.ome.zarr", "zipped.ozx"])
def test_a_server_without_ranges_sends_the_file_once(here: Served, kind: str) -> None:
    here.ranges = False
    image = open_image(f"{here.url}/{kind}")
    assert np.array_equal(image.read(), pixels())
    whole = len(here.paths())
    image.read((slice(0, 1), slice(0, 100), slice(0, 100)))
    assert len(here.paths()) == whole


def test_an_image_written_anew_is_not_mixed_with_the_old_one(here: Served, tmp_path: Path) -> None:
    here.folder = tmp_path / "served"
    write_image(here.folder / "a.ome.zarr", ArrayImage(pixels(), "ZYX"), chunk={"z": 1, "y": 64, "x": 64})
    open_image(f"{here.url}/a.ome.zarr").read((slice(0, 2), slice(0, 200), slice(0, 230)))
    shutil.rmtree(here.folder / "a.ome.zarr")
    other = pixels()[::-1].copy()
    write_image(here.folder / "a.ome.zarr", ArrayImage(other, "ZYX"), chunk={"z": 1, "y": 64, "x": 64})
    with pytest.raises(ImageError, match="replaced by another version"):
        open_image(f"{here.url}/a.ome.zarr").read()
    assert np.array_equal(open_image(f"{here.url}/a.ome.zarr").read(), other)


def test_other_formats_are_copied_and_verified(here: Served, tmp_path: Path) -> None:
    import hashlib

    here.folder = tmp_path / "served"
    tifffile.imwrite(here.folder / "a b.tif", pixels(), photometric="minisblack")
    data = (here.folder / "a b.tif").read_bytes()
    right = hashlib.sha256(data).hexdigest()
    image = open_image(f"{here.url}/a%20b.tif")
    assert np.array_equal(image.read(), pixels())
    asked = len(here.asked)
    assert np.array_equal(open_at(f"{here.url}/a%20b.tif", size=len(data), sha256=right).read(), pixels())
    assert len(here.asked) == asked
    with pytest.raises(ImageError, match="its SHA-256 is another one"):
        open_at(f"{here.url}/a%20b.tif", sha256="0" * 64)
    with pytest.raises(ImageError, match=r"not 7|more than the 7"):
        open_at(f"{here.url}/a%20b.tif", size=7)


@pytest.mark.parametrize("name", ["none.ome.zarr", "none.tif", "none", "none.ozx"])
def test_nothing_there(here: Served, name: str) -> None:
    with pytest.raises(MicrographiaError) as told:
        open_image(f"{here.url}/{name}")
    assert here.url in str(told.value)


def test_a_zip_that_is_cut_short_or_damaged(here: Served, tmp_path: Path) -> None:
    whole = (here.folder / "zipped.ozx").read_bytes()
    here.folder = tmp_path / "served"
    (here.folder / "a.ozx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match="zip"):
        open_image(f"{here.url}/a.ozx")
    at = whole.index(b'"node_type"')
    (here.folder / "b.ozx").write_bytes(whole[:at] + b"'" + whole[at + 1 :])
    with pytest.raises(ImageError, match="checksum"):
        open_image(f"{here.url}/b.ozx")
