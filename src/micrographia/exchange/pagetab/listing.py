"""Entries of file lists become rows of the file list of a dataset: ids, roles, source images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from micrographia.dataset.manifest import COLUMNS, GROUP, ROLES, image_id, unique_ids
from micrographia.exchange.pagetab.lists import Entry, entry_of, mended
from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.submission import COMPONENT, file_table
from micrographia.metadata.values import quoted
from micrographia.metadata.vocabulary import annotation_type, slug

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

ENTRY_TYPE = "entry type"
"""Column that says of an entry that it is a directory."""
IMAGE_ID = "image id"
"""Column of a written list that gives the id of an image, where its path does not."""
OWN = (
    IMAGE_ID,
    "role",
    "channel",
    "member",
    "split",
    "layer",
    "axes",
    "sha256",
    "size",
    COMPONENT,
    ENTRY_TYPE,
)
"""Columns of a written list that are those of ``files.tsv``."""

_TABLES = (".csv", ".tsv", ".xls", ".xlsx", ".parquet", ".ods")
_OTHERS = (
    ".txt", ".md", ".pdf", ".json", ".xml", ".yaml", ".yml", ".py", ".ipynb", ".m", ".r", ".zip", ".gz", ".tar", ".7z",
    ".rar", ".doc", ".docx", ".ppt", ".pptx", ".html", ".log", ".cppipe", ".cpproj", ".pt", ".pth", ".onnx", ".ckpt",
)  # fmt: skip
_ENDING = re.compile(
    r"(\.ome)?\.[A-Za-z][A-Za-z0-9]{0,7}$|(\.ome)?\.(n5|h5|7z|mp4|nd2|zarr\.zip)$", re.IGNORECASE
)


class Listing:
    """The rows of a dataset, gathered from the file lists of a record.

    Parameters
    ----------
    notes
        Takes what there is to say.
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.rows: list[Row] = []
        self._lists: list[str] = []
        self._seen: dict[tuple[str, str, str], int] = {}

    def images(self, entries: Iterable[Entry], name: str, component: str) -> None:
        """Add the entries of the list of a study component."""
        for entry in entries:
            row = _row(entry)
            row.setdefault(COMPONENT, component)
            marked = row.get("annotation type") or row.get("source image")
            self.add(row, name, role_of(entry, "annotation" if marked else "image"))

    def attached(self, raw: Any) -> None:
        """Add a file that stands in a section, not in a list."""
        entry = entry_of(raw, self.notes)
        if entry is not None and mended(entry, raw, "", self.notes):
            self.add(_row(entry), "", role_of(entry, "image"))

    def annotations(self, entries: Iterable[Entry], name: str, described: Row) -> None:
        """Add the entries of the list of an annotation set."""
        for entry in entries:
            row = _row(entry)
            row["annotation set"] = str(described.get("name") or "")
            self.add(row, name, "annotation")

    def add(self, row: Row, name: str, role: str) -> None:
        """Add a row, unless its file is listed in this way already."""
        given = str(row.pop("role", "")).lower()
        row["role"] = given if given in ROLES else role
        kind = "annotation" if row["role"] == "annotation" else ""
        key = (f"{row['Files']}\n{row.get('member', '')}", kind, str(row.get("annotation set", "")))
        if key in self._seen:
            again = {column: text for column, text in row.items() if text}
            first = self._lists[self._seen[key]]
            if self.rows[self._seen[key]] == row:
                self.notes.say("E012", "a line occurs twice; it was read once", row["Files"], path=name)
            else:
                what = f"a file of {name or 'the record'} that {first or 'the record'} lists already"
                self.notes.keep(f"file list {name}", again, what, "E012")
            return
        self._seen[key] = len(self.rows)
        self.rows.append(row)
        self._lists.append(name)

    def finish(self, sets: Sequence[Row]) -> None:
        """Give images their ids, and annotations their types and source images."""
        named = {str(row.get("source image", "")) for row in self.rows if row["role"] == "annotation"}
        listed = {row["Files"] for row in self.rows if row["role"] == "image"}
        for row in self.rows:
            alone = not row.get("source image") and not row.get("annotation type")
            is_source = row["Files"] in named and row["Files"] not in listed
            if is_source and (row["role"] in ("other", "table") or (row["role"] == "annotation" and alone)):
                row["role"] = "image"
                row.pop("annotation set", None)
        pictures = [row for row in self.rows if row["role"] == "image"]
        for row, derived in zip(pictures, derived_ids([row["Files"] for row in pictures]), strict=True):
            row["image"] = row.pop(IMAGE_ID, "") or derived
        self._types(sets)
        self._sources()

    def table(self) -> pd.DataFrame:
        """Return the rows as a file list."""
        return file_table(self.rows)

    def _types(self, sets: Sequence[Row]) -> None:
        found: dict[str, Counter[str]] = {}
        for row, name in zip(self.rows, self._lists, strict=True):
            text = str(row.get("annotation type", ""))
            if not text:
                continue
            match = annotation_type(text)
            if match.value is not None and match.value != text:
                self.notes.say("E002", f"{quoted(text)} was read as {match.value}", row["Files"], path=name)
                row["annotation type"] = match.value
            elif match.value is None:
                self.notes.say(
                    "E009", f"{quoted(text)} is no annotation type; it is kept as it is", path=name
                )
            if row["role"] == "annotation":
                held = found.setdefault(str(row.get("annotation set", "")), Counter())
                held[row["annotation type"]] += 1
        for number, one in enumerate(sets):
            name = str(one.get("name") or "")
            if not one.get("annotation_type") and name in found:
                one["annotation_type"] = list(found[name])
                what = f"the annotation types stand at the files only; the set got {', '.join(found[name])}"
                self.notes.say("E002", what, name, field=f"annotations[{number}].annotation_type")
        types = {
            str(one.get("name") or ""): annotation_type(str(one["annotation_type"][0])).value
            for one in sets
            if len(one.get("annotation_type") or []) == 1
        }
        for row, name in zip(self.rows, self._lists, strict=True):
            kind = types.get(str(row.get("annotation set", ""))) if row["role"] == "annotation" else None
            if kind and not row.get("annotation type"):
                row["annotation type"] = kind
                self.notes.say("E002", f"an annotation without a type got that of its set, {kind}", path=name)

    def _sources(self) -> None:
        ids: dict[str, str] = {}
        tails: dict[str, set[str]] = {}
        for row in self.rows:
            if row["role"] == "image":
                ids.setdefault(row["Files"], row["image"])
                tails.setdefault(row["Files"].rsplit("/", 1)[-1], set()).add(row["image"])
        known = set(ids.values())
        for row, name in zip(self.rows, self._lists, strict=True):
            text = str(row.get("source image", ""))
            if not text or row["role"] == "image":
                continue
            clean = "/".join(part for part in text.replace("\\", "/").split("/") if part not in ("", "."))
            tail = tails.get(clean.rsplit("/", 1)[-1], set())
            found = ids.get(text) or ids.get(clean) or (next(iter(tail)) if len(tail) == 1 else "")
            if found:
                row["source image"] = found
            elif text not in known or "/" in text:
                what = "a source image is not among the images that are listed"
                self.notes.say("E007", what, f"{row['Files']}: {text}", path=name)


