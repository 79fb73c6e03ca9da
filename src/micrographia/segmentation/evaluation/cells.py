"""A cell of the transfer matrix: one model on one dataset, scored with intervals and held against baselines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from micrographia.segmentation.evaluation.ledger import Entry
from micrographia.segmentation.evaluation.prediction import Done
from micrographia.segmentation.evaluation.targets import Column
from micrographia.segmentation.scoring.catalogue import METRICS
from micrographia.segmentation.scoring.metrics import THRESHOLDS
from micrographia.segmentation.scoring.pooling import UNIT, Weighting, compare_models, paired, scores
from micrographia.segmentation.scoring.records import PairRecord, counted
from micrographia.segmentation.training.citation import TARGET
from micrographia.statistics import Comparison, Scores, interval, rank_intervals

WEIGHTINGS: tuple[Weighting, Weighting] = ("pooled", "image")
UNKNOWN_GROUPS = "groups unknown, optimistic"


@dataclass(frozen=True)
class Settings:
    """How cells are judged.

    Parameters
    ----------
    primary
        The metric that verdicts are made of.
    delta
        The smallest difference that matters, in units of the primary metric.
    seed
        Of the resampling.
    """

    primary: str = "f1@0.5"
    delta: float = 0.02
    seed: int = 0


def records_of(done: Sequence[Done]) -> dict[str, PairRecord]:
    """Return the records of the images that have one."""
    return {one.image: PairRecord.from_json(one.record) for one in done if one.record is not None}


def cell(
    model: Mapping[str, Any],
    column: Column,
    done: Sequence[Done],
    entry: Entry,
    settings: Settings,
) -> dict[str, Any]:
    """Return a cell as JSON values, without comparisons.

    Parameters
    ----------
    model
        What the result says of the model.
    column
        The dataset.
    done
        What became of each image.
    entry
        What the ledger says.
    settings
        How it is judged.
    """
    records = records_of(done)
    notes = semantics(model.get("target") or {}, column.target)
    notes += sorted({note for one in done for note in one.notes})
    if column.groups is None:
        notes.append(UNKNOWN_GROUPS)
    told = {name: _score(records, name, column, settings) for name in METRICS}
    pixels = sum(one.pixels for one in done)
    seconds = sum(one.seconds for one in done if math.isfinite(one.seconds))
    return {
        "model": model["key"],
        "dataset": column.key,
        "status": entry.status.value,
        "status_reason": entry.reason,
        "seen_images": list(entry.images),
        "notes": notes,
        "n_images": len(done),
        "n_failed": len(done) - len(records),
        "n_groups": told[settings.primary].pop("n_groups"),
        "scores": {
            name: {key: value for key, value in held.items() if key != "n_groups"}
            for name, held in told.items()
        },
        "counts": counted(record.sums for record in records.values()),
        "curve": {"f1": [_value(records, f"f1@{threshold}") for threshold in THRESHOLDS]},
        "versus": [],
        "seconds_per_megapixel": seconds / (pixels / 1e6) if pixels else None,
        "peak_mb": max((one.peak_bytes for one in done), default=0) / 1e6,
        "failures": [{"image": one.image, "reason": one.reason} for one in done if one.record is None],
    }


def versus(
    first: Mapping[str, PairRecord], second: Mapping[str, PairRecord], column: Column, settings: Settings
) -> dict[str, Any]:
    """Hold a model against a baseline on the images that both could be scored on.

    The verdict is that of the pooled score, in which objects count alike; beside it stands what it is if images do.
    """
    both = [image for image in first if image in second]
    found, alike = (
        compare_models(
            *(
                scores({image: held[image] for image in both}, settings.primary, column.groups, weighting)
                for held in (first, second)
            ),
            delta=settings.delta,
            seed=settings.seed,
        )
        for weighting in WEIGHTINGS
    )
    least, most = METRICS[settings.primary].bounds or (0.0, math.inf)
    width = most - least
    return {
        **_compared(found, width),
        **{f"image_weighted_{name}": value for name, value in _compared(alike, width).items()},
        "reason": found.reason,
        "n_groups": found.n_groups,
        "minimum_detectable": _finite(found.minimum_detectable),
    }


def _compared(found: Comparison, width: float) -> dict[str, Any]:
    return {
        "difference": _finite(found.difference),
        "low": _finite(max(found.low, -width)),
        "high": _finite(min(found.high, width)),
        "p": _finite(found.p),
        "verdict": found.verdict.value,
    }


def places(
    held: Mapping[str, Mapping[str, PairRecord]], column: Column, settings: Settings
) -> list[dict[str, Any]]:
    """Return the rank interval of every model on a dataset, from the images that all could be scored on."""
    common = [item.id for item in column.items if all(item.id in records for records in held.values())]
    if not common or len(held) < 2:
        return []
    named = {
        model: _pooled({image: records[image] for image in common}, column, settings.primary)
        for model, records in held.items()
    }
    found, reason = rank_intervals(paired(named), UNIT, seed=settings.seed)
    return [
        {
            "dataset": column.key,
            "model": place.name,
            "rank": _finite(place.rank),
            "low": place.low,
            "high": place.high,
            "reason": reason,
        }
        for place in found
    ]


def semantics(model: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[str]:
    """Say where what a model outlines differs from what the annotators drew."""
    told = []
    for name in TARGET:
        said, drawn = model.get(name), dataset.get(name)
        if said and drawn and str(said).strip().casefold() != str(drawn).strip().casefold():
            what = name.replace("_", " ")
            told.append(f"target differs in {what}: the model's is “{said}”, the dataset's “{drawn}”")
    return told


def _score(
    records: Mapping[str, PairRecord], name: str, column: Column, settings: Settings
) -> dict[str, Any]:
    if not records:
        return {
            "value": None, "low": None, "high": None, "reason": "no image could be scored",
            "image_weighted": None, "image_weighted_low": None, "image_weighted_high": None, "n_groups": 0,
        }  # fmt: skip
    pooled = _pooled(records, column, name)
    found = interval(pooled, UNIT, seed=settings.seed)
    # No metric is negative; the interval of a sum of ratios does not know what its range is.
    low, high = METRICS[name].bounds or (0.0, math.inf)
    by_image = scores(records, name, column.groups, weighting="image")
    alike = interval(by_image, UNIT, seed=settings.seed)
    return {
        "value": _finite(pooled.score),
        "low": _finite(max(found.low, low)),
        "high": _finite(min(found.high, high)),
        "reason": found.reason or pooled.reason or None,
        "image_weighted": _finite(by_image.score),
        "image_weighted_low": _finite(max(alike.low, low)),
        "image_weighted_high": _finite(min(alike.high, high)),
        "n_groups": found.n_groups,
    }


def _pooled(records: Mapping[str, PairRecord], column: Column, metric: str) -> Scores:
    return scores(records, metric, column.groups, weighting="pooled")


def _value(records: Mapping[str, PairRecord], metric: str) -> float | None:
    if not records:
        return None
    return _finite(scores(records, metric, None, weighting="pooled").score)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
