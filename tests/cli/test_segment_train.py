import json

import pytest
import typer
import yaml
from typer.testing import CliRunner

from micrographia.cli import main
from micrographia.cli.segment_train import train
from micrographia.simulation import Cells, simulate_dataset

TINY = [
    "--steps",
    "4",
    "--evaluations",
    "2",
    "--patch",
    "32,32",
    "--batch",
    "2",
    "--widths",
    "4,8",
    "--device",
    "cpu",
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    pytest.importorskip("torch").set_num_threads(1)
    folder = tmp_path_factory.mktemp("train") / "cells"
    simulate_dataset(folder, images=6, shape=(64, 80), seed=1, cells=Cells(count=2))
    assert main(["describe", str(folder), "--workers", "1", "--group", "well=treatments.csv:well"]) == 0
    return folder


@pytest.fixture
def run():
    app = typer.Typer()

    @app.callback()
    def group() -> None:
        """Have subcommands."""

    app.command("train")(train)

    def invoke(*arguments):
        return CliRunner().invoke(app, ["train", *map(str, arguments)])

    return invoke


def test_it_says_what_it_does(run, cells, tmp_path):
    found = run(cells, "--out", tmp_path / "m", *TINY, "--name", "wells")
    assert found.exit_code == 0, found.output
    assert "images to learn from" in found.output
    assert "by well" in found.output
    assert "step      2 of 4" in found.output
    assert "licence: UNKNOWN" in found.output
    assert "Next: micrographia segment evaluate" in found.output
    card = yaml.safe_load((tmp_path / "m/model.yaml").read_text("utf-8"))
    assert card["name"] == "wells"


def test_json_is_the_card(run, cells, tmp_path):
    only = "well=" + ",".join(f"{row}0{number}" for row in "AB" for number in range(1, 7))
    found = run(
        cells, cells, "--out", tmp_path / "m", *TINY, "--json", "--only", only, "--weights", "1,2", "--unit", "well",
        "--placing", "objects", "--no-augment", "--channels", "any",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    card = json.loads(found.stdout)
    assert card["training"]["augmentation"] is None
    assert len(card["trained_on"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--patch", "a,b"], "no whole numbers"),
        (["--weights", "x"], "no numbers"),
        (["--only", "well"], "COLUMN=A,B"),
    ],
)
def test_options_that_cannot_be_read(run, cells, tmp_path, arguments, told):
    found = run(cells, "--out", tmp_path / "m", *arguments)
    assert found.exit_code == 2
    assert told in " ".join(found.output.split())


def test_an_error_names_the_way_out(run, tmp_path):
    found = run(tmp_path / "none", "--out", tmp_path / "m")
    assert found.exit_code == 1
    assert "does not exist" in str(found.exception)
