"""A cache of its own for each test, and servers that are not waited for long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from micrographia.remote.connections import close_connections
from remote_server import Served, serving


@pytest.fixture(autouse=True)
def patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep nothing of the machine's own cache, and be quick."""
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / "cache"))
    for name, value in {"BACKOFF": "0.01", "STALL": "0.3", "TOTAL": "5", "RETRIES": "2"}.items():
        monkeypatch.setenv(f"MICROGRAPHIA_REMOTE_{name}", value)
    for name in ("http_proxy", "HTTP_PROXY", "MICROGRAPHIA_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server of an empty folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serving(folder) as found:
        yield found
    close_connections()
