"""``micrographia export-training``: what it says, how it ends."""

import json

import numpy as np
import pytest
import tifffile
import typer
from typer.testing import CliRunner

from micrographia.cli import Command
from micrographia.cli.export_training import NEXT, Layout, export_training
from micrographia.cli.run import run
from micrographia.loading.exports import FORMATS

HERE = Command("export_training", "export_training", "")


@pytest.fixture
def export(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = run("export-training", HERE, [str(argument) for argument in arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


def test_every_format_can_be_asked_for(export, described):
    assert {layout.value for layout in Layout} == set(FORMATS) == {layout.value for layout in NEXT}
    for name in FORMATS:
        status, out, err = export(described, name, f"out-{name}", "--workers", 1)
        assert (status, err) == (0, "")
        lines = out.splitlines()
        assert f"-> out-{name}/" in lines[0]
        assert lines[-1].startswith("  Next: ")
        assert all(len(line) <= 140 for line in lines)


def test_as_json(export, described):
    status, out, _ = export(described, "coco", "out", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["out"], told["format"], told["failed"]) == ("out", "coco", {})
    assert told["pictures"] == sum(told["splits"].values())
    assert all({"code", "message"} <= finding.keys() for finding in told["findings"])


def test_an_image_left_out_is_an_exit_status(export, described):
    broken = min((described / "masks").iterdir())
    tifffile.imwrite(broken, np.ones((5, 7), np.uint16))
    status, out, _ = export(described, "stardist", "out")
    assert status == 1
    assert "N003: image " in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["word", "out"], "'word' is not one of"),
        (
            ["stardist", "out", "--channels", "nucleus"],
            "wanted are nucleus; the image has 0: unknown, without a name",
        ),
        (["stardist", "out", "--channels", "nuclues"], "Did you mean nucleus?"),
        (["stardist", "out", "--split", "dev"], "has no split 'dev'"),
        (["stardist", "out", "--group", "donor"], "is no COLUMN=VALUE"),
        (["stardist", "out", "--labels", "semantic"], "--labels is for nnunet"),
        (["yolo", "out", "--outlines", "polygons"], "--outlines is for coco"),
        (["yolo", "out", "--scaling", "half"], "'half' is no scaling"),
        (["yolo", "."], "holds the dataset that it would be made from"),
    ],
)
def test_bad_requests_are_one_line(export, described, arguments, told):
    status, out, err = export(described, *arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_it_can_be_added_to_a_program(described, tmp_path):
    app = typer.Typer()
    app.command("export-training")(export_training)
    app.command("other")(lambda: None)
    result = CliRunner().invoke(
        app, ["export-training", str(described), "nnunet", str(tmp_path / "out"), "--labels", "semantic"]
    )
    assert result.exit_code == 0
    assert json.loads((tmp_path / "out/provenance.json").read_text())["layout_options"] == {
        "labels": "semantic",
        "border": 1,
    }
