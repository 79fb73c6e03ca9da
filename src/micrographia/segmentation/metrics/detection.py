"""Scores of detection: what share of the objects was found, and of what was found, how much is there."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from micrographia.segmentation.metrics.matching import Method, match
from micrographia.segmentation.metrics.table import Contingency

Threshold = float | Fraction | str

THRESHOLDS = tuple(Fraction(number, 100) for number in range(50, 100, 5))
"""0.50, 0.55, ... 0.95, the thresholds of COCO, exact."""


def precision(table: Contingency, threshold: Threshold = 0.5, *, method: Method = "optimal") -> float:
    r"""Return the share of predicted objects that match a true one.

    :math:`TP / (TP + FP)`, where a pair matches if its intersection over union is at least the threshold.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.
    threshold
        Smallest intersection over union of a match; see :func:`~micrographia.segmentation.metrics.match`.
    method
        ``"optimal"`` or ``"greedy"``.

    Returns
    -------
    float
        0 to 1. NaN if nothing is predicted though there is something; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    van Rijsbergen, Information Retrieval, 2nd edition, 1979, chapter 7.
    """
    return match(table, threshold, method=method).precision


def recall(table: Contingency, threshold: Threshold = 0.5, *, method: Method = "optimal") -> float:
    r"""Return the share of true objects that match a predicted one.

    :math:`TP / (TP + FN)`. Parameters as for :func:`precision`.

    Returns
    -------
    float
        0 to 1. NaN if there is no object though some are predicted; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    van Rijsbergen, Information Retrieval, 2nd edition, 1979, chapter 7.
    """
    return match(table, threshold, method=method).recall


def f1(table: Contingency, threshold: Threshold = 0.5, *, method: Method = "optimal") -> float:
    r"""Return the harmonic mean of precision and recall.

    :math:`2 TP / (2 TP + FP + FN)`. Parameters as for :func:`precision`.

    Returns
    -------
    float
        0 to 1; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    Dice, Measures of the amount of ecologic association between species, Ecology 26, 1945; of objects in microscopy:
    Caicedo et al., Evaluation of deep learning strategies for nucleus segmentation in fluorescence images, Cytometry A
    95, 2019.
    """
    return match(table, threshold, method=method).f1


def average_precision(table: Contingency, threshold: Threshold = 0.5, *, method: Method = "optimal") -> float:
    r"""Return what microscopy calls average precision: matches per object, true or predicted.

    :math:`TP / (TP + FP + FN)`, the Jaccard index of the two sets of objects. It is no average and no area under a
    curve; for that see :func:`~micrographia.segmentation.metrics.ranked_average_precision`. Parameters as for
    :func:`precision`.

    Returns
    -------
    float
        0 to 1; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, Nature Methods 16,
    2019; Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018.
    """
    return match(table, threshold, method=method).average_precision


def mean_average_precision(
    table: Contingency, thresholds: Sequence[Threshold] = THRESHOLDS, *, method: Method = "optimal"
) -> float:
    r"""Return the mean of :func:`average_precision` over thresholds.

    :math:`\frac{1}{|\Theta|} \sum_{\theta \in \Theta} TP_\theta / (TP_\theta + FP_\theta + FN_\theta)`.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.
    thresholds
        At least one; 0.50, 0.55, ... 0.95 if not given.
    method
        As for :func:`precision`.

    Returns
    -------
    float
        0 to 1; 1 if there is nothing and nothing is predicted.

    Raises
    ------
    SegmentationError
        If there is no threshold, or one is not from 0 to 1.

    Notes
    -----
    The score of the 2018 Data Science Bowl: Caicedo et al., Nature Methods 16, 2019.
    """
    from micrographia.segmentation.metrics.errors import SegmentationError

    if not len(thresholds):
        raise SegmentationError("", "no threshold to average over", "Give at least one from 0 to 1")
    return sum(average_precision(table, each, method=method) for each in thresholds) / len(thresholds)
