"""``micrographia segment rank``: choose between models without labels."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from micrographia.cli.console import say, say_json
from micrographia.errors import command_line

PAGE, FIGURE = "index.html", "ranking.png"


def rank(
    models: Annotated[
        list[str] | None,
        typer.Option(
            help="Models: a model.yaml or its folder, a BioImage.IO package, TorchScript or ONNX, "
            "package.module:function, program:NAME, or a baseline; several may follow"
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(help="Dataset folders, folders of images, or images; several may follow"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for index.html, ranking.png, result.json and the table")
    ] = Path("ranking"),
    by: Annotated[
        str | None, typer.Option(help="Group column by which a dataset is divided; each part is ranked on")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Group column whose groups are independent of each other")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Use only the images of this split")] = None,
    masks: Annotated[
        str | None, typer.Option(help="Annotation set that the order is held against, where there are labels")
    ] = None,
    labels: Annotated[bool, typer.Option(help="Hold the order against labels where there are some")] = True,
    at_most: Annotated[
        int | None, typer.Option(min=1, help="So many images a dataset at most, spread over its groups")
    ] = None,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            help="Perturbation, as noise or noise=0.05,0.1; all kinds by default; several may follow"
        ),
    ] = None,
    strength: Annotated[float, typer.Option(help="Make all perturbations so many times as strong")] = 1.0,
    dropout: Annotated[
        list[float] | None,
        typer.Option(help="Share of feature maps to drop in networks, as 0.1; several may follow"),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            help="What the order rests on: input (perturbed images), dropout, or consensus of models"
        ),
    ] = "input",
    measure: Annotated[
        str, typer.Option(help="Measure of agreement: rand, f1, mean_f1, hamming or dice")
    ] = "rand",
    crop: Annotated[
        int, typer.Option(min=16, help="Of larger images use the middle: so many pixels along Y and X")
    ] = 1024,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of what was measured before; OUT/cache by default")
    ] = None,
    device: Annotated[str, typer.Option(help="Where networks run: auto, cpu, cuda")] = "auto",
    trust: Annotated[
        list[str] | None, typer.Option(help="Names of packages whose own code may run; several may follow")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of noise, shuffling, dropout and resampling")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; by default one a processor, and one in all for networks"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Order models by how little they mind small changes of the images, without labels.

    Models that find nothing, everything, or always the same are told apart. Where there are labels, the order is held
    against the true one. What was measured before is not measured again.
    """
    if not models:
        raise typer.BadParameter("name the models: --models NAME NAME ...")
    if not images:
        raise typer.BadParameter("name a dataset or a folder of images: --images FOLDER")
    from micrographia.segmentation.ranking.dropout import RATES
    from micrographia.segmentation.ranking.measuring import Plan
    from micrographia.segmentation.ranking.ordering import Ruling
    from micrographia.segmentation.ranking.perturbations import parse
    from micrographia.segmentation.ranking.request import Request
    from micrographia.segmentation.ranking.request import rank as compute
    from micrographia.segmentation.ranking.scenes import Choice

    drop = tuple(dropout or (RATES if source == "dropout" else ()))
    request = Request(
        models=tuple(models),
        images=tuple(images),
        choice=Choice(by, unit, split, masks if labels else "", (), at_most),
        plan=Plan(parse(perturb or (), strength=strength), drop, crop=crop, seed=seed),
        ruling=Ruling(measure, source, seed=seed),
        out=out,
        cache=cache,
        device=device,
        trust=tuple(trust or ()),
    )
    result = compute(request, command=sys.argv[1:], workers=workers, quiet=as_json)
    written(result, out, as_json=as_json)


def written(result: dict[str, Any], out: Path, *, as_json: bool, silent: bool = False) -> None:
    """Write result, table, figure and page, and say what they say."""
    from micrographia.report.rank_figure import write_rank_figure
    from micrographia.report.rank_page import write_rank_page
    from micrographia.report.rank_text import rank_text
    from micrographia.segmentation.ranking.result import write_result

    path = write_result(result, out)
    write_rank_figure(result, out / FIGURE)
    page = write_rank_page(result, out / PAGE)
    if silent:
        return
    if as_json:
        say_json(result)
        return
    typer.echo(rank_text(result, width=max(60, shutil.get_terminal_size((100, 24)).columns)))
    say(
        f"Wrote {page}, {FIGURE} and {path.name}.   Next: open {page}, or repeat it: {command_line('rerun', path)}"
    )
