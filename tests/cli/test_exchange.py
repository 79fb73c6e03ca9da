"""``micrographia import`` and ``export``."""

import json

import pytest

from micrographia import metadata
from micrographia.dataset import open_dataset


def test_what_was_exported_comes_back(command, filled, tmp_path):
    documents, again = tmp_path / "documents", tmp_path / "again"
    told = command("export", filled, "mifa", documents)
    assert told.status == 0
    assert told.out == f"  Wrote {documents}/\n"
    assert "C041  the archive's schema has no place for" in told.err
    assert {path.name.split("_")[0] for path in documents.iterdir()} == {"Study", "Annotations", "Version"}
    told = command("import", documents, again)
    assert (told.status, told.out.splitlines()[-1]) == (0, f"  Next: micrographia check {again}")
    assert open_dataset(again).mifa.study.title == metadata.load(filled / "mifa.yaml").mifa.study.title
    refused = command("import", documents, again)
    assert refused.status == 2
    assert "exists already" in refused.err


def test_what_a_format_requires_is_an_error(command, described, tmp_path):
    told = command("export", described, "mifa", tmp_path / "documents")
    assert told.status == 1
    assert "error    C043  the archive's schema requires title   study.title" in told.err
    assert "not valid before" in told.out
    assert (tmp_path / "documents").is_dir()


def test_machines_get_json(command, filled, tmp_path):
    told = json.loads(command("export", filled, "mifa", tmp_path / "documents", "--json").out)
    assert (told["format"], told["valid"]) == ("mifa", True)
    assert all(finding["code"] for finding in told["findings"])
    told = json.loads(command("import", tmp_path / "documents", tmp_path / "again", "--json").out)
    assert told["title"] == metadata.load(filled / "mifa.yaml").mifa.study.title


def test_formats_are_listed_with_their_options(command, filled):
    told = command("export", filled, "list")
    assert told.status == 0
    assert "pagetab" in told.out
    assert "format=json|tsv" in told.out
    listed = json.loads(command("export", filled, "list", "--json").out)
    assert {"pagetab", "rocrate", "croissant", "mifa"} <= {one["name"] for one in listed}


def test_what_is_not_known_is_one_line(command, filled, tmp_path):
    for arguments, words in (
        (["export", filled, "pdf", tmp_path / "o"], "no format 'pdf'"),
        (["export", filled, "mifa"], "no output is named"),
        (["export", filled, "mifa", tmp_path / "o", "--option", "x=1"], "no option 'x'"),
        (["import", tmp_path / "none", tmp_path / "o"], "does not exist"),
        (["import", filled / "images", tmp_path / "o"], "no known format"),
    ):
        told = command(*arguments)
        assert (told.status, told.out) == (2, ""), arguments
        assert told.err.count("\n") == 1, told.err
        assert words in told.err
    assert not (tmp_path / "o").exists()


def test_what_is_read_commands_no_terminal(command, filled, tmp_path):
    metadata.update(filled / "mifa.yaml", {"study.title": "Nuclei\x1b]0;owned\x07\x9b31m\u202e"})
    shown = r"Nuclei\x1b]0;owned\x07\x9b31m\u202e"
    assert command("export", filled, "mifa", tmp_path / "documents").status == 0
    told = command("import", tmp_path / "documents", tmp_path / "my copy")
    assert told.out.splitlines()[0].endswith(shown)
    assert told.out.splitlines()[-1] == f"  Next: micrographia check '{tmp_path / 'my copy'}'"
    told = command("import", tmp_path / "documents", tmp_path / "again", "--json")
    assert all(character.isprintable() or character == "\n" for character in told.out)
    assert json.loads(told.out)["title"] == "Nuclei\x1b]0;owned\x07\x9b31m\u202e"
    told = command("credit", filled, "--no-hash")
    assert shown in told.out
    assert all(character.isprintable() or character == "\n" for character in told.out)


@pytest.mark.parametrize("accession", ["10.5281/zenodo.5112", "../../x", "S BIAD 1"])
def test_documents_of_the_archive_are_written_for_any_accession(command, filled, tmp_path, accession):
    metadata.update(filled / "mifa.yaml", {"study.accession": accession})
    told = command("export", filled, "mifa", tmp_path / "documents")
    assert told.status == 0
    assert "no place for study.accession" in told.err
    assert (tmp_path / "documents" / "Study_dataset.yaml").is_file()
