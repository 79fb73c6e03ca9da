"""The heat map of the transfer matrix: a table whose cells hold score, interval, status, verdict and footnotes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from micrographia.report import matrix_words as told
from micrographia.report import probe_words as words
from micrographia.report.matrix_colours import code, colour, ink, legend
from micrographia.report.matrix_result import STATUSES, Cell, Matrix, Model, Target, number, text, texts

Parts = dict[str, Any]

ROOMY, DENSE = 7, 12
"""Datasets up to which a cell has room for its interval in words, and above which only for its score."""

DECIMALS = 2
"""Decimals of a cell at most; all are in the tables below."""

ABBREVIATED = {"clean": "", "same source": "same", "seen": "seen", "unknown": "?"}
"""Status words where a cell is narrow; a full cell says clean by itself."""


def heat_map(matrix: Matrix) -> Parts:
    """Return the heat map: columns grouped by domain, rows grouped into models and baselines, footnotes, legend."""
    scored = [cell for cell in matrix.cells.values() if cell.value is not None]
    decimals = min(DECIMALS, words.places([{**cell.score, "score": cell.value} for cell in scored]))
    low, high = _range(matrix)
    notes: dict[str, int] = {}
    shared = {dataset.key: _shared(matrix, dataset, notes) for dataset in matrix.datasets}
    dense = len(matrix.datasets) > DENSE
    groups = []
    for name, models in (("Models", matrix.candidates), ("Baselines", matrix.baselines)):
        rows = [
            {
                "name": _short_name(model),
                "full": model.name,
                "sub": _sub(model),
                "cells": [
                    _cell(
                        matrix, matrix.cell(model, dataset), (low, high), decimals, notes, shared, dense=dense
                    )
                    for dataset in matrix.datasets
                ],
            }
            for model in models
        ]
        if rows:
            groups.append({"name": name, "baseline": name == "Baselines", "rows": rows})
    used = {cell.status for cell in matrix.cells.values() if cell.row}
    return {
        "columns": [_column(dataset, shared[dataset.key]) for dataset in matrix.datasets],
        "domains": _domains(matrix.datasets),
        "groups": groups,
        "notes": [{"number": number, "text": note} for note, number in notes.items()],
        "density": "dense" if dense else "roomy" if len(matrix.datasets) <= ROOMY else "close",
        "low": words.fixed(low, 1),
        "high": words.fixed(high, 1),
        "ramp": legend() if matrix.candidates else "",
        "baselines": bool(matrix.baselines),
        "statuses": [
            {"word": word, "slug": _slug(word), "mark": told.MARKS[word], "meaning": told.MEANINGS[word]}
            for word in STATUSES
            if word in used
        ],
        "verdicts": _verdicts(matrix),
        "higher": matrix.higher,
    }


def _cell(
    matrix: Matrix,
    cell: Cell,
    ends: tuple[float, float],
    decimals: int,
    notes: dict[str, int],
    shared: Mapping[str, Mapping[str, int]],
    *,
    dense: bool,
) -> Parts:
    value = cell.value
    shown = words.fixed(value, decimals)
    span = words.interval(cell.score, decimals)
    against = matrix.best_baseline(cell.dataset)
    verdict = {} if cell.model.baseline else cell.against(against)
    word = words.verdict(verdict) if verdict else ""
    failed = int(number(cell.row.get("n_failed")) or 0)
    said = dict.fromkeys(note for note in _said(cell) if note not in shared[cell.dataset.key])
    marks = [notes.setdefault(note, len(notes) + 1) for note in said]
    place = None if value is None else (value - ends[0]) / (ends[1] - ends[0])
    if place is not None and not matrix.higher:
        place = 1.0 - place
    back = None if place is None or cell.model.baseline else colour(place)
    against_named = next(
        (model for model in matrix.baselines if model.key == text(verdict.get("baseline"))), against
    )
    return {
        "there": bool(cell.row),
        "value": shown.replace("0.", ".", 1) if dense and shown.startswith("0.") else shown,
        "interval": _range_text(span),
        "best": cell.model.baseline
        and value is not None
        and against is not None
        and value == matrix.cell(against, cell.dataset).value,
        "status": cell.status,
        "short": ABBREVIATED[cell.status],
        "slug": _slug(cell.status),
        "mark": told.MARKS[cell.status],
        "glyph": words.GLYPHS.get(word, ""),
        "word": word,
        "verdict": words.slug(word),
        "notes": marks,
        "failed": failed,
        "style": f"--c:{code(back)};--i:{ink(back)}" if back is not None else "",
        "label": told.cell_sentence(cell, shown, span, verdict, against_named),
    }


def _said(cell: Cell) -> list[str]:
    """Return what is to be said beside a score: what differs in the target, and what limits the number."""
    return [*texts(cell.row, "notes"), *([cell.reason] if cell.reason and cell.row else [])]


def _shared(matrix: Matrix, dataset: Target, notes: dict[str, int]) -> dict[str, int]:
    """Return the notes that every score of a column has, with their numbers: they stand in its head instead."""
    cells = [cell for model in matrix.models if (cell := matrix.cell(model, dataset)).value is not None]
    if len(cells) < 2:
        return {}
    common = [note for note in dict.fromkeys(_said(cells[0])) if all(note in _said(cell) for cell in cells)]
    return {note: notes.setdefault(note, len(notes) + 1) for note in common}


def _column(dataset: Target, shared: Mapping[str, int]) -> Parts:
    images, groups = number(dataset.row.get("n_images")), number(dataset.row.get("n_groups"))
    size = told.counted(int(images), "image") if images is not None else ""
    unit = told.counted(int(groups), "group") if groups is not None else ""
    return {"title": dataset.title, "images": size, "groups": unit, "notes": list(shared.values())}


def _domains(datasets: Sequence[Target]) -> list[Parts]:
    """Return how many columns each domain spans; nothing if that would tell nothing."""
    runs = [(name, len(list(held))) for name, held in groupby(dataset.domain for dataset in datasets)]
    if len(runs) < 2 or not any(name for name, _ in runs):
        return []
    return [{"name": name or "other", "span": span} for name, span in runs]


def _short_name(model: Model) -> str:
    """Return a name without what it was tuned on, which stands below it."""
    tuned = text(model.row.get("tuned_on"))
    return model.name.removesuffix(f", tuned on {tuned}") if tuned else model.name


def _sub(model: Model) -> str:
    if model.baseline:
        tuned = text(model.row.get("tuned_on"))
        return f"tuned on {tuned}" if tuned else "not tuned"
    size = number(model.row.get("pixel_size"))
    roles = texts(model.row, "channel_roles")
    parts = [" + ".join(roles)] if roles else []
    return ", ".join(parts + ([f"{size:.3g} µm a pixel"] if size is not None else []))


def _range(matrix: Matrix) -> tuple[float, float]:
    """Return the ends of the colours: the tenths around the scores of models and of the best baselines.

    Baselines that find nothing would press the others together; they take the colour of the end.
    """
    shown = [*matrix.cells.values()] if not matrix.candidates else []
    for dataset in matrix.datasets:
        best = matrix.best_baseline(dataset)
        shown += [matrix.cell(model, dataset) for model in [*matrix.candidates, *([best] if best else [])]]
    values = [cell.value for cell in shown if cell.value is not None]
    if not values:
        return 0.0, 1.0
    low, high = math.floor(min(values) * 10) / 10, math.ceil(max(values) * 10) / 10
    return (low, high) if high > low else (low, low + 0.1)


def _verdicts(matrix: Matrix) -> list[Parts]:
    """Return the verdict words that occur, for the legend."""
    used = {
        words.verdict(row)
        for cell in matrix.cells.values()
        if not cell.model.baseline and (row := cell.against(matrix.best_baseline(cell.dataset)))
    }
    meaning = {
        "beats": "beats the best tuned baseline",
        "loses": "loses to it",
        "equivalent": "equivalent",
        "undecided": "undecided",
        "too few groups": "too few groups to tell",
        "undefined": "undefined",
    }
    return [
        {"word": meaning[word], "slug": words.slug(word), "glyph": words.GLYPHS[word]}
        for word in meaning
        if word in used
    ]


def _range_text(span: str) -> str:
    """Return an interval in the least room; a dash between numbers could be read as a minus where there is one."""
    if span == words.NONE:
        return ""
    return span if "−" in span else span.replace(" to ", "–")


def _slug(status: str) -> str:
    return status.replace(" ", "-")
