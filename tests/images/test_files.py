import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrographia.errors import ImageError
from micrographia.images import cache
from micrographia.images.calibration import Calibration, color, resolution, tidy, udunits
from micrographia.images.files import (
    choose,
    collect_logs,
    decoding,
    limit,
    one_line,
    parsing,
    pixel_dtype,
    printable,
)


def test_any_exception_becomes_one_error() -> None:
    said = r"^a\.tif: its pixels cannot be read: two lines\. The file is damaged"
    with pytest.raises(ImageError, match=said), decoding(Path("a.tif")):
        raise RuntimeError("two\n  lines")
    with pytest.raises(ImageError, match="does not fit into memory"), decoding(Path("a.tif")):
        raise MemoryError
    with pytest.raises(KeyboardInterrupt), decoding(Path("a.tif")):
        raise KeyboardInterrupt


def test_warnings_and_logs_are_collected() -> None:
    collect_logs("some_library")
    with parsing(Path("a.tif")) as said:
        warnings.warn("odd header", UserWarning, stacklevel=1)
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
        logging.getLogger("some_library.deep").warning("odd %s", "tag")
        logging.getLogger("some_library.deep").info("chatter")
    assert said == ["odd tag", "odd header"]


def test_logs_of_others_reach_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    collect_logs("another_library")
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        logging.getLogger("another_library").warning("for everybody")
    finally:
        root.handlers = handlers
    assert "for everybody" in capsys.readouterr().err


@pytest.mark.parametrize(("stored", "read"), [("bool", "uint8"), (">u2", "uint16"), ("<f8", "float64")])
def test_types_that_are_pixels(stored: str, read: str) -> None:
    assert pixel_dtype(Path("a"), stored) == np.dtype(read)


@pytest.mark.parametrize("stored", ["c8", "O", "U4", "f16", "M8[s]", [("a", "u1")]])
def test_types_that_are_no_pixels(stored: Any) -> None:
    with pytest.raises(ImageError, match="not pixels"):
        pixel_dtype(Path("a"), stored)


def test_members_are_chosen_by_name_and_number() -> None:
    path = Path("a.svs")
    assert choose(path, [""], "") == 0
    assert choose(path, ["a", "b"], "b") == 1
    assert choose(path, ["a", "b"], "1") == 1
    assert choose(path, ["1", "0"], "0") == 1
    assert choose(path, ["Baseline", "Label"], "", ("Label",)) == 0
    for names, member in (
        (["a", "b"], ""),
        (["a"], "c"),
        ([""], "c"),
        (["Label", "Label 2"], ""),
        (["a"], "²"),
    ):
        with pytest.raises(ImageError):
            choose(path, names, member, ("Label",))
    with pytest.raises(ImageError, match=r"holds 20 images\. Name one of its members: '0', .*'7', \.\.\.$"):
        choose(path, [str(number) for number in range(20)], "")


def test_small_things(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_line(ValueError("")) == "ValueError"
    assert len(one_line(ValueError("x" * 999))) == 200
    assert printable("a\udce9b") == r"a\xe9b"
    assert limit() == 512 << 20
    monkeypatch.setenv("MICROGRAPHIA_MAX_DECODED_MB", "3")
    assert limit() == 3 << 20
    monkeypatch.setenv("MICROGRAPHIA_MAX_DECODED_MB", "lots")
    assert limit() == 512 << 20


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [
        ("µm", "micrometer"),
        ("μm", "micrometer"),
        ("\\u00B5m", "micrometer"),
        ("Microns", "micrometer"),
        ("um", "micrometer"),
        ("nm", "nanometer"),
        ("Å", "angstrom"),
        ("mm", "millimeter"),
        ("inch", "inch"),
        ("sec", "second"),
        ("ms", "millisecond"),
        ("min", "minute"),
        ("pixel", None),
        ("", None),
        (None, None),
        ("furlong", None),
    ],
)
def test_units_have_one_name(spelling: str | None, unit: str | None) -> None:
    assert udunits(spelling) == unit


def test_calibration_takes_only_positive_numbers() -> None:
    said = Calibration()
    for step in (0, float("nan"), float("inf"), "none", None):
        said.set("x", step, "micrometer")
    assert said.scale == {}
    said.set("y", "-0.5", "micrometer")
    said.set("z", 2, None)
    assert (said.scale, said.units) == ({"y": 0.5, "z": 2.0}, {"y": "micrometer"})
    assert said.fit("YX", 1).scale == {"y": 0.5}
    assert resolution(0, 1, "inch").scale == {}
    assert tidy(1e-7 * 1e6) == 0.1
    assert color((300, -4, 16)) == "FF0010"


def test_the_cache_keeps_the_last_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CAPACITY", 100)
    owner, made = cache.BlockOwner(), []

    def block(key: int, size: int = 40) -> Any:
        def make() -> Any:
            made.append(key)
            return np.full(size, key, np.uint8)

        return owner.block(key, make)

    for key in (1, 2, 1, 3, 1, 2):
        assert block(key)[0] == key
    assert made == [1, 2, 3, 2]
    assert not block(2).flags.writeable
    other = cache.BlockOwner()
    for key in (7, 7, 8):
        assert block(key, 500)[0] == key  # larger than all of it: only the last one is kept
    assert made[4:] == [7, 8]
    other.block(9, lambda: np.zeros(500, np.uint8))
    block(8, 500)
    assert made[6:] == [8]
    owner.forget()
    block(8, 500)
    assert made[7:] == [8]
