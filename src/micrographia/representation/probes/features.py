"""Features as a probe sees them: everything that is fitted is fitted on the rows that train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.probes.labels import Array, IntArray

FARTHEST = 10.0
"""Standard deviations of the training rows at which a feature is cut."""

Transform = Callable[[IntArray], Array]
"""Numbers of rows to their features ``(m, d)``, float64."""


class Fitted(Protocol):
    """A step that was fitted."""

    def transform(self, values: Array, meta: pd.DataFrame, /) -> Array:
        """Return the features of other rows."""


class Preprocess(Protocol):
    """A step, or a chain of steps, that learns from rows and is then applied to any."""

    def fit(self, values: Array, meta: pd.DataFrame, /) -> Fitted:
        """Learn from rows; what is returned transforms."""


class Features(Protocol):
    """Features of rows, of which a part is fitted on training rows."""

    @property
    def n(self) -> int:
        """Number of rows."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know about them."""

    def fit(self, train: IntArray) -> Transform:
        """Fit on some rows and return what gives the features of any."""


@dataclass(frozen=True, eq=False)
class Block:
    """An array of features with its preprocessing, standardised on the training rows.

    After preprocessing each feature gets mean 0 and all together variance 1 on the training rows, so that a penalty
    means the same for one feature and for a thousand; values beyond 10 standard deviations are cut there. A feature
    that is constant or missing in training is left out.
    The mean of the training rows stands for single missing values; a row of which all is missing stays NaN.

    Attributes
    ----------
    values
        Features ``(n, d)``; NaN and infinite values are missing.
    preprocess
        Step that is fitted on the training rows of each hold-out; None for none.
    meta
        Metadata of the rows, for steps that need them.
    """

    values: Array
    preprocess: Preprocess | None = None
    meta: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises
        ------
        ProfileError
            If the features are no real numbers ``(n, d)``, or the metadata have another number of rows.
        """
        values = np.asarray(self.values)
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or values.dtype.kind not in "fiub":
            raise ProfileError(
                "",
                f"features have shape {values.shape} and type {values.dtype}",
                "Give an (n, d) array of numbers",
            )
        if self.meta is not None and len(self.meta) != len(values):
            raise ProfileError(
                "", f"{len(values):,} rows of features, {len(self.meta):,} of metadata", "Give a row each"
            )
        object.__setattr__(self, "values", values)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def notes(self) -> tuple[str, ...]:
        """How many features are missing, if any are."""
        if self.values.dtype.kind != "f":
            return ()
        missing = ~np.isfinite(self.values)
        count = int(missing.sum())
        if not count:
            return ()
        said = (
            f"{count:,} of {missing.size:,} values are missing or infinite: the training mean stands for them"
        )
        whole = int(missing.all(axis=0).sum())
        return (said, f"{whole:,} features are missing in all rows and left out") if whole else (said,)

    def fit(self, train: IntArray) -> Transform:
        """Fit preprocessing and scale on the training rows.

        Raises
        ------
        ProfileError
            If the preprocessing does not return one row of features for each that it gets.
        """
        transform = self._prepared(train)
        values = transform(train)
        values = np.where(np.isfinite(values), values, np.nan)
        known = np.isfinite(values).sum(axis=0)
        mean = np.nansum(values, axis=0) / np.maximum(known, 1)
        deviation = np.where(np.isnan(values), 0.0, values - mean)
        sd = np.sqrt((deviation**2).sum(axis=0) / np.maximum(known, 1))
        kept = (known > 0) & (sd > 1e-10 * np.maximum(np.abs(mean), 1e-200))
        unit = 1 / np.sqrt(max(1, int(kept.sum())))
        mean, scale = mean[kept], sd[kept] / unit

        def standardised(rows: IntArray) -> Array:
            found = transform(rows)
            lost = ~np.isfinite(found).any(axis=1) if found.shape[1] else np.zeros(len(rows), dtype=bool)
            if not kept.any():
                # One that says nothing, so that a row without any value is still told from the others.
                return np.where(lost, np.nan, 0.0)[:, None]
            found = (found[:, kept] - mean) / scale
            found[~np.isfinite(found)] = 0.0
            # A feature that hardly varies in training would else decide alone on a row in which it does.
            np.clip(found, -FARTHEST * unit, FARTHEST * unit, out=found)
            found[lost] = np.nan
            return found

        return standardised

    def _prepared(self, train: IntArray) -> Transform:
        values, step = self.values, self.preprocess
        if step is None:
            return lambda rows: values[rows].astype(np.float64)
        meta = pd.DataFrame(index=range(self.n)) if self.meta is None else self.meta
        fitted = step.fit(values[train], meta.iloc[train].reset_index(drop=True))

        def applied(rows: IntArray) -> Array:
            found = np.asarray(
                fitted.transform(values[rows], meta.iloc[rows].reset_index(drop=True)), dtype=np.float64
            )
            if found.ndim != 2 or len(found) != len(rows):
                raise ProfileError(
                    "",
                    f"the preprocessing made an array of shape {found.shape} from {len(rows):,} rows",
                    "Aggregate rows before probing; within hold-outs use steps that keep rows",
                )
            return found

        return applied


@dataclass(frozen=True, eq=False)
class Blocks:
    """Several blocks side by side, each with variance 1 in total, so that one baseline feature is not drowned.

    Attributes
    ----------
    blocks
        Features of the same rows.
    """

    blocks: Sequence[Features]

    def __post_init__(self) -> None:
        """Check the number of rows.

        Raises
        ------
        ProfileError
            If there is no block, or blocks have different numbers of rows.
        """
        sizes = sorted({block.n for block in self.blocks})
        if len(sizes) != 1:
            raise ProfileError(
                "", f"blocks of features have {sizes} rows", "Give the same rows in the same order"
            )

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.blocks[0].n

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know of each block."""
        return tuple(dict.fromkeys(note for block in self.blocks for note in block.notes))

    def fit(self, train: IntArray) -> Transform:
        """Fit each block on the training rows."""
        fitted = [block.fit(train) for block in self.blocks]
        return lambda rows: np.hstack([transform(rows) for transform in fitted])


