"""How training went: the numbers as JSON, and a picture of them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import write_whole

NUMBERS, PICTURE = "curves.json", "curves.png"
INK, ACCENT, SECOND, QUIET = "#1b1f24", "#0b6e75", "#d55e00", "#8a939d"


def write_curves(
    folder: Path, history: Sequence[Mapping[str, Any]], *, best_at: int, title: str, early: bool
) -> list[Path]:
    """Write ``curves.json`` and ``curves.png``.

    Parameters
    ----------
    folder
        Where.
    history
        A row an evaluation, as the trainer keeps it.
    best_at
        Number of the row whose weights were kept.
    title
        Of the picture.
    early
        Whether training stopped before all steps were taken.

    Raises
    ------
    DatasetError
        If they cannot be written.
    """
    document = {
        "kind": "micrographia training curves",
        "format": 1,
        "title": title,
        "best": best_at,
        "stopped_early": early,
        "evaluations": [dict(row) for row in history],
    }
    write_whole(folder / NUMBERS, json.dumps(document, indent=1) + "\n")
    picture = folder / PICTURE
    temporary = picture.with_name(f".{PICTURE}.{os.getpid()}")
    temporary.write_bytes(_drawn(history, best_at, title))
    temporary.replace(picture)
    return [folder / NUMBERS, picture]


def _drawn(history: Sequence[Mapping[str, Any]], best_at: int, title: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    loss, score = figure.subplots(1, 2)
    steps = [row["step"] for row in history]
    marks: dict[str, Any] = {"marker": "o", "markersize": 3} if len(history) < 3 else {}
    learned, held_out = (
        [row["train"]["loss"] for row in history],
        [row["validation_loss"] for row in history],
    )
    loss.plot(steps, learned, color=ACCENT, label="training", **marks)
    loss.plot(steps, held_out, color=SECOND, label="validation", **marks)
    loss.legend(frameon=False, fontsize=9, labelcolor=INK)
    loss.set_ylim(bottom=0)
    loss.set_ylabel("loss")
    values = [row["validation_f1"] for row in history]
    score.plot(steps, values, color=SECOND, **marks)
    score.plot([steps[best_at]], [values[best_at]], "o", color=INK, markersize=5)
    score.set_ylim(0, 1)
    high = values[best_at] > 0.5
    score.annotate(
        f"kept: {values[best_at]:.3f} at step {steps[best_at]:,}",
        (steps[best_at], values[best_at]),
        xytext=(0, -14 if high else 10),
        textcoords="offset points",
        ha="right" if steps[best_at] > steps[-1] / 2 else "left",
        va="top" if high else "bottom",
        color=INK,
        fontsize=9,
    )
    score.set_ylabel("validation F1 at IoU 0.5, before tuning")
    for axes in (loss, score):
        axes.set_xlim(0, max(steps) * 1.02)
        axes.set_xlabel("step")
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(QUIET)
        axes.tick_params(colors=INK, labelsize=8)
        axes.grid(axis="y", color="#e6e9ec", linewidth=0.8)
        axes.set_axisbelow(True)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
