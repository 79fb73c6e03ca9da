"""Which images are worth looking at: the worst and the best of every model on every dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.segmentation.evaluation.contenders import Contender
from micrographia.segmentation.evaluation.targets import Column
from micrographia.segmentation.scoring.catalogue import METRICS

WORST, BEST = 3, 1


def choose_examples(
    contenders: Sequence[Contender],
    columns: Sequence[Column],
    records: Mapping[tuple[str, str], Mapping[str, Any]],
    metric: str,
) -> list[dict[str, Any]]:
    """Return the worst three and the best image of every model on every dataset, by the primary metric.

    Images that hold nothing in truth and prediction have no score and are not among them. Baselines are shown where
    no model was evaluated.
    """
    shown = [contender for contender in contenders if not contender.baseline]
    if not shown:
        best = max(
            contenders, key=lambda one: -math.inf if math.isnan(one.tuning_score) else one.tuning_score
        )
        shown = [best]
    found = []
    for contender in shown:
        for column in columns:
            found += _of_cell(contender.key, column, records[contender.key, column.key], metric)
    return found


def _of_cell(model: str, column: Column, records: Mapping[str, Any], metric: str) -> list[dict[str, Any]]:
    chosen = METRICS[metric]
    images = [item.id for item in column.items if item.id in records]
    values = [chosen.value(records[image].sums) for image in images]
    order = sorted(
        (at for at, value in enumerate(values) if math.isfinite(value)),
        key=lambda at: values[at] if chosen.higher_is_better else -values[at],
    )
    best = order[len(order) - BEST :] if len(order) > WORST else []
    return [
        {
            "model": model,
            "dataset": column.key,
            "image": images[at],
            "score": values[at],
            "kind": kind,
            **counts(records[images[at]]),
        }
        for kind, places in (("worst", order[:WORST]), ("best", best))
        for at in places
    ]


def counts(record: Any) -> dict[str, int]:
    """Return how many objects of an image were hit, missed, invented, merged and split."""
    return {name: record.counts[key] for name, key in _NAMES.items()}


_NAMES = {"hits": "tp", "misses": "fn", "false": "fp", "merges": "merges", "splits": "splits"}
