"""A triage for a terminal: what each submission lacks, by the author's effort, and what is missing most often."""

from __future__ import annotations

from textwrap import shorten

from micrographia.catalogue.triage import Triage, Triaged, ranked
from micrographia.catalogue.triage.result import most_missing, told
from micrographia.checks.result import Score
from micrographia.errors import printable

SHOWN = 40
"""Submissions that are listed without ``--all``."""
OFTEN = 8
"""Lacks that are listed as missing most often."""


def triage_text(found: Triage, *, everything: bool = False, width: int = 100) -> str:
    """Return a triage as text.

    Parameters
    ----------
    found
        What :func:`~micrographia.catalogue.triage.triage` returned.
    everything
        List every submission.
    width
        Columns of the terminal.
    """
    rows = ranked(found.rows)
    shown = rows if everything else rows[:SHOWN]
    lines = [f"  {sentence(found)}", ""]
    names = max([10, *(len(_name(row)) for row in shown)])
    lines.append(f"  {'':<{names}}  {'to mend':<15} {'M':>7} {'I':>5} {'F':>5} {'A':>7}  lacks")
    lines += [_row(row, names, max(width, 60)) for row in shown]
    if len(shown) < len(rows):
        lines.append(f"  {len(rows) - len(shown):,} more: --all, --json, --out DIR")
    often = most_missing(found.rows)[:OFTEN]
    if often and len(rows) > 1:
        lines += ["", "  Missing most often:"]
        lines += [f"  {one.submissions:>7,}  {one.code}  {one.what} ({one.level})" for one in often]
    if found.passed_over:
        lines += [
            "",
            f"  {_files(len(found.passed_over))} of the folders {_is(len(found.passed_over))} no record.",
        ]
    return "\n".join(lines) + "\n"


def sentence(found: Triage) -> str:
    """Return the sentence that answers how the submissions stand."""
    rows = [row for row in found.rows if not row.problem]
    minutes = [row.minutes("required", "recommended") for row in rows]
    done, quick = minutes.count(0), sum(0 < each <= 15 for each in minutes)
    longer, broken = len(rows) - done - quick, len(found.broken)
    number = f"{len(found.rows):,} submission{'s' * (len(found.rows) != 1)}"
    parts = []
    if done:
        parts.append(f"{done:,} lack{'s' * (done == 1)} nothing that {found.profile} asks for")
    if quick:
        parts.append(f"{quick:,} {_is(quick)} mended in a quarter of an hour or less")
    if longer:
        parts.append(f"{longer:,} take{'s' * (longer == 1)} longer")
    if broken:
        parts.append(f"{broken:,} could not be read")
    return f"{number}: {', '.join(parts)}."


def _row(row: Triaged, names: int, width: int) -> str:
    head = f"  {_name(row):<{names}}  "
    if row.problem:
        return (
            head + f"not read: {shorten(f'{row.problem}. {row.remedy}'.strip('. '), width - len(head) - 10)}"
        )
    scores = {str(score.letter): score for score in row.scores}
    cells = " ".join(
        f"{_score(scores.get(letter)):>{room}}" for letter, room in zip("MIFA", (7, 5, 5, 7), strict=True)
    )
    head += f"{told(row):<15} {cells}  "
    lacks = ", ".join(lack.what for lack in row.lacks if lack.level != "optional" and not lack.conditional)
    return (head + shorten(printable(lacks), max(20, width - len(head)), placeholder=" ...")).rstrip()


def _score(score: Score | None) -> str:
    return f"{score.passed}/{score.applicable}" if score is not None and score.applicable else "-"


def _name(row: Triaged) -> str:
    name = printable(row.name)
    return name if len(name) <= 32 else f"{name[:29]}..."


def _files(number: int) -> str:
    return f"{number:,} file{'s' * (number != 1)}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
