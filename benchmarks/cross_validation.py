"""Train the reference model in turn without each part of the fields of DSB 2018, and score it on that part.

The domains of one stain are divided by field into parts; a network learns from the other parts (and stops by some of
their fields), the classical baselines are tuned on the same fields. Every image is so scored once, by models that have
seen nothing of its field, and all fields tell together whether the network is better than the best baseline.

    python benchmarks/cross_validation.py --data FOLDER/dsb2018 --out transfer
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia.dataset import open_dataset
from micrographia.dataset.manifest import NAME
from micrographia.loading.roles import channel_roles
from micrographia.segmentation.models import segmenter
from micrographia.segmentation.models.running import segment
from micrographia.segmentation.models.unet import load_unet
from micrographia.segmentation.scoring import PairRecord, compare_models, score_pair, scores
from transfer import command, prepare

STAIN = "fluorescence"
UNIT = "field"
BASELINES = ("otsu", "local", "log")
DELTA = 0.02


def divide(dataset: Path, out: Path, parts: int) -> list[Path]:
    """Make copies of the dataset, files linked, that differ in which fields are for testing."""
    table = pd.read_csv(dataset / NAME, sep="\t", dtype=str, keep_default_na=False)
    table = table[table["group:stain"] == STAIN]
    part_of: dict[str, int] = {}
    for _, rows in table.groupby("group:domain"):
        fields = sorted(
            set(rows[f"group:{UNIT}"]), key=lambda name: hashlib.sha256(name.encode()).hexdigest()
        )
        part_of |= {name: at % parts for at, name in enumerate(fields)}
    folders = []
    for part in range(parts):
        folder = out / f"fold{part}"
        folders.append(folder)
        if (folder / NAME).exists():
            continue
        shutil.copytree(dataset, folder, copy_function=os.link)
        (folder / NAME).unlink()
        own = table.copy()
        own["split"] = ["test" if part_of[name] == part else "train" for name in own[f"group:{UNIT}"]]
        own.to_csv(folder / NAME, sep="\t", index=False)
    return folders


def trained(folder: Path, steps: int) -> Path:
    """Train on a part, unless that was done."""
    place = folder.with_name(folder.name.replace("fold", "unet"))
    if not (place / "model.yaml").exists():
        command(
            "segment", "train", folder, "--unit", UNIT, "--share", 0.15, "--steps", steps, "--precision", "mixed",
            "--name", "unet", "--out", place, *(["--resume"] if place.exists() else []),
        )  # fmt: skip
    return place


def scored(folder: Path, model: Path) -> dict[str, dict[str, PairRecord]]:
    """Return model to test image to what is kept of it, baselines with the settings that were tuned for this part."""
    result = folder.with_name(folder.name.replace("fold", "matrix"))
    if not (result / "result.json").exists():
        command(
            "segment", "evaluate", "--models", model, "--datasets", folder, "--by", "stain", "--unit", UNIT,
            "--out", result, "--cache", folder.parent / "cache",
        )  # fmt: skip
    told = json.loads((result / "result.json").read_text("utf-8"))["models"]
    models: dict[str, Any] = {"unet": load_unet(model)}
    for name in BASELINES:
        (settings,) = (one["settings"] for one in told if one["key"].startswith(f"{name}, tuned"))
        models[name] = segmenter(name).with_settings(settings)
    dataset = open_dataset(folder)
    found: dict[str, dict[str, PairRecord]] = defaultdict(dict)
    for image in dataset.image_ids:
        if dataset.image_split(image) != "test":
            continue
        truth = np.squeeze(dataset.masks(image)[0].image.read())
        roles = channel_roles(dataset, image)
        for name, one in models.items():
            with dataset.image(image) as pixels:
                labels = np.squeeze(segment(one, pixels, roles=roles).labels)
            found[name][image] = score_pair(truth, labels, boundary=False, objects=False)
    return found


def main() -> None:
    """Divide, train, score, compare."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument(
        "--data", type=Path, required=True, help="folder of DSB 2018 with images, labels, index.csv"
    )
    options.add_argument("--out", type=Path, default=Path("transfer"), help="folder of datasets and models")
    options.add_argument("--parts", type=int, default=3, help="parts that the fields are divided into")
    options.add_argument("--steps", type=int, default=3500, help="batches that each network learns from")
    chosen = options.parse_args()
    dataset = chosen.out / "dsb2018"
    prepare(chosen.data, dataset)
    folders = divide(dataset, chosen.out / "cv", chosen.parts)
    records: dict[str, dict[str, PairRecord]] = defaultdict(dict)
    for folder in folders:
        for name, kept in scored(folder, trained(folder, chosen.steps)).items():
            records[name] |= kept
    opened = open_dataset(dataset)
    groups = {image: opened.image_groups(image)[UNIT] for image in records["unet"]}
    domains = {image: opened.image_groups(image)["domain"] for image in groups}
    rows = []
    for where in ("all", *sorted(set(domains.values()))):
        images = [image for image in groups if where in ("all", domains[image])]
        for weighting in ("pooled", "image"):
            kept = {
                name: scores({image: held[image] for image in images}, "f1@0.5", groups, weighting)
                for name, held in records.items()
            }
            best = max(BASELINES, key=lambda name: kept[name].score)
            found = compare_models(kept["unet"], kept[best], delta=DELTA)
            rows.append(
                {
                    "domain": where,
                    "weighting": weighting,
                    "images": len(images),
                    "groups": len({groups[image] for image in images}),
                    **{name: round(one.score, 3) for name, one in kept.items()},
                    "difference": f"{found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f})",
                    "p": round(found.p, 4),
                    "verdict": found.verdict.value,
                }
            )
    table = pd.DataFrame(rows)
    table.to_csv(chosen.out / "cross_validation.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
