"""Results to show: computed from small simulated representations, so that numbers and verdicts belong together."""

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
        null = np.array([rng.binomial(groups * 3, 0.09) / (groups * 3) for _ in range(999)])
        table.append(
            {
                "task": task, "task_title": title, "metric": metric, "role": role, "transform": "robust z", "candidate": name,
                "kind": kind, "score": float(score), "low": None if few else float(max(low, 0)),
                "high": None if few else float(min(high, 1)), "level": 0.95, "method": "bootstrap-t over groups",
                "n_items": groups * 3, "n_evaluable": groups * 3 - 2, "n_groups": groups, "unit": unit,
                "chance": 0.0907, "chance_pipeline": 0.0881, "majority": 0.136,
                "null_p": float((1 + (null >= score).sum()) / 1000), "n_features": 384 if kind != "layout" else 2,
                "reason": reason,
            }
        )  # fmt: skip
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
                    "task": task, "transform": "robust z", "candidate": name, "against": label, "against_kind": other_kind,
                    "difference": float(difference), "low": None if few else float(low), "high": None if few else float(high),
                    "p": None if few else p, "p_adjusted": None if few else min(1.0, p * len(against)),
                    "minimum_detectable": float(detectable) if error > 0 else None, "delta": DELTA, "n_groups": groups, "verdict": verdict,
                    "reason": "p < 0.05 cannot be reached below 6 groups" if few else None,
                }
            )  # fmt: skip
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


