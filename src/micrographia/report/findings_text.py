"""The report of a check for a terminal: scores by letter, then findings with place, hint and next step."""

from __future__ import annotations

from io import StringIO
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from micrographia.checks.result import Outcome, Report, Score, State
from micrographia.checks.rule import Needs, Source
from micrographia.errors import command_line, printable
from micrographia.findings import Severity
from micrographia.report.findings_grouping import Entry, grouped

SHOWN = 10
"""Entries that are shown without ``--all``."""

BAR = 14
"""Characters of the bar of a score."""

BESIDE = 28
"""Characters that a place may have to stand beside its message."""

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def findings_text(report: Report, *, everything: bool = False, width: int = 100, color: bool = False) -> str:
    """Return a report as text.

    Parameters
    ----------
    report
        What :func:`~micrographia.checks.check` returned.
    everything
        Show every finding, and what was waived and skipped; else the first ten.
    width
        Columns of the terminal; at least 40.
    color
        Use the colours of a terminal.
    """
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
    entries = grouped(report.findings)
    shown = entries if everything else entries[:SHOWN]
    parts = [_fixed(report), _scores(report, console.width), _entries(shown, console.width)]
    if everything:
        parts += [_waived(report, console.width), _skipped(report, console.width)]
    parts.append(_footer(report, entries, everything=everything))
    blocks = [block for block in parts if block]
    for number, block in enumerate(blocks):
        if number:
            console.print()
        for line in block:
            console.print(line, soft_wrap=True)
    assert isinstance(console.file, StringIO)  # noqa: S101 - it was made above
    text = console.file.getvalue()
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _fixed(report: Report) -> list[Text]:
    return [Text(f"  Fixed: {printable(done)}", style="green") for done in report.fixed]


def _scores(report: Report, width: int) -> list[Text]:
    held = [score for score in report.scores if score.applicable and not _left_out(score, report)]
    if not held:
        return []
    columns = _columns(held, min(2, len(held)))
    if 2 + sum(len(column[0]) for column in columns) + 4 > width:
        columns = _columns(held, 1)
    lines = [Text(f"  {f'profile {report.profile}':<21}passed of applicable", style="dim")]
    rows = zip_longest(*columns, fillvalue=Text())
    return lines + [Text("  ") + Text("    ").join(row) for row in rows]


def _columns(scores: list[Score], count: int) -> list[list[Text]]:
    """Return the scores as columns of cells; those of one column are aligned."""
    columns = []
    for at in range(count):
        held = scores[at::count]
        labels = [_label(score) for score in held]
        passed = max(len(str(score.passed)) for score in held)
        total = max(len(str(score.applicable)) for score in held)
        cells = []
        for score, label in zip(held, labels, strict=True):
            cell = Text(f"{label:<{max(map(len, labels)) + 2}}")
            cell.append_text(_bar(score))
            cell.append(f"  {score.passed:>{passed}} of {score.applicable:<{total}}")
            cells.append(cell)
        columns.append(cells)
    return columns


def _left_out(score: Score, report: Report) -> bool:
    """Tell whether most rules of a letter were not selected, so that its score says nothing."""
    counted = (*score.failed, *score.waived, *score.skipped)
    selected = {outcome.code for outcome in report.outcomes}
    return 2 * sum(code not in selected for code in counted) > score.applicable


def _label(score: Score) -> str:
    source = score.sources[0] if score.sources else Source.MIFA
    return score.letter.word + (f" ({source})" if source is not Source.MIFA else "")


def _bar(score: Score) -> Text:
    full = round(BAR * score.passed / score.applicable)
    full = min(max(full, score.passed > 0), BAR - (score.passed < score.applicable))
    return Text("#" * full, style="green") + Text("-" * (BAR - full), style="dim")


def _entries(entries: list[Entry], width: int) -> list[Text]:
    places = [printable(entry.places()) for entry in entries]
    beside = max((len(place) for place in places if len(place) <= BESIDE), default=0)
    lines: list[Text] = []
    for entry, place in zip(entries, places, strict=True):
        lines += _entry(entry, place, beside, width)
    return lines


