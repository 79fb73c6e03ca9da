"""``micrographia segment evaluate``: the transfer matrix."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import say, say_json
from micrographia.errors import command_line

if TYPE_CHECKING:
    from micrographia.segmentation.evaluation.matrix import Evaluated

PAGE = "index.html"
PICTURES = 40
"""Overlays that are drawn, the worst first; each costs about 100 kB of the page."""


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Option(
            help="Models: model.yaml or its folder, a BioImage.IO package, TorchScript, ONNX, package.module:function, "
            "program:NAME, or a baseline; several may follow"
        ),
    ] = None,
    datasets: Annotated[
        list[Path] | None, typer.Option(help="Annotated dataset folders; several may follow")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for index.html, result.json and the table")] = Path(
        "matrix"
    ),
    by: Annotated[
        str | None, typer.Option(help="Group column by which datasets are divided into domains")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Group column whose groups are independent of each other")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split to evaluate; the test split by default, where there is one")
    ] = None,
    masks: Annotated[str | None, typer.Option(help="Annotation set that holds the truth")] = None,
    annotators: Annotated[
        list[str] | None,
        typer.Option(help="Annotation sets of the same objects by different people; several may follow"),
    ] = None,
    baselines: Annotated[
        list[str] | None,
        typer.Option(help="Baselines beside the models; all by default, `off` for none; several may follow"),
    ] = None,
    tune_on: Annotated[
        list[Path] | None,
        typer.Option(
            help="Datasets whose training split chooses the settings of baselines; several may follow"
        ),
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="Settings tried for each baseline")] = 32,
    metric: Annotated[str, typer.Option(help="Metric that verdicts are made of")] = "f1@0.5",
    delta: Annotated[float, typer.Option(min=0.0, help="The smallest difference that matters")] = 0.02,
    boundary: Annotated[bool, typer.Option(help="Score boundaries too")] = True,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of what was computed before; OUT/cache by default")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786")
    ] = None,
    device: Annotated[str, typer.Option(help="Where networks run: auto, cpu, cuda")] = "auto",
    trust: Annotated[
        list[str] | None, typer.Option(help="Names of packages whose own code may run; several may follow")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of drawing and resampling")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Score models on datasets, beside tuned baselines, with what is known of contamination.

    The answer is printed, and lies in index.html with everything that stands behind it. What was computed before is
    not computed again.
    """
    if not datasets:
        raise typer.BadParameter("name at least one dataset: --datasets FOLDER")
    from micrographia.segmentation.evaluation.contenders import BASELINES
    from micrographia.segmentation.evaluation.matrix import Options

    wanted = BASELINES if not baselines else () if baselines == ["off"] else tuple(baselines)
    options = Options(
        models=tuple(models or ()),
        datasets=tuple(map(str, datasets)),
        by=by,
        group=unit,
        split=split,
        masks=masks,
        annotators=tuple(annotators or ()),
        baselines=wanted,
        tune_on=tuple(map(str, tune_on or ())),
        budget=budget,
        primary=metric,
        delta=delta,
        boundary=boundary,
        device=device,
        trust=tuple(trust or ()),
        seed=seed,
    )
    from micrographia.segmentation.evaluation.matrix import evaluate as compute

    with executor_of(cluster) as executor:
        found = compute(
            options,
            out,
            cache=cache,
            workers=workers,
            executor=executor,
            command=sys.argv[1:],
            quiet=as_json,
        )
    written(found, out, as_json=as_json)


@contextmanager
def executor_of(address: str | None) -> Iterator[Executor | None]:
    """Give the executor of a Dask cluster; None without an address.

    Raises
    ------
    SegmentationError
        If the cluster cannot be reached, or Dask is not installed.
    """
    if address is None:
        yield None
        return
    from micrographia.segmentation.metrics.errors import SegmentationError

    try:
        from distributed import Client
    except ImportError as error:
        raise SegmentationError(
            address, "Dask is not installed", "pip install 'micrographia[cluster]'"
        ) from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise SegmentationError(
            address, f"the cluster cannot be reached: {error}", "Give the address of its scheduler"
        ) from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()


def written(found: Evaluated, out: Path, *, as_json: bool, silent: bool = False) -> None:
    """Write result, table and page, and say what they say."""
    from micrographia.report.matrix_page import write_matrix_page
    from micrographia.representation.evaluation.result import plain
    from micrographia.segmentation.evaluation.result import write_result, write_usage

    document = plain(found.result)
    path = write_result(document, out)
    write_matrix_page(document, out / PAGE, overlays(found))
    if silent:
        return
    write_usage(document, out)
    if as_json:
        say_json(document)
        return
    for sentence in document["headline"]:
        say(sentence)
    say()
    for line in table(document):
        say(line)
    say()
    say(f"{found.computed} predictions were computed, {found.reused} were there already.")
    say(
        f"Wrote {out / PAGE} and {path.name}.   Next: open {out / PAGE}, or repeat it: {command_line('rerun', path)}"
    )


def table(document: dict[str, Any]) -> list[str]:
    """Return models by datasets as lines of text; baselines below the models."""
    primary = document["primary"]
    cells = {(cell["model"], cell["dataset"]): cell for cell in document["cells"]}
    datasets = [entry["key"] for entry in document["datasets"]]
    models = sorted(document["models"], key=lambda model: model["baseline"])
    rows = [
        [primary, *datasets],
        *(
            [model["key"], *(_shown(cells.get((model["key"], name)), primary) for name in datasets)]
            for model in models
        ),
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if not at else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


MARKS = {"clean": "", "seen": " seen", "same source": " same source", "unknown": " ?"}


def _shown(cell: dict[str, Any] | None, primary: str) -> str:
    if cell is None or cell["scores"][primary]["value"] is None:
        return "-"
    score = cell["scores"][primary]
    return f"{score['value']:.3f}{MARKS[cell['status']]}"


def overlays(found: Evaluated) -> dict[tuple[str, str, str], bytes]:
    """Draw the errors of the images that the result shows, as PNG; an image that cannot be drawn is left out."""
    from micrographia.errors import MicrographiaError
    from micrographia.report.matrix_examples import wanted
    from micrographia.report.segmentation_pictures import draw_errors
    from micrographia.segmentation.evaluation.prediction import pixels_of, read_truth

    drawn: dict[tuple[str, str, str], bytes] = {}
    for place in wanted(found.result, PICTURES):
        labels = found.cache.labels(found.keys[place])
        item = next(item for item in found.columns[place[1]].items if item.id == place[2])
        if labels is None:
            continue
        try:
            truth, region, _ = read_truth(item)
            image = item.files.image()
            size = image.scale
            drawn[place] = _png(
                draw_errors(
                    pixels_of(item),
                    truth,
                    labels,
                    region=region,
                    ignore=item.ignored,
                    rgb=image.rgb,
                    stretch=size.get("z", 1.0) / size.get("x", 1.0),
                )
            )
        except MicrographiaError:  # a file that went away since; the numbers do not need it
            continue
    return drawn


def _png(pixels: Any) -> bytes:
    from io import BytesIO

    from PIL import Image

    held = BytesIO()
    Image.fromarray(pixels).save(held, "PNG", optimize=True)
    return held.getvalue()
