"""A ranking for a terminal: the sentences, then a table for every dataset."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.segmentation.ranking.words import interval, places

HEAD = ("place", "model", "score", "interval", "consistency", "control", "with others")


def rank_text(result: Mapping[str, Any], *, width: int = 100) -> str:
    """Return a ranking as text.

    Parameters
    ----------
    result
        The document that ``micrographia segment rank`` writes.
    width
        Columns of the terminal.
    """
    lines: list[str] = []
    for sentence in result["headline"]:
        lines += textwrap.wrap(sentence, width - 4, initial_indent="  ", subsequent_indent="    ")
    for ranking in result["rankings"]:
        lines += ["", f"  {ranking['title']}: {facts(ranking)}", ""]
        lines += _table(ranking, result["source"], width)
        for note in ranking["notes"][:4]:
            lines += textwrap.wrap(f"Note: {note}.", width - 4, initial_indent="  ", subsequent_indent="    ")
    lines += ["", *textwrap.wrap(legend(result), width - 4, initial_indent="  ", subsequent_indent="  "), ""]
    return "\n".join(lines)


def facts(ranking: Mapping[str, Any]) -> str:
    """Return how many images and groups decided."""
    used, n = len(ranking["used"]), ranking["n_images"]
    images = f"{n:,} images" if used == n else f"{used:,} of {n:,} images"
    unit = f"groups of {ranking['group_column']}" if ranking["group_column"] else "images, each on its own"
    return f"{images}; independent: {ranking['n_groups']:,} {unit}"


def legend(result: Mapping[str, Any]) -> str:
    """Return what the numbers of the table are."""
    measure = result["measures"][result["measure"]]
    shown = "images with features dropped" if result["source"] == "dropout" else "perturbed images"
    score = "consistency beyond control, 0 to 1"
    return (
        f"Consistency: agreement ({measure['title']}) of the predictions on the images and on {shown}. Control: the "
        "same with images in which nothing is where it was. With others: matched F1 with the objects of the other "
        f"ranked models. Score: {'with others' if result['source'] == 'consensus' else score}. Places and intervals: "
        f"{result['level']:.0%}, by groups."
    )


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def _table(ranking: Mapping[str, Any], source: str, width: int) -> list[str]:
    labelled = any(model["true"] for model in ranking["models"])
    dropped = source == "input" and any(model["dropout"] is not None for model in ranking["models"])
    head = [*HEAD, *(["dropout"] if dropped else []), *(["true F1"] if labelled else [])]
    rows = [
        head,
        *(
            [
                places(model),
                model["key"],
                number(model["score"]),
                interval(model) if model["rank"] is not None else "–",
                number(model["consistency"]),
                number(model["control"]),
                number(model["consensus"]),
                *([number(model["dropout"])] if dropped else []),
                *([number(model["true"]["f1"] if model["true"] else None)] if labelled else []),
            ]
            for model in ranking["models"]
        ),
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = []
    for row, model in zip(rows, [None, *ranking["models"]], strict=True):
        cells = [
            text.ljust(size) if at == 1 else text.rjust(size)
            for at, (text, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
        if model:
            lines += _remarks(model, width)
    return lines


def _remarks(model: Mapping[str, Any], width: int) -> Sequence[str]:
    told = [f"not ranked: {model['why']}"] if model["why"] else []
    told += model["notes"]
    return [
        line
        for text in told
        for line in textwrap.wrap(text, width - 10, initial_indent=" " * 8, subsequent_indent=" " * 10)
    ]
