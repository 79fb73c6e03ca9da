"""Random crops with their masks from OME-Zarr, a second: ours beside zarr, zarrs and tensorstore.

One stack of intensities and instance labels is written by us in several chunk layouts. Every reader reads the same
crops from each of them in one process, and is judged by the layout that suits it best; our default layout is judged
as it is. The figures of one run compare with each other, not with those of another machine.

    python benchmarks/loading.py                  # about three minutes; --quick for one
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _peers import BENCH, environment, machine, measure, serve, table

SCRIPT = Path(__file__).resolve()
PEERS = ["zarr", "zarrs", "tensorstore"]
LAYOUTS = {
    "1x256x256": {},
    "1x128x128": {"y": 128, "x": 128},
    "1x512x512": {"y": 512, "x": 512},
    "4x128x128": {"z": 4, "y": 128, "x": 128},
    "8x256x256": {"z": 8},
    "32x256x256": {"z": 32},
}
DEFAULT = "1x256x256"
CROPS = {"2D 1x256x256": (1, 256, 256), "3D 32x256x256": (32, 256, 256)}
Read = Callable[[str, tuple[slice, ...]], Any]


def reader_ours(store: str) -> Read:
    from micrographia.images import open_image

    opened = {"": open_image(store), "labels/nuclei": open_image(store, "labels/nuclei")}
    return lambda path, region: opened[path].read(region)


def reader_zarr(store: str) -> Read:
    import zarr

    opened = {path: zarr.open_array(Path(store) / path / "0", mode="r") for path in ("", "labels/nuclei")}

    def read(path: str, region: tuple[slice, ...]) -> Any:
        return opened[path][region if path else (0, *region)]

    return read


def reader_zarrs(store: str) -> Read:
    import zarr

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    return reader_zarr(store)


def reader_tensorstore(store: str) -> Read:
    import tensorstore

    context = tensorstore.Context({"cache_pool": {"total_bytes_limit": 48 << 20}})

    def opened(path: str) -> Any:
        kvstore = {"driver": "file", "path": str(Path(store) / path / "0")}
        spec = {"driver": "zarr3", "kvstore": kvstore, "recheck_cached_data": "open"}
        return tensorstore.open(spec, read=True, context=context).result()

    arrays = {"": opened("")[0], "labels/nuclei": opened("labels/nuclei")}
    return lambda path, region: arrays[path][region].read().result()


READERS = {
    "ours": reader_ours,
    "zarr": reader_zarr,
    "zarrs": reader_zarrs,
    "tensorstore": reader_tensorstore,
}


def crops(reader: str, store: str, shape: list[int], crop: list[int], seconds: float) -> Callable[[], Any]:
    """Read random crops for some seconds; return how many a second."""
    import random

    read = READERS[reader](store)
    chance = random.Random(7)  # noqa: S311 - not cryptography

    def draw() -> tuple[slice, ...]:
        starts = [chance.randint(0, size - side) for size, side in zip(shape, crop, strict=True)]
        return tuple(slice(start, start + side) for start, side in zip(starts, crop, strict=True))

    def work() -> dict[str, Any]:
        for _ in range(2):
            read("", draw())
        total, started, used = 0, time.perf_counter(), time.process_time()
        checksum = 0
        while time.perf_counter() - started < seconds:
            region = draw()
            image, mask = read("", region), read("labels/nuclei", region)
            checksum += int(image.flat[0]) + int(mask.flat[0])
            total += 1
        used = time.process_time() - used
        rate = total / (time.perf_counter() - started)
        return {"rate": rate, "cpu_ms": used / total * 1000, "checksum": checksum}

    return work


def write_stores(folder: Path, shape: tuple[int, int, int]) -> dict[str, Path]:
    """Write the stack in every layout."""
    from _synthetic import stack
    from micrographia.images import LabelSource, write_image

    image, labels = stack(shape)
    stores = {}
    for name, chunk in LAYOUTS.items():
        stores[name] = folder / f"{name}.ome.zarr"
        written = write_image(
            stores[name], image, labels=[LabelSource("nuclei", labels)], levels=1, chunk=chunk or None
        )
        print(f"{name}: {written.nbytes / 1e6:.0f} MB, {len(written.files)} files", file=sys.stderr)
    return stores


def main() -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--quick", action="store_true", help="a smaller stack and shorter measurements")
    options.add_argument("--json", type=Path, help="write all figures to this file")
    chosen = options.parse_args()
    shape = (64, 1024, 1024) if chosen.quick else (64, 2048, 2048)
    seconds, rounds = (1.0, 1) if chosen.quick else (2.0, 3)
    python = environment("loading", PEERS)
    BENCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=BENCH))
    try:
        stores = write_stores(folder, shape)
        rows = [
            {"reader": reader, "layout": layout, "crop": crop, **found}
            for crop, size in CROPS.items()
            for layout, store in stores.items()
            for reader, found in fastest(python, store, shape, size, seconds, rounds).items()
        ]
    finally:
        shutil.rmtree(folder)
    best = {
        (row["crop"], row["reader"]): max(
            (other for other in rows if (other["crop"], other["reader"]) == (row["crop"], row["reader"])),
            key=lambda other: other.get("rate", 0.0),
        )
        for row in rows
    }
    summary = []
    for crop in CROPS:
        ours = next(
            row for row in rows if (row["crop"], row["reader"], row["layout"]) == (crop, "ours", DEFAULT)
        )
        summary.append({**ours, "reader": "ours, default layout", "ratio": 1.0})
        for reader in READERS:
            row = best[crop, reader]
            summary.append({**row, "ratio": ours["rate"] / row["rate"] if row.get("rate") else None})
    titles = {
        "crop": "crop",
        "reader": "reader",
        "layout": "its best layout",
        "rate": "crops/s",
        "ratio": "ours is faster by",
    }
    print(f"\nRandom crops with mask from {'x'.join(map(str, shape))} uint16, one process\n")
    print(table(summary, titles))
    print("\nAll layouts, crops/s\n")
    print(table(pivot(rows), {"crop": "crop", "layout": "layout", **{name: name for name in READERS}}))
    described = {**machine(), "command": " ".join(["python", "benchmarks/loading.py", *sys.argv[1:]])}
    print("\n" + ", ".join(f"{key} {value}" for key, value in described.items()))
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": described, "rows": rows, "summary": summary}, indent=1))


def fastest(
    python: Path, store: Path, shape: tuple[int, ...], crop: tuple[int, ...], seconds: float, rounds: int
) -> dict[str, dict[str, Any]]:
    """Let all readers read one store, turn by turn; return the best round of each."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for reader in READERS:
            chosen = sys.executable if reader == "ours" else python
            arguments = {
                "reader": reader,
                "store": str(store),
                "shape": shape,
                "crop": crop,
                "seconds": seconds,
            }
            result = measure(chosen, SCRIPT, "crops", arguments, timeout=120)
            if "error" in result:
                print(f"{reader} {store.name}: {result['error']}", file=sys.stderr)
            if result.get("rate", 0.0) >= best.get(reader, {}).get("rate", 0.0):
                best[reader] = result
    return best


def pivot(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a crop and layout, with a column a reader."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = row["crop"], row["layout"]
        found.setdefault(key, {"crop": key[0], "layout": key[1]})[row["reader"]] = row.get("rate")
    return list(found.values())


if __name__ == "__main__" and not serve({"crops": crops}):
    main()
