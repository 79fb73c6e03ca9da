"""Train the reference model on every domain of DSB 2018 and score all models on all domains, beside tuned baselines.

The dataset is described afresh in the folder of results: domains from its index, groups from seams between tiles, a
split by group inside every domain. Models learn from training groups and stop by validation groups; baselines are tuned
on the same images with one budget; every figure is of test groups, which nothing was chosen on. What is there already
is not made again.

    python benchmarks/transfer.py --data FOLDER/dsb2018 --out transfer
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

FLUORESCENCE = ("fluo_256x256", "fluo_360x360", "fluo_520x696")
STAINED = ("he_256x320",)
STAIN = {"fluo": "fluorescence", "he": "H&E"}
SHARES = {"train": 0.5, "val": 0.15, "test": 0.35}
FEWEST = 8
"""Domains with fewer groups are for testing only."""


def prepare(source: Path, folder: Path) -> None:
    """Describe the dataset: domain and field as groups, and a split of the fields of every domain."""
    from micrographia.checks.fields import write_groups
    from micrographia.checks.pixel_facts import gather_pixels
    from micrographia.dataset import open_dataset
    from micrographia.dataset.groups import assign_splits
    from micrographia.dataset.manifest import NAME

    if (folder / NAME).exists():
        return
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in ("images", "labels"):
        shutil.copytree(source / name, partial / name, copy_function=shutil.copyfile)
    shutil.copyfile(source / "index.csv", partial / "index.csv")
    command("describe", partial, "--group", "domain=index.csv:domain")
    dataset = open_dataset(partial)
    fields = gather_pixels(dataset).fields
    assert fields is not None
    write_groups(dataset, fields, "field")
    dataset = open_dataset(partial)
    splits: dict[str, str] = {}
    for domain in sorted({dataset.image_groups(image)["domain"] for image in dataset.image_ids}):
        own = {
            image: [dataset.image_groups(image)["field"]]
            for image in dataset.image_ids
            if dataset.image_groups(image)["domain"] == domain
        }
        few = len({field for (field,) in own.values()}) < FEWEST
        splits |= dict.fromkeys(own, "test") if few else assign_splits(own, SHARES)
    table = pd.read_csv(partial / NAME, sep="\t", dtype=str, keep_default_na=False)
    of = table["image"].where(table["image"] != "", table["source image"])
    table["split"] = [splits.get(image, "") for image in of]
    table.insert(
        list(table).index("group:domain"),
        "group:stain",
        table["group:domain"].map(lambda domain: STAIN.get(domain.split("_")[0], "")),
    )
    table.to_csv(partial / NAME, sep="\t", index=False)
    partial.rename(folder)


def command(*arguments: object) -> None:
    """Run micrographia."""
    line = [sys.executable, "-c", "import sys; from micrographia.cli import main; raise SystemExit(main())"]
    subprocess.run([*line, *map(str, arguments)], check=True)


def main() -> None:
    """Prepare, train, evaluate."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument(
        "--data", type=Path, required=True, help="folder of DSB 2018 with images, labels, index.csv"
    )
    options.add_argument(
        "--out", type=Path, default=Path("transfer"), help="folder of dataset, models and matrix"
    )
    options.add_argument(
        "--steps", type=int, default=600, help="batches that a model of one domain learns from"
    )
    options.add_argument(
        "--steps-all", type=int, default=4000, help="batches of the model of all fluorescence"
    )
    options.add_argument("--only", nargs="*", help="train only these models")
    options.add_argument("--no-evaluation", action="store_true", help="only train")
    chosen = options.parse_args()
    dataset = chosen.out / "dsb2018"
    prepare(chosen.data, dataset)
    trained = {domain: ((domain,), chosen.steps) for domain in (*FLUORESCENCE, *STAINED)}
    trained["fluo_all"] = (FLUORESCENCE, chosen.steps_all)
    for name, (domains, steps) in trained.items():
        place = chosen.out / "models" / name
        if (place / "model.yaml").exists() or (chosen.only and name not in chosen.only):
            continue
        more = ["--resume"] if place.exists() else []
        command(
            "segment", "train", dataset, "--only", f"domain={','.join(domains)}", "--unit", "field",
            "--steps", steps, "--precision", "mixed", "--name", f"unet-{name}", "--out", place, *more,
        )  # fmt: skip
    if not chosen.no_evaluation:
        models = [
            chosen.out / "models" / name
            for name in trained
            if (chosen.out / "models" / name / "model.yaml").exists()
        ]
        for column in ("stain", "domain"):
            command(
                "segment", "evaluate", "--models", *models, "--datasets", dataset, "--by", column, "--unit", "field",
                "--out", chosen.out / f"by-{column}", "--cache", chosen.out / "cache",
            )  # fmt: skip


if __name__ == "__main__":
    main()
