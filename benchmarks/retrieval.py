"""Retrieval beside copairs (average precision, p) and faiss (exact neighbours), and beside the matrix product alone.

Run with ``python benchmarks/retrieval.py [--quick] [--limit SECONDS]``. Profiles are random with a weak signal,
float32, d = 384, five replicates a label. Every program runs in a process of its own with all cores; memory is the
largest proportional set size above that when the process was ready. Programs that are compared take turns, and ratios
are medians over the turns. A program that is not done with 10,000 profiles within the limit is a lower bound.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from _peers import environment, machine, measure, table

SCRIPT = Path(__file__).with_name("_retrieval_tasks.py")
PEERS = ("copairs", "faiss-cpu")
SECTIONS = ("copairs", "product", "faiss", "null", "p", "noise", "large")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller, two minutes")
    parser.add_argument("--limit", type=float, default=90, help="seconds after which a program is stopped")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="some of the measurements"
    )
    options = parser.parse_args()
    python = environment("retrieval", PEERS)
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    print(", ".join(f"{name} {version}" for name, version in versions(python).items()), flush=True)
    quick = options.quick
    turns = min(2, options.turns) if quick else options.turns
    sections: dict[str, Callable[[], None]] = {
        "copairs": lambda: against_copairs(
            python, [1000] if quick else [1000, 4000, 10_000], turns, options.limit
        ),
        "product": lambda: against_product(4000 if quick else 10_000, turns),
        "faiss": lambda: against_faiss(python, 5000 if quick else 20_000, turns),
        "null": lambda: of_null(python, 100_000 if quick else 1_000_000),
        "p": lambda: of_p(python, 1000 if quick else 4000),
        "noise": lambda: of_noise(python, 5 if quick else 50),
        "large": lambda: large(20_000 if quick else 100_000),
    }
    for name in SECTIONS:
        if name in options.only:
            sections[name]()
            sys.stdout.flush()


def versions(python: Path) -> dict[str, str]:
    """Return the versions of the peers."""
    code = f"from importlib.metadata import version; print(*map(version, {PEERS!r}))"
    printed = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout
    return dict(zip(PEERS, printed.split(), strict=True))


def in_turn(
    python: Path, ours: str, theirs: str, given: Mapping[str, Any], turns: int, limit: float
) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Run two tasks in turn; return the last result of each and the median of the ratios theirs / ours."""
    ratios, mine, other = [], {}, {}
    for _ in range(turns):
        mine = measure(sys.executable, SCRIPT, ours, given)
        other = measure(python, SCRIPT, theirs, given, timeout=limit)
        if "error" in mine:
            raise RuntimeError(mine["error"])
        if "error" in other:
            return mine, other, limit / mine["seconds"]
        ratios.append(other["seconds"] / mine["seconds"])
    return mine, other, statistics.median(ratios)


def against_copairs(python: Path, sizes: list[int], turns: int, limit: float) -> None:
    rows = []
    for n in sizes:
        mine, other, ratio = in_turn(
            python,
            "ours_precision",
            "copairs_precision",
            {"n": n},
            turns if n <= 4000 else 1,
            limit if n > 4000 else 3600,
        )
        done = "error" not in other
        if done and abs(mine["mean"] - other["mean"]) > 1e-6:
            raise RuntimeError(f"mean average precision {mine['mean']} here, {other['mean']} there")
        rows.append(
            {
                "n": n,
                "ours": mine["seconds"],
                "mb": mine["peak_mb"],
                "theirs": other["seconds"] if done else f"> {limit:g}",
                "their_mb": other.get("peak_mb"),
                "ratio": ratio if done else f"> {ratio:.0f}",
            }
        )
    print("\nAverage precision of all profiles as queries, no null; the same mean to 1e-6\n")
    columns = {"n": "profiles", "ours": "ours, s", "mb": "MB", "theirs": "copairs, s", "their_mb": "MB"}
    print(table(rows, {**columns, "ratio": "times faster"}), flush=True)


