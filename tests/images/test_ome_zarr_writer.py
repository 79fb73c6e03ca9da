import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrographia.errors import ImageError
from micrographia.images import (
    ArrayImage,
    Channel,
    LabelSource,
    content_digest,
    open_image,
    open_label,
    open_level,
    write_image,
)
from micrographia.images.pyramid_kernels import halve

UNITS = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}


def picture(shape: tuple[int, ...], axes: str, dtype: type = np.uint16, **more) -> ArrayImage:
    random = np.random.default_rng(11)
    return ArrayImage(random.integers(0, 200, shape).astype(dtype), axes, **more)


def blobs(shape: tuple[int, ...], axes: str, dtype: type = np.uint16) -> ArrayImage:
    places = np.indices(shape)
    return ArrayImage((sum(place // 9 for place in places) % 5 * 3).astype(dtype), axes)


def arrays(folder: Path, group: str = "") -> list[np.ndarray]:
    """Return all levels as zarr-python reads them."""
    opened = zarr.open_group(folder, path=group, mode="r")
    ome = opened.attrs.asdict().get("ome", opened.attrs.asdict())
    return [np.asarray(opened[entry["path"]]) for entry in ome["multiscales"][0]["datasets"]]


def attributes(folder: Path, group: str = "") -> dict:
    return zarr.open_group(folder, path=group, mode="r").attrs.asdict()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_all_levels_are_halves_of_the_one_before(tmp_path: Path, version: str):
    image = picture((2, 5, 301, 530), "CZYX", scale={"z": 0.6, "y": 0.5, "x": 0.5}, units=UNITS)
    labels = blobs((5, 301, 530), "ZYX")
    target = tmp_path / "a.ome.zarr"
    write_image(target, image, labels=[LabelSource("cells", labels)], version=version)
    levels, marks = arrays(target), arrays(target, "labels/cells")
    assert [level.shape for level in levels] == [(2, 5, 301, 530), (2, 3, 151, 265), (2, 2, 76, 133)]
    assert (levels[0] == image.read()).all()
    assert (marks[0] == labels.read()).all()
    for number in (1, 2):
        for channel in range(2):
            assert (
                levels[number][channel] == halve(levels[number - 1][channel], deep=True, labels=False)
            ).all()
        assert (marks[number] == halve(marks[number - 1], deep=True, labels=True)).all()


def test_metadata_of_an_image_and_its_labels(tmp_path: Path):
    channels = [Channel("DNA", "0000FF"), Channel("", None)]
    image = picture(
        (2, 4, 300, 280),
        "CZYX",
        np.uint8,
        scale={"z": 2.0, "y": 0.5, "x": 0.5},
        units=UNITS,
        channels=channels,
    )
    properties = [{"label-value": np.int64(3), "area": 7.5}, {"label-value": 6, "class": "cell"}]
    target = tmp_path / "a.ome.zarr"
    source = LabelSource("cells", blobs((4, 300, 280), "ZYX", np.int32), properties=lambda: properties)
    write_image(target, image, labels=[source], name="one", attributes={"more": {"a": 1}})
    root = attributes(target)
    assert root["more"] == {"a": 1}
    ome = root["ome"]
    assert ome["version"] == "0.5"
    pyramid = ome["multiscales"][0]
    assert pyramid["name"] == "one"
    assert pyramid["type"] == "mean"
    assert pyramid["axes"] == [
        {"name": "c", "type": "channel"},
        *({"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"),
    ]
    assert pyramid["datasets"][1] == {
        "path": "1",
        "coordinateTransformations": [
            {"type": "scale", "scale": [1.0, 2.0, 1.0, 1.0]},
            {"type": "translation", "translation": [0.0, 0.0, 0.25, 0.25]},
        ],
    }
    first, second = ome["omero"]["channels"]
    assert (first["label"], first["color"], second["color"]) == ("DNA", "0000FF", "00FF00")
    assert "label" not in second
    assert first["window"]["min"] == 0
    assert first["window"]["max"] == 255
    assert 0 <= first["window"]["start"] < first["window"]["end"] <= 255
    assert ome["omero"]["rdefs"] == {"defaultT": 0, "defaultZ": 2, "model": "color"}
    assert attributes(target, "labels")["ome"] == {"version": "0.5", "labels": ["cells"]}
    label = attributes(target, "labels/cells")["ome"]
    assert label["image-label"]["source"] == {"image": "../../"}
    assert label["image-label"]["properties"] == [
        {"label-value": 3, "area": 7.5},
        {"label-value": 6, "class": "cell"},
    ]
    assert [entry["label-value"] for entry in label["image-label"]["colors"]] == [3, 6]
    assert label["multiscales"][0]["type"] == "mode"
    assert len(label["multiscales"][0]["datasets"]) == len(pyramid["datasets"])
    assert zarr.open_array(target / "labels/cells/0", mode="r").dtype == np.uint32
    assert zarr.open_array(target / "0", mode="r").metadata.dimension_names == ("c", "z", "y", "x")


def test_version_0_4_is_zarr_2_without_a_name_space(tmp_path: Path):
    target = tmp_path / "a.ome.zarr"
    write_image(
        target, picture((30, 40), "YX"), labels=[LabelSource("n", blobs((30, 40), "YX"))], version="0.4"
    )
    assert not list(target.rglob("zarr.json"))
    assert json.loads((target / "0/.zarray").read_text())["dimension_separator"] == "/"
    assert attributes(target)["multiscales"][0]["version"] == "0.4"
    assert attributes(target, "labels") == {"labels": ["n"]}
    assert attributes(target, "labels/n")["image-label"]["version"] == "0.4"


def test_unknown_pixel_size_is_scale_1_without_unit(tmp_path: Path):
    target = tmp_path / "a.ome.zarr"
    write_image(target, picture((300, 40), "YX"))
    pyramid = attributes(target)["ome"]["multiscales"][0]
    assert all("unit" not in axis for axis in pyramid["axes"])
    scales = [entry["coordinateTransformations"][0]["scale"] for entry in pyramid["datasets"]]
    assert scales == [[1.0, 1.0, 1.0], [1.0, 2.0, 2.0]]
    assert open_image(target).scale == {}


def test_display_limits_leave_out_outliers(tmp_path: Path):
    pixels = np.random.default_rng(0).normal(1000, 50, (256, 256)).astype(np.uint16)
    pixels[0, 0] = 65535
    write_image(tmp_path / "a.ome.zarr", ArrayImage(pixels, "YX"))
    window = attributes(tmp_path / "a.ome.zarr")["ome"]["omero"]["channels"][0]["window"]
    low, high = np.quantile(pixels, [0.001, 0.999])
    assert abs(window["start"] - low) < 5
    assert abs(window["end"] - high) < 10
    assert (window["min"], window["max"]) == (0, 65535)


@pytest.mark.parametrize(
    ("pixels", "limits"),
    [
        (np.zeros((4, 4), np.uint8), [0, 1, 0, 255]),
        (np.full((4, 4), np.nan, np.float32), [0, 1, 0, 1]),
        (np.full((4, 4), -3, np.int16), [-3, -2, -32768, 32767]),
        (np.array([[0.5, np.inf], [2.5, 1.0]], np.float32), [0.5, 2.5, 0.5, 2.5]),
    ],
)
def test_display_limits_of_odd_images(tmp_path: Path, pixels: np.ndarray, limits: list[float]):
    write_image(tmp_path / "a.ome.zarr", ArrayImage(pixels, "YX"))
    window = attributes(tmp_path / "a.ome.zarr")["ome"]["omero"]["channels"][0]["window"]
    assert [window[key] for key in ("start", "end", "min", "max")] == limits


def test_significant_bits_bound_the_display(tmp_path: Path):
    image = picture((40, 40), "YX")
    image.bits = 12
    write_image(tmp_path / "a.ome.zarr", image)
    assert attributes(tmp_path / "a.ome.zarr")["ome"]["omero"]["channels"][0]["window"]["max"] == 4095
    assert open_image(tmp_path / "a.ome.zarr").bits == 12


def test_a_colour_picture_stays_one(tmp_path: Path):
    image = picture((3, 300, 500), "CYX", np.uint8, rgb=True)
    write_image(tmp_path / "a.ome.zarr", image)
    assert zarr.open_array(tmp_path / "a.ome.zarr/0", mode="r").chunks == (3, 300, 500)
    back = open_image(tmp_path / "a.ome.zarr")
    assert back.rgb
    assert [channel.color for channel in back.channels] == ["FF0000", "00FF00", "0000FF"]


def test_what_is_written_is_listed_with_checksums(tmp_path: Path):
    import hashlib

    image = picture((2, 700, 900), "CYX")
    labels = blobs((700, 900), "YX")
    for version in ("0.4", "0.5"):
        target = tmp_path / f"{version}.ome.zarr"
        written = write_image(target, image, labels=[LabelSource("n", labels)], version=version)
        files = contents(target)
        assert {file.path: (file.size, file.sha256) for file in written.files} == {
            name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()
        }
        assert written.nbytes == sum(map(len, files.values()))
        assert [file.path for file in written.files] == sorted(files)
        assert written.pixel_bytes == image.nbytes + labels.nbytes
        assert written.digest == content_digest(image) == content_digest(open_image(target))
        assert written.label_digests == {"n": content_digest(open_label(target, "n"), kind="label")}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_bytes_do_not_depend_on_threads(tmp_path: Path, version: str):
    image = picture(
        (2, 3, 1500, 2100),
        "CZYX",
        scale={"z": 0.5, "y": 0.5, "x": 0.5},
        units=UNITS,
        block_shape=(1, 1, 300, 2100),
    )
    labels = blobs((3, 1500, 2100), "ZYX")
    for threads in (1, 4):
        write_image(
            tmp_path / f"{threads}/a.ome.zarr",
            image,
            labels=[LabelSource("n", labels)],
            version=version,
            threads=threads,
        )
    assert contents(tmp_path / "1/a.ome.zarr") == contents(tmp_path / "4/a.ome.zarr")


def test_pixels_do_not_depend_on_how_the_source_is_cut(tmp_path: Path):
    pixels = picture((2, 1300, 2500), "ZYX").read()
    scale = dict.fromkeys("zyx", 0.5)
    found = []
    for name, block in (("rows", (1, 16, 2500)), ("tiles", (1, 512, 512)), ("brick", (2, 64, 64))):
        image = ArrayImage(pixels, "ZYX", scale=scale, units=UNITS, block_shape=block)
        written = write_image(tmp_path / name / "a.ome.zarr", image, threads=2)
        found.append((written.digest, [level.tobytes() for level in arrays(written.path)]))
    assert found[0] == found[1] == found[2]


KINDS = st.sampled_from(
    [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.float32, np.uint64, np.float64]
)
AXES = st.sampled_from(["YX", "CYX", "ZYX", "TYX", "TCYX", "CZYX", "TCZYX"])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(axes=AXES, kind=KINDS, version=st.sampled_from(["0.4", "0.5"]), data=st.data())
def test_round_trip(tmp_path_factory, axes: str, kind: type, version: str, data):
    shape = tuple(data.draw(st.integers(1, 600 if axis in "YX" else 3), label=axis) for axis in axes)
    image = picture(shape, axes, kind, scale={"y": 0.5, "x": 0.25})
    labels = blobs(
        tuple(size for axis, size in zip(axes, shape, strict=True) if axis != "C"), axes.replace("C", "")
    )
    target = tmp_path_factory.mktemp("trip") / "a.ome.zarr"
    written = write_image(target, image, labels=[LabelSource("n", labels)], version=version, verify=True)
    back, marks = open_image(target), open_label(target, "n")
    assert written.verified
    assert content_digest(back) == written.digest
    assert (back.read().ravel() == image.read().ravel()).all()
    assert (marks.read().ravel() == labels.read().ravel()).all()
    assert back.scale == {"y": 0.5, "x": 0.25}


def test_one_flat_label_may_serve_a_whole_stack(tmp_path: Path):
    image = picture((4, 300, 280), "ZYX", scale=dict.fromkeys("zyx", 0.5), units=UNITS)
    write_image(tmp_path / "a.ome.zarr", image, labels=[LabelSource("n", blobs((300, 280), "YX"))])
    assert [level.shape for level in arrays(tmp_path / "a.ome.zarr", "labels/n")] == [
        (1, 300, 280),
        (1, 150, 140),
    ]
    assert open_label(tmp_path / "a.ome.zarr", "n").scale == {"y": 0.5, "x": 0.5}


def test_labels_are_observed_once_and_in_order(tmp_path: Path):
    labels = blobs((3, 1500, 1200), "ZYX")
    seen = np.zeros((3, 1500, 1200), np.uint16)
    order = []

    def observe(region, pixels):
        order.append([part.start for part in region])
        seen[region] += pixels

    source = LabelSource("n", labels, observe=observe)
    write_image(tmp_path / "a.ome.zarr", picture((3, 1500, 1200), "ZYX"), labels=[source], threads=4)
    assert (seen == labels.read()).all()
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        (np.zeros((40, 41), np.uint8), "41 pixels along X"),
        (np.zeros((40, 40), np.float32), "type float32"),
        (np.full((40, 40), -1, np.int16), "negative value -1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, label: np.ndarray, problem: str):
    source = LabelSource("n", ArrayImage(label, "YX", path=Path("mask.tif")))
    with pytest.raises(ImageError, match=problem) as caught:
        write_image(tmp_path / "a.ome.zarr", picture((40, 40), "YX"), labels=[source])
    assert caught.value.path == "mask.tif"
    assert list(tmp_path.iterdir()) == []


def test_a_label_with_channels_is_refused(tmp_path: Path):
    source = LabelSource("n", ArrayImage(np.zeros((2, 40, 40), np.uint8), "CYX"))
    with pytest.raises(ImageError, match="2 pixels along C"):
        write_image(tmp_path / "a.ome.zarr", picture((2, 40, 40), "CYX"), labels=[source])


@pytest.mark.parametrize("names", [["../up"], ["a/b"], [""], [".."], ["A", "a"], ["-x"], ["zarr.json"]])
def test_names_of_labels_are_safe_and_unique(tmp_path: Path, names: list[str]):
    sources = [LabelSource(name, blobs((40, 40), "YX")) for name in names]
    with pytest.raises(ImageError, match="name of a label image"):
        write_image(tmp_path / "a.ome.zarr", picture((40, 40), "YX"), labels=sources)


def test_an_existing_target_is_replaced_only_when_asked(tmp_path: Path):
    target = tmp_path / "a.ome.zarr"
    write_image(target, picture((40, 40), "YX"))
    before = contents(target)
    with pytest.raises(ImageError, match="it exists"):
        write_image(target, picture((50, 50), "YX"))
    assert contents(target) == before
    write_image(target, picture((50, 50), "YX"), overwrite=True)
    assert open_image(target).shape == (50, 50)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ome.zarr"]


class Breaks:
    """Pixels that cannot be read from some row on."""

    def __init__(self, row: int) -> None:
        self.row = row

    def read(self, region):
        if region[0].stop > self.row:
            raise ImageError("broken.tif", "cannot be read there")
        return np.zeros([part.stop - part.start for part in region], np.uint8)

    def close(self):
        pass


@pytest.mark.parametrize("threads", [1, 3])
def test_a_source_that_breaks_leaves_nothing_and_keeps_the_old(tmp_path: Path, threads: int):
    from micrographia.images import Image

    target = tmp_path / "a.ome.zarr"
    write_image(target, picture((40, 40), "YX"))
    before = contents(target)
    broken = Image(Breaks(5000), path=Path("broken.tif"), axes="YX", shape=(9000, 1024), dtype=np.uint8)
    with pytest.raises(ImageError, match=r"broken\.tif: cannot be read there"):
        write_image(target, broken, overwrite=True, threads=threads)
    assert contents(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.ome.zarr"]


def test_what_a_killed_run_left_is_set_right(tmp_path: Path):
    target = tmp_path / "a.ome.zarr"
    write_image(target, picture((40, 40), "YX"))
    target.rename(tmp_path / ".a.ome.zarr.old")
    (tmp_path / ".a.ome.zarr.partial").mkdir()
    (tmp_path / ".a.ome.zarr.partial/junk").write_text("x")
    write_image(target, picture((50, 50), "YX"), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ome.zarr"]
    assert open_image(target).shape == (50, 50)


def test_verifying_finds_what_differs(tmp_path: Path, monkeypatch):
    from micrographia.images import ome_zarr_writer

    class Flips(ome_zarr_writer.PyramidStream):
        """Spoils one pixel after it was read, as faulty memory would."""

        def _read(self, region):
            image = self.image
            spoiled = image.read().copy()
            spoiled[7, 9] ^= 1
            self.image = ArrayImage(spoiled, "YX")
            result = super()._read(region)
            self.image = image
            return result

    monkeypatch.setattr(ome_zarr_writer, "PyramidStream", Flips)
    with pytest.raises(ImageError, match="differs from"):
        write_image(tmp_path / "a.ome.zarr", picture((40, 40), "YX"), verify=True)
    assert list(tmp_path.iterdir()) == []


def test_a_zip_begins_with_its_metadata_and_is_not_compressed(tmp_path: Path):
    image, labels = picture((2, 300, 500), "CYX"), blobs((300, 500), "YX")
    written = write_image(tmp_path / "a.ozx", image, labels=[LabelSource("n", labels)], verify=True)
    again = write_image(tmp_path / "b.ozx", image, labels=[LabelSource("n", labels)], name="a")
    assert [file.path for file in written.files] == ["a.ozx"]
    assert written.files[0].sha256 == again.files[0].sha256
    with zipfile.ZipFile(tmp_path / "a.ozx") as archive:
        names = archive.namelist()
        assert names[0] == "zarr.json"
        metadata = [name for name in names if name.endswith("zarr.json")]
        assert names[: len(metadata)] == metadata
        assert [name.count("/") for name in metadata] == sorted(name.count("/") for name in metadata)
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert json.loads(archive.comment)["ome"]["version"] == "0.5"
        assert archive.testzip() is None
    store = zarr.storage.ZipStore(tmp_path / "a.ozx", mode="r")
    assert (np.asarray(zarr.open_array(store, path="0", mode="r")) == image.read()).all()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.ozx", "b.ozx"]


def test_a_zip_of_version_0_4_is_refused(tmp_path: Path):
    with pytest.raises(ImageError, match=r"has version 0\.5"):
        write_image(tmp_path / "a.ozx", picture((40, 40), "YX"), version="0.4")


def test_levels_can_be_opened_one_by_one(tmp_path: Path):
    image = picture(
        (300, 600), "YX", scale={"y": 0.5, "x": 0.5}, units={"y": "micrometer", "x": "micrometer"}
    )
    write_image(tmp_path / "a.ome.zarr", image)
    small = open_level(tmp_path / "a.ome.zarr", level=2)
    assert small.shape == (75, 150)
    assert small.scale == {"y": 2.0, "x": 2.0}
    with pytest.raises(ImageError, match="has 3 levels"):
        open_level(tmp_path / "a.ome.zarr", level=3)
