"""The form: a spreadsheet that a lab fills in, with a sheet for each concept, written from a description."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from micrographia.findings import Finding
from micrographia.metadata.coercions import COERCIONS
from micrographia.metadata.files import write_whole
from micrographia.metadata.form_layout import (
    FIELD_HEADERS,
    LISTS,
    OTHER,
    SET_COLUMN,
    SHEETS,
    STUDY,
    Column,
    Sheet,
    choices,
    columns,
    list_text,
    study_rows,
)
from micrographia.metadata.mifa import Mifa
from micrographia.metadata.study import Author
from micrographia.metadata.trees import OPEN, Tokens, dotted, paths, tokens, value_in

LONGEST = 32_767
"""Most characters that a cell holds."""
_BLANK_ROWS = 200
"""Rows after the last record that have drop-downs too."""
_DATE = (1980, 1, 1, 0, 0, 0)


def write_form(path: Path | str, mifa: Mifa) -> list[Finding]:
    """Write a description as a spreadsheet to fill in.

    Parameters
    ----------
    path
        The ``.xlsx``; it appears whole or not at all.
    mifa
        What is known already; an empty one makes a blank form.

    Returns
    -------
    list of Finding
        One for every value that does not fit into a cell.

    Raises
    ------
    MetadataError
        If the file cannot be written.
    """
    path = Path(path)
    writer = _Writer(mifa)
    data = writer.bytes()
    write_whole(path, data)
    return [
        Finding(
            "C033",
            COERCIONS["C033"].severity,
            f"{dotted(at)} has more than {LONGEST:,} characters and was left out of the form",
            path=path.name,
            field=dotted(at),
            fix="Write it into mifa.yaml",
        )
        for at in writer.too_long
    ]


class _Writer:
    def __init__(self, mifa: Mifa) -> None:
        from openpyxl import Workbook

        self.plain = mifa.plain()
        self.book = Workbook()
        self.written: set[Tokens] = {("micrographia_format",)}
        self.too_long: list[Tokens] = []
        self.lists: dict[tuple[str, ...], str] = {}
        self.words: Any = None

    def bytes(self) -> bytes:
        self.words = self.book.active
        self.words.title = LISTS
        self.study()
        for sheet in SHEETS:
            self.records(sheet)
        self.other()
        self.book.move_sheet(LISTS, len(self.book.sheetnames))
        self.words.sheet_state = "hidden"
        self.book.active = 0
        held = io.BytesIO()
        self.book.save(held)
        return _reproducible(held.getvalue())

    def put(self, cell: Any, value: Any) -> None:
        """Write a value as what it is: a text that looks like a formula stays a text."""
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"

    def leaf(self, cell: Any, column: Column, value: Any, at: Tokens) -> bool:
        """Write the value of a field; False if it has no place in a cell."""
        if column.spec.many:
            fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
            value = list_text(value) if fits else None
        elif column.spec.number is not None:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            fits = isinstance(value, str)
        if not fits or (isinstance(value, str) and not _is_cell_text(value)):
            return False
        self.put(cell, value)
        self.written.add(at)
        return True

    def study(self) -> None:
        from openpyxl.worksheet.datavalidation import DataValidation

        page = self.book.create_sheet(STUDY.title, 0)
        _head(page, FIELD_HEADERS, (28, 80, 60))
        for row, column in enumerate(study_rows(), start=2):
            _grey(page.cell(row, 3, column.told))
            page.cell(row, 1, column.path.removeprefix("study."))
            cell = page.cell(row, 2)
            _plain_cell(cell, column)
            value = value_in(self.plain, column.path)
            if value is not None:
                self.leaf(cell, column, value, tuple(tokens(column.path)))
            words = choices(column)
            if words:
                rule = DataValidation(
                    "list", formula1=self.listed(words), allow_blank=True, showErrorMessage=False
                )
                rule.add(cell)
                page.add_data_validation(rule)

    def records(self, sheet: Sheet) -> None:
        rows = self.rows(sheet)
        blocks = max([2, *(len(record.get("organisation") or []) for _, _, record in rows)])
        listed = list(columns(sheet.model, blocks)) if sheet.model is Author else list(columns(sheet.model))
        first = 2 if sheet.in_sets else 1
        page = self.book.create_sheet(sheet.title)
        headers = [SET_COLUMN] * sheet.in_sets + [column.path for column in listed]
        _head(page, headers, [18] * sheet.in_sets + [24 if column.is_text else 10 for column in listed])
        if sheet.in_sets:
            _grey(page.cell(2, 1, "Name or number of the annotation set that the row belongs to."))
        for number, column in enumerate(listed, start=first):
            _grey(page.cell(2, number, column.told))
        for row, (owner, at, record) in enumerate(rows, start=3):
            if sheet.in_sets:
                self.put(page.cell(row, 1), owner)
            filled = False
            for number, column in enumerate(listed, start=first):
                value = value_in(record, column.path)
                if value is not None:
                    filled |= self.leaf(page.cell(row, number), column, value, (*at, *tokens(column.path)))
            if not filled:
                place = next(number for number, column in enumerate(listed, start=first) if column.is_text)
                self.put(page.cell(row, place), OPEN)
            self.blocks(page, row, first, listed, record)
        self.finish(page, listed, first, len(rows) + 2)
        page.freeze_panes = page.cell(3, first + (0 if sheet.in_sets else 1))

    def blocks(self, page: Any, row: int, first: int, listed: list[Column], record: dict[str, Any]) -> None:
        """Mark organisations of which nothing has a cell, so that those behind them keep their number."""
        held = record.get("organisation")
        for number, _ in enumerate(held if isinstance(held, list) else []):
            at = f"organisation[{number}]"
            own = [place for place, column in enumerate(listed, start=first) if column.path.startswith(at)]
            if own and all(page.cell(row, place).value is None for place in own):
                self.put(page.cell(row, own[0]), OPEN)

    def finish(self, page: Any, listed: list[Column], first: int, last: int) -> None:
        """Format the cells of a sheet as text or number and give them their drop-downs."""
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.datavalidation import DataValidation

        for number, column in enumerate(listed, start=first):
            _plain_cell(page.column_dimensions[get_column_letter(number)], column)
            for row in range(3, last + 1):
                _plain_cell(page.cell(row, number), column)
            words = choices(column)
            if words:
                letter = get_column_letter(number)
                rule = DataValidation(
                    "list", formula1=self.listed(words), allow_blank=True, showErrorMessage=False
                )
                rule.add(f"{letter}3:{letter}{last + _BLANK_ROWS}")
                page.add_data_validation(rule)

    def rows(self, sheet: Sheet) -> list[tuple[str | int, Tokens, dict[str, Any]]]:
        """Return the records of a sheet: what they belong to, where they are, what they say."""
        if not sheet.in_sets:
            where = tuple(sheet.path.split("."))
            found = value_in(self.plain, sheet.path)
            return [("", (*where, number), record) for number, record in _records(found)]
        sets = _records(self.plain.get("annotations"))
        names = [record.get("name") for _, record in sets]
        field = sheet.path.rsplit(".", 1)[1]
        rows: list[tuple[str | int, Tokens, dict[str, Any]]] = []
        for number, record in sets:
            name = record.get("name")
            owner = (
                name if isinstance(name, str) and names.count(name) == 1 and _is_clear(name) else number + 1
            )
            for inner, item in _records(record.get(field)):
                rows.append((owner, ("annotations", number, field, inner), item))
        return rows

    def listed(self, words: list[str]) -> str:
        """Return a reference to a list of words on the hidden sheet."""
        from openpyxl.utils import get_column_letter

        key = tuple(words)
        if key not in self.lists:
            number = len(self.lists) + 1
            for row, word in enumerate(words, start=1):
                self.put(self.words.cell(row, number), word)
            letter = get_column_letter(number)
            self.lists[key] = f"{LISTS}!${letter}$1:${letter}${len(words)}"
        return self.lists[key]

    def other(self) -> None:
        """Write what has no column: unknown fields, and values that could not be read."""
        page = self.book.create_sheet(OTHER)
        _head(page, ("path", "value as JSON"), (50, 80))
        row = 2
        for at, value in paths(self.plain):
            if at in self.written:
                continue
            text = json.dumps(value, default=str)
            if len(text) > LONGEST:
                self.too_long.append(at)
                continue
            self.put(page.cell(row, 1), json.dumps(list(at)))
            self.put(page.cell(row, 2), text)
            row += 1


def _records(value: Any) -> list[tuple[int, dict[str, Any]]]:
    items = value if isinstance(value, list) else []
    return [(number, item) for number, item in enumerate(items) if isinstance(item, dict)]


def _is_clear(name: str) -> bool:
    """Whether a name refers to an annotation set in a cell; a number would be taken for its place."""
    return name == name.strip() and not name.isdigit() and _is_cell_text(name)


def _is_cell_text(text: str) -> bool:
    """Whether a cell gives a text back as it is."""
    odd = re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_", text)
    return bool(text.strip()) and len(text) <= LONGEST and odd is None


def _head(page: Any, headers: Any, widths: Any) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    for number, (header, width) in enumerate(zip(headers, widths, strict=True), start=1):
        cell = page.cell(1, number, header)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(vertical="top")
        page.column_dimensions[get_column_letter(number)].width = width
    page.freeze_panes = "A2"


def _grey(cell: Any) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    cell.font = Font(color="6B6B6B", italic=True, size=9)
    cell.fill = PatternFill("solid", fgColor="EFEFEF")
    cell.alignment = Alignment(wrap_text=True, vertical="top")


def _plain_cell(cell: Any, column: Column) -> None:
    from openpyxl.styles import Alignment

    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if column.is_text:
        cell.number_format = "@"


def _reproducible(data: bytes) -> bytes:
    """Return a spreadsheet without the time at which it was written, so that the same facts make the same bytes."""
    held = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb">[0-9-]{10}T[0-9:]{8}Z<", b">1980-01-01T00:00:00Z<", content)
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return held.getvalue()
