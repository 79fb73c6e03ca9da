"""The archive's interfaces: record, file lists, search, images; and answers that are none."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from micrographia.catalogue.archive import Addresses, Archive, addresses, is_accession
from micrographia.errors import ExchangeError
from micrographia.images import open_image
from micrographia.remote.connections import close_connections
from remote_archive import ACCESSION, UUID, LocalArchive, picture
from remote_server import serving


@pytest.fixture
def local(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalArchive]:
    """A server with the interfaces of the archive."""
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_BACKOFF", "0.01")
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "2")
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as served:
        yield LocalArchive(served, data / "bia_records", monkeypatch)
    close_connections()


@pytest.mark.real_data
def test_a_record_with_its_file_lists(local: LocalArchive) -> None:
    archive = Archive()
    record = archive.record(ACCESSION)
    assert record["accno"] == ACCESSION
    assert sorted(archive.file_lists(ACCESSION, record)) == ["bbc024_images.json", "bbc024_masks.json"]
    assert archive.info(ACCESSION)["files"] == len(local.paths)
    submission = archive.submission(ACCESSION)
    assert submission.mifa.study.accession == ACCESSION
    assert sorted(submission.files["Files"]) == sorted(local.paths)
    assert submission.origin.files == archive.file(ACCESSION, "")
    assert set(submission.files["role"]) == {"image", "annotation"}


@pytest.mark.real_data
def test_all_files_page_by_page(local: LocalArchive) -> None:
    assert [row["path"] for row in Archive().files(ACCESSION, page_size=2)] == local.paths
    local.served.answers[f"/biostudies/api/v1/files/{ACCESSION}"] = lambda _: {"recordsTotal": 9, "data": []}
    with pytest.raises(ExchangeError, match="list of files"):
        list(Archive().files(ACCESSION))


@pytest.mark.real_data
def test_search_pages_and_facets(local: LocalArchive) -> None:
    archive = Archive()
    found = archive.search("nuclei", page=2, page_size=20)
    assert (found.total, len(found.results), found.accessions[0]) == (250, 20, "S-BIAD21")
    assert found.facets == {"scientific_name": {"Homo sapiens": 200}, "release_date": {"2024": 250}}
    assert len({one["accession_id"] for one in archive.search_all("nuclei")}) == 250
    assert len(list(archive.search_all("nuclei", most=130))) == 130
    archive.search(
        "a b",
        facets={"organism": ["Homo sapiens", "Mus musculus"], "year": "2024"},
        numbers={"size_x.gt": 1024},
    )
    assert local.served.paths()[-1] == "search/v1/search/advanced"


@pytest.mark.real_data
def test_images_open_by_address(local: LocalArchive) -> None:
    (image,) = Archive().images(ACCESSION)
    assert (image.uuid, image.shape["x"], image.size) == (UUID, 32, 45528)
    assert image.address == Archive().ome_zarr(ACCESSION, UUID)
    assert np.array_equal(open_image(image.address).read(), picture(1))


@pytest.mark.real_data
@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b"{", b'{"hits": 3}', b'{"hits": {"hits": {}}}', b"[" * 100_000]
)
def test_answers_that_are_none(local: LocalArchive, answer: bytes) -> None:
    local.served.answers["/search/v1/search/fts"] = lambda _: answer
    with pytest.raises(ExchangeError, match="127"):
        Archive().search("x")


@pytest.mark.real_data
def test_a_record_that_is_not_there(local: LocalArchive) -> None:
    with pytest.raises(ExchangeError, match="has no record S-BIAD999"):
        Archive().submission("S-BIAD999")
    for text in ("", "../etc", "S-BIAD1/../../x", "s-biad1"):
        assert not is_accession(text)
        with pytest.raises(ExchangeError):
            Archive().record(text)


def test_addresses_by_environment_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIOSTUDIES_API", "BIOSTUDIES_FILES", "BIA_SEARCH", "BIA_IMAGES", "ARCHIVE"):
        monkeypatch.delenv(f"MICROGRAPHIA_{name}", raising=False)
    assert addresses() == Addresses()
    file = tmp_path / "archive.yaml"
    file.write_text("search: https://example.org/search\nfiles: https://example.org/files/\n")
    monkeypatch.setenv("MICROGRAPHIA_ARCHIVE", str(file))
    monkeypatch.setenv("MICROGRAPHIA_BIA_SEARCH", "https://example.com/s")
    found = addresses()
    assert (found.search, found.files) == ("https://example.com/s/", "https://example.org/files/")
    for wrong in ("search: nowhere\n", "elsewhere: https://a\n", "- a\n", "a: [\n"):
        file.write_text(wrong)
        monkeypatch.delenv("MICROGRAPHIA_BIA_SEARCH", raising=False)
        with pytest.raises(ExchangeError):
            addresses()
