"""Dates and times as people write them, read to ISO 8601; an ambiguous date is not guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"), ("feb", "february"), ("mar", "march"), ("apr", "april"), ("may",), ("jun", "june"),
            ("jul", "july"), ("aug", "august"), ("sep", "sept", "september"), ("oct", "october"),
            ("nov", "november"), ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, or a date and time, that somebody wrote.

    Parameters
    ----------
    text
        What was written.
    value
        The same in ISO 8601, no more precise than what was written; empty if it was not understood.
    problem
        Why it was not understood, as a clause without a full stop.
    """

    text: str
    value: str = ""
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the text was understood."""
        return not self.problem

    @property
    def is_time(self) -> bool:
        """Whether a time of the day is given."""
        return "T" in self.value

    @property
    def has_offset(self) -> bool:
        """Whether the time says how far it is from UTC."""
        return bool(re.search(r"T.*(Z|[+-][0-9]{2}:[0-9]{2})$", self.value))


_ISO = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T ]\s*([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?"
    r"\s*(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?)?)?",
    re.IGNORECASE,
)


def parse_moment(text: str) -> Moment:
    """Read a date or time.

    Parameters
    ----------
    text
        ISO 8601 to the year, month, day, minute or second; or a date with the month's name; or numbers with the
        day first or the month first where only one reading is possible.

    Returns
    -------
    Moment
        With ``value`` in ISO 8601, or with ``problem``.

    Examples
    --------
    >>> parse_moment("17 January 2023").value
    '2023-01-17'
    >>> parse_moment("3/4/2023").problem
    '3/4/2023 may be 2023-04-03 or 2023-03-04'
    """
    plain = re.sub(r"\s+", " ", text.strip())
    match = _ISO.fullmatch(plain)
    if match:
        return _from_iso(text, match)
    named = re.fullmatch(
        r"(?:([0-9]{1,2})(?:st|nd|rd|th)?[ .-]*)?([A-Za-z]{3,9})\.?[ -]*"
        r"(?:([0-9]{1,2})(?:st|nd|rd|th)?,? )?,?([0-9]{4})",
        plain,
    )
    if named and named.group(2).lower() in _MONTHS and not (named.group(1) and named.group(3)):
        day = named.group(1) or named.group(3)
        return _from_numbers(
            text, int(named.group(4)), _MONTHS[named.group(2).lower()], int(day) if day else None
        )
    numbers = re.fullmatch(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})", plain)
    if numbers:
        first, second, year = (int(number) for number in numbers.groups())
        readings = {
            moment.value
            for moment in (_from_numbers(text, year, second, first), _from_numbers(text, year, first, second))
            if moment.ok
        }
        if len(readings) == 1:
            return Moment(text, readings.pop())
        if readings:
            both = " or ".join(sorted(readings, key=lambda value: value[5:7] != f"{second:02d}"))
            return Moment(text, problem=f"{plain} may be {both}")
    year_first = re.fullmatch(r"([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})", plain)
    if year_first:
        return _from_numbers(text, *(int(number) for number in year_first.groups()))
    return Moment(text, problem="this is not a date; write it as 2023-01-17 or 2023-01-17T10:04:00+01:00")


def _from_numbers(text: str, year: int, month: int, day: int | None = None) -> Moment:
    try:
        date(year, month, day or 1)
    except ValueError as error:
        return Moment(text, problem=f"there is no such day: {error}")
    return Moment(text, f"{year:04d}-{month:02d}" + (f"-{day:02d}" if day else ""))


def _from_iso(text: str, match: re.Match[str]) -> Moment:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if month is None:
        return Moment(text, year)
    moment = _from_numbers(text, int(year), int(month), int(day) if day else None)
    if not moment.ok or hour is None:
        return moment
    time = f"{hour}:{minute}:{second or '00'}{fraction or ''}"
    if offset and offset.upper() in {"Z", "UTC"}:
        offset = "Z"
    elif offset and ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    try:
        datetime.fromisoformat(f"{moment.value}T{hour}:{minute}:{second or '00'}{offset or ''}")
    except ValueError as error:
        return Moment(text, problem=f"there is no such time: {error}")
    return Moment(text, f"{moment.value}T{time}{offset or ''}")
