"""What a score is made of: confounders, misleading metrics, rank stability, ablations, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from micrographia.report import probe_words as words
from micrographia.report.probe_charts import SERIES, bump, colour_bar, heat_map
from micrographia.report.probe_result import (
    Row,
    by_candidate,
    listed,
    mapping,
    matrix,
    number,
    tasks,
    text,
    texts,
)
from micrographia.report.probe_scores import common_reason
from micrographia.report.probe_strips import bar, scale, strip, ticks

Parts = dict[str, Any]

SHARES = (
    ("unique", "explained by the candidate alone"),
    ("shared", "explained by either"),
    ("residual", "explained by neither"),
)
PARTS = (
    ("marginal", "Alone"),
    ("incremental", "Added to baseline"),
    ("residualised", "Baseline regressed out"),
    ("matched", "Matched"),
)


def shares(result: Mapping[str, Any], order: Sequence[str]) -> Parts:
    """Return the stacked bars of what a score shares with a baseline; suppressed ones say why."""
    rows = listed(result, "shares")
    titles = _titles(result)
    ends = [[number(row.get(key)) for key, _ in SHARES] for row in rows]
    sums = [sum(v for v in line if v is not None and v > 0) for line in ends]
    less = [sum(v for v in line if v is not None and v < 0) for line in ends]
    axis = scale([0.0, 1.0], [*sums, *less], wide=4)
    told = []
    for name, held in by_candidate(rows, order).items():
        for row in held:
            numbers = {
                key: {"value": words.percent(row.get(key)), "interval": _span(row, key)} for key, _ in SHARES
            }
            suppressed = all(number(row.get(key)) is None for key, _ in SHARES)
            baseline = text(row.get("baseline"))
            sentence = ", ".join(f"{label} {numbers[key]['value']}" for key, label in SHARES)
            told.append(
                {
                    "name": name,
                    "baseline": baseline,
                    "task": titles.get(text(row.get("task")), text(row.get("task"))),
                    "numbers": numbers,
                    "reason": text(row.get("reason")) or ("no reason is given" if suppressed else ""),
                    "suppressed": suppressed,
                    "strip": bar(
                        axis,
                        f"{name} and {baseline}: {sentence}",
                        [(number(row.get(key)), key) for key, _ in SHARES],
                        whisker=(number(row.get("unique_low")), number(row.get("unique_high"))),
                        lines=[(0.0, "zero")],
                    ),
                }
            )
    many = len({row["task"] for row in told}) > 1
    return {"rows": told, "axis": ticks(axis, share=True), "legend": SHARES, "many": many}


def incremental(result: Mapping[str, Any], order: Sequence[str]) -> Parts:
    """Return the table of scores alone, added to a baseline, with the baseline regressed out, and matched."""
    rows = listed(result, "incremental")
    titles = _titles(result)
    decimals = words.places(rows, [(f"{key}_low", f"{key}_high") for key, _ in PARTS])
    shown = [(key, label) for key, label in PARTS if any(number(row.get(key)) is not None for row in rows)]
    told = [
        {
            "name": name,
            "baseline": text(row.get("baseline")),
            "task": titles.get(text(row.get("task")), text(row.get("task"))),
            "cells": [
                {
                    "value": (words.signed if key == "incremental" else words.fixed)(row.get(key), decimals),
                    "interval": _between(row, key, decimals),
                }
                for key, _ in shown
            ],
        }
        for name, held in by_candidate(rows, order).items()
        for row in held
    ]
    return {
        "rows": told,
        "reasons": _reasons(rows),
        "labels": [label for _, label in shown],
        "many": len({row["task"] for row in told}) > 1,
    }


def decodability(result: Mapping[str, Any], order: Sequence[str]) -> Parts:
    """Return how well each nuisance can be read from each candidate, with chance."""
    rows = listed(result, "confounders")
    decimals = words.places(rows)
    core = [number(row.get(key)) for row in rows for key in ("score", "chance")]
    axis = scale(core, [number(row.get(key)) for row in rows for key in ("low", "high")])
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault(
            (text(row.get("nuisance")), text(row.get("role")), text(row.get("metric"))), []
        ).append(row)
    told = []
    for (nuisance, role, metric), held in groups.items():
        lines = []
        for name, mine in by_candidate(held, order).items():
            for row in mine:
                score, span = words.fixed(row.get("score"), decimals), words.interval(row, decimals)
                chance = words.fixed(row.get("chance"), decimals)
                lines.append(
                    {
                        "name": name,
                        "score": score,
                        "interval": span,
                        "chance": chance,
                        "reason": text(row.get("reason")),
                        "strip": strip(
                            axis,
                            f"{nuisance} from {name}: {score}, interval {span}, chance {chance}",
                            *(number(row.get(key)) for key in ("score", "low", "high")),
                            lines=[(number(row.get("chance")), "chance")],
                        ),
                    }
                )
        reason = common_reason(lines)
        told.append({"nuisance": nuisance, "role": role, "metric": metric, "rows": lines, "reason": reason})
    return {"groups": told, "axis": ticks(axis), "count": len(rows)}


def untrusted(result: Mapping[str, Any]) -> Parts:
    """Return the metrics that a hollow embedding can fool here: one a row, what each hollow embedding would score."""
    rows = listed(result, "untrusted")
    decimals = words.places(rows)
    hollow = list(dict.fromkeys(text(row.get("embedding")) for row in rows))
    metrics: dict[str, list[Row]] = {}
    for row in rows:
        metrics.setdefault(text(row.get("metric")), []).append(row)
    told = []
    for metric, held in metrics.items():
        scores = {text(row.get("embedding")): words.fixed(row.get("score"), decimals) for row in held}
        chances = sorted(found for row in held if (found := number(row.get("chance"))) is not None)
        ends = (
            [words.fixed(chance, decimals) for chance in (chances[0], chances[-1])]
            if chances
            else [words.NONE]
        )
        told.append(
            {
                "metric": metric,
                "elsewhere": any(row.get("common") is True for row in held),
                "scores": [scores.get(name, "") for name in hollow],
                "chance": " to ".join(dict.fromkeys(ends)),
                "texts": list(dict.fromkeys(line for row in held if (line := text(row.get("text"))))),
            }
        )
    return {"rows": told, "hollow": hollow}


def rank_stability(result: Mapping[str, Any]) -> Parts:
    """Return the order of candidates across settings as lines, and Kendall's tau between the settings."""
    held = mapping(result, "rank_stability")
    settings = texts(held, "settings")
    orders = held.get("orders")
    lists = [texts({"o": order}, "o") for order in orders] if isinstance(orders, Sequence) else []
    lists = lists if len(lists) == len(settings) and not isinstance(orders, str) else []
    names = list(dict.fromkeys(name for order in lists for name in order))
    ranks = [[order.index(name) if name in order else None for order in lists] for name in names]
    tau = matrix(held, "tau", len(settings))
    pairs = [
        (value, settings[i], settings[j])
        for i, line in enumerate(tau)
        for j, value in enumerate(line)
        if i < j and value is not None
    ]
    sentence = ""
    if pairs:
        low = min(pairs)
        sentence = f"Kendall's tau between two settings: median {words.fixed(median(p[0] for p in pairs), 2)}"
        sentence += f", least {words.fixed(low[0], 2)} ({low[1]} against {low[2]})."
    first = [len({order[0] for order in lists if order}), *(order[0] for order in lists[:1] if order)]
    winners = ""
    if len(names) > 1 and len(lists) > 1:
        winners = (
            f"{first[1]} is first in every setting."
            if first[0] == 1
            else f"{first[0]} of {len(names)} are first in one setting or another."
        )
    last = sorted((name for name in names if lists and name in lists[-1]), key=lambda n: lists[-1].index(n))
    return {
        "settings": settings,
        "names": [(name, index + 1 if index < SERIES else 0) for index, name in enumerate(names)],
        "last": [(name, names.index(name) + 1 if names.index(name) < SERIES else 0) for name in last],
        "bump": bump(ranks, f"Order of {len(names)} candidates in {len(settings)} settings. {winners}")
        if names
        else "",
        "tau": heat_map(tau, sentence or "Kendall's tau between settings", diverging=True) if tau else "",
        "colours": colour_bar(diverging=True),
        "sentence": " ".join(part for part in (winners, sentence) if part),
    }


