"""Results to show, not to be changed: computed from simulated representations, so that numbers belong together."""

from functools import cache

import numpy as np
from scipy import stats

from probe_simulation import DELTA, MODELS, cell, cka, embeddings, procrustes, rows_of, rsa


def made(seed, models, groups=38):
    """A result of these models with something in every section."""
    rng = np.random.default_rng(seed)
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
                {
                    "task": "nscb",
                    "candidate": name,
                    "baseline": baseline,
                    "unique": unique,
                    "unique_low": unique - 0.09,
                    "unique_high": unique + 0.08,
                    "shared": shared,
                    "shared_low": shared - 0.1,
                    "shared_high": shared + 0.1,
                    "residual": 1 - unique - shared,
                    "residual_low": 0.0,
                    "residual_high": 0.2,
                    "reason": None,
                }
            )
            parts = {"marginal": z, "incremental": both - b, "residualised": z - 0.08, "matched": z - 0.02}
            incremental.append(
                {"task": "nscb", "candidate": name, "baseline": baseline, "reason": None, **parts}
                | {
                    f"{key}_{end}": value + sign * 0.07
                    for key, value in parts.items()
                    for end, sign in (("low", -1), ("high", 1))
                }
            )
        shares.append(
            {
                "task": "nscb",
                "candidate": name,
                "baseline": "texture",
                "unique": None,
                "shared": None,
                "residual": None,
                "reason": "the interval of what both explain includes 0",
            }
        )
        for nuisance, role, metric, at in (
            ("cell count", "mediator", "R2", 0.0),
            ("plate", "confounder", "balanced accuracy", 0.018),
            ("well row", "confounder", "balanced accuracy", 0.125),
        ):
            score = float(rng.uniform(0.1, 0.7))
            confounders.append(
                {
                    "candidate": name,
                    "nuisance": nuisance,
                    "role": role,
                    "metric": metric,
                    "score": score,
                    "low": score - 0.06,
                    "high": score + 0.05,
                    "chance": at,
                    "reason": None,
                }
            )
        for ablation, kept in (
            ("pixels shuffled", 0.41),
            ("patches shuffled", 0.78),
            ("blurred, sigma 4", 0.92),
            ("background only", 0.05),
            ("nuclei only", None),
        ):
            kept = None if kept is None else float(kept + rng.normal(0, 0.04))
            ablations.append(
                {
                    "candidate": name,
                    "ablation": ablation,
                    "score": None if kept is None else chance + kept * (z - chance),
                    "retained": kept,
                    "reason": "no masks of nuclei" if kept is None else None,
                }
            )
        values = z - 0.12 + 0.16 * np.sin(np.linspace(0.2, 2.6, 8)) + rng.normal(0, 0.01, 8)
        layers += [
            {
                "candidate": name,
                "layer": f"block {index + 1}",
                "score": float(v),
                "low": float(v - 0.07),
                "high": float(v + 0.07),
                "nested_choice": index == 5,
            }
            for index, v in enumerate(values)
        ]
    shown = list(models)
    alike = embeddings(rng, shown[:12])
    for name, values in alike.items():
        spectrum = np.linalg.svd(values - values.mean(0), compute_uv=False)
        share = spectrum / spectrum.sum()
        geometry.append(
            {
                "candidate": name,
                "participation_ratio": float((spectrum**2).sum() ** 2 / (spectrum**4).sum()),
                "rank_me": float(np.exp(-(share * np.log(share)).sum())),
                "mean_cosine": float(rng.uniform(0, 0.9)),
                "hubness": float(rng.uniform(0.2, 4)),
                "duplicates": 0,
                "constant": int(rng.integers(0, 4)),
            }
        )
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
                "query": {
                    "thumbnail": cell(rng, query),
                    "compound": compound,
                    "mechanism": mechanism,
                    "well": "B02",
                },
                "neighbours": [
                    {
                        "thumbnail": cell(rng, meta.index(one)) if rng.random() < 0.9 else None,
                        "compound": one[0],
                        "mechanism": one[1],
                        "distance": float(rng.uniform(0.05, 0.4)),
                        "correct": one[1] == mechanism,
                    }
                    for one in near
                ],
            }
        )
    return {
        "micrographia_result": 1,
        "title": "Mechanism of action in BBBC021",
        "question": "Does the representation hold the mechanism of a compound beyond intensity and cell density?",
        "protocol": {
            "name": "bbbc021",
            "unit": "compound",
            "crossed": ["week"],
            "delta": DELTA,
            "seed": 0,
            "tasks": [
                {
                    "name": "nscb",
                    "primary": "accuracy of the nearest neighbour",
                    "exclude": ["compound", "week"],
                }
            ],
            "nuisances": {"cell count": "mediator", "plate": "confounder"},
        },
        "protocol_sha256": "9f2b" * 16,
        "study": {
            "name": "BBBC021, feature-selected profiles",
            "source": "https://example.org/bbbc021",
            "licence": "CC0-1.0",
            "rows": 103,
            "notes": ["DMSO wells were used to normalise and are not scored."],
            "sha256": "ab" * 32,
        },
        "headline": [],
        "audit": {
            "verdict": "38 compounds can be told apart from chance, but weeks and mechanisms overlap only in part.",
            "findings": [
                {
                    "kind": "nested",
                    "text": "Two mechanisms occur in one week only.",
                    "numbers": {"mechanisms": 2, "items": 11},
                },
                {
                    "kind": "permutations",
                    "text": "Labels can be permuted among compounds in many ways.",
                    "numbers": {"distinct": 3.2e31},
                },
            ],
            "cannot": [
                "Whether eg5 inhibitors differ from cholesterol-lowering compounds: each occurs in one week only.",
                "Whether an order of mechanisms holds in other laboratories: there is one.",
            ],
        },
        "table": table,
        "comparisons": comparisons,
        "shares": shares,
        "confounders": confounders,
        "incremental": incremental,
        "rank_stability": {
            "tau": tau,
            "settings": settings,
            "orders": [[shown[index] for index in np.argsort(-values, kind="stable")] for values in noisy],
        },
        "ablations": ablations,
        "layers": layers,
        "similarity": {
            "names": list(alike),
            **{
                key: [[measure(a, b) for b in alike.values()] for a in alike.values()]
                for key, measure in (("cka", cka), ("rsa", rsa), ("procrustes", procrustes))
            },
        },
        "geometry": geometry,
        "untrusted": [
            {
                "metric": "recall above the 95th percentile",
                "embedding": "plate only",
                "score": 0.62,
                "chance": 0.05,
                "text": "Replicates share plates, so that an embedding of the plate alone finds them.",
            },
            {
                "metric": "silhouette of batches",
                "embedding": "constant rows",
                "score": 1.0,
                "chance": None,
                "text": "It is 1 where nothing differs.",
            },
        ],
        "examples": examples,
        "problems": [
            "42 rows have no mechanism: left out, not treated as one group.",
            "3 features are constant.",
        ],
        "provenance": {
            "versions": {"micrographia": "0.1.0", "numpy": "2.3.1"},
            "seed": 0,
            "command": "micrographia probe bbbc021 --out report/",
            "started": "2026-03-01T12:00:00Z",
            "seconds": 48.2,
            "cpu": "2 cores",
            "candidates": {name: {"file": f"{name}.parquet", "sha256": "cd" * 32} for name in names},
        },
    }


@cache
def full():
    """A result with something in every section."""
    return made(0, MODELS)


@cache
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


@cache
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
    return made(3, models)


@cache
def few():
    """A result that can tell nothing for want of groups: four donors."""
    rng = np.random.default_rng(2)
    table, comparisons = rows_of(
        rng,
        "stage",
        "Disease stage, linear probe, donors held out",
        MODELS,
        4,
        unit="donor",
        metric="balanced accuracy",
    )
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
