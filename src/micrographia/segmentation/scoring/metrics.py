"""The metrics of many images: which sums each is made of, so that images can be pooled and groups resampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

THRESHOLDS: tuple[float, ...] = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""IoU thresholds at which objects are matched; ``f"{t:g}"`` writes each as people do."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of sums over images, such as ``sum 2 TP / sum (truth + predicted)``.

    Attributes
    ----------
    above, below
        Name of a sum of a :class:`~micrographia.segmentation.scoring.records.PairRecord` to its factor.
    """

    above: Mapping[str, float]
    below: Mapping[str, float]

    def of(self, sums: Sequence[Mapping[str, float]]) -> tuple[Array, Array]:
        """Return numerator and denominator of each image, float64 ``(n,)``; NaN where a sum is missing."""
        return _linear(self.above, sums), _linear(self.below, sums)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of segmentation.

    Attributes
    ----------
    name
        What it is called in tables and options.
    title
        What it is called in text.
    higher_is_better
        Whether larger values are better.
    formula
        In terms of one image, or of sums over images when pooled.
    source
        Where it is defined.
    empty
        What is said of an image without objects in truth, in prediction, in both.
    ratios
        The ratios of sums that it is made of.
    combine
        How several ratios become one figure: their mean, or their harmonic mean.
    bounds
        Least and greatest value of an image; None if unbounded.
    nothing
        The sums that are 0 where there is nothing and nothing is predicted, which is perfect.
    """

    name: str
    title: str
    higher_is_better: bool
    formula: str
    source: str
    empty: str
    ratios: tuple[Ratio, ...]
    combine: Literal["mean", "harmonic mean"] = "mean"
    bounds: tuple[float, float] | None = (0.0, 1.0)
    nothing: tuple[str, ...] = ("truth", "predicted")

    @property
    def perfect(self) -> float:
        """The value of a perfect segmentation: 1, or 0 of an error."""
        return 1.0 if self.higher_is_better else 0.0

    def value(self, sums: Mapping[str, float]) -> float:
        """Return the metric of one image, or of many whose sums were added; NaN if it is not defined."""
        return float(self.values([sums])[0])

    def values(self, sums: Sequence[Mapping[str, float]]) -> Array:
        """Return the metric of each image alone, float64 ``(n,)``; NaN where it is not defined."""
        values = self._combined(*self._parts(sums))
        values[self.bare(sums)] = self.perfect
        return values

    def bare(self, sums: Sequence[Mapping[str, float]]) -> Array:
        """Return which images have nothing, and nothing predicted, bool ``(n,)``."""
        return np.array([all(one.get(name) == 0 for name in self.nothing) for one in sums], np.bool_)

    def pooled(self, sums: Sequence[Mapping[str, float]]) -> tuple[Array, Array]:
        """Return values and weights of images whose weighted mean is the metric of all images together.

        With numerators ``n`` and denominators ``d`` of the images, shares ``s = d / sum d``, and the pooled ratios
        ``r = sum n / sum d``: the weight of an image is its share, averaged over the ratios, and its value is
        ``R + sum_j c_j (n_j - r_j d_j) / sum d_j / weight`` with the pooled metric ``R`` and its derivatives ``c_j`` by
        the ratios. For a metric that is one ratio this is ``n / d`` weighted by ``d``. For a mean or harmonic mean of
        ratios it is the linearisation of the delta method, the influence of each image (Hampel, J Am Stat Assoc 1974);
        the weighted mean itself is exact.

        Returns
        -------
        values, weights
            float64 ``(n,)``; weights average 1 over images that weigh something. Where an image has no denominator,
            its weight is 0 and its value NaN.
        """
        above, below = self._parts(sums)
        values, weights = np.full(len(sums), np.nan), np.zeros(len(sums))
        totals = below.sum(axis=1, keepdims=True)
        whole = float(self._combined(above.sum(axis=1, keepdims=True), totals)[0])
        if not len(sums) or np.isnan(whole):
            return values, weights
        totals[totals == 0] = 1.0  # a ratio that does not exist beside one that does: nothing is shared
        ratios = above.sum(axis=1, keepdims=True) / totals
        shares = below / totals
        share = shares.mean(axis=0)
        held = share > 0
        surplus = self._slopes(ratios[:, 0]) @ (above / totals - ratios * shares)
        values[held] = whole + surplus[held] / share[held]
        if len(self.ratios) == 1:
            values[held] = above[0, held] / below[0, held]  # the same without rounding
        weights[held] = share[held] * held.sum()
        return values, weights

    def _parts(self, sums: Sequence[Mapping[str, float]]) -> tuple[Array, Array]:
        parts = [ratio.of(sums) for ratio in self.ratios]
        return np.array([above for above, _ in parts]), np.array([below for _, below in parts])

    def _combined(self, above: Array, below: Array) -> Array:
        """Return the metric of numerators and denominators ``(ratios, n)``."""
        if self.combine == "mean":
            ratios = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
            return np.asarray(ratios.mean(axis=0))
        # 1 / mean(1 / r), where a ratio of 0, or one that does not exist beside one that does, makes 0.
        worth = (above > 0).all(axis=0)
        inverse = np.divide(below, above, out=np.ones(above.shape), where=above > 0).mean(axis=0)
        return np.where((below > 0).any(axis=0), np.where(worth, 1 / inverse, 0.0), np.nan)

    def _slopes(self, ratios: Array) -> Array:
        """Return the derivative of the metric by each of its ratios ``(ratios,)``."""
        k = len(ratios)
        if self.combine == "mean":
            return np.full(k, 1 / k)
        if not ratios.all():
            return np.zeros(k)
        whole = k / (1 / ratios).sum()
        return np.asarray(whole**2 / k / ratios**2)


def _linear(factors: Mapping[str, float], sums: Sequence[Mapping[str, float]]) -> Array:
    nan = float("nan")
    return np.array(
        [sum(factor * one.get(name, nan) for name, factor in factors.items()) for one in sums], np.float64
    )
