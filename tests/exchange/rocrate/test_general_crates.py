"""Crates of other repositories: what has a home is read, everything else is kept and comes back."""

from __future__ import annotations

import json
from pathlib import Path

from exchange.rocrate.crates import DESCRIPTOR, ORCID, codes, read, root
from micrographia.exchange import differing, export, read_submission

GRAPH = [
    DESCRIPTOR,
    root(
        description="x",
        license={"@id": "https://creativecommons.org/licenses/by/4.0/"},
        datePublished="2023-01-01",
        author=[{"@id": ORCID}, "Antoni van Leeuwenhoek", {"@id": "#rs"}],
        publisher={"@id": "https://zenodo.org"},
        keywords="cork, cells",
        identifier=["https://doi.org/10.5281/zenodo.1234567", "zenodo-1234567"],
        version="1.2",
        hasPart=[{"@id": "data/a%20b.tif"}, {"@id": "data/"}, {"@id": "wf.cwl"}],
        citation={"@id": "https://doi.org/10.1038/s41592-025-02835-8"},
        funder={"@id": "#rs"},
        mainEntity={"@id": "wf.cwl"},
    ),
    {"@id": "https://creativecommons.org/licenses/by/4.0/", "@type": "CreativeWork", "name": "CC BY"},
    {
        "@id": ORCID,
        "@type": "Person",
        "name": "Robert Hooke",
        "affiliation": {"@id": "https://ror.org/03dbr7087"},
        "telephone": "1",
    },
    {"@id": "https://ror.org/03dbr7087", "@type": "Organization", "name": "University of Toronto"},
    {"@id": "#rs", "@type": "Organization", "name": "Royal Society"},
    {"@id": "https://zenodo.org", "@type": "Organization", "name": "Zenodo"},
    {
        "@id": "data/a%20b.tif",
        "@type": "File",
        "name": "an image",
        "encodingFormat": "image/tiff",
        "contentSize": 123,
        "sha256": "ab",
    },
    {"@id": "data/", "@type": "Dataset", "description": "a folder"},
    {
        "@id": "wf.cwl",
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "programmingLanguage": {"@id": "#cwl"},
    },
    {"@id": "#cwl", "@type": "ComputerLanguage", "name": "CWL"},
]


def test_what_has_a_home_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, GRAPH)
    study = found.mifa.study
    assert (study.title, study.license, study.keywords) == ("Cells", "CC-BY-4.0", ["cork", "cells"])
    assert (study.doi, study.accession) == ("https://doi.org/10.5281/zenodo.1234567", "zenodo-1234567")
    assert [one.name for one in study.authors] == ["Robert Hooke", "Antoni van Leeuwenhoek", "Royal Society"]
    assert study.authors[0].orcid_id == ORCID
    assert study.authors[0].organisation[0].ror_id == "https://ror.org/03dbr7087"
    assert study.grants[0].funder == "Royal Society"
    assert study.publications[0].publication_doi == "https://doi.org/10.1038/s41592-025-02835-8"
    assert found.mifa.versions[0].version == "1.2"
    assert found.files[["Files", "image", "role", "size", "sha256"]].to_numpy().tolist() == [
        ["data/a b.tif", "a_b", "image", 123, "ab"],
        ["wf.cwl", "", "other", -1, ""],
    ]
    assert found.folder is None
    assert set(codes(found)) == {"E004"}


