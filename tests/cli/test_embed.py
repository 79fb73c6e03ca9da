import json

import pytest

from conftest import missing
from micrographia.cli import main
from micrographia.representation.profiles_io import read_profiles

MODULE = """
def mean(batch):
    return batch.mean((2, 3))
mean.size = 16
mean.channels = 1
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "cli_features.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def torch():
    try:
        import torch
    except ImportError:
        missing("PyTorch: pip install 'micrographia[encoders]'")
    torch.set_num_threads(1)
    return torch


def test_embed_says_what_it_wrote(command, made, here):
    told = command("embed", made / "described", "--encoder", "cli_features:mean", "--out", "a.parquet")
    assert (told.status, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0].startswith("  Wrote a.parquet   (4 rows x 1 feature, ")
    assert lines[0].endswith(" each, cli_features:mean)")
    assert lines[1] == "  Next: the same with --twins 5, the floor that it has to beat"
    assert read_profiles(here / "a.parquet").n == 4
    again = command("embed", made / "described", "--encoder", "cli_features:mean", "--out", "a.parquet")
    assert again.out.splitlines()[0] == "  a.parquet is whole already   (4 rows x 1 feature)"


def test_twins_are_written_beside(command, made, here, torch):
    told = command(
        "embed", made / "described", "--encoder", "random-cnn", "--size", "16", "--device", "cpu",
        "--twins", "2", "--layers", "--json", "--out", "a.parquet",
    )  # fmt: skip
    assert told.status == 0
    document = json.loads(told.out)
    assert [entry["out"] for entry in document] == ["a.parquet", "a.twin-0.parquet", "a.twin-1.parquet"]
    assert [entry["source"]["kind"] for entry in document] == ["random", "twin", "twin"]
    assert {entry["features"] for entry in document} == {480}
    assert all((here / entry["out"]).is_file() for entry in document)


def test_objects_of_a_folder_with_options(command, made, here):
    told = command(
        "embed", made / "described", "--encoder", "cli_features:mean", "--per", "object", "--crop", "20", "--masked",
        "--ablation", "blur", "--scaling", "dtype", "--mapping", "channels:0", "--out", "a.parquet", "--json",
    )  # fmt: skip
    assert told.status == 0
    source = json.loads(told.out)[0]["source"]
    assert source["sampling"]["crop"] == 20
    assert (source["ablation"], source["scaling"], source["mapping"]["text"]) == (
        "blur",
        "dtype",
        "channels:0",
    )
    assert "object" in read_profiles(here / "a.parquet").meta


def test_the_list_tells_names_and_ablations(command):
    told = command("embed", "--list")
    assert told.status == 0
    for word in (
        "efficientnet-lite0",
        "random-vit",
        "OWNER/MODEL",
        "MODULE:FUNCTION",
        "pixel-shuffle",
        "channel-swap:0,1",
    ):
        assert f"  {word} " in told.out
    document = json.loads(command("embed", "--list", "--json").out)
    assert document.keys() == {"encoders", "plugins", "kinds", "ablations"}
    assert [entry["features"] for entry in document["encoders"]] == [1280, 1280, 256, 192]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs DATASET, or --list"),
        (["DATASET"], "needs --encoder, or --list"),
        (["DATASET", "--encoder", "random-cnn"], "needs --out, or --list"),
        (["DATASET", "--encoder", "randm-cnn", "--out", "a.parquet"], "did you mean random-cnn?"),
        (
            ["DATASET", "--encoder", "cli_features:mean", "--out", "a.csv"],
            "a.csv: is no name of a Parquet file",
        ),
        (["DATASET", "--encoder", "cli_features:mean", "--out", "a.parquet", "--per", "cell"], "'cell'"),
        (["absent", "--encoder", "cli_features:mean", "--out", "a.parquet"], "absent: does not exist"),
        (
            ["DATASET", "--encoder", "cli_features:mean", "--out", "a.parquet", "--mapping", "channels:0,1"],
            "the encoder takes 1 channels and the mapping names 2",
        ),
        (
            ["DATASET", "--encoder", "cli_features:mean", "--out", "a.parquet", "--twins", "2"],
            "cli_features:mean: has no untrained twin",
        ),
    ],
)
def test_errors_are_one_line(command, made, here, arguments, message):
    told = command("embed", *(made / "described" if word == "DATASET" else word for word in arguments))
    assert told.status == 2
    assert message in told.err
    assert told.err.count("\n") == 1


def test_twins_are_refused_before_the_work(command, made, here):
    command(
        "embed", made / "described", "--encoder", "cli_features:mean", "--out", "b.parquet", "--twins", "1"
    )
    assert not (here / "b.parquet").exists()


def test_without_torch_the_extra_is_named(command, made, here, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    told = command("embed", made / "described", "--encoder", "random-cnn", "--out", "a.parquet")
    assert told.status == 2
    assert "pip install 'micrographia[torch]'" in told.err


def test_help_is_quick(capsys):
    assert main(["embed", "--help"]) == 0
    assert "--twins" in capsys.readouterr().out
