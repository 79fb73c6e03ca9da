"""What is kept on disk: bounded, verified, shared by processes; and files that are read whole."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from micrographia.errors import ExchangeError
from micrographia.remote import RemoteFiles, Want, cache, cached_file, download
from micrographia.remote.asking import ChangedError, Entity
from remote_server import Served

CONTENT = os.urandom(300_000)


@pytest.fixture
def files(served: Served) -> RemoteFiles:
    """A file and a folder at an address."""
    (served.folder / "a.bin").write_bytes(CONTENT)
    for number in range(40):
        (served.folder / f"{number}.bin").write_bytes(CONTENT[number : number + 20_000])
    return RemoteFiles(served.url)


def kept() -> list[Path]:
    """Return all files that are kept."""
    return [path for path in cache.remote_folder().rglob("*") if path.is_file()]


def test_parts_are_asked_for_once_and_joined(served: Served, files: RemoteFiles) -> None:
    wants = [
        Want("a.bin", 0, 100),
        Want("a.bin", 150, 100),
        Want("a.bin", 200_000, 10),
        Want("none"),
        Want("1.bin"),
    ]
    found = files.read(wants)
    assert found == [CONTENT[:100], CONTENT[150:250], CONTENT[200_000:200_010], None, CONTENT[1:20_001]]
    assert sorted(asked[2] for asked in served.asked if asked[1] == "a.bin") == [
        "bytes=0-249",
        "bytes=200000-200009",
    ]
    served.asked.clear()
    assert RemoteFiles(served.url).read(wants[:3]) == found[:3]
    assert served.asked == []
    assert files.tail("a.bin", 50) == (CONTENT[-50:], len(CONTENT))
    assert files.tail("1.bin", 1 << 20) == (CONTENT[1:20_001], 20_000)
    assert files.tail("none", 5) is None
    assert files.size("none") is None


def test_damaged_entries_are_read_again(served: Served, files: RemoteFiles) -> None:
    files.read([Want("a.bin", 0, 100)])
    (entry,) = kept()
    good = entry.read_bytes()
    for bad in (
        good[:-1],
        b"",
        good[:30],
        good[:-1] + bytes([good[-1] ^ 1]),
        b"x" * 100,
        good[:8] + b"\xff" * 50,
    ):
        entry.write_bytes(bad)
        assert RemoteFiles(served.url).read([Want("a.bin", 0, 100)]) == [CONTENT[:100]]
    assert len(served.asked) == 7


def test_parts_of_two_versions_are_never_mixed(served: Served, files: RemoteFiles) -> None:
    files.read([Want("a.bin", 0, 100)])
    (served.folder / "a.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(ChangedError):
        files.read([Want("a.bin", 0, 100), Want("a.bin", 200_000, 100)])
    files.forget()
    assert files.read([Want("a.bin", 0, 100)]) == [CONTENT[::-1][:100]]


def test_what_is_old_is_asked_for_again(
    served: Served, files: RemoteFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_FRESH", "0")
    files.read([Want("1.bin")])
    (served.folder / "1.bin").write_bytes(b"new")
    assert RemoteFiles(served.url).read([Want("1.bin")]) == [b"new"]


def test_nothing_is_kept_on_request(files: RemoteFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_CACHE_MB", "0")
    assert files.read([Want("1.bin")]) == [CONTENT[1:20_001]]
    assert kept() == []


def test_the_least_recently_used_is_dropped(files: RemoteFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_CACHE_MB", "0.4")
    for number in range(40):
        files.read([Want(f"{number}.bin")])
        files.read([Want("0.bin")])
    assert cache.sweep() <= 400_000
    names = {path.parent for path in kept()}
    assert cache.place_of("parts", files.address("0.bin")) in names
    assert cache.place_of("parts", files.address("1.bin")) not in names


def test_many_processes_share_it(served: Served, files: RemoteFiles, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from micrographia.remote import RemoteFiles, Want, cached_file\n"
        "files = RemoteFiles(sys.argv[1])\n"
        "for turn in range(5):\n"
        "    found = files.read([Want(f'{n}.bin') for n in range(40)])\n"
        "    assert all(len(one) == 20000 for one in found)\n"
        "    assert cached_file(sys.argv[1] + '/a.bin').stat().st_size == 300000\n"
    )
    environment = os.environ | {"MICROGRAPHIA_REMOTE_CACHE_MB": "0.5", "MICROGRAPHIA_REMOTE_STALL": "10"}
    running = [subprocess.Popen([sys.executable, "-c", code, served.url], env=environment) for _ in range(3)]
    assert [one.wait(60) for one in running] == [0, 0, 0]


def test_a_whole_file_is_fetched_once_by_many(served: Served, files: RemoteFiles) -> None:
    served.latency = 0.05
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(cached_file(f"{served.url}/a.bin"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert found[0].read_bytes() == CONTENT
    assert len(served.paths()) == 1


def test_a_whole_file_larger_than_what_may_be_kept(
    served: Served, files: RemoteFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_CACHE_MB", "0.1")
    with pytest.raises(ExchangeError, match="MICROGRAPHIA_REMOTE_CACHE_MB"):
        cached_file(f"{served.url}/a.bin")


def test_a_download_is_verified_and_whole(served: Served, files: RemoteFiles, tmp_path: Path) -> None:
    target, url = tmp_path / "a.bin", f"{served.url}/a.bin"
    right = hashlib.sha256(CONTENT).hexdigest()
    moved: list[int] = []
    download(url, target, size=len(CONTENT), sha256=right, progress=moved.append)
    assert target.read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)
    for wrong in ({"sha256": "0" * 64}, {"size": 5}, {"size": 400_000}):
        with pytest.raises(ExchangeError):
            download(url, tmp_path / "b.bin", **wrong)
    assert not [path for path in tmp_path.iterdir() if "b.bin" in path.name]


@pytest.mark.parametrize("fault", ["short", "drop", "status"])
def test_a_download_goes_on_after_failures(
    served: Served, files: RemoteFiles, tmp_path: Path, fault: str
) -> None:
    served.fault(fault, times=2, value="503")
    download(f"{served.url}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_file_that_changed_is_downloaded_from_the_start(
    served: Served, files: RemoteFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "0")
    served.fault("short", times=1)
    with pytest.raises(ExchangeError):
        download(f"{served.url}/a.bin", tmp_path / "a.bin")
    (served.folder / "a.bin").write_bytes(CONTENT[::-1])
    served.faults.clear()
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "1")
    download(f"{served.url}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT[::-1]


def test_versions_differ_by_what_both_say() -> None:
    assert Entity(5, '"a"').differs(Entity(5, '"b"'))
    assert Entity(5).differs(Entity(6))
    assert not Entity(5, '"a"').differs(Entity(-1, "", "Mon"))
