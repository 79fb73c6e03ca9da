"""``micrographia export-training``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, readable, say, say_json

if TYPE_CHECKING:
    from micrographia.loading.exports import Exported, TrainingFormat

SHOWN = 8
"""Findings that are printed; all stand in ``provenance.json``."""
LEFT_OUT = 1


class Layout(StrEnum):
    """Layouts that can be written."""

    CELLPOSE = "cellpose"
    STARDIST = "stardist"
    NNUNET = "nnunet"
    YOLO = "yolo"
    COCO = "coco"
    IMAGEFOLDER = "imagefolder"


class Labels(StrEnum):
    """What nnU-Net is given."""

    AUTO = "auto"
    BORDER_CORE = "border-core"
    SEMANTIC = "semantic"


class Outlines(StrEnum):
    """How COCO holds objects."""

    RLE = "rle"
    POLYGONS = "polygons"


NEXT = {
    Layout.CELLPOSE: "cellpose --train --dir {out}/train{test}",
    Layout.STARDIST: "StarDist's training notebook on {out}/train and {out}/val",
    Layout.NNUNET: "put {out} into nnUNet_raw, then  nnUNetv2_plan_and_preprocess",
    Layout.YOLO: "yolo segment train data={out}/data.yaml",
    Layout.COCO: "train on {out}/images with {out}/annotations",
    Layout.IMAGEFOLDER: 'load_dataset("imagefolder", data_dir="{out}")',
}
"""What people do with each layout."""


def export_training(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    layout: Annotated[Layout, typer.Argument(help="Program to train with", metavar="FORMAT")],
    out: Annotated[Path, typer.Argument(help="The new folder; it appears when it is whole")],
    split: Annotated[
        list[str] | None, typer.Option(help="Only this split; may be given several times")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Only images of these groups: COLUMN=VALUE,VALUE")
    ] = None,
    channels: Annotated[
        str, typer.Option(help="Channels by role, stain or name, in this order: nucleus,actin")
    ] = "",
    masks: Annotated[str | None, typer.Option(help="Annotation set whose masks are exported")] = None,
    scaling: Annotated[
        str | None,
        typer.Option(
            help="To 8 bits: none, dtype, percentile:LOW,HIGH or fixed:LOW,HIGH; as the format needs"
        ),
    ] = None,
    labels: Annotated[Labels, typer.Option(help="nnU-Net: cores and borders, or classes")] = Labels.AUTO,
    outlines: Annotated[Outlines, typer.Option(help="COCO: run lengths or polygons")] = Outlines.RLE,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older export")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Write a dataset in the layout that Cellpose, StarDist, nnU-Net, YOLO, COCO tools or Hugging Face train from.

    Splits, groups, classes, ignored objects and the annotated region go along where the layout has a place for them;
    what it cannot carry is said. It exits with 1 if images had to be left out.
    """
    from micrographia.dataset import open_dataset
    from micrographia.loading.exports import ExportOptions
    from micrographia.loading.exports import export_training as export

    options = ExportOptions(
        masks=masks,
        splits=split or None,
        groups=_groups(group or []) or None,
        channels=[name.strip() for name in channels.split(",") if name.strip()] or None,
        scaling=scaling,
        overwrite=overwrite,
        workers=workers,
        quiet=as_json,
    )
    done = export(open_dataset(dataset), _format(layout, labels, outlines), out, options)
    if as_json:
        say_json(_told(done))
    else:
        with readable():
            _say(done, layout)
    if done.failed:
        raise typer.Exit(LEFT_OUT)


def _groups(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in given:
        column, equals, values = text.partition("=")
        if not equals or not column.strip() or not values.strip():
            raise typer.BadParameter(f"{text!r} is no COLUMN=VALUE", param_hint="--group")
        found.setdefault(column.strip(), []).extend(value.strip() for value in values.split(","))
    return found


def _format(layout: Layout, labels: Labels, outlines: Outlines) -> TrainingFormat:
    from micrographia.loading.exports import FORMATS, Coco, NnUNet

    form = FORMATS[layout.value]
    if isinstance(form, NnUNet):
        return replace(form, labels=labels.value)
    if labels is not Labels.AUTO:
        raise typer.BadParameter("--labels is for nnunet")
    if isinstance(form, Coco):
        return replace(form, outlines=outlines.value)
    if outlines is not Outlines.RLE:
        raise typer.BadParameter("--outlines is for coco")
    return form


def _say(done: Exported, layout: Layout) -> None:
    splits = ", ".join(f"{number:,} {name}" for name, number in done.splits.items())
    say(f"{count(done.pictures, 'picture')} ({splits}) with {count(done.objects, 'object')} -> {done.path}/")
    for finding in done.findings[:SHOWN]:
        say(f"{finding.severity} {finding.code}: {finding.message}")
        if finding.fix:
            say(f"  {finding.fix}")
    if len(done.findings) > SHOWN:
        say(f"{len(done.findings) - SHOWN} more in {done.path}/provenance.json")
    held_out = next((name for name in ("validation", "test") if name in done.splits), "")
    test = f" --test_dir {done.path}/{held_out}" if held_out else ""
    say(f"Next: {NEXT[layout].format(out=done.path, test=test)}")


def _told(done: Exported) -> dict[str, Any]:
    return {
        "out": str(done.path),
        "format": done.format,
        "pictures": done.pictures,
        "splits": done.splits,
        "objects": done.objects,
        "failed": done.failed,
        "findings": [finding.to_json() for finding in done.findings],
    }
