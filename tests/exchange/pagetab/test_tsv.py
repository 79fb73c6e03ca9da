"""PageTab as TSV: read as the archive's own reader does, written so that it comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.pagetab.records import record, section, values
from metadata.descriptions import CALM, TEXTS
from micrographia.errors import ExchangeError
from micrographia.exchange import read_submission
from micrographia.exchange.pagetab import tsv
from micrographia.exchange.pagetab.notes import Notes
from micrographia.findings import Finding

SUBMISSION = """\
Submission\tS-BIAD1
Title\tNuclei
# a comment

Study\ts1
Description\tFirst line
License\tCC0
[URL]\thttps://creativecommons.org/publicdomain/zero/1.0/legalcode
Keywords\ta
Keywords\tb

Link\tERP116793
Description\tReads

author\t
Name\tRobert Hooke
<affiliation>\to1

organisation\to1
Name\tRoyal Society

Funding[]\tAgency\tgrant_id
\tA\t1
\tB\t2

Biosample\tB1
Title\tCells

Organism\tO1\tB1
Scientific name\tHomo sapiens

Files\tDescription
a.tif\tone
b.tif\ttwo
"""


def parse(text: str) -> tuple[dict, Notes]:  # type: ignore[type-arg]
    notes = Notes()
    return tsv.parse(text, "x.tsv", notes), notes


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_submission(end: str, tmp_path: Path) -> None:
    (tmp_path / "S-BIAD1.tsv").write_bytes(b"\xef\xbb\xbf" + SUBMISSION.replace("\n", end).encode())
    found = read_submission(tmp_path / "S-BIAD1.tsv")
    study = found.mifa.study
    assert (study.accession, study.title, study.keywords) == ("S-BIAD1", "Nuclei", ["a", "b"])
    assert study.license == "CC0-1.0"
    assert study.authors[0].organisation[0].organisation_name == "Royal Society"
    assert [(one.funder, one.grant_id) for one in study.grants] == [("A", "1"), ("B", "2")]
    assert study.links[0].link_description == "Reads"
    assert found.mifa.biosamples[0].organism.scientific_name == "Homo sapiens"
    assert list(found.files["Description"]) == ["one", "two"]
    assert "submission/comments" in {one.at for one in found.origin.kept}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('say "hi"', 'say "hi"'),
        ('"hi"', '"hi"'),
        ('"two\nlines"', "two\nlines"),
        ('"two\n\nlines, and ""quotes"""', 'two\n\nlines, and "quotes"'),
        ('"open', '"open'),
        ("a\u2028b", "a\u2028b"),
    ],
)
def test_quotes(cell: str, value: str) -> None:
    document, _ = parse(f"Submission\tS-1\n\nStudy\nTitle\t{cell}\nDescription\tplain\n")
    assert document["section"]["attributes"] == values(Title=value, Description="plain")


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=3))
@CALM
def test_texts_come_back(titles: list[str], names: list[str]) -> None:
    document = record(*(section("author", "", Name=name) for name in names))
    document["section"]["attributes"] += values(Note=titles)
    findings: list[Finding] = []
    back, _ = parse(tsv.write(document, findings))
    assert findings == []
    assert back["section"]["attributes"] == document["section"]["attributes"]
    assert [one["attributes"] for one in back["section"].get("subsections", [])] == [
        values(Name=name) for name in names
    ]


def test_sections_inside_one_another_in_a_circle() -> None:
    text = "Submission\tS-1\n\nStudy\n\nBiosample\tB1\tO1\nTitle\tB\n\nOrganism\tO1\tB1\nTitle\tX\n\nSpecimen\tS\tS\n"
    document, notes = parse(text)
    assert [one["accno"] for one in document["section"]["subsections"]] == ["B1", "O1", "S"]
    assert {one.code for one in notes.findings()} == {"E008"}


def test_a_long_chain_of_sections_is_read() -> None:
    chain = "".join(f"Part\tP{number}\tP{number - 1}\n\n" for number in range(1, 150))
    document, _ = parse(f"Submission\tS-1\n\nStudy\tP0\n\n{chain}")
    depth, one = 0, document["section"]
    while one.get("subsections"):
        depth, one = depth + 1, one["subsections"][0]
    assert depth == 149


def test_a_parent_that_is_not_there() -> None:
    document, notes = parse("Submission\tS-1\n\nStudy\n\nBiosample\tB1\tX9\nTitle\tB\n")
    assert [one["accno"] for one in document["section"]["subsections"]] == ["B1"]
    assert [one.code for one in notes.findings()] == ["E007"]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "Files\tA\n", "Study\tS\n", "Submission", "Submission\tS-1\n\nFile\ta.tif\n"]
)
def test_what_is_no_submission(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text(text)
    with pytest.raises(ExchangeError):
        read_submission(tmp_path / "x.tsv", "pagetab")


def test_what_tsv_cannot_carry_is_named() -> None:
    document = record(section("File", "", Name="x"), **{"<odd>": "1", "fine": "2"})
    findings: list[Finding] = []
    back, _ = parse(tsv.write(document, findings))
    assert back["section"]["attributes"] == values(Title="Nuclei", fine="2")
    assert {one.code for one in findings} == {"E005"}
    assert len(findings) == 2
