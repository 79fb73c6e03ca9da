"""The codes of importing and exporting, and their page."""

from pathlib import Path

import pytest

from micrographia.exchange import CODES, code_table, formats, told

PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"


def test_the_page_has_the_codes_and_the_formats() -> None:
    text = PAGE.read_text("utf-8")
    assert f"<!-- codes -->\n{code_table()}\n<!-- end of codes -->" in text
    for name, form in formats().items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        does = [cell.strip() for cell in row.split("|")[3:5]]
        assert does == ["yes" if can else "no" for can in (form.reads, form.writes)], name


def test_several_fields_are_named_at_once() -> None:
    finding = told("E001", "no place", fields=["study.title", "study.grants"])
    assert (finding.field, finding.evidence) == ("study.title", {"fields": ["study.title", "study.grants"]})
    assert finding.severity is CODES["E001"].severity
    with pytest.raises(KeyError):
        told("E999", "nothing")
