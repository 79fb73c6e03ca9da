"""The self-test of metrics: what each would give for embeddings that hold nothing, or only what they should not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import MicrographiaError
from micrographia.representation.batch.inputs import Array, Labels, as_matrix, average, encode, finite_rows
from micrographia.representation.geometry.hollow import HOLLOW, Hollow, Study
from micrographia.representation.geometry.tried_metrics import METRICS, Scored, Trial, TriedMetric
from micrographia.representation.probes.blas import one_blas_thread

FEWEST = 10
"""Rows below which nothing is tried."""
ROWS = 500
"""Rows that the self-test draws from larger studies."""
FEATURES = 256
"""Features of a hollow embedding, if the study's has more."""
MARGIN = 0.05
"""Share of the way from chance to the best score from which on a hollow embedding has fooled a metric."""


LEAK = "No metric can tell: make sure that no feature was made from labels."
BATCHES = "labels and batches are associated here, and rows of one batch are alike"


def self_test(
    values: npt.ArrayLike,
    labels: Labels,
    batch: Labels | None = None,
    *,
    metrics: Sequence[TriedMetric] = METRICS,
    more: Mapping[str, Callable[[Array, Array, Array], float | Scored]] | None = None,
    rows: int = ROWS,
    repeats: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Try metrics on hollow embeddings with the labels and batches of a study.

    Each metric is asked about random numbers, a constant, rows that are all the same, copies irrespective of label, a
    column of NaN, the batch alone, and the labels themselves. A metric is fooled

    - by an embedding of nothing, if it scores more than chance by a twentieth of what is left to the best score, and by
      more than three standard errors of the repeats; a metric of batch mixing, if it calls such an embedding mixed;
    - by the batch alone, in the same way (but similarities are not: what is compared may hold the batch);
    - by leaked labels, if it reaches the best score: no metric of features and labels can help there.

    Parameters
    ----------
    values
        Features of the study ``(n, d)``: they say how many features there are, and what similarities compare with.
    labels
        The biological label of each row, in the order of the file; None or NaN is missing: the row is left out.
    batch
        The batch of each row; None if there are none.
    metrics
        What to try.
    more
        Further metrics by name: ``(values (n, d), labels (n,), batch (n,))``, labels and batches as numbers, to a
        score, or to a score and its chance value. Without the latter chance is what random numbers score.
    rows
        At most so many rows are looked at, drawn at random, in the order of the file.
    repeats
        How often an embedding is drawn.
    seed
        Of all draws.

    Returns
    -------
    list of dict
        A row for each metric and embedding: ``metric``, ``embedding``, ``score`` and ``chance`` (None where the metric
        gives none, which is right for NaN), ``fooled``, ``common`` (computed as others do) and ``text``. Empty for
        fewer than 10 rows or one label.

    Raises
    ------
    ProfileError
        If the shapes do not fit.
    """
    matrix = as_matrix(values)
    n = len(matrix)
    codes, _ = encode(labels, n)
    places = np.zeros(n, dtype=np.int64) if batch is None else encode(batch, n, "batches")[0]
    usable = np.flatnonzero((codes >= 0) & (places >= 0) & finite_rows(matrix))
    if len(usable) > rows:
        usable = np.sort(np.random.default_rng(seed).permutation(usable)[:rows])
    codes, places = (np.unique(one[usable], return_inverse=True)[1] for one in (codes, places))
    if len(np.unique(codes)) < 2 or len(usable) < FEWEST:
        return []
    tried = [*metrics, *(_given(name, function) for name, function in (more or {}).items())]
    candidate = matrix[usable].astype(np.float64)
    report = []
    for number, metric in enumerate(tried):
        if metric.needs_batch and not places.any():
            continue
        scored = {}
        for hollow in HOLLOW:
            if hollow.knows == "batch" and not places.any():
                continue
            random = np.random.default_rng([seed, number])
            width = min(FEATURES, candidate.shape[1])
            with one_blas_thread():
                scored[hollow.name] = [
                    _try(
                        metric,
                        Trial(
                            hollow.make(Study(codes, places, width, random)), codes, places, candidate, random
                        ),
                    )
                    for _ in range(repeats if hollow.drawn else 1)
                ]
        by_random = average(np.array([score for score, _ in scored["random"]]))
        error = _error(
            [[score for score, _ in scored[hollow.name]] for hollow in HOLLOW if hollow.name in scored]
        )
        size = (len(usable), min(FEATURES, candidate.shape[1]))
        report += [
            _row(metric, hollow, np.array(scored[hollow.name]), by_random, error, size)
            for hollow in HOLLOW
            if hollow.name in scored
        ]
    return report


def untrusted(report: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what of a self-test belongs in a report: of each metric that was fooled the worst case.

    Parameters
    ----------
    report
        What :func:`self_test` returned.

    Returns
    -------
    list of dict
        ``metric``, ``embedding``, ``score``, ``chance`` and ``text``: for each metric the embedding of nothing, and
        that of the batch, with the highest score; leaked labels once for all metrics.
    """
    keys = ("metric", "embedding", "score", "chance", "text")
    knows = {hollow.name: hollow.knows for hollow in HOLLOW}
    worst: dict[tuple[str, str], Mapping[str, Any]] = {}
    also: dict[tuple[str, str], list[str]] = {}
    leaks = []
    for row in report:
        if not row["fooled"]:
            continue
        if knows[row["embedding"]] == "labels":
            leaks.append(row)
            continue
        key = (str(row["metric"]), str(knows[row["embedding"]]))
        also.setdefault(key, []).append(row["embedding"])
        if key not in worst or row["score"] > worst[key]["score"]:
            worst[key] = row
    rows = []
    for key, row in worst.items():
        nothing = worst.get((key[0], "nothing"))
        if key[1] == "batch" and nothing is not None and row["score"] <= nothing["score"]:
            continue
        others = [name for name in also[key] if name != row["embedding"]]
        text = f"{row['text']} Also fooled by: {', '.join(others)}." if others else row["text"]
        rows.append({**{name: row[name] for name in keys}, "text": text})
    if leaks:
        rows.append(
            {
                "metric": f"{len(leaks)} of {len({row['metric'] for row in report})} metrics",
                "embedding": "leaked labels",
                "score": max(row["score"] for row in leaks),
                "chance": None,
                "text": f"An embedding {_hollow('leaked labels').text} gets the best score of "
                f"{'; '.join(row['metric'] for row in leaks)}. {LEAK}",
            }
        )
    return rows


def _hollow(name: str) -> Hollow:
    return next(hollow for hollow in HOLLOW if hollow.name == name)


def _given(name: str, function: Callable[[Array, Array, Array], float | Scored]) -> TriedMetric:
    def call(trial: Trial) -> Scored:
        found = function(trial.values, trial.labels, trial.batch)
        return found if isinstance(found, tuple) else (float(found), float("nan"))

    return TriedMetric(name, call)


def _try(metric: TriedMetric, trial: Trial) -> Scored:
    """Return score and chance; a metric that refuses an embedding in words gives no score."""
    try:
        score, chance = metric.function(trial)
    except MicrographiaError:
        return float("nan"), float("nan")
    return float(score), float(chance)


def _row(
    metric: TriedMetric, hollow: Hollow, scored: Array, by_random: float, error: float, size: tuple[int, int]
) -> dict[str, Any]:
    score, chance = average(scored[:, 0]), average(scored[:, 1])
    if np.isnan(chance):
        chance = by_random
    fooled = _fooled(metric, hollow, score, chance, error)
    by_batch = hollow.knows == "batch" and score > by_random + 3 * error
    return {
        "metric": metric.name,
        "embedding": hollow.name,
        "score": score if np.isfinite(score) else None,
        "chance": chance if np.isfinite(chance) else None,
        "fooled": fooled,
        "common": metric.common,
        "text": _text(metric, hollow, score, chance, fooled, BATCHES if by_batch else metric.why, size),
    }


def _fooled(metric: TriedMetric, hollow: Hollow, score: float, chance: float, error: float) -> bool:
    if not np.isfinite(score):
        return False
    margin = MARGIN * (metric.best - chance) if np.isfinite(chance) else 0.0
    if metric.kind == "mixing":
        # Mixed is what an embedding of nothing is; only what separates batches is not.
        return hollow.knows == "nothing" and score >= chance - max(MARGIN, 3 * error)
    if metric.kind == "similarity" and hollow.knows != "nothing":
        # The candidate may well hold labels and batches: then it is alike.
        return False
    if hollow.knows == "labels":
        return score >= metric.best - max(0.01, 0.02 * abs(metric.best - chance))
    return bool(score > chance + max(margin, 3 * error, 1e-9))


def _text(
    metric: TriedMetric,
    hollow: Hollow,
    score: float,
    chance: float,
    fooled: bool,
    why: str,
    size: tuple[int, int],
) -> str:
    if not np.isfinite(score):
        return f"{metric.name} gives no score for an embedding {hollow.text}."
    said = f"{metric.name} gives {score:.2f} for an embedding {hollow.text}"
    if metric.kind == "similarity":
        said += f" ({size[0]:,} rows, {size[1]:,} features)"
    if np.isfinite(chance):
        said += f"; it is often read against {chance:.2f}" if metric.nominal else f"; chance is {chance:.2f}"
    if not fooled:
        return f"{said}."
    if hollow.knows == "labels":
        return f"{said}. {LEAK}"
    said += f": {why}." if why else "."
    return f"{said} Instead: {metric.instead}." if metric.instead and hollow.knows == "nothing" else said


def _error(draws: Sequence[Sequence[float]]) -> float:
    """Return the standard error of a mean of draws, from the spread within all embeddings that were drawn often."""
    kept = [np.array(scores) for scores in draws if len(scores) > 1 and np.isfinite(scores).all()]
    if not kept:
        return 0.0
    return float(np.sqrt(np.mean([scores.var(ddof=1) / len(scores) for scores in kept])))
