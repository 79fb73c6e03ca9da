"""Average precision of objects that come with a score: the area under the curve of precision over recall."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.detection import Threshold
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.matching import exact, reaches
from micrographia.segmentation.metrics.table import Contingency, Floats

Points = Literal["coco", "all"]


def ranked_average_precision(
    tables: Sequence[Contingency],
    scores: Sequence[npt.ArrayLike],
    threshold: Threshold = 0.5,
    *,
    points: Points = "coco",
) -> float:
    r"""Return the area under the curve of precision over recall, of objects with scores.

    Predicted objects of all images are ranked by their score. In each image, from the highest score down, each takes
    the true object not yet taken with which it has the largest intersection over union, if that is at least the
    threshold; it is then a true positive, else a false one. Precision at rank k is the share of true positives among
    the first k, made monotonous from the right; recall the share of all true objects found by then.

    Parameters
    ----------
    tables
        One contingency table for each image.
    scores
        For each table the score of each predicted object, in the order of its ``predicted_ids``, of shape (m,); any
        finite numbers, higher is surer. Ties keep the order of images and labels.
    threshold
        From 0 to 1; see :func:`~micrographia.segmentation.metrics.match`.
    points
        ``"coco"``: mean of the precision at the recalls 0, 0.01, ... 1. ``"all"``: the whole area under the curve.

    Returns
    -------
    float
        0 to 1. NaN if there is no true object though some are predicted; 1 if there is nothing and nothing is
        predicted.

    Raises
    ------
    SegmentationError
        If scores do not fit the tables or are not finite, or the threshold is not from 0 to 1.

    Notes
    -----
    Everingham et al., The PASCAL visual object classes (VOC) challenge, International Journal of Computer Vision 88,
    2010 (``"all"`` is its measure from 2010 on); Lin et al., Microsoft COCO: common objects in context, ECCV 2014, and
    its published evaluation code. Predicted objects that are ignored are left out unless they match, as there.
    """
    if len(tables) != len(scores) or not len(tables):
        raise SegmentationError(
            "", f"{len(tables)} images but scores of {len(scores)}", "Give one array of scores an image"
        )
    least = exact(threshold)
    ranks = [
        _checked(table, np.asarray(rank, np.float64)) for table, rank in zip(tables, scores, strict=True)
    ]
    found = [_true_positives(table, rank, least) for table, rank in zip(tables, ranks, strict=True)]
    n_truth = sum(table.n_truth for table in tables)
    score = np.concatenate([rank for rank, _ in found])
    right = np.concatenate([hit for _, hit in found])
    if n_truth == 0:
        return float("nan") if len(right) else 1.0
    hits = np.cumsum(right[np.argsort(-score, kind="stable")])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    if points == "all":
        return float(np.diff(hits, prepend=0) @ precision) / n_truth
    # The first rank whose recall reaches number / 100, in integers.
    at = np.searchsorted(100 * hits, np.arange(101) * n_truth, side="left")
    return float(np.append(precision, 0.0)[at].mean())


def _checked(table: Contingency, rank: Floats) -> Floats:
    if rank.shape != table.predicted_ids.shape or not np.isfinite(rank).all():
        raise SegmentationError(
            "",
            f"scores of shape {rank.shape} for {len(table.predicted_ids)} predicted objects"
            if rank.shape != table.predicted_ids.shape
            else "a score is not finite",
            "Give one finite score for each of predicted_ids, in its order",
        )
    return rank


def _true_positives(
    table: Contingency, scores: Floats, least: Fraction
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the scores of the predicted objects that count, and which of them are right."""
    possible = reaches(table.overlaps, table.unions, least)
    truth, predicted, iou = table.truth_index[possible], table.predicted_index[possible], table.iou[possible]
    order = np.lexsort((truth, -iou, predicted, -scores[predicted]))
    taken = np.zeros(table.n_truth, np.bool_)
    right = np.zeros(len(scores), np.bool_)
    for i, j in zip(truth[order].tolist(), predicted[order].tolist(), strict=True):
        if not right[j] and not taken[i]:
            right[j] = taken[i] = True
    counts = table.judged | right
    return scores[counts], right[counts]
