"""A result on disk: everything that is needed to look at it, to cite it and to repeat it."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from micrographia import __version__
from micrographia.errors import ProtocolError
from micrographia.metadata.files import write_whole

FORMAT = 1
RESULT, TABLE, COMPARISONS = "result.json", "table.parquet", "comparisons.parquet"
PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "pandas", "scikit-image", "torch", "transformers")
TOLERANCE = 1e-6
"""Scores of a repeated result may differ by this much: matrix products are not the same on every machine."""


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numbers finite or None, arrays as lists, names as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(held) for held in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def provenance(seed: int, command: Sequence[str], seconds: float) -> dict[str, Any]:
    """Return what the result was made with."""
    return {
        "micrographia": __version__,
        "python": platform.python_version(),
        "system": platform.platform(aliased=True, terse=True),
        "cpu": platform.machine(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "seed": seed,
        "command": list(command),
        "seconds": round(seconds, 2),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def write_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write a result: ``result.json``, and its two tables as Parquet. Each appears whole or not at all.

    Parameters
    ----------
    result
        The document.
    folder
        Where to; made if it is not there.

    Returns
    -------
    Path
        The JSON file.
    """
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    for name, key in ((TABLE, "table"), (COMPARISONS, "comparisons")):
        write_whole(folder / name, pd.DataFrame(list(result[key])).to_parquet(index=False))
    path = folder / RESULT
    write_whole(path, (json.dumps(plain(result), indent=1, ensure_ascii=False) + "\n").encode())
    return path


def read_result(path: Path) -> dict[str, Any]:
    """Read a result.

    Raises
    ------
    ProtocolError
        If there is none, or it is none.
    """
    place = path / RESULT if path.is_dir() else path
    try:
        document = json.loads(place.read_bytes())
    except OSError as error:
        raise ProtocolError(place, f"cannot be read: {error.strerror}", "Name a result.json") from error
    except ValueError as error:
        raise ProtocolError(place, "is no JSON", "Name a result.json that `probe` wrote") from error
    if not isinstance(document, dict) or "micrographia_result" not in document:
        raise ProtocolError(place, "is no result", "Name a result.json that `probe` wrote")
    if document["micrographia_result"] != FORMAT:
        said = document["micrographia_result"]
        raise ProtocolError(place, f"is a result of format {said!r}; this is {FORMAT}", "Update Micrographia")
    return document


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in sentences in what a repeated result differs; empty if they agree.

    Scores may differ by :data:`TOLERANCE`; verdicts may not differ.
    """
    told = []
    if before["protocol_sha256"] != after["protocol_sha256"]:
        told.append("The protocol is another one.")
    if before["study"].get("sha256") != after["study"].get("sha256"):
        told.append("The data are not the same: their checksum differs.")
    keys = ("task", "metric", "transform", "candidate")
    told += _changed(before["table"], after["table"], keys, ("score", "low", "high", "chance"), ())
    keys = ("task", "transform", "candidate", "against")
    told += _changed(before["comparisons"], after["comparisons"], keys, ("difference", "p"), ("verdict",))
    return told


def _changed(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    numbers: Sequence[str],
    words: Sequence[str],
) -> list[str]:
    then = {tuple(row[key] for key in keys): row for row in before}
    now = {tuple(row[key] for key in keys): row for row in after}
    told = [f"{', '.join(map(str, key))}: is missing now." for key in then if key not in now]
    told += [f"{', '.join(map(str, key))}: is new." for key in now if key not in then]
    for key, row in then.items():
        other = now.get(key, row)
        for name in words:
            if row.get(name) != other.get(name):
                told.append(f"{', '.join(map(str, key))}: {name} was {row.get(name)}, is {other.get(name)}.")
        for name in numbers:
            if not _same(row.get(name), other.get(name)):
                told.append(f"{', '.join(map(str, key))}: {name} was {row.get(name)}, is {other.get(name)}.")
    return told


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))
