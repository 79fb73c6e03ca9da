import json
import os
import shutil
from pathlib import Path

import pytest

from builder import Builder
from micrographia.catalogue import Catalogue, CatalogueError, index
from micrographia.catalogue.indexing import places_file
from micrographia.cli import main
from micrographia.errors import ExchangeError
from remote_server import serving as serve


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three dataset folders, one below another folder; nobody may change them."""
    root = tmp_path_factory.mktemp("lab")
    for number, folder in enumerate(("first", "second", "deep/er/third")):
        builder = Builder(root / folder, images=2)
        builder.set("study.title", f"Dataset {number}: outlined nuclei")
        builder.write()
    return root


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lab"))


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "c.sqlite"


def test_only_what_changed_is_read_again(lab: Path, where: Path) -> None:
    first = index([lab], catalogue=where)
    assert (first.added, first.unchanged, first.total) == (["third", "first", "second"], 0, 3)
    again = index([lab], catalogue=where)
    assert (again.added, again.changed, again.unchanged) == ([], [], 3)
    os.utime(lab / "first" / "mifa.yaml", ns=(1, 1))
    touched = index([lab], catalogue=where)
    assert (touched.changed, touched.unchanged) == ([], 3)  # another time, the same content
    text = (lab / "first" / "mifa.yaml").read_text("utf-8")
    (lab / "first" / "mifa.yaml").write_text(text.replace("Dataset 0", "A study of axolotls"), "utf-8")
    changed = index([lab], catalogue=where)
    assert (changed.changed, changed.unchanged) == (["first"], 2)
    with Catalogue(where) as opened:
        assert [entry.id for entry in opened.find("axolotls")] == ["first"]
        assert opened.find('"Dataset 0"').total == 0


def test_without_places_those_of_before_are_read(lab: Path, where: Path) -> None:
    index([lab / "first"], catalogue=where)
    index([lab / "second"], catalogue=where)
    shutil.copytree(lab / "first", lab / "second" / ".." / "fourth")
    assert index(catalogue=where).unchanged == 2
    assert index([lab], catalogue=where).added == ["third", "fourth"]


def test_what_is_gone_is_told_and_removed_on_request(lab: Path, where: Path) -> None:
    index([lab], catalogue=where)
    shutil.rmtree(lab / "second")
    told = index([lab], catalogue=where)
    assert (told.gone, told.removed, told.total) == ([str(lab / "second")], [], 3)
    done = index([lab], catalogue=where, remove_gone=True)
    assert (done.gone, done.removed, done.total) == ([], ["second"], 2)
    with Catalogue(where) as opened:
        assert opened.find('"Dataset 1"').total == 0
        assert opened.find("nuclei", facets=True).facets["type"] == [("segmentation_mask", 2)]


def test_the_whole_place_may_be_gone(lab: Path, where: Path) -> None:
    index([lab], catalogue=where)
    shutil.rmtree(lab)
    done = index(catalogue=where)
    assert (len(done.gone), done.findings, done.total) == (3, [], 3)


def test_what_is_broken_is_one_finding_and_the_rest_is_indexed(lab: Path, where: Path) -> None:
    (lab / "second" / "files.tsv").unlink()
    (lab / "first" / "mifa.yaml").write_bytes(b"study: [\xff")
    (lab / "deep" / "er" / "S-BIAD9.json").write_text('{"accno": "S-BIAD9", "section": {"type": "Study"')
    (lab / "notes.json").write_text("[]")
    done = index([lab, lab / "nowhere"], catalogue=where)
    assert done.added == ["third"]
    places = {finding.path for finding in done.findings}
    assert {str(lab / "second"), str(lab / "nowhere")} < places
    assert all(finding.message and finding.code == "C001" for finding in done.findings)
    assert len(places) == len(done.findings)
    with Catalogue(where) as opened:
        assert opened.find("nuclei").total == 1


def test_a_dataset_that_broke_keeps_what_was_known(lab: Path, where: Path) -> None:
    index([lab], catalogue=where)
    (lab / "first" / "mifa.yaml").write_text("study: [", "utf-8")
    done = index([lab], catalogue=where)
    assert (len(done.findings), done.total) == (1, 3)
    with Catalogue(where) as opened:
        assert opened.show("first").title.startswith("Dataset 0")


@pytest.mark.parametrize("workers", [1, 2])
def test_the_result_does_not_depend_on_the_workers(
    workers: int, made: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("micrographia.catalogue.indexing.WORTH_PROCESSES", 1)
    done = index([made], catalogue=tmp_path / "c.sqlite", workers=workers)
    assert done.added == ["third", "first", "second"]
    with Catalogue(tmp_path / "c.sqlite") as opened:
        assert len(opened.images()) == 6


def test_a_damaged_catalogue_is_made_again_and_kept(lab: Path, where: Path) -> None:
    index([lab], catalogue=where)
    where.write_bytes(where.read_bytes()[:20000])
    with pytest.raises(CatalogueError, match="is damaged") as caught:
        index([lab], catalogue=where)
    assert "--rebuild" in caught.value.remedy
    done = index(catalogue=where, rebuild=True)
    assert (len(done.added), done.total) == (3, 3)
    assert where.with_name("c.sqlite.old-1").stat().st_size == 20000
    index(catalogue=where, rebuild=True)
    assert where.with_name("c.sqlite.old-2").exists()


def test_the_list_of_places_is_whole_or_an_error(lab: Path, where: Path) -> None:
    index([lab], catalogue=where)
    assert json.loads(places_file(where).read_text()) == [str(lab)]
    places_file(where).write_text('["half', "utf-8")
    with pytest.raises(CatalogueError, match=r"places\.json: cannot be read"):
        index(catalogue=where)


def test_records_and_addresses_are_indexed(data: Path, where: Path, tmp_path: Path) -> None:
    record = data / "bia_records" / "S-BIAD634.json"
    record = record if record.exists() else data / "bia_records" / "S-BIAD1076.json"
    folder = tmp_path / "web"
    folder.mkdir()
    shutil.copy(record, folder)
    with serve(folder) as served:
        done = index([f"{served.url}/{record.name}", data / "bia_records"], catalogue=where)
        assert done.findings == []
        assert index(catalogue=where).unchanged == done.total
    assert done.total >= 23
    with Catalogue(where) as opened:
        both = opened.find(record.stem).entries
        assert {entry.kind for entry in both} == {"record", "address"}
        assert opened.find(type="segmentation_mask", source="BioImage Archive").total >= 3
    later = index(catalogue=where)  # the server is gone: a finding, and the entry stays
    assert (len(later.findings), later.total) == (1, done.total)


def test_script_and_terminal_commands_in_every_field_do_no_harm(
    tmp_path: Path, where: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;gone\x07<script>alert(1)</script>\u202e' OR 1=1 --"
    builder = Builder(tmp_path / "evil", images=1)
    for dotted in (
        "study.title", "study.description", "biosamples[0].organism.scientific_name", "biosamples[0].biological_entity",
        "image_acquisitions[0].imaging_method.value", "annotations[0].name", "annotations[0].annotation_overview",
        "annotations[0].annotation_method", "annotations[0].target.object", "study.license",
        "annotations[0].classes[0].name", "study.authors[0].author_last_name", "versions[0].version",
    ):  # fmt: skip
        builder.set(dotted, evil)
    builder.remove("biosamples[0].organism.ncbi_taxon")
    builder.remove("biosamples[0].organism.common_name")
    builder.set("study.keywords", [evil])
    builder.write()
    assert index([tmp_path / "evil"], catalogue=where).added == ["evil"]
    for command in (["find", "alert", "--facets", "--facet", "author"], ["show", "evil", "--images"]):
        assert main([*command, "--index", str(where)]) == 0
        out = capsys.readouterr().out
        assert "alert(1)" in out
        assert not any(ord(letter) < 32 and letter != "\n" for letter in out)
        assert "\u202e" not in out
        assert main([*command, "--index", str(where), "--json"]) == 0
        json.loads(capsys.readouterr().out)


def test_a_dataset_on_the_web_is_indexed_and_opened_where_it_lies(made: Path, where: Path) -> None:
    with serve(made) as served:
        done = index([f"{served.url}/first"], catalogue=where)
        assert (done.added, done.findings) == (["first"], [])
        with Catalogue(where) as opened:
            found = opened.find("nuclei")
        assert found[0].images == 2
        dataset = found.open(0)
        assert dataset.image("field_01").shape == (96, 96)


def test_a_folder_is_opened_and_a_record_is_asked_for(
    made: Path, where: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index([made / "first", data / "bia_records" / "S-BIAD1492"], catalogue=where)
    monkeypatch.setenv("MICROGRAPHIA_BIOSTUDIES_API", "http://127.0.0.1:9/")
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "0")
    with Catalogue(where) as opened:
        assert opened.find('"Dataset 0"').open(0).image_ids == ("field_01", "field_02")
        with pytest.raises(ExchangeError, match=r"127\.0\.0\.1:9/studies/S-BIAD1492"):
            opened.find("synthetic").open(0)
