"""What was computed once, by content: a new model or a new dataset computes only what is new."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia import __version__
from micrographia.metadata.files import write_whole

FORMAT = 1
"""Changes when what a record holds changes; older entries are then computed again."""
LARGEST = 1 << 28
"""Predictions of more pixels are scored and not kept."""


class Cache:
    """A folder of entries, each named by the checksum of all that determines it.

    Parameters
    ----------
    folder
        Where entries lie; made when the first is written. It may be shared by several evaluations and users.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> dict[str, Any] | None:
        """Return an entry, or None if there is none that can be read."""
        try:
            found = json.loads(self._place(key, ".json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("key") == key else None

    def put(self, key: str, entry: Mapping[str, Any], labels: bytes | None = None) -> None:
        """Keep an entry and the prediction that it is about; whole or not at all."""
        place = self._place(key, ".json")
        place.parent.mkdir(parents=True, exist_ok=True)
        if labels is not None:
            write_whole(self._place(key, ".labels"), labels)
        write_whole(place, json.dumps({"key": key, **entry}, separators=(",", ":")).encode())

    def labels(self, key: str) -> npt.NDArray[np.int32] | None:
        """Return a prediction, int32, or None if it was not kept."""
        try:
            return unpacked(self._place(key, ".labels").read_bytes())
        except OSError:
            return None

    def _place(self, key: str, ending: str) -> Path:
        return self.folder / key[:2] / f"{key}{ending}"


def entry_key(**parts: Any) -> str:
    """Return the checksum of everything that determines an entry: 64 hexadecimal digits."""
    document = {"format": FORMAT, "minor": ".".join(__version__.split(".")[:2]), **parts}
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def packed(labels: npt.NDArray[Any]) -> bytes | None:
    """Return a label image in a few bytes; None if it is too large to be kept."""
    if labels.size > LARGEST:
        return None
    from numcodecs import Blosc

    small = np.ascontiguousarray(labels, np.int32)
    header = json.dumps({"shape": small.shape}).encode()
    body = Blosc("zstd", 1, Blosc.BITSHUFFLE).encode(small) if small.size else b""
    return len(header).to_bytes(4, "little") + header + bytes(body)


def unpacked(data: bytes) -> npt.NDArray[np.int32]:
    """Return a label image that :func:`packed` made."""
    from numcodecs import Blosc

    start = 4 + int.from_bytes(data[:4], "little")
    shape = tuple(json.loads(data[4:start])["shape"])
    if not np.prod(shape):
        return np.zeros(shape, np.int32)
    return np.frombuffer(Blosc().decode(data[start:]), np.int32).reshape(shape)


def folder_for(out: Path, chosen: Path | None) -> Path:
    """Return where the cache lies: as asked for, as ``$MICROGRAPHIA_CACHE`` says, or beside the result."""
    if chosen is not None:
        return chosen
    said = os.environ.get("MICROGRAPHIA_CACHE")
    return Path(said) if said else out / "cache"
