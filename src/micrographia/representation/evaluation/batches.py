"""How much of each representation is batch: neighbours, silhouettes and the robustness index, label against batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrographia.protocols import Protocol
from micrographia.representation.batch.lisi import lisi, scaled_chance, scaled_clisi, scaled_ilisi
from micrographia.representation.batch.robustness import robustness_index
from micrographia.representation.batch.silhouette import batch_silhouette, silhouette
from micrographia.representation.evaluation.contenders import Field
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.table import Board

NEIGHBOURS = 10
"""Neighbours that the robustness index looks at."""


def batch_column(protocol: Protocol) -> str:
    """Return the column that is the batch: what the unit is crossed with first, else the first nuisance of columns."""
    named = [*protocol.crossed, *(one.column for one in protocol.nuisances if one.column)]
    return named[0] if named else ""


def batch_measures(
    rows: Rows, field: Field, board: Board, protocol: Protocol, workers: int | None = None
) -> list[dict[str, Any]]:
    """Return what tells label and batch apart in each representation, after the primary transform.

    Neighbours of the same group of the unit are left out of the robustness index: they are alike for both reasons.
    """
    task, column = protocol.primary_task, batch_column(protocol)
    if task.kind in ("regression", "known_pairs") or not column:
        return []
    label, batch, unit = (rows.column(name) for name in (task.label, column, protocol.unit))
    known = np.flatnonzero([a is not None and b is not None for a, b in zip(label, batch, strict=True)])
    found = []
    for one in field:
        values = board.prepared[protocol.primary_transform, one.name][0].values[known]
        mixed = lisi(values, batch[known], seed=protocol.seed, workers=workers)
        pure = lisi(values, label[known], seed=protocol.seed, workers=workers)
        robust = robustness_index(
            values, label[known], batch[known], NEIGHBOURS, exclude=[unit[known]], seed=protocol.seed
        )
        reasons = (mixed.reason, pure.reason, robust.reason)
        found.append(
            {
                "candidate": one.name,
                "label": task.label,
                "batch": column,
                "ilisi": scaled_ilisi(mixed),
                "ilisi_chance": scaled_chance(mixed),
                "clisi": scaled_clisi(pure),
                "clisi_chance": 1 - scaled_chance(pure),
                "silhouette_label": _mean(silhouette(values, label[known], workers=workers).values),
                "silhouette_batch": _mean(
                    batch_silhouette(values, batch[known], label[known], workers=workers).values
                ),
                "robustness_index": robust.index,
                "robustness_chance": robust.chance,
                **{f"share_{name.lower()}": share for name, share in robust.shares.items()},
                "reason": "; ".join(dict.fromkeys(text for text in reasons if text)),
            }
        )
    return found


def _mean(values: Any) -> float:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if len(kept) else float("nan")
