"""A table that grows while blocks of two label images are added to it, and what becomes of it in the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.table import Contingency, total

Array = npt.NDArray[Any]

_EVERYWHERE = np.zeros(0, np.uint8)


class Tally:
    """Counts pairs of labels, block by block; the order of the blocks does not matter.

    Parameters
    ----------
    truth, predicted
        The types of the labels: integers or booleans.
    """

    def __init__(self, truth: np.dtype[Any], predicted: np.dtype[Any]) -> None:
        # One kernel a width, not one a pair of types; what is signed is put right in the table.
        self._width = max(truth.itemsize, predicted.itemsize)
        self._signed = truth.kind == "i", predicted.kind == "i"
        self._table = np.zeros((1 << 16, 4), np.uint64)
        self._used = 0

    def add(self, truth: Array, predicted: Array, region: Array | None = None) -> None:
        """Add two blocks of one shape; of ``region`` what is not 0 is counted, everything without it."""
        from micrographia.segmentation.metrics.kernels import count

        t, p = self._plain(truth), self._plain(predicted)
        r = _EVERYWHERE if region is None else _flags(region)
        position = 0
        while position < t.size:
            position, self._used = count(t, p, r, self._table, self._used, position)
            if position < t.size:
                self._grow(2 * len(self._table))

    def merge(self, other: Tally) -> None:
        """Add what another tally of the same types has counted."""
        from micrographia.segmentation.metrics.kernels import add

        rows = len(self._table)
        while self._used + other._used > rows // 2:
            rows *= 2
        if rows > len(self._table):
            self._grow(rows)
        self._used = add(other._table, self._table, self._used)

    def _grow(self, rows: int) -> None:
        from micrographia.segmentation.metrics.kernels import add

        table = np.zeros((rows, 4), np.uint64)
        self._used = add(self._table, table, 0)
        self._table = table

    def _plain(self, block: Array) -> Array:
        """Return labels as unsigned integers of the common width, of shape (pixels,); a view where that is possible."""
        kind = "i" if block.dtype.kind == "i" else "u"
        wide = block.view(np.uint8) if block.dtype.kind == "b" else block
        return np.ascontiguousarray(wide, f"{kind}{self._width}").view(f"u{self._width}").reshape(-1)

    def result(self, ignore: Iterable[int] = (), path: str = "") -> Contingency:
        """Return the contingency table.

        Parameters
        ----------
        ignore
            Labels of truth objects that are not judged.
        path
            Named in errors.

        Raises
        ------
        SegmentationError
            If a label is negative.
        """
        from micrographia.segmentation.metrics.kernels import taken

        rows = taken(self._table, self._used)
        for column, name in enumerate(("truth", "prediction")):
            self._refuse_negative(rows[:, column], self._signed[column], name, path)
        rows = rows[_order(rows[:, 0], rows[:, 1])]
        truth_ids, truth = _numbered(rows[:, 0], np.arange(len(rows)))
        predicted_ids, predicted = _numbered(rows[:, 1], np.argsort(rows[:, 1]))
        n, m = len(truth_ids), len(predicted_ids)
        counted, outside = rows[:, 2].astype(np.int64), rows[:, 3].astype(np.int64)
        everything = total(predicted, counted + outside, m)
        left_out = np.isin(truth_ids, _unsigned(ignore))
        left_out |= total(truth, outside, n) > total(truth, counted, n)
        left_out &= truth_ids != 0
        counted[left_out[truth]] = 0

        predicted_sizes, truth_sizes = total(predicted, counted, m), total(truth, counted, n)
        kept_truth = (truth_sizes > 0) & (truth_ids != 0)
        kept_predicted = (predicted_sizes > 0) & (predicted_ids != 0)
        ignored = (2 * predicted_sizes < everything)[kept_predicted]
        pairs = np.flatnonzero((counted > 0) & kept_truth[truth] & kept_predicted[predicted])
        return Contingency(
            truth_ids=_ids(truth_ids[kept_truth]),
            truth_sizes=truth_sizes[kept_truth],
            predicted_ids=_ids(predicted_ids[kept_predicted]),
            predicted_sizes=predicted_sizes[kept_predicted],
            truth_index=(np.cumsum(kept_truth) - 1)[truth[pairs]],
            predicted_index=(np.cumsum(kept_predicted) - 1)[predicted[pairs]],
            overlaps=counted[pairs],
            n_pixels=int(counted.sum()),
            ignored=frozenset(np.flatnonzero(ignored).tolist()),
            not_judged=_ids(truth_ids[left_out]),
        )

    def _refuse_negative(self, values: Array, signed: bool, name: str, path: str) -> None:
        if not signed or not values.size:
            return
        smallest = int(values.astype(f"u{self._width}").view(f"i{self._width}").min())
        if smallest < 0:
            raise SegmentationError(
                path,
                f"the {name} has a negative label, {smallest}",
                "Labels are 0 for background and 1 or more for objects; what is not annotated belongs in the region",
            )


def _order(truth: Array, predicted: Array) -> Array:
    """Return the order of pairs by truth, then prediction."""
    if (truth | predicted).max(initial=0) >> np.uint64(32):
        return np.lexsort((predicted, truth))
    return np.argsort((truth << np.uint64(32)) | predicted)


def _numbered(labels: Array, order: Array) -> tuple[Array, Array]:
    """Return the distinct labels, ascending, and the index of each label among them; ``order`` sorts the labels."""
    ascending = labels[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = ascending[1:] != ascending[:-1]
    index = np.empty(len(order), np.int64)
    index[order] = np.cumsum(new) - 1
    return ascending[new], index


def _flags(region: Array) -> Array:
    """Return a region as uint8 of 0 and 1, of shape (pixels,)."""
    if region.dtype.kind == "b":
        return np.ascontiguousarray(region).view(np.uint8).reshape(-1)
    return np.ascontiguousarray(region != 0).view(np.uint8).reshape(-1)


def _unsigned(labels: Iterable[int]) -> Array:
    return np.array(sorted({int(label) for label in labels if int(label) > 0}), np.uint64)


def _ids(values: Array) -> Array:
    """Return labels as int64, or as they are (uint64) if one does not fit."""
    if values.size and int(values[-1]) > np.iinfo(np.int64).max:
        return values.astype(np.uint64)
    return values.astype(np.int64)
