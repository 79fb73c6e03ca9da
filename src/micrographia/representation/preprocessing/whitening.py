"""Steps that turn features into others: principal components, ZCA whitening, typical variation normalisation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing.covariance import (
    covariance,
    fixed_signs,
    ledoit_wolf,
    principal_axes,
)
from micrographia.representation.preprocessing.step import (
    Array,
    Fitted,
    Mask,
    On,
    Step,
    chosen_rows,
    group_codes,
    require_finite,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Linear(Fitted):
    """``(x - centre) / scale @ matrix``."""

    centre: Array
    scale: Array
    matrix: Array
    prefix: str

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:  # noqa: ARG002
        """Return the new features, float64; a row with a NaN is NaN throughout."""
        return np.asarray((np.asarray(values, dtype=np.float64) - self.centre) / self.scale @ self.matrix)

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the old names if features were only mixed (ZCA), else numbered ones."""
        if not self.prefix:
            return tuple(names)
        return tuple(f"{self.prefix}{at}" for at in range(1, self.matrix.shape[1] + 1))


@dataclass(frozen=True, eq=False)
class Aligned(Linear):
    """A linear step, then ``(y - centre_b) @ matrix_b`` for each batch."""

    batch: str | Sequence[str]
    batches: Mapping[Hashable, int]
    centres: Array
    matrices: Array

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:
        """Return the new features, each row aligned as the controls of its batch are; others stay unaligned."""
        plain = super().transform(values, meta)
        at = self._places(meta)
        for code in np.unique(at[at >= 0]):
            rows = at == code
            plain[rows] = (plain[rows] - self.centres[code]) @ self.matrices[code]
        return plain

    def notes(self, meta: pd.DataFrame) -> tuple[str, ...]:
        """Return the reasons, with the number of rows of batches that could not be aligned."""
        lone = int((self._places(meta) < 0).sum())
        told = f"{lone:,} rows are of no batch, or of one with too few controls: whitened, not aligned"
        return (*self.reasons, told) if lone else self.reasons

    def _places(self, meta: pd.DataFrame) -> Array:
        codes, labels = group_codes(meta, self.batch, "tvn")
        table = np.array([self.batches.get(label, -1) for label in labels] + [-1])
        return table[codes]


@dataclass(frozen=True)
class PCA(Step):
    """Principal components, the largest variance first (Hotelling 1933); ``whiten`` divides each by its deviation.

    Parameters
    ----------
    components
        How many, or the share of the variance that they explain (between 0 and 1); None keeps all.
    whiten
        Make the covariance of the fitted rows (divisor n - 1) the identity.
    on
        ``train`` rows, ``controls``, or ``auto``: controls if there are any, else training rows.
    """

    name: ClassVar[str] = "pca"
    components: int | float | None = None
    whiten: bool = False
    on: On = "train"

    def __post_init__(self) -> None:
        """Check the number of components.

        Raises
        ------
        ProfileError
            If it is no positive number, or a share above 1.
        """
        k = self.components
        if k is not None and (isinstance(k, bool) or k <= 0 or (k > 1 and k != int(k))):
            raise ProfileError(self.name, f"cannot keep {k} components", "Give a number, or a share below 1")

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Linear:
        """Learn the axes."""
        del meta
        rows, used = chosen_rows(self.name, len(values), self.on, train, controls, minimum=2)
        held = values[rows]
        require_finite(held, self.name)
        centre = held.mean(axis=0, dtype=np.float64)
        variances, axes = principal_axes(held, centre)
        if not len(variances):
            raise ProfileError(self.name, "no feature varies in the fitted rows", "Give other features")
        wanted, reasons = self._wanted(variances, len(held))
        axes = axes[:, :wanted]
        matrix = axes / np.sqrt(variances[:wanted]) if self.whiten else axes
        return Linear(used, centre, np.ones(len(centre)), matrix, "PC", reasons=reasons)

    def _wanted(self, variances: Array, n: int) -> tuple[int, tuple[str, ...]]:
        k = self.components
        if k is None:
            return len(variances), ()
        if isinstance(k, float) and k < 1:
            share = np.cumsum(variances) / variances.sum()
            return min(int(np.searchsorted(share, k)) + 1, len(variances)), ()
        if k > len(variances):
            told = f"{n:,} fitted rows have {len(variances):,} components, not {int(k):,}"
            return len(variances), (told,)
        return int(k), ()


@dataclass(frozen=True)
class ZCA(Step):
    """Whiten and rotate back (Bell and Sejnowski 1997): ``(x - mean) V (L + e I)^-1/2 V'``.

    The features stay as close to the old ones as whitening allows (Kessy, Lewin and Strimmer, Optimal whitening and
    decorrelation, 2018). Directions in which the fitted rows do not vary have no scale and are dropped, which is
    told.

    Parameters
    ----------
    epsilon
        Added to each variance, as a share of the mean variance: larger means less whitening of weak directions.
    on
        ``auto`` (controls if there are any, else training rows), ``train`` or ``controls``.
    """

    name: ClassVar[str] = "zca"
    epsilon: float = 0.0
    on: On = "auto"

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Linear:
        """Learn mean and covariance."""
        del meta
        rows, used = chosen_rows(self.name, len(values), self.on, train, controls, minimum=2)
        held = values[rows]
        require_finite(held, self.name)
        centre = held.mean(axis=0, dtype=np.float64)
        variances, axes = principal_axes(held, centre)
        if not len(variances):
            raise ProfileError(self.name, "no feature varies in the fitted rows", "Give other features")
        d = values.shape[1]
        added = self.epsilon * variances.sum() / d
        matrix = (axes / np.sqrt(variances + added)) @ axes.T
        reasons: tuple[str, ...] = ()
        if len(variances) < d and added > 0:
            matrix += (np.eye(d) - axes @ axes.T) / np.sqrt(added)
        elif len(variances) < d:
            reasons = (
                f"{len(held):,} fitted rows vary in {len(variances):,} of {d:,} directions: others are dropped",
            )
        return Linear(used, centre, np.ones(d), matrix, "", reasons=reasons)