def against_product(n: int, turns: int) -> None:
    rows = []
    for size in (5, 50, n // 10):
        result = measure(
            sys.executable, SCRIPT, "ours_beside_product", {"n": n, "size": size, "repeats": turns}
        )
        if "error" in result:
            raise RuntimeError(result["error"])
        rows.append({"n": n, "size": size, **result})
    print("\nTimes the blocked float32 matrix product alone (medians over turns in one process)\n")
    columns = {
        "n": "profiles",
        "size": "rows a label",
        "product": "product, s",
        "precision_ratio": "average precision",
        "precision_same_plate_ratio": "with negatives of the same plate",
        "accuracy_ratio": "1-NN accuracy",
        "neighbours_ratio": "10 neighbours",
    }
    print(table(rows, columns))


def against_faiss(python: Path, n: int, turns: int) -> None:
    rows = []
    for k in (1, 10, 50):
        given = {"n": n, "k": k}
        mine, other, ratio = in_turn(python, "ours_neighbours", "faiss_neighbours", given, turns, 3600)
        if "error" in other:
            raise RuntimeError(other["error"])
        rows.append({"n": n, "k": k, "ours": mine["seconds"], "theirs": other["seconds"], "ratio": 1 / ratio})
    print("\nExact nearest neighbours by cosine\n")
    columns = {"n": "profiles", "k": "k", "ours": "ours, s", "theirs": "faiss, s", "ratio": "ours / faiss"}
    print(table(rows, columns))


def of_null(python: Path, size: int) -> None:
    given = {"size": size, "positives": 4, "total": 99}
    mine, other, ratio = in_turn(python, "ours_null", "copairs_null", given, 1, 3600)
    print(
        f"\n{size:,} draws of the average precision of 4 positives among 99 at random (exact mean 0.081308)\n"
    )
    rows = [
        {"program": "ours", **mine},
        {"program": "copairs", **other, "ratio": ratio},
    ]
    columns = {"program": "program", "seconds": "s", "peak_mb": "MB", "mean": "mean", "sd": "SD"}
    print(table(rows, {**columns, "ratio": "times ours"}))


def of_p(python: Path, n: int) -> None:
    given = {"n": n, "permutations": 1000}
    mine, other, ratio = in_turn(python, "ours_permutation", "copairs_p", given, 1, 3600)
    print(
        f"\np of each label, {n:,} profiles: ours 1,000 permutations of labels, copairs 1,000 draws of ranks\n"
    )
    rows = [
        {"program": "ours", **mine},
        {"program": "copairs", **other, "ratio": ratio},
    ]
    print(table(rows, {"program": "program", "seconds": "s", "peak_mb": "MB", "ratio": "times ours"}))


def of_noise(python: Path, sets: int) -> None:
    rows = []
    for program, where, task in (
        ("ours", sys.executable, "ours_false_claims"),
        ("copairs", python, "copairs_false_claims"),
    ):
        random = measure(where, SCRIPT, task, {"sets": sets})
        constant = measure(where, SCRIPT, task, {"sets": 2, "constant": True})
        rows.append(
            {
                "program": program,
                "below": random.get("below", random.get("error")),
                "map": random.get("map"),
                "constant": constant.get("map", constant.get("error")),
                "claims": constant.get("below"),
            }
        )
    print(f"\nNoise: {sets} sets of 20 labels of 5 random rows each, and an embedding that is constant\n")
    columns = {
        "program": "program",
        "below": "share of p <= 0.05 on noise",
        "map": "mAP on noise",
        "constant": "mAP of a constant",
        "claims": "share of p <= 0.05 on it",
    }
    print(table(rows, columns))


def large(n: int) -> None:
    result = measure(sys.executable, SCRIPT, "ours_precision", {"n": n})
    print(f"\n{n:,} profiles: average precision of all as queries\n")
    print(table([{"n": n, **result}], {"n": "profiles", "seconds": "ours, s", "peak_mb": "MB"}))


if __name__ == "__main__":
    main()
