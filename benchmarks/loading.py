"""Random crops with their masks from OME-Zarr, a second: ours beside zarr, zarrs, tensorstore and dask.

One stack of intensities and instance labels is written by us in several chunk layouts. Every reader reads the same
crops from each of them in one process, and is judged by the layout that suits it best; our default layout is judged
as it is. ``loading.patches`` draws its own crops from it, and does more: float32, normalised, with a mask of int32 and
a region. Its cache holds a quarter of the stack, so that it has to decode. A memory map of raw arrays is the limit.
Then the same patches go through a PyTorch DataLoader with two worker processes and with none, and into training steps
of a small network. The figures of one run compare with each other, not with those of another machine.

    python benchmarks/loading.py                  # about six minutes; --quick for two
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
PEERS = ["zarr", "zarrs", "tensorstore", "dask[array]"]
LAYOUTS = {
    "1x256x256": {},
    "1x128x128": {"y": 128, "x": 128},
    "1x512x512": {"y": 512, "x": 512},
    "4x128x128": {"z": 4, "y": 128, "x": 128},
    "8x256x256": {"z": 8},
    "32x256x256": {"z": 32},
}
DEFAULT = "1x256x256"
CROPS = {"2D 256x256": (1, 256, 256), "3D 32x256x256": (32, 256, 256)}
BATCH = {"2D 256x256": 16, "3D 32x256x256": 2}
Read = Callable[[str, tuple[slice, ...]], Any]


def reader_open_image(store: str) -> Read:
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


def reader_dask(store: str) -> Read:
    import dask.array
    import zarr

    opened = {}
    for path in ("", "labels/nuclei"):
        array = zarr.open_array(Path(store) / path / "0", mode="r")
        opened[path] = dask.array.from_zarr(array, chunks=array.chunks)

    def read(path: str, region: tuple[slice, ...]) -> Any:
        return opened[path][region if path else (0, *region)].compute(scheduler="threads")

    return read


def reader_memory_map(store: str) -> Read:
    import numpy as np

    folder = Path(store).parent
    opened = {
        path: np.load(folder / name, mmap_mode="r")
        for path, name in (("", "raw.npy"), ("labels/nuclei", "labels.npy"))
    }
    return lambda path, region: np.array(opened[path][region])


READERS = {
    "open_image": reader_open_image,
    "zarr": reader_zarr,
    "zarrs": reader_zarrs,
    "tensorstore": reader_tensorstore,
    "dask": reader_dask,
}
OURS = ("open_image", "memory map")


def crops(reader: str, store: str, shape: list[int], crop: list[int], seconds: float) -> Callable[[], Any]:
    """Read random crops for some seconds; return how many a second."""
    import random

    read = (READERS | {"memory map": reader_memory_map})[reader](store)
    chance = random.Random(7)  # noqa: S311 - not cryptography

    def draw() -> tuple[slice, ...]:
        starts = [chance.randint(0, size - side) for size, side in zip(shape, crop, strict=True)]
        return tuple(slice(start, start + side) for start, side in zip(starts, crop, strict=True))

    def work() -> dict[str, Any]:
        for _ in range(2):
            read("", draw())
            read("labels/nuclei", draw())
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


def opened_patches(dataset: str, crop: list[int], cache: int) -> Any:
    """Return our patches of the stack, its statistics found."""
    from micrographia.loading import patches

    size = crop[1:] if crop[0] == 1 else crop
    found = patches(dataset, size, seed=7, cache_bytes=cache)
    found.prepare(quiet=True)
    return found


def sampler(dataset: str, crop: list[int], cache: int, seconds: float) -> Callable[[], Any]:
    """Draw our own random patches for some seconds; return how many a second."""
    found = opened_patches(dataset, crop, cache)

    def endless() -> Any:
        while True:
            yield from found
            found.set_epoch(found.epoch + 1)

    def work() -> dict[str, Any]:
        turn = endless()
        for _ in range(8):
            next(turn)
        total, started, used = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - started < seconds:
            next(turn)
            total += 1
        used = time.process_time() - used
        return {"rate": total / (time.perf_counter() - started), "cpu_ms": used / total * 1000}

    return work


def loader(
    dataset: str, crop: list[int], cache: int, seconds: float, batch: int, workers: int
) -> Callable[[], Any]:
    """Take our patches from a DataLoader of PyTorch; return how many a second."""
    from torch.utils.data import DataLoader

    held = opened_patches(dataset, crop, cache).torch_iterable(batch=batch)
    options = {"num_workers": workers, "multiprocessing_context": "spawn"} if workers else {}
    batches = DataLoader(held, batch_size=None, **options)

    def work() -> dict[str, Any]:
        turn = iter(batches)
        for _ in range(8 if crop[0] == 1 else 24):
            next(turn)
        total, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            total += len(next(turn)["image_id"])
        return {"rate": total / (time.perf_counter() - started)}

    return work


def training(dataset: str, crop: list[int], cache: int, seconds: float, batch: int) -> Callable[[], Any]:
    """Train a small network on our patches; return the share of the time that it waits for them."""
    import torch
    from torch import nn

    kind = nn.Conv2d if crop[0] == 1 else nn.Conv3d
    layers = [
        kind(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        kind(8, 8, 3, padding=1),
        nn.ReLU(),
        kind(8, 1, 1),
    ]
    network = nn.Sequential(*layers, nn.Upsample(scale_factor=2))
    steps = torch.optim.SGD(network.parameters(), 1e-3)
    held = opened_patches(dataset, crop, cache)

    def work() -> dict[str, Any]:
        waited = worked = 0.0
        turn = held.batches(batch)
        done = 0
        while waited + worked < seconds or done < 5:
            started = time.perf_counter()
            patch = next(turn)
            arrived = time.perf_counter()
            image, mask = torch.from_numpy(patch["image"]), torch.from_numpy(patch["mask"] > 0)
            loss = nn.functional.binary_cross_entropy_with_logits(network(image)[:, 0], mask.float())
            steps.zero_grad()
            loss.backward()
            steps.step()
            done += 1
            if done > 2:
                waited += arrived - started
                worked += time.perf_counter() - arrived
        return {"waiting": waited / (waited + worked), "step_ms": (waited + worked) / (done - 2) * 1000}

    return work


def write_stores(folder: Path, shape: tuple[int, int, int], layouts: dict[str, Any]) -> dict[str, Path]:
    """Write the stack in every layout, described as a dataset where it is the default one, and as raw arrays."""
    import numpy as np

    from _synthetic import stack
    from micrographia.dataset.describe import describe
    from micrographia.images import LabelSource, write_image

    image, labels = stack(shape)
    stores = {}
    for name, chunk in layouts.items():
        stores[name] = folder / name / "stack.ome.zarr"
        stores[name].parent.mkdir()
        written = write_image(
            stores[name], image, labels=[LabelSource("nuclei", labels)], levels=1, chunk=chunk or None
        )
        print(f"{name}: {written.nbytes / 1e6:.0f} MB, {len(written.files)} files", file=sys.stderr)
    describe(stores[DEFAULT].parent)
    repeat(stores[DEFAULT].parent)
    for name, source in (("raw.npy", image), ("labels.npy", labels)):
        out = np.lib.format.open_memmap(stores[DEFAULT].parent / name, "w+", np.uint16, shape)
        for z in range(shape[0]):
            out[z] = source.read((slice(z, z + 1),))[0]
        out.flush()
    return stores


def repeat(dataset: Path) -> None:
    """List the stack as sixteen images, so that an epoch is long; each is decoded for itself."""
    header, *rows = (dataset / "files.tsv").read_text("utf-8").splitlines()
    names = header.split("\t")
    places = [names.index(name) for name in ("image", "source image")]
    lines = [header]
    for number in range(16):
        for row in rows:
            cells = row.split("\t")
            for place in places:
                cells[place] += f"-{number}" if cells[place] else ""
            lines.append("\t".join(cells))
    (dataset / "files.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    """Measure and print tables."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--quick", action="store_true", help="a smaller stack and shorter measurements")
    options.add_argument("--json", type=Path, help="write all figures to this file")
    chosen = options.parse_args()
    shape = (64, 1024, 1024) if chosen.quick else (64, 2048, 2048)
    seconds, rounds = (1.0, 1) if chosen.quick else (2.0, 3)
    cache = shape[0] * shape[1] * shape[2]
    python = environment("loading", PEERS)
    BENCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=BENCH))
    try:
        stores = write_stores(folder, shape, LAYOUTS)
        rows = []
        for crop, size in CROPS.items():
            for layout, store in stores.items():
                found = fastest(python, store, shape, size, seconds, rounds)
                rows += [
                    {"reader": reader, "layout": layout, "crop": crop, **one} for reader, one in found.items()
                ]
            ours = own(stores[DEFAULT].parent, shape, size, cache, seconds, rounds, BATCH[crop])
            rows += [{"layout": DEFAULT, "crop": crop, **one} for one in ours]
    finally:
        shutil.rmtree(folder)
    summary = summarise(rows)
    titles = {
        "crop": "crop",
        "reader": "reader",
        "layout": "layout",
        "rate": "crops/s",
        "ratio": "patches is faster by",
    }
    print(
        f"\nRandom crops with mask from {'x'.join(map(str, shape))} uint16, one process; each on its best layout\n"
    )
    print(table(summary, titles))
    print("\nA DataLoader of PyTorch, and the share of a training step spent waiting\n")
    shown = [row for row in rows if row["reader"] in ("no worker", "two workers", "training")]
    print(
        table(
            shown,
            {"crop": "crop", "reader": "", "rate": "patches/s", "waiting": "waiting", "step_ms": "ms a step"},
        )
    )
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
            chosen = sys.executable if reader in OURS else python
            arguments = {
                "reader": reader,
                "store": str(store),
                "shape": shape,
                "crop": crop,
                "seconds": seconds,
            }
            keep(best, reader, measure(chosen, SCRIPT, "crops", arguments, timeout=120), store.parent.name)
    return best


