import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from catalogue_entries import catalogue, listed
from micrographia.catalogue import Catalogue, CatalogueError, Store, add_entries, index
from micrographia.catalogue.database import APPLICATION, SCHEMA
from micrographia.catalogue.indexing import BATCH, digest_of
from micrographia.catalogue.store import Known

WRITER = """
import itertools, sys
sys.path.insert(0, {tests!r})
from catalogue_entries import listed
from micrographia.catalogue import Store, add_entries
with Store({path!r}, write=True) as store:
    print("begun", flush=True)
    add_entries(store, map(listed, range(100000)))
"""


def rows(path: Path) -> int:
    with Catalogue(path) as opened:
        return len(opened)


@pytest.mark.parametrize("moment", range(2))
def test_a_killed_writer_loses_only_what_it_had_not_finished(moment: int, tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    code = WRITER.format(tests=str(Path(__file__).parents[1]), path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        deadline = time.monotonic() + 60
        while rows(path) < BATCH * (1 + moment) and time.monotonic() < deadline:
            time.sleep(0.003 * moment)
        os.kill(writer.pid, signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    count = rows(path)
    assert count >= BATCH * (1 + moment)
    assert count % BATCH == 0
    with Catalogue(path) as opened:
        assert opened.find("", facets=True, limit=1).facets["source"] == [("BioImage Archive", count)]
        assert {entry.id for entry in opened.find("nuclei", limit=count)} <= {
            f"S-SYN{n}" for n in range(count)
        }
        assert opened.show(f"S-SYN{count - 1}").title == listed(count - 1)[0].title
    with Store(path, write=True) as store:
        add_entries(store, map(listed, range(count, count + 10)))
    assert rows(path) == count + 10
    with closing(sqlite3.connect(path)) as held:
        assert held.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_readers_see_one_state_beside_a_writer(tmp_path: Path) -> None:
    path = catalogue(tmp_path / "c.sqlite", 10)
    problems: list[object] = []
    stop = threading.Event()

    def read() -> None:
        try:
            with Catalogue(path) as opened:
                while not stop.is_set():
                    found = opened.find("", facets=True, limit=1000)
                    counted = sum(number for _, number in found.facets["source"])
                    if not found.total == counted == len(found):
                        problems.append((found.total, counted, len(found)))
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with Store(path, write=True) as store:
        for number in range(10, 40):
            with store.writing():
                entry, images = listed(number)
                store.put(entry, images, Known("", digest_of(entry, images)))
                if number % 5 == 0:
                    store.remove([f"https://example.org/S-SYN{number - 3}"])
    stop.set()
    for reader in readers:
        reader.join()
    assert not problems
    assert rows(path) == 34


def test_two_writers_take_turns(tmp_path: Path) -> None:
    path = catalogue(tmp_path / "c.sqlite", 1)
    code = WRITER.format(tests=str(Path(__file__).parents[1]), path=str(path)).replace("100000", "300")
    writers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert rows(path) == 300


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.9, 0.999])
def test_a_file_that_lost_its_end_is_one_clear_error(share: float, made: Path, tmp_path: Path) -> None:
    data = made.read_bytes()
    path = tmp_path / "c.sqlite"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CatalogueError) as caught:
        Catalogue(path)
    ways_out = ("micrographia index --rebuild --index", "micrographia index FOLDER --index", "left as it is")
    assert any(way in caught.value.remedy for way in ways_out)


