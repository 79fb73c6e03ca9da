"""Fetching: a folder that check and loading take, continued after failures, and never wrong files."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from builder import Builder
from micrographia import loading
from micrographia.catalogue import Catalogue, index
from micrographia.catalogue.fetching import Wanted, fetch
from micrographia.catalogue.found import open_entry
from micrographia.checks import check
from micrographia.cli import main
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import convert
from micrographia.dataset.identity import content_sha256
from micrographia.errors import DatasetError, MicrographiaError
from micrographia.remote.connections import close_connections
from remote_archive import ACCESSION, LocalArchive, picture
from remote_server import Served, serving


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that is not waited for long."""
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / "cache"))
    for name, value in {"BACKOFF": "0.01", "STALL": "0.3", "RETRIES": "1"}.items():
        monkeypatch.setenv(f"MICROGRAPHIA_REMOTE_{name}", value)
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as found:
        yield found
    close_connections()


@pytest.fixture
def local(served: Served, data: Path, monkeypatch: pytest.MonkeyPatch) -> LocalArchive:
    """A server with the interfaces of the archive."""
    return LocalArchive(served, data / "bia_records", monkeypatch)


def dataset(served: Served, *, converted: bool = True) -> Path:
    """Serve a dataset that passes every rule."""
    made = Builder(served.folder / "raw").write()
    path = made if isinstance(made, Path) else made.path
    if converted:
        convert(open_dataset(path), served.folder / "set")
        return served.folder / "set"
    return path


