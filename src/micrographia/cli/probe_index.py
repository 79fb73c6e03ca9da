"""``micrographia overview``: several results of ``micrographia probe`` on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micrographia.cli.console import count, say, say_json

RESULT = "result.json"


def overview(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Results of `probe`: files result.json, their folders, or a folder of such folders"
        ),
    ],
    out: Annotated[Path, typer.Option(help="The page")] = Path("index.html"),
    title: Annotated[str, typer.Option(help="Its heading")] = "Results",
    as_json: Annotated[bool, typer.Option("--json", help="Print what the page lists as JSON")] = False,
) -> None:
    """List several results of `probe` on one page: what each asked, what it answered, where its report is."""
    from micrographia.report.probe_index import write_probe_index

    found = [place for given in results for place in results_in(given)]
    path = write_probe_index(found, out, title)
    if as_json:
        say_json({"page": str(path), "results": [str(place) for place in found]})
        return
    say(f"Wrote {path} with {count(len(found), 'result')}.   Next: open {path}")


def results_in(place: Path) -> list[Path]:
    """Return the results that a path stands for: itself, or every ``*/result.json`` of a folder without one.

    Raises
    ------
    MicrographiaError
        If there is none.
    """
    from micrographia.errors import MicrographiaError

    if not place.is_dir() or (place / RESULT).is_file():
        return [place]
    found = sorted(place.glob(f"*/{RESULT}"))
    if not found:
        raise MicrographiaError(
            place, f"holds no {RESULT}, and no folder with one", "name the folder that `probe` wrote"
        )
    return found
