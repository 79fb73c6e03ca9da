"""``micrographia anonymous``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micrographia.cli.console import count, readable, say, say_json, warn
from micrographia.errors import command_line


def anonymous(
    source: Annotated[Path, typer.Argument(help="Dataset folder; with --restore the anonymous copy")],
    out: Annotated[Path | None, typer.Argument(help="The new folder; it appears when it is whole")] = None,
    key: Annotated[
        Path | None, typer.Option(help="The file that restores the copy; OUT.key.json by default")
    ] = None,
    link: Annotated[
        bool,
        typer.Option(
            "--link/--copy", help="Let pixels share their bytes with the original where the disk allows it"
        ),
    ] = True,
    restore: Annotated[
        Path | None, typer.Option(help="Turn the copy back into the dataset, by the key that belongs to it")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Copy a dataset for reviewers who must not know who made it.

    The copy has no authors, grants, papers, links and identifiers; names are replaced in texts, tables and the metadata
    of OME-Zarr. What could still name people is listed: look at it before you share the copy. It exits with 1 if names
    were seen that could not be replaced.
    """
    from micrographia.catalogue.anonymous import anonymise
    from micrographia.catalogue.anonymous import restore as restored
    from micrographia.dataset import open_dataset
    from micrographia.errors import DatasetError
    from micrographia.findings import Severity

    if restore is not None:
        changed = restored(source, restore)
        if as_json:
            say_json({"restored": str(source), "changed_since": changed})
            return
        say(f"Restored {source}/")
        for name in changed:
            warn(f"left as it is, because it was changed since: {name}")
        return
    if out is None:
        raise DatasetError("", "no folder for the copy is named", command_line("anonymous", source, "OUT"))
    made = anonymise(open_dataset(source), out, key, linking=link)
    errors = sum(finding.severity is Severity.ERROR for finding in made.findings)
    if as_json:
        say_json(
            {
                "out": str(made.path),
                "key": str(made.key),
                "linked": made.linked,
                "copied": made.copied,
                "cleaned": list(made.cleaned),
                "replaced": made.replaced,
                "findings": [finding.to_json() for finding in made.findings],
                "check": [finding.to_json() for finding in made.report.findings],
            }
        )
    else:
        with readable():
            say(f"Wrote {out}/   ({count(made.linked, 'file')} linked, {made.copied} copied)")
            say(f"Wrote {made.key}   keep it, and do not give it to the reviewers")
            for finding in sorted(made.findings, key=lambda one: one.severity.rank):
                warn(f"{finding.severity:<8} {finding.code}  {finding.message}   {finding.path}".rstrip())
            wrong = sum(finding.severity is Severity.ERROR for finding in made.report.findings)
            waived = count(len({waived.finding.code for waived in made.report.waived}), "rule")
            say(f"Checked: {count(wrong, 'error')}; {waived} that ask for what was left out waived")
            say(
                "Not yet anonymous: see the errors above."
                if errors
                else f"Next: look at {out}/, then pack it"
            )
    if errors:
        raise typer.Exit(1)
