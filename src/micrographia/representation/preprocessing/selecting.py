"""Steps that leave features out, or fill gaps in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing.scaling import _median
from micrographia.representation.preprocessing.step import (
    Array,
    Fitted,
    Mask,
    Step,
    chosen_rows,
    require_finite,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Selected(Fitted):
    """Keeps some of the features, by number."""

    kept: Array

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:  # noqa: ARG002
        """Return the features that are kept."""
        return values[:, self.kept]

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of those that are kept."""
        return tuple(names[at] for at in self.kept)


@dataclass(frozen=True)
class DropFeatures(Step):
    """Leave out features that are NaN, infinite or constant in the training rows.

    Parameters
    ----------
    missing
        Share of NaN that is tolerated, 0 to 1.
    infinite
        Leave out features with an infinite value.
    constant
        Leave out features with one value only.
    """

    name: ClassVar[str] = "drop_features"
    missing: float = 0.0
    infinite: bool = True
    constant: bool = True

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Selected:
        """Look at the training rows.

        Raises
        ------
        ProfileError
            If no feature is left.
        """
        del meta, controls
        rows, _ = chosen_rows(self.name, len(values), "train", train, None)
        held = values[rows]
        bare = np.asarray(np.isnan(held).mean(axis=0) > self.missing)
        endless = np.asarray(np.isinf(held).any(axis=0) & self.infinite)
        low = np.where(np.isnan(held), np.inf, held).min(axis=0)
        high = np.where(np.isnan(held), -np.inf, held).max(axis=0)
        flat = np.asarray((low >= high) & self.constant & ~bare & ~endless)
        told = []
        for what, mask in (("NaN", bare), ("infinite", endless), ("constant", flat)):
            if mask.any():
                told.append(
                    f"{int(mask.sum()):,} of {len(mask):,} features were dropped: {what} in training rows"
                )
        kept = np.flatnonzero(~(bare | endless | flat))
        if not len(kept):
            raise ProfileError(
                self.name, "no feature is left: all are NaN, infinite or constant", "Give other features"
            )
        return Selected(np.zeros(len(values), dtype=bool), kept, reasons=tuple(told))


@dataclass(frozen=True)
class CorrelationSelect(Step):
    """Of features that say nearly the same, keep one.

    Features are taken in the order of their mean absolute Pearson correlation with all others, the least first
    (equals in their own order); one is kept if its absolute correlation with every feature kept before is at most
    ``threshold``. It keeps the feature that is the least redundant, as the selection by correlation in Cell Painting
    does.

    Parameters
    ----------
    threshold
        Largest absolute correlation between two features that are kept.
    """

    name: ClassVar[str] = "correlation_select"
    threshold: float = 0.9

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Selected:
        """Look at the training rows; a constant feature correlates with nothing and is kept."""
        del meta, controls
        rows, _ = chosen_rows(self.name, len(values), "train", train, None, minimum=3)
        held = np.asarray(values[rows], dtype=np.float64)
        require_finite(held, self.name)
        centred = held - held.mean(axis=0)
        length = np.sqrt((centred**2).sum(axis=0))
        length[(held.max(axis=0) == held.min(axis=0)) | (length == 0)] = np.inf
        unit = centred / length
        related = np.abs(unit.T @ unit)
        np.fill_diagonal(related, 0.0)
        order = np.argsort(np.round(related.mean(axis=0), 12), kind="stable")
        free = np.ones(len(order), dtype=bool)
        kept = []
        for at in order:
            if free[at]:
                kept.append(int(at))
                free &= related[at] <= self.threshold
        gone = len(order) - len(kept)
        told = f"{gone:,} of {len(order):,} features correlate with another by more than {self.threshold:g}: dropped"
        return Selected(
            np.zeros(len(values), dtype=bool), np.array(sorted(kept)), reasons=(told,) if gone else ()
        )


@dataclass(frozen=True, eq=False)
class Filled(Fitted):
    """Puts a value into the gaps of each feature."""

    fill: Array

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:  # noqa: ARG002
        """Return the features without NaN and infinite values."""
        return np.where(np.isfinite(values), values, self.fill.astype(values.dtype))


@dataclass(frozen=True)
class Impute(Step):
    """Fill NaN and infinite values with the median or mean of the training rows."""

    name: ClassVar[str] = "impute"
    statistic: Literal["median", "mean"] = "median"

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Filled:
        """Learn the values.

        Raises
        ------
        ProfileError
            If a feature has no value to learn from, or the statistic is unknown.
        """
        del meta, controls
        if self.statistic not in ("median", "mean"):
            raise ProfileError(self.name, f"there is no statistic {self.statistic!r}", "Say median or mean")
        rows, _ = chosen_rows(self.name, len(values), "train", train, None)
        held = np.asarray(values[rows], dtype=np.float64)
        held = np.where(np.isfinite(held), held, np.nan)
        empty = np.isnan(held).all(axis=0)
        if empty.any():
            raise ProfileError(
                self.name,
                f"{int(empty.sum()):,} features have no finite value in the training rows",
                "Put drop_features(missing=0.99) before it",
            )
        fill = _median(held) if self.statistic == "median" else np.nanmean(held, axis=0)
        gaps = int((~np.isfinite(values)).sum())
        told = f"{gaps:,} of {values.size:,} values were filled with the {self.statistic} of training rows"
        return Filled(np.zeros(len(values), dtype=bool), fill, reasons=(told,) if gaps else ())
