"""From measurements to an order: places with intervals by groups, what cannot be told, and what labels say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.segmentation.ranking.agreement import DEFAULT, MEASURES
from micrographia.segmentation.ranking.consensus import APART, MINIMUM, consensus
from micrographia.segmentation.ranking.measuring import Measured
from micrographia.segmentation.ranking.scenes import OWN, Scenes
from micrographia.segmentation.ranking.scoring import (
    Judged,
    by_kind,
    common_images,
    image_score,
    judge,
    mean,
    silent_images,
)
from micrographia.statistics import Scores, interval, rank_intervals

SATURATED = 0.99
"""Above this consistency of every model the perturbations are too weak to tell them apart."""

LISTED = 4
"""Models that a sentence names before it counts the rest."""

Records = Mapping[str, Sequence[Measured]]
"""Key of a model to its records, one an image, all in the same order."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """How records become an order.

    Parameters
    ----------
    measure
        One of :data:`~micrographia.segmentation.ranking.agreement.MEASURES`.
    source
        ``input``: perturbed images; ``dropout``: dropped features; ``consensus``: agreement with the other models.
    level
        Of the intervals.
    seed
        Of the resampling.
    """

    measure: str = DEFAULT
    source: str = "input"
    level: float = 0.95
    seed: int = 0

    @property
    def shown(self) -> str:
        """What consistency is measured on: ``input`` or ``dropout``."""
        return "dropout" if self.source == "dropout" else "input"


def order(
    scenes: Scenes, records: Records, ruling: Ruling, cache: Path, *, workers: int | None = 1
) -> dict[str, Any]:
    """Return the order of the models on some scenes, as JSON values.

    Parameters
    ----------
    scenes
        The images.
    records
        What was measured.
    ruling
        How it is ranked.
    cache
        Where predictions are kept.
    workers
        Processes that compare the models with each other.

    Returns
    -------
    ``source`` (what the order rests on), ``models`` (one entry a model, the first of the order first, those that
    cannot be ranked last), ``used`` (ids of the images that decide), ``left_out`` (those that do not, and why),
    ``n_groups``, ``first`` (the models that may be the first), ``decided`` and ``cannot_tell`` (sentences).
    """
    judged = {key: judge(held, ruling.shown) for key, held in records.items()}
    ranked = {key: records[key] for key, found in judged.items() if found.status == "ranked"}
    silent = silent_images(ranked)
    used = common_images(ranked, silent)
    ids = [item.id for item in scenes.items]
    deciding = {key: [held[at] for at in used] for key, held in ranked.items()}
    others = consensus(deciding, cache, workers=workers) if used else {}
    places, limits = _places(scenes, deciding, others, ruling)
    entries = [
        _entry(key, records[key], judged[key], places.get(key), scenes, used, ruling)
        | {"consensus": mean(others.get(key, []))}
        for key in records
    ]
    entries.sort(key=lambda one: (one["rank"] is None, one["rank"] or 0.0, one["status"]))
    left_out = {ids[at]: "at least half of the models find nothing in it" for at in silent}
    for at, image in enumerate(ids):
        failed = [key for key, held in ranked.items() if held[at].reason]
        if failed:
            left_out[image] = f"{', '.join(failed)} failed on it"
    first = [one["key"] for one in entries if one["low"] == 1]
    told = _cannot_tell(entries, first, len(used), limits, ruling)
    return {
        "source": ruling.source,
        "models": entries,
        "used": [ids[at] for at in used],
        "left_out": left_out,
        "n_groups": len({scenes.groups[ids[at]] for at in used}),
        "first": first,
        "decided": len(first) == 1 and len(places) > 1,
        "cannot_tell": told,
    }


def _places(
    scenes: Scenes, ranked: Records, others: Mapping[str, Sequence[float]], ruling: Ruling
) -> tuple[dict[str, dict[str, Any]], str]:
    """Return for each ranked model its score, place and their intervals; and what limits the places."""
    if not ranked or not next(iter(ranked.values())):
        return {}, "there is no image on which the models can be compared"
    if ruling.source == "consensus" and len(ranked) < MINIMUM:
        return {}, f"{len(ranked)} models cannot outvote one another: consensus takes {MINIMUM}"
    unit = scenes.group_column or OWN
    scores = {}
    for key, held in ranked.items():
        values = [image_score(record, ruling.measure, ruling.shown).score for record in held]
        if ruling.source == "consensus":
            values = list(others[key])
        groups = [scenes.groups[record.image] for record in held]
        scores[key] = Scores(
            np.array(values), {unit: groups}, items=[r.image for r in held], bounds=(0.0, 1.0)
        )
    found, limits = rank_intervals(scores, unit, level=ruling.level, seed=ruling.seed)
    places = {}
    for one in found:
        around = interval(scores[one.name], unit, level=ruling.level, seed=ruling.seed)
        places[one.name] = {
            "rank": one.rank,
            "low": one.low,
            "high": one.high,
            "score": one.score,
            "score_low": around.low,
            "score_high": around.high,
            "interval": around.method,
            "reason": around.reason,
        }
    return places, limits


def _entry(
    key: str,
    records: Sequence[Measured],
    judged: Judged,
    place: Mapping[str, Any] | None,
    scenes: Scenes,
    used: Sequence[int],
    ruling: Ruling,
) -> dict[str, Any]:
    good = [record for record in records if not record.reason]
    shown = [records[at] for at in used if not records[at].reason] if place else good
    scored = [image_score(record, ruling.measure, ruling.shown) for record in shown]
    nothing = {
        "rank": None, "low": None, "high": None, "score": mean([one.score for one in scored]),
        "score_low": math.nan, "score_high": math.nan, "interval": "none", "reason": "",
    }  # fmt: skip
    return {
        "key": key,
        "status": judged.status,
        "why": judged.reason,
        "notes": list(judged.notes),
        **(place or nothing),
        "consistency": mean([one.consistency for one in scored]),
        "control": mean([one.control for one in scored]),
        "by_measure": {
            name: mean([image_score(record, name, ruling.shown).score for record in shown])
            for name in MEASURES
        },
        "by_kind": _means([by_kind(record, ruling.measure, "input") for record in shown]),
        "by_perturbation": _variations(shown, ruling.measure, "perturbed"),
        "dropout": mean(
            [by_kind(record, ruling.measure, "dropout").get("dropout", math.nan) for record in shown]
        ),
        "dropout_reason": next((record.dropout_reason for record in good if record.dropout_reason), ""),
        "controls": _variations(shown, ruling.measure, "controls", empty=1.0),
        "objects": mean([float(record.content.objects) for record in shown]),
        "foreground": mean([record.content.foreground for record in shown]),
        "n_images": len(good),
        "failures": [{"image": record.image, "reason": record.reason} for record in records if record.reason],
        "seconds": sum(record.seconds for record in good),
        "true": _true(records, scenes, used, place is not None),
    }


def _true(
    records: Sequence[Measured], scenes: Scenes, used: Sequence[int], ranked: bool
) -> dict[str, Any] | None:
    """Return the true scores: means over labelled images, and F1 of all objects pooled."""
    places = used if ranked else range(len(records))
    held = [
        found
        for at in places
        if records[at].image in scenes.labelled and (found := records[at].truth) is not None
    ]
    if not held:
        return None
    tp, fp, fn = (sum(one[name] for one in held) for name in ("tp", "fp", "fn"))
    total = 2 * tp + fp + fn
    return {
        "f1": mean([one["f1"] for one in held]),
        "mean_f1": mean([one["mean_f1"] for one in held]),
        "pooled_f1": 2 * tp / total if total else math.nan,
        "n_images": len(held),
        "tp": int(tp),
        "fp": int(fp),
        "fn": int(fn),
    }


def _cannot_tell(
    entries: Sequence[Mapping[str, Any]], first: Sequence[str], n_used: int, limits: str, ruling: Ruling
) -> list[str]:
    """Say in sentences what this ranking cannot tell."""
    ranked = [one for one in entries if one["status"] == "ranked"]
    if not ranked:
        return ["No model can be ranked: each failed, or its consistency is worthless."]
    told = []
    if not n_used:
        return ["There is no image on which all ranked models found objects, so there is no order."]
    if len(ranked) == 1:
        told.append(f"Only {ranked[0]['key']} can be ranked: there is nothing to compare it with.")
    elif len(first) > 1:
        told.append(
            f"It cannot be told which of {_listed(first)} comes first: their intervals of places share it."
        )
    told += _apart(ranked, first)
    if limits:
        told.append(f"{limits[0].upper()}{limits[1:]}.")
    if len(ranked) > 1 and all(one["consistency"] > SATURATED for one in ranked):
        told.append(
            f"All models agree with themselves almost perfectly (above {SATURATED}): stronger perturbations could tell "
            "them apart."
        )
    if len(ranked) > 1 and all(one["score"] < 0.1 for one in ranked):
        told.append(
            "No model is consistent here (all scores below 0.1): none may be of any use on these images."
        )
    if ruling.source == "dropout" and any(one["status"] == "not asked" for one in entries):
        told.append("Models whose features cannot be dropped are not in the order.")
    return told


def _apart(ranked: Sequence[Mapping[str, Any]], first: Sequence[str]) -> list[str]:
    """Say which models that may be the first see other objects than the others: the first of all in its own words."""
    known = {one["key"]: one["consensus"] for one in ranked if not math.isnan(one["consensus"])}
    if not known:
        return []
    highest = max(known, key=lambda key: known[key])
    alone = [key for key in known if key in first and known[key] < known[highest] - APART]
    told = []
    if ranked[0]["key"] in alone:
        told.append(
            f"{ranked[0]['key']} stands apart: it shares fewer objects with the other models "
            f"({known[ranked[0]['key']]:.2f}) than {highest} ({known[highest]:.2f}). What is wrong in the same way "
            "each time is consistent too: do not take it without looking at what it finds."
        )
    others = [f"{key} ({known[key]:.2f})" for key in alone if key != ranked[0]["key"]]
    if others:
        more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
        shown = _listed(others) if not more else f"{', '.join(others[:LISTED])}{more}"
        told.append(f"Apart from the other models, and so to be looked at before they are taken: {shown}.")
    return told


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _variations(
    records: Sequence[Measured], measure: str, where: str, *, empty: float = math.nan
) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for record in records:
        for name, values in getattr(record, where).items():
            value = values.get(measure, math.nan)
            found.setdefault(name, []).append(empty if math.isnan(value) else value)
    return {name: mean(values) for name, values in found.items()}


def _means(held: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in held for name in one)
    return {name: mean([one.get(name, math.nan) for one in held]) for name in names}
