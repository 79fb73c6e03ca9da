"""Made results of the transfer matrix: plausible numbers from a seed, claims about no model that exists."""

import hashlib
from itertools import pairwise

import numpy as np

THRESHOLDS = [round(0.5 + 0.05 * step, 2) for step in range(10)]
METRICS = {
    "f1@0.5": {
        "title": "F1 at IoU 0.5",
        "higher_is_better": True,
        "formula": "2 TP / (2 TP + FP + FN), pooled over the images of a group",
    },
    "map": {
        "title": "Average precision",
        "higher_is_better": True,
        "formula": "mean over thresholds of TP / (TP + FP + FN)",
    },
    "pq": {
        "title": "Panoptic quality",
        "higher_is_better": True,
        "formula": "sum of IoU / (TP + FP/2 + FN/2)",
    },
    "are": {
        "title": "Adapted Rand error",
        "higher_is_better": False,
        "formula": "1 - harmonic mean of Rand precision and recall over foreground",
    },
}
TARGETS = {
    "nucleus": {"object": "nucleus", "touching": "separate objects", "border": "kept"},
    "cell": {"object": "cell", "touching": "separate objects", "border": "kept", "membrane_included": True},
    "whole": {"object": "nucleus", "touching": "separate objects", "border": "removed"},
}
DATASETS = (
    ("fluo256", "Nuclei, 256 x 256", "fluorescence", 92, 18, 0.65, "nucleus", "CC0-1.0"),
    ("fluo360", "Nuclei, 360 x 360", "fluorescence", 16, 8, None, "nucleus", "CC0-1.0"),
    ("fluo520", "Nuclei, 520 x 696", "fluorescence", 36, 12, 0.325, "whole", "CC0-1.0"),
    ("he", "H&E tiles", "histology", 30, 4, 0.25, "nucleus", "CC-BY-NC-4.0"),
    ("ovule", "Ovule membranes, 3D", "plant", 12, 7, 0.2, "cell", "MIT"),
)
MODELS = (
    # key, name, skill by domain, baseline, tuned on, licence, datasets trained on, seconds per megapixel, peak MB
    ("unet-256", "unet-256", (0.9, 0.35, 0.2), False, None, "CC0-1.0", ["fluo256"], 0.42, 310),
    (
        "unet-mixed",
        "unet-mixed",
        (0.87, 0.66, 0.3),
        False,
        None,
        "CC-BY-NC-4.0",
        ["fluo256", "he"],
        0.45,
        325,
    ),
    ("unet-he", "unet-he", (0.55, 0.72, 0.1), False, None, "CC-BY-NC-4.0", ["he"], 0.44, 318),
    ("outside", "outside model", (0.84, 0.6, 0.62), False, None, "", None, 3.9, 1840),
    ("otsu", "Otsu + watershed", (0.74, 0.38, 0.22), True, "training groups", "", [], 0.08, 96),
    ("local", "Local threshold", (0.66, 0.46, 0.2), True, "training groups", "", [], 0.21, 120),
    ("log", "LoG", (0.6, 0.4, 0.12), True, "training groups", "", [], 0.3, 150),
    ("one", "One object", (0.02, 0.01, 0.01), True, None, "", [], 0.01, 60),
    ("nothing", "Nothing", (0.0, 0.0, 0.0), True, None, "", [], 0.01, 60),
)
DOMAINS = ("fluorescence", "histology", "plant")


def sha(word):
    return hashlib.sha256(word.encode()).hexdigest()


def full(seed=7):
    """Four models and five baselines on five datasets, with every part of a result."""
    return build(MODELS, DATASETS, seed)


