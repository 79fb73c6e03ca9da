import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from micrographia.checks import Report
from micrographia.findings import Severity
from micrographia.report.findings_html import findings_html, lead
from micrographia.report.findings_json import findings_document, findings_json, findings_schema
from micrographia.report.findings_markdown import findings_markdown
from micrographia.report.findings_sarif import findings_sarif, sarif_document
from reports import report_with_defects

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
PLACE = {
    "type": "object",
    "required": ["artifactLocation"],
    "properties": {
        "artifactLocation": {
            "required": ["uri", "uriBaseId"],
            "properties": {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~/%!$&'()*+,;=:@-]+$"}},
        },
        "region": {"required": ["startLine"], "properties": {"startLine": {"type": "integer", "minimum": 1}}},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "defaultConfiguration": {
                                                    "properties": {
                                                        "level": {"enum": ["note", "warning", "error"]}
                                                    }
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["ruleId", "ruleIndex", "message", "level"],
                            "properties": {
                                "message": TEXT,
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "locations": {"items": {"properties": {"physicalLocation": PLACE}}},
                                "suppressions": {
                                    "items": {
                                        "required": ["kind"],
                                        "properties": {
                                            "kind": {"enum": ["inSource", "external"]},
                                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                                        },
                                    }
                                },
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                            },
                        }
                    },
                },
            },
        },
    },
}
"""The parts of SARIF 2.1.0 that the report uses."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_with_defects(tmp_path_factory.mktemp("dataset"))


def test_json_follows_its_schema_and_says_everything(report: Report) -> None:
    document = json.loads(findings_json(report))
    jsonschema.Draft202012Validator.check_schema(findings_schema())
    jsonschema.validate(document, findings_schema())
    assert document == findings_document(report)
    assert len(document["findings"]) == len(report.findings)
    assert document["counts"]["error"] == report.count(Severity.ERROR)
    assert document["waived"][0]["waiver"].startswith("Nuclei <script>")
    assert document["scores"]["M"]["failed"] == ["L016", "M003", "M015"]
    states = [rule["state"] for rule in document["rules"] if rule["letter"] == "M"]
    assert document["scores"]["M"]["passed"] == states.count("passed")


def test_json_is_refused_by_the_schema_when_it_lacks_something(report: Report) -> None:
    document = findings_document(report)
    del document["findings"][0]["severity"]
    with pytest.raises(jsonschema.ValidationError, match="severity"):
        jsonschema.validate(document, findings_schema())


def test_sarif(report: Report) -> None:
    document = json.loads(findings_sarif(report))
    jsonschema.validate(document, SARIF)
    [run] = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    waived = [result for result in run["results"] if "suppressions" in result]
    assert [result["ruleId"] for result in waived] == ["F020"]
    assert len(run["results"]) == len(report.findings) + len(report.waived)
    [wrong] = [result for result in run["results"] if result["ruleId"] == "M003"]
    assert wrong["level"] == "error"
    assert wrong["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "mifa.yaml"


def test_a_fingerprint_stays_when_lines_move(report: Report) -> None:
    moved = dataclasses.replace(
        report,
        findings=tuple(dataclasses.replace(f, line=f.line + 7 if f.line else None) for f in report.findings),
    )

    def prints(document: dict[str, Any]) -> list[dict[str, str]]:
        return [result["partialFingerprints"] for result in document["runs"][0]["results"]]

    assert prints(sarif_document(report)) == prints(sarif_document(moved))
    assert len({str(held) for held in prints(sarif_document(report))}) == len(report.findings) + 1


def test_markdown_escapes_what_the_dataset_says(report: Report) -> None:
    text = findings_markdown(report)
    assert "<script>" not in text.replace("\\<", "")
    assert "\x1b" not in text
    assert "[link](" not in text.replace("\\[", "").replace("\\]", "")
    for line in text.splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (4, 6)
    assert "| error | M003 |" in text
    assert "did you mean segmentation\\_mask? (fixable)" in text
    for heading in ("## Scores", "## Findings", "## Waived", "## Skipped"):
        assert heading in text


class Page(HTMLParser):
    """Collects what a page holds, and sees that tags are balanced."""

    VOID = frozenset(("meta", "br", "img", "link", "input"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_escaped_and_needs_no_network(report: Report) -> None:
    html = findings_html(report)
    page = Page()
    page.feed(html)
    assert page.open == []
    assert [tag for tag, _ in page.tags].count("script") == 1, "only our own"
    assert not [attributes for _, attributes in page.tags if "src" in attributes]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links if link)
    assert "url(" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "\x1b" not in html
    text = " ".join(page.text)
    for finding in report.findings[:3]:
        assert finding.message in text
    assert "12 places" in text
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        if attributes.get("role") == "img":
            assert attributes.get("aria-label")
        if tag == "html":
            assert attributes["lang"] == "en"


def test_the_lead_answers_how_it_stands(report: Report) -> None:
    assert lead(report) == "2 errors, 13 warnings and 1 note. The program can mend 1 of them."
    assert lead(dataclasses.replace(report, findings=())) == "Nothing was found."
    assert "Nothing was found." in findings_html(dataclasses.replace(report, findings=(), scores=()))


def test_documents_are_the_same_every_time(report: Report) -> None:
    for render in (findings_json, findings_sarif, findings_markdown, findings_html):
        assert render(report) == render(report)
