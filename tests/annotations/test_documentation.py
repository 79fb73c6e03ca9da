"""The page about annotations shows the schemas, formats and findings that the code has."""

from pathlib import Path

from micrographia.annotations import CODES, FORMATS, TABLES
from micrographia.annotations.documentation import PARTS, renewed

PAGE = Path(__file__).parents[2] / "docs" / "annotations.md"


def test_the_page_is_current():
    text = PAGE.read_text(encoding="utf-8")
    for name in PARTS:
        assert text.count(f"<!-- {name} -->") == text.count(f"<!-- /{name} -->") == 1
    assert renewed(text) == text, "run: python -m micrographia.annotations.documentation docs/annotations.md"


def test_everything_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name in (*CODES, *TABLES, *FORMATS):
        assert name in text
    for schema in TABLES.values():
        for column in schema.columns:
            assert f"| `{column.name}`" in text
