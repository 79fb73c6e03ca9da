"""Does the order without labels agree with the true one? On simulated fields with known truth, and on dsb2018.

Run with ``python benchmarks/ranking.py [--data FOLDER] [--images 12] [--out FOLDER]``; the folder of real data is also
taken from ``$MICROGRAPHIA_DATA``. Ranked are twelve settings of three classical methods, chosen before anything was
measured (the second, fifth, ninth and fourteenth of each method's list of settings), and two rules that look at no
pixel. The usual measure of agreement was chosen on other images and other settings, which ``--development`` shows.
Domains of dsb2018 are divided by hidden groups (images of one field), and intervals are by these.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as Picture

from micrographia.checks.fields import propose_groups, write_groups
from micrographia.checks.pixel_facts_image import measure_image
from micrographia.dataset import open_dataset
from micrographia.segmentation.models.registry import segmenter
from micrographia.segmentation.ranking.checking import check_all
from micrographia.segmentation.ranking.measuring import Plan
from micrographia.segmentation.ranking.ordering import Ruling
from micrographia.segmentation.ranking.perturbations import parse
from micrographia.segmentation.ranking.request import Request, rank
from micrographia.segmentation.ranking.result import write_result
from micrographia.segmentation.ranking.scenes import Choice
from micrographia.simulation import DNA, Cells, Nuisance, Optics, simulate_field

DOMAINS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"cells": Cells(density=0.15, touching=0.2)},
    "dim": {"cells": Cells(density=0.15, touching=0.2), "nuisance": Nuisance(intensity=0.08, background=2.0)},
    "crowded": {"cells": Cells(density=0.3, touching=0.7, gap=0.3)},
    "defocused": {"cells": Cells(density=0.2, touching=0.3), "optics": Optics(defocus=6.0, vignetting=0.5)},
}
"""Simulated domains: what differs from the microscope's defaults."""
DEVELOPED, CHOSEN = 8, (0, 5, 10, 15)
"""Images of a domain and settings of a method on which the measure was chosen, and on which nothing is reported."""
REPORTED = (1, 4, 8, 13)
"""Settings of a method that are reported on."""
PUBLISHED = ("fluo_256x256", "fluo_360x360", "fluo_520x696", "he_256x320")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("MICROGRAPHIA_DATA"))
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--development", action="store_true", help="the images and settings on which the measure was chosen"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = asked.out or Path(folder) / "out"
        first = 0 if asked.development else 500
        places = simulated(Path(folder), asked.images, first)
        if asked.data:
            places += published(Path(asked.data) / "dsb2018", Path(folder), asked.images, asked.development)
        results = {}
        for place in places:
            results[place.name] = ranked(place, out / place.name, asked)
            print(f"{place.name}: done", file=sys.stderr, flush=True)
    report(results)


def simulated(folder: Path, images: int, first: int) -> list[Path]:
    """Write the simulated domains as datasets."""
    for domain, (name, options) in enumerate(DOMAINS.items()):
        for kind in ("images", "masks"):
            (folder / name / kind).mkdir(parents=True)
        for number in range(first, first + images):
            field = simulate_field((224, 224), seed=1000 * domain + number, channels=(DNA,), **options)
            Picture.fromarray(field.image[0]).save(folder / name / "images" / f"{number:03d}.png")
            nuclei = field.labels["nuclei"].astype(np.uint16)
            Picture.fromarray(nuclei).save(folder / name / "masks" / f"{number:03d}.png")
        described(folder / name)
    return [folder / name for name in DOMAINS]


