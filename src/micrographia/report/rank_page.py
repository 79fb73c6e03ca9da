"""A ranking without labels as one page: the answer in its first screen, opens from a disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from micrographia import __version__
from micrographia.metadata.files import write_whole
from micrographia.report.charts import csv_uri
from micrographia.report.probe_strips import Scale, legend_mark, strip, ticks
from micrographia.report.rank_text import facts, legend, number
from micrographia.report.templating import environment
from micrographia.segmentation.ranking.result import rows
from micrographia.segmentation.ranking.words import interval, places

__all__ = ["rank_page", "write_rank_page"]

AXIS = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), 2)
FAILED = 40
"""Failed images that are listed."""


def rank_page(result: Mapping[str, Any]) -> str:
    """Return the page of a ranking.

    Parameters
    ----------
    result
        The document that ``micrographia segment rank`` writes as ``result.json``; numbers may be null.

    Returns
    -------
    str
        HTML without scripts, links to other files or calls to the network; every text of the result is escaped. The
        same result gives the same bytes.
    """
    from markupsafe import Markup

    sheet = resources("micrographia.report").joinpath("templates/rank.css").read_text("utf-8")
    made = result["provenance"]
    several = len(result["rankings"]) > 1
    answers, doubts = _split(result)
    context = {
        "program": f"Micrographia {__version__}",
        "rank_css": Markup(sheet),  # noqa: S704 - our own file
        "title": result["title"],
        "headline": answers,
        "doubts": doubts,
        "legend": legend(result),
        "level": f"{result['level']:.0%}",
        "rankings": [_ranking(one) for one in result["rankings"]],
        "marks": (legend_mark("candidate"), legend_mark("twin")),
        "axis": ticks(AXIS),
        "variations": [_variations(one, result) for one in result["rankings"]],
        "labels": _labels(result),
        "pooled": _pooled(result.get("pooled")),
        "failed": _failed(result["rankings"]),
        "models": [_model(one) for one in result["models"]],
        "perturbations": result["perturbations"],
        "controls": list(result["controls"].items()),
        "measures": list(result["measures"].values()),
        "several": several,
        "facts": [
            ("Images", "; ".join(_source(one) for one in result["rankings"])),
            ("Versions", ", ".join(f"{name} {text}" for name, text in made["versions"].items())),
            ("Micrographia", made["micrographia"]),
            ("Seed", made["seed"]),
            ("Command", " ".join(["micrographia", *map(str, made["command"])])),
            ("Made", result["created"]),
            ("Took", f"{made['seconds']:,.0f} s"),
        ],
        "download": csv_uri(list(rows(result)[0]), [list(row.values()) for row in rows(result)])
        if rows(result)
        else "",
    }
    return environment("probe.css").get_template("rank.html.j2").render(context)


def write_rank_page(result: Mapping[str, Any], target: Path) -> Path:
    """Write the page of a ranking, whole or not at all, and return where.

    Raises
    ------
    MicrographiaError
        If the file cannot be written.
    """
    write_whole(target, rank_page(result).encode())
    return target


def _split(result: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the sentences of the headline without those that say what cannot be told, and these."""
    several = len(result["rankings"]) > 1
    doubts = [
        f"{one['key']}: {text}" if several else text
        for one in result["rankings"]
        for text in one["cannot_tell"]
    ]
    return [text for text in result["headline"] if text not in doubts], doubts


def _ranking(one: Mapping[str, Any]) -> dict[str, Any]:
    shown = []
    for model in one["models"]:
        ranked = model["rank"] is not None
        low, high = (model["score_low"], model["score_high"]) if ranked else (None, None)
        label = f"{model['key']}: score {number(model['score'])}, interval {interval(model)}"
        true = model["true"]["f1"] if model["true"] else None
        shown.append(
            {
                "name": model["key"],
                "ranked": ranked,
                "places": places(model),
                "strip": strip(
                    AXIS, label, model["score"], low, high, mark="candidate" if ranked else "twin",
                    lines=[(true, "majority")],
                ),
                "score": number(model["score"]),
                "interval": interval(model) if ranked else "",
                "consistency": number(model["consistency"], 2),
                "control": number(model["control"], 2),
                "others": number(model["consensus"], 2),
                "dropout": number(model["dropout"], 2),
                "true": number(true, 3),
                "why": ([f"not ranked: {model['why']}"] if model["why"] else []) + list(model["notes"]),
            }
        )  # fmt: skip
    return {
        "title": one["title"],
        "facts": facts(one),
        "rows": shown,
        "labelled": any(model["true"] for model in one["models"]),
        "dropped": any(model["dropout"] is not None for model in one["models"]),
        "notes": one["notes"],
        "left_out": list(one["left_out"].items()),
    }


def _variations(one: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the agreement of every model under every perturbation and on every control, for a table."""
    columns = [*(held["name"] for held in result["perturbations"]), *result["controls"]]
    body = []
    for model in one["models"]:
        values = {**model["by_perturbation"], **model["controls"]}
        body.append({"name": model["key"], "cells": [_cell(values.get(name)) for name in columns]})
    n = len(result["perturbations"])
    return {"title": one["title"], "columns": columns, "first_control": n, "rows": body}


def _cell(value: float | None) -> dict[str, Any]:
    # Shades in tenths: the numbers stand in the cells, colour only guides the eye.
    return {"text": number(value, 2), "shade": 0 if value is None else max(0, min(10, round(10 * value)))}


def _labels(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for one in result["rankings"]:
        truth = one["truth"]
        if not truth:
            continue
        found.append(
            {
                "title": one["title"],
                "models": truth["n_models"],
                "tau": number(truth["tau"], 2),
                "p": "–" if truth["p"] is None else f"{truth['p']:.2g}",
                "least": "–" if truth["smallest_p"] is None else f"{truth['smallest_p']:.2g}",
                "rho": number(truth["spearman"], 2),
                "regret": number(truth["regret"], 3),
                "blind": number(truth["regret_random"], 3),
                "taken": truth["taken"] or "–",
                "best": truth["best"],
                "reason": truth["reason"],
            }
        )
    return found


def _pooled(found: Mapping[str, Any] | None) -> str:
    if not found or found["tau"] is None:
        return ""
    return (
        f"Over all {found['n_datasets']} datasets: tau {found['tau']:.2f}, p {found['p']:.3g} ({found['method']}); "
        f"regret {found['regret']:.3f} on average and {found['regret_worst']:.3f} at worst, of a blind choice "
        f"{found['regret_random']:.3f}."
    )


def _failed(rankings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    every = [
        (one["title"], model["key"], held["image"], held["reason"])
        for one in rankings
        for model in one["models"]
        for held in model["failures"]
    ]
    return {"rows": every[:FAILED], "more": max(0, len(every) - FAILED)}


def _model(one: Mapping[str, Any]) -> dict[str, Any]:
    settings = ", ".join(f"{name} {value}" for name, value in one["settings"].items())
    return {
        "name": one["key"],
        "what": one["name"] if one["name"] != one["key"] else "",
        "version": one["version"] or "–",
        "licence": one["licence"] or "unknown",
        "settings": settings or "–",
        "sha256": one["sha256"][:12] or "–",
    }


def _source(one: Mapping[str, Any]) -> str:
    held = one["content_sha256"] or one["pixels_sha256"]
    return f"{one['title']} ({one['path']}), content {held[:12]}"
