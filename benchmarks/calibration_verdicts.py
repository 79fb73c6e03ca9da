"""Whether verdicts keep their word: false claims, coverage, false equivalence and power, by the number of groups.

Run with ``python benchmarks/calibration_verdicts.py --out FOLDER [--datasets 2000] [--workers 2]``. Datasets are
simulated with a known difference, judged as any other, and counted (crossed ones half as many). Two common ways to
judge stand beside: the percentile bootstrap over groups, and a t test over items as if they were independent. Writes
``calibration_verdicts.json``, the tables as Markdown, and with ``--pictures FOLDER`` the figures.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from scipy.stats import norm, t

from _peers import machine
from micrographia.statistics import (
    Scores,
    Verdict,
    compare,
    interval,
    minimum_detectable,
    permutation_p,
    permutations,
    sign_flip_p,
)

GROUPS = (4, 5, 6, 9, 12, 20, 38, 50)
POWER_GROUPS = (6, 9, 12, 20, 50)
EFFECTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)
DELTA = {"binary": 0.1, "binary, unequal sizes": 0.1, "rarely wrong": 0.05}
COLOURS = ("#0b6e75", "#d55e00", "#0072b2", "#cc79a7", "#e69f00")


@dataclass(frozen=True)
class Sample:
    """Scores of two candidates, the true difference, and the true score of the first."""

    a: Scores
    b: Scores | list[Scores]
    difference: float
    score: float


def uneven(n: int, mean: int) -> np.ndarray:
    """Return sizes as unequal as those of :func:`sizes`, without chance."""
    return np.maximum(1, np.round(mean * np.exp(0.9 * norm.ppf((np.arange(n) + 0.5) / n) - 0.3))).astype(int)


def sizes(rng: np.random.Generator, n: int, mean: int, *, equal: bool) -> np.ndarray:
    if equal:
        return np.full(n, mean)
    return np.maximum(1, np.round(rng.lognormal(np.log(mean) - 0.3, 0.9, n))).astype(int)


def paired(difference: np.ndarray, groups: np.ndarray, true: float, rng: np.random.Generator) -> Sample:
    """Share a difference out between two candidates that both depend on the item."""
    common = rng.normal(0, 1, len(difference))
    factors = {"group": groups.tolist()}
    return Sample(Scores(common + difference, factors), Scores(common, factors), true, true)


def normal(
    rng: np.random.Generator, n: int, effect: float, *, equal: bool = True, given: np.ndarray | None = None
) -> Sample:
    groups = np.repeat(np.arange(n), sizes(rng, n, 8, equal=equal) if given is None else given)
    # The standard deviation of the mean of a group of 8 is 1.
    by_group = rng.normal(effect, np.sqrt(0.5), n)[groups]
    return paired(by_group + rng.normal(0, 2, len(groups)), groups, effect, rng)


def skewed(rng: np.random.Generator, n: int, effect: float) -> Sample:
    groups = np.repeat(np.arange(n), 4)
    return paired((rng.exponential(1, n) - 1 + effect)[groups], groups, effect, rng)


def binary(
    rng: np.random.Generator, n: int, effect: float, *, right: float = 0.5, mean: int = 8, equal: bool = True
) -> Sample:
    """Right or wrong; a group is as hard for both or, one in two, for each its own; ``effect`` is a head start."""
    groups = np.repeat(np.arange(n), sizes(rng, n, mean, equal=equal))
    chance = rng.beta(4 * right, 4 * (1 - right), (2, n))
    chance[1] = np.where(rng.random(n) < 0.5, chance[0], chance[1])
    a, b = (rng.random((2, len(groups))) < chance[:, groups]).astype(float)
    ahead = rng.random(len(groups)) < effect
    a[ahead], b[ahead] = 1, 0
    factors = {"group": groups.tolist()}
    return Sample(Scores(a, factors), Scores(b, factors), effect, right * (1 - effect) + effect)


def crossed(rng: np.random.Generator, n: int, effect: float, *, share: float) -> Sample:
    """Compounds seen in one or two of 10 weeks; ``share`` of the variance belongs to weeks."""
    compound = np.repeat(np.arange(n), rng.integers(1, 6, n))
    home = rng.integers(0, 10, n)
    week = np.where(rng.random(len(compound)) < 0.7, home[compound], rng.integers(0, 10, len(compound)))
    values = effect + rng.normal(0, np.sqrt(1 - share), n)[compound] + rng.normal(0, np.sqrt(share), 10)[week]
    values += rng.normal(0, 0.5, len(compound))
    factors = {"group": compound.tolist(), "week": week.tolist()}
    common = rng.normal(0, 1, len(compound))
    return Sample(Scores(common + values, factors), Scores(common, factors), effect, effect)


def seeds(rng: np.random.Generator, n: int, effect: float) -> Sample:
    """One checkpoint against five seeds of a twin, whose own scores vary."""
    groups = np.repeat(np.arange(n), 8)
    factors = {"group": groups.tolist()}
    a = effect + rng.normal(0, 0.5, n)[groups] + rng.normal(0, 1, len(groups))
    twins = [Scores(rng.normal(0, 0.4) + rng.normal(0, 1, len(groups)), factors) for _ in range(5)]
    return Sample(Scores(a, factors), twins, effect, effect)


KINDS: dict[str, Callable[[np.random.Generator, int, float], Sample]] = {
    "normal": normal,
    "unequal sizes": lambda rng, n, effect: normal(rng, n, effect, equal=False),
    "skewed": skewed,
    "binary": binary,
    "binary, unequal sizes": lambda rng, n, effect: binary(rng, n, effect, equal=False),
    "rarely wrong": lambda rng, n, effect: binary(rng, n, effect, right=0.9, mean=3, equal=False),
    "crossed, weeks matter": lambda rng, n, effect: crossed(rng, n, effect, share=0.5),
    "crossed, weeks do not": lambda rng, n, effect: crossed(rng, n, effect, share=0.0),
    "five seeds": seeds,
}


# For the minimum detectable difference: one design each, so that the difference it states belongs to it.
DESIGNS = {
    "normal": normal,
    "unequal sizes": lambda rng, n, effect: normal(rng, n, effect, given=uneven(n, 8)),
    "binary": binary,
    "crossed, weeks matter": KINDS["crossed, weeks matter"],
    "five seeds": seeds,
}


def percentile_excludes_zero(difference: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> bool:
    counts = rng.multinomial(groups.max() + 1, np.full(groups.max() + 1, 1 / (groups.max() + 1)), 1000)
    above, below = np.bincount(groups, difference), np.bincount(groups)
    low, high = np.quantile((counts @ above) / (counts @ below), [0.025, 0.975])
    return bool(low > 0 or high < 0)


def items_differ(difference: np.ndarray) -> bool:
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return bool(error > 0 and 2 * t.sf(abs(difference.mean()) / error, len(difference) - 1) <= 0.05)


def judge_null(task: tuple[str, int, int, int]) -> dict[str, Any]:
    """Judge datasets without a difference, and datasets whose difference is exactly delta."""
    kind, n, datasets, seed = task
    rng = np.random.default_rng([seed, n, list(KINDS).index(kind)])
    crossing = ["week"] if kind.startswith("crossed") else []
    delta = DELTA.get(kind, 1.0)
    counted = dict.fromkeys(
        ("claims", "beats", "covered", "score_covered", "false_equivalent", "percentile", "items"), 0
    )
    words: dict[str, int] = {}
    given = {"covered": 0, "score_covered": 0}
    for number in range(datasets):
        sample = KINDS[kind](rng, n, 0.0)
        # With delta 0 nothing is equivalent: the most claims that there can be.
        found = compare(sample.a, sample.b, "group", crossing, delta=0.0, seed=number)
        words[str(found.verdict)] = words.get(str(found.verdict), 0) + 1
        counted["claims"] += found.verdict in {Verdict.BEATS, Verdict.LOSES}
        counted["beats"] += found.verdict is Verdict.BEATS
        given["covered"] += not np.isnan(found.low)
        counted["covered"] += found.low <= sample.difference <= found.high
        alone = interval(sample.a, "group", crossing, seed=number)
        given["score_covered"] += not np.isnan(alone.low)
        counted["score_covered"] += alone.low <= sample.score <= alone.high
        first = sample.b if isinstance(sample.b, Scores) else sample.b[0]
        difference, groups = sample.a.values - first.values, np.array(sample.a.factors["group"])
        counted["percentile"] += percentile_excludes_zero(difference, groups, rng)
        counted["items"] += items_differ(difference)
        edge = KINDS[kind](rng, n, delta)
        counted["false_equivalent"] += (
            compare(edge.a, edge.b, "group", crossing, delta=delta, seed=number).verdict is Verdict.EQUIVALENT
        )
    shares = {name: count / datasets for name, count in counted.items()}
    for name, n_given in given.items():
        shares[name] = counted[name] / n_given if n_given > 0.5 * datasets else float("nan")
    return {
        "kind": kind,
        "groups": n,
        "datasets": datasets,
        **shares,
        "words": words,
    }


def judge_power(task: tuple[int, float, int, int]) -> dict[str, Any]:
    """Judge normal datasets with a difference, in standard deviations of the groups' paired differences."""
    n, effect, datasets, seed = task
    rng = np.random.default_rng([seed, n, round(100 * effect), 7])
    words = [
        compare(sample.a, sample.b, "group", delta=0.0, seed=number).verdict
        for number in range(datasets)
        for sample in [normal(rng, n, effect)]
    ]
    return {
        "groups": n,
        "effect": effect,
        "datasets": datasets,
        "found": words.count(Verdict.BEATS) / datasets,
    }


