"""Scores of overlap: how well what was found covers what is there, over objects or over pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from micrographia.segmentation.metrics.detection import Threshold
from micrographia.segmentation.metrics.matching import Matching, Method, assign, match
from micrographia.segmentation.metrics.table import Contingency, Ints

NAN = float("nan")


class PanopticQuality(NamedTuple):
    """Panoptic quality and its two factors; see :func:`panoptic_quality`."""

    pq: float
    sq: float
    rq: float


def panoptic_quality(
    table: Contingency, threshold: Threshold = 0.5, *, method: Method = "optimal"
) -> PanopticQuality:
    r"""Return panoptic quality, segmentation quality and recognition quality.

    .. math:: PQ = SQ \cdot RQ, \quad SQ = \frac{1}{TP} \sum_{(i, j) \in TP} IoU_{ij}, \quad
        RQ = \frac{TP}{TP + FP / 2 + FN / 2}

    so that RQ is F1. Here a pair matches at intersection over union >= the threshold; the source says > 0.5.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.
    threshold, method
        As for :func:`~micrographia.segmentation.metrics.match`.

    Returns
    -------
    PanopticQuality
        0 to 1 each. Without a match PQ and RQ are 0 and SQ is NaN; all are 1 if there is nothing and nothing is
        predicted.

    Notes
    -----
    Kirillov et al., Panoptic segmentation, CVPR 2019, section 4.
    """
    return panoptic_quality_of(match(table, threshold, method=method))


def panoptic_quality_of(matching: Matching) -> PanopticQuality:
    """Return :func:`panoptic_quality` of a matching that is there already."""
    recognition = matching.f1
    if matching.tp == 0:
        segmentation = 1.0 if recognition == 1 else NAN
        return PanopticQuality(recognition, segmentation, recognition)
    segmentation = float(matching.iou.sum()) / matching.tp
    return PanopticQuality(segmentation * recognition, segmentation, recognition)


def aji(table: Contingency) -> float:
    r"""Return the aggregated Jaccard index of Kumar.

    .. math:: AJI = \frac{\sum_i |G_i \cap S_{j(i)}|}{\sum_i |G_i \cup S_{j(i)}| + \sum_{k \in U} |S_k|}, \quad
        j(i) = \arg\max_j IoU(G_i, S_j)

    U holds the predicted objects that are no true object's best; of true objects :math:`G_i` without overlap the union
    is :math:`|G_i|`. One predicted object may be the best of several true ones; ties go to the smaller label.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    float
        0 to 1; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    Kumar et al., A dataset and a technique for generalized nuclear segmentation for computational pathology, IEEE
    Transactions on Medical Imaging 36, 2017, algorithm 1.
    """
    return _ratio(table, *aji_sums(table))


def aji_sums(table: Contingency) -> tuple[int, int]:
    """Return numerator and denominator of :func:`aji` in pixels, to be summed over images."""
    # Pairs are sorted by true object, so the first of the best in each is what lexsort puts first.
    order = np.lexsort((table.predicted_index, -table.iou, table.truth_index))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(table.truth_index[order]) != 0
    return _aggregate(table, order[first])


def aji_plus(table: Contingency) -> float:
    r"""Return the aggregated Jaccard index with one partner each.

    As :func:`aji`, but :math:`j(i)` is the one-to-one assignment with the largest sum of intersection over union, so no
    predicted object counts twice and the result is symmetric.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    float
        0 to 1; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    Graham et al., HoVer-Net: simultaneous segmentation and classification of nuclei in multi-tissue histology images,
    Medical Image Analysis 58, 2019, and its published evaluation code.
    """
    return _ratio(table, *aji_plus_sums(table))


def aji_plus_sums(table: Contingency) -> tuple[int, int]:
    """Return numerator and denominator of :func:`aji_plus` in pixels, to be summed over images."""
    return _aggregate(table, assign(table.truth_index, table.predicted_index, table.iou))


def _aggregate(table: Contingency, chosen: Ints) -> tuple[int, int]:
    """Return intersections of the chosen pairs, and their unions with all objects in no chosen pair."""
    alone_truth = np.ones(table.n_truth, np.bool_)
    alone_truth[table.truth_index[chosen]] = False
    alone_predicted = table.judged.copy()
    alone_predicted[table.predicted_index[chosen]] = False
    union = int(table.unions[chosen].sum()) + int(table.truth_sizes[alone_truth].sum())
    return int(table.overlaps[chosen].sum()), union + int(table.predicted_sizes[alone_predicted].sum())


def seg(table: Contingency) -> float:
    r"""Return SEG of the Cell Tracking Challenge.

    .. math:: SEG = \frac{1}{n} \sum_i J_i, \quad J_i = IoU(G_i, S_j) \text{ if some } |G_i \cap S_j| > |G_i| / 2,
        \text{ else } 0

    False positives do not lower it.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    float
        0 to 1. NaN if there is no true object though some are predicted; 1 if there is nothing and nothing is
        predicted.

    Notes
    -----
    Maška et al., A benchmark for comparison of cell tracking algorithms, Bioinformatics 30, 2014; Ulman et al., An
    objective comparison of cell-tracking algorithms, Nature Methods 14, 2017.
    """
    return _ratio(table, *seg_sums(table))


def seg_sums(table: Contingency) -> tuple[float, int]:
    """Return the sum of the Jaccard indices of :func:`seg` and the number of true objects, to be summed over images."""
    majority = 2 * table.overlaps > table.truth_sizes[table.truth_index]
    return float(table.iou[majority].sum()), table.n_truth


def dice(table: Contingency) -> float:
    r"""Return the Dice coefficient of the foregrounds: of all objects together, whoever they are.

    :math:`2 |T \cap P| / (|T| + |P|)` over counted pixels, those of ignored predicted objects too.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    float
        0 to 1; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    Dice, Measures of the amount of ecologic association between species, Ecology 26, 1945.
    """
    return _ratio(table, *dice_sums(table))


def dice_sums(table: Contingency) -> tuple[int, int]:
    """Return numerator and denominator of :func:`dice` in pixels, to be summed over images."""
    both = int(table.truth_sizes.sum()) + int(table.predicted_sizes.sum())
    return 2 * int(table.overlaps.sum()), both


def object_dice(table: Contingency) -> float:
    r"""Return the Dice coefficient of objects, weighted by their size.

    .. math:: \frac{1}{2} \left[ \sum_i \frac{|G_i|}{\sum_k |G_k|} D(G_i, S_{(i)}) +
        \sum_j \frac{|S_j|}{\sum_k |S_k|} D(G_{(j)}, S_j) \right], \quad
        D(G, S) = \frac{2 |G \cap S|}{|G| + |S|}

    :math:`S_{(i)}` is the predicted object that overlaps :math:`G_i` most, :math:`G_{(j)}` the true object that
    overlaps :math:`S_j` most (ties by the smaller label); D is 0 without overlap. Predicted objects that are ignored
    are left out of the second sum.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    float
        0 to 1; 0 if only one of the two images has objects; 1 if there is nothing and nothing is predicted.

    Notes
    -----
    Sirinukunwattana et al., Gland segmentation in colon histology images: the GlaS challenge contest, Medical Image
    Analysis 35, 2017, section 4.2.
    """
    if table.empty:
        return 1.0
    sizes = table.truth_sizes[table.truth_index] + table.predicted_sizes[table.predicted_index]
    shared = 2 * table.overlaps / sizes
    both = (
        (table.truth_index, table.truth_sizes, np.ones(table.n_truth, np.bool_)),
        (table.predicted_index, table.predicted_sizes, table.judged),
    )
    halves = []
    for index, size, judged in both:
        order = np.lexsort((np.arange(len(index)), -table.overlaps, index))
        first = np.ones(len(order), np.bool_)
        first[1:] = np.diff(index[order]) != 0
        best = np.zeros(len(size))
        best[index[order[first]]] = shared[order[first]]
        weight = np.where(judged, size, 0)
        halves.append(float(weight @ best) / int(weight.sum()) if weight.any() else 0.0)
    return sum(halves) / 2


def _ratio(table: Contingency, part: float, whole: float) -> float:
    if table.empty:
        return 1.0
    return part / whole if whole else NAN