def published(source: Path, folder: Path, images: int, development: bool) -> list[Path]:
    """Copy some images of every domain of dsb2018, evenly from its list, with the groups that nobody stated."""
    index = pd.read_csv(source / "index.csv").sort_values("name")
    for domain in PUBLISHED:
        rows = index[index["domain"] == domain]
        seen = _evenly(len(rows), DEVELOPED)
        if not development:
            rows = rows.iloc[np.setdiff1d(np.arange(len(rows)), seen)]
        rows = rows.iloc[_evenly(len(rows), images)]
        for kind, origin in (("images", "images"), ("masks", "labels")):
            (folder / domain / kind).mkdir(parents=True)
            for name in rows["name"]:
                (folder / domain / kind / f"{name}.png").write_bytes(
                    (source / origin / f"{name}.png").read_bytes()
                )
        described(folder / domain)
        dataset = open_dataset(folder / domain)
        write_groups(
            dataset,
            propose_groups({one: measure_image(dataset.image(one), one)[0] for one in dataset.image_ids}),
        )
    return [folder / domain for domain in PUBLISHED]


def _evenly(n: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, wanted).round().astype(int))


def described(place: Path) -> None:
    """Make a folder a dataset."""
    program = [sys.executable, "-c", "from micrographia.cli import main; raise SystemExit(main())"]
    subprocess.run([*program, "describe", str(place)], check=True, capture_output=True)


def ranked(place: Path, out: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Rank the family of models on a dataset."""
    models = {}
    for method in ("otsu", "local", "log"):
        model: Any = segmenter(method)
        for number, settings in enumerate(model.settings_grid(16)):
            if number in (CHOSEN if asked.development else REPORTED):
                models[f"{method} {number + 1}"] = model.with_settings(settings)
    models |= {"one": segmenter("one"), "nothing": segmenter("nothing")}
    request = Request(
        (),
        (place,),
        Choice(group="field" if place.name in PUBLISHED else None),
        Plan(perturbations=parse((), strength=asked.strength)),
        Ruling(),
        out,
    )
    result = rank(request, segmenters=models, workers=1)
    write_result(result, out)
    return result


def numbers(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return models as they were before JSON made null of what is no number."""
    return [
        {
            name: {key: math.nan if one is None else one for key, one in held.items()}
            if name in ("by_measure", "by_kind")
            else math.nan
            if held is None and name in ("score", "consensus")
            else held
            for name, held in entry.items()
        }
        for entry in entries
    ]


def report(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what was found, a row a dataset, and the orders pooled."""
    columns = [
        "images", "groups", "decided", "ranked", "tau", "p", "rho", "regret", "blind", "consensus",
        "its regret", "taken", "best",
    ]  # fmt: skip
    table = {}
    for name, result in results.items():
        one = result["rankings"][0]
        truth = one["truth"]
        table[name] = [
            len(one["used"]), one["n_groups"], one["decided"], truth["n_models"], truth["tau"], truth["p"],
            truth["spearman"], truth["regret"], truth["regret_random"], truth["consensus"],
            truth["regret_consensus"], truth["taken"], truth["best"],
        ]  # fmt: skip
    print(pd.DataFrame.from_dict(table, "index", columns=columns).round(3).to_string())
    for kind, names in (("simulated", tuple(DOMAINS)), ("dsb2018", PUBLISHED), ("all", tuple(results))):
        held = [numbers(results[name]["rankings"][0]["models"]) for name in names if name in results]
        print(f"pooled, {kind}: {json.dumps(check_all(held))}")
    for where in ("by_measure", "by_kind"):
        held = {name: result["rankings"][0]["truth"][where] for name, result in results.items()}
        print("\ntau", where)
        print(pd.DataFrame.from_dict(held, "index").astype(float).round(2).to_string())
    print()
    for name, result in results.items():
        print(name)
        for model in result["rankings"][0]["models"]:
            score = math.nan if model["score"] is None else model["score"]
            print(
                f"  {model['key']:<10} {model['status']:<10} score {score:.3f}  places {model['low']}-{model['high']}"
                f"  true F1 {model['true']['f1']:.3f} mean F1 {model['true']['mean_f1']:.3f}"
                f"  consistency {model['consistency']:.3f} control {model['control']:.3f}"
                f"  with others {math.nan if model['consensus'] is None else model['consensus']:.3f}"
                f"  mean_f1 agreement {model['by_measure']['mean_f1']:.3f}"
            )


if __name__ == "__main__":
    main()