def judge_detectable(task: tuple[str, int, int, int]) -> dict[str, Any]:
    """Judge datasets whose difference is the minimum detectable one, as datasets without any state it (median)."""
    kind, n, datasets, seed = task
    rng = np.random.default_rng([seed, n, 11])
    crossing = ["week"] if kind.startswith("crossed") else []
    stated = []
    for number in range(200):
        sample = DESIGNS[kind](rng, n, 0.0)
        stated.append(
            compare(sample.a, sample.b, "group", crossing, delta=0.0, seed=number).minimum_detectable
        )
    effect = float(np.nanmedian(stated))
    found = 0
    for number in range(datasets):
        sample = DESIGNS[kind](rng, n, effect)
        verdict = compare(sample.a, sample.b, "group", crossing, delta=0.0, seed=number).verdict
        found += verdict is Verdict.BEATS
    return {"kind": kind, "groups": n, "minimum_detectable": effect, "power": found / datasets}


def judge_p(datasets: int, seed: int) -> dict[str, float]:
    """Return the share of p-values of at most 0.05 on null datasets, one p each."""
    rng = np.random.default_rng([seed, 13])
    flips = [sign_flip_p(rng.normal(0, 1, 50), seed=number) for number in range(datasets)]
    exact = [sign_flip_p(rng.normal(0, 1, 12)) for _ in range(datasets)]
    labels = ["case"] * 6 + ["control"] * 6
    listed = permutations(labels, n=1000)
    cases = np.array([[label == "case" for label in row] for row in listed])
    drawn = permutations(["case"] * 20 + ["control"] * 20, n=999, seed=seed)
    many = np.array([[label == "case" for label in row] for row in drawn])

    def shuffled(table: np.ndarray, *, is_exact: bool) -> float:
        values = rng.normal(0, 1, table.shape[1])
        null = table @ values
        first = values[: table.shape[1] // 2].sum()
        return float(permutation_p(first, null, exact=is_exact))

    return {
        "sign flips, 50 groups, drawn": float(np.mean(np.array(flips) <= 0.05)),
        "sign flips, 12 groups, exact": float(np.mean(np.array(exact) <= 0.05)),
        "permutation, 6 against 6, exact": float(
            np.mean([shuffled(cases, is_exact=True) <= 0.05 for _ in flips])
        ),
        "permutation, 20 against 20, drawn": float(
            np.mean([shuffled(many, is_exact=False) <= 0.05 for _ in flips])
        ),
    }


def percent(share: float | None) -> str:
    return "" if share is None or np.isnan(share) else f"{100 * share:.1f}"


def table(rows: Sequence[dict[str, Any]], value: str) -> str:
    """Return a Markdown table of one number by kind of data and number of groups, in percent."""
    groups = sorted({row["groups"] for row in rows})
    lines = [f"| | {' | '.join(map(str, groups))} |", f"|---|{'---:|' * len(groups)}"]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        found = {row["groups"]: row[value] for row in rows if row["kind"] == kind}
        lines.append(f"| {kind} | {' | '.join(percent(found.get(n)) for n in groups)} |")
    return "\n".join(lines)


def plain_axes(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.6)
    axes.set_axisbelow(True)


def draw_claims(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw how often each way of judging claims a difference that is not there."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(9, 3.1), sharey=True, layout="constrained")
    ways = (
        ("items", "t test over items"),
        ("percentile", "percentile bootstrap over groups"),
        ("claims", "verdict"),
    )
    for panel, kind in zip(panels, ("normal", "binary, unequal sizes", "five seeds"), strict=True):
        chosen = [row for row in rows if row["kind"] == kind]
        for (key, label), colour in zip(ways, (COLOURS[1], COLOURS[4], COLOURS[0]), strict=True):
            panel.plot(
                [row["groups"] for row in chosen],
                [100 * row[key] for row in chosen],
                "o-",
                color=colour,
                label=label,
                markersize=4,
            )
        panel.axhline(5, color="#1b1f24", linewidth=0.8, linestyle="--")
        panel.set(title=kind, xlabel="groups", xscale="log", xticks=[4, 6, 12, 20, 50])
        panel.set_xticklabels(["4", "6", "12", "20", "50"])
        panel.minorticks_off()
        plain_axes(panel)
    panels[0].set(ylabel="false claims, %", ylim=(0, 75))
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw_power(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw how often a difference is found, by its size and the number of groups."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for n, colour in zip(POWER_GROUPS, COLOURS, strict=True):
        chosen = [row for row in rows if row["groups"] == n]
        axes.plot(
            [row["effect"] for row in chosen],
            [100 * row["found"] for row in chosen],
            color=colour,
            label=f"{n} groups",
        )
        axes.plot(minimum_detectable(1.0, n), 80, "o", color=colour, markersize=5)
    axes.axhline(80, color="#1b1f24", linewidth=0.8, linestyle="--")
    axes.set(xlabel="true difference, SD of the groups' paired differences", ylabel="found, %", ylim=(0, 101))
    axes.legend(frameon=False, fontsize=8)
    plain_axes(axes)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = perf_counter()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small; processes are many
    count, seed = options.datasets, options.seed
    nulls = [
        (kind, n, count // (2 if kind.startswith("crossed") else 1), seed)
        for n in reversed(GROUPS)
        for kind in KINDS
    ]
    powers = [(n, effect, count // 2, seed) for n in POWER_GROUPS for effect in EFFECTS]
    detectables = [
        (kind, n, count // 2, seed)
        for n in (6, 9, 12, 20, 38, 50)
        for kind in DESIGNS
        if n >= 12 or not kind.startswith("crossed")  # fewer compounds are often seen in fewer than 6 weeks
    ]
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        null = list(pool.map(judge_null, nulls))
        power = list(pool.map(judge_power, powers))
        detectable = list(pool.map(judge_detectable, detectables))
    null.sort(key=lambda row: (list(KINDS).index(row["kind"]), row["groups"]))
    shares = judge_p(5 * count, seed)
    result = {
        "null": null,
        "power": power,
        "detectable": detectable,
        "p": shares,
        "machine": machine(),
        "seed": seed,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "calibration_verdicts.json").write_text(json.dumps(result, indent=1), "utf-8")
    titles = {
        "claims": "False claims (beats or loses), %",
        "beats": "False beats, %",
        "covered": "Coverage of the interval of the difference, %",
        "score_covered": "Coverage of the interval of the score, %",
        "false_equivalent": "Equivalent although the difference is delta, %",
        "percentile": "False claims of the percentile bootstrap over groups, %",
        "items": "False claims of a t test over items, %",
    }
    text = "\n\n".join(f"{title}\n\n{table(null, key)}" for key, title in titles.items())
    detectable.sort(key=lambda row: list(DESIGNS).index(row["kind"]))
    text += f"\n\nFound at the minimum detectable difference, %\n\n{table(detectable, 'power')}"
    text += "\n\nShare of p of at most 0.05 without a difference\n\n" + "\n".join(
        f"{name}: {share:.4f}" for name, share in shares.items()
    )
    (options.out / "calibration_verdicts.md").write_text(text + "\n", "utf-8")
    print(text)
    if options.pictures:
        import matplotlib as mpl

        mpl.rcParams["svg.hashsalt"] = "micrographia"
        mpl.rcParams["svg.fonttype"] = "none"
        draw_claims(null, options.pictures / "statistics-claims.svg")
        draw_power(power, options.pictures / "statistics-power.svg")
    print(f"\n{perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