@dataclass(frozen=True, eq=False)
class Residual:
    """Features from which what nuisances predict linearly was taken away; the regression is fitted on training rows.

    ``Z - [1, B] beta``, with ``beta`` by least squares on the training rows, both standardised there. What depends on
    the nuisance in another way stays; ``degree`` adds its powers.

    Attributes
    ----------
    features
        What is left over of them is probed.
    nuisance
        What is regressed out.
    degree
        Greatest power of each nuisance feature.
    """

    features: Features
    nuisance: Features
    degree: int = 1

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.features.n

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know of both."""
        return tuple(dict.fromkeys((*self.features.notes, *self.nuisance.notes)))

    def fit(self, train: IntArray) -> Transform:
        """Fit the features, the nuisance and the regression on the training rows.

        Raises
        ------
        ProfileError
            If the nuisance has so many features that it explains any training rows without remainder.
        """
        features, nuisance = self.features.fit(train), self.nuisance.fit(train)

        def design(rows: IntArray) -> Array:
            found = nuisance(rows)
            powers = [found * np.sqrt(max(1, found.shape[1]))]
            powers += [powers[0] ** power for power in range(2, self.degree + 1)]
            return np.hstack([np.ones((len(rows), 1)), *powers])

        known, z = design(train), features(train)
        usable = np.isfinite(known).all(axis=1) & np.isfinite(z).all(axis=1)
        if known.shape[1] >= usable.sum():
            raise ProfileError(
                "",
                f"the nuisance has {known.shape[1] - 1:,} features for {int(usable.sum()):,} training rows",
                "Regress out fewer features than there are rows, such as the count alone or its principal components",
            )
        beta: Any = np.linalg.lstsq(known[usable], z[usable], rcond=1e-10)[0]
        left = z[usable] - known[usable] @ beta
        before = np.sqrt((z[usable] ** 2).sum(axis=0))
        kept = np.sqrt((left**2).sum(axis=0)) > 1e-8 * before
        total = np.sqrt((left[:, kept] ** 2).sum() / max(1, len(left)))

        def residual(rows: IntArray) -> Array:
            found = features(rows) - design(rows) @ beta
            return np.asarray(found[:, kept] / total if total > 0 else found[:, kept])

        return residual


def as_features(
    values: Array | Features | Sequence[Array],
    preprocess: Preprocess | None = None,
    meta: pd.DataFrame | None = None,
) -> Features:
    """Return an array, or several side by side, as features; what are features stay as they are.

    Raises
    ------
    ProfileError
        If the arrays have different numbers of rows.
    """
    if isinstance(values, np.ndarray):
        return Block(values, preprocess, meta)
    if isinstance(values, Sequence):
        return Blocks([Block(np.asarray(part), preprocess, meta) for part in values])
    return values
