"""Defaults of the lab: found, read leniently, written into fresh descriptions, each fact typed once."""

from pathlib import Path

import pytest

from micrographia.errors import MetadataError
from micrographia.metadata import defaults, lab_file, lab_template, template
from micrographia.metadata.template import FROM_LAB

LAB = """\
authors:
  - author_last_name: Hooke
    orcid: 0000-0002-1825-0097
    organisation: [Gresham College]
  - author_last_name: Developers
organisations:
  - organisation_name: Gresham College
    address: London
  - organisation_name: Elsewhere
microscope:
  imaging_method: {value: confocal microscopy}
funding: the Royal Society
licence: CC0
grants:
  - grant_id: "1"
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "lab.yaml"
    file.write_text(LAB, encoding="utf-8")
    monkeypatch.setenv("MICROGRAPHIA_LAB", str(file))
    return file


def test_facts_come_in_the_shape_of_a_description(lab: Path) -> None:
    found = defaults()
    assert found.path == lab
    assert {finding.code for finding in found.findings} >= {"C001", "C005", "C007", "C009"}
    place = {"organisation_name": "Gresham College", "address": "London"}
    assert found.values() == {
        "study": {
            "license": "CC0-1.0",
            "funding_statement": "the Royal Society",
            "authors": [
                {
                    "author_last_name": "Hooke",
                    "orcid_id": "https://orcid.org/0000-0002-1825-0097",
                    "organisation": [place],
                },
                {"author_last_name": "Developers"},
            ],
            "grants": [{"grant_id": "1"}],
        },
        "image_acquisitions": [{"imaging_method": {"value": "confocal microscopy"}}],
    }


def test_a_template_takes_them(lab: Path) -> None:
    text = template({}, defaults(lab).values())
    assert f"address: London  # {FROM_LAB}" in text
    assert f"value: confocal microscopy  # {FROM_LAB}" in text
    assert f'grant_id: "1"  # {FROM_LAB}' in text


def test_one_institution_is_everybodys(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("authors: [{author_last_name: Hooke}]\norganisations: [{organisation_name: Here}]\n")
    (author,) = defaults(file).values()["study"]["authors"]
    assert author["organisation"] == [{"organisation_name": "Here"}]


def test_without_a_file_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROGRAPHIA_LAB", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert lab_file() == tmp_path / "micrographia" / "lab.yaml"
    found = defaults()
    assert (found.path, found.values(), found.findings) == (None, {}, [])
    lab_file().parent.mkdir()
    lab_file().write_text("license: MIT\n")
    assert defaults().values() == {"study": {"license": "MIT"}}


def test_the_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROGRAPHIA_LAB", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert lab_file() == tmp_path / ".config" / "micrographia" / "lab.yaml"


def test_a_file_that_was_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MetadataError, match="no such file"):
        defaults(tmp_path / "none.yaml")
    monkeypatch.setenv("MICROGRAPHIA_LAB", str(tmp_path / "none.yaml"))
    with pytest.raises(MetadataError, match="MICROGRAPHIA_LAB"):
        defaults()


def test_a_list_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("- a\n")
    with pytest.raises(MetadataError, match="not a mapping"):
        defaults(file)


def test_its_template_is_all_notes_and_reads_without_them(tmp_path: Path) -> None:
    text = lab_template()
    assert all(line.startswith("#") or not line for line in text.splitlines())
    file = tmp_path / "lab.yaml"
    file.write_text(text)
    assert defaults(file).values() == {}
    fields = [
        line[2:] for line in text.splitlines() if line.startswith(("# ", "#  ")) and not line.endswith(".")
    ]
    file.write_text("\n".join(line for line in fields if line.startswith((" ", "- ")) or ":" in line))
    found = defaults(file)
    assert found.findings == []
    assert found.lab.license == "CC0-1.0"
