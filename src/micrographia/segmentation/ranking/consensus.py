"""Agreement between models: one that is consistent but sees other objects than all others needs a look.

A model can be perfectly consistent and wrong, for instance when it cuts every object in two. Consistency cannot show
that; the other models can. Agreement between models follows their accuracy in many tasks (Baek et al., NeurIPS 2022),
but a majority may be wrong too: by default it does not change the order, it raises a doubt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from micrographia.segmentation.evaluation.cache import Cache
from micrographia.segmentation.ranking.agreement import agreement
from micrographia.segmentation.ranking.measuring import Measured
from micrographia.work import run

MINIMUM = 3
"""With fewer models none can be outvoted."""
APART = 0.1
"""A model whose agreement with the others is lower than the highest by more than this stands apart."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """One image: the entries of the cache that hold the predictions of the models, in order."""

    image: str
    keys: tuple[str, ...]
    cache: Path


def meet(task: Meeting) -> list[float]:
    """Return for each model the median agreement (matched F1 at IoU 0.5) of its prediction with those of the others.

    NaN where a model has no prediction, or neither it nor any other holds an object.
    """
    cache = Cache(task.cache)
    held = [cache.labels(key) if key else None for key in task.keys]
    pairs = np.full((len(held), len(held)), math.nan)
    for i, j in combinations(range(len(held)), 2):
        first, second = held[i], held[j]
        if first is not None and second is not None:
            pairs[i, j] = pairs[j, i] = agreement(first, second)["f1"]
    return [float(np.median(row[known])) if (known := ~np.isnan(row)).any() else math.nan for row in pairs]


def consensus(
    records: Mapping[str, Sequence[Measured]], cache: Path, *, workers: int | None = 1, quiet: bool = True
) -> dict[str, list[float]]:
    """Return how far each model agrees with the others on every image.

    Parameters
    ----------
    records
        Models that are compared, each with one record an image in the same order.
    cache
        Where their predictions are kept.
    workers, quiet
        As for :func:`~micrographia.work.run`.

    Returns
    -------
    Model to agreement on each image, 0 to 1; NaN for fewer than three models: two cannot outvote one another.
    """
    names = list(records)
    n = len(records[names[0]]) if names else 0
    if len(names) < MINIMUM:
        return {name: [math.nan] * n for name in names}
    tasks = [
        Meeting(records[names[0]][at].image, tuple(records[name][at].key for name in names), cache)
        for at in range(n)
    ]
    outcomes = run(meet, tasks, workers=workers, name=lambda task: task.image, label="comparing", quiet=quiet)
    table = np.array([outcome.result() for outcome in outcomes]).reshape(n, len(names))
    return {name: [float(value) for value in column] for name, column in zip(names, table.T, strict=True)}
