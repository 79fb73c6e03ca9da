"""A number with what must stand beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.batch.inputs import Array, as_matrix, finite_rows, say_left_out


@dataclass(frozen=True)
class Measure:
    """A number that describes an embedding or a pair of them.

    Attributes
    ----------
    value
        The number; NaN where it is undefined.
    n
        Rows that it was computed from.
    reason
        Why it is undefined, or which rows were left out; empty otherwise.
    caveat
        Why not to trust it here; empty otherwise.
    """

    value: float
    n: int
    reason: str = ""
    caveat: str = ""

    def __float__(self) -> float:
        return self.value


def undefined(n: int, reason: str, left_out: str = "") -> Measure:
    """Return a measure that does not exist, with the reason."""
    return Measure(float("nan"), n, f"{reason}; {left_out}" if left_out else reason)


def usable(values: npt.ArrayLike, *, unit: bool = False) -> tuple[Array, str]:
    """Return the rows that can be used, as float64, and how many cannot.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    unit
        Whether rows of length 0 cannot be used either.
    """
    matrix = as_matrix(values)
    kept = finite_rows(matrix)
    nowhere = np.zeros(len(matrix), dtype=bool)
    if unit:
        nowhere[kept] = ~matrix[kept].any(axis=1)
    text = say_left_out(
        len(matrix),
        (int((~kept).sum()), "have missing or infinite features"),
        (int(nowhere.sum()), "have length 0 and so no direction"),
    )
    return matrix[kept & ~nowhere].astype(np.float64), text


def usable_pair(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array, str]:
    """Return the rows that can be used in both of two embeddings of the same things, and how many cannot.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.
    """
    first, second = as_matrix(x), as_matrix(y)
    if len(first) != len(second):
        raise ProfileError(
            "",
            f"{len(first):,} and {len(second):,} rows",
            "Give embeddings of the same things in the same order",
        )
    kept = finite_rows(first) & finite_rows(second)
    text = say_left_out(len(first), (int((~kept).sum()), "have missing or infinite features"))
    return first[kept].astype(np.float64), second[kept].astype(np.float64), text


def centred(matrix: Array) -> Array:
    """Return the features less their means; exactly 0 where a feature does not vary."""
    result: Array = matrix - matrix.mean(axis=0)
    result[:, np.ptp(matrix, axis=0) == 0] = 0.0
    return result
