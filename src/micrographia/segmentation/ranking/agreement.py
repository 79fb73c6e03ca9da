"""How well two predictions of one model on the same scene agree: pixels, probabilities, pairs of pixels, objects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.contingency import Contingency, contingency, match
from micrographia.segmentation.metrics.detection import THRESHOLDS
from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of agreement: 1 the same, 0 nothing in common; not a number where both find nothing."""

    title: str
    formula: str
    source: str


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "rand": Measure(
            "adapted Rand in the foreground",
            "2 sum n_ij^2 / (sum a_i^2 + sum b_j^2), background no object on either side",
            "Arganda-Carreras et al. 2015; for consistency Talks & Kreshuk, arXiv 2503.00450",
        ),
        "f1": Measure(
            "matched F1 at IoU 0.5", "2 TP / (n_A + n_B)", "objects matched one to one at IoU >= 0.5"
        ),
        "mean_f1": Measure(
            "matched F1, mean over IoU 0.5 to 0.95",
            "mean over t of 2 TP_t / (n_A + n_B)",
            "as f1, ten thresholds",
        ),
        "hamming": Measure(
            "Hamming agreement in the foreground",
            "1 - |A xor B| / |A or B|",
            "Talks & Kreshuk, arXiv 2503.00450: the foreground of either prediction",
        ),
        "dice": Measure(
            "soft Dice",
            "2 sum(p q) / (sum(p^2) + sum(q^2)); masks where there are no probabilities",
            "Milletari et al., 3DV 2016",
        ),
    }
)
"""Measures of agreement by name, the one that is ranked by unless told otherwise first."""
DEFAULT = next(iter(MEASURES))


def agreement(
    first: Array,
    second: Array,
    *,
    probabilities: tuple[Array, Array] | None = None,
) -> dict[str, float]:
    """Return how well two label images of the same scene agree, by every measure.

    Neither is the truth: every measure is symmetric.

    Parameters
    ----------
    first, second
        Integer labels of the same shape, 0 background.
    probabilities
        Foreground probabilities, float of that shape, where the model gives them: for soft Dice.

    Returns
    -------
    Measure to value, 0 to 1. All are NaN if neither holds an object: agreement on nothing says nothing.

    Raises
    ------
    SegmentationError
        If the shapes differ or the labels are none.
    """
    table = contingency(first, second)
    here, there, both = (
        int(sizes.sum()) for sizes in (table.truth_sizes, table.predicted_sizes, table.overlaps)
    )
    if not here and not there:
        return dict.fromkeys(MEASURES, math.nan)
    matched = [match(table, threshold).f1 for threshold in THRESHOLDS]
    return {
        "f1": matched[0],
        "mean_f1": float(np.mean(matched)),
        "rand": _rand(table),
        "hamming": both / (here + there - both),
        "dice": 2 * both / (here + there) if probabilities is None else soft_dice(*probabilities),
    }


def soft_dice(p: Array, q: Array) -> float:
    """Return soft Dice, ``2 sum(p q) / (sum(p^2) + sum(q^2))``: 1 if and only if both are the same.

    Parameters
    ----------
    p, q
        Foreground probabilities of the same shape, 0 to 1.

    Returns
    -------
    0 to 1; NaN if both are 0 everywhere.

    Raises
    ------
    SegmentationError
        If the shapes differ, or a value is no probability.
    """
    one, two = np.asarray(p), np.asarray(q)
    if one.shape != two.shape:
        raise SegmentationError(
            "", f"probabilities of shapes {one.shape} and {two.shape}", "Give both of one scene"
        )
    for held in (one, two):
        # Written so that NaN is refused as well.
        if held.size and not (held.min() >= -1e-6 and held.max() <= 1 + 1e-6):
            raise SegmentationError("", "probabilities are not within 0 and 1", "Give them after the sigmoid")
    scale = np.vdot(one, one).astype(np.float64) + np.vdot(two, two).astype(np.float64)
    return float(2 * np.vdot(one, two) / scale) if scale > 0 else math.nan


def _rand(table: Contingency) -> float:
    """Return the adapted Rand agreement: pairs of pixels that lie in one object in both, over the mean in either.

    ``sum n_ij^2 / ((sum a_i^2 + sum b_j^2) / 2)`` over objects i and j. Background is no object on either side, so the
    measure is the same in both directions, and a large background does not count as agreement.
    """
    shared, first, second = (
        float((sizes.astype(np.float64) ** 2).sum())
        for sizes in (table.overlaps, table.truth_sizes, table.predicted_sizes)
    )
    return 2 * shared / (first + second)
