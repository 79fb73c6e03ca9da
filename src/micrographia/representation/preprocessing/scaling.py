"""Steps that move and scale each feature by itself, or each row."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing.step import (
    Array,
    Fitted,
    Mask,
    On,
    Step,
    chosen_rows,
    group_codes,
)

if TYPE_CHECKING:
    import pandas as pd

NORMAL_MAD = 1.482602218505602
"""1 / Phi^-1(3/4): makes the median absolute deviation of normal data their standard deviation."""

NORMAL_MEAN_AD = 1.2533141373155003
"""sqrt(pi / 2): the same for the mean absolute deviation."""


@dataclass(frozen=True, eq=False)
class Scaled(Fitted):
    """Subtracts a centre and divides by a scale, ``(groups + 1, d)``; the last row is for rows of no known group."""

    centres: Array
    scales: Array
    by: str | Sequence[str] | None
    groups: Mapping[Hashable, int]
    step: str

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:
        """Return centred and scaled features, float64; a row whose group is unknown gets the pooled numbers."""
        at = self._places(meta, len(values))
        moved = np.asarray(values, dtype=np.float64) - self.centres[at]
        moved /= self.scales[at]
        return moved

    def notes(self, meta: pd.DataFrame) -> tuple[str, ...]:
        """Return the reasons, with the number of rows whose group is missing or was not fitted."""
        if self.by is None:
            return self.reasons
        lone = int((self._places(meta, len(meta)) == len(self.centres) - 1).sum())
        if not lone:
            return self.reasons
        told = f"{lone:,} rows whose {_shown(self.by)} is missing, or has too few rows to fit, got the pooled scale"
        return (*self.reasons, told)

    def _places(self, meta: pd.DataFrame, n: int) -> Array:
        pooled = len(self.centres) - 1
        if self.by is None:
            return np.full(n, pooled)
        codes, labels = group_codes(meta, self.by, self.step)
        table = np.array([self.groups.get(label, pooled) for label in labels] + [pooled])
        return table[codes]


@dataclass(frozen=True)
class Standardise(Step):
    """Mean 0 and standard deviation 1 (divisor n): ``z = (x - mean) / sd``.

    Parameters
    ----------
    by
        Column or columns; each group gets numbers of its own. None takes all rows together.
    on
        ``train`` rows, ``controls``, or ``auto``: controls if there are any, else training rows.
    min_rows
        A group with fewer rows to learn from gets the numbers of all rows.

    Features without variation are moved and not scaled, which is told as a reason.
    """

    name: ClassVar[str] = "standardise"
    by: str | Sequence[str] | None = None
    on: On = "train"
    min_rows: int = 3

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Scaled:
        """Learn means and standard deviations, ignoring NaN and infinite values."""
        rows, used = chosen_rows(self.name, len(values), self.on, train, controls)
        return _fit(self, values, meta, rows, used, _moments)


@dataclass(frozen=True)
class RobustZ(Step):
    """Robust z-score: ``z = (x - median) / (1.4826 MAD)``, by plate if asked.

    The median absolute deviation is scaled to the standard deviation of normal data (Iglewicz and Hoaglin, How to
    Detect and Handle Outliers, 1993). Where it is 0, more than half of the values are equal; then the scale of all
    rows is taken, or ``1.2533`` times the mean absolute deviation (the same source), and only a feature without any
    variation stays unscaled. Each such replacement is told as a reason.

    Parameters
    ----------
    by
        Column or columns; each group gets numbers of its own. None takes all rows together.
    on
        ``auto`` (controls if there are any, else training rows), ``train`` or ``controls``.
    min_rows
        A group with fewer rows to learn from gets the numbers of all rows: a median of few is poison.
    """

    name: ClassVar[str] = "robust_z"
    by: str | Sequence[str] | None = None
    on: On = "auto"
    min_rows: int = 4

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Scaled:
        """Learn medians and median absolute deviations, ignoring NaN and infinite values."""
        rows, used = chosen_rows(self.name, len(values), self.on, train, controls)
        return _fit(self, values, meta, rows, used, _medians)


def _fit(
    step: Standardise | RobustZ, values: Array, meta: pd.DataFrame, rows: Mask, used: Mask, measure: Any
) -> Scaled:
    held = np.asarray(values[rows], dtype=np.float64)
    held = np.where(np.isfinite(held), held, np.nan)
    centre, scale, second = measure(held)
    reasons: list[str] = []
    pooled, flat, replaced = _rescued(scale, second)
    if replaced:
        reasons.append(
            f"{replaced:,} features have a median absolute deviation of 0: scaled by their mean one instead"
        )
    if flat:
        reasons.append(f"{flat:,} features do not vary in the {len(held):,} fitted rows: moved, not scaled")
    undefined = int(np.isnan(centre).sum())
    if undefined:
        reasons.append(f"{undefined:,} features have no finite value in the fitted rows: they are NaN")
    centres: list[Array] = []
    scales: list[Array] = []
    groups: dict[Hashable, int] = {}
    if step.by is not None:
        codes, labels = group_codes(meta, step.by, step.name)
        inside = codes[rows]
        small = borrowed = 0
        for code, label in enumerate(labels):
            part = held[inside == code]
            if len(part) < step.min_rows:
                small += 1
                continue
            middle, spread, _ = measure(part)
            weak = ~(spread > 0)
            borrowed += int((weak & np.isfinite(middle)).sum())
            groups[label] = len(centres)
            centres.append(middle)
            scales.append(np.where(weak, pooled, spread))
        if small:
            reasons.append(
                f"{small:,} of {len(labels):,} groups of {_shown(step.by)} have fewer than {step.min_rows} rows: pooled"
            )
        if borrowed:
            reasons.append(
                f"{borrowed:,} scales of a feature in a group of {_shown(step.by)} are 0: pooled instead"
            )
    centres.append(centre)
    scales.append(pooled)
    return Scaled(
        used, np.array(centres), np.array(scales), step.by, groups, step.name, reasons=tuple(reasons)
    )


def _rescued(scale: Array, second: Array) -> tuple[Array, int, int]:
    """Return scales that can be divided by, how many features do not vary, and how many got the second scale."""
    weak = ~(scale > 0) & ~np.isnan(scale)
    flat = weak & ~(second > 0)
    return np.where(flat, 1.0, np.where(weak, second, scale)), int(flat.sum()), int((weak & ~flat).sum())


def _moments(values: Array) -> tuple[Array, Array, Array]:
    present = ~np.isnan(values)
    count = present.sum(axis=0)
    safe = np.maximum(count, 1)
    mean = np.where(present, values, 0.0).sum(axis=0) / safe
    mean[count == 0] = np.nan
    deviation = np.where(present, values - mean, 0.0)
    spread = np.sqrt((deviation**2).sum(axis=0) / safe)
    # Rounding makes a tiny spread of equal values; equality is decided on the values.
    first = _ends(values, present)
    spread[first] = 0.0
    spread[count == 0] = np.nan
    return mean, spread, np.zeros_like(spread)


def _ends(values: Array, present: Mask) -> Mask:
    low = np.where(present, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(present, values, -np.inf).max(axis=0, initial=-np.inf)
    return low >= high


def _medians(values: Array) -> tuple[Array, Array, Array]:
    centre = _median(values)
    deviation = np.abs(values - centre)
    present = ~np.isnan(deviation)
    mean = np.where(present, deviation, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return centre, NORMAL_MAD * _median(deviation), NORMAL_MEAN_AD * mean


def _median(values: Array) -> Array:
    """Return the median of each column without NaN; NaN for a column that holds nothing else."""
    if not np.isnan(values).any():
        return np.median(values, axis=0)
    found = np.full(values.shape[1], np.nan)
    some = ~np.isnan(values).all(axis=0)
    found[some] = np.nanmedian(values[:, some], axis=0)
    return found


def _shown(by: str | Sequence[str]) -> str:
    return by if isinstance(by, str) else " and ".join(by)


@dataclass(frozen=True, eq=False)
class Stateless(Fitted):
    """A step that learns nothing from rows."""

    step: L2 | Clip

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:  # noqa: ARG002
        """Return the features, in their own precision."""
        return self.step.apply(values)


@dataclass(frozen=True)
class L2(Step):
    """Euclidean length 1 for each row; a row of zeros has no direction and stays as it is."""

    name: ClassVar[str] = "l2"

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Stateless:
        """Learn nothing; say how many rows have no direction."""
        del meta, train, controls
        zero = int((~np.any(values, axis=1)).sum())
        reasons = (f"{zero:,} rows are zero in every feature and have no direction: left as they are",)
        return Stateless(np.zeros(len(values), dtype=bool), self, reasons=reasons if zero else ())

    def apply(self, values: Array) -> Array:
        """Return rows of length 1."""
        # Divided by the largest first, so that squares neither overflow nor vanish.
        top = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
        top[top == 0] = 1
        small = values / top
        length = np.sqrt((small**2).sum(axis=1, keepdims=True))
        length[length == 0] = 1
        return np.asarray(small / length)


@dataclass(frozen=True)
class Clip(Step):
    """Cut values at ``limit`` and ``-limit``, or at ``low`` and ``high``; infinite values too, NaN stays."""

    name: ClassVar[str] = "clip"
    limit: float | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Check the limits.

        Raises
        ------
        ProfileError
            If there is none, or none is above the other.
        """
        low, high = self.limits()
        if (low is None and high is None) or (low is not None and high is not None and not low < high):
            raise ProfileError(self.name, f"cannot cut at {low} and {high}", "Give a positive limit")

    def limits(self) -> tuple[float | None, float | None]:
        """Return the lowest and highest value."""
        if self.limit is not None:
            return -self.limit, self.limit
        return self.low, self.high

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Stateless:
        """Learn nothing; say how many values are cut."""
        del meta, train, controls
        low, high = self.limits()
        cut = int((values < (-np.inf if low is None else low)).sum())
        cut += int((values > (np.inf if high is None else high)).sum())
        reasons = (f"{cut:,} of {values.size:,} values were cut",) if cut else ()
        return Stateless(np.zeros(len(values), dtype=bool), self, reasons=reasons)

    def apply(self, values: Array) -> Array:
        """Return the values between the limits."""
        low, high = self.limits()
        return np.clip(values, low, high)
