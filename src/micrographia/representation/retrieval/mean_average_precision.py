"""Mean average precision of groups of queries, with p-values against labels permuted where they were assigned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.average_precision import precision_of, query_table
from micrographia.representation.retrieval.kernels.sampling import sample_ranks
from micrographia.representation.retrieval.keys import Columns, column, joined, names_of
from micrographia.representation.retrieval.null import Null, permuted_means
from micrographia.representation.retrieval.pairing import pairing
from micrographia.representation.retrieval.similarity import Distance, space
from micrographia.statistics import benjamini_hochberg, permutation_p
from micrographia.work import cores

Array = npt.NDArray[Any]


def mean_average_precision(
    values: npt.ArrayLike,
    meta: pd.DataFrame,
    *,
    pos_sameby: Columns,
    pos_diffby: Columns = (),
    neg_sameby: Columns = (),
    neg_diffby: Columns = (),
    group_by: Columns = None,
    permute: str | None = None,
    assigned_to: Columns = None,
    within: Columns = None,
    null: Literal["permutation", "ranks"] | None = "permutation",
    n_permutations: int = 1000,
    least: int = 20,
    seed: int = 0,
    distance: Distance = "cosine",
    workers: int | None = None,
) -> pd.DataFrame:
    """Return the mean average precision of each group of queries, its exact chance, and p.

    Permutation null: the labels in column ``permute`` are dealt out anew to whole units, and everything is computed
    again with the positives and negatives that follow. A mechanism is assigned to compounds: permute it between
    compounds, not between wells, or replicates of one compound pass for evidence. If the different assignments are no
    more than ``n_permutations``, each is taken once and ``p = # / N``; otherwise they are drawn and ``p = (1 + #) /
    (1 + N)`` (Phipson & Smyth, Stat Appl Genet Mol Biol 9(1), 2010). # counts the assignments that score at least as
    much.

    Rank null: positives at random places of each query, independently (:func:`random_average_precision`). It is fast
    for any number of rows, but queries of one group share candidates and resemble each other whatever their label,
    so its p-values are too small unless rows are independent. For screening, not for claims.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    meta
        Metadata, ``n`` rows in the same order.
    pos_sameby, pos_diffby, neg_sameby, neg_diffby
        As for :func:`average_precision`.
    group_by
        Columns whose combinations are groups of queries; one group of all by default.
    permute
        The column of the label; it must be among ``pos_sameby``, and be that of ``group_by`` or not among them. If
        ``pos_sameby`` is one column, that is taken.
    assigned_to
        Columns whose combinations are the units to which the label was assigned; each row is one by default.
    within
        Columns whose combinations are blocks in which labels were assigned: they stay in their block.
    null
        ``permutation``, ``ranks`` or None.
    n_permutations
        Assignments or draws.
    least
        With fewer different assignments there is no p, and ``reason`` says so.
    seed
        The same seed gives the same p, whatever the number of workers.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.
    workers
        Threads.

    Returns
    -------
    A row per group: its columns, ``map``, ``chance`` (exact mean of its queries' chance), ``null_mean``, ``p``, ``q``
    (p adjusted over groups: Benjamini & Hochberg 1995), ``n_rows``, ``n_evaluable``, ``n_units``, ``n_permutations``,
    ``exact`` (all assignments taken) and ``reason``. ``map`` is NaN if no query of the group can be evaluated.

    Raises
    ------
    ProfileError
        If the label varies within a unit or decides something else than who is positive, a unit lies in several
        blocks, or what :func:`average_precision` raises.
    """
    compared = space(values, distance)
    pairs = pairing(
        meta,
        compared.usable,
        pos_sameby=pos_sameby,
        pos_diffby=pos_diffby,
        neg_sameby=neg_sameby,
        neg_diffby=neg_diffby,
    )
    if null not in (None, "permutation", "ranks"):
        raise ProfileError("", f"there is no null {null!r}", 'Take "permutation", "ranks" or None')
    if n_permutations < 1:
        raise ProfileError("", f"n_permutations is {n_permutations}", "Ask for at least one")
    rows = np.arange(compared.n, dtype=np.int64)
    queries = query_table(
        pairs, rows, {"average_precision": precision_of(compared, pairs, rows, workers=workers)}
    )
    held = _grouped(meta, names_of(group_by))
    summary = _summary(queries, held)
    if null == "ranks":
        drawn = _rank_means(queries, held, n_permutations, seed, workers)
        found = Null(summary["map"].to_numpy(), drawn, False, int((queries["reason"] == "").sum()))
    elif null == "permutation":
        found = permuted_means(
            compared,
            meta,
            pos_sameby=names_of(pos_sameby),
            pos_diffby=names_of(pos_diffby),
            neg_sameby=names_of(neg_sameby),
            neg_diffby=names_of(neg_diffby),
            group_by=names_of(group_by),
            group_codes=held.codes,
            permute=_label(permute, names_of(pos_sameby)),
            assigned_to=names_of(assigned_to),
            within=names_of(within),
            n=n_permutations,
            least=least,
            seed=seed,
            workers=workers,
        )
    else:
        return summary
    return _with_p(summary, found)


@dataclass(frozen=True, eq=False)
class _Groups:
    codes: Array
    columns: dict[str, list[Any]]


def _label(permute: str | None, same: list[str]) -> str:
    if permute is None and len(same) == 1:
        return same[0]
    if permute is None or permute not in same:
        raise ProfileError(
            "",
            f"the label to permute is {permute!r}, and positives are the same in {', '.join(same)}",
            "Name one of these columns as permute",
        )
    return permute


def _grouped(meta: pd.DataFrame, names: list[str]) -> _Groups:
    codes = joined(meta, names)
    _, first = np.unique(codes[codes >= 0], return_index=True)
    rows = np.flatnonzero(codes >= 0)[first]
    columns = {name: column(meta, name)[rows].tolist() for name in names}
    return _Groups(codes, columns)


def _summary(queries: pd.DataFrame, held: _Groups) -> pd.DataFrame:
    count = int(held.codes.max(initial=-1)) + 1
    known = held.codes >= 0
    scored = known & queries["average_precision"].notna().to_numpy()
    sizes = np.bincount(held.codes[known], minlength=count)
    evaluable = np.bincount(held.codes[scored], minlength=count)
    means = {}
    for name, title in (("average_precision", "map"), ("chance", "chance")):
        total = np.bincount(held.codes[scored], queries[name].to_numpy()[scored], minlength=count)
        means[title] = np.where(evaluable > 0, total / np.maximum(evaluable, 1), np.nan)
    reasons = [""] * count
    for group in np.flatnonzero(evaluable == 0).tolist():
        said = queries["reason"].to_numpy()[held.codes == group]
        reasons[group] = str(pd.Series(said).mode().iloc[0]) if len(said) else "no rows"
    return pd.DataFrame(
        {**held.columns, **means, "n_rows": sizes, "n_evaluable": evaluable, "reason": reasons}
    )


def _rank_means(queries: pd.DataFrame, held: _Groups, n: int, seed: int, workers: int | None) -> Array:
    """Return means over each group of independent draws of its queries, ``(n, groups)``."""
    scored = np.flatnonzero((held.codes >= 0) & queries["average_precision"].notna().to_numpy())
    positive, total = queries["n_positive"].to_numpy(), queries["n_total"].to_numpy()
    count = int(held.codes.max(initial=-1)) + 1
    means = np.full((n, count), np.nan)
    by_group = np.split(
        scored[np.argsort(held.codes[scored], kind="stable")],
        np.cumsum(np.bincount(held.codes[scored], minlength=count))[:-1],
    )

    def draw(group: int) -> None:
        sums, drawn = np.zeros(n), np.empty(n)
        for row in by_group[group].tolist():
            sample_ranks(int(positive[row]), int(total[row]), np.uint64(seed % 2**64), row * n, drawn)
            sums += drawn
        if len(by_group[group]):
            means[:, group] = sums / len(by_group[group])

    with ThreadPoolExecutor(max(1, workers or cores())) as pool:
        list(pool.map(draw, range(count)))
    return means


def _with_p(summary: pd.DataFrame, found: Null) -> pd.DataFrame:
    p = np.full(len(summary), np.nan)
    mean = np.full(len(summary), np.nan)
    if len(found.drawn) and len(summary):
        p = permutation_p(found.observed, found.drawn, exact=found.exact)
        p = np.where(summary["map"].isna(), np.nan, p)
        defined = np.isfinite(found.drawn)
        totals = np.where(defined, found.drawn, 0.0).sum(axis=0)
        mean = np.where(defined.any(axis=0), totals / np.maximum(defined.sum(axis=0), 1), np.nan)
    reason = summary["reason"].where(summary["reason"] != "", found.reason)
    chosen = ["map", "chance", "n_rows", "n_evaluable", "reason"]
    return pd.DataFrame(
        {
            **{name: summary[name] for name in summary.columns if name not in chosen},
            "map": summary["map"],
            "chance": summary["chance"],
            "null_mean": mean,
            "p": p,
            "q": benjamini_hochberg(p),
            "n_rows": summary["n_rows"],
            "n_evaluable": summary["n_evaluable"],
            "n_units": found.n_units,
            "n_permutations": len(found.drawn),
            "exact": found.exact,
            "reason": reason,
        }
    )
