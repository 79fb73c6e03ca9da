"""Where there are labels: whether the order without them was right, and what trusting it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics import RankCorrelation, kendall_tau, permutation_p, pooled_kendall_tau, regret

Array = npt.NDArray[Any]
Entry = Mapping[str, Any]

LISTED = 8
"""Up to so many models all orders are enumerated for the p of Spearman's correlation (40,320 for 8)."""
DRAWS = 20_000
TRUE = "f1"
"""The true score that an order is held against: F1 at IoU 0.5, mean over images."""


def check(entries: Sequence[Entry], *, seed: int = 0) -> dict[str, Any] | None:
    """Hold an order against labels.

    Parameters
    ----------
    entries
        The models, as :func:`~micrographia.segmentation.ranking.ordering.order` tells them.
    seed
        Of drawn orders.

    Returns
    -------
    ``tau``, ``spearman`` and their p (one-sided: agreement) over ranked models; ``regret``, of the model in the first
    place against the best of all, ranked or not; ``regret_random``, that of a model drawn blindly; ``by_measure`` and
    ``by_kind``, tau of other measures of agreement and of single kinds of perturbation; ``consensus`` and
    ``regret_consensus``, the same of an order by agreement with the other models. None without labels.
    """
    known = [one for one in entries if one["true"] is not None]
    if not known:
        return None
    ranked = [one for one in known if one["status"] == "ranked" and not math.isnan(one["score"])]
    scores, true = _column(ranked, "score"), np.array([one["true"][TRUE] for one in ranked], np.float64)
    every = np.array([one["true"][TRUE] for one in known], np.float64)
    # What is not ranked is never taken.
    trusted = np.array([one["score"] if one in ranked else -1.0 for one in known], np.float64)
    tau = kendall_tau(scores, true, seed=seed)
    rho, rho_p = spearman(scores, true, seed=seed)
    best = known[int(np.argmax(every))]["key"]
    left = [one for one in known if one not in ranked]
    return {
        **_told(tau),
        "spearman": rho,
        "spearman_p": rho_p,
        "true_score": TRUE,
        "best": best,
        "taken": ranked[int(np.argmax(scores))]["key"] if ranked else None,
        "regret": regret(every, trusted) if ranked else math.nan,
        "regret_random": float(every.max() - every.mean()),
        "regret_consensus": _regret_consensus(known, every),
        "best_left_out": max((one["true"][TRUE] for one in left), default=math.nan),
        "consensus": kendall_tau([one["consensus"] for one in ranked], true, seed=seed).tau,
        "by_measure": {
            name: kendall_tau([one["by_measure"][name] for one in ranked], true, seed=seed).tau
            for name in (ranked[0]["by_measure"] if ranked else ())
        },
        "by_kind": {
            name: kendall_tau([one["by_kind"][name] for one in ranked], true, seed=seed).tau
            for name in (ranked[0]["by_kind"] if ranked else ())
        },
    }


def check_all(held: Sequence[Sequence[Entry]], *, seed: int = 0) -> dict[str, Any] | None:
    """Hold the orders on several datasets against labels, pooled: with few models one dataset decides nothing.

    Returns
    -------
    ``tau`` with its exact p over all datasets, and mean ``regret`` and ``regret_random``. None with labels for fewer
    than two datasets.
    """
    checked = [found for one in held if (found := check(one, seed=seed)) is not None]
    if len(checked) < 2:
        return None
    pairs = []
    for one in held:
        ranked = [
            entry
            for entry in one
            if entry["status"] == "ranked" and entry["true"] is not None and not math.isnan(entry["score"])
        ]
        if len(ranked) > 1:
            pairs.append((_column(ranked, "score"), np.array([entry["true"][TRUE] for entry in ranked])))
    tau = pooled_kendall_tau(pairs, seed=seed)
    return {
        **_told(tau),
        "n_datasets": len(checked),
        "regret": _mean([one["regret"] for one in checked]),
        "regret_worst": max(
            (one["regret"] for one in checked if not math.isnan(one["regret"])), default=math.nan
        ),
        "regret_random": float(np.mean([one["regret_random"] for one in checked])),
        "regret_consensus": _mean([one["regret_consensus"] for one in checked]),
    }


def spearman(x: npt.ArrayLike, y: npt.ArrayLike, *, seed: int = 0) -> tuple[float, float]:
    """Return Spearman's rank correlation and its one-sided permutation p.

    Pearson's correlation of mid-ranks (Spearman 1904). All orders are enumerated up to 8 models, else 20,000 drawn.

    Parameters
    ----------
    x, y
        Scores of the models ``(m,)``, finite.
    seed
        Of drawn orders.

    Returns
    -------
    Correlation and p; both NaN with fewer than 2 models or where all scores are equal.
    """
    from scipy.stats import rankdata

    first, second = (rankdata(np.asarray(held, np.float64)) for held in (x, y))
    if len(first) != len(second):
        raise ValueError(f"{len(first)} scores and {len(second)}")
    m = len(first)
    if m < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan, math.nan
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    exact = m <= LISTED
    orders = (
        np.array(list(permutations(range(m))))
        if exact
        else np.random.default_rng(seed).permuted(np.tile(np.arange(m), (DRAWS, 1)), axis=1)
    )
    rho = float(first @ second) / scale
    return rho, float(permutation_p(rho, second[orders] @ first / scale, exact=exact))


def sentences(found: Mapping[str, Any], n_models: int) -> list[str]:
    """Say in sentences what labels tell of an order."""
    told = []
    if math.isnan(found["tau"]):
        told.append(f"Labels cannot judge the order: {found['reason']}.")
    else:
        verdict = (
            "agrees with the true one" if found["p"] <= 0.05 else "is not shown to agree with the true one"
        )
        told.append(
            f"The order {verdict}: Kendall's tau {found['tau']:.2f}, p {found['p']:.3g} ({found['method']}), "
            f"Spearman's rho {found['spearman']:.2f}."
        )
        if found["smallest_p"] > 0.05:
            told.append(
                f"With {n_models} models no p below {found['smallest_p']:.3g} is possible: rank more models, "
                "or on more datasets."
            )
    if not math.isnan(found["regret"]):
        told.append(
            f"Taking {found['taken']} costs {found['regret']:.3f} of F1 against the best ({found['best']}); a model "
            f"drawn blindly costs {found['regret_random']:.3f} on average."
        )
    return told


def _regret_consensus(known: Sequence[Entry], true: Array) -> float:
    said = _column(known, "consensus")
    if np.isnan(said).all():
        return math.nan
    return regret(true, np.where(np.isnan(said), -1.0, said))


def _told(tau: RankCorrelation) -> dict[str, Any]:
    return {
        "tau": tau.tau,
        "p": tau.p,
        "smallest_p": tau.smallest_p,
        "method": tau.method,
        "n_models": tau.n,
        "reason": tau.reason,
    }


def _mean(values: Sequence[float]) -> float:
    held = [value for value in values if not math.isnan(value)]
    return float(np.mean(held)) if held else math.nan


def _column(entries: Sequence[Entry], name: str) -> Array:
    return np.array([one[name] for one in entries], np.float64)
