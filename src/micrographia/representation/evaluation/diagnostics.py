"""What stands behind the scores: geometry, similarity, order of candidates, metrics that mislead, and examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia.images import Image
from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.batches import batch_column
from micrographia.representation.evaluation.contenders import Contender, Field
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.sets import sets_of
from micrographia.representation.evaluation.table import Board
from micrographia.representation.evaluation.tasks import score
from micrographia.representation.geometry.describe import describe
from micrographia.representation.geometry.rank_stability import rank_stability
from micrographia.representation.geometry.rsa import rsa
from micrographia.representation.geometry.self_test import self_test
from micrographia.representation.geometry.self_test import untrusted as worst_of
from micrographia.representation.geometry.similarity import linear_cka, procrustes
from micrographia.representation.retrieval.neighbours import nearest_neighbours

EXAMPLES, NEIGHBOURS = 6, 3
"""How many queries are shown, and how many neighbours of each."""
COMPONENTS = 20
"""Principal components in the variant of the primary task that reduces features."""
MOST_COMPARED = 16
"""Contenders in the matrices of similarity; a larger picture cannot be read."""


def geometry(field: Field, board: Board, protocol: Protocol) -> list[dict[str, Any]]:
    """Return the shape of each representation after the primary transform."""
    return [
        {"candidate": one.name, **describe(_first(board, one, protocol), seed=protocol.seed)} for one in field
    ]


def similarity(field: Field, board: Board, protocol: Protocol) -> dict[str, Any]:
    """Return how alike the representations are, pair by pair: debiased CKA, RSA, Procrustes distance."""
    chosen = list(field)[:MOST_COMPARED]
    values = [_first(board, one, protocol) for one in chosen]
    measures: dict[str, Callable[[Any, Any], float]] = {
        "cka": lambda a, b: float(linear_cka(a, b)),
        "rsa": lambda a, b: float(rsa(a, b, seed=protocol.seed)),
        "procrustes": lambda a, b: float(procrustes(a, b)),
    }
    found: dict[str, Any] = {"names": [one.name for one in chosen]}
    for name, measure in measures.items():
        matrix = np.full((len(chosen), len(chosen)), np.nan)
        for i, a in enumerate(values):
            for j, b in enumerate(values[: i + 1]):
                matrix[i, j] = matrix[j, i] = measure(a, b)
        found[name] = matrix.tolist()
    return found


def stability(
    table: list[dict[str, Any]],
    rows: Rows,
    field: Field,
    board: Board,
    protocol: Protocol,
    workers: int | None,
) -> dict[str, Any]:
    """Return how far settings agree on the order of contenders: tasks, transforms, variants of the primary task.

    Variants are other numbers of neighbours, distances or probes, and the primary task after a PCA.
    """
    frame = pd.DataFrame(
        [row for row in table if not row["metric"].endswith("matched control")],
        columns=["task", "transform", "candidate", "score"],
    )
    frame["setting"] = frame["task"] + (", " + frame["transform"] if len(protocol.transforms) > 1 else "")
    found = {
        str(name): dict(zip(part["candidate"], part["score"], strict=True))
        for name, part in frame.groupby("setting", sort=False)
    }
    for name, task, components in _variants(protocol.primary_task):
        found[f"{protocol.primary}, {name}"] = {
            one.name: score(
                _components(_first(board, one, protocol), components), task, rows, protocol, workers=workers
            ).scores.score
            for one in field
        }
    if len(list(field)) < 2:
        return {}
    return rank_stability(found).to_json()


def _variants(task: Task) -> list[tuple[str, Task, int]]:
    """Return variants of a task: name, task, and to how many principal components features are reduced (0: not)."""
    found = [(f"after PCA to {COMPONENTS}", task, COMPONENTS)]
    if task.kind == "nearest_neighbour":
        other = 5 if task.k != 5 else 1
        found.append((f"{other}-NN", task.model_copy(update={"k": other, "control_for": ""}), 0))
    if task.kind in ("nearest_neighbour", "retrieval", "recall", "known_pairs"):
        distance = "euclidean" if task.distance != "euclidean" else "cosine"
        found.append(
            (f"{distance} distance", task.model_copy(update={"distance": distance, "control_for": ""}), 0)
        )
    if task.kind in ("classification", "regression") and task.probe != "knn":
        found.append(("k-NN probe", task.model_copy(update={"probe": "knn"}), 0))
    return found


def _components(values: Any, count: int) -> Any:
    if not count or values.shape[1] <= count:
        return values
    centred = values - values.mean(axis=0)
    left, length, _ = np.linalg.svd(centred, full_matrices=False)
    return (left * length)[:, :count]


def untrusted(rows: Rows, field: Field, board: Board, protocol: Protocol) -> list[dict[str, Any]]:
    """Return the common metrics that an embedding without knowledge would have fooled, on these labels."""
    task = protocol.primary_task
    if task.kind in ("regression", "known_pairs"):
        return []
    labels = rows.column(task.label)
    batch = batch_column(protocol)
    values = _first(board, field.candidates[0], protocol)
    found = self_test(values, labels, rows.column(batch) if batch else None, seed=protocol.seed)
    return worst_of(found)


def examples(study_rows: Rows, field: Field, board: Board, protocol: Protocol) -> list[dict[str, Any]]:
    """Return queries of the first candidate with their nearest neighbours: as many right as wrong."""
    task = protocol.primary_task
    if task.kind not in ("nearest_neighbour", "retrieval", "recall"):
        return []
    values = _first(board, field.candidates[0], protocol)
    labels = study_rows.column(task.label)
    names = task.exclude or task.pos_diffby
    keys = sets_of(study_rows, list(names))
    usable = np.flatnonzero([label is not None for label in labels])
    count = min(NEIGHBOURS, len(usable) - 1)
    if count < 1:
        return []
    found, distances = nearest_neighbours(
        values[usable], count, task.distance, [keys[name].iloc[usable].tolist() for name in names] or None
    )
    right = np.array(
        [row[0] >= 0 and labels[usable[row[0]]] == labels[usable[at]] for at, row in enumerate(found)]
    )
    chosen = [*_spread(np.flatnonzero(~right), EXAMPLES // 2), *_spread(np.flatnonzero(right), EXAMPLES // 2)]
    return [
        {
            "query": _card(study_rows, int(usable[at]), task),
            "neighbours": [
                {
                    **_card(study_rows, int(usable[other]), task),
                    "distance": float(distances[at, place]),
                    "correct": bool(labels[usable[other]] == labels[usable[at]]),
                }
                for place, other in enumerate(found[at])
                if other >= 0
            ],
        }
        for at in chosen
    ]


def illustrate(shown: list[dict[str, Any]], images: Path | str, thumbnail: Callable[[Image], str]) -> None:
    """Put a small picture of its image beside every query and neighbour that has one."""
    from micrographia.dataset import open_dataset

    dataset = open_dataset(images)
    made: dict[str, str] = {}
    for card in (card for one in shown for card in (one["query"], *one["neighbours"])):
        name = card.get("image")
        if name is None:
            continue
        if name not in made:
            with dataset.image(name) as image:
                made[name] = thumbnail(image)
        card["thumbnail"] = made[name]


def _spread(rows: Any, count: int) -> list[int]:
    if not len(rows):
        return []
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [int(rows[at]) for at in np.unique(places)]


def _card(rows: Rows, at: int, task: Task) -> dict[str, Any]:
    shown = [
        name for name in (task.label, *task.exclude, "image", "plate", "well") if name in rows.meta.columns
    ]
    return {name: _text(rows.meta.iloc[at][name]) for name in dict.fromkeys(shown)} | {"thumbnail": None}


def _text(value: Any) -> str | None:
    return None if value is None or value != value else str(value)


def _first(board: Board, one: Contender, protocol: Protocol) -> Any:
    return board.prepared[protocol.primary_transform, one.name][0].values
