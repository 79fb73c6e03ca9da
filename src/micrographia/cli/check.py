"""``micrographia check``, ``rules``, ``explain`` and ``diff``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from micrographia.cli.console import count, readable, say, say_json, warn

if TYPE_CHECKING:
    from micrographia.checks import Difference, Report
    from micrographia.checks.diff import Change

SHOWN = 8
"""How many entries of each part of a comparison are listed without ``--all``."""


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    SARIF = "sarif"
    MARKDOWN = "markdown"


def check(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    pixels: Annotated[bool, typer.Option("--pixels", help="Read every pixel, too")] = False,
    checksums: Annotated[
        bool, typer.Option("--checksums", help="Compare the checksum of every file; --pixels does, too")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="How the report is written")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the report into this file")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(help="Only rules whose code begins so: M, F0, P004; several with commas"),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Not the rules whose code begins so")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Rule set: mifa, journal, archive, challenge, or the path of a YAML file of yours"),
    ] = None,
    statement: Annotated[
        Path | None,
        typer.Option(help="Write a one-page statement of compliance: .html, .md or .json", metavar="FILE"),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended, and say what was done")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every finding, waived and skipped too")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers; one a processor by default")] = None,
) -> None:
    """Hold a dataset against the MIFA guidelines and good practice, or against a rule set of yours.

    Exits with 0 if there are no errors, 1 if there are (with --strict: or warnings), 2 if it could not run.
    """
    from micrographia.checks import check as run

    if statement is not None:
        from micrographia.report.statement import verify_ending

        verify_ending(statement)
    output = Format.JSON if as_json else output
    report = run(
        dataset,
        pixels=pixels,
        checksums=checksums,
        select=_codes(select),
        ignore=_codes(ignore),
        profile=profile,
        fix=fix,
        workers=workers,
        quiet=False,
    )
    with readable():
        if statement is not None:
            _state(dataset, report, profile, statement, workers)
        if out is not None:
            from micrographia.dataset.manifest import write_whole

            write_whole(out, _rendered(report, output, everything=True))
            say(f"Wrote {out}   ({count(len(report.findings), 'finding')})")
        elif output is Format.TEXT:
            _print_text(report, everything=everything)
        else:
            typer.echo(_rendered(report, output, everything=everything), nl=False)
    raise typer.Exit(report.exit_code(strict=strict))


def rules(
    select: Annotated[list[str] | None, typer.Option(help="Only rules whose code begins so")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
) -> None:
    """List the rules that check knows."""
    from micrographia.checks.registry import all_rules, matches
    from micrographia.errors import DatasetError

    prefixes = _codes(select)
    chosen = [rule for rule in all_rules() if not prefixes or matches(rule.code, prefixes)]
    if not chosen:
        raise DatasetError(
            "", f"no rule has a code that begins with {', '.join(prefixes)}", "List all: micrographia rules"
        )
    if as_json:
        say_json(
            [
                {
                    "code": rule.code,
                    "title": rule.title(),
                    "severity": rule.severity,
                    "source": rule.source,
                    "letter": rule.letter,
                    "needs": rule.needs,
                    "requires": list(rule.requires),
                    "fixable": rule.fixable,
                }
                for rule in chosen
            ]
        )
        return
    for rule in chosen:
        fixable = "  fixable" if rule.fixable else ""
        say(f"{rule.code:<6}{rule.severity:<9}{rule.source:<10}{rule.title()}{fixable}")
    say()
    say(f"{count(len(chosen), 'rule')}.   Why a rule: micrographia explain {chosen[0].code}")


def explain(code: Annotated[str, typer.Argument(help="Code of a rule, for example M003")]) -> None:
    """Say what a rule asks for, why, and how to mend it."""
    from micrographia.checks.pages import explain as explained

    typer.echo(explained(code), nl=False)


def diff(
    old: Annotated[Path, typer.Argument(help="Dataset folder: the earlier version")],
    new: Annotated[Path, typer.Argument(help="Dataset folder: the later version")],
    pixels: Annotated[bool, typer.Option("--pixels", help="Check the pixels of both, too")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List everything")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers; one a processor by default")] = None,
) -> None:
    """Say what was mended and what broke between two versions of a dataset.

    Exits with 1 if an error is new, else with 0.
    """
    from micrographia.checks import diff as compare
    from micrographia.findings import Severity

    found = compare(old, new, pixels=pixels, workers=workers, quiet=False)
    with readable():
        if as_json:
            say_json(found.to_json())
        else:
            tell(found, everything=everything)
    raise typer.Exit(int(any(finding.severity is Severity.ERROR for finding in found.broke)))


def tell(found: Difference, *, everything: bool = False) -> None:
    """Print what changed."""
    from micrographia.errors import printable
    from micrographia.report.findings_grouping import grouped

    for name, change in (("images", found.images), ("annotations", found.annotations)):
        say(f"{name:<12} {_changed(change)}")
        for kind in ("added", "removed", "changed"):
            names = getattr(change, kind)
            if names:
                shown = names if everything else names[:SHOWN]
                more = f" and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
                say(f"  {kind:<10} {printable(', '.join(shown))}{more}")
    say()
    scores = "   ".join(
        f"{after.letter} {before.passed}/{before.applicable} -> {after.passed}/{after.applicable}"
        for before, after in found.scores
    )
    say(f"passed       {scores}")
    for title, findings in (("broke", found.broke), ("mended", found.mended), ("still there", found.still)):
        say()
        say(f"{len(findings):,} {title}")
        entries = grouped(findings)
        shown_entries = entries if everything else entries[:SHOWN]
        for entry in shown_entries:
            say(
                f"  {entry.severity:<9}{entry.code:<6}{printable(entry.message)}  {printable(entry.places())}".rstrip()
            )
        if len(shown_entries) < len(entries):
            say(f"  {len(entries) - len(shown_entries):,} more: --all.")


def _changed(change: Change) -> str:
    parts = [
        f"{len(change.added):,} added",
        f"{len(change.removed):,} removed",
        f"{len(change.changed):,} changed",
        f"{change.same:,} the same",
    ]
    if change.rewritten:
        parts.append(f"{len(change.rewritten):,} in another format (compare with micrographia hash)")
    if change.unknown:
        parts.append(f"{len(change.unknown):,} without checksums to compare")
    return ", ".join(parts)


def _state(dataset: Path, report: Report, profile: str | None, target: Path, workers: int | None) -> None:
    """Write the statement of compliance, and say where, on standard error: standard output is the report's."""
    from micrographia.checks.profile import DEFAULT, load_profile
    from micrographia.checks.rule import Needs
    from micrographia.checks.statement import identify, statement
    from micrographia.dataset import open_dataset
    from micrographia.report.statement import write_statement

    pixels = report.depth is Needs.PIXELS
    identity = identify(open_dataset(dataset), pixels=pixels, workers=workers)
    made = statement(report, load_profile(profile or DEFAULT), identity)
    write_statement(made, target)
    warn(f"Wrote {target}   ({made['verdict']})")


def _codes(given: list[str] | None) -> list[str]:
    return [code.strip() for part in given or [] for code in part.split(",") if code.strip()]


def _print_text(report: Report, *, everything: bool) -> None:
    import os
    import sys

    from rich.console import Console

    from micrographia.report.findings_text import findings_text

    console = Console()
    width = console.width if sys.stdout.isatty() else 100
    color = console.is_terminal and not console.no_color and "NO_COLOR" not in os.environ
    typer.echo(
        findings_text(report, everything=everything, width=width, color=color), nl=False, color=color or None
    )


def _rendered(report: Report, output: Format, *, everything: bool) -> str:
    if output is Format.JSON:
        from micrographia.report.findings_json import findings_json

        return findings_json(report)
    if output is Format.HTML:
        from micrographia.report.findings_html import findings_html

        return findings_html(report)
    if output is Format.SARIF:
        from micrographia.report.findings_sarif import findings_sarif

        return findings_sarif(report)
    if output is Format.MARKDOWN:
        from micrographia.report.findings_markdown import findings_markdown

        return findings_markdown(report)
    from micrographia.report.findings_text import findings_text

    return findings_text(report, everything=everything)
