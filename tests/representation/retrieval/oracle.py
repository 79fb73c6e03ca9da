"""The slow way, straight from the definitions: who is whose positive, and the distances of all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances

Array = np.ndarray


def selected(meta: pd.DataFrame, query: int, same: list[str], apart: list[str]) -> Array:
    """Return which rows equal the query in some columns and differ from it in others."""
    chosen = np.ones(len(meta), bool)
    chosen[query] = False
    for name in same:
        chosen &= meta[name].to_numpy() == meta[name].iloc[query]
    for name in apart:
        chosen &= meta[name].to_numpy() != meta[name].iloc[query]
    return chosen


def nearness(values: Array, distance: str) -> Array:
    """Return minus the distances of all pairs, float64."""
    return -pairwise_distances(np.asarray(values, np.float64), metric=distance)


def expected_precision(near: Array, positive: Array) -> float:
    """Return average precision at expectation over ties, by adding up over the places in each block of ties."""
    total, above, above_positive = 0.0, 0, 0
    for value in np.unique(near)[::-1]:
        tied = near == value
        size, hits = int(tied.sum()), int((tied & positive).sum())
        for place in range(1, size + 1):
            before = (place - 1) * (hits - 1) / (size - 1) if size > 1 else 0.0
            total += hits / size * (above_positive + 1 + before) / (above + place)
        above += size
        above_positive += hits
    return total / int(positive.sum())
