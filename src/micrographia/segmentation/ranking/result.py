"""The result of a ranking on disk: to look at, to cite and to repeat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.representation.evaluation.result import plain
from micrographia.segmentation.evaluation.result import read_document, write_document

KIND, FORMAT = "segmentation ranking", 1
TABLE = "ranking.parquet"
TOLERANCE = 1e-6
"""Numbers of a repeated result may differ by this much: networks are not the same to the last bit on every machine."""


def write_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write ``result.json``, and one row for every model, dataset and variation as Parquet; each whole or not at all.

    Returns
    -------
    Path
        The JSON file.
    """
    document = plain(result)
    return write_document(document, rows(document), TABLE, folder)


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row for every model, dataset and variation: what was shown, and how far predictions agreed."""
    found = []
    for ranking in result["rankings"]:
        for model in ranking["models"]:
            shared = {
                "dataset": ranking["key"],
                "model": model["key"],
                "status": model["status"],
                "rank": model["rank"],
                "low": model["low"],
                "high": model["high"],
                "score": model["score"],
            }
            for kind, name in (("perturbation", "by_perturbation"), ("control", "controls")):
                found += [
                    {**shared, "kind": kind, "variation": variation, "agreement": value}
                    for variation, value in model[name].items()
                ]
    return found


def read_result(path: Path) -> dict[str, Any]:
    """Read a result.

    Raises
    ------
    SegmentationError
        If there is none, or it is none.
    """
    return read_document(path, KIND, FORMAT, "ranking", "segment rank")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in sentences in what a repeated ranking differs; empty if both agree.

    Numbers may differ by :data:`TOLERANCE`; places, what is ranked and why may not. Times are not compared.
    """
    told = []
    then = {one["key"]: one["sha256"] for one in before["models"]}
    now = {one["key"]: one["sha256"] for one in after["models"]}
    told += _keys(then, now, "model")
    told += [
        f"{key} is another model: its checksum differs."
        for key in then
        if now.get(key, then[key]) != then[key]
    ]
    first = {one["key"]: one for one in before["rankings"]}
    second = {one["key"]: one for one in after["rankings"]}
    told += _keys(first, second, "dataset")
    for key, one in first.items():
        other = second.get(key)
        if other is None:
            continue
        if one["pixels_sha256"] != other["pixels_sha256"]:
            told.append(f"{key} has other images: their checksum differs.")
        told += [f"{key}, {text}" for text in _models(one["models"], other["models"])]
        told += [f"{key}, labels: {text}" for text in _values(one["truth"] or {}, other["truth"] or {})]
    return told


def _keys(then: Mapping[str, Any], now: Mapping[str, Any], what: str) -> list[str]:
    return [
        *(f"The {what} {key} is missing now." for key in then if key not in now),
        *(f"The {what} {key} is new." for key in now if key not in then),
    ]


def _models(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    now = {one["key"]: one for one in after}
    kept = (
        "status",
        "why",
        "rank",
        "low",
        "high",
        "score",
        "score_low",
        "score_high",
        "consistency",
        "control",
    )
    return [
        f"{one['key']}: {text}"
        for one in before
        if one["key"] in now
        for text in _values({name: one[name] for name in kept}, now[one["key"]])
    ]


def _values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    told = []
    for name, value in before.items():
        other = after.get(name)
        if isinstance(value, Mapping):
            told += [f"{name} {text}" for text in _values(value, other or {})]
        elif not _same(value, other):
            told.append(f"{name} was {value}, is {other}.")
    return told


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(a == b)
