"""``micrographia index``, ``find`` and ``show``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, readable, say, say_json, size, warn

if TYPE_CHECKING:
    from micrographia.catalogue import Indexed, Published

SHOWN = 12
"""Findings that are printed; all of them come with ``--json``."""

IndexOption = Annotated[
    str | None,
    typer.Option(
        "--index",
        help="The catalogue: a file, a published folder or its address; yours by default",
    ),
]


def index(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            help="Dataset folders, folders that hold some, records, addresses; by default all places of before"
        ),
    ] = None,
    catalogue: Annotated[
        str | None, typer.Option("--index", help="The catalogue's file; yours by default")
    ] = None,
    publish: Annotated[
        Path | None, typer.Option(help="Also write it as Parquet into this folder, for a web server")
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(help="Where a folder of this machine is on the web, for --publish: FOLDER=ADDRESS"),
    ] = None,
    remove_gone: Annotated[
        bool, typer.Option("--remove-gone", help="Remove datasets that are no longer there")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Begin anew from all places of before; the old file is kept")
    ] = False,
    headers: Annotated[
        bool, typer.Option("--headers/--no-headers", help="Read the headers of images")
    ] = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Read datasets into a catalogue that find searches; again, only what has changed is read.

    With --publish alone the catalogue is published as it is. Exits with 1 if something could not be read; the rest is
    indexed.
    """
    from micrographia.catalogue import index as run
    from micrographia.catalogue import publish as write
    from micrographia.catalogue.indexing import catalogue_file

    done = None
    if places or rebuild or publish is None:
        done = run(
            places or (),
            catalogue=catalogue,
            remove_gone=remove_gone,
            rebuild=rebuild,
            headers=headers,
            workers=workers,
            quiet=as_json,
        )
    written = None
    if publish is not None:
        written = write(catalogue_file(catalogue), publish, places=_addresses(place or []))
    if as_json:
        document = done.to_json() if done else {}
        if written:
            document["published"] = asdict(written)
        say_json(document)
    else:
        with readable():
            if done:
                _tell_indexed(done, catalogue)
            if written:
                _tell_published(written)
    if done and done.findings:
        raise typer.Exit(1)


def _addresses(given: list[str]) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in given]
    if any(not equals for _, equals, _ in pairs):
        raise typer.BadParameter("write FOLDER=ADDRESS", param_hint="--place")
    return {folder: address for folder, _, address in pairs}


def _tell_indexed(done: Indexed, catalogue: str | None) -> None:
    from micrographia.errors import command_line, printable

    parts = [f"{len(done.added):,} new", f"{len(done.changed):,} changed", f"{done.unchanged:,} unchanged"]
    if done.removed:
        parts.append(f"{len(done.removed):,} removed")
    say(f"{printable(done.place)}: {', '.join(parts)}; {count(done.total, 'dataset')} in all")
    for finding in done.findings[:SHOWN]:
        warn(printable(f"{finding.severity:<8} {finding.path}: {finding.message}. {finding.fix}"))
    if len(done.findings) > SHOWN:
        warn(f"and {len(done.findings) - SHOWN:,} more; all of them with --json")
    for gone in done.gone[:SHOWN]:
        warn(printable(f"no longer there: {gone}"))
    if done.gone:
        warn(
            "Remove them from the catalogue with --remove-gone; a disk that is only unplugged comes back by itself."
        )
    if done.total:
        say(f"Next: {command_line('find', 'WORDS', *(('--index', catalogue) if catalogue else ()))}")
    else:
        say(
            "Nothing was found there: a dataset has mifa.yaml and files.tsv. Make one: micrographia describe FOLDER"
        )


def _tell_published(written: Published) -> None:
    from micrographia.errors import printable

    rows = f"{count(written.datasets, 'dataset')}, {count(written.images, 'image')}, {size(written.size)}"
    say(f"Published {printable(written.place)}/   ({rows})")
    if written.local:
        number = count(len(written.local), "dataset")
        say(
            f"{number} on this machine only, listed without a place; say where they are with --place FOLDER=ADDRESS"
        )
    say("Next: put the folder on a web server, and  micrographia find WORDS --index ADDRESS")


