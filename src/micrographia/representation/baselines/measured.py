"""What was measured of each image, and the table that it becomes; a missing number always has a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Measured:
    """Features of one thing, or of several that share an image.

    Attributes
    ----------
    names
        Names of the ``d`` features.
    values
        ``(d,)`` or ``(n, d)``.
    reasons
        Why some are NaN; empty if none is.
    """

    names: tuple[str, ...]
    values: Array
    reasons: tuple[str, ...] = ()


@dataclass
class Reasons:
    """Why numbers are missing, and in which rows: what ``Profiles.source["undefined"]`` tells."""

    _rows: dict[str, list[str]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, row: str, reasons: Sequence[str]) -> None:
        """Note the reasons of one row."""
        for reason in dict.fromkeys(reasons):
            self._counts[reason] = self._counts.get(reason, 0) + 1
            named = self._rows.setdefault(reason, [])
            if len(named) < 5:
                named.append(row)

    def add_rows(self, rows: Sequence[Any] | Array, reason: str) -> None:
        """Note one reason for many rows, by their numbers."""
        if len(rows):
            self._counts[reason] = self._counts.get(reason, 0) + len(rows)
            named = self._rows.setdefault(reason, [])
            named += [str(row) for row in rows[: 5 - len(named)]]

    def told(self) -> list[dict[str, Any]]:
        """Return each reason with the number of rows and the first five."""
        return [
            {"reason": reason, "rows": count, "first": self._rows[reason]}
            for reason, count in self._counts.items()
        ]


def joined(parts: Sequence[Measured]) -> Measured:
    """Return several measurements of one thing as one."""
    return Measured(
        tuple(name for part in parts for name in part.names),
        np.concatenate([np.asarray(part.values, np.float64) for part in parts], axis=-1)
        if parts
        else np.empty(0),
        tuple(dict.fromkeys(reason for part in parts for reason in part.reasons)),
    )


def tabled(
    rows: Sequence[Measured | str],
    row_names: Sequence[str],
    meta: pd.DataFrame,
    name: str,
    source: Mapping[str, Any],
) -> Profiles:
    """Return one row a measurement; a row that could not be measured is a text, the reason, and all NaN.

    Features that only some rows have are NaN in the others.
    """
    measured = [row for row in rows if isinstance(row, Measured)]
    names = tuple(dict.fromkeys(feature for row in measured for feature in row.names))
    place = {feature: at for at, feature in enumerate(names)}
    values = np.full((len(rows), len(names)), np.nan)
    reasons = Reasons()
    for at, (row, called) in enumerate(zip(rows, row_names, strict=True)):
        if isinstance(row, str):
            reasons.add(called, [row])
            continue
        if row.names == names:
            values[at] = row.values
        else:
            values[at, [place[feature] for feature in row.names]] = row.values
            reasons.add(called, ["features that other rows have are missing"])
        reasons.add(called, row.reasons)
    told = {**source, "undefined": reasons.told()}
    return Profiles(values, meta, names, name, told)


def summarised(values: Array) -> tuple[Array, Array, Array]:
    """Return mean, standard deviation (n - 1) and median of each column; NaN is left out, and given where nothing is.

    Parameters
    ----------
    values
        (n, d) float64; ``n`` may be 0.
    """
    count = np.isfinite(values).sum(axis=0)
    mean = np.full(values.shape[1], np.nan)
    spread, middle = mean.copy(), mean.copy()
    some, several = count > 0, count > 1
    if some.any():
        kept = np.where(np.isfinite(values[:, some]), values[:, some], np.nan)
        mean[some] = np.nanmean(kept, axis=0)
        middle[some] = np.nanmedian(kept, axis=0)
    if several.any():
        kept = np.where(np.isfinite(values[:, several]), values[:, several], np.nan)
        spread[several] = np.nanstd(kept, axis=0, ddof=1)
    return mean, spread, middle