def full(seed=0, models=None, groups=38):
    """A result with something in every section."""
    rng = np.random.default_rng(seed)
    models = models or MODELS
    names = [name for name, (kind, _) in models.items() if kind == "candidate"]
    table, comparisons = rows_of(
        rng, "nscb", "Mechanism of action, 1-NN, not same compound and not same week", models, groups
    )
    more = rows_of(
        rng, "nsc", "Mechanism of action, 1-NN, not same compound", models, groups, role="exploratory"
    )
    harder = {name: (kind, skill * 0.8) for name, (kind, skill) in models.items()}
    third = rows_of(
        rng,
        "map",
        "Replicates of a mechanism",
        harder,
        groups,
        role="exploratory",
        metric="mean average precision",
    )
    table += more[0] + third[0]
    comparisons += more[1] + third[1]
    table[-1] |= {
        "score": None,
        "low": None,
        "high": None,
        "reason": "well position is the same in every row",
    }
    shares, incremental, confounders, ablations, layers, geometry = [], [], [], [], [], []
    primary = {row["candidate"]: row for row in table if row["task"] == "nscb"}
    chance = 0.0907
    for name in names:
        z = primary[name]["score"]
        for baseline in ("intensity", "cell density"):
            b = primary.get(baseline, {"score": 0.2})["score"]
            both = max(z, b) + 0.04
            gain = both - chance
            unique, shared = (both - b) / gain, (b + z - both - chance) / gain
            shares.append(
                {"task": "nscb", "candidate": name, "baseline": baseline, "unique": unique, "unique_low": unique - 0.09,
                 "unique_high": unique + 0.08, "shared": shared, "shared_low": shared - 0.1, "shared_high": shared + 0.1,
                 "residual": 1 - unique - shared, "residual_low": 0.0, "residual_high": 0.2, "reason": None}
            )  # fmt: skip
            parts = {"marginal": z, "incremental": both - b, "residualised": z - 0.08, "matched": z - 0.02}
            incremental.append(
                {"task": "nscb", "candidate": name, "baseline": baseline, "reason": None, **parts}
                | {f"{key}_{end}": value + sign * 0.07 for key, value in parts.items() for end, sign in (("low", -1), ("high", 1))}
            )  # fmt: skip
        shares.append(
            {"task": "nscb", "candidate": name, "baseline": "texture", "unique": None, "shared": None, "residual": None,
             "reason": "the interval of what both explain includes 0"}
        )  # fmt: skip
        for nuisance, role, metric, at in (
            ("cell count", "mediator", "R2", 0.0), ("plate", "confounder", "balanced accuracy", 0.018),
            ("well row", "confounder", "balanced accuracy", 0.125),
        ):  # fmt: skip
            score = float(rng.uniform(0.1, 0.7))
            confounders.append(
                {"candidate": name, "nuisance": nuisance, "role": role, "metric": metric, "score": score,
                 "low": score - 0.06, "high": score + 0.05, "chance": at, "reason": None}
            )  # fmt: skip
        for ablation, kept in (
            ("pixels shuffled", 0.41),
            ("patches shuffled", 0.78),
            ("blurred, sigma 4", 0.92),
            ("background only", 0.05),
            ("nuclei only", None),
        ):
            kept = None if kept is None else float(kept + rng.normal(0, 0.04))
            ablations.append(
                {"candidate": name, "ablation": ablation, "score": None if kept is None else chance + kept * (z - chance),
                 "retained": kept, "reason": "no masks of nuclei" if kept is None else None}
            )  # fmt: skip
        values = z - 0.12 + 0.16 * np.sin(np.linspace(0.2, 2.6, 8)) + rng.normal(0, 0.01, 8)
        layers += [
            {"candidate": name, "layer": f"block {index + 1}", "score": float(v), "low": float(v - 0.07), "high": float(v + 0.07),
             "nested_choice": index == 5}
            for index, v in enumerate(values)
        ]  # fmt: skip
    shown = [name for name in models][:40]
    made = embeddings(rng, shown)
    for name, values in made.items():
        spectrum = np.linalg.svd(values - values.mean(0), compute_uv=False)
        share = spectrum / spectrum.sum()
        geometry.append(
            {"candidate": name, "participation_ratio": float((spectrum**2).sum() ** 2 / (spectrum**4).sum()),
             "rank_me": float(np.exp(-(share * np.log(share)).sum())), "mean_cosine": float(rng.uniform(0, 0.9)),
             "hubness": float(rng.uniform(0.2, 4)), "duplicates": 0, "constant": int(rng.integers(0, 4))}
        )  # fmt: skip
    settings = [f"{m}, {p}" for m in ("1-NN", "mAP", "linear probe") for p in ("raw", "robust z", "TVN")]
    base = np.array([models[name][1] for name in shown])
    noisy = [base + rng.normal(0, 0.09, len(base)) for _ in settings]
    tau = [[float(stats.kendalltau(a, b).statistic) for b in noisy] for a in noisy]
    meta = [("noco", "microtubule"), ("taxol", "microtubule"), ("cyto B", "actin"), ("AZ-J", "epithelial")]
    examples = []
    for query, (compound, mechanism) in enumerate(meta):
        near = [meta[int(index)] for index in rng.integers(0, 4, 6)]
        examples.append(
            {
                "candidate": names[0],
                "query": {"thumbnail": cell(rng, query), "compound": compound, "mechanism": mechanism, "well": "B02"},
                "neighbours": [
                    {"thumbnail": cell(rng, meta.index(one)) if rng.random() < 0.9 else None, "compound": one[0],
                     "mechanism": one[1], "distance": float(rng.uniform(0.05, 0.4)), "correct": one[1] == mechanism}
                    for one in near
                ],
            }
        )  # fmt: skip
    return {
        "micrographia_result": 1,
        "title": "Mechanism of action in BBBC021",
        "question": "Does the representation hold the mechanism of a compound beyond intensity and cell density?",
        "protocol": {
            "name": "bbbc021", "unit": "compound", "crossed": ["week"], "delta": DELTA, "seed": 0,
            "tasks": [{"name": "nscb", "primary": "accuracy of the nearest neighbour", "exclude": ["compound", "week"]}],
            "nuisances": {"cell count": "mediator", "plate": "confounder"},
        },
        "protocol_sha256": "9f2b" * 16,
        "study": {"name": "BBBC021, feature-selected profiles", "source": "https://example.org/bbbc021", "licence": "CC0-1.0",
                  "rows": 103, "notes": ["DMSO wells were used to normalise and are not scored."], "sha256": "ab" * 32},
        "headline": [],
        "audit": {
            "verdict": "38 compounds can be told apart from chance, but weeks and mechanisms overlap only in part.",
            "findings": [
                {"kind": "nested", "text": "Two mechanisms occur in one week only.", "numbers": {"mechanisms": 2, "items": 11}},
                {"kind": "permutations", "text": "Labels can be permuted among compounds in many ways.", "numbers": {"distinct": 3.2e31}},
            ],
            "cannot": [
                "Whether eg5 inhibitors and cholesterol-lowering compounds are told apart: each occurs in one week only.",
                "Whether an order of mechanisms holds in other laboratories: there is one.",
            ],
        },
        "table": table, "comparisons": comparisons, "shares": shares, "confounders": confounders, "incremental": incremental,
        "rank_stability": {
            "tau": tau, "settings": settings,
            "orders": [[shown[index] for index in np.argsort(-values, kind="stable")] for values in noisy],
        },
        "ablations": ablations, "layers": layers,
        "similarity": {
            "names": shown,
            **{key: [[measure(a, b) for b in made.values()] for a in made.values()]
               for key, measure in (("cka", cka), ("rsa", rsa), ("procrustes", procrustes))},
        },
        "geometry": geometry,
        "untrusted": [
            {"metric": "recall above the 95th percentile", "embedding": "plate only", "score": 0.62, "chance": 0.05,
             "text": "Replicates share plates, so that an embedding of the plate alone finds them."},
            {"metric": "silhouette of batches", "embedding": "constant rows", "score": 1.0, "chance": None,
             "text": "It is 1 where nothing differs."},
        ],
        "examples": examples,
        "problems": ["42 rows have no mechanism: left out, not treated as one group.", "3 features are constant."],
        "provenance": {
            "versions": {"micrographia": "0.1.0", "numpy": "2.3.1"}, "seed": 0, "command": "micrographia probe bbbc021 --out report/",
            "started": "2026-03-01T12:00:00Z", "seconds": 48.2, "cpu": "2 cores",
            "candidates": {name: {"file": f"{name}.parquet", "sha256": "cd" * 32} for name in names},
        },
    }  # fmt: skip


def minimal():
    """A result in which nearly everything is empty."""
    return {
        "micrographia_result": 1,
        "title": "",
        "headline": [],
        "audit": {},
        "table": [],
        "comparisons": [],
    }


def many(candidates=40):
    """A result of many candidates with long names."""
    rng = np.random.default_rng(5)
    models = {
        f"a-very-long-model-name/vit-large-patch14-reg4-dinov2.lvd142m.finetuned-{index:02}": (
            "candidate",
            skill,
        )
        for index, skill in enumerate(rng.uniform(0.2, 0.8, candidates))
    }
    models |= {name: value for name, value in MODELS.items() if value[0] not in ("candidate", "combined")}
    return full(3, models)


def few():
    """A result that can tell nothing for want of groups: four donors."""
    rng = np.random.default_rng(2)
    table, comparisons = rows_of(rng, "stage", "Disease stage, linear probe, donors held out", MODELS, 4, unit="donor", metric="balanced accuracy")
    return minimal() | {
        "title": "Stage of disease in four donors",
        "table": table,
        "comparisons": comparisons,
        "audit": {
            "verdict": "Too few groups: nothing can be concluded from 4 donors.",
            "findings": [],
            "cannot": ["Any difference between two candidates: p < 0.05 cannot be reached below 6 donors."],
        },
    }
