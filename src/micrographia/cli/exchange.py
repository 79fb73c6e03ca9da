"""``micrographia import`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, readable, say, say_json, warn
from micrographia.errors import command_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micrographia.findings import Finding

SHOWN = 12
"""Findings that are printed; all of them come with ``--json``."""


def import_(
    source: Annotated[str, typer.Argument(help="A file, a folder, or an address")],
    out: Annotated[Path, typer.Argument(help="The new dataset folder; it appears when it is whole")],
    form: Annotated[
        str | None, typer.Option("--format", help="Its format, if it is not recognised", metavar="FORMAT")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Make a dataset folder of a description in another community's form.

    It reads PageTab records of the BioImage Archive, RO-Crates, Croissant and others; the pixels stay where they are.
    What has no home in mifa.yaml and files.tsv is kept word for word in origin.json, and named.
    """
    from micrographia.exchange import import_submission

    submission = import_submission(source, out, form)
    study, origin = submission.mifa.study, submission.origin
    if as_json:
        say_json(
            {
                "out": str(out),
                "format": origin.format,
                "accession": study.accession,
                "title": study.title,
                "files": len(submission.files),
                "kept": [one.at for one in origin.kept],
                "findings": [finding.to_json() for finding in submission.findings],
            }
        )
        return
    with readable():
        files = count(len(submission.files), "file")
        say(f"Read {source} as {origin.format}: {study.title or 'no title'}")
        say(
            f"Wrote {out}/ ({files} listed, {count(len(origin.kept), 'entry', 'entries')} kept word for word)"
        )
        tell(submission.findings)
        say(f"Next: {command_line('check', out)}")


def export(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    form: Annotated[str, typer.Argument(help="Format to write; `list` lists them", metavar="FORMAT")],
    out: Annotated[
        Path | None, typer.Argument(help="The new file or folder; it appears when it is whole")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, as `list` shows; may be given several times", metavar="NAME=VALUE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Write a dataset as archives, catalogues and programs read it; `micrographia export DATASET list` lists them.

    Each field that a format cannot carry is named. It exits with 1 if something is missing that the format requires.
    """
    from micrographia.dataset import open_dataset
    from micrographia.errors import ExchangeError
    from micrographia.exchange import export as write
    from micrographia.exchange import formats

    if form == "list":
        listed = [
            {
                "name": one.name,
                "title": one.title,
                "reads": one.reads,
                "writes": one.writes,
                "options": {choice.name: [choice.meaning, list(choice.values)] for choice in one.choices},
            }
            for one in formats().values()
        ]
        say_json(listed) if as_json else _list(listed)
        return
    if out is None:
        raise ExchangeError("", "no output is named", command_line("export", dataset, form, "OUT"))
    done = write(open_dataset(dataset), form, out, options_of(option or []))
    if as_json:
        findings = [finding.to_json() for finding in done.findings]
        say_json({"out": str(done.path), "format": done.format, "valid": done.valid, "findings": findings})
    else:
        with readable():
            say(f"Wrote {done.path}{'/' if done.path.is_dir() else ''}")
            tell(done.findings)
            if not done.valid:
                say("It is not valid before what is missing is filled in.")
    if not done.valid:
        raise typer.Exit(1)


def options_of(given: Sequence[str]) -> dict[str, str]:
    """Return ``NAME=VALUE`` texts as a dictionary.

    Raises
    ------
    BadParameter
        If one has no equals sign.
    """
    pairs = [text.partition("=") for text in given]
    odd = next((name for name, equals, _ in pairs if not equals), None)
    if odd is not None:
        raise typer.BadParameter(f"{odd!r} is no NAME=VALUE", param_hint="--option")
    return {name.strip(): value.strip() for name, _, value in pairs}


def tell(findings: Sequence[Finding]) -> None:
    """Print the findings that matter most, on standard error."""
    ordered = sorted(findings, key=lambda finding: finding.severity.rank)
    for finding in ordered[:SHOWN]:
        where = ":".join(part for part in (finding.place, finding.field) if part)
        warn(f"{finding.severity:<8} {finding.code}  {finding.message}   {where}".rstrip())
    if len(ordered) > SHOWN:
        warn(f"and {len(ordered) - SHOWN} more; all of them with --json")


def _list(listed: list[dict[str, Any]]) -> None:
    for one in listed:
        does = " and ".join(word for word, can in (("read", one["reads"]), ("write", one["writes"])) if can)
        say(f"{one['name']:<12} {one['title']} ({does})")
        for name, (meaning, values) in one["options"].items():
            say(f"{'':<12}   {name}={'|'.join(values)}: {meaning}")