def ablations(result: Mapping[str, Any], order: Sequence[str]) -> Parts:
    """Return what is retained of each score when the input is changed: 1 is all, 0 is chance."""
    rows = listed(result, "ablations")
    decimals = words.places(rows)
    axis = scale([0.0, 1.0], [number(row.get("retained")) for row in rows], wide=4)
    groups = []
    for name, held in by_candidate(rows, order).items():
        lines = []
        for row in held:
            ablation, kept = text(row.get("ablation")), number(row.get("retained"))
            lines.append(
                {
                    "ablation": ablation,
                    "score": words.fixed(row.get("score"), decimals),
                    "retained": words.percent(kept),
                    "reason": text(row.get("reason")),
                    "strip": bar(
                        axis,
                        f"{name}, {ablation}: {words.percent(kept)} retained",
                        [(kept, "kept")],
                        lines=[(0.0, "zero"), (1.0, "chance")],
                    ),
                }
            )
        groups.append({"name": name, "rows": lines})
    return {"groups": groups, "axis": ticks(axis, share=True), "count": len(rows)}


def layers(result: Mapping[str, Any], order: Sequence[str]) -> Parts:
    """Return the score of every layer, with the layer that was chosen inside the training groups marked."""
    rows = listed(result, "layers")
    decimals = words.places(rows)
    axis = scale([number(row.get(key)) for row in rows for key in ("score", "low", "high")])
    groups = []
    for name, held in by_candidate(rows, order).items():
        lines = []
        for row in held:
            layer, choice = text(row.get("layer")), row.get("nested_choice")
            share = None if isinstance(choice, bool) else number(choice)
            chosen = choice is True or (share is not None and share > 0)
            told = (
                f"chosen in {words.percent(share)} of folds"
                if share is not None and 0 < share < 1
                else "chosen"
            )
            score, span = words.fixed(row.get("score"), decimals), words.interval(row, decimals)
            lines.append(
                {
                    "layer": layer,
                    "score": score,
                    "interval": span,
                    "chosen": told if chosen else "",
                    "reason": text(row.get("reason")),
                    "strip": strip(
                        axis,
                        f"{name}, {layer}: {score}, interval {span}" + (", " + told if chosen else ""),
                        *(number(row.get(key)) for key in ("score", "low", "high")),
                        mark="chosen" if chosen else "twin",
                    ),
                }
            )
        groups.append({"name": name, "rows": lines})
    return {"groups": groups, "axis": ticks(axis)}


def _titles(result: Mapping[str, Any]) -> dict[str, str]:
    return {task.name: task.title for task in tasks(result)}


def _reasons(rows: Sequence[Row]) -> list[str]:
    """Return why numbers are not there, each reason once with the rows that it is about."""
    found: dict[str, list[str]] = {}
    for row in rows:
        pair = f"{text(row.get('candidate'))} with {text(row.get('baseline'))}"
        for key, form in (("reason", "{}"), ("matched_reason", "matched: {}")):
            if text(row.get(key)):
                found.setdefault(form.format(text(row.get(key))), []).append(pair)
    return [f"{', '.join(dict.fromkeys(pairs))}: {reason}" for reason, pairs in found.items()]


def _span(row: Row, key: str) -> str:
    ends = [number(row.get(f"{key}_{end}")) for end in ("low", "high")]
    return "" if None in ends else f"{words.percent(ends[0])[:-1]} to {words.percent(ends[1])}"


def _between(row: Row, key: str, decimals: int) -> str:
    told = words.interval(row, decimals, f"{key}_low", f"{key}_high", sign=key == "incremental")
    return "" if told == words.NONE else told