def large(models=20, datasets=30, seed=3):
    """Many models and datasets: the page must still be readable."""
    draw = np.random.default_rng(seed)
    domains = ["fluorescence", "histology", "plant", "phase contrast", "electron microscopy"]
    many = tuple(
        (
            f"set{n}",
            f"{domains[n * len(domains) // datasets].capitalize()} collection {n + 1}",
            domains[n * len(domains) // datasets],
            int(draw.integers(8, 300)),
            int(draw.integers(3, 40)),
            [None, 0.1, 0.25, 0.65][n % 4],
            ["nucleus", "cell", "whole"][n % 3],
            ["CC0-1.0", "CC-BY-4.0", "CC-BY-NC-SA-4.0", "", "as agreed by e-mail"][n % 5],
        )
        for n in range(datasets)
    )
    crowd = tuple(
        (
            f"model{n}",
            f"network-{n + 1:02d}" + ("-with-a-rather-long-name-of-its-training" if n == 3 else ""),
            tuple(draw.uniform(0.2, 0.93, len(domains))),
            False,
            None,
            ["CC0-1.0", "CC-BY-NC-4.0", "", "CC-BY-SA-4.0"][n % 4],
            [f"set{int(m)}" for m in draw.choice(datasets, min(datasets, 2), replace=False)]
            if n % 5
            else None,
            float(draw.uniform(0.1, 9)),
            float(draw.uniform(100, 6000)),
        )
        for n in range(models)
    )
    base = tuple((*row[:2], (*row[2], *row[2][:2]), *row[3:]) for row in MODELS if row[3])
    return build(crowd + base, many, seed, domains=domains)


def few(seed=5):
    """One model, one baseline, one dataset of four groups: nothing can be told; a cell without a score."""
    made = build((MODELS[0], MODELS[4]), (DATASETS[3], DATASETS[4]), seed)
    cell = next(row for row in made["cells"] if row["model"] == "unet-256" and row["dataset"] == "ovule")
    gone = {
        "value": None,
        "low": None,
        "high": None,
        "reason": "the model is 2D, the images are 3D",
        "image_weighted": None,
    }
    cell |= {
        "scores": dict.fromkeys(METRICS, gone),
        "versus": [],
        "curve": {"f1": [None] * 10},
        "n_failed": 12,
        "failures": [
            {"image": f"ovule_{n:03d}", "reason": "the model is 2D, the images are 3D"} for n in range(12)
        ],
    }
    return made


def minimal():
    """As little as a result may hold."""
    return {"kind": "segmentation matrix", "format": 1}


def build(models, datasets, seed, *, domains=DOMAINS):
    """Return a result of these models and datasets."""
    draw = np.random.default_rng(seed)
    held = {row[0]: _dataset(row, draw) for row in datasets}
    cells = [_cell(model, row, held[row[0]], domains, draw) for model in models for row in datasets]
    _compare(cells, models, held, draw)
    keys = [row[0] for row in models if not row[3]]
    return {
        "kind": "segmentation matrix",
        "format": 1,
        "created": "2026-03-01T10:00:00Z",
        "title": "Nuclei across microscopes",
        "headline": [],
        "primary": "f1@0.5",
        "metrics": METRICS,
        "thresholds": THRESHOLDS,
        "models": [_model(row, held) for row in models],
        "datasets": list(held.values()),
        "cells": cells,
        "rank_intervals": _ranks(cells, models, held),
        "failure": _failure(cells, held, draw),
        "examples": _examples(cells, keys, held, draw),
        "provenance": {
            "versions": {"micrographia": "0.1.0", "numpy": "2.2.0", "python": "3.11.9"},
            "seed": seed,
            "command": ["segment", "evaluate", "--models", *keys, "otsu", "--datasets", *held],
            "started": "2026-03-01T09:31:12Z",
            "seconds": 1724.0,
            "cpu": {"cores": 2},
        },
    }


def _model(row, held):
    key, name, _, baseline, tuned, licence, trained, _, _ = row
    target = TARGETS["nucleus"]
    return {
        "key": key,
        "name": name,
        "version": "1",
        "sha256": sha(key),
        "baseline": baseline,
        "tuned_on": tuned,
        "channel_roles": ["nucleus"] if not baseline else ["any"],
        "pixel_size": None if baseline else 0.5,
        "target": target,
        "licence": licence,
        "trained_on": [
            {
                "title": held[other]["title"],
                "accession": f"S-{other.upper()}",
                "content_sha256": held[other]["content_sha256"],
                "licence": held[other]["licence"],
            }
            for other in trained or []
            if other in held
        ],
    }


def _dataset(row, draw):
    key, title, domain, images, groups, size, target, licence = row
    return {
        "key": key,
        "title": title,
        "content_sha256": sha(key),
        "domain": domain,
        "n_images": images,
        "n_objects": int(images * draw.integers(15, 90)),
        "group_column": "group:slide" if domain == "histology" else "hidden group",
        "n_groups": groups,
        "pixel_size": size,
        "target": TARGETS[target],
        "licence": licence,
    }


def _cell(model, row, dataset, domains, draw):
    skill = model[2][domains.index(row[2])]
    value = float(np.clip(skill + draw.normal(0, 0.03), 0, 0.98)) if skill else 0.0
    half = float(0.28 / np.sqrt(row[4]) * (value * (1 - value)) ** 0.5)
    few_groups = row[4] < 6
    low, high = (None, None) if few_groups else (max(0.0, value - half), min(1.0, value + 0.8 * half))
    reason = f"{row[4]} groups; an interval needs 6" if few_groups else None
    scores = {
        name: {
            "value": value * share if METRICS[name]["higher_is_better"] else 1 - value,
            "low": None if low is None else low * share if METRICS[name]["higher_is_better"] else 1 - high,
            "high": None if low is None else high * share if METRICS[name]["higher_is_better"] else 1 - low,
            "reason": reason,
            "image_weighted": value * share * 0.98,
        }
        for name, share in (("f1@0.5", 1.0), ("map", 0.62), ("pq", 0.78), ("are", 1.0))
    }
    truth = dataset["n_objects"]
    hits = round(truth * value)
    false = 0 if not value else round(0.2 * (truth - hits))
    failures = []
    if model[0] == "outside" and row[0] == "fluo360":
        failures = [
            {"image": "plate_b_017", "reason": "the model raised ValueError: negative dimensions"},
            {"image": "plate_b_021", "reason": "the image holds NaN"},
        ]
    status, why = _status(model, row)
    notes = []
    if row[6] == "cell" and not model[3]:
        notes.append("the model finds nuclei, the dataset outlines cells with their membrane")
    if row[6] == "whole" and not model[3]:
        notes.append("objects cut by the border are kept by the model and were removed from the dataset")
    return {
        "model": model[0],
        "dataset": row[0],
        "status": status,
        "status_reason": why,
        "notes": notes,
        "n_images": row[3],
        "n_failed": len(failures),
        "n_groups": row[4],
        "scores": scores,
        "counts": {
            "tp": hits,
            "fp": false,
            "fn": truth - hits,
            "merges": false // 4,
            "splits": false // 7,
            "n_truth": truth,
            "n_predicted": hits + false,
        },
        "curve": {
            "f1": [value * (1 - 1.1 * (t - 0.5) ** 1.4 - 0.9 * (t > 0.8) * (t - 0.8)) for t in THRESHOLDS]
        },
        "versus": [],
        "seconds_per_megapixel": model[7] * float(draw.uniform(0.85, 1.2)),
        "peak_mb": model[8] * float(draw.uniform(0.95, 1.1)),
        "failures": failures,
    }


def _status(model, row):
    if model[3]:
        return "clean", "tuned on training groups only; none of them is evaluated"
    if model[6] is None:
        return "unknown", "the model does not state what it was trained on"
    if row[0] in model[6]:
        return "seen", f"trained on this dataset: content hash {sha(row[0])[:12]} is in its card"
    if row[2] == "fluorescence" and any(key.startswith("fluo") for key in model[6]) and row[0] == "fluo360":
        return "same source", "3 of 16 images share a seam with images of the training data"
    return "clean", "no content hash, accession or fingerprint in common"


def _compare(cells, models, held, draw):
    scored = {(cell["model"], cell["dataset"]): cell for cell in cells}
    trivial = [row[0] for row in models if row[3]]
    for cell in cells:
        if cell["model"] in trivial or not trivial:
            continue
        best = max(trivial, key=lambda key: scored[key, cell["dataset"]]["scores"]["f1@0.5"]["value"])
        other = scored[best, cell["dataset"]]
        difference = cell["scores"]["f1@0.5"]["value"] - other["scores"]["f1@0.5"]["value"]
        groups = held[cell["dataset"]]["n_groups"]
        if groups < 6:
            cell["versus"] = [
                {
                    "baseline": best,
                    "difference": difference,
                    "low": None,
                    "high": None,
                    "p": None,
                    "verdict": "too few groups",
                    "reason": f"{groups} groups; a verdict needs 6",
                    "n_groups": groups,
                    "minimum_detectable": None,
                }
            ]
            continue
        half = float(0.3 / np.sqrt(groups) * draw.uniform(0.5, 1.2))
        word = "undecided"
        if difference - half > 0:
            word = "beats"
        elif difference + half < 0:
            word = "loses"
        elif abs(difference) + half < 0.05:
            word = "equivalent"
        cell["versus"] = [
            {
                "baseline": best,
                "difference": difference,
                "low": difference - half,
                "high": difference + half,
                "p": 0.001 if word in ("beats", "loses") else 0.3,
                "verdict": word,
                "reason": "",
                "n_groups": groups,
                "minimum_detectable": 1.4 * half,
            }
        ]


def _ranks(cells, models, held):
    rows = []
    for key, dataset in held.items():
        values = {
            cell["model"]: cell["scores"]["f1@0.5"]["value"] for cell in cells if cell["dataset"] == key
        }
        order = sorted(values, key=lambda name: -values[name])
        spread = 0 if len(models) < 3 else 1 + (dataset["n_groups"] < 10)
        for place, name in enumerate(order, 1):
            few_groups = dataset["n_groups"] < 6
            rows.append(
                {
                    "dataset": key,
                    "model": name,
                    "rank": place,
                    "low": None if few_groups else max(1, place - spread),
                    "high": None if few_groups else min(len(order), place + spread),
                }
            )
    return rows


def _failure(cells, held, draw):
    edges = {
        "size": [12, 60, 140, 260, 480, 1400],
        "density": [0, 0.5, 1, 2, 4],
        "pixel size": [0.1, 0.3, 0.7],
    }
    rows = []
    for cell in cells:
        value = cell["scores"]["f1@0.5"]["value"]
        for factor, ends in edges.items():
            if factor == "pixel size" and held[cell["dataset"]]["pixel_size"] is None:
                continue
            bins = []
            for place, (low, high) in enumerate(pairwise(ends)):
                bend = -0.35 * (place == 0) - 0.1 * (place == len(ends) - 2)
                n = int(held[cell["dataset"]]["n_objects"] / (2 + abs(place - 2)))
                recall = float(np.clip(value * (1 + bend) + draw.normal(0, 0.015), 0, 1))
                bins.append({"low": low, "high": high, "n": n, "recall": recall, "mean_iou": recall * 0.84})
            rows.append({"model": cell["model"], "dataset": cell["dataset"], "factor": factor, "bins": bins})
    return rows


def _examples(cells, keys, held, draw):
    rows = []
    for dataset in list(held)[:4]:
        for model in keys[:2]:
            cell = next(row for row in cells if row["model"] == model and row["dataset"] == dataset)
            value = cell["scores"]["f1@0.5"]["value"]
            for kind, score in (("worst", 0.5 * value), ("best", min(1.0, value * 1.08))):
                truth = int(draw.integers(12, 60))
                hits = round(truth * score)
                rows.append(
                    {
                        "model": model,
                        "dataset": dataset,
                        "image": f"{dataset}_{kind}_{model}",
                        "score": score,
                        "kind": kind,
                        "hits": hits,
                        "misses": truth - hits,
                        "false": int(0.2 * (truth - hits)),
                        "merges": int(0.2 * (truth - hits)),
                        "splits": int(0.1 * (truth - hits)),
                    }
                )
    return rows
