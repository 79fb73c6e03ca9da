"""Usage records: that a model was made from a version of a dataset, and how well it did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import write_whole

FOLDER = "usage"
KIND, FORMAT = "micrographia usage record", 1
CITED = ("title", "accession", "version", "content_sha256", "files_sha256")


def usage_record(
    dataset: Mapping[str, Any], model: Mapping[str, str], task: str, score: Mapping[str, Any], made: str
) -> dict[str, Any]:
    """Return the record of one use of one dataset.

    Parameters
    ----------
    dataset
        As :func:`~micrographia.segmentation.training.citation.cite` returns it.
    model
        ``name``, ``version``, ``sha256``.
    task
        What it was used for.
    score
        Name, value, and on what.
    made
        Date, ISO 8601, UTC.
    """
    return {
        "kind": KIND,
        "format": FORMAT,
        "dataset": {name: dataset.get(name, "") for name in CITED},
        "model": dict(model),
        "task": task,
        "score": dict(score),
        "made": made,
    }


def write_record(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write a record under the SHA-256 of its bytes, so that records of many people can be put together.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    text = record_text(record)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
    if not path.exists():
        write_whole(path, text)
    return path


def record_text(record: Mapping[str, Any]) -> str:
    """Return a record as its file holds it: the one text whose SHA-256 names it."""
    return json.dumps(dict(record), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
