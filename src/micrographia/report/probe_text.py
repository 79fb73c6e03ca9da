"""A result of ``micrographia probe`` for a terminal: the verdict table of the primary task, then plain sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from micrographia.report import probe_words as words
from micrographia.report.probe_appendix import audit
from micrographia.report.probe_result import Row, Task, by_candidate, headline_task, number, opened, text

SHOWN = 12
"""Candidates that are shown without ``everything``."""

SENTENCES = 8
"""Sentences that are shown without ``everything``."""

NAME = 34
"""Columns that a name may take in the table."""

STYLES = {"beats": "green", "loses": "red", "equivalent": "cyan"}


def probe_text(
    result: Mapping[str, Any], *, everything: bool = False, width: int = 100, color: bool = False
) -> str:
    """Return a result as text.

    Parameters
    ----------
    result
        The document that ``micrographia probe`` writes.
    everything
        Show every candidate and every sentence.
    width
        Columns of the terminal; at least 40. Where the table does not fit, verdicts stand below each candidate.
    color
        Use the colours of a terminal.

    Raises
    ------
    MicrographiaError
        If it is no result, or of another version.
    """
    opened(result)
    console = Console(
        file=StringIO(),
        width=max(40, width),
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    lines: list[Text] = []
    design = audit(result)
    if design["verdict"]:
        lines += _wrapped(f"Design: {design['verdict']}", console.width, style="dim")
        lines.append(Text())
    task = headline_task(result)
    if task is not None:
        lines += _task(task, result, console.width, everything=everything)
    told = words.headline(result)
    shown = told if everything else told[:SENTENCES]
    for sentence in shown:
        lines += _wrapped(sentence, console.width)
    if len(told) > len(shown):
        lines += _wrapped(f"More sentences in the report: {len(told) - len(shown)}.", console.width)
    cannot = design["cannot"]
    if cannot:
        lines += [Text(), Text("  Cannot be concluded:")]
        for line in cannot if everything else cannot[:4]:
            lines += _wrapped(f"- {line}", console.width)
        if not everything and len(cannot) > 4:
            lines += _wrapped(f"More in the report: {len(cannot) - 4}.", console.width)
    for line in lines:
        console.print(line, soft_wrap=True)
    assert isinstance(console.file, StringIO)  # noqa: S101 - it was made above
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _task(task: Task, result: Mapping[str, Any], width: int, *, everything: bool) -> list[Text]:
    facts = "; ".join(
        part
        for part in ("primary metric" if task.primary else "exploratory", words.unit_line(task, result))
        if part
    )
    gap = width - 2 - cell_len(task.title) - cell_len(facts)
    if gap >= 3:
        lines = [Text(f"  {task.title}{' ' * gap}") + Text(facts, style="dim")]
    else:
        lines = [*_wrapped(task.title, width), *_wrapped(facts, width, style="dim")]
    candidates = task.candidates if everything else task.candidates[:SHOWN]
    compared = by_candidate(task.comparisons)
    decimals = words.places([*task.rows, *task.comparisons])
    table = _table(task, candidates, compared, decimals)
    if table and max(line.cell_len for line in table) <= width:
        lines += table
    else:
        lines += _blocks(candidates, compared, decimals, width)
    left = len(task.candidates) - len(candidates)
    if left:
        lines += _wrapped(f"More candidates in the report: {left}.", width, style="dim")
    return lines


def _table(
    task: Task, candidates: Sequence[Row], compared: Mapping[str, Sequence[Row]], decimals: int
) -> list[Text]:
    """Return the table of the tour: a candidate a row, a column for each of what it is held against."""
    if not candidates:
        return []
    against = list(dict.fromkeys(text(row.get("against")) for row in task.comparisons))
    header = ["candidate", "score", f"{task.level} interval", "chance", "majority"]
    header += [f"vs {name}" for name in against]
    cells: list[list[Text]] = []
    for row in candidates:
        name = text(row.get("candidate"))
        told = [_name(name), words.fixed(row.get("score"), decimals), words.interval(row, decimals)]
        told += [words.fixed(value, decimals) for value in (words.chance(row), row.get("majority"))]
        found = {text(other.get("against")): other for other in compared.get(name, ())}
        cells.append(
            [*(Text(part) for part in told), *(_verdict(found.get(other), decimals) for other in against)]
        )
    kept = [
        column
        for column in range(len(header))
        if column not in (3, 4) or any(line[column].plain != words.NONE for line in cells)
    ]
    sizes = {
        column: max(cell_len(header[column]), *(line[column].cell_len for line in cells)) for column in kept
    }
    lines = [Text("    ") + Text("   ").join(_padded(Text(header[c], style="dim"), sizes[c]) for c in kept)]
    for row, line in zip(candidates, cells, strict=True):
        lines.append(Text("    ") + Text("   ").join(_padded(line[c], sizes[c]) for c in kept))
        if text(row.get("reason")) and number(row.get("score")) is None:
            lines.append(Text(f"      {text(row.get('reason'))}", style="dim"))
    return lines


def _blocks(
    candidates: Sequence[Row], compared: Mapping[str, Sequence[Row]], decimals: int, width: int
) -> list[Text]:
    """Return a block a candidate, for a terminal that is too narrow for the table."""
    lines = []
    for row in candidates:
        name = text(row.get("candidate"))
        facts = [words.fixed(row.get("score"), decimals)]
        if words.interval(row, decimals) != words.NONE:
            facts.append(words.interval(row, decimals))
        beside = {"chance": words.chance(row), "majority": number(row.get("majority"))}
        facts += [
            f"{key} {words.fixed(value, decimals)}" for key, value in beside.items() if value is not None
        ]
        lines += _wrapped(f"{name}   {'   '.join(facts)}", width, indent=4)
        if text(row.get("reason")) and number(row.get("score")) is None:
            lines += _wrapped(text(row.get("reason")), width, indent=6, style="dim")
        others = compared.get(name, ())
        size = max((cell_len(words.verdict(other)) for other in others), default=0)
        named = {id(other): _name(text(other.get("against"))) for other in others}
        wide = max((cell_len(name) for name in named.values()), default=0)
        for other in others:
            word = words.verdict(other)
            line = Text(" " * 6) + _padded(Text(word, style=STYLES.get(word, "")), size)
            line.append(f"  {words.signed(other.get('difference'), decimals)}  vs ")
            line.append_text(_padded(Text(named[id(other)]), wide))
            least = f"   detectable {words.fixed(other.get('minimum_detectable'), decimals)}"
            if number(other.get("minimum_detectable")) is not None and line.cell_len + len(least) <= width:
                line.append(least, style="dim")
            lines.append(line if line.cell_len <= width else line[: width - 1] + Text("…"))
    return lines


def _verdict(row: Row | None, decimals: int) -> Text:
    if row is None:
        return Text(words.NONE)
    word = words.verdict(row)
    told = Text(word, style=STYLES.get(word, ""))
    if number(row.get("difference")) is not None:
        told.append(f" {words.signed(row.get('difference'), decimals)}", style="")
    return told


def _name(name: str) -> str:
    """Return a name that fits: the middle of a long one is left out, for the ends tell names apart."""
    if cell_len(name) <= NAME:
        return name
    half = (NAME - 1) // 2
    return f"{set_cell_size(name, NAME - 1 - half)}…{name[-half:]}"


def _padded(part: Text, size: int) -> Text:
    return part + Text(" " * max(0, size - part.cell_len))


def _wrapped(told: str, width: int, *, indent: int = 2, style: str = "") -> list[Text]:
    lines = textwrap.wrap(told, width - 2, initial_indent=" " * indent, subsequent_indent=" " * indent) or [
        ""
    ]
    return [Text(line, style=style) for line in lines]
