"""Stores that are broken or lie: one error that names the file, no wrong pixels, no memory."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from micrographia.errors import ImageError
from micrographia.images import ArrayImage, LabelSource, label_names, open_image, write_image

SHAPE = (2, 600, 700)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    """One image in both versions."""
    random = np.random.default_rng(4)
    image = ArrayImage(random.integers(1, 900, SHAPE).astype(np.uint16), "CYX")
    labels = ArrayImage(random.integers(1, 9, SHAPE[1:]).astype(np.uint8), "YX")
    folder = tmp_path_factory.mktemp("whole")
    for version in ("0.4", "0.5"):
        write_image(folder / f"{version}.ome.zarr", image, labels=[LabelSource("n", labels)], version=version)
    return {version: folder / f"{version}.ome.zarr" for version in ("0.4", "0.5")}


@pytest.fixture
def copy(whole: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    def make(version: str = "0.5") -> Path:
        return Path(shutil.copytree(whole[version], tmp_path / f"{version}.ome.zarr"))

    return make


def shard(path: Path) -> Path:
    (found,) = (path / "0").glob("c*")
    return found


def edit(file: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def read_all(path: Path) -> np.ndarray:
    return open_image(path).read()


METADATA: dict[str, Callable[[dict], object]] = {
    "shape is text": lambda d: d.update(shape="large"),
    "shape is negative": lambda d: d.update(shape=[2, -600, 700]),
    "shape is empty": lambda d: d.update(shape=[2, 0, 700]),
    "shape has two sizes": lambda d: d.update(shape=[600, 700]),
    "shape is true": lambda d: d.update(shape=[True, 600, 700]),
    "no data type": lambda d: d.pop("data_type"),
    "strange data type": lambda d: d.update(data_type="int12"),
    "complex": lambda d: d.update(data_type="complex64"),
    "no codecs": lambda d: d.update(codecs=None),
    "shards no multiple": lambda d: d["chunk_grid"]["configuration"].update(chunk_shape=[2, 300, 300]),
    "chunks of 8 GiB": lambda d: (
        d["chunk_grid"]["configuration"].update(chunk_shape=[1, 1 << 16, 1 << 16]),
        d.update(codecs=[{"name": "bytes", "configuration": {"endian": "little"}}]),
    ),
    "an index of gigabytes": lambda d: (
        d["chunk_grid"]["configuration"].update(chunk_shape=[1, 1 << 20, 1 << 20]),
        d["codecs"][0]["configuration"].update(chunk_shape=[1, 1, 1]),
    ),
    "another grid": lambda d: d["chunk_grid"].update(name="irregular"),
    "another key": lambda d: d["chunk_key_encoding"]["configuration"].update(separator="-"),
    "a group": lambda d: d.update(node_type="group"),
    "fill value": lambda d: d.update(fill_value="purple"),
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_lie(copy, name: str):
    path = copy()
    edit(path / "0/zarr.json", METADATA[name])
    with pytest.raises(ImageError) as caught:
        read_all(path)
    assert caught.value.path.startswith(str(path))


PYRAMIDS: dict[str, Callable[[dict], object]] = {
    "no datasets": lambda m: m.update(datasets=[]),
    "datasets are text": lambda m: m.update(datasets="0"),
    "no path": lambda m: m["datasets"][0].pop("path"),
    "a path that is not there": lambda m: m["datasets"][0].update(path="7"),
    "a path that leaves": lambda m: m["datasets"][0].update(path="../../etc"),
    "an absolute path": lambda m: m["datasets"][0].update(path="/etc"),
    "a null byte": lambda m: m["datasets"][0].update(path="0\0"),
    "axes too few": lambda m: m.update(axes=[{"name": "y"}, {"name": "x"}]),
    "axes twice": lambda m: m.update(axes=[{"name": "x"}, {"name": "y"}, {"name": "x"}]),
    "axes without names": lambda m: m.update(axes=[{}, {}, {}]),
    "axes are a number": lambda m: m.update(axes=3),
    "scale of two": lambda m: m["datasets"][0].update(
        coordinateTransformations=[{"type": "scale", "scale": [1, 1]}]
    ),
    "scale of zero": lambda m: m["datasets"][0].update(
        coordinateTransformations=[{"type": "scale", "scale": [1, 0, 1]}]
    ),
    "scale is text": lambda m: m["datasets"][0].update(
        coordinateTransformations=[{"type": "scale", "scale": "abc"}]
    ),
    "scale in a file": lambda m: m["datasets"][0].update(
        coordinateTransformations=[{"type": "scale", "path": "s"}]
    ),
    "rotation": lambda m: m["datasets"][0].update(coordinateTransformations=[{"type": "rotation"}]),
}


@pytest.mark.parametrize("name", PYRAMIDS)
def test_pyramids_that_lie(copy, name: str):
    path = copy()
    edit(path / "zarr.json", lambda d: PYRAMIDS[name](d["attributes"]["ome"]["multiscales"][0]))
    with pytest.raises(ImageError) as caught:
        read_all(path)
    assert caught.value.path.startswith(str(path))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "nul", "[" * 100_000, '{"a": ' * 5000])
@pytest.mark.parametrize("file", ["zarr.json", "0/zarr.json"])
def test_metadata_that_are_no_json(copy, text: str, file: str):
    path = copy()
    (path / file).write_text(text)
    with pytest.raises(ImageError) as caught:
        read_all(path)
    assert caught.value.path == str(path / file)


def test_metadata_that_are_no_text(copy):
    path = copy()
    (path / "zarr.json").write_bytes(b"\xff\xfe{}\x00")
    with pytest.raises(ImageError, match="no valid JSON"):
        open_image(path)


def test_metadata_that_are_missing(copy):
    path = copy()
    (path / "0/zarr.json").unlink()
    with pytest.raises(ImageError, match=r"0/zarr\.json: does not exist"):
        open_image(path)
    (path / "zarr.json").unlink()
    with pytest.raises(ImageError, match=r"zarr\.json: does not exist, nor \.zattrs"):
        open_image(path)


def test_a_shard_that_is_cut_short(copy):
    path = copy()
    data = shard(path).read_bytes()
    for size in (0, 10, 200, len(data) // 2, len(data) - 1):
        shard(path).write_bytes(data[:size])
        with pytest.raises(ImageError) as caught:
            read_all(path)
        assert caught.value.path == str(shard(path))


def test_a_shard_whose_index_is_damaged(copy):
    path = copy()
    data = bytearray(shard(path).read_bytes())
    data[-20] ^= 1
    shard(path).write_bytes(data)
    with pytest.raises(ImageError, match="checksum of its index"):
        read_all(path)


def test_a_shard_whose_index_points_anywhere(copy):
    import google_crc32c

    path = copy()
    data = shard(path).read_bytes()
    count = 2 * 3 * 3
    for entry in ([1 << 40, 100], [0, 1 << 40], [len(data) - 50, 100]):
        index = np.frombuffer(data[-16 * count - 4 : -4], "<u8").reshape(count, 2).copy()
        index[1] = entry
        table = index.tobytes()
        shard(path).write_bytes(
            data[: -16 * count - 4] + table + google_crc32c.value(table).to_bytes(4, "little")
        )
        with pytest.raises(ImageError) as caught:
            read_all(path)
        assert caught.value.path == str(shard(path))


def test_a_damaged_chunk_is_named_and_the_others_are_read(copy):
    path = copy()
    data = bytearray(shard(path).read_bytes())
    data[4:8] = (1 << 30).to_bytes(4, "little")
    shard(path).write_bytes(data)
    image = open_image(path)
    with pytest.raises(ImageError, match=r"damaged chunk at \(0, 0, 0\)"):
        image.read()
    assert image.read([slice(1, 2)]).shape == (1, 600, 700)


@pytest.mark.parametrize("member", ["", "labels/n"])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_any_damaged_byte_gives_an_error_or_other_pixels_but_nothing_worse(copy, version: str, member: str):
    path = copy(version)
    folder = path / member / "0"
    file = folder / ("0/0/0" if not member else "0/0") if version == "0.4" else next(folder.glob("c*"))
    data = file.read_bytes()
    random = np.random.default_rng(9)
    blamed = set()
    for number in range(40):
        spoiled = bytearray(data)
        for at in random.integers(0, len(data) if number % 2 else 80, 3):
            spoiled[at] = int(random.integers(256))
        file.write_bytes(spoiled)
        image = open_image(path, member)
        for region in (None, [slice(0, size // 3) for size in image.shape]):
            try:
                image.read(region)
            except ImageError as error:
                blamed.add(error.path)
    assert blamed == {str(file)}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_missing_chunk_is_the_fill_value(copy, version: str):
    path = copy(version)
    (path / "0/0/0/0" if version == "0.4" else shard(path)).unlink()
    pixels = read_all(path)
    first = pixels[:1, :512, :512] if version == "0.4" else pixels
    assert not first.any()


def test_a_chunk_of_another_size(copy):
    path = copy("0.4")
    shutil.copy(path / "1/0/0/0", path / "0/0/0/0")
    with pytest.raises(ImageError, match="decodes to"):
        read_all(path)
    (path / "0/0/0/0").write_bytes(bytes(10 << 20))
    with pytest.raises(ImageError, match="at most"):
        read_all(path)


def test_links_that_lead_out_or_in_circles(copy, tmp_path: Path):
    path = copy()
    outside = tmp_path / "outside"
    shutil.move(path / "0", outside)
    (path / "0").symlink_to(outside)
    with pytest.raises(ImageError, match="leads out of the image"):
        open_image(path)
    (path / "0").unlink()
    (path / "0").symlink_to("0")
    with pytest.raises(ImageError):
        open_image(path)


def test_labels_that_lead_out(copy):
    path = copy()
    edit(path / "labels/zarr.json", lambda d: d["attributes"]["ome"].update(labels=["../../secret"]))
    with pytest.raises(ImageError, match="lies outside"):
        label_names(path)
    edit(path / "labels/zarr.json", lambda d: d["attributes"]["ome"].update(labels={"a": 1}))
    with pytest.raises(ImageError, match="no list of names"):
        label_names(path)
    with pytest.raises(ImageError, match="lies outside"):
        open_image(path, "labels/../../x")


def test_an_image_that_claims_to_be_huge_opens_but_is_not_read_whole(copy):
    path = copy()
    edit(path / "0/zarr.json", lambda d: d.update(shape=[2, 1 << 40, 1 << 20]))
    image = open_image(path)
    assert image.shape == (2, 1 << 40, 1 << 20)
    assert image.read([slice(0, 1), slice(0, 8), slice(0, 8)]).shape == (1, 8, 8)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(copy):
    path = copy()
    shard(path).chmod(0)
    with pytest.raises(ImageError, match="may not be read"):
        read_all(path)


def test_zips_that_are_none(tmp_path: Path, whole: dict[str, Path]):
    path = tmp_path / "a.ozx"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ImageError) as caught:
        open_image(path)
    assert caught.value.path == str(path)
    shutil.make_archive(str(tmp_path / "b"), "zip", whole["0.5"])
    data = (tmp_path / "b.zip").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError):
        open_image(path)
