"""The key of an anonymous copy: what was changed, word for word, so that the author can restore it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import inside
from micrographia.errors import DatasetError

KIND, FORMAT = "micrographia key of an anonymous copy", 1
LARGEST = 4 << 30


@dataclass(slots=True)
class Key:
    """What an author keeps to restore an anonymous copy.

    Parameters
    ----------
    title
        Title of the dataset.
    files
        Path in the copy to the bytes that the original has.
    made
        Path in the copy to the SHA-256 of what the copy has; empty if the copy has no such file.
    """

    title: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def keep(self, path: str, original: bytes, made: bytes | None) -> None:
        """Remember what a file was, and what the copy has instead; None if it has nothing."""
        self.files[path] = original
        self.made[path] = hashlib.sha256(made).hexdigest() if made is not None else ""


def write_key(path: Path, key: Key) -> None:
    """Write a key that only its owner may read.

    Raises
    ------
    DatasetError
        If it exists already or cannot be written.
    """
    document = {
        "kind": KIND,
        "format": FORMAT,
        "title": key.title,
        "files": {
            name: {
                "made": key.made[name],
                "original": base64.b64encode(zlib.compress(data, 6)).decode(),
                "bytes": len(data),
            }
            for name, data in sorted(key.files.items())
        },
    }
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except FileExistsError as error:
        raise DatasetError(path, "exists already", "Choose another name for the key") from error
    except OSError as error:
        raise DatasetError(path, f"cannot be written ({error.strerror})", "Choose another place") from error


def restore(copy: Path, key: Path) -> list[str]:
    """Turn an anonymous copy back into the dataset that it was made from.

    Parameters
    ----------
    copy
        The anonymous copy; it is changed in place. Files that are linked to the original stay so.
    key
        Its key.

    Returns
    -------
    list of str
        Files that were changed since the copy was made; they are left as they are.

    Raises
    ------
    DatasetError
        If the key is none, does not fit the copy, or a file cannot be written.
    """
    if not copy.is_dir():
        raise DatasetError(copy, "is no folder", "Give the anonymous copy")
    entries = _read(key)
    originals = {name: _original(key, name, entry) for name, entry in entries.items()}
    targets = {name: inside(copy, name) for name in originals}
    changed = []
    for name, data in originals.items():
        target = targets[name]
        said = str(entries[name].get("made", ""))
        here = hashlib.sha256(target.read_bytes()).hexdigest() if target.is_file() else ""
        if here != said and here != hashlib.sha256(data).hexdigest():
            changed.append(name)
            continue
        _write(target, data)
    return changed


def _read(key: Path) -> Mapping[str, Mapping[str, Any]]:
    remedy = "Give the key that was written beside the copy"
    try:
        document = json.loads(key.read_text("utf-8"))
        if document.get("kind") != KIND or document.get("format") != FORMAT:
            raise DatasetError(key, "is no key of an anonymous copy, or of a newer version", remedy)
        files = document["files"]
        if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
            raise DatasetError(key, "is damaged", remedy)
    except (OSError, UnicodeDecodeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise DatasetError(key, f"cannot be read ({error})", remedy) from error
    return files


def _original(key: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    try:
        size = int(entry["bytes"])
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(entry["original"], validate=True), min(size, LARGEST) + 1)
        if len(data) != size:
            raise DatasetError(key, f"is damaged at {name}", "Restore from the original dataset")
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            key, f"is damaged at {name} ({error})", "Restore from the original dataset"
        ) from error
    return data


def _write(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DatasetError(target, f"cannot be written ({error.strerror})", "Free space") from error
