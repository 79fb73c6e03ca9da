"""An anonymous copy names nobody, passes the rules, and is restored to the last bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from micrographia import checks, metadata
from micrographia.catalogue.anonymous import anonymise, restore
from micrographia.catalogue.anonymous.names import Names
from micrographia.cli import main
from micrographia.cli.demo_story import ANNOTATION, DESCRIPTION
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import DatasetError
from micrographia.exchange import Submission, file_table, import_submission
from micrographia.findings import Severity
from micrographia.simulation import Cells, simulate_dataset

PEOPLE = {
    "study.title": "Simulated nuclei in one channel, with the outline of every nucleus known",
    "study.description": "Images that Robert Hooke, Hooke R. and HOOKE took at Brown University in 1665 (see "
    "https://github.com/hooke/cork, S-BIAD1492, doi:10.6019/S-BIAD1492); mail robert.hooke@example.org or a@x.org.",
    "study.keywords": ["nucleus", "Hooke"],
    "study.license": "CC0-1.0",
    "study.funding_statement": "Paid by the Royal Society, PC-1929.",
    "study.acknowledgements": "We thank Robert Boyle.",
    "study.authors": [
        {
            "author_first_name": "Robert",
            "author_last_name": "Hooke",
            "email": "robert.hooke@example.org",
            "orcid_id": "https://orcid.org/0000-0002-1825-0097",
            "role": ["data curation"],
            "organisation": [
                {
                    "organisation_name": "Brown University (BRU)",
                    "address": "1 Prospect Street, Providence",
                    "ror_id": "https://ror.org/05gq02987",
                }
            ],
        }
    ],
    "study.grants": [{"grant_id": "PC-1929", "funder": "Royal Society"}],
    "study.publications": [
        {
            "publication_title": "Observations of cork and other bodies",
            "publication_authors": "Wren C, Hooke R",
            "publication_doi": "https://doi.org/10.1038/s41592-025-02835-8",
            "pubmed_id": "PMID:18492790",
        }
    ],
    "study.links": [{"link_url": "https://github.com/hooke/cork", "link_description": "code"}],
    "study.accession": "S-BIAD1492",
    "study.doi": "https://doi.org/10.6019/S-BIAD1492",
    "study.ai_models_trained": ["https://doi.org/10.5281/zenodo.1234567"],
    "annotations[0].annotation_method": "Drawn by R. Hooke and checked by C. Wren, PC-1929, ORCID 0000-0002-1825-0097",
    "annotations[0].authors": [{"author_first_name": "Robert", "author_last_name": "Boyle"}],
    "versions[0].changes": "Mask 3 corrected by Hooke",
    "versions[0].content_sha256": "c" * 64,
}
IDENTIFYING = [
    "Hooke", "hooke", "HOOKE", "Boyle", "Wren", "Brown University", "BRU", "Prospect Street", "05gq02987",
    "example.org", "x.org", "0000-0002-1825-0097", "PC-1929", "Royal Society", "18492790", "02835-8",
    "Observations of cork", "github",
    "S-BIAD1492", "10.6019", "zenodo", "c" * 64,
]  # fmt: skip
TEXTS = {".yaml", ".tsv", ".csv", ".json", ".txt", ".xml", ".zattrs", ".zgroup", ".zarray"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anonymous")
    simulate_dataset(folder / "raw", images=3, shape=(48, 48), seed=1, cells=Cells(count=1))
    assert main(["describe", str(folder / "raw")]) == 0
    annotated = {f"annotations[0].{name}": value for name, value in ANNOTATION.items()}
    metadata.update(folder / "raw/mifa.yaml", {**DESCRIPTION, **annotated, **PEOPLE})
    assert main(["convert", str(folder / "raw"), str(folder / "converted"), "--workers", "1"]) == 0
    return folder


@pytest.fixture
def raw(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "raw", tmp_path / "raw"))


@pytest.fixture
def converted(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "converted", tmp_path / "converted"))


def texts_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (path.suffix in TEXTS or path.name in TEXTS)
    }


def named(folder: Path) -> list[tuple[str, str]]:
    return [(name, one) for name, text in texts_of(folder).items() for one in IDENTIFYING if one in text]


def test_no_text_of_a_copy_names_anybody(raw: Path, tmp_path: Path) -> None:
    assert named(raw)
    (raw / "treatments.csv").write_text((raw / "treatments.csv").read_text() + "# by Robert Hooke\n")
    (raw / "README.txt").write_text("Hooke")
    frame = (raw / "files.tsv").read_text().splitlines()
    lines = [f"{frame[0]}\tgroup:annotator", *(f"{line}\tHooke" for line in frame[1:])]
    (raw / "files.tsv").write_text("\n".join(lines) + "\n")
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    assert named(tmp_path / "copy") == []
    assert not (tmp_path / "copy/README.txt").exists()
    assert done.cleaned == ("treatments.csv",)
    copy = open_dataset(tmp_path / "copy")
    assert set(copy.files["group:annotator"]) == {"[author 1]"}
    assert copy.mifa.study.title == PEOPLE["study.title"]
    assert copy.mifa.study.keywords == ["nucleus", "[author 1]"]
    assert "Drawn by [author 1] and checked by [author], [grant], ORCID [ORCID]" in str(
        copy.mifa.annotations[0].annotation_method
    )
    assert {finding.code for finding in done.findings} == {"R003", "R005", "R006", "R008"}
    assert done.replaced["Robert Hooke"] == "[author 1]"


def test_metadata_of_ome_zarr_and_tables_are_cleaned(converted: Path, tmp_path: Path) -> None:
    for path in converted.glob("images/*.ome.zarr/zarr.json"):
        held = json.loads(path.read_text())
        held["attributes"]["ome"]["multiscales"][0]["name"] = "taken by Robert Hooke"
        path.write_text(json.dumps(held).replace("Robert", "R\\u006fbert"))
    table = converted / "annotations/objects.parquet"
    frame = pd.read_parquet(table)
    frame["annotator"] = "Robert Boyle"
    frame.to_parquet(table, index=False)
    done = anonymise(open_dataset(converted), tmp_path / "copy")
    assert named(tmp_path / "copy") == []
    assert set(pd.read_parquet(tmp_path / "copy/annotations/objects.parquet")["annotator"]) == {"[author 2]"}
    copy = open_dataset(tmp_path / "copy")
    assert "R003" not in {finding.code for finding in done.findings}
    image = copy.image_ids[0]
    assert np.array_equal(copy.image(image).read(), open_dataset(converted).image(image).read())
    assert not [f for f in checks.check(copy, pixels=True).findings if f.severity is Severity.ERROR]


def test_it_passes_the_rules_as_an_anonymous_submission(raw: Path, tmp_path: Path) -> None:
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    report = checks.check(open_dataset(tmp_path / "copy"))
    assert not [finding for finding in report.findings if finding.severity is Severity.ERROR]
    assert {waived.reason for waived in report.waived} == {"left out of the anonymous copy for reviewers"}
    assert [f.code for f in done.report.findings] == [f.code for f in report.findings]


def test_the_key_restores_every_byte(converted: Path, tmp_path: Path) -> None:
    (converted / "mifa.yaml").write_text((converted / "mifa.yaml").read_text() + "# Hooke's own words\n")
    before = {
        path.relative_to(converted): path.read_bytes() for path in converted.rglob("*") if path.is_file()
    }
    done = anonymise(open_dataset(converted), tmp_path / "copy")
    assert done.key == tmp_path / "copy.key.json"
    assert done.key.stat().st_mode & 0o077 == 0
    assert restore(tmp_path / "copy", done.key) == []
    after = {
        path.relative_to(tmp_path / "copy"): path.read_bytes()
        for path in (tmp_path / "copy").rglob("*")
        if path.is_file()
    }
    assert {name: before[name] for name in after} == after
    assert restore(tmp_path / "copy", done.key) == []


def test_what_was_changed_since_is_left_as_it_is(raw: Path, tmp_path: Path) -> None:
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    (tmp_path / "copy/mifa.yaml").write_text("study: {title: mine}\n")
    assert restore(tmp_path / "copy", done.key) == ["mifa.yaml"]
    assert (tmp_path / "copy/mifa.yaml").read_text() == "study: {title: mine}\n"


def test_what_an_import_kept_stays_with_the_author(raw: Path, tmp_path: Path) -> None:
    dataset = open_dataset(raw)
    kept = Origin("pagetab", "S-BIAD1492.json", "", (Kept("section", "Hooke"),))
    Submission(dataset.description, dataset.files, kept).save(raw)
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    assert not (tmp_path / "copy/origin.json").exists()
    restore(tmp_path / "copy", done.key)
    assert "Hooke" in (tmp_path / "copy/origin.json").read_text()


def test_names_of_files_are_told_not_changed(raw: Path, tmp_path: Path) -> None:
    text = (raw / "files.tsv").read_text()
    name = next(path.name for path in sorted((raw / "images").iterdir()))
    (raw / "images" / name).rename(raw / "images" / f"Hooke_{name}")
    (raw / "files.tsv").write_text(text.replace(f"images/{name}", f"images/Hooke_{name}"))
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    (told,) = [finding for finding in done.findings if finding.code == "R001"]
    assert told.severity is Severity.ERROR
    assert f"images/Hooke_{name}" in told.evidence["names"]
    assert open_dataset(tmp_path / "copy").image_ids == open_dataset(raw).image_ids
    assert main(["anonymous", str(raw), str(tmp_path / "other")]) == 1


def test_names_inside_pixel_files_are_told(raw: Path, tmp_path: Path) -> None:
    path = min((raw / "images").iterdir())
    tifffile.imwrite(path, tifffile.imread(path), description="taken by Robert Hooke")
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    (told,) = [finding for finding in done.findings if finding.code == "R002"]
    assert (told.path, told.severity) == (f"images/{path.name}", Severity.ERROR)
    assert "Robert Hooke" in told.evidence["strings"]


def test_pixels_are_linked_unless_asked_otherwise(raw: Path, tmp_path: Path) -> None:
    linked = anonymise(open_dataset(raw), tmp_path / "linked")
    copied = anonymise(open_dataset(raw), tmp_path / "copied", linking=False)
    image = min((raw / "images").iterdir())
    assert (tmp_path / "linked/images" / image.name).samefile(image)
    assert not (tmp_path / "copied/images" / image.name).samefile(image)
    assert (linked.linked > 0, copied.linked) == (True, 0)


def test_a_published_title_is_replaced(raw: Path, tmp_path: Path) -> None:
    metadata.update(raw / "mifa.yaml", {"study.title": "Observations of cork and other bodies"})
    anonymise(open_dataset(raw), tmp_path / "copy")
    title = open_dataset(tmp_path / "copy").mifa.study.title
    assert title == "Anonymous submission: nucleus, [author 1]"


def test_fields_that_are_not_known_are_left_out(raw: Path, tmp_path: Path) -> None:
    path = raw / "mifa.yaml"
    path.write_text(path.read_text() + "contact: someone of the third floor\n")
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    assert "third floor" not in (tmp_path / "copy/mifa.yaml").read_text()
    (told,) = [finding for finding in done.findings if finding.code == "R006"]
    assert "contact" in told.message


@pytest.mark.parametrize("accession", ["S-BIAD599", "S-BIAD634"])
@pytest.mark.real_data
def test_real_descriptions_name_nobody(accession: str, data: Path, tmp_path: Path) -> None:
    described = metadata.read_archive(data / "mifa_examples", accession)
    (tmp_path / "one").mkdir()
    Submission(described, file_table([])).save(tmp_path / "one")
    anonymise(open_dataset(tmp_path / "one"), tmp_path / "copy")
    text = " ".join((tmp_path / "copy/mifa.yaml").read_text().split())
    mifa = described.mifa
    for author in [*mifa.study.authors, *(who for one in mifa.annotations for who in one.authors)]:
        assert author.author_last_name not in text
        assert (author.orcid_id or "0000-000") not in text
        assert not [place for place in author.organisation if str(place.organisation_name) in text]
    for paper in mifa.study.publications:
        assert str(paper.publication_doi).removeprefix("https://doi.org/") not in text
        assert str(paper.publication_title) not in text
    assert not [link for link in mifa.study.links if str(link.link_url) in text]


@pytest.mark.real_data
def test_real_records_name_nobody_and_come_back(data: Path, tmp_path: Path) -> None:
    found = sorted((data / "bia_records").rglob("S-*.json"))
    records = [path for path in found if "section" in json.loads(path.read_bytes())]
    assert len(records) > 20
    for path in records:
        folder, copy = tmp_path / path.stem, tmp_path / f"{path.stem}.copy"
        mifa = import_submission(path, folder, "pagetab").mifa
        (folder / "files.tsv").write_text((folder / "files.tsv").read_text().splitlines()[0] + "\n")
        done = anonymise(open_dataset(folder), copy)
        text = " ".join((copy / "mifa.yaml").read_text().split())
        for author in mifa.study.authors:
            for one in (author.author_last_name, author.email, author.orcid_id):
                assert not one or len(one) < 3 or one not in text, path.name
            assert not [place for place in author.organisation if str(place.organisation_name) in text], (
                path.name
            )
        assert not mifa.study.accession or mifa.study.accession not in text
        assert restore(copy, done.key) == []
        assert (copy / "mifa.yaml").read_bytes() == (folder / "mifa.yaml").read_bytes()


def test_abbreviations_are_looked_for_as_they_are_written() -> None:
    grants = [{"funder": "ERC"}, {"funder": "Cell Imaging (IMAGE)"}]
    names = Names.of(metadata.from_dict({"study": {"grants": grants}}).mifa)
    assert (
        names.replace("ERC paid; the image of a cell; IMAGE")
        == "[funder] paid; the image of a cell; [funder]"
    )


def refuse(call: object, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        call()  # type: ignore[operator]


def test_nothing_is_overwritten_and_the_key_stays_outside(raw: Path, tmp_path: Path) -> None:
    dataset: Dataset = open_dataset(raw)
    (tmp_path / "there").mkdir()
    refuse(lambda: anonymise(dataset, tmp_path / "there"), "exists already")
    refuse(lambda: anonymise(dataset, tmp_path / "a", tmp_path / "a/key.json"), "inside the copy")
    refuse(lambda: anonymise(dataset, raw / "copy"), "inside the dataset")
    (tmp_path / "key").touch()
    refuse(lambda: anonymise(dataset, tmp_path / "a", tmp_path / "key"), "exists already")
    min((raw / "images").iterdir()).unlink()
    refuse(lambda: anonymise(open_dataset(raw), tmp_path / "a"), "cannot be copied")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "raw", "there"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held.update(kind="else"), "no key"),
        (lambda held: held.update(files=[]), "damaged"),
        (lambda held: held["files"]["mifa.yaml"].update(original="???"), "damaged at mifa.yaml"),
        (lambda held: held["files"]["mifa.yaml"].update(bytes=3), "damaged at mifa.yaml"),
        (lambda held: held["files"].update({"../evil": held["files"]["mifa.yaml"]}), "leaves the dataset"),
        (lambda held: held["files"].update({"/evil": held["files"]["mifa.yaml"]}), "is absolute"),
    ],
)
def test_a_damaged_key_changes_nothing(change: object, message: str, raw: Path, tmp_path: Path) -> None:
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    held = json.loads(done.key.read_text())
    change(held)  # type: ignore[operator]
    done.key.write_text(json.dumps(held))
    before = texts_of(tmp_path / "copy")
    refuse(lambda: restore(tmp_path / "copy", done.key), message)
    assert texts_of(tmp_path / "copy") == before


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("the hookeworm and a Hookean spring", "the hookeworm and a Hookean spring"),
        ("mask_Hooke_3, Hooke2", "mask_[author 1]_3, Hooke2"),
        ("Hooke's law; R.Hooke; Hooke, R.", "[author 1]'s law; [author 1]; [author 1]"),
        (
            "CL:0000057 at http://purl.obolibrary.org/obo/CL_0000057",
            "CL:0000057 at http://purl.obolibrary.org/obo/CL_0000057",
        ),
        ("www.lab.org/us and 10.1101/2020.01.01.123456", "[address] and [DOI]"),
    ],
)
def test_names_are_whole_words(text: str, made: str) -> None:
    author = {"author_first_name": "Robert", "author_last_name": "Hooke"}
    names = Names.of(metadata.from_dict({"study": {"authors": [author]}}).mifa)
    assert names.replace(text) == made


def test_short_names_are_told(raw: Path, tmp_path: Path) -> None:
    metadata.update(raw / "mifa.yaml", {"study.authors[0].author_last_name": "Li"})
    done = anonymise(open_dataset(raw), tmp_path / "copy")
    assert "R004" in {finding.code for finding in done.findings}


def test_the_command_says_what_it_did(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anonymous", str(raw), str(tmp_path / "copy"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["key"], told["check"] != None) == (str(tmp_path / "copy.key.json"), True)  # noqa: E711
    assert main(["anonymous", str(tmp_path / "copy"), "--restore", told["key"]]) == 0
    assert (tmp_path / "copy/mifa.yaml").read_bytes() == (raw / "mifa.yaml").read_bytes()
    assert main(["anonymous", str(raw)]) == 2
