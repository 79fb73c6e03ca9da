import pytest

from folders import lab
from micrographia.cli import main
from micrographia.dataset import open_dataset


@pytest.mark.slow
def test_the_demonstration_finds_exactly_what_it_planted(tmp_path, capsys):
    folder = tmp_path / "demo"
    assert main(["demo", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "Found exactly the 7 planted defects, and nothing else." in told
    assert (folder / "lab.mifa" / "card.html").is_file()
    assert len(open_dataset(folder / "lab.mifa").image_ids) == 16
    held = [".micrographia-demo", "lab", "lab.mifa", "probe", "screen"]
    assert sorted(path.name for path in folder.iterdir()) == held
    assert (folder / "probe" / "report.html").is_file()
    assert "objects scores" in told


def test_it_works_on_ones_own_folder_and_leaves_it_alone(tmp_path, capsys):
    own = lab(tmp_path)
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    assert main(["demo", str(tmp_path / "demo"), "--data", str(own)]) == 0
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before
    assert (tmp_path / "demo" / "lab.mifa" / "card.html").is_file()
    assert "micrographia check" in capsys.readouterr().out
    assert main(["demo", str(tmp_path / "demo"), "--data", str(own)]) == 0


def test_it_never_writes_into_a_folder_that_is_not_empty(tmp_path, capsys):
    (tmp_path / "precious").touch()
    assert main(["demo", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_it_never_works_inside_the_folder_that_it_shows(tmp_path, capsys):
    own = lab(tmp_path)
    assert main(["demo", str(own / "demo"), "--data", str(own)]) == 2
    (tmp_path / ".micrographia-demo").touch()
    assert main(["demo", str(tmp_path), "--data", str(own)]) == 2
    assert capsys.readouterr().err.count("Choose a folder elsewhere") == 2
    assert (own / "images").is_dir()
    assert not (own / "demo").exists()