def find(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help='Words; "a phrase", begin*, OR between alternatives, NOT before what is excluded'
        ),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Annotation type: segmentation_mask")
    ] = None,
    organism: Annotated[list[str] | None, typer.Option(help="Species, by any usual name or taxon")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Imaging method, by name or FBbi id")] = None,
    licence: Annotated[
        list[str] | None, typer.Option("--licence", "--license", help="Licence: CC0, CC BY, CC-BY-4.0")
    ] = None,
    allows: Annotated[
        list[str] | None,
        typer.Option(help="What all licences must allow: commercial, derivatives, no-share-alike"),
    ] = None,
    trainable: Annotated[
        bool,
        typer.Option(
            "--trainable-commercially",
            help="Licences of study and annotations allow commercial use and derivatives",
        ),
    ] = False,
    entity: Annotated[list[str] | None, typer.Option(help="Tissue, cell line or structure")] = None,
    target: Annotated[list[str] | None, typer.Option(help="What the annotators drew")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="Keyword")] = None,
    author: Annotated[list[str] | None, typer.Option(help="Author")] = None,
    channel_role: Annotated[
        list[str] | None, typer.Option(help="What a channel shows: nucleus, DAPI")
    ] = None,
    dims: Annotated[list[str] | None, typer.Option(help="2D, 3D, 2D in time or 3D in time")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Where it is kept: BioImage Archive, folder")
    ] = None,
    year: Annotated[list[str] | None, typer.Option(help="Year of its date")] = None,
    voxel_size: Annotated[
        list[str] | None, typer.Option(help="0.1..0.5 (micrometers, in the plane) or z:200nm..1um")
    ] = None,
    score: Annotated[
        list[str] | None, typer.Option(help="Share of rules passed for a letter: M>=0.8")
    ] = None,
    min_images: Annotated[int, typer.Option(min=0, help="Least number of images")] = 0,
    min_objects: Annotated[int, typer.Option(min=0, help="Least number of annotated objects")] = 0,
    has_split: Annotated[bool, typer.Option("--has-split", help="Images are divided into splits")] = False,
    sort: Annotated[
        str,
        typer.Option(
            help="Largest first: images, objects, size, date, M, I, F or A; by default the best match"
        ),
    ] = "",
    facets: Annotated[bool, typer.Option("--facets", help="Count what is found")] = False,
    facet: Annotated[
        list[str] | None, typer.Option(help="Count this column: type, organism, target, ...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Datasets a page")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Which page")] = 1,
    catalogue: IndexOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Find datasets by words and by what they have.

    All words must occur; they are cut to their stems, and species are known by all their names. Of an option that is
    given several times one value must fit.
    """
    from micrographia.catalogue import Catalogue
    from micrographia.cli.catalogue_text import found_text

    with Catalogue(catalogue) as opened:
        found = opened.find(
            " ".join(words or []),
            type=kind or (),
            organism=organism or (),
            method=method or (),
            licence=licence or (),
            allows=allows or (),
            trainable_commercially=trainable,
            entity=entity or (),
            target=target or (),
            keyword=keyword or (),
            author=author or (),
            channel_role=channel_role or (),
            dims=dims or (),
            source=source or (),
            year=year or (),
            voxel_size=voxel_size or (),
            score=score or (),
            min_images=min_images,
            min_objects=min_objects,
            has_split=has_split,
            sort=sort,
            facets=facet or facets,
            limit=limit,
            page=page,
        )
    with readable():
        if as_json:
            say_json(found.to_json())
        else:
            for line in found_text(found, _width(), catalogue):
                say(line)


def show(
    dataset: Annotated[
        str, typer.Argument(help="Id, accession, DOI, path, or the beginning of a content checksum")
    ],
    images: Annotated[bool, typer.Option("--images", help="List its images, too")] = False,
    catalogue: IndexOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Say everything that is known of one dataset: what it lacks, where it is, how to cite it, what to do next."""
    from micrographia.catalogue import Catalogue
    from micrographia.cli.catalogue_text import image_lines, lacking, shown_text

    with Catalogue(catalogue) as opened:
        entry = opened.show(dataset)
        listed = opened.images(entry.id) if images else None
    with readable():
        if as_json:
            document: dict[str, Any] = entry.to_json() | {"lacks": lacking(entry)}
            if listed is not None:
                import json

                document["image_list"] = json.loads(listed.to_json(orient="records"))
            say_json(document)
            return
        for line in shown_text(entry, _width()):
            say(line)
        if listed is not None:
            say()
            for line in image_lines(listed, _width()):
                say(line)


def _width() -> int:
    import shutil
    import sys

    return max(60, shutil.get_terminal_size().columns - 2) if sys.stdout.isatty() else 98
