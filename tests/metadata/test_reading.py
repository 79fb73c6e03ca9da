"""Lenient reading: each coercion of the table by one case that fires and a strict file in which nothing does."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM, PLAIN
from micrographia.findings import Severity
from micrographia.metadata import COERCIONS, Description, coercion_table, from_dict
from micrographia.metadata.document import as_mapping, describe
from micrographia.metadata.reading import Reader
from micrographia.metadata.yaml_parsing import parse


def read(text: str) -> Description:
    document = parse("micrographia_format: 1\n" + text, "mifa.yaml")
    return describe(as_mapping(document.root, "mifa.yaml"), Reader("mifa.yaml"), Path("mifa.yaml"))


CASES: list[tuple[str, str, list[tuple[str, str, int]], Any]] = [
    ("one keyword", "study:\n  keywords: nucleus\n", [("C001", "study.keywords", 3)],
     {"study": {"keywords": ["nucleus"]}}),
    ("several types in one text", "annotations:\n- annotation_type: class_labels, counts\n",
     [("C001", "annotations[0].annotation_type", 3)], {"annotations": [{"annotation_type": ["class_labels",
     "counts"]}]}),
    ("one record for a list", "specimens: {sample_preparation: none}\n", [("C001", "specimens", 2)],
     {"specimens": [{"sample_preparation": "none"}]}),
    ("a list of one title", "study:\n  title: [T]\n", [("C002", "study.title", 3)], {"study": {"title": "T"}}),
    ("a list of names", "study:\n  publications:\n  - publication_authors: [A, B]\n",
     [("C002", "study.publications[0].publication_authors", 4)],
     {"study": {"publications": [{"publication_authors": "A, B"}]}}),
    ("a version without quotes", "versions:\n- version: 1.10\n", [("C003", "versions[0].version", 3)],
     {"versions": [{"version": "1.10"}]}),
    ("a title that is a truth value", "study:\n  title: true\n", [("C003", "study.title", 3)],
     {"study": {"title": "true"}}),
    ("numbers in quotes", 'annotations:\n- annotation_coverage: {annotated: "1,200", total: "3e3"}\n',
     [("C004", "annotations[0].annotation_coverage.annotated", 3), ("C004",
     "annotations[0].annotation_coverage.total", 3)],
     {"annotations": [{"annotation_coverage": {"annotated": 1200, "total": 3000}}]}),
    ("British spelling", "study:\n  Licence: CC0-1.0\n", [("C005", "study.license", 3)],
     {"study": {"license": "CC0-1.0"}}),
    ("a synonym of a type", "annotations:\n- annotation_type: [Segmentation masks]\n",
     [("C006", "annotations[0].annotation_type[0]", 3)],
     {"annotations": [{"annotation_type": ["segmentation_mask"]}]}),
    ("a symbol of a unit", "voxel_size: {z: 1, unit: µm}\n", [("C006", "voxel_size.unit", 2)],
     {"voxel_size": {"z": 1, "unit": "micrometer"}}),
    ("a wording of a licence", "study:\n  license: CC BY 4.0\n", [("C007", "study.license", 3)],
     {"study": {"license": "CC-BY-4.0"}}),
    ("a licence without version", "study:\n  license: CC_BY\n", [("C008", "study.license", 3)],
     {"study": {"license": "CC_BY"}}),
    ("a bare ORCID", "study:\n  authors:\n  - author_last_name: Hooke\n    orcid_id: 0000-0002-1825-0097\n",
     [("C009", "study.authors[0].orcid_id", 5)],
     {"study": {"authors": [{"author_last_name": "Hooke", "orcid_id": "https://orcid.org/0000-0002-1825-0097"}]}}),
    ("a taxon as a number", "biosamples:\n- organism: {ncbi_taxon: 9606}\n",
     [("C003", "biosamples[0].organism.ncbi_taxon", 3), ("C009", "biosamples[0].organism.ncbi_taxon", 3)],
     {"biosamples": [{"organism": {"ncbi_taxon": "NCBITaxon:9606"}}]}),
    ("a PMC id in pubmed_id", "study:\n  publications:\n  - pubmed_id: PMC7274788\n",
     [("C010", "study.publications[0].pmc_id", 4)], {"study": {"publications": [{"pmc_id": "PMC7274788"}]}}),
    ("a date in words", "versions:\n- timestamp: 17 January 2023\n", [("C011", "versions[0].timestamp", 3)],
     {"versions": [{"timestamp": "2023-01-17"}]}),
    ("papers by DOI", "study:\n  publications:\n    https://doi.org/10.1242/jcs.033340: {publication_title: T}\n",
     [("C012", "study.publications", 4)],
     {"study": {"publications": [{"publication_title": "T",
     "publication_doi": "https://doi.org/10.1242/jcs.033340"}]}}),
    ("links side by side", "study:\n  link_url: [https://a.org, https://b.org]\n  link_description: [one]\n",
     [("C012", "study.links", 3)],
     {"study": {"links": [{"link_url": "https://a.org", "link_description": "one"},
     {"link_url": "https://b.org"}]}}),
    ("classes by number", "annotations:\n- classes: {1: nucleus, 2: cell}\n", [("C012",
     "annotations[0].classes", 3)],
     {"annotations": [{"classes": [{"id": 1, "name": "nucleus"}, {"id": 2, "name": "cell"}]}]}),
    ("coverage as text", "annotations:\n- annotation_coverage: All of them\n",
     [("C013", "annotations[0].annotation_coverage", 3)],
     {"annotations": [{"annotation_coverage": {"description": "All of them"}}]}),
    ("coverage with numbers", "annotations:\n- annotation_coverage: 40 of 254 images. every tenth\n",
     [("C012", "annotations[0].annotation_coverage", 3), ("C013", "annotations[0].annotation_coverage", 3)],
     {"annotations": [{"annotation_coverage": {"annotated": 40, "total": 254, "unit": "images",
     "description": "every tenth"}}]}),
    ("an unknown field", "study:\n  colour: {red: [1, two]}\n", [("C014", "study.colour", 3)],
     {"study": {"colour": {"red": [1, "two"]}}}),
    ("a field twice", "study:\n  title: one\n  title: two\n", [("C015", "study.title", 4)],
     {"study": {"title": "one"}}),
    ("a mistyped ORCID", "study:\n  authors:\n  - author_last_name: Hooke\n    orcid_id: 0000-0002-1825-0098\n",
     [("C016", "study.authors[0].orcid_id", 5)],
     {"study": {"authors": [{"author_last_name": "Hooke", "orcid_id": "0000-0002-1825-0098"}]}}),
    ("an unknown licence", "study:\n  license: ask us\n", [("C017", "study.license", 3)],
     {"study": {"license": "ask us"}}),
    ("a type that is none", "annotations:\n- annotation_type: [maks]\n", [("C018",
     "annotations[0].annotation_type[0]", 3)],
     {"annotations": [{"annotation_type": ["maks"]}]}),
    ("pixels are no unit", "voxel_size: {z: 1, unit: pixel}\n", [("C018", "voxel_size.unit", 2)],
     {"voxel_size": {"z": 1, "unit": "pixel"}}),
    ("a mapping where a text belongs", "study:\n  title: {en: T}\n", [("C019", "study.title", 3)],
     {"study": {"title": {"en": "T"}}}),
    ("a count that is no number", "annotations:\n- annotation_coverage: {annotated: most}\n",
     [("C019", "annotations[0].annotation_coverage.annotated", 3)],
     {"annotations": [{"annotation_coverage": {"annotated": "most"}}]}),
    ("half a class", "annotations:\n- classes: [{id: 1.5}]\n", [("C019", "annotations[0].classes[0].id", 3)],
     {"annotations": [{"classes": [{"id": 1.5}]}]}),
    ("a kind of mask that is none", "annotations:\n- mask_kind: fuzzy\n", [("C018", "annotations[0].mask_kind", 3)],
     {"annotations": [{"mask_kind": "fuzzy"}]}),
    ("a list among keywords", "study:\n  keywords: [a, [b, c]]\n", [("C002", "study.keywords[1]", 3)],
     {"study": {"keywords": ["a", "b, c"]}}),
    ("a list among types", "annotations:\n- annotation_type: [counts, [tracks, graphs]]\n",
     [("C019", "annotations[0].annotation_type[1]", 3)],
     {"annotations": [{"annotation_type": ["counts", ["tracks", "graphs"]]}]}),
    ("a date of two readings", "versions:\n- timestamp: 3/4/2023\n", [("C020", "versions[0].timestamp", 3)],
     {"versions": [{"timestamp": "3/4/2023"}]}),
    ("a whole name", "study:\n  authors: [{name: Robert Hooke}]\n", [("C023", "study.authors[0]", 3)],
     {"study": {"authors": [{"author_first_name": "Robert", "author_last_name": "Hooke"}]}}),
    ("last name first", "study:\n  authors: ['Hooke, Robert', Boyle]\n",
     [("C023", "study.authors[0]", 3), ("C023", "study.authors[1]", 3)],
     {"study": {"authors": [{"author_first_name": "Robert", "author_last_name": "Hooke"},
     {"author_last_name": "Boyle"}]}}),
    ("an organisation by name", "study:\n  authors: [{author_last_name: Hooke, affiliation: Gresham College}]\n",
     [("C001", "study.authors[0].organisation", 3), ("C005", "study.authors[0].organisation", 3),
      ("C013", "study.authors[0].organisation[0]", 3)],
     {"study": {"authors": [{"author_last_name": "Hooke",
     "organisation": [{"organisation_name": "Gresham College"}]}]}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told", "plain"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_each_coercion_is_told_and_nothing_is_lost(
    text: str, told: list[tuple[str, str, int]], plain: Any
) -> None:
    description = read(text)
    assert [(finding.code, finding.field, finding.line) for finding in description.findings] == told
    assert description.mifa.plain() == {"micrographia_format": 1, **plain}
    for finding in description.findings:
        assert finding.severity is COERCIONS[finding.code].severity
        assert finding.path == "mifa.yaml"
        assert "\n" not in finding.message


def test_every_code_of_reading_has_a_case() -> None:
    covered = {code for _, _, told, _ in CASES for code, _, _ in told}
    elsewhere = {"C021", "C022", *(code for code in COERCIONS if code >= "C030")}
    assert covered | elsewhere == set(COERCIONS)


def test_the_table_names_every_code_once() -> None:
    table = coercion_table()
    assert all(table.count(f"| {code} |") == 1 for code in COERCIONS)
    assert {item.severity for item in COERCIONS.values() if item.code < "C040"} == {
        Severity.INFO,
        Severity.WARNING,
    }


def test_the_same_said_of_many_records_is_one_finding() -> None:
    records = "".join(f"  - annotation_id: m{number}\n    annotation_type: mask\n" for number in range(50))
    description = read("annotations:\n- file_metadata:\n" + records)
    assert [(finding.code, finding.line) for finding in description.findings] == [("C001", 5), ("C006", 5)]
    assert "(50 times)" in description.findings[0].message
    assert len(description.findings[1].evidence["fields"]) == 50
    assert description.findings[1].evidence["was"] == "mask"
    assert description.findings[1].evidence["read_as"] == "segmentation_mask"


def test_typing_errors_get_suggestions() -> None:
    (finding,) = read("study:\n  titel: T\n").findings
    assert finding.fix == "Did you mean title?"
    (finding,) = read("annotations:\n- annotation_type: [segmentaton_mask]\n").findings
    assert finding.fix == "did you mean segmentation_mask?"


def test_question_marks_are_open_fields() -> None:
    description = read(
        'study:\n  title: "?"\n  keywords: ["?"]\n  license: "? ask the boss"\n  authors:\n  - orcid_id: "?"\n'
        'annotations:\n- name: a\n  annotation_coverage: {total: "?"}\n- ?\n- name: c\n'
    )
    assert description.open_fields == [
        "study.title", "study.keywords[0]", "study.license", "study.authors[0].orcid_id",
        "annotations[0].annotation_coverage.total", "annotations[1]",
    ]  # fmt: skip
    assert description.mifa.study.title is None
    assert description.mifa.study.authors == []
    assert [one.name for one in description.mifa.annotations] == ["a", None, "c"]
    assert description.mifa.annotations[0].annotation_coverage is None
    assert description.lines["study.title"] == 3
    assert description.findings == []


def test_empty_is_absent() -> None:
    description = read('study:\n  title:\n  description: ""\n  keywords: [~]\nversions:\n')
    assert description.mifa.plain() == {"micrographia_format": 1}
    assert description.findings == []
    assert description.filled_fields == ["micrographia_format"]


def test_lines_of_fields_and_of_what_they_belong_to() -> None:
    description = read("study:\n  title: T\nannotations:\n  - name: a\n    target:\n      object: o\n")
    assert description.lines["annotations[0].target.object"] == 7
    assert description.line("annotations[0].target.boundary") == 6
    assert description.line("annotations[0].authors[3].orcid_id") == 5
    assert description.line("waivers") is None


@CALM
@given(PLAIN)
def test_strict_descriptions_need_no_coercion(values: dict[str, Any]) -> None:
    assert from_dict(values).findings == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["?", "9606"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["title", "name", "license", "authors", "annotation_type", "id", "publications", "<<"])
        | st.text(max_size=6),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@CALM
@given(
    st.dictionaries(
        st.sampled_from(["study", "annotations", "versions", "voxel_size", "waivers", "y"]), ANYTHING
    )
)
def test_nothing_is_ever_raised(values: dict[str, Any]) -> None:
    description = from_dict(values, "mifa.yaml")
    again = from_dict(description.mifa.plain())
    assert again.mifa.plain() == description.mifa.plain()
    assert all(finding.code in COERCIONS for finding in description.findings)
    assert all(finding.to_json() and finding.message.isprintable() for finding in description.findings)
