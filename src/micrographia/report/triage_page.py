"""A triage as one page: a sentence, what is missing most often, and a table that can be filtered without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from micrographia import __version__
from micrographia.catalogue.triage import Triage, Triaged, ranked, told_minutes
from micrographia.catalogue.triage.many import LETTERS
from micrographia.catalogue.triage.result import most_missing, told
from micrographia.checks.profile import Profile
from micrographia.errors import printable
from micrographia.metadata.files import write_whole
from micrographia.report.charts import csv_uri
from micrographia.report.templating import environment
from micrographia.report.triage_text import sentence

OFTEN = 12
"""Lacks that are drawn as missing most often."""
DOWNLOAD = 2000
"""Submissions up to which the table comes along as a download inside the page."""


def triage_page(found: Triage, profile: Profile | None = None) -> str:
    """Return the page of a triage.

    Parameters
    ----------
    found
        What :func:`~micrographia.catalogue.triage.triage` returned.
    profile
        The rule set, for what its letters mean.

    Returns
    -------
    str
        HTML that loads nothing; every text of the records is escaped. Its one script filters the table.
    """
    rows = ranked(found.rows)
    letters = dict(found.letters)
    often = most_missing(rows)[:OFTEN]
    total = max(1, sum(not row.problem for row in rows))
    return (
        environment()
        .get_template("triage.html.j2")
        .render(
            program=f"micrographia {__version__}",
            lead=sentence(found),
            profile=printable(found.profile),
            meanings=_meanings(profile),
            rows=[_row(row, letters.get(row.place, "")) for row in rows],
            letters=bool(letters),
            often=[
                {
                    "code": one.code,
                    "what": one.what,
                    "level": one.level,
                    "number": one.submissions,
                    "percent": round(100 * one.submissions / total),
                }
                for one in often
            ],
            read=total,
            passed_over=[printable(place) for place in found.passed_over[:50]],
            more_passed_over=max(0, len(found.passed_over) - 50),
            download=_download(found) if len(rows) <= DOWNLOAD else "",
        )
    )


def write_triage_page(found: Triage, target: Path, profile: Profile | None = None) -> None:
    """Write the page of a triage, whole or not at all.

    Raises
    ------
    MicrographiaError
        If it cannot be written.
    """
    write_whole(target, triage_page(found, profile).encode())


def _row(row: Triaged, letter: str) -> dict[str, Any]:
    shown = [lack for lack in row.lacks if lack.level != "optional" and not lack.conditional]
    return {
        "name": printable(row.name),
        "title": printable(row.title),
        "problem": printable(f"{row.problem}. {row.remedy}".strip(". ")) if row.problem else "",
        "effort": told(row) if not row.problem else "",
        "minutes": round(row.minutes("required", "recommended")),
        "scores": [
            {
                "letter": str(score.letter),
                "word": score.letter.word,
                "passed": score.passed,
                "applicable": score.applicable,
                "percent": round(100 * score.passed / score.applicable) if score.applicable else 0,
            }
            for score in row.scores
        ],
        "lacks": [
            {
                "what": lack.what,
                "code": lack.code,
                "required": lack.level == "required",
                "title": f"{lack.level}, {printable(lack.where)}, {told_minutes(lack.minutes)}",
            }
            for lack in shown
        ],
        "letter": f"{LETTERS}/{quote(letter)}" if letter else "",
        "listed": row.listed,
    }


def _meanings(profile: Profile | None) -> list[tuple[str, str]]:
    held: Mapping[Any, str] = profile.letters if profile is not None else {}
    return [(letter.word, printable(text)) for letter, text in held.items()]


def _download(found: Triage) -> str:
    from micrographia.catalogue.triage import table

    frame = table(found)
    return csv_uri([str(name) for name in frame.columns], frame.astype(str).to_numpy().tolist())
