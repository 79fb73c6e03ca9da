import json
import multiprocessing
import pickle
import shutil
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, TransposeCodec, ZstdCodec

from micrographia.errors import ImageError
from micrographia.images import (
    ArrayImage,
    LabelSource,
    codecs_native,
    count_levels,
    label_names,
    members,
    open_image,
    open_label,
    write_image,
)
from micrographia.images import zarr_array as zarr_array_module
from micrographia.images.ome_zarr_reader import OME_ZARR
from micrographia.images.reader import Reader
from micrographia.plugins import verify


def pixels(shape: tuple[int, ...], dtype: type = np.uint16) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 250, shape).astype(dtype)


def pyramid(axes: str, path: str = "0", **scale: float) -> dict:
    kinds = {"t": "time", "c": "channel"}
    described = [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes]
    steps = [scale.get(axis, 1.0) for axis in axes]
    transformations = [{"type": "scale", "scale": steps}]
    return {"axes": described, "datasets": [{"path": path, "coordinateTransformations": transformations}]}


def foreign(folder: Path, array: np.ndarray, axes: str, *, version: str = "0.5", **options) -> Path:
    """Write an OME-Zarr with zarr-python."""
    group = zarr.open_group(folder, mode="w", zarr_format=3 if version == "0.5" else 2)
    if version == "0.5":
        options = {"dimension_names": list(axes), **options}
    stored = group.create_array("0", shape=array.shape, dtype=array.dtype, **options)
    stored[...] = array
    said = pyramid(axes)
    group.attrs.update(
        {"ome": {"version": "0.5", "multiscales": [said]}}
        if version == "0.5"
        else {"multiscales": [{"version": "0.4", **said}]}
    )
    return folder


SHARDED = {"chunks": (1, 16, 16), "shards": (2, 48, 32)}


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (1, 20, 30)},
        {"chunks": (2, 20, 30), "compressors": BloscCodec(cname="lz4", shuffle="shuffle")},
        {"chunks": (1, 20, 30), "compressors": GzipCodec()},
        {"chunks": (1, 20, 30), "compressors": None},
        {"chunks": (1, 20, 30), "serializer": BytesCodec(endian="big")},
        {"chunks": (1, 20, 30), "filters": TransposeCodec(order=(2, 1, 0))},
        {"chunks": (1, 20, 30), "chunk_key_encoding": {"name": "v2", "separator": "."}},
        {**SHARDED},
        {**SHARDED, "compressors": ZstdCodec(level=3)},
        {**SHARDED, "compressors": BloscCodec(cname="zstd", shuffle="bitshuffle")},
        {**SHARDED, "compressors": GzipCodec()},
        {**SHARDED, "fill_value": 7},
    ],
    ids=str,
)
def test_zarr_3_of_others(tmp_path: Path, options: dict):
    array = pixels((5, 70, 61))
    array[:2, :48, :32] = options.get("fill_value", 0)
    path = foreign(tmp_path / "a.zarr", array, "zyx", **options)
    with open_image(path) as image:
        assert (image.read() == array).all()
        part = (slice(1, 4), slice(11, 66), slice(20, 61))
        assert (image.read(part) == array[part]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float32, np.uint64, np.bool_])
@pytest.mark.parametrize("separator", ["/", "."])
def test_zarr_2_of_others(tmp_path: Path, dtype: type, separator: str):
    array = pixels((40, 50)).astype(dtype)
    encoding = {"name": "v2", "separator": separator}
    path = foreign(
        tmp_path / "a.zarr", array, "yx", version="0.4", chunks=(16, 16), chunk_key_encoding=encoding
    )
    with open_image(path) as image:
        assert image.dtype == (np.uint8 if dtype is np.bool_ else dtype)
        assert (image.read() == array).all()


def test_zarr_2_in_fortran_order_and_with_filters(tmp_path: Path):
    array = pixels((40, 50))
    path = foreign(tmp_path / "a.zarr", array, "yx", version="0.4", chunks=(16, 16), order="F")
    assert (open_image(path).read() == array).all()