def test_everything_else_is_kept_and_put_back(tmp_path: Path) -> None:
    before = read(tmp_path, GRAPH)
    done = export(before, "rocrate", tmp_path / "again")
    assert [finding.code for finding in done.findings if finding.code == "E005"] == []
    after = read_submission(done.path)
    assert differing(before, after) == []
    assert sorted(map(repr, after.origin.kept)) == sorted(map(repr, before.origin.kept))
    written = json.loads((done.path / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    entities = {one["@id"]: one for one in written}
    for one in GRAPH:
        assert one["@id"] in entities, one
    for name in ("data/a%20b.tif", "data/", "wf.cwl", "#cwl", "https://zenodo.org"):
        assert entities[name] == next(one for one in GRAPH if one["@id"] == name)
    assert {"@id": "data/a%20b.tif"} in entities["./"]["hasPart"]
    assert entities["./"]["publisher"] == {"@id": "https://zenodo.org"}
    assert entities[ORCID]["telephone"] == "1"


def test_files_on_the_web_have_one_base(tmp_path: Path) -> None:
    base = "https://zenodo.org/records/1234567/files/"
    files = [{"@id": f"{base}{name}", "@type": "File"} for name in ("a/one.tif", "b/two%20x.tif")]
    found = read(tmp_path, [DESCRIPTOR, root(hasPart=[{"@id": one["@id"]} for one in files]), *files])
    assert found.origin.files == base
    assert list(found.files["Files"]) == ["a/one.tif", "b/two x.tif"]
    assert codes(found) == []


def test_entities_that_stand_inside_others_are_read(tmp_path: Path) -> None:
    author = {
        "@type": "Person",
        "name": "Robert Hooke",
        "affiliation": {"@type": "Organization", "name": "RS"},
    }
    found = read(tmp_path, [DESCRIPTOR, root(author=author, name={"@value": "Cork", "@language": "en"})])
    assert found.mifa.study.title == "Cork"
    assert found.mifa.study.authors[0].organisation[0].organisation_name == "RS"
    assert codes(found) == []


def test_a_detached_crate_has_an_address_for_its_root(tmp_path: Path) -> None:
    address = "https://www.ebi.ac.uk/biostudies/studies/S-BIAD1492"
    descriptor = DESCRIPTOR | {
        "@id": "x-ro-crate-metadata.json",
        "about": {"@id": address},
        "sdPublisher": "us",
    }
    found = read(tmp_path, [descriptor, root(publisher="them") | {"@id": address}])
    assert found.mifa.study.title == "Cells"
    done = export(found, "rocrate", tmp_path / "again")
    assert "E005" not in [finding.code for finding in done.findings]
    written = json.loads((done.path / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    assert (written[0]["sdPublisher"], written[1]["publisher"]) == ("us", "them")


def test_folders_that_the_source_describes_stay_as_they_are(tmp_path: Path) -> None:
    graph = [
        DESCRIPTOR,
        root(hasPart=[{"@id": "a%20b/"}, {"@id": "a%20b/1.tif"}, {"@id": "c%20d/2.tif"}]),
        {"@id": "a%20b/", "@type": "Dataset", "description": "described"},
        {"@id": "a%20b/1.tif", "@type": "File"},
        {"@id": "c%20d/2.tif", "@type": "File"},
    ]
    for name in ("a b/1.tif", "c d/2.tif"):
        (tmp_path / "crate" / name).parent.mkdir(parents=True)
        (tmp_path / "crate" / name).write_bytes(b"x")
    found = read(tmp_path, graph)
    done = export(found, "rocrate", tmp_path / "again", {"files": "copy"})
    written = {
        one["@id"]: one for one in json.loads((done.path / "ro-crate-metadata.json").read_text())["@graph"]
    }
    assert written["a%20b/"] == graph[2]
    assert written["c%20d/"] == {"@id": "c%20d/", "@type": "Dataset", "name": "c d"}
    assert (done.path / "c d/2.tif").read_bytes() == b"x"
    back = read_submission(done.path)
    assert differing(found, back) == []
    assert sorted(map(repr, back.origin.kept)) == sorted(map(repr, found.origin.kept))


def test_the_crate_may_define_its_terms(tmp_path: Path) -> None:
    own = {"heading": "schema:name", "schema": "http://schema.org/", "name": "https://example.org/nickname"}
    before = read(
        tmp_path,
        [DESCRIPTOR, root(heading="Cork", colour="brown")],
        ["https://w3id.org/ro/crate/1.1/context", own],
    )
    assert before.mifa.study.title == "Cork"
    assert {one.value["property"] for one in before.origin.kept if one.at == "property"} == {"name", "colour"}
    done = export(before, "rocrate", tmp_path / "again")
    after = read_submission(done.path)
    assert after.mifa.study.title == "Cork"
    again = [one.value for one in after.origin.kept if one.at == "property"]
    assert {one["meaning"] for one in again} == {"https://example.org/nickname", "schema:colour"}
