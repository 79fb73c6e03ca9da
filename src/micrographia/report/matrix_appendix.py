"""The rest of the page of the transfer matrix: every score, training data, ledger, failed images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from micrographia.report import matrix_words as told
from micrographia.report import probe_words as words
from micrographia.report.matrix_result import (
    Cell,
    Matrix,
    Model,
    Row,
    listed,
    mapping,
    number,
    text,
    texts,
)

Parts = dict[str, Any]

FAILED = 200
"""Rows of failed images that are listed; all are in the download."""

ACROSS = 8
"""Metrics that stand side by side in a table."""

COUNTS = (
    ("n_truth", "Objects"),
    ("tp", "Hits"),
    ("fn", "Missed"),
    ("fp", "False"),
    ("merges", "Merges"),
    ("splits", "Splits"),
)


def scores(matrix: Matrix) -> Parts:
    """Return every metric of every cell: for each dataset tables of as many metrics as there is room for."""
    names = [str(name) for name in mapping(matrix.result, "metrics")]
    names += [str(name) for cell in matrix.cells.values() for name in mapping(cell.row, "scores")]
    names = sorted(dict.fromkeys(names), key=lambda name: name != matrix.primary)
    metrics = {name: mapping(mapping(matrix.result, "metrics"), name) for name in names}
    tables = []
    for dataset in matrix.datasets:
        held = [cell for model in matrix.models if (cell := matrix.cell(model, dataset)).row]
        if held:
            shown = [
                name
                for name in names
                if any(_score(cell, name).get("value") is not None for cell in held) or name == matrix.primary
            ]
            tables.append(
                {
                    "title": dataset.title,
                    "parts": [_table(matrix, held, part, metrics) for part in _parts(shown)],
                    "notes": _notes(held, shown, metrics),
                }
            )
    formulas = [
        {
            "title": _title(name, metrics),
            "formula": text(row.get("formula")),
            "better": "lower is better" if row.get("higher_is_better") is False else "",
        }
        for name, row in metrics.items()
        if text(row.get("formula"))
    ]
    return {"tables": tables, "formulas": formulas}


def _title(name: str, metrics: Mapping[str, Row]) -> str:
    title = text(metrics[name].get("title")) or name
    return title[:1].upper() + title[1:]


def _notes(cells: Sequence[Cell], names: Sequence[str], metrics: Mapping[str, Row]) -> list[str]:
    """Return what limits the intervals, and why a number is not there that others of its row are."""
    scored = [cell for cell in cells if cell.value is not None]
    made = [cell.reason for cell in scored if cell.reason]
    for name in names:
        for cell in scored:
            row = _score(cell, name)
            reason = text(row.get("reason"))
            if number(row.get("value")) is None and reason:
                made.append(f"{_title(name, metrics)} of {cell.model.name}: {reason}")
    return list(dict.fromkeys(made))


def _parts(names: Sequence[str]) -> list[list[str]]:
    """Return metrics as groups that fit side by side; the last has room for the counts."""
    made = [list(names[start : start + ACROSS]) for start in range(0, len(names), ACROSS)]
    return made if made and len(made[-1]) + len(COUNTS) <= ACROSS + 3 else [*made, []]


def _table(matrix: Matrix, cells: Sequence[Cell], names: Sequence[str], metrics: Mapping[str, Row]) -> Parts:
    counts = [label for _, label in COUNTS] if len(names) + len(COUNTS) <= ACROSS + 3 else []
    return {
        "metrics": [{"title": _title(name, metrics), "primary": name == matrix.primary} for name in names],
        "counts": counts,
        "rows": [_row(cell, names, counted=bool(counts)) for cell in cells],
    }


def training(matrix: Matrix) -> list[Parts]:
    """Return what models, then baselines, were trained on, and what the licences of that ask for."""
    if not matrix.models:
        return []
    return [
        {"folded": False, "rows": _trained(matrix.candidates)},
        {"folded": bool(matrix.candidates), "rows": _trained(matrix.baselines)},
    ]


def _trained(models: Sequence[Model]) -> list[Parts]:
    made = []
    for model in models:
        label, asks = told.licence_words(text(model.row.get("licence")))
        data = []
        for row in listed(model.row, "trained_on"):
            licence, wants = told.licence_words(text(row.get("licence")))
            version = text(row.get("version"))
            data.append(
                {
                    "title": text(row.get("title")) or text(row.get("accession")) or "without a title",
                    "accession": text(row.get("accession")),
                    "version": f"version {version}" if version else "",
                    "sha256": text(row.get("content_sha256"))[:12],
                    "licence": licence,
                    "asks": wants,
                }
            )
        size = number(model.row.get("pixel_size"))
        tuned = text(model.row.get("tuned_on"))
        made.append(
            {
                "name": model.name,
                "version": text(model.row.get("version")),
                "sha256": text(model.row.get("sha256"))[:12],
                "input": ", ".join(
                    [*texts(model.row, "channel_roles"), *([f"{size:.3g} µm a pixel"] if size else [])]
                ),
                "target": told.target_line(model.row) or ("" if model.baseline else "not stated"),
                "licence": "" if model.baseline else label,
                "asks": [] if model.baseline else asks,
                "data": data,
                "none": f"tuned on {tuned}"
                if tuned
                else "nothing to train"
                if model.baseline
                else "not stated: what it has seen is unknown",
            }
        )
    return made


def ledger(matrix: Matrix) -> Parts:
    """Return what is known of each model having seen each dataset, what taints a score first."""
    rows = _judged(matrix, matrix.candidates)
    return {
        "tainted": [row for row in rows if row["status"] != "clean"],
        "clean": [row for row in rows if row["status"] == "clean"],
        "baselines": _judged(matrix, matrix.baselines),
    }


def _judged(matrix: Matrix, models: Sequence[Model]) -> list[Parts]:
    order = {word: place for place, word in enumerate(("seen", "same source", "unknown", "clean"))}
    held = [matrix.cell(model, dataset) for model in models for dataset in matrix.datasets]
    return [
        {
            "model": cell.model.name,
            "dataset": cell.dataset.title,
            "status": cell.status,
            "slug": cell.status.replace(" ", "-"),
            "mark": told.MARKS[cell.status],
            "reason": text(cell.row.get("status_reason")) or "no reason is stated",
        }
        for cell in sorted((cell for cell in held if cell.row), key=lambda cell: order[cell.status])
    ]


def datasets(matrix: Matrix) -> list[Parts]:
    """Return what was evaluated on."""
    made = []
    for dataset in matrix.datasets:
        row = dataset.row
        licence, asks = told.licence_words(text(row.get("licence")))
        size = number(row.get("pixel_size"))
        column = text(row.get("group_column"))
        made.append(
            {
                "title": dataset.title,
                "domain": dataset.domain,
                "images": words.count(row.get("n_images")),
                "objects": words.count(row.get("n_objects")),
                "groups": words.count(row.get("n_groups")),
                "column": column.removeprefix("group:") if column else "no groups stated",
                "size": "not stated" if size is None else f"{size:.3g}",
                "target": told.target_line(row) or "not stated",
                "licence": licence,
                "asks": asks,
                "sha256": text(row.get("content_sha256"))[:12],
            }
        )
    return made


def failed(matrix: Matrix) -> Parts:
    """Return the images that a model could not be scored on, with the reason; equal reasons of a cell are told once."""
    rows = []
    for cell in matrix.cells.values():
        reasons: dict[str, list[str]] = {}
        for row in listed(cell.row, "failures"):
            reasons.setdefault(text(row.get("reason")) or "no reason is stated", []).append(
                text(row.get("image"))
            )
        rows += [
            {
                "model": cell.model.name,
                "dataset": cell.dataset.title,
                "reason": reason,
                "count": len(images),
                "images": ", ".join(images[:3])
                + (f" and {len(images) - 3:,} more" if len(images) > 3 else ""),
            }
            for reason, images in reasons.items()
        ]
    return {
        "rows": rows[:FAILED],
        "more": max(0, len(rows) - FAILED),
        "count": sum(row["count"] for row in rows),
    }


def _score(cell: Cell, name: str) -> Row:
    return mapping(mapping(cell.row, "scores"), name)


def _row(cell: Cell, names: Iterable[str], *, counted: bool) -> Parts:
    values = []
    for name in names:
        row = _score(cell, name)
        decimals = min(3, words.places([{**row, "score": row.get("value")}]))
        values.append(
            {
                "value": words.fixed(row.get("value"), decimals),
                "interval": span if (span := words.interval(row, decimals)) != words.NONE else "",
            }
        )
    counts = mapping(cell.row, "counts") if cell.value is not None else {}
    return {
        "name": cell.model.name,
        "grey": cell.model.baseline,
        "status": "" if cell.model.baseline else cell.status,
        "mark": told.MARKS[cell.status],
        "numbers": values,
        "counts": [words.count(counts.get(key)) for key, _ in COUNTS] if counted else [],
        "reason": cell.reason if cell.value is None else "",
    }
