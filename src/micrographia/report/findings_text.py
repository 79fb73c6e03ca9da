"""The report of a check for a terminal: scores by letter, then findings with place, hint and next step."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console
from rich.text import Text

from micrographia.checks.result import Outcome, Report, Score, State
from micrographia.checks.rule import Needs, Source
from micrographia.errors import printable
from micrographia.findings import Severity
from micrographia.report.findings_grouping import Entry, grouped

SHOWN = 10
"""Entries that are shown without ``--all``."""

BAR = 14
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
    held = [_score(score) for score in report.scores if score.applicable and not _left_out(score, report)]
    if not held:
        return []
    broad = max(len(text) for text in held) + 4
    columns = 2 if 2 * broad + 2 <= width else 1
    lines = [Text(f"  {f'profile {report.profile}':<21}passed of applicable", style="dim")]
    for at in range(0, len(held), columns):
        line = Text("  ")
        for number, cell in enumerate(held[at : at + columns]):
            line.append_text(cell)
            if number + 1 < columns:
                line.append(" " * (broad - len(cell)))
        lines.append(line)
    return lines


def _left_out(score: Score, report: Report) -> bool:
    """Tell whether no rule of a letter was selected."""
    return not any(outcome.letter is score.letter for outcome in report.outcomes)


def _score(score: Score) -> Text:
    full = round(BAR * score.passed / score.applicable)
    full = min(max(full, score.passed > 0), BAR - (score.passed < score.applicable))
    source = score.sources[0] if score.sources else Source.MIFA
    label = score.letter.word + (f" ({source})" if source is not Source.MIFA else "")
    text = Text(f"{label:<26}")
    text.append("#" * full, style="green")
    text.append("-" * (BAR - full), style="dim")
    text.append(f"  {score.passed:>2} of {score.applicable:<2}")
    return text


def _entries(entries: Iterable[Entry], width: int) -> list[Text]:
    lines: list[Text] = []
    for entry in entries:
        lines += _entry(entry, width)
    return lines


def _entry(entry: Entry, width: int) -> list[Text]:
    head = f"  {entry.severity:<9}{entry.code:<6}"
    place = printable(entry.places())
    message = printable(entry.message)
    indent = " " * len(head)
    room = width - len(head)
    beside = room - len(place) - 2
    if len(message) <= beside:
        lines = [f"{message:<{beside}}  {place}".rstrip()]
    elif beside >= 44:
        first, *rest = _wrapped(message, beside)
        lines = [f"{first:<{beside}}  {place}".rstrip(), *rest]
    else:
        lines = [*_wrapped(message, room), *_wrapped(place, room)] if place else _wrapped(message, room)
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
        text = printable(f"{finding.message}  {finding.place}".rstrip())
        lines += [Text(f"  {'waived':<9}{finding.code:<6}{line}") for line in _wrapped(text, width - 17)[:1]]
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
    unread = sum(outcome.state is State.SKIPPED for outcome in _of_pixels(report))
    if unread and report.depth is not Needs.PIXELS:
        lines.append(Text(f"  The pixels were not read ({unread} rules): --pixels.", style="dim"))
    elif not entries:
        lines.append(Text(f"  Next: micrographia convert {printable(report.dataset)} OUT"))
    return lines


def _of_pixels(report: Report) -> list[Outcome]:
    from micrographia.checks.registry import all_rules

    codes = {rule.code for rule in all_rules() if rule.needs is Needs.PIXELS}
    return [outcome for outcome in report.outcomes if outcome.code in codes]
