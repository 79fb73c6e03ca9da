"""A ranking as one picture: scores with intervals for every dataset, beside the true scores where there are labels."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.metadata.files import write_whole

INK, ACCENT, SECOND, QUIET = "#1b1f24", "#0b6e75", "#d55e00", "#8a939d"
MOST = 12
"""Datasets that are drawn; of more the first."""


def write_rank_figure(result: Mapping[str, Any], target: Path) -> Path:
    """Draw a ranking as PNG, whole or not at all, and return where.

    Parameters
    ----------
    result
        The document that ``micrographia segment rank`` writes.
    target
        The file; an older one is replaced.
    """
    write_whole(target, rank_figure(result))
    return target


def rank_figure(result: Mapping[str, Any]) -> bytes:
    """Return a ranking as PNG.

    A row a dataset: on the left scores with intervals, the first place on top; on the right, where there are labels,
    the true F1 over the score.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rankings = result["rankings"][:MOST]
    labelled = any(model["true"] for ranking in rankings for model in ranking["models"])
    heights = [0.9 + 0.27 * max(2, len(ranking["models"])) for ranking in rankings]
    if labelled:
        heights = [max(2.6, height) for height in heights]
    figure = Figure(
        figsize=(9.5 if labelled else 7.0, sum(heights) + 0.2),
        dpi=130,
        layout="constrained",
        facecolor="white",
    )
    FigureCanvasAgg(figure)
    places = figure.subplots(
        len(rankings), 2 if labelled else 1, squeeze=False,
        gridspec_kw={"height_ratios": heights, "width_ratios": [1.6, 1] if labelled else [1]},
    )  # fmt: skip
    for row, ranking in zip(places, rankings, strict=True):
        _forest(row[0], ranking)
        if labelled:
            _against(row[1], ranking)
    held = io.BytesIO()
    figure.savefig(held, format="png", metadata={"Software": "Micrographia"})
    return held.getvalue()


def _forest(axes: Any, ranking: Mapping[str, Any]) -> None:
    models = ranking["models"]
    for at, model in enumerate(models):
        y = len(models) - 1 - at
        ranked = model["rank"] is not None
        if model["score_low"] is not None and model["score_high"] is not None:
            axes.plot([model["score_low"], model["score_high"]], [y, y], color=ACCENT, linewidth=2)
        if model["score"] is not None:
            face = ACCENT if ranked else "white"
            axes.plot(
                [model["score"]],
                [y],
                "o",
                markersize=6,
                markerfacecolor=face,
                markeredgecolor=ACCENT if ranked else QUIET,
            )
        if not ranked:
            axes.annotate(
                f"  not ranked: {model['status']}",
                (model["score"] or 0.0, y),
                color=QUIET,
                fontsize=8,
                va="center",
            )
    axes.set_yticks(range(len(models)), [_short(model["key"]) for model in models[::-1]])
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("score: consistency beyond control", fontsize=9)
    axes.set_title(_short(ranking["title"], 60), loc="left", fontsize=10, color=INK)
    _plain(axes)


def _against(axes: Any, ranking: Mapping[str, Any]) -> None:
    shown = [model for model in ranking["models"] if model["true"] and model["score"] is not None]
    if not shown:
        axes.set_axis_off()
        return
    for model in shown:
        ranked = model["rank"] is not None
        axes.plot(
            [model["score"]], [model["true"]["f1"]], "o", markersize=6,
            markerfacecolor=SECOND if ranked else "white", markeredgecolor=SECOND if ranked else QUIET,
        )  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("score", fontsize=9)
    axes.set_ylabel("true F1 at IoU 0.5", fontsize=9)
    truth = ranking["truth"]
    if truth and truth["tau"] is not None:
        axes.set_title(f"tau {truth['tau']:.2f}, p {truth['p']:.2g}", loc="left", fontsize=9, color=INK)
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.tick_params(labelsize=8.5, colors=INK)
    axes.grid(axis="x", color="#e9edef", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _short(text: str, most: int = 30) -> str:
    # A dollar sign would begin a formula.
    return (text if len(text) <= most else f"{text[: most - 1]}…").replace("$", r"\$")
