"""Scores of items from predictions: a row's share of a score, averaged over the hold-outs in which it was tested."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from micrographia.representation.probes.folds import joined
from micrographia.representation.probes.labels import Array
from micrographia.representation.probes.predictions import TIE, Predictions
from micrographia.statistics.scores import Scores


@dataclass(frozen=True, eq=False)
class Items:
    """What each item scored, ready to become ``Scores`` once its groups are named.

    Attributes
    ----------
    metric
        accuracy, balanced accuracy, r2 or auc.
    values
        Score of each item ``(n,)``, float64; NaN where it cannot be evaluated.
    weights
        Weight of each item ``(n,)``.
    names
        Names of the items if they are hold-outs; empty if they are the rows of the data.
    reason
        Why items, or all of them, cannot be evaluated.
    """

    metric: str
    values: Array
    weights: Array
    names: tuple[str, ...] = ()
    reason: str = ""

    @property
    def score(self) -> float:
        """The weighted mean of what could be evaluated; NaN if nothing could."""
        return self.scores({}).score

    def scores(self, factors: Mapping[str, Sequence[Hashable]], items: Sequence[str] = ()) -> Scores:
        """Return the scores with their groups.

        Parameters
        ----------
        factors
            Name of a factor (donor, week) to the group of each item.
        items
            Names of the items.
        """
        bounds = None if self.metric == "r2" else (0.0, 1.0)
        return Scores(self.values, factors, self.weights, items or self.names, self.reason, bounds=bounds)


def accuracy_items(predictions: Predictions, *, balanced: bool = False) -> Items:
    """Share of right answers of each row over the hold-outs in which it was tested.

    Ties between classes count at expectation. Balanced accuracy, the mean recall of classes, gives each row of a class
    one over the number of its rows that could be evaluated (Brodersen et al. 2010); a class of which none could is
    left out.

    Parameters
    ----------
    predictions
        Of a classification.
    balanced
        Whether every class weighs the same.

    Raises
    ------
    ValueError
        If the predictions are of a regression.
    """
    _needs(predictions, "classification")
    values, truth = _means(predictions, predictions.correct)
    weights = _class_weights(values, truth, len(predictions.classes)) if balanced else np.ones(len(values))
    return Items(
        "balanced accuracy" if balanced else "accuracy", values, weights, (), _why(predictions, values)
    )


def r2_items(predictions: Predictions) -> Items:
    """Share of each row in the coefficient of determination, ``1 - sum e^2 / sum d^2``.

    ``v = 1 - e^2 / d^2`` and ``w = d^2``, where ``d`` is the distance to the mean of the training rows of the hold-out
    (the out-of-sample R2 of Campbell & Thompson 2008): a pooled mean would know the test rows. Squares are averaged
    over the hold-outs of a row.

    Raises
    ------
    ValueError
        If the predictions are of a classification.
    """
    _needs(predictions, "regression")
    error, _ = _means(predictions, (predictions.truth - predictions.scores[:, 0]) ** 2)
    distance, _ = _means(predictions, (predictions.truth - predictions.reference) ** 2)
    kept = np.isfinite(error)
    total = float(distance[kept].sum())
    # A row exactly at the training mean has no distance to explain, but its error still counts.
    weights = np.where(kept, np.maximum(distance, 1e-12 * total), 0.0)
    if not total > 0:
        why = joined(_why(predictions, error), "the target does not vary" if kept.any() else "")
        return Items("r2", np.full(len(error), np.nan), np.ones(len(error)), (), why)
    values = np.full(len(error), np.nan)
    values[kept] = 1 - error[kept] / weights[kept]
    return Items("r2", values, weights, (), _why(predictions, values))


def auc_items(predictions: Predictions, *, by: Literal["holdout", "row"] = "holdout") -> Items:
    """Area under the ROC curve within each hold-out; scores of different hold-outs are never compared.

    One class against the rest, averaged over the classes that have rows in the hold-out and rows against them; ties
    count a half (Mann & Whitney 1947).

    Parameters
    ----------
    predictions
        Of a classification.
    by
        ``holdout``: one item a hold-out. ``row``: one item a row, the share of the rows of other classes in its
        hold-out that have a lower score for its class than it has (its placement value: DeLong et al. 1988), averaged
        over hold-outs, every class weighing the same; so that rows keep their groups.

    Raises
    ------
    ValueError
        If the predictions are of a regression.
    """
    _needs(predictions, "classification")
    placed = np.full(len(predictions.rows), np.nan)
    areas = np.full(predictions.n_holdouts, np.nan)
    ends = np.searchsorted(predictions.holdouts, np.arange(predictions.n_holdouts + 1))
    usable = predictions.usable
    for number in range(predictions.n_holdouts):
        lines = np.arange(ends[number], ends[number + 1])
        lines = lines[usable[lines]]
        truth = predictions.truth[lines]
        for kind in np.unique(truth):
            own = truth == kind
            if not own.all():
                placed[lines[own]] = _placements(predictions.scores[lines, int(kind)], own)
        found = np.isfinite(placed[lines])
        if found.any():
            each = [placed[lines[truth == kind]].mean() for kind in np.unique(truth[found])]
            areas[number] = np.mean(each)
    if by == "holdout":
        why = "hold-outs with rows of one class only have no area" if np.isnan(areas).any() else ""
        return Items(
            "auc", areas, np.ones(len(areas)), predictions.holdout_names, joined(predictions.reason, why)
        )
    values, truth = _means(predictions, placed)
    return Items(
        "auc", values, _class_weights(values, truth, len(predictions.classes)), (), _why(predictions, values)
    )


def _placements(scores: Array, own: npt.NDArray[np.bool_]) -> Array:
    """Return for each row of the class the share of the other rows whose score is lower, half for a tie."""
    scores = np.round(scores / TIE) * TIE if np.abs(scores).max() < 1e6 else scores
    others = len(scores) - int(own.sum())
    return np.asarray((rankdata(scores)[own] - rankdata(scores[own])) / others)


def _means(predictions: Predictions, values: Array) -> tuple[Array, Array]:
    """Return the mean of lines for each row of the data, NaN for rows without, and its class (-1 if unknown)."""
    kept = np.isfinite(values)
    rows = predictions.rows[kept]
    count = np.bincount(rows, minlength=predictions.n)
    total = np.bincount(rows, values[kept], minlength=predictions.n)
    truth = np.full(predictions.n, -1, dtype=np.int64)
    if predictions.task == "classification":
        truth[predictions.rows] = predictions.truth.astype(np.int64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), truth


def _class_weights(values: Array, truth: Array, n_classes: int) -> Array:
    kept = np.isfinite(values)
    count = np.bincount(truth[kept], minlength=max(1, n_classes))
    return np.where(kept, 1 / np.maximum(1, count[truth]), 1.0)


def _why(predictions: Predictions, values: Array) -> str:
    lines = predictions.rows[~predictions.usable]
    lost = np.unique(lines[np.isnan(values[lines])])
    said = "whose class or features no training row has"
    return joined(predictions.reason, f"{len(lost):,} rows were tested {said}" if len(lost) else "")


def _needs(predictions: Predictions, task: str) -> None:
    if predictions.task != task:
        raise ValueError(f"these are predictions of a {predictions.task}, not of a {task}")


def by_name(metric: str, predictions: Predictions) -> Items:
    """Return the items of a metric by its name: accuracy, balanced accuracy, r2 or auc (by row).

    Raises
    ------
    ValueError
        If there is no such metric, or it does not fit the predictions.
    """
    makers: dict[str, Any] = {
        "accuracy": accuracy_items,
        "balanced accuracy": lambda found: accuracy_items(found, balanced=True),
        "r2": r2_items,
        "auc": lambda found: auc_items(found, by="row"),
    }
    if metric.replace("_", " ") not in makers:
        raise ValueError(f"no metric {metric!r}; there are {', '.join(makers)}")
    found: Items = makers[metric.replace("_", " ")](predictions)
    return found
