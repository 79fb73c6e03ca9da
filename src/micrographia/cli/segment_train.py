"""``micrographia segment train``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, duration, say, say_json
from micrographia.errors import command_line

if TYPE_CHECKING:
    from micrographia.segmentation.training.plan import Plan
    from micrographia.segmentation.training.writing import TrainedModel


class Placing(StrEnum):
    """How patches are placed."""

    RANDOM = "random"
    OBJECTS = "objects"
    BALANCED = "balanced"


class Precision(StrEnum):
    """In how many bits convolutions are computed."""

    AUTO = "auto"
    FLOAT32 = "float32"
    MIXED = "mixed"


def train(
    datasets: Annotated[list[Path], typer.Argument(help="Annotated datasets; several are mixed")],
    out: Annotated[Path, typer.Option(help="Folder of the model")],
    name: Annotated[str, typer.Option(help="Of the model; the folder's by default")] = "",
    version: Annotated[str, typer.Option(help="Of the model")] = "1",
    masks: Annotated[str | None, typer.Option(help="Annotation set to learn from")] = None,
    channels: Annotated[
        str | None, typer.Option(help="Roles or names of channels, as nucleus,membrane; all by default")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Group column whose groups are kept together; the first by default")
    ] = None,
    validation: Annotated[
        str | None, typer.Option(help="Groups that validate, as A,B; drawn by default")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Share of the images that validate, if they are drawn")
    ] = 0.2,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Use only these groups, as COLUMN=A,B; may be given several times"),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Batches to learn from")] = 2000,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Instead of --steps: as many as fit into this time")
    ] = None,
    patch: Annotated[
        str | None, typer.Option(help="Size of a patch, as 160,160 or 16,96,96; by the images by default")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Patches a step; 8, or 2 in 3D")] = None,
    rate: Annotated[float, typer.Option(min=0.0, help="Largest learning rate")] = 3e-3,
    widths: Annotated[
        str | None, typer.Option(help="Channels of the levels of the network, as 24,48,72,96")
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(min=0.0, help="Rescale images to so many micrometres a pixel")
    ] = None,
    object_size: Annotated[
        float | None, typer.Option(min=0.0, help="Rescale images so that a median object has this diameter")
    ] = None,
    placing: Annotated[
        Placing, typer.Option(help="Patches anywhere, around objects, or with classes equally often")
    ] = Placing.RANDOM,
    weights: Annotated[
        str | None, typer.Option(help="Shares of the datasets, as 2,1; by their size by default")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="Above 1 favours small datasets over their share")
    ] = None,
    object_cap: Annotated[
        float | None, typer.Option(min=0.0, help="Most patches that an object is in between two evaluations")
    ] = None,
    augment: Annotated[
        bool, typer.Option(help="Turn, scale, stretch, bend patches and change intensities")
    ] = True,
    evaluations: Annotated[int, typer.Option(min=1, help="How often validation images are scored")] = 20,
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many of these without a better score; 0 never does")
    ] = 8,
    refit: Annotated[
        bool, typer.Option("--refit", help="In the end learn anew, from validation images too, for as long")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of weights, patches, and drawn groups")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, or mps")] = "auto",
    precision: Annotated[
        Precision, typer.Option(help="mixed is 16 bits where that is safe; auto: on graphics cards")
    ] = Precision.AUTO,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that read images; one a processor by default")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out")] = False,
    bioimageio: Annotated[
        bool, typer.Option("--bioimageio", help="Also write a BioImage.IO package")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the model card as JSON")] = False,
) -> None:
    """Train the reference model, a compact U-Net, and say where it is from.

    It stops when whole validation groups get no better; test splits are never looked at. The folder holds
    model.yaml (the card), weights, curves, fingerprints of the training images, and a usage record.
    """
    from micrographia.segmentation.training.options import TrainOptions
    from micrographia.segmentation.training.training import train as train_model

    options = TrainOptions(
        datasets=datasets,
        out=out,
        name=name,
        version=version,
        masks=masks,
        channels=_words(channels),
        group=unit,
        validation=_words(validation),
        share=share,
        only=_only(only or []),
        steps=steps,
        minutes=minutes,
        patch=_whole(patch, "--patch"),
        batch=batch,
        rate=rate,
        widths=_whole(widths, "--widths"),
        pixel_size=pixel_size,
        object_size=object_size,
        sampling=placing.value,
        weights=_numbers(weights, "--weights"),
        temperature=temperature,
        object_cap=object_cap,
        augment=augment,
        evaluations=evaluations,
        patience=patience,
        refit=refit,
        seed=seed,
        device=device,
        precision=precision.value,
        workers=workers,
        resume=resume,
        bioimageio=bioimageio,
    )
    try:
        found = train_model(
            options,
            quiet=as_json,
            listener=None if as_json else _say_evaluation,
            planned=None if as_json else _say_plan,
        )
    except KeyboardInterrupt:
        if not as_json:
            say(f"Stopped. Go on from the last evaluation with the same command and --resume (in {out}).")
        raise
    if as_json:
        say_json(dict(found.card))
    else:
        _say_trained(found)


def _say_plan(plan: Plan) -> None:
    for dataset, division in zip(plan.datasets, plan.divisions, strict=True):
        units = "groups unknown, optimistic" if division.optimistic else f"by {division.column}"
        say(
            f"{dataset.title}: {count(len(division.train), 'image')} to learn from, "
            f"{len(division.validation):,} to validate on ({units})"
            + (f", {division.unused:,} not used" if division.unused else "")
        )
    for note in plan.notes:
        say(f"note: {note}")


def _say_evaluation(row: dict[str, Any]) -> None:
    best = " *" if row["validation_f1"] >= row["best"] else f"   best {row['best']:.3f}"
    say(
        f"step {row['step']:>6,} of {row['total']:,}   loss {row['train']['loss']:.3f}   "
        f"validation loss {row['validation_loss']:.3f}   F1@0.5 {row['validation_f1']:.3f}{best}"
    )


def _say_trained(found: TrainedModel) -> None:
    score, training = found.card["scores"]["validation"], found.card["training"]
    early = ", stopped early" if training["stopped_early"] else ""
    say(
        f"Trained {count(training['steps_taken'], 'step')} in {duration(training['seconds'])} "
        f"on {training['device']}{early}; kept step {training['kept_step']:,}"
    )
    unknown = "; groups unknown, optimistic" if score["groups_unknown"] else ""
    say(
        f"F1@0.5 {score['value']:.3f} on {count(score['images'], 'validation image')} in "
        f"{count(score['groups'], 'group')}: optimistic, for training stopped and settings were chosen by them{unknown}"
    )
    if training["refit"]:
        images = sum(len(one) for one in training["images"])
        say(
            f"Then it learned anew, from all {count(images, 'image')}, {count(training['refit']['steps'], 'step')} in "
            f"{duration(training['refit']['seconds'])}; that network was not scored"
        )
    for sentence in found.card["licences_of_training_data"]["says"]:
        say(f"licence: {sentence}")
    for note in found.card["target_differs"]:
        say(f"note: {note}")
    say(
        f"Wrote {found.path}/   (model.yaml, weights, curves.png, fingerprints.json, "
        f"{count(len(found.records), 'usage record')})"
    )
    again = command_line(
        "segment", "evaluate", "--models", found.path, "--datasets", "DATASET", "--out", "matrix/"
    )
    say(f"Next: {again}")


def _words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _whole(text: str | None, option: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} are no whole numbers", param_hint=option) from error


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} are no numbers", param_hint=option) from error


def _only(given: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        column, sign, values = text.partition("=")
        if not sign or not column or not values:
            raise typer.BadParameter(f"{text!r} is not COLUMN=A,B", param_hint="--only")
        found[column] = tuple(value.strip() for value in values.split(","))
    return found
