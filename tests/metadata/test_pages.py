from pathlib import Path

import pytest

from micrographia.metadata.coercions import COERCIONS
from micrographia.metadata.fields import specs
from micrographia.metadata.mifa import AnnotationSet, Mifa
from micrographia.metadata.pages import field_tables, with_parts

PAGE = Path(__file__).parents[2] / "docs" / "metadata.md"


def test_the_page_is_current():
    text = PAGE.read_text("utf-8")
    assert with_parts(text) == text, "run: python -m micrographia.metadata.pages docs/metadata.md"


def test_every_field_and_every_code_has_a_row():
    text = PAGE.read_text("utf-8")
    tables = field_tables()
    assert tables in text
    for name, spec in specs(Mifa).items():
        assert spec.record is None or f"### {name}\n" in tables
    for spec in specs(AnnotationSet).values():
        assert f"`{spec.name}{'[]' if spec.many else ''}`" in tables
        assert spec.meaning.replace("|", "\\|") in tables
    assert all(f"| {code} |" in text for code in COERCIONS)


def test_a_record_is_told_once():
    assert field_tables().count("author_first_name") == 1
    assert "As `study.authors[]`." in field_tables()


def test_no_cell_breaks_its_row():
    for line in field_tables().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 4, line


def test_only_marked_parts_are_made():
    text = "before\n<!-- generated: coercions -->\nold\n<!-- end of what was generated -->\nafter\n"
    made = with_parts(text)
    assert made.startswith("before\n<!-- generated: coercions -->\n\n| code |")
    assert made.endswith("<!-- end of what was generated -->\nafter\n")
    assert "old" not in made
    assert with_parts(made) == made
    with pytest.raises(KeyError):
        with_parts("<!-- generated: nothing -->\n<!-- end of what was generated -->")
