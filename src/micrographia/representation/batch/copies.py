"""Which rows are exact copies of each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.inputs import ROWS_AT_ONCE, Array
from micrographia.representation.batch.kernels import hash_rows


def copy_numbers(values: Array) -> npt.NDArray[np.int64]:
    """Return a number for each row that it shares exactly with its copies ``(n,)``, counted from 0.

    Parameters
    ----------
    values
        Features ``(n, d)``, float32 or float64. NaN equals NaN of the same bits; -0 equals 0.

    Returns
    -------
    numpy.ndarray
        int64; the order of the numbers means nothing.
    """
    n = len(values)
    hashes = np.empty(n, dtype=np.uint64)
    for start in range(0, n, ROWS_AT_ONCE):
        # Adding 0 turns -0 into 0; float32 is widened, so that rows are whole words.
        block = np.ascontiguousarray(values[start : start + ROWS_AT_ONCE], dtype=np.float64) + 0.0
        hash_rows(block.view(np.uint64), hashes[start : start + ROWS_AT_ONCE])
    _, representative, numbers = np.unique(hashes, return_index=True, return_inverse=True)
    numbers = numbers.astype(np.int64)
    unequal: list[int] = []
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        same = values[rows] == values[representative[numbers[rows]]]
        both_missing = np.isnan(values[rows]) & np.isnan(values[representative[numbers[rows]]])
        unequal.extend((start + np.flatnonzero(~(same | both_missing).all(axis=1))).tolist())
    # Different rows of one hash are all but impossible; they are told apart by their bytes.
    seen: dict[bytes, int] = {}
    for row in unequal:
        content = (values[row] + 0.0).tobytes()
        numbers[row] = seen.setdefault(content, len(representative) + len(seen))
    return numbers


def count_copies(values: Array) -> int:
    """Return how many rows are copies of another row that comes before them."""
    return len(values) - len(np.unique(copy_numbers(values)))
