import json

import pytest

from ranking_models import written

FEW = ("--at-most", "4", "--perturb", "noise", "blur=1", "--workers", "1")


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    return written(tmp_path_factory.mktemp("command") / "disks", 8)


@pytest.fixture(scope="module")
def out(disks, tmp_path_factory):
    """A ranking on disk, and what the command said."""
    from contextlib import redirect_stdout
    from io import StringIO

    from micrographia.cli import main

    folder, said = tmp_path_factory.mktemp("ranked"), StringIO()
    arguments = [
        "segment",
        "rank",
        "--models",
        "otsu",
        "log",
        "nothing",
        "--images",
        str(disks),
        "--out",
        str(folder),
    ]
    with redirect_stdout(said):
        assert main([*arguments, *FEW]) == 0
    return folder, said.getvalue()


def test_the_answer_is_printed_with_its_doubts(out):
    told = " ".join(out[1].split())
    assert "nothing is not ranked: it finds nothing in 4 of 4 images" in told
    assert "place model score interval consistency control with others true F1" in told
    assert "micrographia rerun" in told


def test_page_figure_result_and_table_are_written(out):
    names = {one.name for one in out[0].iterdir()}
    assert names == {"index.html", "ranking.png", "result.json", "ranking.parquet", "cache"}
    assert (out[0] / "ranking.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads((out[0] / "result.json").read_text())
    assert document["kind"] == "segmentation ranking"
    assert [one["key"] for one in document["models"]] == ["otsu", "log", "nothing"]


def test_json_is_the_result(out, disks, command):
    told = command(
        "segment", "rank", "--models", "otsu", "log", "nothing", "--images", disks, "--out", out[0], "--json", *FEW
    )  # fmt: skip
    assert told.status == 0, told.err
    document = json.loads(told.out)
    before = json.loads((out[0] / "result.json").read_text())
    assert document["rankings"] == before["rankings"]


def test_labels_may_be_kept_out(disks, command, tmp_path):
    told = command(
        "segment", "rank", "--models", "otsu", "log", "--images", disks, "--out", tmp_path, "--no-labels", *FEW
    )  # fmt: skip
    assert told.status == 0, told.err
    assert "true F1" not in told.out
    assert "no labels to hold this order against" in " ".join(told.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the models"),
        (("--models", "otsu"), "name a dataset"),
        (("--models", "ostu", "--images", "."), "Did you mean otsu?"),
        (("--models", "otsu", "--images", "nowhere"), "does not exist"),
        (("--models", "otsu", "--images", ".", "--perturb", "fog"), "Choose of brightness"),
        (("--models", "otsu", "--images", ".", "--measure", "iou"), "Choose of rand"),
        (("--models", "otsu", "--images", ".", "--source", "luck"), "Choose of input, dropout, consensus"),
        (("--models", "otsu", "--images", ".", "--strength", "0"), "positive number"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(command, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    told = command("segment", "rank", *arguments)
    assert told.status == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_features_of_classical_methods_cannot_be_dropped(disks, command, tmp_path):
    told = command(
        "segment", "rank", "--models", "otsu", "log", "--images", disks, "--out", tmp_path, "--source", "dropout", *FEW
    )  # fmt: skip
    assert told.status == 0, told.err
    assert "shows no network" in " ".join(told.out.split())
    assert "No model can be ranked" in " ".join(told.out.split())