def derived_ids(paths: Sequence[str]) -> list[str]:
    """Return the ids that images get from their paths: the name of the file, or the path where names repeat."""
    ids = [image_id(_ENDING.sub("", path.rsplit("/", 1)[-1])) for path in paths]
    often = Counter(one.casefold() for one in ids)
    wanted = [
        one if often[one.casefold()] == 1 else image_id(_ENDING.sub("", path))
        for one, path in zip(ids, paths, strict=True)
    ]
    return unique_ids(wanted)


def role_of(entry: Entry, role: str) -> str:
    """Return the role of an entry that is listed among images or annotations."""
    name = entry.path.lower()
    if role == "annotation":
        return role
    if entry.type == "directory" and not name.endswith((".zarr", ".zarr/0")):
        return "other"
    if name.endswith(_TABLES):
        return "table"
    return "other" if name.endswith(_OTHERS) and not name.endswith((".zarr.zip",)) else role


def in_zarr(path: str) -> bool:
    """Whether a path is that of a Zarr, or inside one: then nobody needs to be told that it is a directory."""
    return re.search(r"\.zarr(/|$)", path, flags=re.IGNORECASE) is not None


def _row(entry: Entry) -> Row:
    """Return an entry as a row: columns of ``files.tsv`` under their names, others as they are written."""
    row: Row = {"Files": entry.path, "size": entry.size}
    if entry.type != "file" and not in_zarr(entry.path):
        row[ENTRY_TYPE] = entry.type
    for name, text in entry.cells.items():
        key = _column(name)
        while row.get(key):
            key = f"{key} (listed)"
        row[key] = text
    return row


@lru_cache(maxsize=4096)
def _column(name: str) -> str:
    written = slug(name)
    if written in ("annotation_type", "annotation_types"):
        return "annotation type"
    if written in ("source_image", "source_images"):
        return "source image"
    if name in OWN or name.startswith(GROUP):
        return name
    return f"{name} (listed)" if name in (*COLUMNS, "line") else name
