"""What runs in the process of each program: the same profiles, made from a seed, and one piece of work.

Each task prepares (imports, data, one small run so that nothing is compiled or loaded while the clock runs) and returns
the work. Programs are imported inside, because no environment has all of them.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

D = 384
SIZE = 5
"""Rows that share a label."""
PLATES = 20
PRODUCT_ROWS = 1000
"""Rows of a block of the matrix product alone."""

Work = Callable[[], dict[str, Any]]


def profiles(n: int, size: int = SIZE, d: int = D, signal: float = 0.3) -> tuple[np.ndarray, pd.DataFrame]:
    """Return ``n`` profiles, float32, and their metadata: ``size`` replicates a label, somewhat alike."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) // size
    values = rng.standard_normal((n, d), np.float32)
    values += np.float32(signal) * rng.standard_normal((labels[-1] + 1, d), np.float32)[labels]
    meta = pd.DataFrame({"label": np.char.add("c", labels.astype(str)), "plate": rng.integers(0, PLATES, n)})
    return values, meta


def ours_precision(n: int, size: int = SIZE) -> Work:
    from micrographia.representation.retrieval import average_precision

    values, meta = profiles(n, size)
    average_precision(values[:200], meta[:200], pos_sameby="label", neg_diffby="label")

    def work() -> dict[str, Any]:
        table = average_precision(values, meta, pos_sameby="label", neg_diffby="label")
        return {"mean": float(table["average_precision"].mean())}

    return work


def copairs_precision(n: int, size: int = SIZE) -> Work:
    import logging

    from copairs.map import average_precision

    logging.disable(logging.WARNING)
    values, meta = profiles(n, size)
    given: dict[str, Any] = {
        "pos_sameby": ["label"],
        "pos_diffby": [],
        "neg_sameby": [],
        "neg_diffby": ["label"],
    }
    average_precision(meta[:200], values[:200], **given, progress_bar=False)

    def work() -> dict[str, Any]:
        table = average_precision(meta, values, **given, progress_bar=False)
        return {"mean": float(table["average_precision"].mean())}

    return work


def product(values: np.ndarray, buffer: np.ndarray) -> None:
    """Multiply all rows with all rows, block by block into one buffer: the least that exact ranks need."""
    for start in range(0, len(values), len(buffer)):
        rows = values[start : start + len(buffer)]
        np.matmul(rows, values.T, out=buffer[: len(rows)])


def ours_beside_product(n: int, size: int = SIZE, repeats: int = 5) -> Work:
    """Our average precision and neighbours, and the matrix product alone, in turn in one process."""
    from micrographia.representation.retrieval import average_precision, nearest_neighbour, nearest_neighbours

    values, meta = profiles(n, size)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    buffer = np.empty((PRODUCT_ROWS, n), np.float32)
    tasks: dict[str, Callable[..., Any]] = {
        "product": lambda rows: product(
            unit[:rows], buffer[:, :rows] if rows == n else np.empty((100, rows), np.float32)
        ),
        "precision": lambda rows: average_precision(
            values[:rows], meta[:rows], pos_sameby="label", neg_diffby="label"
        ),
        "precision_same_plate": lambda rows: average_precision(
            values[:rows], meta[:rows], pos_sameby="label", neg_sameby="plate", neg_diffby="label"
        ),
        "accuracy": lambda rows: nearest_neighbour(values[:rows], meta["label"][:rows]),
        "neighbours": lambda rows: nearest_neighbours(values[:rows], 10),
    }
    for task in tasks.values():
        task(min(300, n))

    def work() -> dict[str, Any]:
        taken: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(repeats):
            for name, task in tasks.items():
                started = time.perf_counter()
                task(n)
                taken[name].append(time.perf_counter() - started)
        ratios = {
            f"{name}_ratio": statistics.median(
                mine / theirs for mine, theirs in zip(taken[name], taken["product"], strict=True)
            )
            for name in tasks
        }
        return {**{name: statistics.median(held) for name, held in taken.items()}, **ratios}

    return work


def ours_neighbours(n: int, k: int) -> Work:
    from micrographia.representation.retrieval import nearest_neighbours

    values, _ = profiles(n)
    nearest_neighbours(values[:300], k)
    return lambda: {"sum": int(nearest_neighbours(values, k)[0].sum())}