def _entry(entry: Entry, place: str, beside: int, width: int) -> list[Text]:
    head = f"  {entry.severity:<9}{entry.code:<6}"
    # A message about one file names it, and so does the place.
    message = printable(entry.message).removesuffix(f": {place}")
    indent = " " * len(head)
    room = width - len(head)
    narrow = room - beside - 2
    if place and len(place) <= beside and narrow >= 40:
        first, *rest = _wrapped(message, narrow)
        lines = [f"{first:<{narrow}}  {place}", *rest]
    else:
        lines = [*_wrapped(message, room), *_wrapped(place, room)]
    shown = []
    for number, line in enumerate(lines):
        text = Text(head if number == 0 else indent)
        if number == 0:
            text.stylize(STYLES[entry.severity], 2, 2 + len(entry.severity))
            text.stylize("bold", 11, 11 + len(entry.code))
        text.append(line)
        shown.append(text)
    hint = printable(entry.fix)
    if entry.fixable:
        hint = f"{hint}   fixable" if hint else "fixable"
    shown += [Text(f"{indent}{line}", style="dim") for line in _wrapped(hint, room)]
    return shown


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, max(20, width), break_long_words=False, break_on_hyphens=False) if text else []


def _waived(report: Report, width: int) -> list[Text]:
    if not report.waived:
        return []
    lines = [Text("  Waived, with the reason that was written:", style="dim")]
    for waived in report.waived:
        finding = waived.finding
        message = printable(finding.message).removesuffix(f": {printable(finding.place)}")
        first, *rest = _wrapped(f"{message}  {printable(finding.place)}".rstrip(), width - 17)
        lines.append(Text(f"  {'waived':<9}{finding.code:<6}{first}"))
        lines += [Text(f"{'':<17}{line}") for line in rest]
        lines += [
            Text(f"{'':<17}{line}", style="dim") for line in _wrapped(printable(waived.reason), width - 17)
        ]
    return lines


def _skipped(report: Report, width: int) -> list[Text]:
    skipped = [outcome for outcome in report.outcomes if outcome.state is State.SKIPPED]
    if not skipped:
        return []
    lines = [Text("  Skipped:", style="dim")]
    for outcome in skipped:
        text = f"{outcome.title}: {outcome.reason}"
        first, *rest = _wrapped(printable(text), width - 17)
        lines.append(Text(f"  {'skipped':<9}{outcome.code:<6}{first}", style="dim"))
        lines += [Text(f"{'':<17}{line}", style="dim") for line in rest]
    return lines


def _footer(report: Report, entries: list[Entry], *, everything: bool) -> list[Text]:
    told = []
    hidden = 0 if everything else len(entries) - SHOWN
    if hidden > 0:
        told.append(f"{hidden:,} more: --all.")
    if report.fixable:
        told.append(f"{len(report.fixable):,} fixable: --fix.")
    if report.waived and not everything:
        told.append(f"{len(report.waived):,} waived: --all.")
    if entries:
        told.append(f"Why a rule: micrographia explain {entries[0].code}")
    else:
        told.append("No findings.")
    lines = [Text(f"  {'   '.join(told)}")]
    unread = sum(outcome.state is State.SKIPPED for outcome in _by_pixels(report))
    if report.absent:
        lines.append(Text(f"  Only what is written was judged: {printable(report.absent)}.", style="dim"))
    elif unread and report.depth is not Needs.PIXELS:
        lines.append(
            Text(f"  The pixels were not read ({unread:,} rule{'s' * (unread != 1)}): --pixels.", style="dim")
        )
    elif not entries:
        lines.append(Text(f"  Next: {command_line('convert', report.dataset, 'OUT')}"))
    return lines


def _by_pixels(report: Report) -> list[Outcome]:
    """Return the outcomes of the rules that ``--pixels`` lets run."""
    from micrographia.checks.registry import all_rules

    codes = {rule.code for rule in all_rules() if rule.needs in (Needs.PIXELS, Needs.CHECKSUMS)}
    return [outcome for outcome in report.outcomes if outcome.code in codes]
