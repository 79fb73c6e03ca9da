"""The result of a transfer matrix on disk: to look at, to cite and to repeat."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from micrographia.metadata.files import write_whole
from micrographia.representation.evaluation.result import plain
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.training.usage import FOLDER, usage_record, write_record

KIND, FORMAT = "segmentation matrix", 1
RESULT, TABLE = "result.json", "scores.parquet"
TOLERANCE = 1e-6
"""Scores of a repeated result may differ by this much: networks are not the same to the last bit on every machine."""


def write_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write ``result.json`` and one row for every score as Parquet; each appears whole or not at all.

    Returns
    -------
    Path
        The JSON file.
    """
    document = plain(result)
    return write_document(document, rows(document), TABLE, folder)


def write_usage(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a usage record for every model on every dataset that it could be scored on; baselines are not use.

    Returns
    -------
    list
        The files, each named by the checksum of what it holds.
    """
    datasets = {entry["key"]: entry for entry in result["datasets"]}
    models = {entry["key"]: entry for entry in result["models"] if not entry["baseline"]}
    written = []
    for cell in result["cells"]:
        model, score = models.get(cell["model"]), cell["scores"][result["primary"]]
        if model is None or score["value"] is None:
            continue
        record = usage_record(
            datasets[cell["dataset"]],
            {name: str(model[name]) for name in ("name", "version", "sha256")},
            "evaluation of instance segmentation",
            {
                "name": result["primary"],
                "value": score["value"],
                "low": score["low"],
                "high": score["high"],
                "on": f"{cell['n_images'] - cell['n_failed']} images of {cell['dataset']}",
                "seen": cell["status"],
            },
            result["created"],
        )
        written.append(write_record(folder / FOLDER, record))
    return written


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row for every model, dataset and metric."""
    return [
        {
            "model": cell["model"],
            "dataset": cell["dataset"],
            "metric": metric,
            **{name: score.get(name) for name in VALUES},
            "status": cell["status"],
            "n_images": cell["n_images"],
            "n_failed": cell["n_failed"],
            "n_groups": cell["n_groups"],
            "reason": score["reason"] or "",
        }
        for cell in result["cells"]
        for metric, score in cell["scores"].items()
    ]


def read_result(path: Path) -> dict[str, Any]:
    """Read a result.

    Raises
    ------
    SegmentationError
        If there is none, or it is none.
    """
    return read_document(path, KIND, FORMAT, "transfer matrix", "segment evaluate")


def read_document(path: Path, kind: str, newest: int, noun: str, command: str) -> dict[str, Any]:
    """Read a result of a kind, given how people call it and which command writes it.

    Raises
    ------
    SegmentationError
        If there is none, or it is none.
    """
    place = path / RESULT if path.is_dir() else path
    remedy = f"Name a result.json of `{command}`"
    try:
        document = json.loads(place.read_bytes())
    except OSError as error:
        raise SegmentationError(place, f"cannot be read: {error.strerror}", remedy) from error
    except ValueError as error:
        raise SegmentationError(place, "is no JSON", remedy) from error
    if not isinstance(document, dict) or document.get("kind") != kind:
        raise SegmentationError(place, f"is no {noun}", remedy)
    said = document.get("format")
    if said != newest:
        raise SegmentationError(
            place, f"is a {noun} of format {said!r}; this is {newest}", "Update Micrographia"
        )
    return document


def write_document(
    result: Mapping[str, Any], table: Sequence[Mapping[str, Any]], name: str, folder: Path
) -> Path:
    """Write ``result.json`` and a table as Parquet; each appears whole or not at all. Returns the JSON file."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / name, pd.DataFrame(list(table)).to_parquet(index=False))
    path = folder / RESULT
    write_whole(path, (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in sentences in what a repeated matrix differs; empty if both agree.

    Scores may differ by :data:`TOLERANCE`; times and memory are not compared.
    """
    told = []
    for kind, name in (("models", "sha256"), ("datasets", "content_sha256")):
        then = {entry["key"]: entry.get(name) for entry in before[kind]}
        now = {entry["key"]: entry.get(name) for entry in after[kind]}
        told += [f"{key} is missing now." for key in then if key not in now]
        told += [f"{key} is new." for key in now if key not in then]
        told += [
            f"{key} is another one: its checksum differs."
            for key in then
            if key in now and then[key] != now[key]
        ]
    then_cells, now_cells = _by_place(before["cells"]), _by_place(after["cells"])
    for place, cell in then_cells.items():
        other = now_cells.get(place)
        if other is not None:
            told += [f"{place[0]} on {place[1]}: {text}" for text in _cell(cell, other)]
    return told


def _by_place(cells: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(cell["model"], cell["dataset"]): cell for cell in cells}


def _cell(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    told = [
        f"{name} was {before[name]}, is {after[name]}."
        for name in ("status", "n_images", "n_failed", "n_groups", "counts")
        if before[name] != after[name]
    ]
    for metric, score in before["scores"].items():
        other = after["scores"].get(metric, {})
        told += [
            f"{metric}, {name}, was {score[name]}, is {other.get(name)}."
            for name in VALUES
            if not _same(score.get(name), other.get(name))
        ]
    verdicts = {row["baseline"]: row["verdict"] for row in after["versus"]}
    told += [
        f"against {row['baseline']} it {row['verdict']}, and now: {verdicts.get(row['baseline'])}."
        for row in before["versus"]
        if verdicts.get(row["baseline"]) != row["verdict"]
    ]
    return told


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))


VALUES = ("value", "low", "high", "image_weighted", "image_weighted_low", "image_weighted_high")
