"""``micrographia card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micrographia.cli.console import say, say_json, size

SMALL = 1_000_000_000
"""Bytes of image files below which the pixels are checked without being asked for."""


def card(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    out: Annotated[Path | None, typer.Option(help="The page; card.html in the dataset by default")] = None,
    pixels: Annotated[
        bool | None,
        typer.Option(help="Also check the pixels, which reads all of them; by default below 1 GB of files"),
    ] = None,
    pictures: Annotated[int, typer.Option(min=0, help="Images in the gallery")] = 12,
    seed: Annotated[int, typer.Option(help="Draws the images of the gallery")] = 0,
    badge: Annotated[
        Path | None, typer.Option(help="Also write the badge; badge.svg beside the page by default")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print where the page is as JSON")] = False,
) -> None:
    """Make one page that shows the dataset to people, and a badge.

    The page holds everything that it needs: it opens from a disk, in mail, without a network.
    """
    from micrographia import checks
    from micrographia.dataset import open_dataset
    from micrographia.dataset.manifest import write_whole
    from micrographia.report.badge import badge as badge_svg
    from micrographia.report.card import card_html
    from micrographia.report.card_facts import gather_card

    opened = open_dataset(dataset)
    if pixels is None:
        pixels = sum(max(0, row.size) for row in opened.rows if row.role == "image") < SMALL
    report = checks.check(opened, pixels=pixels, workers=workers, quiet=as_json)
    facts = gather_card(opened, pictures=pictures, seed=seed, workers=workers, quiet=as_json)
    page = out or dataset / "card.html"
    shield = badge or page.with_name("badge.svg")
    text = card_html(opened, facts, report)
    write_whole(page, text)
    write_whole(shield, badge_svg(report.scores))
    if as_json:
        say_json(
            {
                "card": str(page),
                "badge": str(shield),
                "bytes": len(text),
                "unreadable": [str(e) for e in facts.errors],
            }
        )
        return
    say(f"Wrote {page}   ({size(len(text.encode()))}, one file, opens in any browser)")
    say(f"Wrote {shield}")
    for error in facts.errors[:8]:
        say(f"left out: {error}")
