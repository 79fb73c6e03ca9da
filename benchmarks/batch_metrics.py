"""LISI and silhouettes beside scib-metrics and harmonypy, each in a process of its own; and what copies do to them.

Run with ``python benchmarks/batch_metrics.py [--quick] [--rows 20000] [--features 384] [--busy]``. The peers live in an
environment of their own under ``.bench/``: ``scib`` with its usual approximate neighbours, ``scib exact`` with exact
ones. Neighbours are part of the time of LISI. Everything runs twice in its process: ``first`` includes compiling,
``again`` does not, and the ratios are those of ``again``. Peak memory is above what the process holds when its imports
are done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from _peers import environment, machine, measure, serve, table

PERPLEXITY = 30
LABELS = 12
BATCHES = 6
COPIES = 200
COPIED_ROWS = 2000
SLOW_ROWS = 5000
"""Rows above which harmonypy is left out: it takes minutes."""
SCRIPT = Path(__file__).resolve()

Part = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="4,000 rows")
    parser.add_argument("--rows", type=int, default=None, help="20,000 if not given")
    parser.add_argument("--features", type=int, default=384)
    parser.add_argument(
        "--busy",
        action="store_true",
        help="one core, and its time instead of the clock's: for a busy machine",
    )
    options = parser.parse_args()
    rows = options.rows or (4000 if options.quick else 20_000)
    if options.busy:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps(machine()))
    peers = environment("scib", ["scib-metrics", "harmonypy", "numpy"])
    programs = {"micrographia": sys.executable, "scib": peers, "scib exact": peers, "harmonypy": peers}
    with tempfile.TemporaryDirectory() as folder:
        print(
            f"\n{rows:,} rows of {options.features} features, float32; {LABELS} labels, {BATCHES} batches\n"
        )
        save(folder, *simulate(rows, options.features))
        found = {}
        for name, python in programs.items():
            if name == "harmonypy" and rows > SLOW_ROWS:
                continue
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            found[name] = measure(python, SCRIPT, name, {"folder": folder, "busy": options.busy})
        print_times(found)
        print_agreement(folder, found)
        for copies in (COPIES, COPIED_ROWS):
            print(f"\n{COPIED_ROWS:,} rows, each {copies:,} times, irrespective of label and batch\n")
            save(folder, *simulate(COPIED_ROWS, options.features, copies))
            found = {
                name: measure(python, SCRIPT, name, {"folder": folder, "busy": options.busy})
                for name, python in programs.items()
            }
            print_copies(folder, found)


def simulate(rows: int, features: int, copies: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return clusters by label, shifted by batch; or copies of a few rows, unrelated to both."""
    random = np.random.default_rng(0)
    labels = np.sort(random.integers(LABELS, size=rows))
    batch = random.integers(BATCHES, size=rows)
    values = random.normal(size=(rows, features))
    if copies > 1:
        values = values[random.permutation(np.arange(rows) // copies)]
    else:
        values += random.normal(size=(LABELS, features))[labels] * 0.3
        values += random.normal(size=(BATCHES, features))[batch] * 0.1
    return values.astype(np.float32), labels, batch


def save(folder: str, values: np.ndarray, labels: np.ndarray, batch: np.ndarray) -> None:
    np.savez(Path(folder) / "data.npz", values=values, labels=labels, batch=batch)


def load(folder: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(Path(folder) / "data.npz") as held:
        return held["values"], held["labels"], held["batch"]


def timed(folder: str, name: str, parts: dict[str, Part], busy: bool) -> dict[str, Any]:
    """Run every part twice and say what it took, or why it failed; keep what is one number a row."""
    told: dict[str, Any] = {}
    clock = time.process_time if busy else time.perf_counter
    for part, function in parts.items():
        for turn in ("first", "again"):
            started = clock()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    result = function()
            except Exception as error:  # noqa: BLE001 - that a peer fails is a result
                told[f"{part} error"] = f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
                break
            told[f"{part} {turn}"] = clock() - started
            if isinstance(result, np.ndarray) and result.ndim == 1:
                np.save(Path(folder) / f"{name} {part}.npy", result)
    return told


def micrographia_task(folder: str, busy: bool) -> Callable[[], dict[str, Any]]:
    from micrographia.representation.batch import lisi, silhouette
    from micrographia.representation.batch.neighbours import search

    values, labels, batch = load(folder)
    held: dict[str, Any] = {}

    def neighbours() -> None:
        held["found"] = search(values, 3 * PERPLEXITY)

    parts: dict[str, Part] = {
        "neighbours": neighbours,
        "iLISI": lambda: lisi(values, batch, neighbours=held["found"]).values,
        "cLISI": lambda: lisi(values, labels, neighbours=held["found"]).values,
        "silhouette": lambda: silhouette(values, labels).values,
        # For the comparison only: one neighbour more, as harmonypy takes.
        "iLISI more": lambda: lisi(values, batch, k=3 * PERPLEXITY, neighbours=held["found"]).values,
        "cLISI more": lambda: lisi(values, labels, k=3 * PERPLEXITY, neighbours=held["found"]).values,
    }
    return lambda: timed(folder, "micrographia", parts, busy)


def scib_task(folder: str, busy: bool, exact: bool = False) -> Callable[[], dict[str, Any]]:
    import scib_metrics
    from scib_metrics.nearest_neighbors import jax_approx_min_k, pynndescent
    from scib_metrics.utils import silhouette_samples

    values, labels, batch = load(folder)
    held: dict[str, Any] = {}

    def neighbours() -> None:
        if exact:
            held["found"] = jax_approx_min_k(values, 3 * PERPLEXITY)
        else:
            held["found"] = pynndescent(values, 3 * PERPLEXITY, n_jobs=len(os.sched_getaffinity(0)))

    def index(which: np.ndarray) -> np.ndarray:
        return np.asarray(scib_metrics.lisi_knn(held["found"], which, perplexity=PERPLEXITY))

    parts: dict[str, Part] = {
        "neighbours": neighbours,
        "iLISI": lambda: index(batch),
        "cLISI": lambda: index(labels),
        "silhouette": lambda: np.asarray(silhouette_samples(values, labels)),
    }
    return lambda: timed(folder, "scib exact" if exact else "scib", parts, busy)


def scib_exact_task(folder: str, busy: bool) -> Callable[[], dict[str, Any]]:
    return scib_task(folder, busy, exact=True)


def harmonypy_task(folder: str, busy: bool) -> Callable[[], dict[str, Any]]:
    import pandas as pd
    from harmonypy import compute_lisi

    values, labels, batch = load(folder)
    meta = pd.DataFrame({"batch": batch.astype(str), "label": labels.astype(str)})
    parts: dict[str, Part] = {
        # It searches neighbours anew for each label.
        "iLISI": lambda: np.asarray(compute_lisi(values, meta, ["batch"], PERPLEXITY)).reshape(-1),
        "cLISI": lambda: np.asarray(compute_lisi(values, meta, ["label"], PERPLEXITY)).reshape(-1),
    }
    return lambda: timed(folder, "harmonypy", parts, busy)


TASKS = {
    "micrographia": micrographia_task,
    "scib": scib_task,
    "scib exact": scib_exact_task,
    "harmonypy": harmonypy_task,
}
PARTS = ("neighbours", "iLISI", "cLISI", "silhouette")


def print_times(found: dict[str, dict[str, Any]]) -> None:
    rows = []
    for name, told in found.items():
        if "error" in told:
            rows.append({"program": f"{name}: {told['error']}"})
            continue
        both = sum(told.get(f"{part} again", 0.0) for part in ("neighbours", "iLISI", "cLISI"))
        silhouette = told.get("silhouette again")
        rows.append(
            {
                "program": name,
                **{part: told.get(f"{part} again") for part in PARTS},
                "lisi": both,
                "all": both + silhouette if silhouette is not None else None,
                "first": sum(told.get(f"{part} first", 0.0) for part in PARTS),
                "peak_mb": told["peak_mb"],
            }
        )
    ours = rows[0]
    for row in rows:
        for key in ("lisi", "silhouette", "all"):
            if row.get(key) and ours.get(key):
                row[f"{key} ratio"] = f"{row[key] / ours[key]:.1f}"
    columns = {
        "program": "program",
        "neighbours": "neighbours, s",
        "iLISI": "iLISI, s",
        "cLISI": "cLISI, s",
        "lisi ratio": "LISI with neighbours, times ours",
        "silhouette": "silhouette, s",
        "silhouette ratio": "times ours",
        "all": "all, s",
        "all ratio": "times ours ",
        "first": "first time, s",
        "peak_mb": "peak MB",
    }
    print(table(rows, columns))


def print_agreement(folder: str, found: dict[str, dict[str, Any]]) -> None:
    print()
    for part in ("iLISI", "cLISI", "silhouette"):
        for name in found:
            held = Path(folder) / f"{name} {part}.npy"
            if name != "micrographia" and held.exists():
                more = " more" if name == "harmonypy" else ""
                ours = np.load(Path(folder) / f"micrographia {part}{more}.npy")
                gap = np.abs(np.load(held) - ours)
                print(
                    f"{part}: mean {ours.mean():.4f}; {name} differs by {np.median(gap):.1e} in the median row, "
                    f"{gap.max():.1e} in the worst"
                )
                held.unlink()


def print_copies(folder: str, found: dict[str, dict[str, Any]]) -> None:
    rows = []
    for name, told in found.items():
        if "error" in told:
            rows.append({"program": name, "iLISI": told["error"]})
            continue
        row: dict[str, Any] = {"program": name}
        for part in ("iLISI", "cLISI", "silhouette"):
            held = Path(folder) / f"{name} {part}.npy"
            failed = told.get(f"{part} error") or (part != "silhouette" and told.get("neighbours error"))
            if failed:
                row[part] = failed
            elif held.exists():
                values = np.load(held)
                sound = np.isfinite(values) & (values >= (-1 if part == "silhouette" else 1 - 1e-6))
                row[part] = f"{values[sound].mean():.3f}" if sound.any() else "none"
                row[part] += f", impossible in {(~sound).sum():,} rows" if not sound.all() else ""
        rows.append(row)
    print(table(rows, {"program": "program", "iLISI": "iLISI", "cLISI": "cLISI", "silhouette": "silhouette"}))


if __name__ == "__main__":
    if not serve(TASKS):
        main()
