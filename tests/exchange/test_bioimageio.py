"""Descriptions of BioImage.IO: valid by its own library, and nothing is lost."""

import logging

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from exchange.cork import cork
from metadata.descriptions import PLAIN, records
from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import ExchangeError, MetadataError
from micrographia.exchange import (
    Submission,
    described,
    differing,
    export,
    file_table,
    read_submission,
    recognise,
    unnamed_differences,
)
from micrographia.exchange.source import Source
from micrographia.metadata import Study, known_licences

HOSTILE = "</script><script>alert(1)</script> /\\ {{x}} \U0001f52c"


@pytest.fixture(scope="module")
def judge():
    """Return what says, by the library of BioImage.IO, the status of a description and its errors."""
    spec = pytest.importorskip("bioimageio.spec")
    logging.getLogger("bioimageio").setLevel(logging.CRITICAL)

    def told(path):
        context = spec.ValidationContext(perform_io_checks=False)
        held = yaml.safe_load(path.read_text("utf-8"))
        summary = spec.build_description(held, format_version="latest", context=context).validation_summary
        return summary.status, [f"{one.loc}: {one.msg}" for one in summary.errors]

    return told


def test_a_folder_becomes_a_description(tmp_path, judge):
    dataset = cork(tmp_path, converted=True)
    done = export(dataset, "bioimageio", dataset.path)
    assert done.valid
    assert judge(done.path) == ("valid-format", [])
    made = yaml.safe_load(done.path.read_text())
    assert (made["type"], made["name"], made["license"]) == ("dataset", "Cells of cork", "CC-BY-4.0")
    assert made["authors"] == [
        {"name": "Robert Hooke", "affiliation": "The Royal Society", "orcid": "0000-0002-1825-0097"}
    ]
    assert [one["doi"] for one in made["cite"]] == ["10.6019/S-BIAD1665", "10.1242/jcs.033340"]
    assert made["source"] == "https://doi.org/10.6019/S-BIAD1665"
    assert recognise(Source(done.path)).name == "bioimageio"
    after = read_submission(done.path)
    assert differing(Submission.of(dataset), after) == ["files"]
    assert [finding.field for finding in done.findings if finding.code == "E001"] == ["files"]


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(PLAIN, records(Study))
def test_every_description_is_valid_and_comes_back(tmp_path_factory, judge, plain, study):
    before = Submission(described({**plain, "study": {"title": "Cells of cork", **study}}), file_table([]))
    folder = tmp_path_factory.mktemp("bioimageio")
    done = export(before, "bioimageio", folder)
    after = read_submission(done.path)
    assert differing(before, after) == []
    assert export(after, "bioimageio", folder / "again.yaml").path.read_bytes() == done.path.read_bytes()
    status, errors = judge(done.path)
    assert errors == [] or not done.valid
    assert (status == "valid-format") == done.valid


def test_every_licence_that_we_know_is_known_there(tmp_path, judge):
    wrong = {}
    for number, licence in enumerate(known_licences()):
        before = Submission(
            described({"study": {"title": "Cells of cork", "license": licence.spdx}}), file_table([])
        )
        if number % 8 == 0:
            wrong[licence.spdx] = judge(export(before, "bioimageio", tmp_path / f"{number}.rdf.yaml").path)[1]
    assert not any(wrong.values()), wrong


def test_hostile_text_stays_valid(tmp_path, judge):
    author = {"author_last_name": HOSTILE, "email": HOSTILE, "orcid_id": HOSTILE, "organisation": [HOSTILE]}
    study = {
        "title": f"Cork {HOSTILE}",
        "description": HOSTILE * 60,
        "keywords": [HOSTILE],
        "license": HOSTILE,
        "doi": HOSTILE,
        "accession": HOSTILE,
        "authors": [author],
        "links": [HOSTILE, "https://github.com/" + HOSTILE],
        "publications": [{"publication_title": HOSTILE, "publication_doi": HOSTILE}],
    }
    before = Submission(described({"study": study, "versions": [HOSTILE]}), file_table([]))
    done = export(before, "bioimageio", tmp_path)
    assert judge(done.path) == ("valid-format", [])
    assert differing(before, read_submission(done.path)) == []


