"""What a step of preprocessing is: options in the constructor, fitted on training or control rows, then applied."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
On = Literal["auto", "train", "controls"]


@dataclass(frozen=True, eq=False)
class Fitted(ABC):
    """A step that knows its numbers.

    Attributes
    ----------
    controls
        Which of the rows it was fitted on as controls, ``(n,)``; they must not be scored.
    reasons
        What was done otherwise than asked, and why; sentences with counts.
    """

    controls: Mask
    reasons: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def transform(self, values: Array, meta: pd.DataFrame) -> Array:
        """Return the features of rows, these or others, ``(m, d')``."""

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the features that :meth:`transform` returns."""
        return tuple(names)

    def notes(self, meta: pd.DataFrame) -> tuple[str, ...]:  # noqa: ARG002 - for steps whose rows matter
        """Return the reasons, with those that depend on the rows that are transformed."""
        return self.reasons


@dataclass(frozen=True)
class Step(ABC):
    """A step of preprocessing. Its fields are its options."""

    name: ClassVar[str]

    @abstractmethod
    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Fitted:
        """Learn from training rows or from controls, never from rows that are scored.

        Parameters
        ----------
        values
            Features ``(n, d)``.
        meta
            Metadata of the same rows.
        train
            Rows of the training set, ``(n,)``; all if None.
        controls
            Rows of the control group, ``(n,)``, wherever they are; None if there is none.

        Raises
        ------
        ProfileError
            If there is nothing to learn from, or a column is not there.
        """

    def described(self) -> str:
        """Return the name with the options that are not the usual ones: ``robust_z(by='plate')``."""
        told = []
        for option in fields(self):
            value = getattr(self, option.name)
            if value != option.default:
                told.append(f"{option.name}={value!r}")
        return f"{self.name}({', '.join(told)})"


def chosen_rows(
    step: str, n: int, on: On, train: Mask | None, controls: Mask | None, *, minimum: int = 1
) -> tuple[Mask, Mask]:
    """Return the rows to learn from, and those of them that are controls for it.

    Raises
    ------
    ProfileError
        If there are fewer than ``minimum``.
    """
    if on not in ("auto", "train", "controls"):
        raise ProfileError(step, f"cannot be fitted on {on!r}", "Say auto, train or controls")
    none = np.zeros(n, dtype=bool)
    trained = np.ones(n, dtype=bool) if train is None else np.asarray(train, dtype=bool)
    held = none if controls is None else np.asarray(controls, dtype=bool)
    for mask in (trained, held):
        if mask.shape != (n,):
            raise ProfileError(step, f"got a mask of shape {mask.shape} for {n:,} rows", "Give one a row")
    use_controls = on == "controls" or (on == "auto" and bool(held.any()))
    rows = held if use_controls else trained
    if int(rows.sum()) < minimum:
        kind = "control" if use_controls else "training"
        raise ProfileError(
            step,
            f"needs at least {minimum} {kind} row{'s' if minimum > 1 else ''} and has {int(rows.sum())}",
            "Name the controls in the protocol" if use_controls else "Give more rows",
        )
    return rows, rows if use_controls else none


def group_codes(meta: pd.DataFrame, by: str | Sequence[str], step: str) -> tuple[Array, list[Any]]:
    """Return the number of the group of each row, ``(n,)``, -1 where a label is missing, and the label of each number.

    Raises
    ------
    ProfileError
        If there is no such column.
    """
    import difflib

    import pandas as pd

    columns = [by] if isinstance(by, str) else list(by)
    known = [str(name) for name in meta.columns]
    for name in columns:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Columns are {', '.join(known[:12])}"
            raise ProfileError(step, f"there is no column {name!r}", hint)
    codes, labels = pd.factorize(meta[columns[0]], use_na_sentinel=True)
    result = np.asarray(codes, dtype=np.int64)
    names: list[Any] = list(labels)
    for name in columns[1:]:
        further, more = pd.factorize(meta[name], use_na_sentinel=True)
        missing = (result < 0) | (further < 0)
        pairs = result * max(1, len(more)) + further
        pairs[missing] = -1
        kept, result = np.unique(pairs, return_inverse=True)
        if missing.any():
            result, kept = result - 1, kept[1:]
        names = [(names[pair // len(more)], more[pair % len(more)]) for pair in kept]
        names = [(*one[0], one[1]) if isinstance(one[0], tuple) else one for one in names]
    return result, names


def require_finite(values: Array, names_of: str) -> None:
    """Refuse values that are not finite.

    Raises
    ------
    ProfileError
        If there is one, with the count.
    """
    bad = ~np.isfinite(values)
    if bad.any():
        columns = int(bad.any(axis=0).sum())
        raise ProfileError(
            names_of,
            f"{int(bad.sum()):,} values in {columns:,} of {values.shape[1]:,} features are NaN or infinite",
            "Put drop_features or impute before it",
        )
