import json

import pytest

from matrix_samples import MODULE, brightest, simulated
from micrographia.cli.run import spread

FAST = ["--baselines", "one", "otsu", "--budget", "2", "--no-boundary", "--workers", "1"]


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    simulated(folder / "nuclei")
    (folder / "cli_models.py").write_text(MODULE.replace("THRESHOLD", str(brightest(folder / "nuclei"))))
    return folder


@pytest.fixture
def here(nuclei, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(nuclei))
    monkeypatch.chdir(tmp_path)
    return nuclei


def test_evaluate_says_who_is_best_and_what_it_wrote(command, here, tmp_path):
    told = command(
        "segment", "evaluate", "--models", "cli_models:bright", "cli_models:nothing",
        "--datasets", here / "nuclei", "--out", "out", *FAST,
    )  # fmt: skip
    assert (told.status, told.err) == (0, "")
    lines = [line.strip() for line in told.out.splitlines()]
    assert lines[0].startswith("nuclei: cli_models:bright scores f1@0.5 0.")
    rows = {
        line.rsplit("  ", 1)[0].strip(): line.split()[-1] for line in lines if line.startswith("cli_models")
    }
    assert rows["cli_models:nothing"] == "?"
    assert "8 predictions were computed, 0 were there already." in lines
    page = (tmp_path / "out/index.html").read_text()
    assert "cli_models:bright" in page
    assert "data:image/png;base64," in page
    assert json.loads((tmp_path / "out/result.json").read_text())["kind"] == "segmentation matrix"
    records = [json.loads(path.read_text()) for path in (tmp_path / "out/usage").iterdir()]
    assert {record["model"]["name"] for record in records} == {"cli_models:bright", "cli_models:nothing"}
    assert {record["dataset"]["title"] for record in records} == {"nuclei"}
    assert all(len(record["dataset"]["content_sha256"]) == 64 for record in records)
    again = command(
        "segment", "evaluate", "--models", "cli_models:bright", "--datasets", here / "nuclei", "--out", "out",
        *FAST, "--json",
    )  # fmt: skip
    assert json.loads(again.out)["models"][0]["key"] == "cli_models:bright"
    repeated = command("rerun", "out", "--workers", "1")
    assert repeated.status == 0
    assert "agrees: 3 cells are the same" in repeated.out


def test_a_repetition_that_differs_says_so(command, here, tmp_path):
    command("segment", "evaluate", "--datasets", here / "nuclei", "--out", "out", *FAST)
    path = tmp_path / "out/result.json"
    held = json.loads(path.read_text())
    held["cells"][0]["counts"]["tp"] += 1
    path.write_text(json.dumps(held))
    told = command("rerun", "out", "--workers", "1")
    assert told.status == 1
    assert "counts was" in told.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--datasets", "nowhere"], "nowhere"),
        ([], "name at least one dataset"),
        (["--datasets", "NUCLEI", "--models", "otsuu"], "Did you mean otsu?"),
        (["--datasets", "NUCLEI", "--metric", "f2"], "there is no metric 'f2'"),
        (
            ["--datasets", "NUCLEI", "--tune-on", "NUCLEI", "--split", "train"],
            "has no training images to tune on",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(command, here, arguments, problem):
    placed = [str(here / "nuclei") if word == "NUCLEI" else word for word in arguments]
    told = command("segment", "evaluate", *placed, "--out", "out", *FAST)
    assert told.status == 2
    assert problem in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_segment_alone_lists_its_commands(command):
    told = command("segment")
    assert told.status == 0
    assert all(f"segment {name}" in told.out for name in ("train", "evaluate", "rank"))
    assert "convert" not in told.out
    assert command("segment", "evalate").status == 2


def test_an_option_takes_several_values():
    import typer

    from micrographia.cli.segment_evaluate import evaluate

    app = typer.Typer()
    app.command()(evaluate)
    program = typer.main.get_command(app)
    found = spread(program, ["--models", "a", "b", "--out", "x", "--datasets", "c", "d", "--json"])
    assert found == [
        "--models", "a", "--models", "b", "--out", "x", "--datasets", "c", "--datasets", "d", "--json",
    ]  # fmt: skip
