"""Dates: as precise as written, never guessed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.metadata import parse_moment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023", "2023"),
        ("2023-01", "2023-01"),
        ("2023-01-17", "2023-01-17"),
        ("2023-01-17T10:04:00-00:00", "2023-01-17T10:04:00-00:00"),
        ("2023-01-17T10:04:00.5Z", "2023-01-17T10:04:00.5Z"),
        ("2023-01-17 10:04", "2023-01-17T10:04:00"),
        ("2023-01-17t10:04+0100", "2023-01-17T10:04:00+01:00"),
        ("2023-01-17 10:04 UTC", "2023-01-17T10:04:00Z"),
        ("17 January 2023", "2023-01-17"),
        ("17th  Jan. 2023", "2023-01-17"),
        ("January 17, 2023", "2023-01-17"),
        ("Jan 2023", "2023-01"),
        ("17/01/2023", "2023-01-17"),
        ("01/17/2023", "2023-01-17"),
        ("17.1.2023", "2023-01-17"),
        ("2023/1/7", "2023-01-07"),
        ("4/4/2023", "2023-04-04"),
        ("29 February 2024", "2024-02-29"),
    ],
)
def test_dates_are_read(text: str, value: str) -> None:
    moment = parse_moment(text)
    assert (moment.value, moment.problem) == (value, "")
    assert parse_moment(value).value == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3/4/2023", "2023-04-03 or 2023-03-04"),
        ("2023-02-29", "no such day"),
        ("31 June 2023", "no such day"),
        ("2023-01-17T25:00", "no such time"),
        ("2023-01-17T10:00+25:00", "no such time"),
        ("12 weeks", "not a date"),
        ("17 January 17 2023", "not a date"),
        ("99/99/2023", "not a date"),
        ("", "not a date"),
    ],
)
def test_what_is_not_understood_says_why(text: str, told: str) -> None:
    moment = parse_moment(text)
    assert not moment.ok
    assert moment.value == ""
    assert told in moment.problem


def test_precision_and_offset_are_known() -> None:
    assert not parse_moment("2023-01-17").is_time
    assert parse_moment("2023-01-17T10:04").is_time
    assert not parse_moment("2023-01-17T10:04").has_offset
    assert parse_moment("2023-01-17T10:04Z").has_offset
    assert parse_moment("2023-01-17T10:04-05:00").has_offset


@CALM
@given(st.datetimes(datetime(1000, 1, 1), timezones=st.none() | st.just(UTC)))
def test_every_iso_time_reads_back(moment: datetime) -> None:
    read = parse_moment(moment.isoformat())
    assert read.ok
    assert datetime.fromisoformat(read.value) == moment


@CALM
@given(st.text(max_size=30) | st.from_regex(r"[0-9/. -]{1,12}", fullmatch=True))
def test_no_text_breaks_it(text: str) -> None:
    moment = parse_moment(text)
    assert moment.ok == bool(moment.value)
