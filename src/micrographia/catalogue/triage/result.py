"""What triage has to say: a row for each submission, in tables, JSON and Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia.catalogue.triage.effort import told_minutes
from micrographia.checks.result import Score
from micrographia.findings import Severity

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
LEVELS = {Severity.ERROR: "required", Severity.WARNING: "recommended", Severity.INFO: "optional"}
"""Severity to what it asks of the author."""


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that a submission lacks.

    Parameters
    ----------
    code
        Rule that found it.
    what
        What is missing, in a few words.
    severity
        How much it matters in the profile.
    minutes
        Author's minutes to mend it.
    count
        Number of findings.
    where
        Field of the form that the author fills in.
    text
        What to do, as the letter says it.
    conditional
        Whether only the author knows if it is missing at all; then its minutes are not counted.
    """

    code: str
    what: str
    severity: Severity
    minutes: float
    count: int
    where: str
    text: str
    conditional: bool = False

    @property
    def level(self) -> str:
        """``required``, ``recommended`` or ``optional``."""
        return LEVELS[self.severity]


@dataclass(frozen=True, slots=True)
class Triaged:
    """One submission.

    Parameters
    ----------
    place
        File, folder or address.
    name
        Accession, or name of the file.
    title
        Title of the study.
    format
        Form that it is in; ``dataset`` for a folder of ours; empty if it could not be read.
    problem, remedy
        Why it could not be read, and what to do; empty if it could.
    authors, images, annotations, files, kept
        Numbers of authors, images, annotation sets, listed files, and pieces of the source without a home in the model.
    listed
        Whether its list of files was at hand.
    scores
        One for each letter of MIFA.
    lacks
        What it lacks, the most important first, then what is mended soonest.
    read
        Findings of reading it: code to how often.
    letter, letter_markdown
        The letter as plain text and as Markdown; empty if none was asked for.
    """

    place: str
    name: str
    title: str = ""
    format: str = ""
    problem: str = ""
    remedy: str = ""
    authors: int = 0
    images: int = 0
    annotations: int = 0
    files: int = 0
    kept: int = 0
    listed: bool = False
    scores: tuple[Score, ...] = ()
    lacks: tuple[Lack, ...] = ()
    read: tuple[tuple[str, int], ...] = ()
    letter: str = ""
    letter_markdown: str = ""

    def minutes(self, *levels: str) -> float:
        """Return the minutes to mend what it lacks, of some levels or of all."""
        return sum(lack.minutes for lack in self.lacks if not levels or lack.level in levels)

    def count(self, level: str) -> int:
        """Return how many things of one level it lacks."""
        return sum(lack.level == level for lack in self.lacks)

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values."""
        return {
            "place": self.place,
            "name": self.name,
            "title": self.title,
            "format": self.format,
            "problem": self.problem,
            "remedy": self.remedy,
            "authors": self.authors,
            "images": self.images,
            "annotation_sets": self.annotations,
            "files": self.files,
            "kept": self.kept,
            "file_list_read": self.listed,
            "minutes": self.minutes("required", "recommended"),
            "minutes_optional": self.minutes("optional"),
            "scores": {
                str(score.letter): {"passed": score.passed, "applicable": score.applicable}
                for score in self.scores
            },
            "lacks": [
                {
                    "code": lack.code,
                    "what": lack.what,
                    "level": lack.level,
                    "minutes": lack.minutes,
                    "count": lack.count,
                    "where": lack.where,
                    "conditional": lack.conditional,
                }
                for lack in self.lacks
            ],
        }


@dataclass(frozen=True, slots=True)
class Triage:
    """Many submissions.

    Parameters
    ----------
    rows
        One for each, in the order in which they were given.
    profile
        Name of the profile.
    passed_over
        Files of the folders that are no records.
    letters
        Name of a submission's place to the name of its letter's file, without ending; empty without letters.
    """

    rows: tuple[Triaged, ...]
    profile: str
    passed_over: tuple[str, ...] = ()
    letters: tuple[tuple[str, str], ...] = ()

    @property
    def broken(self) -> tuple[Triaged, ...]:
        """Those that could not be read."""
        return tuple(row for row in self.rows if row.problem)


def ranked(rows: Iterable[Triaged]) -> list[Triaged]:
    """Return rows by the author's effort, least first; then by optional effort and name; broken ones last."""
    return sorted(
        rows,
        key=lambda row: (
            bool(row.problem),
            row.minutes("required", "recommended"),
            row.minutes("optional"),
            row.name,
            row.place,
        ),
    )


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing in several submissions: code, words, level, and in how many."""

    code: str
    what: str
    level: str
    submissions: int


def most_missing(rows: Iterable[Triaged]) -> list[Missing]:
    """Return what is missing, most often first; the level is the highest that it has in any submission."""
    words: dict[str, str] = {}
    counts: Counter[str] = Counter()
    worst: dict[str, Severity] = {}
    for row in rows:
        for lack in row.lacks:
            words.setdefault(lack.code, lack.what)
            counts[lack.code] += 1
            held = worst.setdefault(lack.code, lack.severity)
            worst[lack.code] = min(held, lack.severity, key=lambda severity: severity.rank)
    return [
        Missing(code, words[code], LEVELS[worst[code]], number)
        for code, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def triage_document(found: Triage) -> dict[str, Any]:
    """Return a triage as a dictionary of JSON values, by effort."""
    return {
        "format": "micrographia-triage",
        "format_version": FORMAT_VERSION,
        "profile": found.profile,
        "submissions": [row.to_json() for row in ranked(found.rows)],
        "missing": [
            {"code": one.code, "what": one.what, "level": one.level, "submissions": one.submissions}
            for one in most_missing(found.rows)
        ],
        "passed_over": list(found.passed_over),
    }


def table(found: Triage) -> pd.DataFrame:
    """Return a triage as a table: a row a submission, by effort."""
    import pandas as pd

    letters = dict(found.letters)
    rows = []
    for row in ranked(found.rows):
        scores = {
            f"{score.letter}_{name}": getattr(score, name)
            for score in row.scores
            for name in ("passed", "applicable")
        }
        shown = [lack for lack in row.lacks if lack.level != "optional"]
        rows.append(
            {
                "name": row.name,
                "title": row.title,
                "place": row.place,
                "format": row.format,
                "minutes": row.minutes("required", "recommended"),
                "minutes_optional": row.minutes("optional"),
                "effort": "" if row.problem else told(row),
                "required": row.count("required"),
                "recommended": row.count("recommended"),
                "optional": row.count("optional"),
                **{f"{letter}_{name}": 0 for letter in "MIFA" for name in ("passed", "applicable")},
                **scores,
                "lacks": "; ".join(f"{lack.code} {lack.what}" for lack in shown),
                "authors": row.authors,
                "images": row.images,
                "annotation_sets": row.annotations,
                "files": row.files,
                "kept": row.kept,
                "file_list_read": row.listed,
                "letter": letters.get(row.place, ""),
                "problem": f"{row.problem}. {row.remedy}".strip(". ") if row.problem else "",
            }
        )
    return pd.DataFrame(rows)


def told(row: Triaged) -> str:
    """Return the effort of a submission in words."""
    minutes = row.minutes("required", "recommended")
    return told_minutes(minutes) if minutes else "nothing to mend"


def write_table(found: Triage, path: Path) -> None:
    """Write the table as CSV or Parquet, as the ending says; cells that a spreadsheet would compute are texts.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    import io

    from micrographia.metadata.files import write_whole

    frame = table(found)
    if path.suffix.lower() == ".parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        write_whole(path, buffer.getvalue())
        return
    for name in frame.columns:
        if not len(frame) or not isinstance(frame[name].iloc[0], str):
            continue
        frame[name] = [f"'{text}" if text[:1] in "=+-@\t\r" and text else text for text in frame[name]]
    write_whole(path, frame.to_csv(index=False).encode())
