"""Simulated scores, embeddings and pictures for the samples of :mod:`probe_samples`."""

import numpy as np
from scipy import stats

from micrographia.report.pictures import png_uri

DELTA = 0.05
MODELS = {
    "dinov2-small": ("candidate", 0.55),
    "cellprofiler": ("candidate", 0.68),
    "untrained dinov2-small, 5 seeds": ("twin", 0.4),
    "random cnn": ("random", 0.30),
    "random vit": ("random", 0.22),
    "dinov2-small + intensity": ("combined", 0.66),
    "intensity": ("baseline", 0.54),
    "cell density": ("baseline", 0.17),
    "texture": ("baseline", 0.46),
    "random projection, 384-d": ("baseline", 0.41),
    "well position": ("layout", 0.13),
}
AGAINST = (
    ("untrained twins", "untrained dinov2-small, 5 seeds", "twin"),
    ("intensity", "intensity", "baseline"),
    ("cell density", "cell density", "baseline"),
    ("well position", "well position", "layout"),
)


def scored(rng, models, groups, per_group=3):
    """Hits of each model, shape (groups, per_group): items of a group are alike, and easy or hard for every model."""
    ease = rng.normal(size=(groups, 1)) + 0.5 * rng.normal(size=(groups, per_group))
    hits = {}
    for name, (_, skill) in models.items():
        own = 0.35 * rng.normal(size=(groups, 1)) + 0.3 * rng.normal(size=(groups, per_group))
        hits[name] = (ease + own < stats.norm.ppf(skill) * 1.4).astype(float)
    return hits


def spread(values):
    """Mean of group means, 95% interval by Student's t over groups, standard error."""
    means = values.mean(1)
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
    half = stats.t.ppf(0.975, len(means) - 1) * error if len(means) > 1 else np.nan
    return means.mean(), means.mean() - half, means.mean() + half, error


def rows_of(
    rng,
    task,
    title,
    models,
    groups,
    *,
    unit="compound",
    metric="accuracy of the nearest neighbour",
    role="primary",
    against=AGAINST,
):
    hits = scored(rng, models, groups)
    few = groups < 6
    reason = f"{groups} groups; an interval needs 6" if few else None
    table, comparisons = [], []
    for name, (kind, _) in models.items():
        score, low, high, _ = spread(hits[name])
        null = rng.binomial(groups * 3, 0.09, size=999) / (groups * 3)
        table.append(
            {
                "task": task,
                "task_title": title,
                "metric": metric,
                "role": role,
                "transform": "robust z",
                "candidate": name,
                "kind": kind,
                "score": float(score),
                "low": None if few else float(max(low, 0)),
                "high": None if few else float(min(high, 1)),
                "level": 0.95,
                "method": "bootstrap-t over groups",
                "n_items": groups * 3,
                "n_evaluable": groups * 3 - 2,
                "n_groups": groups,
                "unit": unit,
                "chance": 0.0907,
                "chance_pipeline": 0.0881,
                "majority": 0.136,
                "null_p": float((1 + (null >= score).sum()) / 1000),
                "n_features": 384 if kind != "layout" else 2,
                "reason": reason,
            }
        )
    for name, (kind, _) in models.items():
        if kind != "candidate":
            continue
        for label, other, other_kind in against:
            difference, low, high, error = spread(hits[name] - hits[other])
            detectable = (stats.t.ppf(0.975, groups - 1) + stats.t.ppf(0.8, groups - 1)) * error
            verdict = "undecided"
            if few:
                verdict = "too few groups"
            elif low > 0:
                verdict = "beats"
            elif high < 0:
                verdict = "loses"
            elif low > -DELTA and high < DELTA:
                verdict = "equivalent"
            p = float(2 * stats.t.sf(abs(difference) / error, groups - 1)) if error > 0 else 1.0
            comparisons.append(
                {
                    "task": task,
                    "transform": "robust z",
                    "candidate": name,
                    "against": label,
                    "against_kind": other_kind,
                    "difference": float(difference),
                    "low": None if few else float(low),
                    "high": None if few else float(high),
                    "p": None if few else p,
                    "p_adjusted": None if few else min(1.0, p * len(against)),
                    "minimum_detectable": float(detectable) if error > 0 else None,
                    "delta": DELTA,
                    "n_groups": groups,
                    "verdict": verdict,
                    "reason": "p < 0.05 cannot be reached below 6 groups" if few else None,
                }
            )
    return table, comparisons


def embeddings(rng, names, n=90, d=12):
    truth = rng.normal(size=(n, d)) * np.linspace(3, 0.3, d)
    return {
        name: truth @ rng.normal(size=(d, d)) + share * rng.normal(size=(n, d))
        for name, share in zip(names, np.linspace(1, 9, len(names)), strict=True)
    }


def cka(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return float(np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def rsa(x, y):
    upper = np.triu_indices(len(x), 1)
    far = [np.linalg.norm(z[:, None] - z, axis=-1)[upper] for z in (x, y)]
    return float(stats.spearmanr(*far).statistic)


def procrustes(x, y):
    x, y = (z - z.mean(0) for z in (x, y))
    cross = (x / np.linalg.norm(x)).T @ (y / np.linalg.norm(y))
    return float(1 - np.linalg.norm(cross, "nuc") ** 2)


def cell(rng, kind):
    y, x = np.mgrid[:64, :64]
    picture = np.zeros((64, 64))
    for _ in range(4 + 3 * kind):
        cy, cx, size = *rng.uniform(6, 58, 2), rng.uniform(3, 4 + 2 * kind)
        picture += rng.uniform(0.4, 1) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * size**2))
    picture += rng.normal(0, 0.02, picture.shape)
    return png_uri((np.clip(picture, 0, 1) * 255).astype(np.uint8))
