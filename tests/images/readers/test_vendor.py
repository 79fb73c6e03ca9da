import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from images.region_checks import assert_reads
from images.vendor_bytes import lif_bytes, nd2_bytes
from micrographia.errors import ImageError
from micrographia.images import members, open_image


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 200, shape).astype(dtype)


def lif(path: Path) -> tuple[Any, Any]:
    first, second = noise(2, 3, 20, 30, dtype="u1"), noise(1, 1, 25, 35)
    path.write_bytes(lif_bytes([("first", first, 1e-7), ("second", second, 2e-7)]))
    return first, second


@pytest.mark.parametrize(
    ("suffix", "module"), [(".lif", "bioio_lif"), (".nd2", "bioio_nd2"), (".czi", "bioio_czi")]
)
def test_the_extra_is_offered_where_it_is_missing(
    tmp_path: Path, suffix: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    heads = {".lif": lif_bytes([]), ".nd2": b"\xda\xce\xbe\x0a", ".czi": b"ZISRAWFILE"}
    path = tmp_path / f"a{suffix}"
    path.write_bytes(heads[suffix].ljust(200, b"\0"))
    with pytest.raises(ImageError, match=r'Run: pip install "micrographia\[vendor\]"$'):
        members(path)
    with pytest.raises(ImageError, match="which needs readers that are not installed"):
        open_image(path)


def test_lif_scenes(tmp_path: Path) -> None:
    pytest.importorskip("bioio_lif")
    path = tmp_path / "a.lif"
    first, second = lif(path)
    assert [(m.name, m.axes, m.shape, m.dtype) for m in members(path)] == [
        ("first", "CZYX", (2, 3, 20, 30), "uint8"),
        ("second", "YX", (25, 35), "uint16"),
    ]
    image = open_image(path, "first")
    assert image.file_format == "LIF"
    assert image.scale == pytest.approx({"z": 0.1, "y": 0.1, "x": 0.1})
    assert [channel.name for channel in image.channels] == ["Green", "Red"]
    assert image.block_shape == (1, 1, 20, 30)
    assert_reads(image, first)
    assert open_image(path, "second").scale == pytest.approx({"y": 0.2, "x": 0.2})
    assert_reads(open_image(path, "second"), second[0, 0])
    with pytest.raises(ImageError, match=r"holds 2 images\. Name one of its members: 'first', 'second'"):
        open_image(path)


def test_nd2(tmp_path: Path) -> None:
    pytest.importorskip("bioio_nd2")
    array = noise(3, 2, 20, 30)
    (tmp_path / "a.nd2").write_bytes(nd2_bytes(array, 0.325, 2.0, ["DAPI", "GFP"]))
    image = open_image(tmp_path / "a.nd2")
    assert (image.file_format, image.axes) == ("ND2", "CZYX")
    assert image.scale == {"z": 2, "y": 0.325, "x": 0.325}
    assert [channel.name for channel in image.channels] == ["DAPI", "GFP"]
    assert_reads(image, array.transpose(1, 0, 2, 3))


def test_nd2_without_calibration_has_no_pixel_size(tmp_path: Path) -> None:
    pytest.importorskip("bioio_nd2")
    data = nd2_bytes(noise(3, 2, 20, 30), 1.0, 2.0, ["DAPI", "GFP"], calibrated=False)
    (tmp_path / "a.nd2").write_bytes(data)
    image = open_image(tmp_path / "a.nd2")
    assert image.scale == {}
    assert any("without calibration" in note for note in image.notes)


def test_czi(tmp_path: Path) -> None:
    pytest.importorskip("bioio_czi")
    czi = pytest.importorskip("pylibCZIrw.czi")
    array = noise(2, 3, 40, 50)
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for c in range(2):
            for z in range(3):
                file.write(array[c, z, :, :, None], plane={"C": c, "Z": z, "T": 0})
        file.write_metadata(
            "a", channel_names={0: "DAPI", 1: "GFP"}, scale_x=1e-7, scale_y=1e-7, scale_z=5e-7
        )
    image = open_image(tmp_path / "a.czi")
    assert (image.file_format, image.axes) == ("CZI", "CZYX")
    assert image.scale == {"z": 0.5, "y": 0.1, "x": 0.1}
    assert [channel.name for channel in image.channels] == ["DAPI", "GFP"]
    assert_reads(image, array)


def test_czi_scenes_that_its_metadata_do_not_name_are_told(tmp_path: Path) -> None:
    pytest.importorskip("bioio_czi")
    czi = pytest.importorskip("pylibCZIrw.czi")
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for scene in range(2):
            file.write(noise(40, 50)[..., None], plane={"C": 0}, scene=scene, location=(100 * scene, 0))
        file.write_metadata("a", scale_x=1e-7, scale_y=1e-7)
    assert (
        "its metadata name 1 of its 2 scenes; the others are not read" in open_image(tmp_path / "a.czi").notes
    )


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_damage_is_told(tmp_path: Path, part: float) -> None:
    pytest.importorskip("bioio_lif")
    lif(tmp_path / "a.lif")
    data = (tmp_path / "a.lif").read_bytes()
    (tmp_path / "a.lif").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ImageError, match=r"a\.lif"):
        open_image(tmp_path / "a.lif", "second").read()
