import json
from pathlib import Path

import pytest

from builder import Builder
from catalogue_entries import catalogue


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".data"))
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / ".cache"))
    monkeypatch.delenv("MICROGRAPHIA_CATALOGUE", raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite", 40)


def test_index_find_and_show_a_folder(tmp_path: Path, command) -> None:
    Builder(tmp_path / "nuclei", images=2).write()
    done = command("index", tmp_path)
    assert done.status == 0
    assert "1 new, 0 changed, 0 unchanged; 1 dataset in all" in done.out
    assert (tmp_path / ".data" / "micrographia" / "catalogue.sqlite").is_file()
    found = command("find", "hela", "nuclei", "--trainable-commercially", "--facets")
    assert found.status == 0
    lines = found.out.splitlines()
    assert lines[0].split() == [
        "dataset",
        "images",
        "objects",
        "organism",
        "method",
        "licence",
        "M",
        "I",
        "F",
        "A",
    ]
    assert lines[1].split()[:5] == ["nuclei", "2", "?", "Homo", "sapiens"]
    assert "type      segmentation_mask 1" in found.out
    assert lines[-1] == "  Next: micrographia show nuclei"
    shown = command("show", "nuclei", "--images")
    assert shown.status == 0
    for told in (
        "Nuclei of cultured human cells", "CC0-1.0 (allows commercial, derivatives, no-share-alike)",
        "y 0.325, x 0.325 micrometers", "Cite: Robert Hooke (2024)", "field_01", "Next: micrographia check",
    ):  # fmt: skip
        assert told in shown.out


def test_what_cannot_be_read_is_told_and_exits_with_1(tmp_path: Path, command) -> None:
    Builder(tmp_path / "good", images=1).write()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "mifa.yaml").write_text("study: [")
    done = command("index", tmp_path)
    assert done.status == 1
    assert "1 new" in done.out
    assert "bad: has no files.tsv" in done.err
    assert command("index", tmp_path, "--json").status == 1


def test_find_in_what_was_published(made: Path, tmp_path: Path, command) -> None:
    done = command("index", "--index", made, "--publish", tmp_path / "out")
    assert done.status == 0
    assert "40 datasets" in done.out
    one, two = (
        command("find", "nuclei OR axons", "--json", "--facets", "--index", place)
        for place in (made, tmp_path / "out")
    )
    assert json.loads(one.out)["total"] == json.loads(two.out)["total"] > 0
    assert json.loads(one.out)["facets"] == json.loads(two.out)["facets"]


def test_pages_are_told(made: Path, command) -> None:
    first = command("find", "--index", made, "--limit", "15")
    assert "1 to 15 of 40 datasets" in first.out
    assert "More: --page 2" in first.out
    last = command("find", "--index", made, "--limit", "15", "--page", "3")
    assert "31 to 40 of 40 datasets" in last.out
    assert "More:" not in last.out
    assert "40 datasets; there is no page 9" in command("find", "--index", made, "--page", "9").out


@pytest.mark.parametrize("width", [70, 98, 200])
def test_lines_fit_the_terminal(width: int, made: Path) -> None:
    from rich.cells import cell_len

    from micrographia.catalogue import Catalogue
    from micrographia.cli.catalogue_text import found_text, shown_text

    with Catalogue(made) as opened:
        found = opened.find("nuclei")
    table = list(found_text(found, width))[: len(found) + 1]
    assert max(map(cell_len, table)) <= width
    assert max(map(cell_len, shown_text(found[0], width))) <= max(width, 110)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["find", "--type", "maskk"], "Did you mean segmentation_mask?"),
        (["find", "--voxel-size", "small"], "is no voxel size"),
        (["find", "--score", "good"], "is no score"),
        (["show", "S-SYN"], "has no dataset 'S-SYN'. Did you mean"),
        (["index"], "has no places to read"),
        (["index", "--publish", "x", "--place", "nowhere"], "write FOLDER=ADDRESS"),
    ],
)
def test_errors_are_one_line_and_exit_with_2(arguments: list[str], said: str, made: Path, command) -> None:
    done = command(*arguments, "--index", made)
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_rebuild_without_places_leaves_the_file_where_it_is(command, tmp_path: Path) -> None:
    file = tmp_path / "my notes.sqlite"
    file.write_bytes(b"not a catalogue")
    done = command("index", "--rebuild", "--index", file)
    assert done.status == 2
    assert f"Name some: micrographia index --rebuild FOLDER --index '{file}'" in done.err
    assert [path.name for path in tmp_path.iterdir() if "notes" in path.name] == [file.name]


def test_the_catalogue_that_was_named_is_named_again(command, made: Path) -> None:
    assert f" --index {made}" in command("find", "--index", made).out
    told = command("find", "nuclei", "--index", f"{made}.none")
    assert f"Make one: micrographia index FOLDER --index {made}.none" in told.err


def test_without_a_catalogue_the_way_to_one_is_told(command) -> None:
    done = command("find", "nuclei")
    assert done.status == 2
    assert "Make one: micrographia index FOLDER" in done.err