def test_axes_in_another_order_are_turned(tmp_path: Path):
    array = pixels((6, 30, 20, 3), np.uint8)
    path = foreign(tmp_path / "a.zarr", array, "xyzc", chunks=(6, 30, 20, 3))
    image = open_image(path)
    assert (image.axes, image.shape) == ("CZYX", (3, 20, 30, 6))
    assert (image.read() == array.transpose(3, 2, 1, 0)).all()
    assert (image.read([slice(1, 2), slice(5, 7)]) == array.transpose(3, 2, 1, 0)[1:2, 5:7]).all()


def test_axes_of_one_pixel_are_dropped_and_foreign_names_understood(tmp_path: Path):
    array = pixels((1, 1, 1, 30, 20))
    path = foreign(tmp_path / "a.zarr", array, "tczyx", chunks=(1, 1, 1, 30, 20))
    document = json.loads((path / "zarr.json").read_text())
    for axis, name in zip(document["attributes"]["ome"]["multiscales"][0]["axes"], "abcde", strict=True):
        axis["name"] = name
    (path / "zarr.json").write_text(json.dumps(document))
    image = open_image(path)
    assert (image.axes, image.shape) == ("YX", (30, 20))


def test_scale_units_and_channels(tmp_path: Path):
    path = foreign(tmp_path / "a.zarr", pixels((2, 30, 20)), "cyx", chunks=(1, 30, 20))
    document = json.loads((path / "zarr.json").read_text())
    said = document["attributes"]["ome"]["multiscales"][0]
    said["axes"][1]["unit"] = "micrometer"
    said["axes"][2]["unit"] = "pixel"
    said["coordinateTransformations"] = [{"type": "scale", "scale": [1, 0.5, 0.25]}]
    document["attributes"]["ome"]["omero"] = {
        "channels": [{"label": "DNA", "color": "#00ff00"}, {"color": "nonsense"}]
    }
    (path / "zarr.json").write_text(json.dumps(document))
    image = open_image(path)
    assert image.scale == {"y": 0.5, "x": 0.25}
    assert image.units == {"y": "micrometer"}
    assert [(channel.name, channel.color) for channel in image.channels] == [("DNA", "00FF00"), ("", None)]


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """An image with labels, sharded."""
    image = ArrayImage(pixels((2, 3, 600, 700)), "CZYX")
    marks = ArrayImage(pixels((3, 600, 700)) // 60, "ZYX")
    write_image(tmp_path / "a.ome.zarr", image, labels=[LabelSource("cells", marks)])
    return tmp_path / "a.ome.zarr"


def test_labels_by_name_by_member_and_by_path(ours: Path):
    expected = pixels((3, 600, 700)) // 60
    assert label_names(ours) == ["cells"]
    for image in (
        open_label(ours, "cells"),
        open_image(ours, "labels/cells"),
        open_image(ours / "labels/cells"),
    ):
        assert (image.read() == expected).all()
    assert count_levels(ours) == count_levels(ours, "labels/cells") == 3
    with pytest.raises(ImageError, match="It has cells"):
        open_label(ours, "nuclei")
    with pytest.raises(ImageError, match="lists the label images cells"):
        open_image(ours / "labels")
    with pytest.raises(ImageError, match="describes an array"):
        open_image(ours / "0")
    assert label_names(ours / "labels/cells") == []


REGION = st.tuples(*(st.tuples(st.integers(0, size - 1), st.integers(1, size)) for size in (2, 3, 600, 700)))


@pytest.mark.parametrize("native", [True, False])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(regions=st.lists(REGION, min_size=1, max_size=4))
def test_any_region_again_and_again(ours: Path, native: bool, regions):
    """Regions that overlap are also read from kept chunks."""
    array = pixels((2, 3, 600, 700))
    with pytest.MonkeyPatch.context() as patch:
        if not native:
            patch.setattr(codecs_native, "functions", lambda: None)
        image = open_image(ours)
        for region in regions * 3:
            part = tuple(slice(start, start + length) for start, length in region)
            assert (image.read(part) == array[part]).all()


def test_large_regions_are_shared_among_threads(ours: Path, monkeypatch):
    monkeypatch.setattr(zarr_array_module, "cores", lambda: 3)
    monkeypatch.setattr(zarr_array_module, "WORTH_THREADS", 1000)
    assert (open_image(ours).read() == pixels((2, 3, 600, 700))).all()


def test_reading_from_many_threads(ours: Path):
    image, array, wrong = open_image(ours), pixels((2, 3, 600, 700)), []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(30):
            y, x = random.integers(0, 400, 2)
            part = (slice(0, 2), slice(1, 2), slice(y, y + 200), slice(x, x + 200))
            if not (image.read(part) == array[part]).all():
                wrong.append(part)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_image_travels_and_survives_closing(ours: Path):
    image = open_image(ours)
    image.read([slice(0, 1)])
    copy = pickle.loads(pickle.dumps(image))
    image.close()
    for each in (image, copy):
        assert (each.read([slice(1, 2), slice(2, 3)]) == pixels((2, 3, 600, 700))[1:2, 2:3]).all()


def read_in_child(image, queue) -> None:
    queue.put(int(image.read([slice(0, 1), slice(0, 1)]).sum()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_reading_after_a_fork(ours: Path):
    image = open_image(ours)
    whole = image.read()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=read_in_child, args=(image, queue)) for _ in range(2)]
    for child in children:
        child.start()
    sums = [queue.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    assert sums == [int(whole[0, 0].sum())] * 2


def test_zips_with_and_without_a_folder_and_compressed(ours: Path, tmp_path: Path):
    array = pixels((2, 3, 600, 700))
    for name, prefix, method in (
        ("stored.ozx", "", zipfile.ZIP_STORED),
        ("folder.zarr.zip", "a.ome.zarr/", zipfile.ZIP_STORED),
        ("packed.zarr.zip", "", zipfile.ZIP_DEFLATED),
    ):
        with zipfile.ZipFile(tmp_path / name, "w", method) as archive:
            for file in sorted(ours.rglob("*")):
                if file.is_file():
                    archive.write(file, prefix + file.relative_to(ours).as_posix())
        image = open_image(tmp_path / name)
        assert (image.read() == array).all()
        assert label_names(tmp_path / name) == ["cells"]
        assert (
            pickle.loads(pickle.dumps(open_label(tmp_path / name, "cells"))).read() == array[0] // 60
        ).shape


def test_collections_and_plates(ours: Path, tmp_path: Path):
    many = tmp_path / "many.zarr"
    for name in ("0", "1", "10"):
        shutil.copytree(ours, many / name)
    head = {"zarr_format": 3, "node_type": "group"}
    (many / "zarr.json").write_text(
        json.dumps({**head, "attributes": {"ome": {"version": "0.5", "bioformats2raw.layout": 3}}})
    )
    assert [member.name for member in members(many)] == ["0", "1", "10"]
    assert open_image(many, "10").shape == (2, 3, 600, 700)
    with pytest.raises(ImageError, match="holds 3 images"):
        open_image(many)
    assert label_names(many, "1") == ["cells"]
    assert open_label(many, "cells", "1").member == "1/labels/cells"
    plate = tmp_path / "plate.zarr"
    shutil.copytree(ours, plate / "A/1/0")
    (plate / "A/1/zarr.json").write_text(
        json.dumps({**head, "attributes": {"ome": {"version": "0.5", "well": {"images": [{"path": "0"}]}}}})
    )
    (plate / "zarr.json").write_text(
        json.dumps({**head, "attributes": {"ome": {"version": "0.5", "plate": {"wells": [{"path": "A/1"}]}}}})
    )
    assert [member.name for member in members(plate)] == ["A/1/0"]
    assert open_image(plate).member == "A/1/0"


def test_the_reader_fits_the_protocol():
    verify(OME_ZARR, Reader)


def test_without_the_c_functions_the_same_is_read_and_written(ours: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(codecs_native, "functions", lambda: None)
    again = tmp_path / "again/a.ome.zarr"
    image = ArrayImage(pixels((2, 3, 600, 700)), "CZYX")
    marks = ArrayImage(pixels((3, 600, 700)) // 60, "ZYX")
    write_image(again, image, labels=[LabelSource("cells", marks)])
    for file in ours.rglob("*"):
        if file.is_file():
            assert (again / file.relative_to(ours)).read_bytes() == file.read_bytes()
    assert (open_image(again).read() == image.read()).all()
