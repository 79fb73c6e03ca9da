"""``micrographia fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micrographia.cli.console import count, readable, say, say_json, size
from micrographia.cli.exchange import tell
from micrographia.errors import command_line


def fetch(
    source: Annotated[
        str,
        typer.Argument(
            help="Accession number (S-BIAD1492), address of a dataset folder, RO-Crate or other document, folder whose "
            "files are elsewhere, or id in the catalogue"
        ),
    ],
    out: Annotated[
        Path | None, typer.Argument(help="The new dataset folder; named after the source by default")
    ] = None,
    only_annotated: Annotated[
        bool, typer.Option("--only-annotated", help="Only images with annotations, and these")
    ] = False,
    most: Annotated[int | None, typer.Option("--images", min=1, help="At most so many images")] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="Only images of this split; may be given several times"),
    ] = None,
    metadata_only: Annotated[
        bool,
        typer.Option("--metadata-only", help="No files: they are read where they are when they are needed"),
    ] = False,
    ome_zarr: Annotated[
        bool, typer.Option("--ome-zarr", help="The archive's OME-Zarr images in place of the originals")
    ] = False,
    catalogue: Annotated[str | None, typer.Option(help="Catalogue that ids are looked up in")] = None,
    connections: Annotated[int, typer.Option(min=1, max=16, help="Files at a time")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Bring a dataset to this machine: its record, its file list and its files, verified.

    A file is there whole or not at all. After a failure or a kill, the same command goes on where it ended.
    """
    from micrographia.catalogue.fetching import Wanted
    from micrographia.catalogue.fetching import fetch as bring

    wanted = Wanted(
        only_annotated=only_annotated,
        images=most,
        splits=tuple(split or ()),
        files=not metadata_only,
        ome_zarr=ome_zarr,
    )
    done = bring(source, out, wanted=wanted, catalogue=catalogue, connections=connections, quiet=as_json)
    study = done.submission.mifa.study
    if as_json:
        say_json(
            {
                "out": str(done.path),
                "accession": study.accession,
                "title": study.title,
                "files": done.files,
                "bytes": done.nbytes,
                "kept": done.kept,
                "left_out": done.left_out,
                "findings": [finding.to_json() for finding in done.submission.findings],
            }
        )
        return
    with readable():
        say(f"Read {source}: {study.title or 'no title'}")
        if metadata_only:
            listed = count(len(done.submission.files), "file")
            say(f"Wrote {done.path}/ ({listed} listed; they are read where they are)")
        else:
            kept = f", {done.kept:,} of them from an earlier run" if done.kept else ""
            say(f"Wrote {done.path}/ ({count(done.files, 'file')}, {size(done.nbytes)}{kept})")
        if done.left_out:
            say(f"Left out {count(done.left_out, 'row')} of the file list.")
        tell(done.submission.findings)
        say(f"Next: {command_line('check', done.path)}")
