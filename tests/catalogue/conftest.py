"""Catalogues that the tests of the catalogue share; nobody may change them."""

from pathlib import Path

import pytest

from catalogue_entries import catalogue
from micrographia.catalogue import publish


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what belongs to the person who runs it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".data"))
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / ".cache"))
    monkeypatch.delenv("MICROGRAPHIA_CATALOGUE", raising=False)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a catalogue of 60 datasets."""
    return catalogue(tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite")


@pytest.fixture(scope="session")
def published(made: Path) -> Path:
    """The same, published."""
    publish(made, made.parent / "published")
    return made.parent / "published"