def own(
    dataset: Path,
    shape: tuple[int, ...],
    crop: tuple[int, ...],
    cache: int,
    seconds: float,
    rounds: int,
    batch: int,
) -> list[dict[str, Any]]:
    """Measure our patches, alone and in a DataLoader, and the limit."""
    common = {"dataset": str(dataset), "crop": crop, "cache": cache, "seconds": seconds}
    raw = {
        "reader": "memory map",
        "store": str(dataset / "x"),
        "shape": shape,
        "crop": crop,
        "seconds": seconds,
    }
    longer = {**common, "seconds": 2 * seconds, "batch": batch}
    tasks = {
        "patches": ("sampler", common),
        "memory map": ("crops", raw),
        "no worker": ("loader", {**longer, "workers": 0}),
        "two workers": ("loader", {**longer, "workers": 2}),
        "training": ("training", longer),
    }
    best: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for name, (task, arguments) in tasks.items():
            keep(best, name, measure(sys.executable, SCRIPT, task, arguments, timeout=240), name)
    return [{"reader": name, **found} for name, found in best.items()]


def keep(best: dict[str, dict[str, Any]], name: str, result: dict[str, Any], where: str) -> None:
    """Keep the better of two rounds."""
    if "error" in result:
        print(f"{name} {where}: {result['error']}", file=sys.stderr)
    if result.get("rate", 0.0) >= best.get(name, {}).get("rate", 0.0):
        best[name] = result


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each crop, our patches and every reader on its best layout."""
    summary = []
    for crop in CROPS:
        mine = [row for row in rows if row["crop"] == crop]
        ours = next(row for row in mine if row["reader"] == "patches")
        for reader in ("patches", *READERS, "memory map"):
            row = max((one for one in mine if one["reader"] == reader), key=lambda one: one.get("rate", 0.0))
            ratio = ours["rate"] / row["rate"] if row.get("rate") and ours.get("rate") else None
            summary.append({**row, "ratio": ratio})
    return summary


def pivot(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a crop and layout, with a column a reader."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["reader"] in READERS:
            key = row["crop"], row["layout"]
            found.setdefault(key, {"crop": key[0], "layout": key[1]})[row["reader"]] = row.get("rate")
    return list(found.values())


TASKS = {"crops": crops, "sampler": sampler, "loader": loader, "training": training}

if __name__ == "__main__" and not serve(TASKS):
    main()
