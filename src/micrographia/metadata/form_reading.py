"""The form read back: rows become records, formulas and wrong cells become findings that name the cell."""

from __future__ import annotations

import json
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from micrographia.errors import MetadataError
from micrographia.metadata.document import Description, describe
from micrographia.metadata.form_layout import (
    FIELD_HEADERS,
    LISTS,
    OTHER,
    SET_COLUMN,
    SHEETS,
    STUDY,
    Column,
    Sheet,
    columns,
    list_items,
    study_rows,
)
from micrographia.metadata.mifa import FORMAT
from micrographia.metadata.reading import Reader
from micrographia.metadata.trees import assign, dotted, tokens
from micrographia.metadata.vocabulary import slug
from micrographia.metadata.yaml_nodes import Mapping, Node, Scalar, Sequence, from_plain

MAX_BYTES = 50_000_000
"""Largest form that is read."""
MAX_UNPACKED = 300_000_000
"""Most bytes that a form may unpack to."""
MAX_ROWS = 200_000
"""Most rows of a sheet."""
MAX_COLUMNS = 300
"""Most columns of a sheet."""

# Broken XML is a SyntaxError, whether the standard library or lxml meets it: openpyxl takes what is installed.
_BROKEN = (
    zipfile.BadZipFile, SyntaxError, KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError, zlib.error,
    NotImplementedError, RuntimeError,
)  # fmt: skip

_Row = list[tuple[Any, str]]


def read_form(path: Path | str) -> Description:
    """Read a form that :func:`write_form` wrote and people filled in.

    Parameters
    ----------
    path
        The ``.xlsx``.

    Returns
    -------
    Description
        ``lines`` are rows; a finding names its cell in the message and in ``evidence["cell"]``.

    Raises
    ------
    MetadataError
        If it cannot be read, is no spreadsheet or unpacks to more than is reasonable.
    """
    path = Path(path)
    form = _Form(path)
    for title, rows in _pages(path):
        form.pages[title] = rows
    return form.read()


def _pages(path: Path) -> Iterator[tuple[str, list[_Row]]]:
    from openpyxl import load_workbook

    remedy = "Save it as .xlsx without a password, or start from a fresh form"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MetadataError(
                path, f"it is larger than {MAX_BYTES // 1_000_000} MB", "Start from a fresh form"
            )
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with zipfile.ZipFile(file) as packed:
                if sum(member.file_size for member in packed.infolist()) > MAX_UNPACKED:
                    raise MetadataError(path, "it unpacks to more than 300 MB", "Start from a fresh form")
            file.seek(0)
            book = load_workbook(file, read_only=True)
            for page in book.worksheets:
                if page.title == LISTS:
                    continue
                page.reset_dimensions()
                yield page.title, [_cells(row) for row in _bounded(page, path)]
            book.close()
    except OSError as error:
        raise MetadataError(
            path, f"it cannot be read: {error.strerror or error}", "Look whether it is there"
        ) from error
    except _BROKEN as error:
        raise MetadataError(path, "it is no spreadsheet that can be read", remedy) from error


def _bounded(page: Any, path: Path) -> Iterator[Any]:
    for number, row in enumerate(page.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS)):
        if number >= MAX_ROWS:
            raise MetadataError(
                path, f"the sheet {page.title} has more than {MAX_ROWS:,} rows", "Start from a fresh form"
            )
        yield row


