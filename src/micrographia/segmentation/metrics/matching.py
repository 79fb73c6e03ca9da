"""Which predicted object is which true one: matching by intersection over union, and what is counted of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.table import Contingency, Floats, Ints

Method = Literal["optimal", "greedy"]


@dataclass(frozen=True, eq=False)
class Matching:
    """Pairs of true and predicted objects, each object in at most one.

    Parameters
    ----------
    tp
        True positives: the number of pairs.
    fp
        False positives: judged predicted objects without partner.
    fn
        False negatives: true objects without partner.
    truth_matched, predicted_matched
        Indices of the partners in the table, by ascending true object; int64 of shape (tp,).
    iou
        Intersection over union of each pair; float64 of shape (tp,).
    threshold
        Smallest intersection over union of a pair.
    """

    tp: int
    fp: int
    fn: int
    truth_matched: Ints
    predicted_matched: Ints
    iou: Floats
    threshold: Fraction

    @property
    def precision(self) -> float:
        """TP / (TP + FP); see :func:`~micrographia.segmentation.metrics.precision`."""
        return self._share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN); see :func:`~micrographia.segmentation.metrics.recall`."""
        return self._share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); see :func:`~micrographia.segmentation.metrics.f1`."""
        return self._share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN); see :func:`~micrographia.segmentation.metrics.average_precision`."""
        return self._share(self.tp, self.tp + self.fp + self.fn)

    def _share(self, part: int, whole: int) -> float:
        if self.tp + self.fp + self.fn == 0:
            return 1.0
        return part / whole if whole else float("nan")


def match(
    table: Contingency, threshold: float | Fraction | str = 0.5, *, method: Method = "optimal"
) -> Matching:
    """Match true with predicted objects whose intersection over union is at least ``threshold``.

    Intersection over union is compared as a fraction of integers, so 3/5 reaches a threshold of 0.6 and of
    0.6000000000000001, as ``numpy.arange`` gives it: see :func:`exact`. Above a threshold of 0.5 no object has two
    candidates and every method gives the same; at 0.5 and below the method decides.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.
    threshold
        From 0 to 1. At 0 every overlap is enough; objects that do not overlap never match.
    method
        ``"optimal"``: as many pairs as possible; of these matchings those with the fewest predicted objects that are
        not judged; of these the one with the largest sum of intersection over union. ``"greedy"``: the pair with the
        largest intersection over union first, predicted objects that are judged before those that are not; ties by
        the smaller true, then predicted label.

    Returns
    -------
    Matching

    Raises
    ------
    SegmentationError
        If the threshold is not a number from 0 to 1, or the method is unknown.

    Notes
    -----
    Kuhn, The Hungarian method for the assignment problem, Naval Research Logistics Quarterly 2, 1955, is the classical
    source of the optimal assignment.
    """
    least = exact(threshold)
    if method not in ("optimal", "greedy"):
        raise SegmentationError("", f"there is no matching method {method!r}", "Use 'optimal' or 'greedy'")
    candidates = np.flatnonzero(reaches(table.overlaps, table.unions, least))
    chosen = candidates[_choose(table, candidates, method)]
    truth, predicted = table.truth_index[chosen], table.predicted_index[chosen]
    judged = int(table.judged[predicted].sum())
    return Matching(
        tp=len(chosen),
        fp=table.n_predicted - judged,
        fn=table.n_truth - len(chosen),
        truth_matched=truth,
        predicted_matched=predicted,
        iou=table.iou[chosen],
        threshold=least,
    )


