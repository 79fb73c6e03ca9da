"""Patches by address from a server that takes its time: ours beside zarr-python over obstore and over fsspec.

A server on this machine waits before each answer. The same random crops are read from one array as files of one chunk,
as shards, and zipped. Every reader opens the array and then reads crop by crop; ours once with nothing on disk, once
with all of it. What is measured is waiting, so the figures hold for far servers, not for fast disks.

    python benchmarks/remote.py                   # about two minutes; --quick for half a minute
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from _peers import environment, machine, table

PEERS = ["zarr>=3.1", "obstore", "fsspec", "aiohttp"]
SHAPE = (8, 2048, 2048)
CROPS = {"256 x 256": (1, 256, 256), "512 x 512": (1, 512, 512), "8 x 256 x 256": (8, 256, 256)}
LAYOUTS = ("files of one chunk", "shards", "zipped shards")
Read = Callable[[tuple[slice, ...]], Any]


def make(folder: Path) -> None:
    """Write one image in each layout, chunks of 1 x 128 x 128."""
    import zarr

    from micrographia.images import ArrayImage
    from micrographia.images.ome_zarr_writer import write_image
    from micrographia.images.ome_zarr_zip import pack

    pixels = np.random.default_rng(0).integers(0, 1200, SHAPE, dtype=np.uint16)
    write_image(folder / "first.ome.zarr", ArrayImage(pixels, "ZYX"), levels=1)
    for name, shards in (("files.ome.zarr", None), ("shards.ome.zarr", (1, 8, 1024, 1024))):
        shutil.copytree(folder / "first.ome.zarr", folder / name)
        shutil.rmtree(folder / name / "0")
        array = zarr.create_array(
            folder / name / "0",
            shape=(1, *SHAPE),
            chunks=(1, 1, 128, 128),
            shards=shards,
            dtype="uint16",
            dimension_names=("c", "z", "y", "x"),
        )
        array[0] = pixels
    shutil.copytree(folder / "shards.ome.zarr", folder / "zipped.ozx")
    pack(folder / "zipped.ozx", "zipped.ozx")


def serve(folder: str, latency: float, told: Any) -> None:
    """Serve a folder until the process is ended."""
    from remote_server import serving

    with serving(Path(folder), latency=latency) as served:
        told.put(served.url)
        time.sleep(3600)


def reader_ours(url: str) -> Read:
    from micrographia.images import open_image

    return open_image(url).read


def reader_obstore(url: str) -> Read:
    import zarr
    from obstore.store import HTTPStore
    from zarr.storage import ObjectStore

    store = ObjectStore(HTTPStore.from_url(url, client_options={"allow_http": True}), read_only=True)
    array = zarr.open_array(store, path="0", mode="r")
    return lambda region: array[(0, *region)]


def reader_fsspec(url: str) -> Read:
    import zarr
    from zarr.storage import FsspecStore

    array = zarr.open_array(FsspecStore.from_url(url, read_only=True), path="0", mode="r")
    return lambda region: array[(0, *region)]


def parts_ours(url: str) -> Callable[[int, int], Any]:
    from micrographia.remote import read_range

    return lambda start, length: read_range(url, start, length)


def parts_obstore(url: str) -> Callable[[int, int], Any]:
    import obstore
    from obstore.store import HTTPStore

    base, _, name = url.rpartition("/")
    store = HTTPStore.from_url(base, client_options={"allow_http": True})
    return lambda start, length: obstore.get_range(store, name, start=start, length=length)


def parts(reader: str, url: str, length: int) -> dict[str, float]:
    """Return the milliseconds of 64 parts of a file, 16 at a time: the best of five."""
    from concurrent.futures import ThreadPoolExecutor

    read = globals()[f"parts_{reader}"](url)
    with ThreadPoolExecutor(16) as pool:
        times = []
        for _ in range(6):
            started = time.perf_counter()
            list(pool.map(lambda number: len(read(number << 20, length)), range(64)))
            times.append(time.perf_counter() - started)
    return {"best": min(times) * 1000}


def crops(shape: tuple[int, ...], count: int) -> list[tuple[slice, ...]]:
    """Return random regions, the same for all readers."""
    rng = np.random.default_rng(7)
    starts = [
        [int(rng.integers(0, whole - side + 1)) for whole, side in zip(SHAPE, shape, strict=True)]
        for _ in range(count)
    ]
    return [tuple(slice(a, a + side) for a, side in zip(at, shape, strict=True)) for at in starts]


def task(reader: str, url: str, shape: tuple[int, ...], count: int) -> dict[str, float]:
    """Return the milliseconds of opening, and the median of those of a crop."""
    for module in (
        ("micrographia.images.zarr_remote",)
        if reader == "ours"
        else ("zarr.storage", "obstore.store", "aiohttp")
    ):
        import_module(module)
    started = time.perf_counter()
    read = globals()[f"reader_{reader}"](url)
    opened = time.perf_counter() - started
    times, total = [], 0
    for region in crops(shape, count):
        started = time.perf_counter()
        total += int(np.asarray(read(region)).sum())
        times.append(time.perf_counter() - started)
    return {"open": opened * 1000, "crop": statistics.median(times) * 1000, "sum": total}


def run(python: str | Path, cache: str, *arguments: Any) -> dict[str, float]:
    """Run one reader in a process of its own."""
    settings = os.environ | {"MICROGRAPHIA_CACHE_DIR": cache}
    done = subprocess.run(
        [str(python), __file__, "--task", json.dumps(arguments)],
        capture_output=True,
        text=True,
        env=settings,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency", type=float, default=20, help="milliseconds before each answer")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        given = json.loads(options.task)
        print(json.dumps((task if len(given) == 4 else parts)(*given)))
        return
    peers = environment("remote", PEERS)
    count = 6 if options.quick else 10
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        told: Any = multiprocessing.Queue()
        server = multiprocessing.Process(
            target=serve, args=(folder, options.latency / 1000, told), daemon=True
        )
        server.start()
        url = told.get()
        rows = []
        for layout, name in zip(LAYOUTS, ("files.ome.zarr", "shards.ome.zarr", "zipped.ozx"), strict=True):
            for label, shape in CROPS.items():
                found: dict[str, list[dict[str, float]]] = {}
                for _ in range(1 if options.quick else 3):
                    with tempfile.TemporaryDirectory() as cache:
                        asked = (f"{url}/{name}", shape, count)
                        for who in ("ours", "warm", "obstore", "fsspec")[: 2 if name == "zipped.ozx" else 4]:
                            python = sys.executable if who in ("ours", "warm") else peers
                            reader = "ours" if who == "warm" else who
                            found.setdefault(who, []).append(run(python, cache, reader, *asked))
                assert len({one["sum"] for held in found.values() for one in held}) == 1
                best = {who: min(one["crop"] for one in held) for who, held in found.items()}
                opening = min(one["open"] for one in found["ours"])
                row = {
                    "layout": layout,
                    "crop": label,
                    "open": f"{opening:.0f} ms",
                    "warm": f"{best['warm']:.1f} ms",
                }
                row |= {who: f"{best[who]:.0f} ms" for who in ("ours", "obstore", "fsspec") if who in best}
                if "obstore" in best:
                    row["times"] = f"{best['ours'] / min(best['obstore'], best['fsspec']):.2f}"
                rows.append(row)
        (Path(folder) / "parts.bin").write_bytes(os.urandom(64 << 20))
        transports = []
        for length in (64 << 10, 1 << 20):
            one, other = (
                run(python, folder, who, f"{url}/parts.bin", length)["best"]
                for who, python in (("ours", sys.executable), ("obstore", peers))
            )
            transports.append(f"64 parts of {length >> 10} KiB: ours {one:.0f} ms, obstore {other:.0f} ms")
        server.terminate()
    print(machine())
    print(f"{options.latency:g} ms before each answer, median of {count} crops, best of three runs\n")
    titles = {
        "layout": "layout",
        "crop": "crop",
        "ours": "ours",
        "obstore": "zarr + obstore",
        "fsspec": "zarr + fsspec",
    }
    titles |= {"times": "ours / the faster", "warm": "ours, from disk", "open": "ours, opening"}
    print(table(rows, titles))
    print("\n" + "\n".join(transports))


if __name__ == "__main__":
    main()
