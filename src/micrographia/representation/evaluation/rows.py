"""The rows that are scored: what is left out, what only fits transforms, and what becomes one row by aggregation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError, ProtocolError
from micrographia.protocols import Protocol
from micrographia.representation.preprocessing import pipeline
from micrographia.representation.profiles import Profiles

Array = npt.NDArray[Any]
MOST_MISSING = 0.5
"""Share of the rows in which a feature may be missing."""
SEVERAL = " + "
"""Between the values of a column that differ among the rows that became one."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a study as a protocol wants them.

    Attributes
    ----------
    n_all
        Number of rows of the study.
    used
        Numbers of the rows that are not left out.
    control
        Which of them only fit transforms ``(len(used),)``; a control that is used to fit is never scored.
    groups
        For each scored row the numbers (among ``used``) of the rows that it was made from.
    meta
        Metadata of the scored rows ``(m, ...)``; values that differ within a row's group are joined by ``" + "``.
    all_meta
        Metadata of the used rows.
    statistic
        How rows become one; empty if they stay as they are.
    """

    n_all: int
    used: npt.NDArray[np.intp]
    control: npt.NDArray[np.bool_]
    groups: tuple[npt.NDArray[np.intp], ...]
    meta: pd.DataFrame
    all_meta: pd.DataFrame
    statistic: str

    @property
    def n(self) -> int:
        """Number of scored rows."""
        return len(self.groups)

    def column(self, name: str) -> npt.NDArray[np.object_]:
        """Return a column of the scored rows; missing values are None, several values one text.

        Raises
        ------
        ProfileError
            If there is no such column.
        """
        return Profiles(np.empty((self.n, 0)), self.meta, (), "the study").column(name)

    def sets(self, name: str) -> list[frozenset[Any]]:
        """Return all values of a column that each scored row was made from; missing ones are left out."""
        values = Profiles(np.empty((len(self.used), 0)), self.all_meta, (), "the study").column(name)
        return [frozenset(value for value in values[group] if value is not None) for group in self.groups]

    def subset(self, kept: npt.NDArray[np.bool_]) -> Rows:
        """Return some of the scored rows ``(m,)``, for features that are prepared already."""
        groups = tuple(group for group, keep in zip(self.groups, kept, strict=True) if keep)
        return replace(self, groups=groups, meta=self.meta[kept].reset_index(drop=True))

    def prepare(self, profiles: Profiles, steps: Sequence[Any]) -> tuple[Profiles, list[str]]:
        """Return the features of the scored rows after the steps of a transform, and what was odd about them.

        Steps are fitted on the controls if there are any, else on all rows that are used, without their labels.

        Raises
        ------
        ProfileError
            If the profiles have another number of rows, or nothing usable is left of them.
        """
        if profiles.n != self.n_all:
            raise ProfileError(
                profiles.name,
                f"has {profiles.n:,} rows, the study {self.n_all:,}",
                "Give a row each, in order",
            )
        values, said = _finite(profiles.take(self.used))
        if steps:
            done = pipeline(list(steps)).apply(values, controls=self.control if self.control.any() else None)
            said += [f"{profiles.name}: {reason}" for reason in done.reasons]
            values, more = _finite(done.profiles)
            said += more
        if not self.statistic:
            return values.take(np.concatenate(self.groups)), said
        reduce = np.median if self.statistic == "median" else np.mean
        made = np.stack([reduce(values.values[group], axis=0) for group in self.groups])
        return Profiles(made, self.meta, values.names, values.name, values.source), said


def choose(meta: pd.DataFrame, protocol: Protocol) -> Rows:
    """Return the rows that a protocol scores.

    Raises
    ------
    ProtocolError
        If it names a column that there is not, or leaves nothing to score.
    """
    left_out = _where(meta, protocol.leave_out, protocol, "leave_out")
    used = np.flatnonzero(~left_out)
    own = meta.iloc[used].reset_index(drop=True)
    control = _where(own, protocol.controls, protocol, "controls")
    scored = np.flatnonzero(~control)
    if not len(scored):
        raise ProtocolError(
            protocol.name, "leaves no row to score", "Look at its keys leave_out and controls"
        )
    if protocol.aggregate is None:
        groups = tuple(np.array([row]) for row in scored)
        return Rows(len(meta), used, control, groups, own.iloc[scored].reset_index(drop=True), own, "")
    by = protocol.aggregate.by
    _known(own, by, protocol, "aggregate")
    found = own.iloc[scored].groupby(by, sort=True, dropna=False).indices
    groups = tuple(scored[place] for place in found.values())
    joined = pd.DataFrame({name: [_one(own[name].iloc[group]) for group in groups] for name in own.columns})
    return Rows(len(meta), used, control, groups, joined, own, protocol.aggregate.statistic)


def _one(values: pd.Series[Any]) -> Any:
    held = values.dropna().unique()
    if len(held) == 1:
        return held[0]
    return SEVERAL.join(sorted(map(str, held))) if len(held) else None


def _where(
    meta: pd.DataFrame, values: dict[str, list[str]], protocol: Protocol, key: str
) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(len(meta), dtype=bool)
    _known(meta, list(values), protocol, key)
    for name, wanted in values.items():
        chosen |= meta[name].astype("string").isin(wanted).to_numpy(dtype=bool, na_value=False)
    return chosen


def _known(meta: pd.DataFrame, names: Sequence[str], protocol: Protocol, key: str) -> None:
    for name in names:
        if name not in meta.columns:
            columns = ", ".join(map(str, meta.columns[:20]))
            raise ProtocolError(
                protocol.name,
                f"names a column {name!r} under {key} that the data lack",
                f"They have {columns}",
            )


def _finite(profiles: Profiles) -> tuple[Profiles, list[str]]:
    """Fill single missing numbers with the median of their feature; leave out features of which more is missing.

    A missing number has no distance to anything, and a baseline must be scored on the same rows as a candidate.
    """
    known = np.isfinite(profiles.values)
    if known.all():
        return profiles, []
    share = 1 - known.mean(axis=0)
    usable = share <= MOST_MISSING
    if not usable.any():
        raise ProfileError(
            profiles.name,
            f"has no feature that is a finite number in {1 - MOST_MISSING:.0%} of the rows",
            "Leave out the rows that could not be measured, or fill them in",
        )
    said = []
    lost, filled = int((~usable).sum()), int((share[usable] > 0).sum())
    if lost:
        said.append(
            f"{profiles.name}: {lost:,} of {profiles.d:,} features are missing too often and are left out."
        )
    held = profiles.select(usable)
    if filled:
        values = np.where(known[:, usable], held.values, np.nan)
        held = held.with_values(np.where(np.isnan(values), np.nanmedian(values, axis=0), values))
        rows = int((~known[:, usable]).any(axis=1).sum())
        said.append(
            f"{profiles.name}: in {rows:,} rows single numbers are missing; the median of the feature stands for them."
        )
    return held, said
