"""Pair by a table that a person gives: which annotation belongs to which image."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath

from micrographia.dataset.pairing import AnnotationEntry, ImageEntry, Pairing, add_held_labels, stem_key
from micrographia.dataset.scan import Item
from micrographia.dataset.spreadsheets import read_spreadsheet
from micrographia.errors import DatasetError

IMAGE_COLUMNS = ("image", "images", "source image", "source_image", "raw", "files", "file", "filename")
MARK_COLUMNS = ("mask", "masks", "annotation", "annotations", "label", "labels", "segmentation", "gt")
SET_COLUMNS = ("set", "annotation set", "annotation_set")
CHANNEL_COLUMNS = ("channel", "channels")
ID_COLUMNS = ("id", "image id", "image_id")


def pair_by_table(root: Path, table: str, items: list[Item]) -> Pairing:
    """Pair items by a table with a column ``image`` and a column ``mask``.

    Paths are relative to the folder (a file name alone will do where it is unique); ``FILE:MEMBER`` names a member.
    Optional columns: ``set`` (annotation set), ``id`` (rows with one id are one image) and ``channel``.

    Parameters
    ----------
    root
        The folder.
    table
        Path of the table, relative to the folder or absolute: CSV, TSV, XLSX or Parquet.
    items
        What the folder holds.

    Raises
    ------
    DatasetError
        If the table lacks a column, or names a file that does not exist or could be several.
    """
    path = Path(table) if Path(table).is_file() else root / table
    frame = read_spreadsheet(path)
    names = {str(column).strip().casefold(): column for column in frame.columns}
    column = {
        role: next((names[name] for name in known if name in names), None)
        for role, known in (
            ("image", IMAGE_COLUMNS),
            ("mask", MARK_COLUMNS),
            ("set", SET_COLUMNS),
            ("channel", CHANNEL_COLUMNS),
            ("id", ID_COLUMNS),
        )
    }
    if column["image"] is None or column["mask"] is None:
        raise DatasetError(
            path, "needs a column `image` and a column `mask`", f"It has {', '.join(map(str, names))}"
        )
    find = _Finder(path, items)
    result = Pairing()
    index: dict[str, int] = {}
    used: set[str] = set()
    for number, row in enumerate(frame.to_dict("records"), 2):
        cells = {role: str(row[name]).strip() if name is not None else "" for role, name in column.items()}
        if not cells["image"]:
            raise DatasetError(path, f"line {number} names no image", "Fill in the cell or remove the line")
        image = find(cells["image"], number)
        key = cells["id"] or image.name
        if key not in index:
            index[key] = len(result.images)
            name = cells["id"] or PurePosixPath(image.path).name.split(".")[0]
            result.images.append(ImageEntry(name, [], [], {stem_key(image)}, {stem_key(image)}))
        entry = result.images[index[key]]
        if image not in entry.items:
            entry.items.append(image)
            entry.channels.append(cells["channel"])
            used.add(image.name)
        if cells["mask"]:
            mark = find(cells["mask"], number)
            if mark.name not in used:
                used.add(mark.name)
                name = cells["set"] or str(column["mask"])
                result.annotations.append(
                    AnnotationEntry([mark], name, index[key], f"by the table {path.name}")
                )
                result.rules[f"by the table {path.name}"] += 1
    result.unpaired = [
        (item, f"not in {path.name}") for item in items if item.name not in used and not item.holder
    ]
    add_held_labels(result, items)
    return result


class _Finder:
    def __init__(self, table: Path, items: list[Item]) -> None:
        self.table = table
        self.known: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            for name in {item.path, item.name, PurePosixPath(item.path).name}:
                self.known[name].append(item)

    def __call__(self, name: str, line: int) -> Item:
        found = self.known.get(name.replace("\\", "/").removeprefix("./"), [])
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(item.name for item in found[:4])
            raise DatasetError(
                self.table, f"line {line}: {name} could be {places}", "Write the path, or FILE:MEMBER"
            )
        raise DatasetError(
            self.table, f"line {line}: there is no image {name}", "Write its path in the folder"
        )
