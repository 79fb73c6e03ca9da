from pathlib import Path

import pytest

from micrographia.checks import builtin_rules, find_rule
from micrographia.checks.pages import explain, explanation, index_page, pages, rule_page, write_pages
from micrographia.checks.rule import SECTIONS

DOCS = Path(__file__).parents[2] / "docs" / "rules"


def test_the_pages_are_current() -> None:
    held = {path.name: path.read_text("utf-8") for path in DOCS.glob("*.md")}
    assert held == pages(), "run: python -m micrographia.checks.pages docs/rules"


def test_a_page_says_everything_about_a_rule() -> None:
    page = rule_page(find_rule("M022"))
    assert page.startswith("# M022: A coverage counted in images agrees with the file list\n")
    assert "[M016](M016.md)" in page
    assert "`--fix` mends it" in page
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(SECTIONS)
    assert "``" not in page


def test_the_index_lists_every_rule_once() -> None:
    index = index_page()
    for rule in builtin_rules():
        assert index.count(f"[{rule.code}]({rule.code}.md)") == 1


def test_explain_takes_any_case_and_knows_internal_errors() -> None:
    assert explain(" m003 ") == explanation(find_rule("M003"))
    assert "--ignore CODE" in explain("x001")


def test_only_changed_pages_are_written(tmp_path: Path) -> None:
    assert len(write_pages(tmp_path)) == len(builtin_rules()) + 1
    (tmp_path / "M001.md").write_text("old", "utf-8")
    (tmp_path / "Q001.md").write_text("gone", "utf-8")
    assert write_pages(tmp_path) == ["Q001.md", "M001.md"]
    assert write_pages(tmp_path) == []


@pytest.mark.parametrize("rule", builtin_rules(), ids=lambda rule: rule.code)
def test_explanations_are_plain_text(rule: type) -> None:
    text = explanation(rule)
    assert text.startswith(f"  {rule.code}  {rule.title()}\n")
    assert "``" not in text
    assert all(len(line) <= 125 for line in text.splitlines())
