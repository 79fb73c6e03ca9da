"""Many rows become one: replicates become a treatment, cells a well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing.scaling import _median
from micrographia.representation.preprocessing.step import Array, Mask, group_codes
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

JOINED = " | "
"""What stands between the labels of a column that differ within a group."""
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Aggregate:
    """The mean or median of the rows of each group, groups in the order of their first row.

    A row without one of the labels belongs to no group and is left out, which is counted. NaN values are ignored. A
    column of metadata that has one value in a group keeps it; numbers with a fraction become their mean; other labels
    that differ are joined, sorted (``Plate1 | Plate2``). The column ``n_rows`` counts the rows.

    Parameters
    ----------
    by
        Column or columns that name a group.
    statistic
        ``median`` or ``mean``.
    """

    name: ClassVar[str] = "aggregate"
    by: str | Sequence[str]
    statistic: Literal["mean", "median"] = "median"

    def __post_init__(self) -> None:
        """Check the options.

        Raises
        ------
        ProfileError
            If there is no column, or no such statistic.
        """
        if not self.by:
            raise ProfileError(self.name, "needs a column", "Say by which labels")
        if self.statistic not in ("mean", "median"):
            raise ProfileError(self.name, f"there is no statistic {self.statistic!r}", "Say median or mean")

    def described(self) -> str:
        """Return the name with the options."""
        columns = [self.by] if isinstance(self.by, str) else list(self.by)
        return f"{self.name}(by={columns!r}, statistic={self.statistic!r})"

    def groups(self, meta: pd.DataFrame) -> Array:
        """Return for each row the number of the row that it becomes part of, ``(n,)``; -1 for none."""
        codes, _ = group_codes(meta, self.by, self.name)
        known = codes[codes >= 0]
        _, first, inverse = np.unique(known, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        result = np.full(len(codes), -1, dtype=np.int64)
        result[codes >= 0] = rank[inverse]
        return result

    def apply(self, profiles: Profiles) -> Profiles:
        """Aggregate profiles.

        Raises
        ------
        ProfileError
            If there is no such column, or no row has all labels.
        """
        codes = self.groups(profiles.meta)
        count = int(codes.max(initial=-1)) + 1
        if not count:
            raise ProfileError(
                profiles.name, f"no row has a label by {self.by}", "Aggregate by other columns"
            )
        values = self._values(profiles.values, codes, count)
        meta = self._meta(profiles.meta, codes, count)
        left = int((codes < 0).sum())
        source = {**profiles.source, "steps": [*profiles.source.get("steps", ()), self.described()]}
        if left:
            told = f"{left:,} rows without a label by {self.by} are in no group and were left out"
            source["reasons"] = [*profiles.source.get("reasons", ()), told]
        return Profiles(values, meta, profiles.names, profiles.name, source)

    def mask(self, meta: pd.DataFrame, mask: Mask, *, every: bool = False) -> Mask:
        """Return which groups have a row in the mask, or all of their rows, ``(groups,)``."""
        codes = self.groups(meta)
        count = int(codes.max(initial=-1)) + 1
        inside = np.bincount(codes[(codes >= 0) & mask], minlength=count)
        return inside == np.bincount(codes[codes >= 0], minlength=count) if every else inside > 0

    def _values(self, values: Array, codes: Array, count: int) -> Array:
        """Return the middle of each group; groups of one size are reduced together, block by block."""
        order = np.argsort(codes, kind="stable")[int((codes < 0).sum()) :]
        sizes = np.bincount(codes[order], minlength=count)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        reduced = np.empty((count, values.shape[1]), dtype=values.dtype)
        for size in np.unique(sizes):
            groups = np.flatnonzero(sizes == size)
            step = max(1, _BLOCK // max(1, int(size) * values.shape[1]))
            for at in range(0, len(groups), step):
                some = groups[at : at + step]
                held = values[order[starts[some][:, None] + np.arange(size)]]
                reduced[some] = held[:, 0] if size == 1 else self._middle(held)
        return reduced

    def _middle(self, held: Array) -> Array:
        """Return the middle of the rows of groups, (groups, rows, d) to (groups, d); NaN is ignored."""
        missing = np.isnan(held)
        if self.statistic == "median":
            with np.errstate(invalid="ignore"):  # between two infinities there is no middle
                middle = np.median(held, axis=1)
            for group in np.flatnonzero(missing.any(axis=(1, 2))):
                middle[group] = _median(held[group])
            return np.asarray(middle)
        present = (~missing).sum(axis=1)
        total = np.where(missing, 0, held).sum(axis=1, dtype=np.float64)
        return np.where(present > 0, total / np.maximum(present, 1), np.nan)

    def _meta(self, meta: pd.DataFrame, codes: Array, count: int) -> pd.DataFrame:
        import pandas as pd

        inside = codes >= 0
        groups = codes[inside]
        columns: dict[str, Any] = {}
        for name, series in meta.items():
            held = series[inside]
            by_group = held.groupby(groups, sort=True)
            distinct = by_group.nunique(dropna=True)
            if pd.api.types.is_float_dtype(held.dtype) and (distinct > 1).any():
                columns[str(name)] = by_group.mean().to_numpy()
                continue
            first = by_group.first()
            if (distinct > 1).any():
                first = first.astype(object)
                among = np.isin(groups, distinct.index[distinct > 1]) & held.notna().to_numpy()
                pairs = pd.DataFrame({"group": groups[among], "label": held[among].astype(str).to_numpy()})
                pairs = pairs.drop_duplicates().sort_values(["group", "label"])
                joined = pairs.groupby("group")["label"].agg(JOINED.join)
                first[joined.index] = joined.to_numpy(dtype=object)
            columns[str(name)] = first.to_numpy() if first.dtype == object else first.array
        columns["n_rows"] = np.bincount(groups, minlength=count)
        return pd.DataFrame(columns)
