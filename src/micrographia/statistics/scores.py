"""Scores of items: every score is a weighted mean of what single items got, so that groups can be resampled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scores:
    """What each item of a task scored, and the groups that it belongs to.

    The score is ``sum(w v) / sum(w)``. Accuracy: ``v`` is 1 or 0. Balanced accuracy: ``w`` is one over the size of
    the class. Coefficient of determination: ``v = 1 - e^2 / d^2`` with the residual ``e`` and the distance ``d`` to
    the mean of the training rows, ``w = d^2``. Area under the curve: items are hold-outs.

    Attributes
    ----------
    values
        Score of each item ``(n,)``, float64; NaN where an item cannot be evaluated.
    factors
        Name of a factor (compound, donor, week) to the group of each item.
    weights
        Weights ``(n,)``, not negative; all 1 if None.
    items
        What the items are called; empty if they have no names.
    reason
        Why items cannot be evaluated, if some cannot.
    bounds
        Least and greatest value that an item can have; None if unknown. Items that are all 0 or 1 have (0, 1).
    """

    values: Array
    factors: Mapping[str, Sequence[Hashable]]
    weights: Array | None = None
    items: Sequence[str] = ()
    reason: str = ""
    bounds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises
        ------
        ValueError
            If a factor, the weights or the names are not as long as the values, a weight is negative, or a value
            is out of bounds.
        """
        object.__setattr__(self, "values", np.asarray(self.values, dtype=np.float64))
        if self.values.ndim != 1:
            raise ValueError(f"values have shape {self.values.shape}, not (n,)")
        if self.weights is not None:
            weights = np.asarray(self.weights, dtype=np.float64)
            object.__setattr__(self, "weights", weights)
            if weights.shape != self.values.shape or (weights < 0).any() or not np.isfinite(weights).all():
                raise ValueError("weights must be finite, not negative, one an item")
        for name, groups in self.factors.items():
            if len(groups) != len(self.values):
                raise ValueError(f"factor {name!r} has {len(groups)} labels for {len(self.values)} items")
        if self.items and len(self.items) != len(self.values):
            raise ValueError(f"{len(self.items)} names for {len(self.values)} items")
        if self.bounds is not None:
            low, high = self.bounds
            known = self.values[self.evaluable]
            if not low < high or (known.size and (known.min() < low - 1e-9 or known.max() > high + 1e-9)):
                raise ValueError(f"values are not within the bounds {low} to {high}")

    @property
    def evaluable(self) -> npt.NDArray[np.bool_]:
        """Which items could be evaluated, ``(n,)``."""
        return np.isfinite(self.values)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.values)

    @property
    def n_evaluable(self) -> int:
        """Number of items that could be evaluated."""
        return int(self.evaluable.sum())

    @property
    def score(self) -> float:
        """The weighted mean of the items that could be evaluated; NaN if there is none."""
        kept = self.evaluable
        weights = np.ones(kept.sum()) if self.weights is None else self.weights[kept]
        total = float(weights.sum())
        return float((weights * self.values[kept]).sum() / total) if total > 0 else float("nan")
