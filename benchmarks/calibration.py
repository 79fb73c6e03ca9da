"""How often a verdict is wrong, and which signals are found: on wells that all got DMSO, and on made features.

    python benchmarks/calibration.py --data FOLDER [--draws 400] [--json FILE] [--figure FILE]

Three parts. (1) Real nulls: plates of BBBC021's DMSO wells get meaningless classes, whole plates a class; profiles
are held against intensity. (2) Made nulls: two unrelated sets of features of 4, 6, 9, 12 and 50 groups. In both,
every *beats* and *loses* is an error, and at most 5% of the draws may give *beats*. (3) Power: a signal of growing
strength is planted into the profiles of the DMSO wells alone. The false alarms of the verdicts themselves, over many
kinds of items and designs, are counted by ``calibration_verdicts.py``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from _peers import machine, table
from micrographia.representation.adapters.registry import load
from micrographia.representation.evaluation.calibration import Calibration, calibrate
from micrographia.representation.profiles import Profiles
from micrographia.statistics import Verdict

GROUPS = (4, 6, 9, 12, 50)
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
WORDS = ("beats", "loses", "equivalent", "undecided", "too few groups")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("MICROGRAPHIA_DATA"),
        help="folder that holds bbbc021_profiles; $MICROGRAPHIA_DATA by default",
    )
    parser.add_argument("--draws", type=int, default=400, help="draws of labels for each line")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--figure", type=Path, help="draw the power curve into this PNG or SVG")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of the real data with --data")
    study = load("bbbc021", options.data / "bbbc021_profiles")
    wells = study.controls
    profiles, intensity = study.candidates["profiles"].take(wells), study.baselines["intensity"].take(wells)
    plates = profiles.meta["plate"].nunique()
    lines: dict[str, list[Calibration]] = {
        f"DMSO against DMSO, {profiles.n} wells, {plates} plates": [
            calibrate(profiles, intensity, "plate", draws=options.draws)
        ]
    }
    for groups in GROUPS:
        lines[f"made features, {groups} groups"] = [
            calibrate(*unrelated(groups), "group", classes=2, draws=options.draws)
        ]
    for strength in STRENGTHS[1:]:
        found = calibrate(profiles, intensity, "plate", strength=strength, draws=options.draws)
        lines[f"DMSO, planted {strength:g}"] = [found]
    rows = [
        {"labels": name, "mean difference": f"{one.mean_difference:+.3f}"}
        | {word: f"{one.share(Verdict(word)):.3f}" for word in WORDS}
        for name, (one,) in lines.items()
    ]
    print(json.dumps(machine()))
    print(table(rows, {name: name for name in ("labels", *WORDS, "mean difference")}))
    if options.json:
        document = {
            name: {"verdicts": one.verdicts, "draws": one.draws, "mean_difference": one.mean_difference}
            for name, (one,) in lines.items()
        }
        options.json.write_text(json.dumps({"machine": machine(), "lines": document}, indent=1) + "\n")
    if options.figure:
        power = [lines[name][0] for name in lines if name.startswith(("DMSO against", "DMSO, planted"))]
        draw(power, options.figure)


def unrelated(groups: int, wells: int = 6, d: int = 24) -> tuple[Profiles, Profiles]:
    """Return two sets of features that know nothing of each other; wells of a group are alike in both."""
    random = np.random.default_rng(groups)
    meta = pd.DataFrame({"group": np.repeat([f"g{at:02d}" for at in range(groups)], wells)})
    made = []
    for name in ("candidate", "baseline"):
        shared = np.repeat(random.normal(size=(groups, d)), wells, axis=0)
        values = shared + random.normal(size=(groups * wells, d))
        made.append(Profiles(values, meta, tuple(f"f{at}" for at in range(d)), name))
    return made[0], made[1]


def draw(power: list[Calibration], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
    strength = [one.strength for one in power]
    for word, colour in (("beats", "#0b6e75"), ("undecided", "#999999"), ("equivalent", "#e69f00")):
        axes.plot(strength, [one.share(Verdict(word)) for one in power], "o-", color=colour, label=word)
    axes.axhline(0.05, color="#1b1f24", lw=0.8, ls=":")
    axes.annotate("5%", (strength[-1], 0.06), ha="right", fontsize=8)
    axes.set(
        xlabel="planted signal (share of the features' spread)", ylabel="share of draws", ylim=(-0.02, 1.02)
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=160, metadata={"Software": None} if path.suffix == ".png" else {"Date": None})


if __name__ == "__main__":
    main()
