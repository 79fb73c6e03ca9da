"""``micrographia triage``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from micrographia.cli.console import count, readable, say, say_json

if TYPE_CHECKING:
    from micrographia.catalogue.triage import Triage
    from micrographia.checks import Profile


class Format(StrEnum):
    """How the table is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def triage(
    records: Annotated[
        list[str],
        typer.Argument(help="Files, folders of records, dataset folders, addresses", metavar="RECORDS..."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the page, the table as CSV, Parquet and JSON, and the letters", metavar="DIR"
        ),
    ] = None,
    letters: Annotated[
        bool,
        typer.Option("--letters", help="Write a letter to the authors of each; printed if there is no --out"),
    ] = False,
    curator: Annotated[str, typer.Option(help="Who signs the letters", metavar="NAME")] = "",
    deadline: Annotated[
        str, typer.Option(help="Until when an answer is wanted, as it stands in the letters")
    ] = "",
    profile: Annotated[
        str | None,
        typer.Option(help="Rule set: mifa, journal, archive, challenge, or the path of a YAML file of yours"),
    ] = None,
    effort: Annotated[
        Path | None, typer.Option(help="YAML file with minutes of your own by rule", metavar="FILE")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--record-format", help="Format of the records, if it is not recognised")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How the table is printed")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List every submission")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers; one a processor by default")] = None,
) -> None:
    """Say what many submissions lack, by the author's effort to mend it, and write to the authors.

    Descriptions and file lists are judged, pixels are not read. A record that cannot be read is a row with its reason.
    Exits with 0, or with 2 if it could not run or no record could be read.
    """
    from micrographia.catalogue.triage import LetterOptions, load_efforts, table, triage_document
    from micrographia.catalogue.triage import triage as run
    from micrographia.checks import load_profile
    from micrographia.checks.profile import DEFAULT

    chosen = load_profile(profile or DEFAULT)
    found = run(
        records,
        profile=chosen,
        efforts=load_efforts(effort),
        letters=LetterOptions(curator, deadline) if letters else None,
        out=out,
        form=form,
        workers=workers,
        quiet=False,
    )
    output = Format.JSON if as_json else output
    with readable():
        if out is not None:
            _write(found, out, chosen)
        if output is Format.JSON:
            say_json(triage_document(found))
        elif output is Format.CSV:
            typer.echo(table(found).to_csv(index=False), nl=False)
        else:
            _print(found, everything=everything)
            if out is not None:
                told = f", {count(len(found.letters), 'letter')} in letters/" if letters else ""
                say()
                say(f"Wrote {out}/triage.html, .csv, .parquet, .json{told}")
        if letters and out is None and output is Format.TEXT:
            _letters(found)
    if found.rows and len(found.broken) == len(found.rows):
        raise typer.Exit(2)


def _write(found: Triage, out: Path, profile: Profile) -> None:
    import json

    from micrographia.catalogue.triage import triage_document
    from micrographia.catalogue.triage.result import write_table
    from micrographia.errors import DatasetError
    from micrographia.metadata.files import write_whole
    from micrographia.report.triage_page import write_triage_page

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(out, f"cannot be made ({error.strerror})", "Choose another folder") from error
    for ending in (".csv", ".parquet"):
        write_table(found, out / f"triage{ending}")
    text = json.dumps(triage_document(found), ensure_ascii=False, indent=1) + "\n"
    write_whole(out / "triage.json", text.encode())
    write_triage_page(found, out / "triage.html", profile)


def _print(found: Triage, *, everything: bool) -> None:
    import os
    import shutil
    import sys

    from micrographia.report.triage_text import triage_text

    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = shutil.get_terminal_size().columns if wide else 110
    typer.echo(triage_text(found, everything=everything, width=width), nl=False)


def _letters(found: Triage) -> None:
    from micrographia.catalogue.triage import ranked

    for row in ranked(found.rows):
        if row.letter:
            say()
            typer.echo("-" * 76)
            typer.echo(row.letter, nl=False)
