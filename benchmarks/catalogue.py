"""The catalogue as it grows: indexing, faceted questions, publishing, and ten million rows of images in Parquet.

Run with ``python benchmarks/catalogue.py [--quick] [--scratch FOLDER]``. Records are synthetic, drawn from the
vocabularies, the same every time. ``index`` is writing records that are known already, as an archive's list tells
them; ``described`` is the whole way from a description: read leniently, judged by the rules, then written. Every
question asks for facets over all that it finds. Beside it the same question is answered by reading every text with
pandas and by ``LIKE`` in SQLite (without ranks or stems). Medians of five runs, files read before;
``CPU ms`` is the processor time of an answer to words that were not asked before, for machines that are busy; ``ms``
is the clock where they were, ``cold`` where the catalogue was just opened.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _catalogue_records import entries, plain_record
from _peers import machine
from micrographia.catalogue import Catalogue, Store, add_entries, connect, publish, published, publishing
from micrographia.catalogue.describing import entry_of
from micrographia.catalogue.layout import IMAGE_GROUP, IMAGES, IMAGES_A_FILE, MANIFEST, Manifest, read_layout
from micrographia.catalogue.texts import texts
from micrographia.exchange import Submission, described, file_table
from micrographia.work import stream

RUNS = 5
QUESTIONS: dict[str, dict[str, Any]] = {
    "nuclei fluorescence": {},
    "nuclei segmentation": {"type": "segmentation_mask", "licence": "CC0", "organism": "Homo sapiens"},
    "treated control": {"voxel_size": "0.1..0.5", "score": "M>=0.5"},
    "mouse liver": {"trainable_commercially": True},
    "segm*": {},
    "": {"has_split": True, "min_images": 1000},
}
BLOCK = 250


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--images", action="store_true", help="only the rows of images")
    parser.add_argument("--scratch", type=Path, help="where files are written (default: a temporary folder)")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        counts = (1000,) if options.images else (1000 // part, 10_000 // part, 100_000 // part)
        for count in counts:
            grown(count, Path(scratch))
        if not options.images:
            whole_way(4000 // part)
        image_rows(10_000_000 // part, Path(scratch))
    print("goals: 100,000 records in under 120 s, a faceted question in under 100 ms")


def grown(count: int, scratch: Path) -> None:
    path, out = scratch / f"{count}.sqlite", scratch / f"{count}-published"
    held = list(entries(count))
    began = time.perf_counter()
    with Store(path, write=True) as store:
        add_entries(store, held)
    indexed = time.perf_counter() - began
    began = time.perf_counter()
    done = publish(path, out)
    wrote = time.perf_counter() - began
    print(
        f"\n{count:,} records: index {indexed:.1f} s, {path.stat().st_size / 1e6:.0f} MB; "
        f"publish {wrote:.1f} s, {done.size / 1e6:.0f} MB"
    )
    header = {
        "found": 8,
        "ms": 8,
        "CPU ms": 8,
        "cold": 8,
        "Parquet": 9,
        "cold ": 8,
        "MB read": 9,
        "pandas": 9,
        "LIKE": 9,
    }
    print(f"{'question':<24}" + "".join(f"{name:>{width}}" for name, width in header.items()))
    scan, like = pandas_scan(held), sqlite_like(held, scratch / f"{count}-like.sqlite")
    for text, wanted in QUESTIONS.items():
        ask = Asked(text, wanted)
        cold, warm, processor, total = ask.times(path)
        with Counted() as counted:
            far_cold, far_warm, _, again = ask.times(out)
        assert total == again, (text, total, again)
        row = f"{text or '(none)':<24}{total:>8,}{warm:>8.1f}{processor:>8.1f}{cold:>8.0f}"
        row += f"{far_warm:>9.1f}{far_cold:>8.0f}{counted.total / 1e6:>9.2f}"
        words = [word.rstrip("*") for word in text.split()]
        for peer in (scan, like):
            row += f"{1000 * timed(partial(peer, words)) / warm:>8.1f}x" if words else f"{'':>9}"
        print(row)


class Asked:
    """A question, asked of a catalogue that was just opened and of one that is open."""

    def __init__(self, text: str, wanted: dict[str, Any]) -> None:
        self.text, self.wanted = text, wanted

    def times(self, place: Path) -> tuple[float, float, float, int]:
        """Return milliseconds of the first answer, of further ones, processor time of a new one; and how many fit."""
        began = time.perf_counter()
        with Catalogue(place) as catalogue:
            total = catalogue.find(self.text, facets=True, **self.wanted).total
            cold = time.perf_counter() - began
            again = partial(catalogue.find, self.text, facets=True, **self.wanted)
            warm = timed(again)
        processor = median(self.anew(place) for _ in range(RUNS))
        return 1000 * cold, 1000 * warm, 1000 * processor, total

    def anew(self, place: Path) -> float:
        """Return seconds of processor time where the catalogue is open and other words were asked before."""
        with Catalogue(place) as catalogue:
            catalogue.find("author", facets=True, **self.wanted)
            began = time.process_time()
            catalogue.find(self.text, facets=True, **self.wanted)
            return time.process_time() - began


class Counted:
    """Counts the bytes that are read of published files."""

    def __enter__(self) -> Self:
        self.total = 0
        self._reader = published.local_reader

        def counting(path: str) -> Callable[[int, int], bytes]:
            read = self._reader(path)

            def counted(start: int, length: int) -> bytes:
                self.total += length
                return read(start, length)

            return counted

        published.local_reader = counting
        return self

    def __exit__(self, *_: object) -> None:
        published.local_reader = self._reader


def timed(ask: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    times = []
    for _ in range(RUNS):
        began = clock()
        ask()
        times.append(clock() - began)
    return median(times)


def pandas_scan(held: list[Any]) -> Callable[[list[str]], object]:
    frame = pd.DataFrame(
        {
            "text": [" ".join(texts(entry)).lower() for entry, _ in held],
            "type": [entry.types[0] for entry, _ in held],
            "organism": [entry.organisms[0] for entry, _ in held],
            "method": [entry.methods[0] for entry, _ in held],
            "licence": [entry.licence for entry, _ in held],
        }
    )

    def scan(words: list[str]) -> object:
        mask = np.ones(len(frame), bool)
        for word in words:
            mask &= frame["text"].str.contains(word, regex=False).to_numpy()
        chosen = frame[mask]
        return [chosen[name].value_counts() for name in ("type", "organism", "method", "licence")]

    return scan


def sqlite_like(held: list[Any], path: Path) -> Callable[[list[str]], object]:
    connection = sqlite3.connect(path)
    names = ("type", "organism", "method", "licence")
    connection.execute(f"CREATE TABLE records (text, {', '.join(names)})")
    rows = ((" ".join(texts(e)), e.types[0], e.organisms[0], e.methods[0], e.licence) for e, _ in held)
    connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()

    def like(words: list[str]) -> object:
        where = " AND ".join("text LIKE ?" for _ in words)
        values = [f"%{word}%" for word in words]
        asked = [f"SELECT {name}, count(*) FROM records WHERE {where} GROUP BY 1" for name in names]  # noqa: S608
        return [connection.execute(one, values).fetchall() for one in asked]

    return like


def whole_way(count: int) -> None:
    """Time records from their description on: read, judged, taken, by two workers."""
    began = time.perf_counter()
    spent = [outcome.result() for outcome in stream(judged, range(0, count, BLOCK), workers=2)]
    seconds = time.perf_counter() - began
    done = BLOCK * len(spent)
    print(
        f"\ndescribed: {done:,} descriptions of 8 files each read and judged in {seconds:.1f} s by two workers"
    )
    print(f"           {1000 * sum(spent) / done:.2f} ms of processor time each")


def judged(start: int) -> float:
    began = time.process_time()
    for number in range(start, start + BLOCK):
        files = [{"Files": f"images/{at}.tif", "image": f"{at}", "role": "image"} for at in range(8)]
        submission = Submission(described(plain_record(number)), file_table(files))
        entry_of(submission.dataset(), place=str(number), kind="record")
    return time.process_time() - began


def image_rows(count: int, scratch: Path) -> None:
    """Time questions to the rows of images, in files as publish writes them."""
    out = scratch / "images"
    publish(min(scratch.glob("*0.sqlite"), key=lambda path: path.stat().st_size), out)
    began = time.perf_counter()
    parts = list(written(out, count))
    held = read_layout((out / MANIFEST).read_bytes(), MANIFEST)
    manifest = Manifest(held.datasets, held.records, held.words, tuple(parts), held.tokens)
    (out / MANIFEST).write_text(manifest.to_text())
    size = sum(part.size for part in parts)
    seconds = time.perf_counter() - began
    print(f"\n{count:,} rows of images: {len(parts)} files, {size / 1e6:.0f} MB, {seconds:.0f} s to make")
    questions: dict[str, Callable[[Catalogue], object]] = {
        "images of one dataset": lambda c: c.images("D00000500"),
        "in a range of pixel sizes, by dataset": lambda c: c.count_images(voxel_size="0.1..0.2"),
        "larger than 1024, in a split, by dataset": lambda c: c.count_images(
            split="train", smallest_side=1024
        ),
    }
    print(f"{'question':<44}{'s':>8}{'MB read':>10}")
    for name, ask in questions.items():
        with Counted() as counted, Catalogue(out) as catalogue:
            began = time.perf_counter()
            ask(catalogue)
            print(f"{name:<44}{time.perf_counter() - began:>8.2f}{counted.total / 1e6:>10.1f}")
    connection = connect(out)
    began = time.perf_counter()
    connection.execute(
        "SELECT dataset, count(*) FROM images WHERE split = 'train' AND size_x >= 1024 AND size_y >= 1024 GROUP BY 1"
    ).fetchall()
    print(f"{'the last, in SQL by DuckDB':<44}{time.perf_counter() - began:>8.2f}")


def written(out: Path, count: int) -> Any:
    """Write rows of images as publish does, drawn at once."""
    draw = np.random.default_rng(0)
    for start in range(0, count, IMAGES_A_FILE):
        rows = min(IMAGES_A_FILE, count - start)
        writer = publishing._Writer(out, "images", IMAGES, IMAGE_GROUP, ("image", "path"))
        with writer:
            for at in range(start, start + rows, IMAGE_GROUP):
                writer.write(block(at, min(IMAGE_GROUP, start + rows - at), draw))
        first, last = (f"D{(number // 200):08d}" for number in (start, start + rows - 1))
        yield type(writer.part)(
            writer.part.file, writer.part.size, writer.part.rows, writer.part.sha256, first, last
        )


def spelt(codes: np.ndarray, words: list[str]) -> pa.Array:
    return pa.array(words).take(pa.array(codes))


def block(start: int, rows: int, draw: np.random.Generator) -> pa.Table:
    number = np.arange(start, start + rows)
    dataset = number // 200
    voxel = np.round(np.exp(np.random.default_rng(1).normal(-1.5, 0.8, 100_000)), 3)[dataset % 100_000]
    side = draw.choice([256, 512, 1024, 2048], rows)
    columns = {
        "dataset": spelt(dataset - dataset[0], [f"D{one:08d}" for one in range(dataset[0], dataset[-1] + 1)]),
        "image": spelt(number % 200, [f"image_{one:04d}" for one in range(200)]),
        "path": spelt(
            number % 200, [f"images/plate_{one % 7}/image_{one:04d}.ome.zarr" for one in range(200)]
        ),
        "split": spelt(draw.integers(0, 4, rows), ["train", "train", "test", ""]),
        "groups": spelt(number % 7, [f"plate={one}" for one in range(7)]),
        "size": draw.integers(10**5, 10**8, rows),
        "dtype": spelt(draw.integers(0, 2, rows), ["uint8", "uint16"]),
        "channels": spelt(draw.integers(0, 3, rows), ["DAPI", "DAPI; actin", ""]),
        "size_y": side,
        "size_x": side,
        "voxel_y": voxel,
        "voxel_x": voxel,
    }
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in IMAGES
    ]
    return pa.Table.from_arrays(arrays, schema=IMAGES)


if __name__ == "__main__":
    main()
