"""Rows of a dataset become file lists: one for each study component and annotation set, one line a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from micrographia.exchange.codes import told
from micrographia.exchange.pagetab.listing import ENTRY_TYPE, IMAGE_ID, Row, derived_ids, in_zarr
from micrographia.exchange.pagetab.listing import role_of as derived_role
from micrographia.exchange.pagetab.lists import Entry, bare
from micrographia.exchange.pagetab.uploading import Upload
from micrographia.exchange.submission import COMPONENT
from micrographia.findings import Finding

ORIGINAL = "original"
_HERE = (
    "Files",
    "image",
    "role",
    "annotation set",
    "line",
    "size",
    ENTRY_TYPE,
    "annotation type",
    "source image",
)


@dataclass(slots=True)
class Line:
    """A line of a file list."""

    path: str
    size: int
    type: str
    cells: dict[str, str]


@dataclass(slots=True)
class Lists:
    """The files of a submission by where they are listed.

    Parameters
    ----------
    components, sets
        Rows of each study component, and of each annotation set, by its number.
    attached
        Rows that stand in the study itself.
    """

    components: dict[int, list[int]] = field(default_factory=dict)
    sets: dict[int, list[int]] = field(default_factory=dict)
    attached: list[int] = field(default_factory=list)

    def order(self) -> list[int]:
        """Return the rows in the order in which they are read again."""
        held = [*self.components.values(), *self.sets.values()]
        return [*self.attached, *(number for rows in held for number in rows)]


def assign(rows: Sequence[Row], plain: dict[str, Any], findings: list[Finding]) -> Lists:
    """Say in which list each row stands; components and sets that nobody described are added to the description."""
    components = [one for one in plain.get("study_components", []) if isinstance(one, dict)]
    sets = [one for one in plain.get("annotations", []) if isinstance(one, dict)]
    by_component = _numbers(components)
    by_set = _numbers(sets)
    lists = Lists()

    def component(row: Row) -> int:
        name = str(row.get(COMPONENT) or "")
        if name in by_component:
            return by_component[name]
        if not name and len(components) == 1 and components[0].get("name"):
            _say(
                findings,
                "images without a study component were listed with the only one",
                f"files.{COMPONENT}",
            )
            return by_component.setdefault(name, 0)
        wanted, number = name or "Images", 1
        while wanted in by_component:
            number += 1
            wanted = f"Images {number}"
        what = f"the study component {wanted!r} was made for files whose component is not described"
        _say(findings, what, "study_components", f"files.{COMPONENT}")
        components.append({"name": wanted, "description": "All images of the study"})
        plain["study_components"] = components
        by_component[wanted] = by_component[name] = len(components) - 1
        return len(components) - 1

    def annotation_set(row: Row) -> int:
        name = str(row.get("annotation set") or "")
        if name not in by_set:
            _say(
                findings,
                f"the annotation set {name or 'Annotations'!r} was made for files of it",
                "annotations",
                "files",
            )
            sets.append({"name": name or "Annotations"})
            plain["annotations"] = sets
            by_set[name] = len(sets) - 1
        return by_set[name]

    for number, row in enumerate(rows):
        role, described = row.get("role", ""), str(row.get(COMPONENT) or "") in by_component
        if role == "annotation" and (row.get("annotation set") or not (described and row.get(COMPONENT))):
            lists.sets.setdefault(annotation_set(row), []).append(number)
        elif role in ("image", "annotation") or (row.get(COMPONENT) and described):
            lists.components.setdefault(component(row), []).append(number)
        elif row.get("annotation set") in by_set and row.get("annotation set"):
            lists.sets.setdefault(annotation_set(row), []).append(number)
        else:
            lists.attached.append(number)
    lists.components = dict(sorted(lists.components.items()))
    lists.sets = dict(sorted(lists.sets.items()))
    return lists


def lines_of(
    rows: Sequence[Row], uploads: Sequence[Upload | None], lists: Lists, findings: list[Finding]
) -> dict[int, Line]:
    """Return each row as a line, with paths where the dataset has ids."""
    targets: dict[str, str] = {}
    several: Counter[str] = Counter()
    for row, upload in zip(rows, uploads, strict=True):
        if row.get("role") == "image" and upload is not None:
            targets.setdefault(row["image"], upload.target)
            several[upload.target] += 1
    order = [number for number in lists.order() if uploads[number] is not None]
    pictures = [number for number in order if rows[number].get("role") == "image"]
    paths = list(dict.fromkeys(uploads[number].target for number in pictures))  # type: ignore[union-attr]
    ids = dict(zip(paths, derived_ids(paths), strict=True))
    in_sets = {number for held in lists.sets.values() for number in held}
    made: dict[int, Line] = {}
    renamed: dict[str, str] = {}
    for number in order:
        row, upload = rows[number], uploads[number]
        if upload is None:
            continue
        cells: dict[str, str] = {}
        if row.get("annotation type"):
            cells["annotation type"] = str(row["annotation type"])
        source = str(row.get("source image") or "")
        if source:
            target = targets.get(source, source)
            cells["source image"] = source if several[target] > 1 else target
        if row.get("role") == "image" and ids[upload.target] != row.get("image") and row.get("image"):
            cells[IMAGE_ID] = str(row["image"])
        marked = bool(cells.get("annotation type") or cells.get("source image"))
        entry = Entry(upload.target, type=str(row.get(ENTRY_TYPE) or "file"))
        expected = derived_role(entry, "annotation" if number in in_sets or marked else "image")
        if row.get("role") and row["role"] != expected:
            cells["role"] = str(row["role"])
        for name, value in row.items():
            text = "" if value is None else str(value)
            shown = name == COMPONENT and number not in in_sets
            if (
                text
                and not shown
                and (name not in _HERE)
                and not (name == "member" and upload.kind == "member")
            ):
                cells[name] = text
        if upload.target != upload.source and ORIGINAL not in cells:
            cells[ORIGINAL] = upload.source
        if upload.target != upload.source:
            renamed[f"{upload.source}:{upload.member}".rstrip(":")] = upload.target
        kind = "directory" if upload.kind == "tree" else str(row.get(ENTRY_TYPE) or "file")
        made[number] = Line(upload.target, int(row.get("size", -1)), kind, cells)
    if renamed:
        what = f"{len(renamed):,} files have another name in the submission; the column original has the one before"
        findings.append(replace(told("E002", what, field="files"), evidence={"renamed": renamed}))
    return made


def merged(lines: Iterable[Line], findings: list[Finding]) -> list[Line]:
    """Return one line a file: cells of lines of one file stand side by side."""
    made: dict[str, Line] = {}
    joined = 0
    for line in lines:
        if line.path not in made:
            made[line.path] = Line(line.path, line.size, line.type, dict(line.cells))
            continue
        joined += 1
        first = made[line.path]
        for name in dict.fromkeys([*first.cells, *line.cells]):
            parts = first.cells.get(name, "").split("; ") if first.cells.get(name) else []
            if line.cells.get(name) and line.cells[name] not in parts:
                first.cells[name] = "; ".join([*parts, line.cells[name]])
    if joined:
        _say(findings, f"files of several images have one line each ({joined:,} lines joined)", "files")
    return list(made.values())


def tsv(lines: Sequence[Line], findings: list[Finding]) -> str:
    """Return a file list as TSV."""
    names = list(dict.fromkeys(name for line in lines for name in line.cells))
    more = [name for name in ("annotation type", "source image", IMAGE_ID) if name in names]
    names = [*more, *(name for name in names if name not in more)]
    sized, typed = any(line.size >= 0 for line in lines), any(_kind(line) for line in lines)
    header = [*names, *(["size"] if sized else []), *([ENTRY_TYPE] if typed else [])]
    changed: set[str] = set()
    text = ["\t".join(["Files", *(_cell(name, name, changed) for name in header)])]
    for line in lines:
        cells = [_cell(line.cells.get(name, ""), name, changed) for name in names]
        cells += [str(line.size) if line.size >= 0 else ""] if sized else []
        cells += [_kind(line)] if typed else []
        text.append("\t".join([line.path, *cells]))
    for name in sorted(changed):
        _say(findings, f"the column {name} has tabs or line breaks; they became spaces", f"files.{name}")
    return "\n".join(text) + "\n"


def as_json(lines: Sequence[Line]) -> str:
    """Return a file list as JSON, an entry a line."""
    entries = [json.dumps(entry(line), ensure_ascii=False) for line in lines]
    return "[\n" + ",\n".join(entries) + "\n]\n"


def entry(line: Line) -> dict[str, Any]:
    """Return a line as an entry of a JSON list."""
    made: dict[str, Any] = {"path": line.path}
    if line.size >= 0:
        made["size"] = line.size
    made["attributes"] = [{"name": name, "value": value} for name, value in line.cells.items()]
    return made | {"type": line.type}


def _cell(text: str, name: str, changed: set[str]) -> str:
    flat = (
        " ".join(text.replace("\t", " ").replace("\r", "\n").split("\n"))
        if set("\t\n\r") & set(text)
        else text
    )
    if flat != text:
        changed.add(name)
    return flat if bare(flat) == flat else '"' + flat.replace('"', '""') + '"'


def _kind(line: Line) -> str:
    return "" if line.type == "file" or in_zarr(line.path) else line.type


def _numbers(records: Sequence[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, one in enumerate(records):
        if isinstance(one.get("name"), str):
            found.setdefault(one["name"], number)
    return found


def _say(findings: list[Finding], what: str, *fields: str) -> None:
    finding = told("E002", what, fields=fields)
    if finding not in findings:
        findings.append(finding)
