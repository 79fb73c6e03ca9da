import json
import shutil
import threading
from pathlib import Path

import pytest
from pyarrow import parquet

from catalogue_entries import catalogue, listed
from micrographia.catalogue import Catalogue, CatalogueError, Store, add_entries, connect, publish
from micrographia.catalogue.layout import MANIFEST
from remote_server import Served
from remote_server import serving as serve


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def copied(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "copy"))


def bytes_read(served: Served) -> int:
    total = 0
    for method, name, asked in served.asked:
        if method == "GET" and name.endswith(".parquet"):
            assert asked.startswith("bytes="), f"{name} was read whole"
            first, _, last = asked.removeprefix("bytes=").partition("-")
            size = (served.folder / name).stat().st_size
            total += min(size, int(last) + 1) - int(first) if first else int(last)
    return total


def ask_everything(folder: Path) -> None:
    with Catalogue(folder) as catalogue:
        catalogue.find("nuclei OR axons OR mitochondria OR membranes", facets=True, limit=100)
        catalogue.images()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published catalogue whose row groups are small, so that there are many."""
    folder = tmp_path_factory.mktemp("large")
    patch = pytest.MonkeyPatch()
    for name, rows in (
        ("RECORD_GROUP", 16),
        ("WORD_GROUP", 256),
        ("IMAGE_GROUP", 64),
        ("IMAGES_A_FILE", 3000),
    ):
        patch.setattr(f"micrographia.catalogue.publishing.{name}", rows)
    publish(catalogue(folder / "c.sqlite", 1500), folder / "published")
    patch.undo()
    return folder / "published"


def test_publishing_twice_writes_the_same_bytes(made: Path, published: Path, tmp_path: Path) -> None:
    publish(made, tmp_path / "again")
    assert files(tmp_path / "again") == files(published)


def test_only_the_parts_that_a_question_needs_are_read(large: Path) -> None:
    size = sum(path.stat().st_size for path in large.glob("*.parquet"))
    with serve(large) as served, Catalogue(served.url) as catalogue:
        found = catalogue.find("axons zebrafish", licence="CC0", limit=5)
        assert found.total
        assert bytes_read(served) < 0.35 * size
        before = bytes_read(served)
        images = catalogue.images("S-SYN700")
        assert images["dataset"].unique().tolist() == ["S-SYN700"]
        part = max(path.stat().st_size for path in large.glob("images-*.parquet"))
        assert bytes_read(served) - before < 0.5 * part
        before = bytes_read(served)
        assert catalogue.find("axons zebrafish", licence="CC0", limit=5).total == found.total
        assert bytes_read(served) == before  # columns and postings are kept while it is open
    assert {path.name.partition("-")[0] for path in large.glob("*.parquet")} == {
        "datasets", "records", "words", "images",
    }  # fmt: skip
    assert len(list(large.glob("images-*.parquet"))) > 1


def test_duckdb_queries_it_in_place_over_ranges(large: Path) -> None:
    pytest.importorskip("duckdb")
    with serve(large) as served, connect(served.url) as connection:
        chosen = connection.execute("SELECT dataset, image FROM images WHERE dataset = 'S-SYN700'").fetchall()
        assert sorted(chosen) == [("S-SYN700", image.image) for image in listed(700)[1]]
        assert bytes_read(served) < 0.35 * sum(path.stat().st_size for path in large.glob("*.parquet"))
        counted = connection.execute(
            "SELECT word, count(*) FROM (SELECT unnest(types) AS word FROM datasets) GROUP BY word"
        ).fetchall()
        stems = connection.execute("SELECT count(DISTINCT row) FROM words WHERE stem = 'axon'").fetchone()
    with Catalogue(large) as opened, connect(large) as here:
        assert dict(counted) == dict(opened.find(facets=True).facets["type"])
        assert stems == (opened.find("axons").total,)
        assert here.execute("SELECT count(*) FROM images").fetchone() == (len(opened.images()),)


def test_statistics_let_row_groups_be_passed_over(large: Path) -> None:
    for name in ("words", "images", "records"):
        path = next(large.glob(f"{name}-*.parquet"))
        held = parquet.read_metadata(path)
        assert held.num_row_groups > 4
        bounds = [held.row_group(group).column(0).statistics for group in range(held.num_row_groups)]
        assert all(one.has_min_max for one in bounds)
        assert [one.min for one in bounds] == sorted(one.min for one in bounds)


@pytest.mark.parametrize("name", ["datasets", "records", "words", "images"])
@pytest.mark.parametrize("how", ["short", "empty", "missing", "flipped", "swapped"])
def test_a_damaged_file_is_one_clear_error(name: str, how: str, published: Path, tmp_path: Path) -> None:
    folder = copied(published, tmp_path)
    path = next(folder.glob(f"{name}-*.parquet"))
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "flipped":
        turned = bytearray(data)
        for at in range(64, len(data) * 3 // 4, 128):
            turned[at] ^= 255
        path.write_bytes(turned)
    elif how == "swapped":
        other = next(one for one in folder.glob("*.parquet") if one != path)
        path.write_bytes(other.read_bytes())
    else:
        path.write_bytes(data[: len(data) // 2] if how == "short" else b"")
    with pytest.raises(CatalogueError) as caught:
        ask_everything(folder)
    assert name in caught.value.path
    assert "again" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON"),
        ('{"kind": "micr', "is no JSON"),
        ("[]", "is not what a published catalogue holds"),
        ("{}", "is not what a published catalogue holds"),
        ('{"kind": "micrographia catalogue", "format_version": 2}', "is of version 2"),
        ('{"kind": "micrographia catalogue", "format_version": 1}', "is damaged"),
        ('{"kind": "micrographia catalogue", "format_version": 1, "images": 3}', "is damaged"),
        ("[" * 100000, "is no JSON"),
    ],
)
def test_a_damaged_document_is_one_clear_error(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(CatalogueError, match=said):
        Catalogue(tmp_path)


def test_a_document_may_not_name_files_elsewhere(published: Path, tmp_path: Path) -> None:
    folder = copied(published, tmp_path)
    document = json.loads((folder / MANIFEST).read_text())
    for name in ("../datasets-1.parquet", "/etc/passwd", "a\\b.parquet", "x.txt"):
        document["datasets"]["file"] = name
        (folder / MANIFEST).write_text(json.dumps(document))
        with pytest.raises(CatalogueError, match="not beside it"):
            Catalogue(folder)


def test_a_server_that_fails_or_is_gone_is_one_clear_error(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RETRIES", "1"), ("BACKOFF", "0.01"), ("STALL", "1"), ("CONNECT", "1")):
        monkeypatch.setenv(f"MICROGRAPHIA_REMOTE_{name}", value)
    with serve(published) as served:
        url = served.url
        served.fault("status", r"words.*\.parquet", value="500")
        with Catalogue(url) as catalogue, pytest.raises(CatalogueError, match="500"):
            catalogue.find("nuclei")
    with pytest.raises(CatalogueError):
        Catalogue(f"{url}/elsewhere")


def test_nothing_of_this_machine_is_published(tmp_path: Path) -> None:
    from builder import Builder
    from micrographia.catalogue import index

    folder = Builder(tmp_path / "private" / "nuclei", images=1).write()
    index([folder], catalogue=tmp_path / "c.sqlite")
    done = publish(tmp_path / "c.sqlite", tmp_path / "out")
    assert done.local == ("nuclei",)
    place = publish(
        tmp_path / "c.sqlite",
        tmp_path / "placed",
        places={str(tmp_path / "private"): "https://example.org/data/"},
    )
    assert place.local == ()
    with Catalogue(tmp_path / "placed") as catalogue:
        assert catalogue.show("nuclei").place == "https://example.org/data/nuclei"
    with Catalogue(tmp_path / "out") as catalogue:
        assert catalogue.show("nuclei").place == ""
    for name in ("datasets", "records", "words", "images"):
        table = parquet.read_table(next((tmp_path / "out").glob(f"{name}-*.parquet")))
        assert "private" not in str(table.to_pydict())


def test_a_new_version_replaces_the_old_one_while_readers_go_on(tmp_path: Path) -> None:
    where, out = catalogue(tmp_path / "c.sqlite", 5), tmp_path / "out"
    publish(where, out)
    old = Catalogue(out)
    (out / ".words.9.partial").write_bytes(b"left by a run that was killed")
    with Store(where, write=True) as store:
        add_entries(store, map(listed, range(5, 9)))
    publish(where, out)
    assert not list(out.glob(".*"))
    assert old.find("nuclei OR axons OR mitochondria OR membranes").total == 5
    with Catalogue(out) as new:
        assert len(new) == 9
    publish(where, out)
    assert len(list(out.glob("*.parquet"))) == 4


def test_a_killed_publisher_leaves_the_old_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, out = catalogue(tmp_path / "c.sqlite", 5), tmp_path / "out"
    publish(where, out)
    with Store(where, write=True) as store:
        add_entries(store, map(listed, range(5, 9)))
    before = (out / MANIFEST).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("micrographia.catalogue.publishing._settled", full)
    with pytest.raises(CatalogueError, match="No space left"):
        publish(where, out)
    assert (out / MANIFEST).read_bytes() == before
    assert not list(out.glob(".*"))
    with Catalogue(out) as catalogue_:
        assert len(catalogue_) == 5


def test_a_folder_with_other_files_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter one")
    with pytest.raises(CatalogueError, match="holds other files"):
        publish(made, tmp_path)
    assert files(tmp_path).keys() == {"thesis.tex"}


def test_an_empty_catalogue_is_published_and_asked(tmp_path: Path) -> None:
    with Store(tmp_path / "c.sqlite", write=True) as store:
        add_entries(store, [])
    done = publish(tmp_path / "c.sqlite", tmp_path / "out")
    assert (done.datasets, done.images) == (0, 0)
    for place in (tmp_path / "c.sqlite", tmp_path / "out"):
        with Catalogue(place) as opened:
            assert opened.find("nuclei -x nucl*", facets=True, organism="mouse").total == 0
            assert len(opened.images()) == 0


def test_many_read_at_once(published: Path) -> None:
    totals: list[int] = []

    def read() -> None:
        with Catalogue(served.url) as catalogue:
            totals.append(catalogue.find("nuclei", facets=True).total)

    with serve(published) as served:
        readers = [threading.Thread(target=read) for _ in range(6)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert len(totals) == 6
    assert len(set(totals)) == 1
