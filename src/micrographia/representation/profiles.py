"""Profiles: an array of features and a table of metadata, one row per image, well, cell or region of tissue."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Profiles:
    """Features of ``n`` things and what is known about each.

    Attributes
    ----------
    values
        Features ``(n, d)``, float32 or float64, C-contiguous; NaN is missing.
    meta
        Metadata, ``n`` rows counted from 0; column names without the prefix ``Metadata_``.
    names
        The names of the ``d`` features.
    name
        What a report calls them.
    source
        Where they come from: file, checksum, model, seed, the steps that were applied.
    """

    values: Array
    meta: pd.DataFrame
    names: tuple[str, ...]
    name: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the array and the table fit each other.

        Raises
        ------
        ProfileError
            If the numbers of rows or of features differ, or the features are no real numbers.
        """
        values = np.asarray(self.values)
        if values.ndim != 2 or values.dtype.kind not in "fiub":
            raise ProfileError(
                self.name,
                f"has features of shape {values.shape} and type {values.dtype}",
                "Give an (n, d) array",
            )
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        if len(values) != len(self.meta):
            raise ProfileError(
                self.name,
                f"has {len(values):,} rows of features and {len(self.meta):,} of metadata",
                "Give both in the same order, a row each",
            )
        if values.shape[1] != len(self.names):
            raise ProfileError(
                self.name, f"has {values.shape[1]:,} features and {len(self.names):,} names", "Name each once"
            )
        if len(set(self.names)) < len(self.names):
            seen: set[str] = set()
            twice = next(name for name in self.names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise ProfileError(self.name, f"has the feature {twice!r} twice", "Name each once")
        object.__setattr__(self, "values", np.ascontiguousarray(values))
        object.__setattr__(self, "meta", self.meta.reset_index(drop=True))

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def d(self) -> int:
        """Number of features."""
        return int(self.values.shape[1])

    def take(self, rows: npt.ArrayLike) -> Profiles:
        """Return some of the rows, by a boolean mask or by number, in that order."""
        chosen = np.asarray(rows)
        where = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(self, values=self.values[where], meta=self.meta.iloc[where])

    def select(self, columns: npt.ArrayLike) -> Profiles:
        """Return some of the features, by a boolean mask, by number or by name."""
        chosen = np.asarray(columns)
        if chosen.dtype.kind in "UO":
            places = {name: at for at, name in enumerate(self.names)}
            lacking = [str(name) for name in chosen if name not in places]
            if lacking:
                raise ProfileError(
                    self.name, f"has no feature {lacking[0]!r}{_close(lacking[0], self.names)}"
                )
            chosen = np.array([places[name] for name in chosen], dtype=np.intp)
        where = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(self, values=self.values[:, where], names=tuple(self.names[at] for at in where))

    def with_values(self, values: Array, names: Sequence[str] | None = None, *, step: str = "") -> Profiles:
        """Return other features of the same rows; ``step`` is added to what ``source`` says was applied."""
        source = {**self.source, "steps": [*self.source.get("steps", ()), step]} if step else self.source
        return replace(
            self, values=values, names=self.names if names is None else tuple(names), source=source
        )

    def column(self, name: str) -> npt.NDArray[np.object_]:
        """Return a column of the metadata; what is missing is None.

        Raises
        ------
        ProfileError
            If there is no such column.
        """
        if name not in self.meta.columns:
            known = [str(column) for column in self.meta.columns]
            raise ProfileError(
                self.name,
                f"has no column {name!r}{_close(name, known)}",
                f"Columns are {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}",
            )
        held = self.meta[name]
        values = held.astype(object).to_numpy(copy=True)
        values[held.isna().to_numpy()] = None
        return values

    def __len__(self) -> int:
        return self.n


def _close(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""