def exact(threshold: float | Fraction | str) -> Fraction:
    """Return a threshold as the fraction that was meant.

    A float stands for the fraction of denominator up to 10^6 that it is nearest to, if that is within four units in
    its last place (0.6 is 3/5, and so is 0.6000000000000001; 0.6666666666666666 is 2/3), else for the shortest decimal
    that is read as this float. Fractions, integers and strings ("0.6", "2/3") are taken as they are.

    Raises
    ------
    SegmentationError
        If it is not a number from 0 to 1.
    """
    try:
        if isinstance(threshold, float | np.floating):
            value = Fraction(float(threshold))
            near = value.limit_denominator(10**6)
            close = abs(near - value) <= 4 * Fraction(float(np.spacing(threshold)))
            least = near if close else Fraction(np.format_float_positional(threshold))
        else:
            least = Fraction(threshold)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise SegmentationError(
            "", f"{threshold!r} is no threshold of intersection over union", "Give a number from 0 to 1"
        ) from error
    if not 0 <= least <= 1:
        raise SegmentationError(
            "", f"a threshold of {threshold} is not between 0 and 1", "Intersection over union never is"
        )
    return least


def reaches(overlaps: Ints, unions: Ints, least: Fraction) -> npt.NDArray[np.bool_]:
    """Return where overlaps / unions >= least, in integers however large."""
    part, whole = least.numerator, least.denominator
    if unions.size and int(unions.max()) * max(part, whole) > np.iinfo(np.int64).max:
        return np.array(
            [int(o) * whole >= int(u) * part for o, u in zip(overlaps, unions, strict=True)], np.bool_
        )
    reached: npt.NDArray[np.bool_] = overlaps * whole >= unions * part
    return reached


def _choose(table: Contingency, candidates: Ints, method: Method) -> npt.NDArray[Any]:
    """Return which of the candidate pairs are matched, ascending."""
    truth, predicted = table.truth_index[candidates], table.predicted_index[candidates]
    judged, iou = table.judged[predicted], table.iou[candidates]
    if method == "greedy":
        return _greedy(truth, predicted, np.lexsort((predicted, truth, -iou, ~judged)))
    # Sums of the lesser terms stay below one pair, and below one judged object.
    most = min(table.n_truth, len(table.predicted_ids)) + 1
    return assign(truth, predicted, 1 + (judged + iou / most) / (2 * most))


def _greedy(i: Ints, j: Ints, order: npt.NDArray[np.intp]) -> Ints:
    taken_i: set[int] = set()
    taken_j: set[int] = set()
    picked = []
    for k, a, b in zip(order.tolist(), i[order].tolist(), j[order].tolist(), strict=True):
        if a not in taken_i and b not in taken_j:
            taken_i.add(a)
            taken_j.add(b)
            picked.append(k)
    return np.array(sorted(picked), np.int64)


def assign(i: Ints, j: Ints, weight: Floats) -> Ints:
    """Return the edges of the matching of largest total weight in a sparse bipartite graph.

    Parameters
    ----------
    i, j
        Ends of each edge, int64 of shape (edges,); no edge occurs twice.
    weight
        Of each edge, above 0; shape (edges,).

    Returns
    -------
    numpy.ndarray
        Indices of the edges chosen, int64, ascending; each end occurs once at most.
    """
    if not len(i):
        return np.zeros(0, np.int64)
    contested = (np.bincount(i)[i] > 1) | (np.bincount(j)[j] > 1)
    # An edge between ends that have no other is chosen anyway, and there are seldom others.
    chosen = [np.flatnonzero(~contested)]
    if contested.any():
        edges = np.flatnonzero(contested)
        chosen.append(edges[_assign_contested(i[edges], j[edges], weight[edges])])
    return np.sort(np.concatenate(chosen))


def _assign_contested(i: Ints, j: Ints, weight: Floats) -> Ints:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(i, return_inverse=True)
    columns, column = np.unique(j, return_inverse=True)
    n, m = len(rows), len(columns)
    # A column of its own for each row, at the price of no edge, makes every matching a full one.
    dear = float(weight.max()) + 1.0
    values = np.concatenate([dear - weight, np.full(n, dear)])
    ends = np.concatenate([row, np.arange(n)]), np.concatenate([column, m + np.arange(n)])
    graph = csr_array((values, ends), shape=(n, m + n))
    at_row, at_column = min_weight_full_bipartite_matching(graph)
    edges = row * m + column
    order = np.argsort(edges)
    real = at_column < m
    found = order[np.searchsorted(edges[order], at_row[real] * np.int64(m) + at_column[real])]
    return found.astype(np.int64)
