"""The sparse contingency table of two label images, from which every metric follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contingency:
    """How many pixels each true and each predicted object have, alone and together.

    Only counted pixels are in it: those of the annotated region that are not on a truth object which is not judged.
    Everything is integer and exact. Of true objects, predicted objects and overlapping pairs there are n, m and k.

    Parameters
    ----------
    truth_ids, predicted_ids
        Labels of the objects with at least one counted pixel, ascending, without 0; int64 of shape (n,) and (m,),
        uint64 where a label does not fit int64.
    truth_sizes, predicted_sizes
        Their counted pixels; int64 of shape (n,) and (m,).
    truth_index, predicted_index
        Row and column of each pair that overlaps, sorted by both; int64 of shape (k,).
    overlaps
        Counted pixels of each such pair, at least 1; int64 of shape (k,).
    n_pixels
        All counted pixels, background too.
    ignored
        Indices into ``predicted_ids`` of the objects with more than half of all their pixels on what is not counted.
        One of them that matches a true object is right; one that matches none is not wrong, because nobody knows
        what is there.
    not_judged
        Labels of the truth objects that were left out: those asked to be ignored, and those with more than half of
        their pixels outside the region; ascending, as ``truth_ids``.

    Notes
    -----
    The rule for what is not counted is that of void pixels in Kirillov et al., Panoptic segmentation, CVPR 2019,
    section 4.1: such pixels are removed from the predicted objects before matching, and a predicted object that
    matches none is not a false positive if more than the threshold of it, here half, is void.
    """

    truth_ids: npt.NDArray[Any]
    truth_sizes: Ints
    predicted_ids: npt.NDArray[Any]
    predicted_sizes: Ints
    truth_index: Ints
    predicted_index: Ints
    overlaps: Ints
    n_pixels: int
    ignored: frozenset[int] = frozenset()
    not_judged: npt.NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def n_truth(self) -> int:
        """The number of true objects."""
        return len(self.truth_ids)

    @property
    def n_predicted(self) -> int:
        """The number of predicted objects that are judged."""
        return len(self.predicted_ids) - len(self.ignored)

    @property
    def empty(self) -> bool:
        """Whether there is neither a true object nor a predicted one that is judged: perfect agreement."""
        return self.n_truth == 0 and self.n_predicted == 0

    @cached_property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Which predicted objects are judged, of shape (m,): all but :attr:`ignored`."""
        judged = np.ones(len(self.predicted_ids), np.bool_)
        judged[sorted(self.ignored)] = False
        return judged

    @cached_property
    def unions(self) -> Ints:
        """Pixels in either object of each pair, of shape (k,)."""
        return self.truth_sizes[self.truth_index] + self.predicted_sizes[self.predicted_index] - self.overlaps

    @cached_property
    def iou(self) -> Floats:
        """Intersection over union of each pair, of shape (k,); thresholds are compared with the integers instead."""
        return self.overlaps / self.unions

    @cached_property
    def truth_on_background(self) -> Ints:
        """Pixels of each true object where nothing is predicted, of shape (n,)."""
        return self.truth_sizes - total(self.truth_index, self.overlaps, self.n_truth)

    @cached_property
    def predicted_on_background(self) -> Ints:
        """Pixels of each predicted object on the background of the truth, of shape (m,)."""
        return self.predicted_sizes - total(self.predicted_index, self.overlaps, len(self.predicted_ids))

    def swapped(self) -> Contingency:
        """Return the table with truth and prediction exchanged, as for two annotators.

        The objects that are not judged have no exchange, so nothing is ignored in it.
        """
        order = np.lexsort((self.truth_index, self.predicted_index))
        return Contingency(
            self.predicted_ids,
            self.predicted_sizes,
            self.truth_ids,
            self.truth_sizes,
            self.predicted_index[order],
            self.truth_index[order],
            self.overlaps[order],
            self.n_pixels,
        )


def total(index: Ints, values: Ints, size: int) -> Ints:
    """Return the sums of integers by index, exact."""
    sums = np.zeros(size, np.int64)
    np.add.at(sums, index, values)
    return sums
