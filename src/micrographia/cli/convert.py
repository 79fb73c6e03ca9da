"""``micrographia plan`` and ``micrographia convert``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from micrographia.cli.console import count, duration, say, say_json, size, warn
from micrographia.errors import command_line


class Version(StrEnum):
    """Versions of OME-Zarr that can be written."""

    V05 = "0.5"
    V04 = "0.4"


_VERSION = typer.Option("--ome-zarr", help="Version of OME-Zarr")
_ZIP = typer.Option("--zip", help="One zipped file an image (.ozx) instead of a folder of many")
_WORKERS = typer.Option(min=1, help="Processes or threads; one a processor by default")
_JSON = typer.Option("--json", help="Print the result as JSON")


def plan(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    out: Annotated[Path | None, typer.Argument(help="Where it would be written, for the space there")] = None,
    ome_zarr: Annotated[Version, _VERSION] = Version.V05,
    zipped: Annotated[bool, _ZIP] = False,
    workers: Annotated[int | None, _WORKERS] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Say what convert would write, and whether there is room for it; nothing is written.

    A few blocks of some images are compressed to estimate the bytes and the time.
    """
    from micrographia.dataset import open_dataset
    from micrographia.dataset.plan import make_plan

    result = make_plan(open_dataset(dataset), out, version=ome_zarr.value, zipped=zipped, workers=workers)
    if as_json:
        say_json(result.to_json())
        return
    held = f"{count(result.images, 'image')} with {count(result.masks, 'label image')}"
    say(f"{held}, {size(result.pixel_bytes)} of pixels")
    say(
        f"would become {count(result.files, 'file')} of about {size(result.bytes)} in about {duration(result.seconds)}"
    )
    say(f"free at {result.where}: {size(result.free)}" + ("" if result.fits else "   NOT ENOUGH"))
    for name in result.unreadable[:8]:
        say(f"cannot be read: {name}")
    if not result.fits:
        raise typer.Exit(1)
    beside = (
        dataset.with_name(f"{dataset.name}.mifa")
        if dataset.name
        else Path("..", f"{dataset.resolve().name}.mifa")
    )
    say(f"Next: {command_line('convert', f'{dataset}/', f'{out or beside}/')}")


def convert(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    out: Annotated[Path, typer.Argument(help="The new folder; it appears when it is whole")],
    ome_zarr: Annotated[Version, _VERSION] = Version.V05,
    zipped: Annotated[bool, _ZIP] = False,
    verify: Annotated[
        bool, typer.Option(help="Read every pixel back with another library and compare")
    ] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted conversion")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an older output in the end")
    ] = False,
    keep_originals: Annotated[
        bool,
        typer.Option(
            "--keep-originals", help="Only describe and hash: files are linked, no pixel is rewritten"
        ),
    ] = False,
    workers: Annotated[int | None, _WORKERS] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Write a dataset as OME-Zarr with pyramids and labels; the source is only read.

    Stopped or killed, it goes on with --resume and ends with the same bytes. A full disk or an unreadable image leaves
    the source and any older output as they were.
    """
    from micrographia.dataset import open_dataset
    from micrographia.dataset.convert import ConvertOptions
    from micrographia.dataset.convert import convert as convert_dataset
    from micrographia.dataset.keep import keep_originals as keep

    opened = open_dataset(dataset)
    if keep_originals:
        kept = keep(opened, out, overwrite=overwrite, workers=workers, quiet=as_json)
        _tell_kept(out, kept, as_json)
        return
    options = ConvertOptions(ome_zarr.value, zipped, verify, resume, overwrite, workers, quiet=as_json)
    try:
        result = convert_dataset(opened, out, options)
    except KeyboardInterrupt:
        again = command_line("convert", f"{dataset}/", f"{out}/", "--resume")
        warn(f"What is done is kept. Go on with:  {again}")
        raise
    if as_json:
        say_json(
            {
                "images": result.images,
                "resumed": result.resumed,
                "files": result.files,
                "bytes_read": result.bytes_read,
                "bytes_written": result.bytes_written,
                "seconds": round(result.seconds, 3),
                "verified": verify,
                "content_sha256": result.content_sha256,
                "files_sha256": result.files_sha256,
                "findings": [finding.to_json() for finding in result.findings],
            }
        )
        return
    new = result.images - result.resumed
    each = duration(result.seconds / max(new, 1))
    # What had been done before took none of this time.
    read = result.bytes_read * new / max(result.images, 1)
    speed = f"   {each} each, {size(read / max(result.seconds, 1e-9) * 60)}/min" if new else ""
    say(
        f"{count(result.images, 'image')} -> OME-Zarr {ome_zarr.value}   {count(result.files, 'file')}, "
        f"{size(result.bytes_written)}{speed}"
    )
    if result.resumed:
        say(f"{count(result.resumed, 'image')} had been done before and were kept.")
    for finding in result.findings[:8]:
        say(f"{finding.severity} {finding.code} {finding.place}: {finding.message}")
    if verify:
        say("Verified: every pixel read back equal.")
    say(f"content_sha256 {result.content_sha256[:16]}...   written into {out}/mifa.yaml as a new version")
    say(f"Next: {command_line('card', f'{out}/')}")


def _tell_kept(out: Path, hashes: tuple[str, str], as_json: bool) -> None:
    if as_json:
        say_json({"content_sha256": hashes[0], "files_sha256": hashes[1]})
        return
    say("Described and hashed; no pixel was rewritten.")
    say(f"content_sha256 {hashes[0][:16]}...   written into {out}/mifa.yaml as a new version")
    say(f"Next: {command_line('card', f'{out}/')}")
