"""What the tests of the commands share: small folders, made once, and a way to run a command."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from micrographia import metadata
from micrographia.cli import main
from micrographia.cli.demo_story import ANNOTATION, DESCRIPTION
from micrographia.simulation import Cells, simulate_dataset


class Told(NamedTuple):
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


Command = Callable[..., Told]


@pytest.fixture(autouse=True)
def no_lab_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".settings"))
    monkeypatch.delenv("MICROGRAPHIA_LAB", raising=False)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``micrographia`` with these arguments."""

    def run(*arguments: object) -> Told:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Told(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``lab`` (raw), ``described`` and ``converted``; nobody may change them."""
    folder = tmp_path_factory.mktemp("made")
    simulate_dataset(folder / "lab", images=4, shape=(64, 80), seed=1, cells=Cells(count=1))
    shutil.copytree(folder / "lab", folder / "described")
    assert main(["describe", str(folder / "described")]) == 0
    assert main(["convert", str(folder / "described"), str(folder / "converted"), "--workers", "1"]) == 0
    return folder


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Path:
    """Images and masks as a lab has them."""
    return Path(shutil.copytree(made / "lab", tmp_path / "lab"))


@pytest.fixture
def described(made: Path, tmp_path: Path) -> Path:
    """The same with ``mifa.yaml`` and ``files.tsv``."""
    return Path(shutil.copytree(made / "described", tmp_path / "described"))


@pytest.fixture
def filled(described):
    values = DESCRIPTION | {f"annotations[0].{name}": value for name, value in ANNOTATION.items()}
    metadata.update(described / "mifa.yaml", values)
    return described
