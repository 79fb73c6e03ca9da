"""Whether the order of candidates survives another metric, probe, regularisation or transform."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

from micrographia.representation.batch.inputs import Array


@dataclass(frozen=True, eq=False)
class RankStability:
    """How far the settings of an evaluation agree on the order of its candidates.

    Attributes
    ----------
    settings, candidates
        Names, in the order of the table.
    tau
        Kendall's tau-b between the orders of each two settings ``(s, s)``; NaN where fewer than two candidates have a
        score in both, or all of them tie in one.
    regret
        ``[a, b]``: the score lost in setting ``b`` by taking the candidate that is best in ``a``, in units of the score
        of ``b`` ``(s, s)``; of several best ones the mean.
    orders
        The candidates of each setting, best first; those without a score are left out.
    wins
        Number of settings in which a candidate is first, alone or not.
    mean_tau
        Mean over pairs of settings; NaN if there is no pair.
    by_factor
        Mean tau over the pairs of settings that differ in one factor only, by the name of the factor: the lowest is
        the choice that changes the order most.
    smallest_p
        The smallest one-sided p that a rank correlation of so many candidates can have: 1 over the number of orders.
    reason
        Which settings have no order, and why; empty otherwise.
    """

    settings: tuple[str, ...]
    candidates: tuple[str, ...]
    tau: Array
    regret: Array
    orders: tuple[tuple[str, ...], ...]
    wins: Mapping[str, int]
    mean_tau: float
    by_factor: Mapping[str, float] = field(default_factory=dict)
    smallest_p: float = float("nan")
    reason: str = ""

    def sentence(self) -> str:
        """Return what was found, in plain words."""
        if not np.isfinite(self.mean_tau):
            return self.reason or "No two settings can be compared."
        best = max(self.wins.values())
        first = [name for name, count in self.wins.items() if count == best]
        verb = "is" if len(first) == 1 else "are"
        text = f"{' and '.join(first)} {verb} first in {best} of {len(self.settings)} settings"
        text += f"; mean Kendall tau between their orders {self.mean_tau:.2f}."
        if self.by_factor:
            name, tau = min(self.by_factor.items(), key=lambda item: item[1])
            text += f" The order changes most with the {name} (tau {tau:.2f})."
        return text

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as lists, None where they are undefined."""
        return {
            "settings": list(self.settings),
            "candidates": list(self.candidates),
            "tau": _listed(self.tau),
            "regret": _listed(self.regret),
            "orders": [list(order) for order in self.orders],
            "wins": dict(self.wins),
            "mean_tau": _number(self.mean_tau),
            "by_factor": {name: _number(tau) for name, tau in self.by_factor.items()},
            "smallest_p": _number(self.smallest_p),
            "sentence": self.sentence(),
            "reason": self.reason,
        }


def rank_stability(
    table: pd.DataFrame | Mapping[str, Mapping[str, float]], *, lower_is_better: Collection[str] = ()
) -> RankStability:
    """Compare the orders of candidates between settings.

    Parameters
    ----------
    table
        Scores: a row a setting, a column a candidate; NaN where a candidate has none. Levels of a MultiIndex are
        factors (metric, probe, regularisation, transform). Or setting to candidate to score.
    lower_is_better
        Settings in which a lower score is better, as they are named in ``settings``.

    Returns
    -------
    RankStability

    Raises
    ------
    ValueError
        If the table is empty, a setting or candidate occurs twice, or a setting to turn round is unknown.

    References
    ----------
    M. G. Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945), 239 (tau-b).
    """
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame.from_dict(dict(table), orient="index")
    if frame.empty:
        raise ValueError("the table has no scores")
    if not frame.index.is_unique or not frame.columns.is_unique:
        raise ValueError("a setting or a candidate occurs twice")
    settings = tuple(_name(one, frame.index.names) for one in frame.index)
    unknown = set(lower_is_better) - set(settings)
    if unknown:
        raise ValueError(f"there is no setting {min(unknown)!r}")
    scores = frame.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    scores[np.isinf(scores)] = np.nan
    scores[[name in lower_is_better for name in settings]] *= -1
    candidates = tuple(str(name) for name in frame.columns)
    tau = tau_b(scores)
    lost = _regret(scores)
    orders = []
    wins = dict.fromkeys(candidates, 0)
    for row in scores:
        there = np.flatnonzero(np.isfinite(row))
        orders.append(tuple(candidates[at] for at in there[np.argsort(-row[there], kind="stable")]))
        for at in there[row[there] == row[there].max(initial=-np.inf)]:
            wins[candidates[at]] += 1
    disordered = [name for at, name in enumerate(settings) if not np.isfinite(tau[at, at])]
    reason = ""
    if disordered:
        reason = (
            f"{len(disordered)} of {len(settings)} settings have no order (fewer than two different scores): "
        )
        reason += ", ".join(disordered[:5]) + (", ..." if len(disordered) > 5 else "")
    above = tau[np.triu_indices(len(settings), 1)]
    return RankStability(
        settings,
        candidates,
        tau,
        lost,
        tuple(orders),
        wins,
        _mean(above),
        _by_factor(frame.index, tau),
        1.0 / factorial(min(len(candidates), 170)),
        reason,
    )


def tau_b(scores: Array) -> Array:
    """Return Kendall's tau-b between the rows of ``(s, m)``, over the columns that both have; NaN where undefined."""
    i, j = np.triu_indices(scores.shape[1], 1)
    gaps = scores[:, i] - scores[:, j]
    there = np.isfinite(gaps).astype(np.float64)
    signs = np.sign(np.where(there > 0, gaps, 0.0))
    untied = (signs**2) @ there.T
    scale = np.sqrt(untied * untied.T)
    return np.divide(signs @ signs.T, scale, out=np.full(scale.shape, np.nan), where=scale > 0)


def _regret(scores: Array) -> Array:
    """Return what is lost in each setting (column) by trusting each other one (row)."""
    s = len(scores)
    result = np.full((s, s), np.nan)
    for a in range(s):
        for b in range(s):
            both = np.isfinite(scores[a]) & np.isfinite(scores[b])
            if both.any():
                said, true = scores[a, both], scores[b, both]
                result[a, b] = true.max() - true[said == said.max()].mean()
    return result


def _by_factor(index: pd.Index[Any], tau: Array) -> dict[str, float]:
    """Return the mean tau over pairs of settings that differ in one level of the index only."""
    if not isinstance(index, pd.MultiIndex):
        return {}
    codes = np.stack([np.asarray(part) for part in index.codes], axis=1)
    differ = codes[:, None, :] != codes[None, :, :]
    once = np.triu(differ.sum(axis=2) == 1, 1)
    result = {}
    for at, name in enumerate(index.names):
        pairs = once & differ[:, :, at]
        if pairs.any():
            result[f"factor {at + 1}" if name is None else str(name)] = _mean(tau[pairs])
    return result


def _name(key: Any, names: Any) -> str:
    if not isinstance(key, tuple):
        return str(key)
    return ", ".join(
        str(part) if name is None else f"{name} {part}" for name, part in zip(names, key, strict=True)
    )


def _mean(values: Array) -> float:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _listed(table: Array) -> list[list[float | None]]:
    return [[_number(value) for value in row] for row in table]
