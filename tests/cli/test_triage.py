import json
from pathlib import Path

import pytest

from builder import Builder
from micrographia.cli import main

RECORD = {
    "accno": "S-BIAD1",
    "attributes": [{"name": "Title", "value": "Nuclei of cells"}],
    "section": {"type": "Study", "attributes": [{"name": "Keywords", "value": "nucleus"}]},
    "type": "submission",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text(json.dumps(RECORD))
    (tmp_path / "in/b.json").write_text(json.dumps(RECORD)[:-20])
    return tmp_path


def test_a_folder_becomes_page_tables_and_letters(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--out", "out", "--letters", "--curator", "Robert Hooke", "--deadline", "30 June 2026"]
    assert main(["triage", "in", *options]) == 0
    said = capsys.readouterr().out
    assert "2 submissions: " in said
    assert "not read: " in said
    assert "1 letter in letters/" in said
    names = {path.name for path in (here / "out").iterdir()}
    assert names == {"triage.html", "triage.csv", "triage.parquet", "triage.json", "letters"}
    assert "by 30 June 2026" in " ".join((here / "out/letters/S-BIAD1.txt").read_text().split())


def test_letters_are_printed_and_tables_machine_readable(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["triage", "in/a.json", "--letters", "--profile", "archive"]) == 0
    assert "Subject: Your submission S-BIAD1" in capsys.readouterr().out
    assert main(["triage", "in", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["submissions"]] == ["S-BIAD1", "b.json"]
    assert main(["triage", "in", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("name,title,place")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["in", "--profile", "none"], "there is no profile 'none'"),
        (["in", "--effort", "none.yaml"], "cannot be read"),
        (["in", "--record-format", "none"], ""),
        (["in/b.json"], "not read"),
        (["empty"], "nothing to look at"),
    ],
)
def test_what_cannot_be_done_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    (here / "empty").mkdir()
    assert main(["triage", *arguments]) == 2
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert "Traceback" not in told.err


def test_check_writes_a_statement(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Builder(here / "data").write()
    assert main(["check", "data", "--profile", "journal", "--statement", "s.md"]) == 0
    assert "Wrote s.md   (cannot be told)" in capsys.readouterr().err
    assert "Statement of compliance" in (here / "s.md").read_text()
    assert main(["check", "data", "--statement", "s.txt"]) == 2
    assert "End it in .html, .md, .json" in capsys.readouterr().err
