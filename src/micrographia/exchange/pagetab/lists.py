"""File lists of a record, TSV or JSON, entry by entry; whatever is wrong with a line is told, and the line kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from micrographia.dataset.manifest import path_problem
from micrographia.errors import ExchangeError
from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.pagetab.tree import attributes_of, scalar
from micrographia.metadata.values import quoted

ALLOWED = re.compile(r"[A-Za-z0-9!\-_.*'()/]+")
"""Characters that the archive allows in paths."""
_CLEAN = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9!\-_.*'() ]+(/(?!\.{1,2}(/|$))[A-Za-z0-9!\-_.*'() ]+)*")
"""Paths that need no closer look; most do not."""
MENDABLE = ("holds ./ or //", "is written with backslashes")
_ENTRY = {"path", "size", "type", "attributes", "filePath", "relPath", "fileName"}


@dataclass(slots=True)
class Entry:
    """A line of a file list.

    Parameters
    ----------
    path
        The file, as the archive has it.
    size
        Bytes; empty if it is not said.
    type
        ``file`` or ``directory``.
    cells
        Name of an attribute to its value, in the order of the list.
    """

    path: str
    size: str = ""
    type: str = "file"
    cells: dict[str, str] = field(default_factory=dict)


def entries_of(listed: Any, name: str, notes: Notes) -> Iterator[Entry]:
    """Return the entries of a file list: parsed JSON, or the text of a TSV or JSON file.

    Lines that name no file that may be followed are kept and told.
    """
    if isinstance(listed, str):
        text = listed.lstrip("\ufeff")
        is_json = text.lstrip()[:1] in ("[", "{")
        raw: Iterable[Any] = _json_entries(text, name) if is_json else _lines(text, name, notes)
    elif isinstance(listed, dict):
        raw = listed["files"] if isinstance(listed.get("files"), list) else [listed]
    else:
        raw = listed if isinstance(listed, list) else [listed]
    bad = 0
    for one in raw:
        for item in one if isinstance(one, list) else [one]:
            entry = item if isinstance(item, Entry) else entry_of(item, notes, name)
            if entry is None or not mended(entry, item, name, notes):
                continue
            bad += not ALLOWED.fullmatch(entry.path)
            yield entry
    if bad:
        notes.say(
            "E002",
            "paths hold characters that the archive does not allow; they were read",
            path=name,
            count=bad,
        )


def entry_of(raw: Any, notes: Notes, name: str = "") -> Entry | None:
    """Return an entry of a JSON list; None if it is none, which is kept and told."""
    path = (
        next(
            (
                raw[key]
                for key in ("path", "filePath", "relPath", "fileName")
                if isinstance(raw.get(key), str)
            ),
            None,
        )
        if isinstance(raw, dict)
        else None
    )
    if path is None or not isinstance(raw, dict):
        notes.keep(f"file list {name}", raw, f"an entry without a path in {name or 'the record'}", "E009")
        return None
    entry = Entry(scalar(path) or "", scalar(raw.get("size")) or "", scalar(raw.get("type")) or "file")
    found, odd = attributes_of(raw.get("attributes"))
    for one in found:
        _add(entry.cells, one.name, one.value or "")
        for kind, shown in (("valqual", "{} [{}]"), ("nmqual", "{} ({})")):
            held = one.qualifiers.get(kind)
            for item in held if isinstance(held, list) else []:
                if isinstance(item, dict) and item.get("name"):
                    _add(
                        entry.cells,
                        shown.format(one.name, scalar(item["name"])),
                        scalar(item.get("value")) or "",
                    )
    for key, value in raw.items():
        if key not in _ENTRY and scalar(value):
            _add(entry.cells, scalar(key) or "", scalar(value) or "")
        elif key not in _ENTRY and value:
            odd.append({key: value})
    if odd:
        notes.keep(
            f"file list {name}",
            {"path": path, "odd": odd},
            f"entries of another shape in {name or 'the record'}",
            "E009",
        )
    return entry


def mended(entry: Entry, raw: Any, name: str, notes: Notes) -> bool:
    """Mend the path of an entry; say so and keep the entry if it may not be followed."""
    if _CLEAN.fullmatch(entry.path):
        return True
    problem = path_problem(entry.path)
    if problem and (problem in MENDABLE or entry.path.endswith("/")):
        clean = "/".join(part for part in entry.path.replace("\\", "/").split("/") if part not in ("", "."))
        if not entry.path.startswith("/") and clean and not path_problem(clean):
            notes.say("E002", f"a path {problem}; it was read without", entry.path, path=name)
            if entry.path.endswith("/"):
                entry.type = "directory"
            entry.path, problem = clean, ""
    if not problem:
        return True
    held = raw if not isinstance(raw, Entry) else {"path": raw.path, **raw.cells}
    notes.keep(f"file list {name}", held, f"a path that {problem} in {name or 'the record'}", "E006")
    return False


def _add(cells: dict[str, str], name: str, value: str) -> None:
    """Add a cell; a second of the same name stands beside the first."""
    key, number = name, 1
    while key in cells:
        number += 1
        key = f"{name}-{number}"
    cells[key] = value


def _json_entries(text: str, name: str) -> Iterator[Any]:
    """Parse a JSON list entry by entry: a list of 100 MB is never held as objects."""
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    space = re.compile(r"[\s,]*")
    matched = space.match(text)
    at = matched.end() if matched else 0
    remedy = "Save it again as JSON, or as TSV"
    try:
        if text[at] == "{":
            whole = decoder.decode(text)
            yield from whole["files"] if isinstance(whole.get("files"), list) else [whole]
            return
        at += 1
        while True:
            matched = space.match(text, at)
            at = matched.end() if matched else at
            if at >= len(text):
                raise ExchangeError(name, "is no JSON (it ends in the middle)", remedy)
            if text[at] == "]":
                return
            one, at = decoder.raw_decode(text, at)
            yield one
    except RecursionError as error:
        raise ExchangeError(name, "is nested too deep", "Is it really a file list?") from error
    except ValueError as error:
        raise ExchangeError(name, f"is no JSON ({error})", remedy) from error


def _lines(text: str, name: str, notes: Notes) -> Iterator[Entry]:
    """Read a TSV list line by line, as the archive does: a line break in a cell is none."""
    lines = iter(re.split("\r\n|\n|\r", text))
    header = [cell.strip() for cell in map(bare, next(lines, "").split("\t"))]
    if header[0].lower() not in ("files", "file", "path"):
        problem = f"starts with {quoted(header[0])}, not with Files"
        raise ExchangeError(name, problem, "The first line of a file list names its columns, Files first")
    columns: list[str] = []
    for number, cell in enumerate(header[1:], 2):
        before = columns[-1].split(" [")[0] if columns else ""
        detail = len(cell) > 2 and cell[0] + cell[-1] in ("[]", "()") and before
        columns.append(f"{before} {cell}" if detail else cell or f"column {number}")
    blank = 0
    for line in lines:
        if not line.strip():
            blank += 1
            continue
        cells = [bare(cell) for cell in line.split("\t")]
        entry = Entry(cells[0].strip())
        if len(cells) > len(header):
            notes.say("E009", f"a line has {len(cells)} cells, the header {len(header)}", cells[0], path=name)
        for place, value in enumerate(cells[1:]):
            if value:
                key = columns[place] if place < len(columns) else f"column {place + 2}"
                _add(entry.cells, key, value)
        yield entry
    if text.endswith(("\n", "\r")):
        blank -= 1
    if blank > 0:
        notes.say("E002", "a line is blank; it was passed over", path=name, count=blank)


def bare(cell: str) -> str:
    """Return a cell without the quotes that a spreadsheet program put around it."""
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        inner = cell[1:-1]
        if '"' not in inner.replace('""', ""):
            return inner.replace('""', '"')
    return cell
