"""Where an imported dataset is from: ``origin.json`` beside ``mifa.yaml``, with all that had no home in the model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import write_whole
from micrographia.errors import DatasetError

NAME = "origin.json"
KIND, FORMAT = "micrographia origin", 1
LARGEST = 256 << 20
"""Bytes above which an ``origin.json`` is not read."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something of the source that has no home in the model, word for word.

    Parameters
    ----------
    at
        Where it stood in the source, in words that the format's reader and writer agree on.
    value
        What stood there; JSON values only.
    """

    at: str
    value: Any


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a dataset was imported from.

    Parameters
    ----------
    format
        Name of the exchange format; empty if it was not imported.
    source
        File name or address that was read.
    files
        Address below which the files of ``files.tsv`` lie, ending in ``/``; empty if they are in the folder.
    kept
        What had no home in the model.
    """

    format: str = ""
    source: str = ""
    files: str = ""
    kept: tuple[Kept, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.format or self.files or self.kept)


def read_origin(folder: Path) -> Origin:
    """Return where the dataset in a folder is from; an empty origin if nothing says so.

    Raises
    ------
    DatasetError
        If ``origin.json`` cannot be read or says something else.
    """
    path = folder / NAME
    if not path.is_file():
        return Origin()
    remedy = "Import the dataset again, or remove the file: what it keeps of the source is lost then"
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, "is larger than 256 MiB", remedy)
        document = json.loads(path.read_text("utf-8"))
        if document.get("kind") != KIND or document.get("format_version") != FORMAT:
            raise DatasetError(path, "is not what an import writes, or of a newer version", remedy)
        kept = tuple(Kept(str(one["at"]), one["value"]) for one in document.get("kept", []))
        form, source, files = (str(document.get(name, "")) for name in ("format", "source", "files"))
    except (
        OSError,
        UnicodeDecodeError,
        ValueError,
        AttributeError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:
        raise DatasetError(path, f"cannot be read ({error})", remedy) from error
    return Origin(form, source, files, kept)


def write_origin(folder: Path, origin: Origin) -> Path:
    """Write ``origin.json`` whole or not at all.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    path = folder / NAME
    document = {
        "kind": KIND,
        "format_version": FORMAT,
        "format": origin.format,
        "source": origin.source,
        "files": origin.files,
        "kept": [{"at": one.at, "value": one.value} for one in origin.kept],
    }
    write_whole(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    return path