def faiss_neighbours(n: int, k: int) -> Work:
    import faiss

    faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
    values, _ = profiles(n)

    def search(rows: np.ndarray) -> np.ndarray:
        unit = rows.copy()
        faiss.normalize_L2(unit)
        index = faiss.IndexFlatIP(unit.shape[1])
        index.add(unit)
        return np.asarray(index.search(unit, k + 1)[1])

    search(values[:300])

    def work() -> dict[str, Any]:
        found = search(values)
        return {"sum": int(found.sum()) - n * (n - 1) // 2}  # each row finds itself

    return work


def ours_null(size: int, positives: int, total: int) -> Work:
    from micrographia.representation.retrieval import random_average_precision

    random_average_precision(positives, total, 100)

    def work() -> dict[str, Any]:
        drawn = random_average_precision(positives, total, size)
        return {"mean": float(drawn.mean()), "sd": float(drawn.std())}

    return work


def copairs_null(size: int, positives: int, total: int) -> Work:
    from copairs.compute import random_ap

    random_ap(100, positives, total, 0)

    def work() -> dict[str, Any]:
        drawn = random_ap(size, positives, total, 0)
        return {"mean": float(drawn.mean()), "sd": float(drawn.std())}

    return work


def ours_permutation(n: int, permutations: int) -> Work:
    from micrographia.representation.retrieval import mean_average_precision

    values, meta = profiles(n)
    given: dict[str, Any] = {"pos_sameby": "label", "neg_diffby": "label", "group_by": "label"}
    mean_average_precision(values[:300], meta[:300], n_permutations=20, **given)

    def work() -> dict[str, Any]:
        table = mean_average_precision(values, meta, n_permutations=permutations, **given)
        return {"significant": int((table["q"] < 0.05).sum())}

    return work


def copairs_p(n: int, permutations: int) -> Work:
    import logging

    from copairs.map import average_precision, mean_average_precision

    logging.disable(logging.WARNING)
    values, meta = profiles(n)
    given: dict[str, Any] = {
        "pos_sameby": ["label"],
        "pos_diffby": [],
        "neg_sameby": [],
        "neg_diffby": ["label"],
    }

    def run(rows: int) -> Any:
        scores = average_precision(meta[:rows], values[:rows], **given, progress_bar=False)
        return mean_average_precision(
            scores, ["label"], null_size=permutations, threshold=0.05, seed=0, progress_bar=False
        )

    run(300)
    return lambda: {"significant": int((run(n)["corrected_p_value"] < 0.05).sum())}


def noise(sets: int) -> list[tuple[np.ndarray, pd.DataFrame]]:
    """Return sets of profiles of 20 labels in which labels mean nothing."""
    return [
        (
            np.random.default_rng(seed).standard_normal((100, 20)),
            pd.DataFrame({"label": np.repeat(np.arange(20), 5).astype(str)}),
        )
        for seed in range(sets)
    ]


def ours_false_claims(sets: int, constant: bool = False) -> Work:
    from micrographia.representation.retrieval import mean_average_precision

    def work() -> dict[str, Any]:
        p, score = [], []
        for values, meta in noise(sets):
            rows = np.ones_like(values) if constant else values
            table = mean_average_precision(
                rows, meta, pos_sameby="label", neg_diffby="label", group_by="label", n_permutations=199
            )
            p += table["p"].tolist()
            score.append(table["map"].mean())
        return {"below": float(np.mean(np.array(p) <= 0.05)), "map": float(np.mean(score))}

    return work


def copairs_false_claims(sets: int, constant: bool = False) -> Work:
    import logging

    from copairs.map import average_precision, mean_average_precision

    logging.disable(logging.WARNING)
    given: dict[str, Any] = {
        "pos_sameby": ["label"],
        "pos_diffby": [],
        "neg_sameby": [],
        "neg_diffby": ["label"],
    }

    def work() -> dict[str, Any]:
        p, score = [], []
        for seed, (values, meta) in enumerate(noise(sets)):
            rows = np.ones_like(values) if constant else values
            scores = average_precision(meta, rows, **given, progress_bar=False)
            table = mean_average_precision(
                scores, ["label"], null_size=199, threshold=0.05, seed=seed, progress_bar=False
            )
            p += table["p_value"].tolist()
            score.append(table["mean_average_precision"].mean())
        return {"below": float(np.mean(np.array(p) <= 0.05)), "map": float(np.mean(score))}

    return work


TASKS = {
    task.__name__: task
    for task in (
        ours_precision,
        copairs_precision,
        ours_beside_product,
        ours_neighbours,
        faiss_neighbours,
        ours_null,
        copairs_null,
        ours_permutation,
        copairs_p,
        ours_false_claims,
        copairs_false_claims,
    )
}

if __name__ == "__main__":
    from _peers import serve

    serve(TASKS)
