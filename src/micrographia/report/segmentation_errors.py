"""Which objects a prediction found, missed, invented, merged and split: object by object, for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.contingency import Contingency, match
from micrographia.segmentation.metrics.structure import merges_and_splits

Array = npt.NDArray[Any]

NOTHING, HIT, MISS, FALSE, MERGE, SPLIT, IGNORED = range(7)
"""What an object is: the values that :func:`classes_of` puts into the place of labels."""


@dataclass(frozen=True, eq=False)
class Errors:
    """What became of every object.

    Attributes
    ----------
    truth_ids, predicted_ids
        Labels, ascending; shape (n,) and (m,).
    truth, predicted
        What each is, uint8 of the same shapes: a true object is HIT, MISS or IGNORED; a predicted one HIT, FALSE,
        MERGE, SPLIT or IGNORED.
    hits, misses, false, merges, splits
        Numbers: pairs that match, true objects without and judged predicted objects without partner, predicted objects
        over several true ones, and true objects in several predicted ones.
    """

    truth_ids: Array
    truth: Array
    predicted_ids: Array
    predicted: Array
    hits: int
    misses: int
    false: int
    merges: int
    splits: int


def find_errors(table: Contingency, threshold: float = 0.5) -> Errors:
    """Return what became of every object of a contingency table.

    Merges and splits are those of :func:`~micrographia.segmentation.metrics.structure.merges_and_splits`; the pieces of
    a split object are the predicted objects with more than half of them in it. An object may be a hit and still merge
    or be a piece, and is drawn as that; a true object that no prediction matches is a miss even if a merging one covers
    it, as in the counts of :func:`~micrographia.segmentation.metrics.contingency.match`.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency.contingency`.
    threshold
        Smallest intersection over union of a hit.
    """
    found = match(table, threshold)
    structure = merges_and_splits(table)
    truth = np.full(len(table.truth_ids), MISS, np.uint8)
    truth[found.truth_matched] = HIT
    predicted = np.where(table.judged, FALSE, IGNORED).astype(np.uint8)
    predicted[found.predicted_matched] = HIT
    inside = 2 * table.overlaps > table.predicted_sizes[table.predicted_index]
    inside &= np.isin(table.truth_index, structure.split) & table.judged[table.predicted_index]
    predicted[table.predicted_index[inside]] = SPLIT
    predicted[structure.merging] = MERGE
    ids = np.concatenate([table.truth_ids, table.not_judged])
    kinds = np.concatenate([truth, np.full(len(table.not_judged), IGNORED, np.uint8)])
    order = np.argsort(ids, kind="stable")
    return Errors(
        ids[order],
        kinds[order],
        table.predicted_ids,
        predicted,
        found.tp,
        found.fn,
        found.fp,
        structure.merges,
        structure.splits,
    )


def classes_of(labels: Array, ids: Array, kinds: Array) -> npt.NDArray[np.uint8]:
    """Return what each pixel's object is in the place of its label; a label that is not in ``ids`` is IGNORED.

    Parameters
    ----------
    labels
        Integers of any shape; 0 is background and stays 0.
    ids, kinds
        Labels, ascending, and what each is; shape (n,).
    """
    if not len(ids):
        return np.where(labels != 0, IGNORED, NOTHING).astype(np.uint8)
    place = np.minimum(np.searchsorted(ids, labels), len(ids) - 1)
    known = ids[place] == labels
    return np.where(labels == 0, NOTHING, np.where(known, kinds[place], IGNORED)).astype(np.uint8)
