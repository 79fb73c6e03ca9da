"""Many submissions at once: folders, broken records, names of letters, tables, minutes."""

import copy
import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest

from builder import MIFA, Builder
from micrographia.catalogue.triage import (
    LetterOptions,
    judge,
    load_efforts,
    ranked,
    table,
    told_minutes,
    triage,
    triage_document,
)
from micrographia.catalogue.triage.letters import LINES
from micrographia.catalogue.triage.result import most_missing, write_table
from micrographia.errors import MicrographiaError

RECORD: dict[str, Any] = {
    "accno": "S-BIAD1",
    "attributes": [
        {"name": "Template", "value": "BioImages.v4"},
        {"name": "Title", "value": "Nuclei of cells"},
    ],
    "section": {
        "type": "Study",
        "attributes": [{"name": "Keywords", "value": "nucleus"}],
        "subsections": [{"type": "author", "attributes": [{"name": "Name", "value": "Robert Hooke"}]}],
    },
    "type": "submission",
}


def record(path: Path, **changes: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(RECORD | changes))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two records, one of them below; a broken one; a dataset; and what is no record."""
    record(tmp_path / "in/b.json", accno="S-BIAD2")
    record(tmp_path / "in/sub/S-BIAD1.json")
    (tmp_path / "in/cut.json").write_text(json.dumps(RECORD)[:150])
    (tmp_path / "in/table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "in/.hidden.json").write_text("{")
    Builder(tmp_path / "in/data", images=2).write()
    return tmp_path / "in"


def test_folders_are_walked_and_what_cannot_be_read_is_a_row(folder: Path) -> None:
    found = triage([folder], letters=LetterOptions())
    assert [row.name for row in found.rows] == ["S-BIAD2", "cut.json", "data", "S-BIAD1"]
    assert [row.format for row in found.rows] == ["pagetab", "", "dataset", "pagetab"]
    assert [row.name for row in found.broken] == ["cut.json"]
    assert found.broken[0].problem
    assert not found.broken[0].letter
    assert [Path(place).name for place in found.passed_over] == ["table.csv"]
    assert ranked(found.rows)[0].name == "data"
    assert ranked(found.rows)[-1].problem


def test_a_file_that_is_named_must_be_a_record(folder: Path) -> None:
    found = triage([folder / "table.csv", folder / "b.json"])
    assert [bool(row.problem) for row in found.rows] == [True, False]
    missing = triage([folder / "nowhere.json"])
    assert "does not exist" in missing.rows[0].problem
    with pytest.raises(MicrographiaError, match="nothing to look at"):
        triage([])


def test_the_result_does_not_depend_on_the_workers(folder: Path) -> None:
    assert triage([folder], workers=1) == triage([folder], workers=2)


def test_letters_have_names_of_their_own(tmp_path: Path) -> None:
    for number in range(3):
        record(tmp_path / f"in/{number}.json", accno="../../S BIAD/1" if number else "s_biad_1")
    found = triage([tmp_path / "in"], letters=LetterOptions("Robert Hooke"), out=tmp_path / "out")
    names = [name for _, name in found.letters]
    assert names == ["s_biad_1", "S_BIAD_1-2", "S_BIAD_1-3"]
    assert sorted(path.name for path in (tmp_path / "out/letters").iterdir()) == sorted(
        f"{name}{ending}" for name in names for ending in (".md", ".txt")
    )
    assert "Robert Hooke" in (tmp_path / "out/letters/s_biad_1.txt").read_text()
    assert not any(row.letter for row in found.rows)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_tables_say_the_same(folder: Path, tmp_path: Path) -> None:
    found = triage([folder])
    frame = table(found)
    document = triage_document(found)
    assert list(frame["name"]) == [one["name"] for one in document["submissions"]]
    assert list(frame["minutes"]) == [one["minutes"] for one in document["submissions"]]
    assert json.loads(json.dumps(document))["profile"] == "mifa-1"
    assert document["missing"][0]["submissions"] >= document["missing"][-1]["submissions"]
    assert [one.code for one in most_missing(found.rows)] == [one["code"] for one in document["missing"]]
    write_table(found, tmp_path / "t.parquet")
    write_table(found, tmp_path / "t.csv")
    assert list(pd.read_parquet(tmp_path / "t.parquet")["name"]) == list(frame["name"])
    assert list(pd.read_csv(tmp_path / "t.csv")["name"]) == list(frame["name"])


def test_a_spreadsheet_computes_nothing_of_a_record(tmp_path: Path) -> None:
    title = [
        {"name": "Template", "value": "BioImages.v4"},
        {"name": "Title", "value": '=HYPERLINK("http://x")'},
    ]
    found = triage([record(tmp_path / "a.json", attributes=title)])
    write_table(found, tmp_path / "t.csv")
    assert pd.read_csv(tmp_path / "t.csv")["title"][0] == '\'=HYPERLINK("http://x")'


def test_the_profile_decides_what_is_asked_for(folder: Path) -> None:
    lacks = {name: judge(folder / "b.json", profile=name).lacks for name in ("mifa", "archive")}
    assert "M009" in [lack.code for lack in lacks["mifa"]]
    assert "M009" not in [lack.code for lack in lacks["archive"]]
    level = {lack.code: lack.level for lack in lacks["archive"]}
    assert level["M006"] == "required"
    assert level["M007"] == "recommended"


def test_minutes_are_a_table_that_can_be_changed(folder: Path, tmp_path: Path) -> None:
    usual = judge(folder / "b.json")
    path = tmp_path / "minutes.yaml"
    path.write_text("rules:\n  M006: {minutes: 90}\n  I003: {minutes: 2, each: author}\n")
    ours = judge(folder / "b.json", efforts=load_efforts(path))
    minutes = {lack.code: lack.minutes for lack in ours.lacks}
    assert minutes["M006"] == 90
    assert minutes["I003"] == 2
    assert ours.minutes() == usual.minutes() + 89 + 1
    assert told_minutes(0.2) == "1 minute"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "no table of efforts"),
        ("rules: [", "no YAML"),
        ("rules: {M999: {minutes: 1}}", "there is no rule 'M999'"),
        ("rules: {M006: 1}", "no minutes for M006"),
        ("rules: {M006: {minutes: -1}}", "no number of minutes"),
        ("rules: {M006: {minutes: long}}", "no number of minutes"),
        ("rules: {M006: {minutes: 1, each: person}}", "for each 'person'"),
        ("default: {fatal: 1}", "'fatal' under default"),
        ("minutes: {}", "says 'minutes'"),
        ("format: 2", "no table of efforts"),
    ],
)
def test_mistakes_in_the_table_are_named(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "minutes.yaml"
    path.write_text(text)
    with pytest.raises(MicrographiaError, match=problem):
        load_efforts(path)


GARBAGE = [None, [], {}, "", "?", 0, 1.5, True, ["", None], {"a": {"b": []}}, [[["x"]]], "x" * 5000, "1e999"]


@pytest.mark.parametrize("value", GARBAGE, ids=lambda value: repr(value)[:20])
def test_garbage_in_any_field_of_a_dataset_still_gets_a_letter(value: Any, tmp_path: Path) -> None:
    for name in (*MIFA["study"], *MIFA):
        mifa = copy.deepcopy(MIFA)
        holder = mifa["study"] if name in mifa["study"] else mifa
        holder[name] = copy.deepcopy(value)
        (tmp_path / "mifa.yaml").write_text(json.dumps(mifa))
        (tmp_path / "files.tsv").write_text("Files\timage\trole\nimages/a.tif\ta\timage\n")
        row = triage([tmp_path], letters=LetterOptions()).rows[0]
        assert row.problem or (row.letter and len(row.letter.splitlines()) <= LINES)
        assert "internal error" not in row.letter


@pytest.mark.real_data
def test_letters_to_real_authors_ask_for_nothing_that_is_there(data: Path) -> None:
    found = triage([data / "bia_records", data / "mifa_examples"], letters=LetterOptions("Robert Hooke"))
    assert len(found.rows) >= 25
    assert not found.broken
    asked = {
        "M006": lambda mifa: mifa.study.license in (None, "CC BY"),
        "M007": lambda mifa: len((mifa.study.funding_statement or "").split()) < 5,
        "M012": lambda mifa: any(not held.annotation_type for held in mifa.annotations),
        "M013": lambda mifa: any(len((held.annotation_method or "").split()) < 5 for held in mifa.annotations),
        "M042": lambda mifa: any(
            len((one.sample_preparation or "").split()) < 3 for one in mifa.specimens or [mifa.study]
            if hasattr(one, "sample_preparation")
        ) or not mifa.specimens,
    }  # fmt: skip
    from micrographia.exchange import read_submission

    for row in found.rows:
        assert len(row.letter.splitlines()) <= LINES, row.name
        assert row.name in row.letter
        mifa = read_submission(row.place).mifa
        for lack in row.lacks:
            if lack.code in asked:
                assert asked[lack.code](mifa), (row.name, lack.code)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_records_are_read_from_addresses(tmp_path: Path) -> None:
    record(tmp_path / "served/S-BIAD1.json")
    (tmp_path / "served/cut.json").write_text(json.dumps(RECORD)[:150])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        found = triage(
            [f"{base}/S-BIAD1.json", f"{base}/cut.json", f"{base}/gone.json"], letters=LetterOptions()
        )
    finally:
        server.shutdown()
        server.server_close()
    assert [row.name for row in found.rows] == ["S-BIAD1", "cut.json", "gone.json"]
    assert [bool(row.problem) for row in found.rows] == [False, True, True]
    assert "Dear Robert Hooke" in found.rows[0].letter
