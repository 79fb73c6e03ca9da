"""A submission as triage looks at it: what it says, what the rules found, and how to call its parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from micrographia.checks.facts import Facts
from micrographia.checks.profile import Profile
from micrographia.checks.result import Report
from micrographia.errors import printable
from micrographia.exchange import Submission
from micrographia.findings import Finding
from micrographia.metadata import AnnotationSet, Mifa
from micrographia.metadata.study import Author, Study
from micrographia.metadata.trees import tokens

LONGEST = 90
"""Characters of something of the record that a letter quotes."""


@dataclass(frozen=True)
class Record:
    """One submission under judgement.

    Parameters
    ----------
    submission
        What was read.
    facts
        What the rules looked at.
    report
        What they found.
    profile
        The rule set.
    listed
        Whether its list of files was at hand.
    """

    submission: Submission
    facts: Facts
    report: Report
    profile: Profile
    listed: bool

    @property
    def mifa(self) -> Mifa:
        """What is written."""
        return self.submission.mifa

    @property
    def study(self) -> Study:
        """What is written about the study."""
        return self.submission.mifa.study

    @property
    def format(self) -> str:
        """Name of the form that it is in; empty for a dataset folder."""
        return self.submission.origin.format

    @cached_property
    def name(self) -> str:
        """The accession, or the name of the file or folder without its ending."""
        if self.study.accession:
            return one_line(self.study.accession)
        source = self.submission.folder or PurePosixPath(self.submission.origin.source or "submission")
        return one_line(Path(source).name.split(".")[0]).removeprefix("Study_") or "submission"

    @cached_property
    def images(self) -> int:
        """How many images are listed."""
        return len(self.facts.dataset.image_ids)

    @cached_property
    def annotation_files(self) -> int:
        """How many annotation files are listed."""
        return len(self.facts.annotation_rows)

    @cached_property
    def people(self) -> tuple[Author, ...]:
        """The authors that are persons, in their order; groups have no first name."""
        return tuple(author for author in self.study.authors if author.author_first_name and author.name)

    def sets(self, findings: Iterable[Finding]) -> list[AnnotationSet]:
        """Return the annotation sets that findings are about, in their order."""
        places = (index(finding.field, "annotations") for finding in findings)
        held = self.mifa.annotations
        return [held[at] for at in sorted({at for at in places if at is not None and at < len(held)})]

    def outcome(self, code: str) -> str:
        """Return what became of a rule; empty if it was not asked for."""
        return next((str(held.state) for held in self.report.outcomes if held.code == code), "")

    def passed(self, code: str) -> bool:
        """Whether a rule was asked for, applied and passed."""
        return self.outcome(code) == "passed"


def index(field: str, name: str) -> int | None:
    """Return the number in a dotted path: 2 for ``annotations`` in ``annotations[2].name``."""
    found = re.match(rf"(?:study\.)?{name}\[([0-9]+)\]", field)
    return int(found[1]) if found else None


def last(field: str) -> str:
    """Return the last name of a dotted path: ``ror_id`` of ``study.authors[0].organisation[1].ror_id``."""
    try:
        return next((part for part in reversed(tokens(field)) if isinstance(part, str)), "")
    except ValueError:
        return ""


def one_line(text: str) -> str:
    """Return a text on one line, without what is not printable."""
    return printable(" ".join(text.split()))


def quoted(text: str, most: int = LONGEST) -> str:
    """Return something of the record in quotation marks, cut at a word if it is long."""
    flat = one_line(text).rstrip(".") if len(text) < 400 else one_line(text)
    if len(flat) > most:
        flat = flat[:most].rsplit(" ", 1)[0].rstrip(" ,;:.") + " …"
    return f"“{flat}”"


def joined(items: Sequence[str], most: int = 4) -> str:
    """Return items as a sentence has them.

    Examples
    --------
    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"]), joined(list("abcdef"), 3)
    ('a', 'a and b', 'a, b and c', 'a, b, c and 3 more')
    """
    if len(items) > most + 1 or (len(items) > most and most < 2):
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def plural(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun, small numbers in words.

    Examples
    --------
    >>> plural(1, "author"), plural(3, "box", "boxes"), plural(1200, "image")
    ('one author', 'three boxes', '1,200 images')
    """
    words = (
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    )
    shown = words[number] if 0 <= number < len(words) else f"{number:,}"
    return f"{shown} {noun if number == 1 else many or noun + 's'}"
