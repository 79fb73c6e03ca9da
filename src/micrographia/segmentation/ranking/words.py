"""A ranking in sentences: which model, how sure, what cannot be told, and what labels say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.segmentation.ranking.checking import sentences


def headline(result: Mapping[str, Any]) -> list[str]:
    """Return what a ranking says, the answer first.

    Parameters
    ----------
    result
        The document; numbers may be null.
    """
    rankings = result["rankings"]
    told = [f"{_where(one, rankings)}{text}" for one in rankings for text in _one(one, len(rankings) == 1)]
    pooled = result.get("pooled")
    if pooled:
        told.append(_pooled(pooled))
    return told


def _one(ranking: Mapping[str, Any], alone: bool) -> list[str]:
    models = ranking["models"]
    ranked = [one for one in models if one["status"] == "ranked" and one["rank"] is not None]
    told = []
    if ranked and len(ranked) > 1:
        first = ranked[0]
        runner = ranked[1]
        if ranking["decided"]:
            told.append(
                f"{first['key']} is {_what(ranking)} of {len(ranked)} models (score {_number(first['score'])}, "
                f"{interval(first)}; next {runner['key']} with {_number(runner['score'])})."
            )
        else:
            told.append(
                f"{first['key']} has the highest score ({_number(first['score'])}, {interval(first)}; next "
                f"{runner['key']} with {_number(runner['score'])}), but that does not decide it."
            )
    voted = [one for one in ranked if one["consensus"] is not None]
    favourite = max(voted, key=lambda one: one["consensus"]) if voted else None
    if ranked and favourite is not None and favourite["key"] != ranked[0]["key"]:
        told.append(
            f"{favourite['key']} agrees most with the other models ({_number(favourite['consensus'])}; "
            f"{ranked[0]['key']} {_number(ranked[0]['consensus'])}): if both do not agree, look at pictures of both."
        )
    told += ranking["cannot_tell"][: None if alone else 1]
    for one in models:
        if one["status"] in ("worthless", "failed"):
            told.append(f"{one['key']} is not ranked: it {one['why']}.")
    if ranking["truth"]:
        told += sentences(_numbers(ranking["truth"]), len(ranked))
    elif alone and ranked:
        told.append("There are no labels to hold this order against; consistent is not the same as right.")
    return told


def _what(ranking: Mapping[str, Any]) -> str:
    if ranking["source"] == "consensus":
        return "the one that agrees most with the others"
    return "the most consistent"


def _pooled(found: Mapping[str, Any]) -> str:
    if found["tau"] is None:
        return f"Over {found['n_datasets']} datasets labels cannot judge the orders: {found['reason']}."
    return (
        f"Over {found['n_datasets']} datasets the orders reach Kendall's tau {found['tau']:.2f} with the true ones "
        f"(p {found['p']:.3g}, {found['method']}); trusting them costs {found['regret']:.3f} of F1 on average, a model "
        f"drawn blindly {found['regret_random']:.3f}."
    )


def interval(entry: Mapping[str, Any]) -> str:
    """Return the interval of a model's score: ``0.81 to 0.90``, or that there is none."""
    low, high = entry["score_low"], entry["score_high"]
    return "no interval" if low is None or high is None else f"{_number(low)} to {_number(high)}"


def places(entry: Mapping[str, Any]) -> str:
    """Return the places that a model may have: ``1``, ``1 to 3``, or a dash."""
    if entry["low"] is None:
        return "–"
    return str(entry["low"]) if entry["low"] == entry["high"] else f"{entry['low']} to {entry['high']}"


def _where(ranking: Mapping[str, Any], rankings: Sequence[Any]) -> str:
    return f"{ranking['key']}: " if len(rankings) > 1 else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with NaN where JSON has null."""
    numeric = ("tau", "p", "smallest_p", "spearman", "spearman_p", "regret", "regret_random")
    return {name: math.nan if value is None and name in numeric else value for name, value in found.items()}
