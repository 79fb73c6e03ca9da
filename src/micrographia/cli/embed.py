"""``micrographia embed``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, duration, readable, say, say_json, warn

if TYPE_CHECKING:
    from micrographia.representation.encoders import Embedded, EmbedOptions, Encoder


class Rows(StrEnum):
    """What becomes a row."""

    IMAGE = "image"
    PATCH = "patch"
    OBJECT = "object"


class Fit(StrEnum):
    """How a whole field fits the encoder."""

    RESIZE = "resize"
    TILES = "tiles"


class Projection(StrEnum):
    """How slices become one plane."""

    MAX = "max"
    MEAN = "mean"
    MIDDLE = "middle"


def embed(
    dataset: Annotated[Path | None, typer.Argument(help="Dataset, or any folder of images")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder by name, folder or file; --list shows them")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file; appears when it is whole")] = None,
    per: Annotated[Rows, typer.Option(help="What becomes a row")] = Rows.IMAGE,
    fit: Annotated[
        Fit, typer.Option(help="Whole fields: squeezed, or cut into tiles and averaged")
    ] = Fit.RESIZE,
    patch: Annotated[int | None, typer.Option(min=1, help="Side of a patch in pixels")] = None,
    stride: Annotated[int | None, typer.Option(min=1, help="Pixels between patches")] = None,
    crop: Annotated[
        int | None,
        typer.Option(min=1, help="Side of the square around an object; by default its box and 10%"),
    ] = None,
    masked: Annotated[bool, typer.Option("--masked", help="Black out what is not the object")] = False,
    objects: Annotated[str | None, typer.Option(help="Annotation set that holds the objects")] = None,
    project: Annotated[Projection, typer.Option(help="How slices become one plane")] = Projection.MAX,
    mapping: Annotated[
        str, typer.Option(help="Channels: auto, channelwise, rgb, mean, or channels:A,B,C")
    ] = "auto",
    scaling: Annotated[
        str, typer.Option(help="Intensities: auto, dtype, percentile:LOW,HIGH, or fixed:LOW,HIGH")
    ] = "auto",
    layers: Annotated[bool, typer.Option("--layers", help="All layers, not only the last")] = False,
    twins: Annotated[
        int, typer.Option(min=0, help="Also embed with this many untrained twins: FILE.twin-0.parquet, ...")
    ] = 0,
    ablation: Annotated[str, typer.Option(help="Take something out of the images first; see --list")] = "",
    seed: Annotated[int, typer.Option(help="Of random weights and random ablations")] = 0,
    size: Annotated[
        int | None, typer.Option(min=1, help="Side of the input, where the encoder leaves it open")
    ] = None,
    pooling: Annotated[str, typer.Option(help="Tokens: auto, cls, or mean")] = "auto",
    normalise: Annotated[
        str, typer.Option(help="Input of model files: imagenet, half, or none")
    ] = "imagenet",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, or mps")] = "auto",
    batch: Annotated[int, typer.Option(min=1, help="Inputs that the encoder is given at once")] = 32,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads that read images")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch the model if it is not here")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older output")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List encoders and ablations, and stop")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Turn images into features with an encoder, and with its untrained twins.

    Stopped or killed, it goes on when it is started again, and ends with the same bytes.
    """
    if listed:
        _list(as_json)
        return
    if dataset is None or encoder is None or out is None:
        lacking = "DATASET" if dataset is None else "--encoder" if encoder is None else "--out"
        raise typer.BadParameter(f"needs {lacking}, or --list")
    from micrographia.representation import encoders

    made = encoders.encoder(
        encoder, device=device, size=size, pooling=pooling, normalise=normalise, seed=seed, download=download
    )
    if twins:
        encoders.twins(made, [0])  # refused before the work, not after it
    options = encoders.EmbedOptions(
        per=per.value,
        fit=fit.value,
        patch=patch,
        stride=stride,
        crop=crop,
        masked=masked,
        annotation_set=objects,
        project=project.value,
        mapping=mapping,
        scaling=scaling,
        layers=layers,
        ablation=ablation,
        seed=seed,
        batch=batch,
        workers=workers,
        overwrite=overwrite,
        quiet=as_json,
    )
    try:
        written = [_embed(dataset, made, out, options, as_json)]
        for number in range(twins):
            twin = encoders.twins(made, [number])[0]
            place = out.with_name(f"{out.stem}.twin-{number}{out.suffix}")
            written.append(_embed(dataset, twin, place, options, as_json))
    except KeyboardInterrupt:
        warn("What is done is kept. Go on by running the same command again.")
        raise
    if as_json:
        say_json([_told(done) for done in written])
        return
    if not twins and written[0].source["kind"] == "candidate":
        say("Next: the same with --twins 5, the floor that it has to beat")


def _embed(dataset: Path, encoder: Encoder, out: Path, options: EmbedOptions, silent: bool) -> Embedded:
    from micrographia.representation.encoders import embed_file

    done = embed_file(dataset, encoder, out, options=options)
    if silent:
        return done
    rows, features = count(done.rows, "row"), count(done.features, "feature")
    if done.resumed == done.rows:
        say(f"{out} is whole already   ({rows} x {features})")
        return done
    new = done.rows - done.resumed
    say(f"Wrote {out}   ({rows} x {features}, {duration(done.seconds / new)} each, {_called(encoder)})")
    if done.resumed:
        say(f"{count(done.resumed, 'row')} had been done before and were kept.")
    return done


def _called(encoder: Encoder) -> str:
    return f"{encoder.name}, {encoder.version}" if encoder.version else encoder.name


def _told(done: Embedded) -> dict[str, Any]:
    return {
        "out": str(done.path),
        "rows": done.rows,
        "features": done.features,
        "resumed": done.resumed,
        "seconds": round(done.seconds, 3),
        "source": dict(done.source),
    }


def _list(as_json: bool) -> None:
    from micrographia.representation.encoders import ABLATIONS, KINDS, KNOWN, names

    own = {known.name for known in KNOWN}
    others = [name for name in names() if name not in own]
    if as_json:
        say_json(
            {
                "encoders": [
                    {
                        "name": known.name,
                        "size": known.size,
                        "features": known.dim,
                        "weights": known.weights,
                        "missing": list(known.missing),
                        "extra": known.extra,
                    }
                    for known in KNOWN
                ],
                "plugins": others,
                "kinds": [{"form": form, "what": what, "extra": extra} for form, what, extra in KINDS],
                "ablations": {name: ablation.removes for name, ablation in ABLATIONS.items()},
            }
        )
        return
    with readable():
        for known in KNOWN:
            state = f"   needs: pip install 'micrographia[{known.extra}]'" if known.missing else ""
            say(f"{known.name:<22} {known.size} px, {known.dim} features, weights {known.weights}{state}")
        for name in others:
            say(f"{name:<22} plug-in")
        for form, what, extra in KINDS:
            say(f"{form:<22} {what}" + (f"   [{extra}]" if extra else ""))
        say()
        say("Ablations take something out of the images first:")
        for name, ablation in ABLATIONS.items():
            shown = f"{name}:{','.join('012'[: ablation.numbers])}" if ablation.numbers else name
            say(f"{shown:<22} {ablation.removes}")
