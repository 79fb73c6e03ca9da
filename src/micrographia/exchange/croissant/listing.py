"""The file list as Croissant sees it: rows, and the columns that hold something."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from micrographia.dataset.manifest import GROUP, path_problem
from micrographia.dataset.opening import MASK_TYPE
from micrographia.exchange.croissant.terms import COLUMNS_OF, Node, is_zarr, suffix
from micrographia.exchange.submission import Submission

MEANINGS = {
    "Files": "Path relative to the dataset, with /",
    "member": "HDF5 key, series, scene or page inside the file",
    "image": "Id of the image that the file holds, or a channel of it",
    "role": "image, annotation, table or other",
    "channel": "Name of the channel that the file holds",
    "annotation set": "Name of the annotation set",
    "annotation type": "A word of the MIFA vocabulary",
    "source image": "Id of the image that the annotation belongs to",
    "split": "Part of the dataset that the image belongs to",
    "size": "Bytes",
    "sha256": "Checksum of the file; for a Zarr group of its sorted manifest",
    "layer": "Where objects overlap: layer of the set, from 1",
    "axes": "Axes that a person decided on",
    "original": "Path that the file had before conversion",
    "study component": "Part of the study that the image belongs to",
}
"""Column of the file list to what it says."""


@dataclass(slots=True)
class Listing:
    """The rows of a file list.

    Parameters
    ----------
    rows
        Column to text; ``size`` is an integer. Empty cells are left out.
    columns
        The columns that hold something, in order.
    base
        Address below which the files lie; empty if relative paths lead to them.
    folder
        Where they are on this machine; None if they are elsewhere.
    firsts
        Path of each file to its first row.
    """

    rows: list[dict[str, Any]]
    columns: list[str]
    base: str = ""
    folder: Path | None = None
    firsts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, submission: Submission) -> Listing:
        """Return the file list of a submission."""
        frame = submission.files
        names = [str(name) for name in frame.columns if name != "line"]
        cells = zip(*(frame[name].tolist() for name in names), strict=True) if len(frame) and names else ()
        rows = [
            {name: _cell(name, value) for name, value in zip(names, row, strict=True) if _filled(name, value)}
            for row in cells
        ]
        used = {name for row in rows for name in row}
        firsts: dict[str, dict[str, Any]] = {}
        for row in rows:
            if row.get("Files"):
                firsts.setdefault(str(row["Files"]), row)
        columns = [name for name in names if name in used]
        return cls(rows, columns, submission.origin.files, submission.folder, firsts)

    def address(self, path: str) -> str:
        """Return where a file is: its address, or its path, percent-encoded."""
        return self.base + quote(path)

    def here(self, path: str) -> Path | None:
        """Return the file on this machine, or None if it is not there."""
        if self.folder is None or path_problem(path):
            return None
        place = self.folder / path
        return place if place.is_file() else None

    @property
    def paths(self) -> list[str]:
        """The files, in order, each once."""
        return list(self.firsts)

    @property
    def splits(self) -> list[str]:
        """Names of the splits, in order of appearance."""
        return list(dict.fromkeys(str(row["split"]) for row in self.rows if row.get("split")))

    @property
    def groups(self) -> list[str]:
        """The group columns that hold something."""
        return [name for name in self.columns if name.startswith(GROUP)]


def _filled(name: str, value: Any) -> bool:
    return int(value) >= 0 if name == "size" else str(value) != ""


def _cell(name: str, value: Any) -> Any:
    return int(value) if name == "size" else str(value)


def is_table(row: dict[str, Any]) -> bool:
    """Whether a row is of a table whose columns can be fields."""
    role, kind = row.get("role"), row.get("annotation type")
    table = role == "table" or (role == "annotation" and kind != MASK_TYPE)
    return table and suffix(str(row.get("Files", ""))) in COLUMNS_OF


def is_mask(row: dict[str, Any]) -> bool:
    """Whether a row is of a label image."""
    return row.get("role") == "annotation" and row.get("annotation type") == MASK_TYPE


def checksum(row: dict[str, Any]) -> str:
    """Return the SHA-256 of a single file; empty for a Zarr group, and where it is not known."""
    found = str(row.get("sha256", "")).lower()
    path = str(row.get("Files", ""))
    return found if re.fullmatch(r"[0-9a-f]{64}", found) and not is_zarr(path) else ""


def described(name: str) -> Node:
    """Return the description of a column, where it has one."""
    if name in MEANINGS:
        return {"description": MEANINGS[name]}
    if name.startswith(GROUP):
        return {"description": f"What the images are grouped by: {name[len(GROUP) :]}"}
    return {}