def same_files(one: Path, other: Path) -> None:
    """Compare all files but those that an import writes."""
    own = {"mifa.yaml", "files.tsv", "origin.json"}
    held = [
        {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        for folder in (one, other)
    ]
    assert set(held[0]) - own == set(held[1]) - own
    assert all(held[0][name].read_bytes() == held[1][name].read_bytes() for name in set(held[0]) - own)


@pytest.mark.real_data
def test_a_record_of_the_archive(local: LocalArchive, tmp_path: Path) -> None:
    done = fetch(ACCESSION, tmp_path / "out")
    assert done.files == len(local.paths)
    assert done.kept == done.left_out == 0
    for number, path in enumerate(local.paths, 1):
        assert (tmp_path / "out" / path).read_bytes() == (local.files / path).read_bytes(), number
    opened = open_dataset(tmp_path / "out")
    assert opened.mifa.study.accession == ACCESSION
    image = opened.image_ids[0]
    assert opened.image(image).shape == (3, 24, 32)
    assert opened.masks(image)
    codes = {finding.code for finding in check(tmp_path / "out").findings}
    assert "X001" not in codes
    assert list(loading.patches(opened, (16, 16), per_epoch=4))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.real_data
def test_parts_of_a_record(local: LocalArchive, tmp_path: Path) -> None:
    done = fetch(ACCESSION, tmp_path / "few", wanted=Wanted(images=2, only_annotated=True))
    assert len(done.submission.files) == done.files == 4
    assert done.left_out == len(local.paths) - 4
    assert len(open_dataset(tmp_path / "few").image_ids) == 2
    with pytest.raises(MicrographiaError, match="no image that was asked for"):
        fetch(ACCESSION, tmp_path / "none", wanted=Wanted(splits=("test",)))


@pytest.mark.real_data
def test_metadata_alone_opens_where_the_files_are(local: LocalArchive, tmp_path: Path) -> None:
    local.served.asked.clear()
    fetch(ACCESSION, tmp_path / "out", wanted=Wanted(files=False))
    assert not any(path.endswith(".tif") for path in local.served.paths())
    opened = open_dataset(tmp_path / "out")
    image = opened.image_ids[0]
    assert np.array_equal(
        opened.image(image).read(), picture(local.paths.index(opened.image_rows(image)[0].path) + 1)
    )
    report = check(tmp_path / "out")
    assert "not in its folder" in report.absent
    assert not any(
        finding.code.startswith(("F", "D")) and "does not exist" in finding.message
        for finding in report.findings
    )
    full = fetch(str(tmp_path / "out"), tmp_path / "full")
    assert full.files == len(local.paths)


@pytest.mark.real_data
def test_a_record_of_a_catalogue_opens_and_is_fetched(
    local: LocalArchive, data: Path, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.sqlite"
    index([data / "bia_records" / ACCESSION], catalogue=catalogue)
    local.served.asked.clear()
    with Catalogue(catalogue) as opened:
        dataset = open_entry(opened.show(ACCESSION))
    assert not any(path.endswith(".tif") for path in local.served.paths())
    image = dataset.image_ids[0]
    number = local.paths.index(dataset.image_rows(image)[0].path) + 1
    assert np.array_equal(dataset.image(image).read(), picture(number))
    assert fetch(dataset.mifa.study.accession or "", tmp_path / "out", catalogue=catalogue).files == len(
        local.paths
    )


@pytest.mark.real_data
def test_the_archives_ome_zarr(local: LocalArchive, tmp_path: Path) -> None:
    fetch(ACCESSION, tmp_path / "out", wanted=Wanted(ome_zarr=True))
    opened = open_dataset(tmp_path / "out")
    rows = [row for row in opened.rows if row.path.endswith(".ome.zarr")]
    assert [opened.original_path(row) for row in rows] == [local.paths[0]]
    assert np.array_equal(opened.open(rows[0]).read(), picture(1))


def test_a_dataset_folder_at_an_address(served: Served, tmp_path: Path) -> None:
    source = dataset(served)
    done = fetch(f"{served.url}/set", tmp_path / "out")
    same_files(source, tmp_path / "out")
    opened = open_dataset(tmp_path / "out")
    assert content_sha256(opened) == content_sha256(open_dataset(source))
    assert done.nbytes > 0
    assert served.most <= 16
    before = {finding.code for finding in check(source, checksums=True).findings}
    assert {finding.code for finding in check(tmp_path / "out", checksums=True).findings} <= before


def test_patches_by_address_are_those_of_the_folder(served: Served) -> None:
    for source in (dataset(served), served.folder / "raw"):
        here, there = open_dataset(source), open_dataset(f"{served.url}/{source.name}")
        mine, theirs = (list(loading.patches(one, (32, 32), per_epoch=12, seed=3)) for one in (here, there))
        assert len(mine) == len(theirs) == 12
        for one, other in zip(mine, theirs, strict=True):
            assert one.keys() == other.keys()
            arrays = [key for key in one if isinstance(one[key], np.ndarray)]
            assert arrays
            assert all(np.array_equal(one[key], other[key]) for key in arrays)
        assert content_sha256(there) == content_sha256(here)


@pytest.mark.parametrize(
    ("fault", "converted"),
    [
        ("short", False),
        ("page", False),
        ("gzip", False),
        ("stall", False),
        ("status", True),
        ("changed", True),
    ],
)
def test_a_failure_leaves_what_is_there_and_is_mended(
    served: Served, tmp_path: Path, fault: str, converted: bool
) -> None:
    source = dataset(served, converted=converted)
    served.fault(fault, r"(\.tif|/c[./].*)$", value="403", after=5)
    with pytest.raises(MicrographiaError, match="run it again"):
        fetch(f"{served.url}/{source.name}", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    served.faults.clear()
    served.asked.clear()
    fetch(f"{served.url}/{source.name}", tmp_path / "out")
    same_files(source, tmp_path / "out")


def test_a_download_goes_on_where_it_ended(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = dataset(served, converted=False)
    name = min(source.rglob("*.tif")).relative_to(served.folder).as_posix()
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "0")
    served.fault("short", name)
    with pytest.raises(MicrographiaError, match="ends after"):
        fetch(f"{served.url}/raw", tmp_path / "out")
    served.faults.clear()
    served.asked.clear()
    done = fetch(f"{served.url}/raw", tmp_path / "out")
    ranges = [asked for method, path, asked in served.asked if path == name and method == "GET"]
    assert len(ranges) == 1
    assert ranges[0].startswith("bytes=")
    assert done.kept >= 1
    same_files(source, tmp_path / "out")


def test_a_run_that_was_killed_is_continued(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = dataset(served, converted=False)
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_STALL", "60")
    stuck = max(source.rglob("*.tif")).relative_to(served.folder).as_posix()
    served.fault("stall", stuck)
    code = "import sys; from micrographia.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "fetch", f"{served.url}/raw", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 60
        while stuck not in served.paths() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        running.kill()
    assert not (tmp_path / "out").exists()
    served.faults.clear()
    done = fetch(f"{served.url}/raw", tmp_path / "out")
    assert done.kept >= 1
    same_files(source, tmp_path / "out")


def test_something_else_is_not_mixed_in(served: Served, tmp_path: Path) -> None:
    dataset(served, converted=False)
    served.fault("status", r"\.tif$", value="403")
    with pytest.raises(MicrographiaError):
        fetch(f"{served.url}/raw", tmp_path / "out")
    with pytest.raises(DatasetError, match="holds what was begun of"):
        fetch(f"{served.url}/raw", tmp_path / "out", wanted=Wanted(images=1))


def test_a_full_disk_is_told_before(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(served, converted=False)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DatasetError, match="has no room"):
        fetch(f"{served.url}/raw", tmp_path / "out")
    assert not any(path.endswith(".tif") for path in served.paths())


def test_on_the_command_line(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset(served, converted=False)
    assert main(["fetch", f"{served.url}/raw", str(tmp_path / "out"), "--images", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["files"], told["out"]) == (4, str(tmp_path / "out"))
    assert main(["fetch", f"{served.url}/raw", str(tmp_path / "out")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["fetch", f"{served.url}/nothing", str(tmp_path / "not")]) == 2
    assert main(["fetch", f"{served.url}/raw", str(tmp_path / "test"), "--split", "test"]) == 0
    assert {row.split for row in open_dataset(tmp_path / "test").rows if row.role == "image"} == {"test"}
    assert main(["check", str(tmp_path / "test")]) in (0, 1)
