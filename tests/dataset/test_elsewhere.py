"""Files that are not in the folder: opened at their address, told where nobody says one, never outside of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from builder import Builder
from micrographia.checks import check
from micrographia.checks.result import State
from micrographia.cli import main
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.elsewhere import address_in, local_file, why_absent
from micrographia.dataset.origin import Origin, write_origin
from micrographia.errors import DatasetError, MicrographiaError
from micrographia.remote.connections import close_connections
from remote_server import Served, serving


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server of a dataset of TIFF files."""
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "0")
    Builder(tmp_path / "web" / "set").write()
    with serving(tmp_path / "web") as found:
        yield found
    close_connections()


def imported(served: Served, folder: Path, origin: Origin) -> Dataset:
    """Return a folder with the description alone."""
    folder.mkdir()
    for name in ("mifa.yaml", "files.tsv"):
        (folder / name).write_bytes((served.folder / "set" / name).read_bytes())
    write_origin(folder, origin)
    return open_dataset(folder)


def test_images_masks_and_tables_come_from_their_address(served: Served, tmp_path: Path) -> None:
    whole = open_dataset(served.folder / "set")
    there = imported(served, tmp_path / "set", Origin("pagetab", "a.json", f"{served.url}/set/"))
    for image in whole.image_ids[:2]:
        assert np.array_equal(there.image(image).read(), whole.image(image).read())
        masks = list(zip(there.masks(image), whole.masks(image), strict=True))
        assert masks
        assert all(np.array_equal(one.image.read(), other.image.read()) for one, other in masks)
    assert there.locate(there.rows[0]).read_bytes() == whole.locate(whole.rows[0]).read_bytes()
    place = tmp_path / "set" / there.rows[0].path
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    assert there.locate(there.rows[0]) == place


def test_a_file_that_is_another_one_than_is_listed(served: Served, tmp_path: Path) -> None:
    there = imported(served, tmp_path / "set", Origin("", "", f"{served.url}/set/"))
    path = served.folder / "set" / there.rows[0].path
    data = bytearray(path.read_bytes())
    data[-1] ^= 255
    path.write_bytes(bytes(data))
    with pytest.raises(MicrographiaError, match="its SHA-256 is another one"):
        there.open(there.rows[0])


def test_rules_that_need_files_are_skipped_with_the_reason(served: Served, tmp_path: Path) -> None:
    imported(served, tmp_path / "set", Origin("pagetab", "a.json", f"{served.url}/set/"))
    report = check(tmp_path / "set", checksums=True)
    assert report.absent == f"the files of the dataset are at {served.url}/set/, not in its folder"
    skipped = [
        one for one in report.outcomes if one.state is State.SKIPPED and "not in its folder" in one.reason
    ]
    assert len(skipped) > 20
    assert report.findings == ()
    assert served.paths() == []
    there = open_dataset(tmp_path / "set")
    (tmp_path / "set" / there.rows[0].path).parent.mkdir(parents=True)
    (tmp_path / "set" / there.rows[0].path).write_bytes(
        (served.folder / "set" / there.rows[0].path).read_bytes()
    )
    assert check(tmp_path / "set").absent == ""


def test_nobody_says_where_the_files_are(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = imported(served, tmp_path / "set", Origin("pagetab", "record.json"))
    with pytest.raises(DatasetError, match=r"holds what record.json says, without its files"):
        there.image(there.image_ids[0])
    assert "nobody says where they are" in check(tmp_path / "set").absent
    assert main(["hash", str(tmp_path / "set")]) == 2
    assert "record.json" in capsys.readouterr().err


def test_a_folder_that_was_described_here_is_judged_as_before(tmp_path: Path) -> None:
    Builder(tmp_path / "set").write()
    for path in (tmp_path / "set").rglob("*.tif"):
        path.unlink()
    assert why_absent(tmp_path / "set", ["images/a.tif"]) == ""
    assert any(
        finding.code.startswith("D") or "exist" in finding.message
        for finding in check(tmp_path / "set").findings
    )


@pytest.mark.parametrize("base", ["file:///etc/", "/etc/", "ftp://example.org/", "javascript:alert(1)"])
def test_what_is_no_address_is_refused(served: Served, tmp_path: Path, base: str) -> None:
    there = imported(served, tmp_path / "set", Origin("", "", base))
    with pytest.raises(DatasetError, match="no address"):
        there.open(there.rows[0])


def test_paths_stay_below_their_address(served: Served, tmp_path: Path) -> None:
    imported(served, tmp_path / "set", Origin("", "", f"{served.url}/set/"))
    for path in ("../secret", "a/../../b", "/etc/passwd", "http://example.org/x"):
        with pytest.raises(MicrographiaError):
            local_file(tmp_path / "set", path)
    assert address_in(tmp_path / "set", "a b#?.tif") == f"{served.url}/set/a%20b%23%3F.tif"


def test_a_dataset_at_an_address(served: Served, tmp_path: Path) -> None:
    for address in (
        f"{served.url}/set",
        f"{served.url}/set/",
        f"{served.url}/set/mifa.yaml",
        Path(f"{served.url}/set"),
    ):
        opened = open_dataset(address)
        assert opened.image(opened.image_ids[0]).shape
    with pytest.raises(DatasetError, match=r"has no mifa.yaml"):
        open_dataset(served.url)
    (served.folder / "set" / "origin.json").write_text(json.dumps({"kind": "other"}), "utf-8")
    with pytest.raises(DatasetError, match=r"cannot be read|not what an import writes"):
        open_dataset(f"{served.url}/set")


@pytest.mark.parametrize("here", [True, False])
def test_an_imported_dataset_at_an_address(served: Served, tmp_path: Path, here: bool) -> None:
    write_origin(served.folder / "set", Origin("pagetab", "a.json", f"{served.url}/other/"))
    if not here:
        (served.folder / "other").mkdir()
        for name in {row.path.split("/")[0] for row in open_dataset(served.folder / "set").rows}:
            (served.folder / "set" / name).rename(served.folder / "other" / name)
    opened = open_dataset(f"{served.url}/set")
    assert opened.image(opened.image_ids[0]).shape
    assert any(
        path.startswith("set/" if here else "other/") for path in served.paths() if path.endswith(".tif")
    )