def test_damage_inside_is_one_clear_error_or_does_no_harm(made: Path, tmp_path: Path) -> None:
    data = bytearray(made.read_bytes())
    page = 4096
    for number in range(1, len(data) // page):
        broken = data.copy()
        broken[number * page : number * page + 64] = b"\xff" * 64
        path = tmp_path / "c.sqlite"
        path.write_bytes(broken)
        told = ""
        try:
            with Catalogue(path) as opened:
                assert opened.find("nuclei", facets=True).total <= 60
        except CatalogueError as error:
            told = error.remedy
        assert "--rebuild" in told or not told


def test_what_is_no_catalogue_is_left_as_it_is(tmp_path: Path) -> None:
    text, other, empty = (tmp_path / name for name in ("text", "other.sqlite", "empty"))
    text.write_text("a letter to a friend " * 20)
    with closing(sqlite3.connect(other)) as held:
        held.execute("CREATE TABLE letters (text)")
    empty.touch()
    for path, problem in ((text, "is no catalogue"), (other, "but no catalogue"), (empty, "is empty")):
        before = path.read_bytes()
        with pytest.raises(CatalogueError, match=problem):
            Catalogue(path)
        if path is not empty:
            with pytest.raises(CatalogueError, match=problem):
                Store(path, write=True)
        assert path.read_bytes() == before
    with pytest.raises(CatalogueError, match="is no catalogue yet"):
        Catalogue(tmp_path / "missing")
    with pytest.raises(CatalogueError, match=r"without catalogue\.json"):
        Catalogue(tmp_path)


@pytest.mark.parametrize(("version", "said"), [(SCHEMA + 1, "Update micrographia"), (0, "--rebuild")])
def test_another_version_says_what_to_do(version: int, said: str, made: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(made, tmp_path))
    with closing(sqlite3.connect(path)) as held:
        held.execute(f"PRAGMA user_version = {version}")
        assert held.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
    for write in (False, True):
        with pytest.raises(CatalogueError) as caught:
            Store(path, write=write)
        assert said in caught.value.remedy


def test_a_medium_that_cannot_be_written_can_be_read(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "disc"
    folder.mkdir()
    path = Path(shutil.copy(made, folder))
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert rows(path) == 60
    finally:
        folder.chmod(0o755)


def test_datasets_of_one_name_are_told_apart_and_keep_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    one, images = listed(1)
    with Store(path, write=True) as store:
        for _ in range(2):
            add_entries(
                store, [(replace(one, place=f"p{at}", id=name), images) for at, name in enumerate("aAa")]
            )
        assert store.ids() == ["A-2", "a", "a-3"]
        assert [store.entries(store.lookup(f"p{at}"))[0].id for at in range(3)] == ["a", "A-2", "a-3"]
        assert len(store.lookup(one.accession)) == 3
    with Catalogue(path) as opened:
        with pytest.raises(CatalogueError, match="has 3 datasets"):
            opened.show(one.accession)
        assert opened.show("A-2").place == "p1"


@pytest.mark.parametrize(
    "asked", ["S-SYN7", "s-syn7", "10.5281/zenodo.7", "https://example.org/S-SYN7", f"{7:064x}"]
)
def test_a_dataset_is_shown_by_what_names_it(asked: str, made: Path, published: Path) -> None:
    for place in (made, published):
        with Catalogue(place) as opened:
            assert opened.show(asked).id == "S-SYN7"


@pytest.mark.parametrize("asked", ["", "S-SYN", "%", "' OR 1=1 --", "\0", "\ud800", "🔬", "a" * 9999])
def test_what_names_no_dataset_is_an_error(asked: str, made: Path, published: Path) -> None:
    for place in (made, published):
        with Catalogue(place) as opened, pytest.raises(CatalogueError, match="has no dataset"):
            opened.show(asked)


def test_images_are_found_by_what_they_have(made: Path, published: Path) -> None:
    every = [(entry.id, image) for entry, images in map(listed, range(60)) for image in images]
    for place in (made, published):
        with Catalogue(place) as opened:
            assert len(opened.images()) == len(every)
            found = opened.images(["S-SYN3", "S-SYN4"], split="train")
            assert set(found["dataset"]) == {"S-SYN3"}
            assert opened.images(limit=7)["image"].tolist() == opened.images()["image"].tolist()[:7]
            counted = opened.count_images(smallest_side=128, voxel_size="0.1..0.5")
            expected = [
                name for name, image in every if image.shape["y"] >= 128 and 0.1 <= image.voxel["x"] <= 0.5
            ]
            assert counted == {name: expected.count(name) for name in set(expected)}
    with Catalogue(made) as one, Catalogue(published) as two:
        assert one.images().equals(two.images())


def test_an_index_of_nothing_asks_for_places(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="has no places to read"):
        index(catalogue=tmp_path / "c.sqlite")
    with pytest.raises(CatalogueError, match="cannot be written"):
        index([tmp_path], catalogue="https://example.org/catalogue")
