"""Draw the forest plots of the study from results of ``micrographia probe``.

python docs/pictures/make_study.py RESULT_FOLDER... --out docs/pictures
"""

import argparse
import json
import textwrap
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

COLOURS = {
    "candidate": "#0b6e75",
    "twin": "#cc79a7",
    "random": "#999999",
    "baseline": "#1b1f24",
    "layout": "#e69f00",
}
WORDS = {
    "candidate": "candidate",
    "twin": "untrained twins",
    "random": "random network or features",
    "baseline": "trivial baseline",
    "layout": "no pixels",
}


def main() -> None:
    """Draw one figure a result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for folder in options.results:
        result = json.loads((folder / "result.json").read_text())
        forest(result, options.out / f"study-{result['protocol']['name']}.png")


def forest(result: dict, path: Path) -> None:
    """Draw the scores of all contenders on two tasks, with intervals and chance."""
    plan = result["protocol"]
    first = next(iter(plan["transforms"]))
    tasks = [task for task in plan["tasks"] if task["kind"] != "reproducibility"][:2]
    figure, axes = plt.subplots(
        1, len(tasks), figsize=(9.6, 0.9 + 0.3 * 12), sharey=True, layout="constrained"
    )
    for place, (axis, task) in enumerate(zip(axes, tasks, strict=True)):
        rows = [
            row
            for row in result["table"]
            if (row["task"], row["transform"]) == (task["name"], first)
            and not row["metric"].endswith("matched control")
        ]
        rows = sorted(rows, key=lambda row: list(COLOURS).index(row["kind"]), reverse=True)
        low = min(0.0, *(row["low"] for row in rows if row["low"] is not None and row["low"] > -1))
        for at, row in enumerate(rows):
            colour = COLOURS[row["kind"]]
            if row["low"] is not None:
                axis.plot([max(row["low"], low), row["high"]], [at, at], color=colour, lw=1.6)
            axis.plot([max(row["score"], low)], [at], "o", color=colour, ms=6, clip_on=False)
        chance = (
            rows[-1]["chance_pipeline"] if rows[-1]["chance_pipeline"] is not None else rows[-1]["chance"]
        )
        if chance is not None:
            axis.axvline(chance, color="#777777", lw=0.9, ls=":")
        axis.set_yticks(range(len(rows)), [row["candidate"] for row in rows])
        role = "primary" if task["name"] == plan["primary"] else "exploratory"
        title = "\n".join(textwrap.wrap(rows[0]["task_title"], 46))
        axis.set_title(f"{title}\n{rows[0]['metric']}, {role}", fontsize=8.5, loc="left")
        axis.set_xlim(low - 0.02, 1.02)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8.5)
        if place == 0:
            kinds = dict.fromkeys(row["kind"] for row in reversed(rows))
            handles = [
                plt.Line2D([], [], color=COLOURS[kind], marker="o", label=WORDS[kind]) for kind in kinds
            ]
            handles.append(plt.Line2D([], [], color="#777777", ls=":", label="chance"))
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False, fontsize=8.5)
    figure.savefig(path, dpi=150, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
