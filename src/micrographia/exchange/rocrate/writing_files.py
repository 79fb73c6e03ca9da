"""The file list of a crate: one line a file, as a table of CSV on the Web with references into the crate."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import image_id
from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.columns import (
    ANNOTATION,
    IMAGE,
    LABEL,
    METHOD,
    PART_OF,
    PATH,
    PROPERTIES,
    SIZE,
    SOURCE_IMAGE,
    SPECIMEN,
    TYPE,
    written_name,
)
from micrographia.exchange.rocrate.crate import Crate, ref, refs
from micrographia.exchange.rocrate.terms import FILE_LIST, MEMBER_LIST, ROOT
from micrographia.exchange.submission import COMPONENT, Submission
from micrographia.findings import Finding

Row = dict[str, str]
LIST_SAYS = "Files of the dataset, one line a file"
MEMBERS_SAY = "What is inside files that hold several images or annotations, one line for each"
_SET = "annotation set"


def write_files(
    crate: Crate,
    submission: Submission,
    parts: tuple[Mapping[str, str], Mapping[str, str]],
    target: Path,
) -> list[Finding]:
    """Write the file list beside the crate, and describe its columns in it.

    Parameters
    ----------
    crate
        The crate in the making.
    submission
        What travels.
    parts
        Names of study components, and of annotation sets, to their ids in the crate.
    target
        The folder.

    Returns
    -------
    list of Finding
        What comes back otherwise than it was.
    """
    rows, findings = _rows(crate, submission, *parts)
    columns = [*PROPERTIES]
    own = dict.fromkeys(name for row in rows for name in row if name not in PROPERTIES)
    columns += own
    used = [
        name for name in columns if name in (PATH, PART_OF, TYPE, LABEL) or any(row.get(name) for row in rows)
    ]
    by_path: dict[str, list[Row]] = {}
    for row in rows:
        by_path.setdefault(row[PATH], []).append(row)
    members = [row for group in by_path.values() if len(group) > 1 for row in group]
    (target / FILE_LIST).write_bytes(table(used, [group[0] for group in by_path.values()]))
    schema = _schema(crate, used, submission.origin.files)
    listed = [_list(crate, FILE_LIST, LIST_SAYS, ["bia:FileList"], schema)]
    if members:
        (target / MEMBER_LIST).write_bytes(table(used, members))
        listed.append(_list(crate, MEMBER_LIST, MEMBERS_SAY, [], schema))
    crate.nodes[ROOT].setdefault("hasPart", []).extend(refs(listed))
    return findings


def table(columns: list[str], rows: list[Row]) -> bytes:
    """Return rows as tab-separated text with a header, in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return text.getvalue().encode("utf-8")


def _rows(
    crate: Crate, submission: Submission, components: Mapping[str, str], sets: Mapping[str, str]
) -> tuple[list[Row], list[Finding]]:
    frame = submission.files
    names = [str(name) for name in frame.columns if name != "line"]
    cells = zip(*(frame[name].astype(str) for name in names), strict=True) if len(frame) else ()
    only = next(iter(components.values())) if len(components) == 1 else ""
    rows, counted = [], 0
    for cell in cells:
        left = {name: text for name, text in zip(names, cell, strict=True) if text not in ("", "-1")}
        row: Row = {PATH: left.pop("Files", ""), SIZE: left.pop("size", "")}
        role = left.get("role", "")
        is_annotation = role == "annotation" or (left.get(_SET, "") in sets and role != "image")
        row[TYPE] = ANNOTATION if is_annotation else IMAGE if role == "image" else ""
        if left.get(_SET, "") in sets and is_annotation:
            row[PART_OF] = sets[left.pop(_SET)]
            row[METHOD] = _reference(crate.nodes[row[PART_OF]], "associatedAnnotationMethod")
        elif left.get(COMPONENT, "") in components and left.get(COMPONENT):
            row[PART_OF] = components[left.pop(COMPONENT)]
        elif role == "image" and only and not left.get(COMPONENT):
            row[PART_OF] = only
            counted += 1
        else:
            row[PART_OF] = ROOT
        row[SPECIMEN] = "" if is_annotation else _reference(crate.nodes[row[PART_OF]], "associatedSpecimen")
        if role == ("annotation" if is_annotation else "image"):
            left.pop("role")
        if role == "image":
            row[LABEL] = left.get("image", "")
            if image_id(row[LABEL]) == row[LABEL]:
                left.pop("image")
        row[SOURCE_IMAGE] = left.pop("source image", "")
        rows.append(row | {written_name(name): text for name, text in left.items()})
    if not counted:
        return rows, []
    message = f"{counted} images of no study component were counted to the only one"
    return rows, [told("E002", message, field=f"files.{COMPONENT}")]


def _reference(node: Mapping[str, Any], key: str) -> str:
    value = node.get(key)
    first = value[0] if isinstance(value, list) and value else value
    return str(first["@id"]) if isinstance(first, dict) else ""


def _schema(crate: Crate, columns: list[str], base: str) -> str:
    meant = crate.columns | PROPERTIES
    ids = []
    for number, name in enumerate(columns):
        ids.append(crate.add(f"_:col{number}", ["csvw:Column"], columnName=name, propertyUrl=meant.get(name)))
    address = f"{base}{{+{PATH}}}" if base else None
    return crate.add("_:ts0", ["csvw:Schema"], column=refs(ids), aboutUrl=address)


def _list(crate: Crate, name: str, says: str, types: list[str], schema: str) -> str:
    return crate.add(
        name,
        ["File", *types, "csvw:Table"],
        name=name,
        description=says,
        encodingFormat="text/tab-separated-values",
        tableSchema=ref(schema),
    )
