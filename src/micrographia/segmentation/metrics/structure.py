"""Errors of structure: objects that were joined, cut, invented or forgotten."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from micrographia.segmentation.metrics.table import Contingency, Ints

NAN = float("nan")


class MergesAndSplits(NamedTuple):
    """Joined and cut objects; see :func:`merges_and_splits`."""

    merges: int
    splits: int
    merged_truth: int
    split_predicted: int
    merging: Ints
    split: Ints


def merges_and_splits(table: Contingency) -> MergesAndSplits:
    """Count the predicted objects that join true ones, and the true objects that are cut.

    A predicted object is a *merge* if it holds more than half of each of two or more true objects. A true object is
    *split* if it holds more than half of each of two or more predicted objects. So each true object is in one merge at
    most, each predicted one in one split at most, and exchanging truth and prediction exchanges the two. How much of
    the holder is covered does not matter: one object over the whole image merges everything there is.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`. Predicted objects that are ignored neither merge
        nor split.

    Returns
    -------
    MergesAndSplits
        ``merges``, ``splits``: how many objects do. ``merged_truth``: true objects in merges. ``split_predicted``:
        pieces in splits. ``merging``, ``split``: indices of those predicted and those true objects in the table,
        int64, ascending.

    Notes
    -----
    After over- and under-segmentation in Hoover et al., An experimental comparison of range image segmentation
    algorithms, IEEE Transactions on Pattern Analysis and Machine Intelligence 18, 1996, with tolerance 0.5 and without
    its second condition, that the parts cover the whole.
    """
    judged = table.judged[table.predicted_index]
    inside = judged & (2 * table.overlaps > table.truth_sizes[table.truth_index])
    holding = np.bincount(table.predicted_index[inside], minlength=len(table.predicted_ids))
    pieces = judged & (2 * table.overlaps > table.predicted_sizes[table.predicted_index])
    held = np.bincount(table.truth_index[pieces], minlength=table.n_truth)
    merging, split = np.flatnonzero(holding > 1), np.flatnonzero(held > 1)
    return MergesAndSplits(
        merges=len(merging),
        splits=len(split),
        merged_truth=int(holding[merging].sum()),
        split_predicted=int(held[split].sum()),
        merging=merging.astype(np.int64),
        split=split.astype(np.int64),
    )


class CountError(NamedTuple):
    """How many objects too many; see :func:`count_error`."""

    truth: int
    predicted: int
    difference: int
    relative: float


def count_error(table: Contingency) -> CountError:
    r"""Return how many objects are predicted beyond those that are there.

    :math:`m - n`, and :math:`(m - n) / n`; predicted objects that are ignored are not in m. Errors of both kinds
    cancel, so a count can be right where no object is.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    CountError
        ``truth`` (n), ``predicted`` (m), ``difference`` and ``relative``: NaN if there is no true object though some
        are predicted, 0 if there is nothing and nothing is predicted.

    Notes
    -----
    Absolute values of the difference give the counting error of Lempitsky and Zisserman, Learning to count objects in
    images, NeurIPS 2010.
    """
    n, m = table.n_truth, table.n_predicted
    relative = (m - n) / n if n else (NAN if m else 0.0)
    return CountError(n, m, m - n, relative)
