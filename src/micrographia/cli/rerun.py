"""``micrographia rerun``: repeat any result and say whether it agrees."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from micrographia.cli.console import say, say_json

DIFFERS = 1


def rerun(
    result: Annotated[
        Path,
        typer.Argument(help="A result.json of `probe`, `segment evaluate` or `segment rank`, or its folder"),
    ],
    data: Annotated[Path | None, typer.Option(help="Folder of the study's data, if it has moved")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the repeated result to")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what differs as JSON")] = False,
) -> None:
    """Repeat a result and say whether it agrees: exit status 0 if it does, 1 if not."""
    kind = kind_of(result)
    if kind == "segmentation matrix":
        told, same = _matrix(result, out, workers, quiet=as_json)
    elif kind == "segmentation ranking":
        told, same = _ranking(result, out, workers, quiet=as_json)
    else:
        told, same = _probe(result, data, out, workers, quiet=as_json)
    if as_json:
        say_json({"agrees": not told, "differences": told})
    elif told:
        say(f"The repeated result differs in {len(told):,} places:")
        for text in told[:20]:
            say(f"  {text}")
    else:
        say(f"The repeated result agrees: {same}")
    if told:
        raise typer.Exit(DIFFERS)


def kind_of(result: Path) -> str:
    """Return what a result is of; empty where it does not say, or cannot be read."""
    place = result / "result.json" if result.is_dir() else result
    try:
        document = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return ""  # the reader of results of that kind says why
    return str(document.get("kind", "")) if isinstance(document, dict) else ""


def _probe(
    result: Path, data: Path | None, out: Path | None, workers: int | None, *, quiet: bool
) -> tuple[list[str], str]:
    from micrographia.cli.probe import written
    from micrographia.representation.evaluation.request import repeat
    from micrographia.representation.evaluation.result import differences, plain, read_result

    before = read_result(result)
    after = plain(repeat(before, data=data, out=out, command=sys.argv[1:], workers=workers, quiet=quiet))
    if out is not None:
        written(after, out, as_json=True, silent=True)
    rows, compared = len(before["table"]), len(before["comparisons"])
    return differences(before, after), f"{rows:,} scores and {compared:,} comparisons are the same."


def _matrix(result: Path, out: Path | None, workers: int | None, *, quiet: bool) -> tuple[list[str], str]:
    from micrographia.cli.segment_evaluate import written
    from micrographia.representation.evaluation.result import plain
    from micrographia.segmentation.evaluation.repeating import repeat
    from micrographia.segmentation.evaluation.result import differences, read_result

    before = read_result(result)
    found = repeat(before, command=sys.argv[1:], workers=workers, quiet=quiet)
    if out is not None:
        written(found, out, as_json=True, silent=True)
    cells = len(before["cells"])
    return differences(before, plain(found.result)), f"{cells:,} cells are the same."


def _ranking(result: Path, out: Path | None, workers: int | None, *, quiet: bool) -> tuple[list[str], str]:
    from micrographia.cli.segment_rank import written
    from micrographia.segmentation.ranking.request import repeat
    from micrographia.segmentation.ranking.result import differences, read_result

    before = read_result(result)
    after = repeat(before, command=sys.argv[1:], workers=workers, quiet=quiet)
    if out is not None:
        written(after, out, as_json=True, silent=True)
    return differences(before, after), f"{len(before['models']):,} models have the same places."
