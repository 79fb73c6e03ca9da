"""Make the rows of ``files.tsv`` from what was found, and keep what people wrote in an older one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia.dataset.identity import file_checksum
from micrographia.dataset.manifest import COLUMNS, GROUP, image_id, unique_ids
from micrographia.dataset.opening import MASK_TYPE
from micrographia.dataset.pairing import Pairing
from micrographia.dataset.scan import Item, Scan
from micrographia.work import run

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Checksums = Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table of annotations: its kind of annotation by MIFA, its format, and the images that it speaks of.

    ``source`` is the image that it speaks of alone; ``names`` are the names of images that stand in it.
    """

    item: Item
    type: str
    format: str
    source: int | None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Merged:
    """A manifest in which what people wrote was kept, and what changed since they wrote it."""

    frame: pd.DataFrame
    moved: tuple[tuple[str, str], ...] = ()
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def checksums(root: Path, paths: Iterable[str], *, quiet: bool = True) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 of files, read in parallel; files that cannot be read have size -1 and no checksum."""
    tasks = sorted(set(paths))
    outcomes = run(
        lambda path: file_checksum(root / path), tasks, kind="threads", label="checksums", quiet=quiet
    )
    return {outcome.task: outcome.value or (-1, "") for outcome in outcomes}


def manifest(found: Scan, pairing: Pairing, tables: list[TableEntry], known: Checksums) -> pd.DataFrame:
    """Return the rows of ``files.tsv`` for what was found: images first, each with its annotations, then the rest."""
    ids = unique_ids([image_id(image.name) for image in pairing.images])
    marks = defaultdict(list)
    for entry in pairing.annotations:
        marks[entry.source].append(entry)
    rows: list[Row] = []
    for index, image in enumerate(pairing.images):
        for item, channel in zip(image.items, image.channels, strict=True):
            rows.append(_row(item, known, role="image", image=ids[index], channel=channel))
        for entry in marks[index]:
            named: Row = {
                "annotation set": entry.set,
                "annotation type": MASK_TYPE,
                "source image": ids[index],
            }
            rows += [_row(item, known, role="annotation", **named) for item in entry.items]
    for table in tables:
        source = ids[table.source] if table.source is not None else ""
        named = {"annotation set": table.type, "annotation type": table.type, "source image": source}
        rows.append(_row(table.item, known, role="annotation", **named))
    listed = {row["Files"] for row in rows}
    for item in sorted([*found.items, *found.others], key=lambda item: item.name):
        if item.path not in listed:
            listed.add(item.path)
            rows.append(_row(item, known, role="table" if _is_table(item) else "other", member=""))
    for item, _ in pairing.unpaired:
        unpaired = [row for row in rows if row["Files"] == item.path and row["role"] == "other"]
        for row in unpaired:
            row.update({"role": "annotation", "member": item.member, "annotation type": MASK_TYPE})
    return _frame(rows)


def merge(old: pd.DataFrame, new: pd.DataFrame) -> Merged:
    """Return the new manifest with everything that people wrote in the old one.

    A row is the same if its path and member are; else, if a file with the same checksum has vanished from the old
    place, it has moved. Of such a row only path, size and checksum are renewed. Rows of files that are gone stay.
    """
    previous: list[Row] = old.drop(columns=["line"], errors="ignore").to_dict("records")  # type: ignore[assignment]
    current: list[Row] = new.to_dict("records")  # type: ignore[assignment]
    places = {(row["Files"], row["member"]): row for row in current}
    kept: dict[int, Row] = {}
    moved: list[tuple[str, str]] = []
    taken: set[tuple[str, str]] = set()
    for index, row in enumerate(previous):
        here = (row["Files"], row["member"])
        if here in places:
            taken.add(here)
            kept[index] = row | {name: places[here][name] for name in ("size", "sha256")}
    by_checksum: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for place, row in places.items():
        if place not in taken and row["sha256"]:
            by_checksum[row["sha256"], row["member"]].append(row)
    gone = []
    for index, row in enumerate(previous):
        if index in kept:
            continue
        candidates = by_checksum.get((row["sha256"], row["member"]), [])
        if candidates and row["sha256"]:
            target = candidates.pop(0)
            taken.add((target["Files"], target["member"]))
            kept[index] = row | {"Files": target["Files"], "size": target["size"]}
            moved.append((row["Files"], target["Files"]))
        else:
            kept[index] = row
            gone.append(row["Files"])
    rows = [kept[index] for index in range(len(previous))]
    added = [row for place, row in places.items() if place not in taken]
    rows += _renamed(added, rows, places, taken)
    names = tuple(row["Files"] for row in added)
    return Merged(_frame(rows, list(old.columns)), tuple(moved), names, tuple(dict.fromkeys(gone)))


def _renamed(
    added: list[Row], kept: list[Row], places: Mapping[tuple[str, str], Row], taken: set[tuple[str, str]]
) -> list[Row]:
    """Give added rows ids that nobody has; an added annotation of a known image gets the id that people gave it."""
    by_place = {(row["Files"], row["member"]): row for row in kept}
    translation = {
        row["image"]: by_place[place]["image"]
        for place, row in places.items()
        if place in taken and row["role"] == "image" and place in by_place
    }
    used = [row["image"] for row in kept if row["role"] == "image"]
    fresh = list(
        dict.fromkeys(row["image"] for row in added if row["image"] and row["image"] not in translation)
    )
    unique = unique_ids([*dict.fromkeys(used), *fresh])[len(dict.fromkeys(used)) :]
    translation |= dict(zip(fresh, unique, strict=True))
    return [
        row
        | {
            "image": translation.get(row["image"], row["image"]),
            "source image": translation.get(row["source image"], row["source image"]),
        }
        for row in added
    ]


def _row(item: Item, known: Checksums, **cells: str) -> Row:
    size, checksum = known.get(item.path, (item.size, ""))
    row: Row = dict.fromkeys(COLUMNS, "")
    return row | {"Files": item.path, "member": item.member, "size": size, "sha256": checksum} | cells


def _frame(rows: list[Row], columns: list[str] | None = None) -> pd.DataFrame:
    import pandas as pd

    names = list(dict.fromkeys([*COLUMNS, *(columns or []), *(name for row in rows for name in row)]))
    frame = pd.DataFrame(
        {
            name: pd.Series([row.get(name, "") for row in rows], dtype=object)
            for name in names
            if name != "line"
        }
    )
    frame["size"] = frame["size"].astype("int64")
    frame["line"] = range(2, len(frame) + 2)
    groups = [name for name in frame.columns if name.startswith(GROUP)]
    frame[groups] = frame[groups].fillna("")
    return frame


def _is_table(item: Item) -> bool:
    return item.path.lower().endswith((".csv", ".tsv", ".xlsx", ".parquet"))