def test_without_a_name_it_is_not_valid(tmp_path, judge):
    done = export(Submission(described({"study": {"title": "細胞"}}), file_table([])), "bioimageio", tmp_path)
    assert [finding.field for finding in done.findings if finding.code == "E003"] == ["study.title"]
    assert judge(done.path)[0] == "failed"
    assert read_submission(done.path).mifa.study.title == "細胞"


OTHERS = """
format_version: 0.2.4
type: dataset
id: ilastik/cork
name: Cork
description: Slices of cork
authors:
- {name: Robert Hooke, github_user: hooke}
cite:
- {text: Micrographia, url: 'https://example.org/micrographia'}
license: MIT
tags: [cork, 2D]
version: 0.10
links: [ilastik/ilastik]
covers: [cover.png]
config:
  bioimageio: {nickname: shy-cork}
"""


def test_a_description_of_others_is_kept(tmp_path):
    path = tmp_path / "rdf.yaml"
    path.write_text(OTHERS)
    read = read_submission(tmp_path)
    study = read.mifa.study
    assert (study.title, study.license, study.keywords) == ("Cork", "MIT", ["cork", "2D"])
    assert study.authors[0].author_last_name == "Hooke"
    kept = {one.at: one.value for one in read.origin.kept}
    assert set(kept) == {"id", "authors", "cite", "links", "covers", "config.bioimageio"}
    made = yaml.safe_load(export(read, "bioimageio", tmp_path / "again.yaml").path.read_text())
    for name, value in kept.items():
        assert (made["config"]["bioimageio"] if name == "config.bioimageio" else made[name]) == value
    read.mifa.study.authors[0].author_last_name = "Newton"
    done = export(read, "bioimageio", tmp_path / "changed.yaml")
    assert yaml.safe_load(done.path.read_text())["authors"] == [{"name": "Robert Newton"}]
    assert any(finding.code == "E005" for finding in done.findings)


@pytest.mark.parametrize(
    "text", ["", "- a", "type: model\nname: x", "a: [", "a: &x [*x]", "x: !!python/name:os.system"]
)
def test_no_description_is_a_clear_error(tmp_path, text):
    path = tmp_path / "rdf.yaml"
    path.write_text(text)
    with pytest.raises((ExchangeError, MetadataError)):
        read_submission(path, "bioimageio")


@pytest.mark.parametrize("value", ["[1, {a: b}]", "{a: [1]}", "3", "null", "true", "text"])
def test_wrong_types_are_kept(tmp_path, value):
    names = [
        "name",
        "description",
        "authors",
        "cite",
        "license",
        "tags",
        "version",
        "source",
        "git_repo",
        "config",
    ]
    for name in names:
        path = tmp_path / "rdf.yaml"
        path.write_text(f"format_version: 0.3.0\ntype: dataset\n{name}: {value}\n")
        read = read_submission(path)
        again = tmp_path / f"{name}.rdf.yaml"
        export(read, "bioimageio", again)
        assert differing(read, read_submission(again)) == []
        held = [str(one.value) for one in read.origin.kept] + [str(read.mifa.plain())]
        loaded = yaml.safe_load(value)
        loaded = next(iter(loaded.values())) if name == "config" and isinstance(loaded, dict) else loaded
        said = loaded is None or any(str(loaded) in one or str(loaded)[1:-1] in one for one in held)
        assert said or loaded is True, (name, value, held)


def test_what_was_kept_of_another_form_is_named(tmp_path):
    before = Submission(described({}), file_table([]), Origin("pagetab", kept=(Kept("x", 1),)))
    assert any(finding.code == "E005" for finding in export(before, "bioimageio", tmp_path).findings)


@pytest.mark.real_data
def test_real_records_are_valid_and_come_back(data, tmp_path, judge):
    found = [
        *sorted((data / "bia_records").glob("*.json")),
        *sorted((data / "mifa_examples").glob("Study_*")),
    ]
    for number, record in enumerate(found):
        before = read_submission(record)
        done = export(before, "bioimageio", tmp_path / f"{number}.rdf.yaml")
        assert judge(done.path) == ("valid-format", []), record.name
        assert unnamed_differences(before, read_submission(done.path), done.findings) == [], record.name
