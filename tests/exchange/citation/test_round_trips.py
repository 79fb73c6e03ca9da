"""What is written as DataCite, CFF and Schema.org comes back but for the named losses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from exchange.citation.cases import DESCRIPTIONS, WHOLE, submission, trip
from micrographia import metadata
from micrographia.dataset.origin import Kept, Origin
from micrographia.exchange import (
    Submission,
    export,
    file_table,
    find_format,
    formats,
    import_submission,
    read_submission,
    recognise,
)
from micrographia.exchange.source import Source

READ = ["datacite", "cff", "schemaorg"]
ALL = [*READ, "bibtex"]
BIA = ["S-BIAD599", "S-BIAD634"]


@pytest.mark.parametrize("name", READ)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=DESCRIPTIONS)
def test_any_description_comes_back_but_for_named_losses(
    name: str, plain: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    given_ = submission(plain)
    folder = tmp_path_factory.mktemp(name)
    differing, done, back = trip(name, given_, folder)
    assert differing == []
    again = export(back, name, folder / "again")
    assert sorted(again.path.read_text("utf-8")) == sorted(done.path.read_text("utf-8"))


@pytest.mark.real_data
@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("accession", BIA)
def test_datasets_of_the_archive_come_back(name: str, accession: str, data: Path, tmp_path: Path) -> None:
    read = metadata.read_archive(data / "mifa_examples", accession)
    differing, _, back = trip(name, Submission(read, file_table([{"Files": "a.tif"}])), tmp_path)
    assert differing == []
    assert back.mifa.study.title == read.mifa.study.title


@pytest.mark.real_data
@pytest.mark.parametrize("name", ALL)
def test_records_of_the_archive_come_back(name: str, data: Path, tmp_path: Path) -> None:
    found = sorted((data / "bia_records").rglob("S-*.json"))
    records = [path for path in found if "section" in json.loads(path.read_bytes())]
    assert len(records) > 20
    for path in records:
        record = read_submission(path, "pagetab")
        if name == "bibtex":
            export(record, name, tmp_path / f"{path.stem}.bib")
            continue
        folder = tmp_path / path.stem
        folder.mkdir()
        differing, _, _ = trip(name, record, folder)
        assert differing == [], path.name


@pytest.mark.parametrize("name", READ)
def test_what_is_written_is_recognised(name: str, tmp_path: Path) -> None:
    done = export(submission(WHOLE, files=True), name, tmp_path)
    assert recognise(Source(done.path)).name == name
    assert recognise(Source(tmp_path)).name == name
    back = import_submission(done.path, tmp_path / "back")
    assert back.mifa.study.title == WHOLE["study"]["title"]


def test_each_format_says_what_it_is() -> None:
    assert [name for name in formats() if name in ALL] == ["datacite", "cff", "bibtex", "schemaorg"]


@pytest.mark.parametrize("name", ALL)
def test_what_another_format_kept_is_named(name: str, tmp_path: Path) -> None:
    one = submission(WHOLE)
    one.origin = Origin("pagetab", "a.json", "", (Kept("section", {"a": 1}), Kept("section", {"a": 2})))
    done = export(one, name, tmp_path / "out")
    (lost,) = [finding for finding in done.findings if finding.code == "E005"]
    assert lost.message.endswith("has no place for what is kept as section (2 times)")


@pytest.mark.parametrize("name", ALL)
def test_what_is_required_and_missing_is_an_error(name: str, tmp_path: Path) -> None:
    done = export(submission({}), name, tmp_path / "out")
    assert not done.valid
    assert export(submission(WHOLE), name, tmp_path / "whole").valid


@pytest.mark.parametrize(
    ("name", "document"),
    [
        (
            "datacite",
            {
                "schemaVersion": "http://datacite.org/schema/kernel-4",
                "titles": [
                    {"title": "Cork", "lang": "en"},
                    {"title": "Kork", "titleType": "TranslatedTitle"},
                ],
                "creators": [{"name": "Hooke, Robert", "lang": "en"}],
                "publisher": "Royal Society",
                "publicationYear": 1665,
                "types": {"resourceTypeGeneral": "Image", "resourceType": "Drawing"},
                "language": "en",
                "geoLocations": [{"geoLocationPlace": "London"}],
                "contributors": [{"name": "Someone", "contributorType": "Sponsor"}],
            },
        ),
        (
            "schemaorg",
            {
                "@context": "https://schema.org/",
                "@type": "Dataset",
                "name": "Cork",
                "description": "Thin slices of cork, drawn with a pen.",
                "creator": {"@type": "Person", "name": "Robert Hooke", "jobTitle": "Curator"},
                "spatialCoverage": "London",
                "distribution": [{"@type": "DataDownload", "contentUrl": "https://example.org/a.zip"}],
            },
        ),
    ],
)
def test_what_has_no_home_is_kept_named_and_put_back(
    name: str, document: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document))
    back = read_submission(tmp_path / "a.json", name)
    assert back.mifa.study.title == "Cork"
    assert back.mifa.study.authors[0].name == "Robert Hooke"
    kept = {one.at for one in back.origin.kept}
    assert kept
    assert sum(finding.code == "E004" for finding in back.findings) == len(kept)
    written = json.loads(export(back, name, tmp_path / "out").path.read_text())
    for key, value in document.items():
        for item in value if isinstance(value, list) else [value]:
            held = written[key] if isinstance(written[key], list) else [written[key]]
            if isinstance(item, dict):
                assert any(item.items() <= one.items() for one in held), key
            else:
                assert str(item) in map(str, held), key


def test_an_answer_of_the_web_service_is_read(tmp_path: Path) -> None:
    attributes = {
        "doi": "10.6019/S-BIAD1492",
        "creators": [{"name": "Hooke, Robert", "affiliation": ["Brown University"]}, "The Royal Society"],
        "titles": [{"title": "Cork"}],
        "publisher": "BioImage Archive",
        "publicationYear": 2024,
        "rightsList": [{"rightsUri": "https://creativecommons.org/licenses/by/4.0/legalcode"}],
        "subjects": "cells",
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    (tmp_path / "a.json").write_text(json.dumps({"data": {"id": "1", "attributes": attributes}}))
    study = read_submission(tmp_path / "a.json").mifa.study
    assert (study.doi, study.license, study.release_date) == (
        "https://doi.org/10.6019/S-BIAD1492",
        "CC-BY-4.0",
        "2024",
    )
    assert study.authors[0].organisation[0].organisation_name == "Brown University"
    assert study.authors[1].author_last_name == "The Royal Society"
    assert study.keywords == ["cells"]


ODD = [None, 7, 1.5, True, "text", [], {}, [None], [[1]], {"a": {"b": []}}, ["x", 3, None, {"name": 4}]]


@pytest.mark.parametrize("name", READ)
def test_wrong_types_everywhere_are_kept(name: str, tmp_path: Path) -> None:
    form = find_format(name)
    whole = export(submission(WHOLE, files=True), form, tmp_path / form.file).path
    text = whole.read_text("utf-8")
    read = json.loads(text) if name != "cff" else __import__("yaml").safe_load(text)
    for key in read:
        for number, odd in enumerate(ODD):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps({**read, key: odd}))
            if key == "@type":
                continue
            back = read_submission(path, form)
            done = export(back, form, tmp_path / f"{number}.out")
            assert done.path.stat().st_size > 20
            done.path.unlink()


def test_a_context_that_would_have_to_be_fetched_is_told(tmp_path: Path) -> None:
    document = {
        "@context": ["https://schema.org", "https://evil.example/context"],
        "@type": "schema:Dataset",
        "schema:name": "Cork",
    }
    (tmp_path / "a.jsonld").write_text(json.dumps(document))
    back = read_submission(tmp_path / "a.jsonld", "schemaorg")
    assert back.mifa.study.title == "Cork"
    assert [finding.code for finding in back.findings if finding.code == "E011"] == ["E011"]
