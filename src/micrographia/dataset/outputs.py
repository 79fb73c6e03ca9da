"""The rows and files of a converted dataset that are not pixels: manifest, spreadsheets, read-mes, licences."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia.annotations import read_table
from micrographia.dataset.folder import OBJECTS_FILE, ORIGINAL, Dataset
from micrographia.dataset.identity import file_checksum, group_checksum
from micrographia.dataset.journal import Done
from micrographia.dataset.manifest import COLUMNS, GROUP
from micrographia.dataset.opening import MASK_TYPE, FileRow

if TYPE_CHECKING:
    import pandas as pd

RESERVED = ("images/", "annotations/", "mifa.yaml", "files.tsv")
KEPT = "originals/"
"""Folder for carried files whose place the converted dataset needs itself."""


def carry_over(dataset: Dataset, target: Path) -> list[tuple[FileRow, str]]:
    """Copy what is neither image nor mask; return each row with its new path.

    Tables of annotations are converted, and their files kept under ``originals/``: formats hold more than tables.
    Files that are listed but missing are left out: ``check`` tells of them.
    """
    carried = []
    tables = {row.line for row in dataset.table_rows()}
    for row in dataset.rows:
        if row.role == "image" or (row.role == "annotation" and row.type == MASK_TYPE and row.source):
            continue
        source = dataset.locate(row)
        if not source.exists():
            continue
        if row.path.startswith(RESERVED) and row.line in tables:
            continue  # a table of a converted dataset: it is written anew
        path = KEPT + row.path if row.line in tables or row.path.startswith(RESERVED) else row.path
        goal = target / path
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, dirs_exist_ok=True)
        elif not goal.exists():
            shutil.copyfile(source, goal)
        carried.append((row, path))
    return carried


def link_all(dataset: Dataset, target: Path) -> None:
    """Give every listed file a second name in another folder, or copy it where the disk cannot do that."""
    for path in sorted({row.path for row in dataset.rows}):
        source, goal = dataset.path / path, target / path
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, dirs_exist_ok=True)
            continue
        try:
            os.link(source.resolve(), goal)
        except OSError:
            shutil.copyfile(source, goal)


def converted_rows(
    dataset: Dataset,
    target: Path,
    done: Mapping[str, Done],
    kinds: list[str],
    carried: list[tuple[FileRow, str]],
) -> pd.DataFrame:
    """Return the manifest of a converted dataset; splits, groups and columns of people's own are kept."""
    import pandas as pd

    extra = [
        name for name in dataset.files.columns if name not in (*COLUMNS, ORIGINAL, "line", "layer", "axes")
    ]
    own = dataset.files.set_index("line")[extra] if extra else None
    rows: list[dict[str, Any]] = []

    def cells(row: FileRow) -> dict[str, Any]:
        kept = {} if own is None else own.loc[row.line].to_dict()
        return {"split": row.split, **{str(name): value for name, value in kept.items()}}

    for image in dataset.image_ids:
        entry = done[image]
        first = dataset.image_rows(image)[0]
        originals = "; ".join(dataset.original_path(row) for row in dataset.image_rows(image))
        folder = next(
            path for path in (f"images/{image}.ozx", f"images/{image}.ome.zarr") if (target / path).exists()
        )
        size, checksum = _resource(entry, "")
        rows.append(
            cells(first)
            | {
                "Files": folder,
                "image": image,
                "role": "image",
                ORIGINAL: originals,
                "size": size,
                "sha256": checksum,
            }
        )
        for label, (name, layer) in sorted(entry.layers.items()):
            of_set = [row for row in dataset.mask_rows(image) if (row.set or "masks") == name]
            size, checksum = _resource(entry, f"labels/{label}/")
            zipped = folder.endswith(".ozx")
            rows.append(
                cells(of_set[0])
                | {
                    "Files": folder if zipped else f"{folder}/labels/{label}",
                    "member": f"labels/{label}" if zipped else "",
                    "role": "annotation",
                    "annotation set": name,
                    "annotation type": MASK_TYPE,
                    "source image": image,
                    "layer": str(layer) if len(entry.layers) > 1 and layer > 1 else "",
                    ORIGINAL: "; ".join(dataset.original_path(row) for row in of_set),
                    "size": size,
                    "sha256": checksum,
                }
            )
    rows += _table_rows(target, kinds)
    for row, path in carried:
        size, checksum = file_checksum(target / path)
        rows.append(
            cells(row)
            | {"Files": path, "member": row.member, "size": size, "sha256": checksum}
            | _carried_role(row, path)
            | {ORIGINAL: dataset.original_path(row)}
        )
    names = list(dict.fromkeys([*COLUMNS, *extra, "layer", ORIGINAL]))
    frame = pd.DataFrame([{name: row.get(name, "") for name in names} for row in rows], columns=names)
    if not (frame["layer"] != "").any():
        frame = frame.drop(columns="layer")
    groups = [name for name in frame.columns if name.startswith(GROUP)]
    frame[groups] = frame[groups].fillna("")
    return frame


def _carried_role(row: FileRow, path: str) -> dict[str, str]:
    if path.startswith(KEPT):
        return {"role": "other"}
    return {"role": row.role, "annotation set": row.set, "annotation type": row.type}


def _table_rows(target: Path, kinds: list[str]) -> list[dict[str, Any]]:
    from micrographia.dataset.describe import TYPES

    rows = []
    for kind in kinds:
        path = f"annotations/{kind}.parquet"
        size, checksum = file_checksum(target / path)
        told = {"Files": path, "size": size, "sha256": checksum}
        if path == OBJECTS_FILE:
            rows.append(told | {"role": "table"})
            continue
        for name in sorted(set(read_table(target / path)[0]["set"])):
            row = {
                "role": "annotation",
                "member": name,
                "annotation set": name,
                "annotation type": TYPES[kind],
            }
            rows.append(told | row)
    return rows


def _resource(entry: Done, below: str) -> tuple[int, str]:
    """Return size and checksum of a Zarr group (all, or a group in it), or of the one file of a zipped image."""
    if len(entry.files) == 1:
        return next(iter(entry.files.values()))
    return group_checksum(
        {name[len(below) :]: told for name, told in entry.files.items() if name.startswith(below)}
    )