@dataclass(frozen=True)
class TVN(Step):
    """Typical variation normalisation: what varies among controls counts less (Ando, McLean and Berndl 2017).

    Features are standardised and turned to the principal axes of the controls, each axis divided by the deviation of
    the controls along it: their covariance becomes the identity, so that directions of nuisance no longer dominate.
    With ``batch``, the covariance of each batch's controls is then aligned to that of all (CORAL: Sun, Feng and
    Saenko, Return of frustratingly easy domain adaptation, 2016), around their mean: ``(y - m_b) (C_b + r I)^-1/2 (C
    + r I)^1/2``.

    Parameters
    ----------
    batch
        Column or columns of the batch; None aligns nothing.
    shrinkage
        Weight of a multiple of the identity in the covariance of the controls, 0 to 1. None takes 0 where the
        controls vary in every direction, and else the weight of Ledoit and Wolf, because controls fewer than features
        say nothing of most directions; which one is told as a reason.
    regularisation
        ``r`` above.
    min_controls
        A batch with fewer controls is not aligned.
    """

    name: ClassVar[str] = "tvn"
    batch: str | Sequence[str] | None = None
    shrinkage: float | None = None
    regularisation: float = 0.5
    min_controls: int = 4

    def __post_init__(self) -> None:
        """Check the options.

        Raises
        ------
        ProfileError
            If a weight is out of its range.
        """
        if (self.shrinkage is not None and not 0 <= self.shrinkage <= 1) or self.regularisation <= 0:
            raise ProfileError(
                self.name,
                f"cannot shrink by {self.shrinkage} or regularise by {self.regularisation}",
                "Shrink by 0 to 1, and regularise by more than 0",
            )

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Linear:
        """Learn from the controls, which are not to be scored then; without controls from training rows, told."""
        rows, used = chosen_rows(self.name, len(values), "auto", train, controls, minimum=3)
        told = () if used.any() else ("no controls are named: all training rows are taken for typical",)
        held = np.asarray(values[rows], dtype=np.float64)
        require_finite(held, self.name)
        centre, scale = held.mean(axis=0), held.std(axis=0)
        scale = np.where(held.max(axis=0) > held.min(axis=0), scale, 1.0)
        scaled = (held - centre) / scale
        matrix, reasons = self._whitening(scaled)
        reasons = (*told, *reasons)
        if self.batch is None:
            return Linear(used, centre, scale, matrix, "TVN", reasons=reasons)
        return self._aligned(
            scaled @ matrix, meta, rows, Linear(used, centre, scale, matrix, "TVN", reasons=reasons)
        )

    def _whitening(self, scaled: Array) -> tuple[Array, tuple[str, ...]]:
        n, d = scaled.shape
        zero = np.zeros(d)
        variances, axes = principal_axes(scaled, zero)
        if not len(variances):
            raise ProfileError(self.name, "no feature varies among the controls", "Give other features")
        weight = self.shrinkage
        reasons: tuple[str, ...] = ()
        if weight is None and len(variances) < d:
            weight = ledoit_wolf(scaled, zero)
            reasons = (
                (
                    f"{n:,} controls vary in {len(variances):,} of {d:,} directions: their covariance is shrunk by "
                    f"{weight:.3f} (Ledoit and Wolf)"
                ),
            )
        if not weight:
            if len(variances) < d:
                reasons = (
                    f"{d - len(variances):,} of {d:,} directions do not vary among the controls: dropped",
                )
            return axes / np.sqrt(variances), reasons
        every, whole = np.linalg.eigh(covariance(scaled, zero))
        every, whole = np.maximum(every[::-1], 0), fixed_signs(whole[:, ::-1])
        return whole / np.sqrt((1 - weight) * every + weight * every.mean()), reasons

    def _aligned(self, white: Array, meta: pd.DataFrame, rows: Mask, plain: Linear) -> Aligned:
        batch = self.batch or ()
        codes, labels = group_codes(meta, batch, self.name)
        inside = codes[rows]
        k = white.shape[1]
        target = _power(covariance(white, white.mean(axis=0)) + self.regularisation * np.eye(k), 0.5)
        places: dict[Hashable, int] = {}
        centres: list[Array] = []
        matrices: list[Array] = []
        for code, label in enumerate(labels):
            part = white[inside == code]
            if len(part) < self.min_controls:
                continue
            middle = part.mean(axis=0)
            own = _power(covariance(part, middle) + self.regularisation * np.eye(k), -0.5)
            places[label] = len(centres)
            centres.append(middle)
            matrices.append(own @ target)
        reasons = plain.reasons
        lacking = len(labels) - len(places)
        if lacking:
            reasons += (
                f"{lacking:,} of {len(labels):,} batches have fewer than {self.min_controls} controls",
            )
        return Aligned(
            plain.controls,
            plain.centre,
            plain.scale,
            plain.matrix,
            plain.prefix,
            batch,
            places,
            np.array(centres).reshape(len(centres), k),
            np.array(matrices).reshape(len(matrices), k, k),
            reasons=reasons,
        )


def _power(matrix: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**exponent) @ vectors.T)
