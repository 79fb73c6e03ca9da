"""Units: UDUNITS names from any usual symbol or word; a pixel is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.metadata import is_length, normalise_unit
from micrographia.metadata.units import LENGTHS, TIMES


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("µm", "micrometer"),
        ("μm", "micrometer"),
        ("um", "micrometer"),
        ("\\u00B5m", "micrometer"),
        ("micron", "micrometer"),
        ("Microns", "micrometer"),
        ("micrometre", "micrometer"),
        ("Micrometers", "micrometer"),
        ("nm", "nanometer"),
        ("mm", "millimeter"),
        ("Mm", "megameter"),
        ("m", "meter"),
        ("Å", "angstrom"),
        ("ångström", "angstrom"),
        ("inches", "inch"),
        ("s", "second"),
        ("sec.", "second"),
        ("ms", "millisecond"),
        ("msec", "millisecond"),
        ("min", "minute"),
        ("hours", "hour"),
        ("hr", "hour"),
    ],
)
def test_units_are_read(text: str, unit: str) -> None:
    assert normalise_unit(text) == unit


@pytest.mark.parametrize("text", ["pixel", "px", "", "voxels", "unknown", "furlong"])
def test_what_is_no_unit(text: str) -> None:
    assert normalise_unit(text) is None


@pytest.mark.parametrize("unit", [*LENGTHS, *TIMES])
def test_names_stay(unit: str) -> None:
    assert normalise_unit(unit) == unit
    assert is_length(unit) == (unit in LENGTHS)


@CALM
@given(st.text(max_size=20))
def test_no_text_breaks_it(text: str) -> None:
    unit = normalise_unit(text)
    assert unit is None or normalise_unit(unit) == unit
