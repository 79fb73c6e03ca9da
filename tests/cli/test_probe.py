import json

import pytest
import yaml

from made_screens import protocol, written


@pytest.fixture
def plan(tmp_path):
    """A protocol file and a table whose features hold the mechanism."""
    path = tmp_path / "made.yaml"
    path.write_text(yaml.safe_dump(protocol().model_dump(mode="json")))
    return path, written(tmp_path, 1.5)


def test_protocols_are_listed(command):
    told = command("probe", "--list")
    assert told.status == 0
    assert "bbbc021" in told.out
    assert set(json.loads(command("probe", "--list", "--json").out)) >= {"bbbc021", "diabetes", "nuclei"}


def test_a_probe_answers_writes_its_page_and_can_be_repeated(command, plan, tmp_path):
    path, table = plan
    out = tmp_path / "out"
    told = command("probe", path, "--profiles", table, "--out", out)
    assert told.status == 0, told.err
    assert "It beats everything" in " ".join(told.out.split())
    assert sorted(one.name for one in out.iterdir()) == [
        "comparisons.parquet",
        "report.html",
        "result.json",
        "table.parquet",
    ]
    again = command("rerun", out)
    assert again.status == 0, again.out
    assert "agrees" in again.out
    document = json.loads((out / "result.json").read_text())
    document["table"][0]["score"] = 0.1
    (out / "result.json").write_text(json.dumps(document))
    changed = command("rerun", out, "--json")
    assert changed.status == 1
    assert json.loads(changed.out)["agrees"] is False


def test_a_probe_as_json_is_the_result(command, plan, tmp_path):
    path, table = plan
    told = command("probe", path, "--profiles", table, "--out", tmp_path / "out", "--json")
    assert told.status == 0
    assert json.loads(told.out) == json.loads((tmp_path / "out" / "result.json").read_text())


def test_an_audit_scores_nothing(command, plan, tmp_path):
    path, table = plan
    told = command("probe", path, "--profiles", table, "--out", tmp_path / "out", "--audit")
    assert told.status == 0
    assert "24 compounds" in told.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name a protocol"),
        (("bbbc21",), "Did you mean bbbc021"),
        (("bbbc021",), "--data"),
        (("bbbc021", "--data", "absent"), "is no folder"),
        (("nuclei", "--data", "."), "images/"),
    ],
)
def test_what_cannot_run_says_why_in_one_line(command, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    done = command("probe", *arguments)
    assert done.status == 2
    assert told in done.err
    assert done.err.count("\n") == 1


def test_a_rerun_says_when_the_data_are_gone(command, plan, tmp_path):
    path, table = plan
    assert command("probe", path, "--profiles", table, "--out", tmp_path / "out").status == 0
    table.unlink()
    done = command("rerun", tmp_path / "out")
    assert done.status == 2
    assert table.name in done.err