def _cells(row: Any) -> _Row:
    cells = [(cell.value, cell.data_type if cell.value is not None else "") for cell in row]
    while cells and cells[-1][0] is None:
        cells.pop()
    return cells


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _letter(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class _Form:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader = Reader(path.name)
        self.pages: dict[str, list[_Row]] = {}
        self.root: dict[str, Any] = {"micrographia_format": Scalar(str(FORMAT), plain=True)}
        self.cells: dict[str, str] = {}
        self.names: list[str] = []

    def read(self) -> Description:
        titles = {slug(title): title for title in self.pages}
        self.study(self.pages.pop(titles.get(slug(STUDY.title), ""), []))
        for sheet in SHEETS:
            self.records(sheet, self.pages.pop(titles.get(slug(sheet.title), ""), []))
        self.other(self.pages.pop(titles.get(slug(OTHER), ""), []))
        for title, rows in self.pages.items():
            if any(rows):
                self.say("C032", title, f"{title}!A1", 1, f"the sheet {title} is none of the form")
        root = _node(self.root)
        assert isinstance(root, Mapping)  # noqa: S101
        description = describe(root, self.reader, self.path)
        description.findings = [self.placed(finding) for finding in description.findings]
        return description

    def placed(self, finding: Any) -> Any:
        at = finding.field
        while at and at not in self.cells:
            at = at[: max(at.rfind("."), at.rfind("["), 0)]
        cell = self.cells.get(at)
        if cell is None:
            return finding
        return replace(
            finding, message=f"{cell}: {finding.message}", evidence={**finding.evidence, "cell": cell}
        )

    def say(self, code: str, at: str, cell: str, row: int, message: str, fix: str = "") -> None:
        self.cells.setdefault(at, cell)
        self.reader.note(code, at, row, message, fix=fix)

    def put(self, at: list[str | int], value: Any, cell: str, row: int, *, many: bool) -> None:
        """Keep the value of a cell."""
        shown, kind = value
        where = dotted(at)
        if kind in ("f", "e"):
            what = f"the formula {str(shown)[:40]}" if kind == "f" else f"the error {shown}"
            self.say(
                "C031", where, cell, row, f"{what} stands where a value is expected", "Write the value itself"
            )
            return
        text = _text(shown)
        if not text.strip():
            return
        number = isinstance(shown, int | float) and not isinstance(shown, bool)
        node: Node = Scalar(text, plain=number, line=row)
        if many and not number:
            items = list_items(text)
            node = Sequence([Scalar(item, line=row) for item in items], row)
        self.place(at, cell)
        try:
            assign(self.root, at, node)
        except ValueError as error:
            self.say("C034", where, cell, row, f"{where} belongs to nothing: {error}")

    def place(self, at: list[str | int], cell: str) -> None:
        """Keep the cell of a field, and the first one of everything that it belongs to."""
        self.cells[dotted(at)] = cell
        for length in range(1, len(at)):
            self.cells.setdefault(dotted(at[:length]), cell)

    def study(self, rows: list[_Row]) -> None:
        known = {slug(column.path.removeprefix("study.")): column for column in study_rows()}
        for number, row in enumerate(rows, start=1):
            if not row or row[0][0] is None or (number == 1 and str(row[0][0]) == FIELD_HEADERS[0]):
                continue
            name = _text(row[0][0])
            column = known.get(slug(name))
            at: list[str | int] = tokens(column.path) if column else ["study", name]
            if len(row) > 1 and row[1][0] is not None:
                self.put(
                    at, row[1], f"{STUDY.title}!B{number}", number, many=bool(column and column.spec.many)
                )

    def records(self, sheet: Sheet, rows: list[_Row]) -> None:
        if not rows:
            return
        headers = [_text(value) if value is not None else "" for value, _ in rows[0]]
        blocks = 1 + max(
            [0, *(int(step) for header in headers for step in _steps(header) if isinstance(step, int))]
        )
        known = {slug(column.path): column for column in columns(sheet.model, min(blocks, 50))}
        counts: dict[int, int] = {}
        for number, row in enumerate(rows[1:], start=2):
            told = [str(value) if value is not None else "" for value, _ in row]
            if number == 2 and _is_told(told, headers, known):
                continue
            place = f"{sheet.title}!A{number}"
            if not any(value is not None for value, _ in row[1 if sheet.in_sets else 0 :]):
                continue
            owner = self.owner(row[0][0], sheet, place, number) if sheet.in_sets else 0
            if owner is None:
                continue
            index = counts.get(owner, 0)
            counts[owner] = index + 1
            where: list[str | int] = [*sheet.path.split("."), index]
            if sheet.in_sets:
                where = ["annotations", owner, sheet.path.rsplit(".", 1)[1], index]
            self.row(sheet, row, headers, known, where, number)
            if sheet.path == "annotations":
                self.names.append(
                    next((text for text, head in zip(told, headers, strict=False) if head == "name"), "")
                )

    def row(
        self,
        sheet: Sheet,
        row: _Row,
        headers: list[str],
        known: dict[str, Column],
        where: list[str | int],
        number: int,
    ) -> None:
        seen: dict[int, int] = {}
        for place, value in enumerate(row):
            header = headers[place] if place < len(headers) else ""
            cell = f"{sheet.title}!{_letter(place + 1)}{number}"
            if value[0] is None or (sheet.in_sets and slug(header) == slug(SET_COLUMN)):
                continue
            if not header:
                self.say("C032", dotted(where), cell, number, f"{cell} stands below no header")
                continue
            column = known.get(slug(header))
            steps: list[str | int] = tokens(column.path) if column else [header]
            steps = [seen.setdefault(step, len(seen)) if isinstance(step, int) else step for step in steps]
            self.put([*where, *steps], value, cell, number, many=bool(column and column.spec.many))

    def owner(self, value: Any, sheet: Sheet, cell: str, row: int) -> int | None:
        """Return the annotation set to which a row belongs; None if there is none."""
        text = _text(value) if value is not None else ""
        if text in self.names:
            return self.names.index(text)
        if not text and len(self.names) <= 1:
            return 0
        if text.isdigit() and 1 <= int(text[:9]) <= len(self.names):
            return int(text) - 1
        shown = f'the annotation set "{text}"' if text else "an annotation set that is not named"
        message = f"a row of {sheet.title} belongs to {shown}, which is not in the form"
        self.say("C034", f"{sheet.path}({row})", cell, row, message, "Name one of the sheet Annotations")
        return None

    def other(self, rows: list[_Row]) -> None:
        for number, row in enumerate(rows[1:], start=2):
            if len(row) < 2 or row[0][0] is None:
                continue
            cell = f"{OTHER}!B{number}"
            text = _text(row[0][0])
            try:
                at = json.loads(text) if text.startswith("[") else tokens(text)
                value = json.loads(_text(row[1][0]))
                if not at or not all(
                    isinstance(step, str | int) and not isinstance(step, bool) for step in at
                ):
                    raise ValueError("it is no path")
                assign(self.root, at, from_plain(value, number))
                self.place(at, cell)
            except (ValueError, RecursionError):
                message = f"{cell} cannot be read: a path stands in column A, its value as JSON in column B"
                self.say("C032", f"{OTHER}({number})", cell, number, message)


def _steps(header: str) -> list[str | int]:
    try:
        return tokens(header)
    except ValueError:
        return []


def _is_told(told: list[str], headers: list[str], known: dict[str, Column]) -> bool:
    """Whether a row holds the explanations of the columns."""
    return any(
        (column := known.get(slug(header))) is not None and text == column.told
        for text, header in zip(told, headers, strict=False)
    )


def _node(value: Any) -> Node:
    if isinstance(value, dict):
        pairs: list[tuple[Scalar, Node]] = []
        for key, item in value.items():
            node = _node(item)
            pairs.append((Scalar(str(key), line=node.line), node))
        return Mapping(pairs, pairs[0][1].line if pairs else 0)
    if isinstance(value, list):
        items = [_node(item) for item in value]
        return Sequence(items, items[0].line if items else 0)
    return value if isinstance(value, Scalar | Sequence | Mapping) else Scalar("", plain=True)
