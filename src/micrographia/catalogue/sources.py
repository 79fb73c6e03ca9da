"""Where datasets are: folders, records in them, addresses; and whether they have changed since they were read."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from micrographia.catalogue.entry import VERSION
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.manifest import NAME as MANIFEST
from micrographia.dataset.origin import NAME as ORIGIN
from micrographia.errors import MicrographiaError
from micrographia.exchange import Source, formats
from micrographia.remote import is_address

DEEPEST = 12
"""Folders below a given one in which datasets and records are looked for."""
RECORDS = (".json", ".jsonld", ".yaml", ".yml", ".tsv", ".xml", ".md")
"""Endings of files in a folder that may be records."""
_PASSED = (".zarr", ".ozx")


@dataclass(frozen=True, slots=True)
class Place:
    """Something to read a dataset from.

    Parameters
    ----------
    kind
        ``folder`` of a dataset, ``record`` in another community's form, ``address``, or ``missing``.
    where
        Path or address, whole.
    """

    kind: str
    where: str

    def stamp(self) -> str:
        """Return sizes and times of the files that it is read from; empty for an address, which must be asked."""
        if self.kind == "address":
            return ""
        parts = [f"{VERSION}"]
        try:
            files = self._files()
        except OSError:
            return ""
        for path in files:
            try:
                told = path.stat()
            except OSError:
                continue
            parts.append(f"{path.name}:{told.st_size}:{told.st_mtime_ns}")
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def _files(self) -> list[Path]:
        path = Path(self.where)
        if self.kind == "folder":
            tables = sorted((path / "annotations").glob("*.parquet"))
            return [path / DESCRIPTION, path / MANIFEST, path / ORIGIN, *tables]
        if path.is_dir():
            return list(_listed(path).files)
        beside = _listed(path.parent)
        # What a record is made of may lie beside it: lists of files, further documents.
        return list(
            beside.files if len(beside.files) <= FEW else beside.related.get(record_name(path.name), ())
        )


FEW = 64
"""Files of a folder up to which all of them count as what a record in it may be made of; above, those of its name."""


@dataclass(frozen=True, slots=True)
class _Listing:
    files: tuple[Path, ...]
    related: dict[str, list[Path]]


@lru_cache(maxsize=64)
def _listed(folder: Path) -> _Listing:
    files = tuple(sorted(child for child in folder.iterdir() if child.is_file()))
    related: dict[str, list[Path]] = {}
    for path in files:
        related.setdefault(record_name(path.name), []).append(path)
    return _Listing(files, related)


def record_name(place: str) -> str:
    """Return what the files of one record share: ``S-BIAD1`` of ``Study_S-BIAD1.yaml`` and of ``S-BIAD1.json``.

    Parameters
    ----------
    place
        Name, path or address of a file; of one that says nothing (``ro-crate-metadata.json``) the folder counts.
    """
    parts = [part for part in re.split(r"[/\\?#]", place) if part]
    name = parts[-1] if parts else ""
    if name.lower() in _GENERAL and len(parts) > 1:
        name = parts[-2]
    return re.sub(r"^(study|annotations|version)_", "", name, flags=re.IGNORECASE).split(".", maxsplit=1)[0]


_GENERAL = ("ro-crate-metadata.json", "croissant.json", "datacite.json", "metadata.json", "readme.md")


def find_places(roots: list[str]) -> Iterator[Place]:
    """Yield what can be indexed at and below some places, each once, in a fixed order.

    A folder with ``mifa.yaml`` or ``files.tsv`` is a dataset and is not looked into. Other folders are searched for
    datasets, and for files that a format recognises.

    Parameters
    ----------
    roots
        Paths and addresses.
    """
    _listed.cache_clear()
    seen: set[str] = set()
    for root in roots:
        for place in _below(root):
            if place.where not in seen:
                seen.add(place.where)
                yield place


def _below(root: str) -> Iterator[Place]:
    if is_address(root):
        yield Place("address", root)
        return
    path = Path(os.path.abspath(Path(root).expanduser()))  # noqa: PTH100 - links are followed by name, not resolved
    if not path.exists():
        yield Place("missing", str(path))
    elif path.is_dir():
        yield from _in_folder(path, 0)
    elif path.name in (DESCRIPTION, MANIFEST):
        yield Place("folder", str(path.parent))
    else:
        yield Place("record", str(path))


def _in_folder(folder: Path, depth: int) -> Iterator[Place]:
    if (folder / DESCRIPTION).is_file() or (folder / MANIFEST).is_file():
        yield Place("folder", str(folder))
        return
    try:
        children = sorted(folder.iterdir())
    except OSError:
        yield Place("missing", str(folder))
        return
    records = [child for child in children if _may_be_record(child) and _recognised(child)]
    yield from (Place("record", str(child)) for child in _without_parts(records))
    if depth < DEEPEST:
        for child in children:
            hidden = child.name.startswith(".") or child.name.lower().endswith(_PASSED)
            if child.is_dir() and not child.is_symlink() and not hidden:
                yield from _in_folder(child, depth + 1)


def _may_be_record(path: Path) -> bool:
    return path.suffix.lower() in RECORDS and not path.name.startswith(".") and path.is_file()


def _without_parts(records: list[Path]) -> list[Path]:
    """Leave out the documents that the archive's Study document is read with."""
    studies = {path.name.partition("_")[2] for path in records if path.name.lower().startswith("study_")}
    return [
        path
        for path in records
        if not (
            path.name.partition("_")[2] in studies
            and path.name.lower().startswith(("annotations_", "version_"))
        )
    ]


def _recognised(path: Path) -> bool:
    try:
        source = Source(path)
        return any(form.reads and form.matches(source) for form in formats().values())
    except (MicrographiaError, OSError, ValueError):
        return False
