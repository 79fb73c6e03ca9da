"""Rules over versions and dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import suggest
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata.dates import parse_moment


class VersionGiven(Rule):
    """The dataset has a version.

    What it does
    ------------
    Asks for at least one entry under ``versions`` with a version and a timestamp.

    Why it matters
    --------------
    Masks get corrected. A score says nothing if nobody knows on which version it was reached.

    Example
    -------
    ``version: 1.0, timestamp: 2023-03-07``

    How to fix
    ----------
    Write the number of the release and its date into ``versions``.

    References
    ----------
    MIFA schema, ``Version``: version and timestamp (required).
    """

    code = "M050"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for versions and timestamps."""
        if not facts.mifa.versions:
            yield self.finding(
                "the dataset has no version",
                **facts.at("versions"),
                fix="write version and timestamp, for example 1.0 and the date of today",
                level=Level.ABSENT,
            )
        for number, version in enumerate(facts.mifa.versions):
            for name in ("version", "timestamp"):
                if not getattr(version, name) and name not in version.unread:
                    yield self.finding(
                        f"version {version.version or number + 1} has no {name}"
                        if name == "timestamp"
                        else f"entry {number + 1} of the versions has no version",
                        **facts.at(f"versions[{number}].{name}"),
                        fix="write it",
                        level=Level.PRESENT,
                    )


class VersionChain(Rule):
    """The versions form one chain, the newest last.

    What it does
    ------------
    Reports versions that occur twice, a ``previous_version`` that is none of them, chains that run in a circle, and
    versions that are not in the order of their dates. A previous version that is an address is not followed.

    Why it matters
    --------------
    From the chain people learn whether their scores still hold and what changed since.

    Example
    -------
    Version 1.2 names the previous version 1.1, which does not occur.

    How to fix
    ----------
    Correct the numbers, and list the newest version last.

    References
    ----------
    MIFA schema, ``Version``: changes, previous version.
    """

    code = "M051"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M050",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Follow the chain."""
        versions = facts.mifa.versions
        names = [version.version or "" for version in versions]
        for name, times in Counter(names).items():
            if times > 1:
                last = len(names) - 1 - names[::-1].index(name)
                yield self.finding(
                    f"version {name} occurs {times} times",
                    **facts.at(f"versions[{last}].version"),
                    fix="give each release a number of its own",
                    level=Level.PRESENT,
                )
        previous = {v.version: v.previous_version for v in versions if v.version and v.previous_version}
        for number, version in enumerate(versions):
            before = version.previous_version
            field = f"versions[{number}].previous_version"
            if not before or "://" in before or "/" in before:
                continue
            if before not in names:
                near = suggest(before, names)
                yield self.finding(
                    f"version {version.version} follows on {before}, which is not listed",
                    **facts.at(field),
                    fix=f"did you mean {near}?" if near else "list it, or give its address",
                    level=Level.PRESENT,
                )
            elif _circles(version.version or "", previous):
                yield self.finding(
                    f"version {version.version} follows, in the end, on itself",
                    **facts.at(field),
                    fix="name the release before it",
                    level=Level.PRESENT,
                )
        days = [(number, _day(version.timestamp)) for number, version in enumerate(versions)]
        dated = [(number, day) for number, day in days if day]
        for (earlier, first), (later, second) in pairwise(dated):
            if first > second:
                yield self.finding(
                    f"version {names[later]} ({second}) is older than version {names[earlier]} ({first}) before it",
                    **facts.at(f"versions[{later}].timestamp"),
                    fix="list the newest version last, or correct the date",
                    level=Level.PRESENT,
                )


class DatesPossible(Rule):
    """Dates can be understood and lie in the past.

    What it does
    ------------
    Reports dates that nobody can read with certainty (``3/4/2023``), dates in the future, and annotations that were
    finished after the newest version.

    Why it matters
    --------------
    ``3/4/2023`` is March or April. A date in the future is a slip that makes all others doubtful.

    Example
    -------
    ``annotation_completion_time: 2203-01-17``

    How to fix
    ----------
    Write dates as ``2023-01-17``, as exactly as they are known.

    References
    ----------
    ISO 8601; MIFA, Annotations: annotation completion time.
    """

    code = "M052"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface what could not be read, and compare the rest with today."""
        for told in facts.dataset.description.findings:
            if told.code == "C020":
                yield self.finding(
                    told.message,
                    path=told.path,
                    line=told.line,
                    field=told.field,
                    fix="write it as 2023-01-17",
                    level=Level.PRESENT,
                    evidence={"reading": told.code},
                )
        today = (facts.today + timedelta(days=1)).isoformat()  # it is tomorrow somewhere
        for field, text in _dates(facts):
            day = _day(text)
            if day and day > today[: len(day)]:
                yield self.finding(
                    f"the date {text} lies in the future",
                    **facts.at(field),
                    fix="correct it",
                    level=Level.PRESENT,
                )
        newest = max((day for v in facts.mifa.versions if (day := _day(v.timestamp))), default="")
        for at, held in facts.sets:
            done = _day(held.annotation_completion_time)
            shared = min(len(done), len(newest))
            if done and newest and done <= today[: len(done)] and done[:shared] > newest[:shared]:
                yield self.finding(
                    f"the annotations of {held.name!r} were finished ({done}) after the newest version ({newest})",
                    **facts.at(f"{at}.annotation_completion_time"),
                    fix="correct one of the dates, or list the version that holds them",
                    level=Level.PRESENT,
                    severity=Severity.WARNING,
                )


def _dates(facts: Facts) -> Iterator[tuple[str, str]]:
    for at, held in facts.sets:
        if held.annotation_completion_time:
            yield f"{at}.annotation_completion_time", held.annotation_completion_time
        for number, record in enumerate(held.file_metadata):
            if record.annotation_creation_time:
                yield (
                    f"{at}.file_metadata[{number}].annotation_creation_time",
                    record.annotation_creation_time,
                )
    for number, version in enumerate(facts.mifa.versions):
        if version.timestamp:
            yield f"versions[{number}].timestamp", version.timestamp


def _day(text: str | None) -> str:
    """Return the date of a text in ISO 8601, as exactly as it was written; empty if it is none."""
    moment = parse_moment(text) if text else None
    return moment.value[:10] if moment is not None and moment.ok else ""


def _circles(start: str, previous: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    here = start
    while here and here not in seen:
        seen.add(here)
        here = previous.get(here, "")
    return here == start
