"""The pixel pass of ``micrographia check --pixels`` against merely decoding every pixel.

Run with ``python benchmarks/check.py [--quick] [--data FOLDER]``. Each dataset is read four ways: every pixel of
every image and mask decoded once and thrown away by the library that people use for the format (zarr-python with its
threads, Pillow, tifffile) and by our own reader (by blocks as the file has them, and in the bands that the pass reads;
the faster counts), the pixel pass by one worker, and the pixel pass by all. The search for hidden groups is
timed by itself: it reads only pairs that seem to belong together. Files are read before, so that the disk plays no
part. Medians of three runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import tifffile
import zarr
from PIL import Image as Picture

from _peers import machine
from _synthetic import tile
from micrographia.checks.fields import propose_groups, reference_plane
from micrographia.checks.pixel_facts import gather_pixels, measure
from micrographia.checks.pixel_facts_tiles import units
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.manifest import COLUMNS
from micrographia.images import ArrayImage, Image, LabelSource, write_image

RUNS = 3
GOAL_RATIO, GOAL_SPEED = 2.0, 200.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the pixels, one run")
    parser.add_argument("--data", type=Path, help="folder of real data; dsb2018 in it is measured too")
    parser.add_argument(
        "--scratch", type=Path, help="where datasets are written (default: a temporary folder)"
    )
    options = parser.parse_args()
    runs = 1 if options.quick else RUNS
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    names = {"library": 9, "ours": 9, "pass": 9, "ratio": 7, "of ours": 9, "MB/s": 7, "all": 9, "groups": 9}
    print(f"{'dataset':<34}{'MB':>7}" + "".join(f"{name:>{width}}" for name, width in names.items()))
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for name, make in datasets(options.data, quick=options.quick):
            report(name, make(Path(scratch) / name.replace(" ", "-").replace(",", "")), runs)
    print(
        f"goals: ratio at most {GOAL_RATIO:g} (PNG, zstd), at least {GOAL_SPEED:g} MB/s a core (uncompressed)"
    )


def datasets(data: Path | None, *, quick: bool) -> Iterator[tuple[str, Callable[[Path], Dataset]]]:
    number, planes = (50, 4) if quick else (500, 32)
    if data is not None:
        yield "dsb2018 as it is, PNG", partial(real, source=data / "dsb2018")
    yield f"{number} small pairs, PNG 8 bit", partial(small_png, number=number)
    yield f"{number} small pairs, OME-Zarr zstd", partial(small_zarr, number=number)
    yield "large, OME-Zarr zstd", partial(large_zarr, planes=planes)
    yield "large, TIFF uncompressed 16 bit", partial(large_tiff, planes=planes, dtype="uint16")
    yield "large, TIFF uncompressed 8 bit", partial(large_tiff, planes=planes, dtype="uint8")
    yield "large, TIFF uncompressed float", partial(large_tiff, planes=max(2, planes // 4), dtype="float32")


def report(name: str, dataset: Dataset, runs: int) -> None:
    files = [dataset.files_of(image) for image in dataset.image_ids]
    opened = [image for one in files for image in (one.image(), *(mask.image for mask in one.masks()))]
    total = sum(image.nbytes for image in opened) / 1e6
    for image in opened[:2]:
        decode(image, units(image))
    measure(files[0])
    gather_pixels(dataset, workers=1, groups=False)
    times = []
    for _ in range(runs):
        library = timed(lambda: decode_with_library(dataset))
        blocks = timed(lambda: [decode(image, image.blocks()) for image in fresh(dataset)])
        bands = timed(lambda: [decode(image, units(image)) for image in fresh(dataset)])
        alone = timed(lambda: gather_pixels(dataset, workers=1, groups=False))
        everyone = timed(lambda: gather_pixels(dataset, groups=False))
        ours = min(blocks, bands)
        times.append((library, ours, alone, everyone, alone / library, alone / ours))
    library, ours, alone, everyone, ratio, own_ratio = (median(column) for column in zip(*times, strict=True))
    facts = gather_pixels(dataset, groups=False).images
    groups = timed(lambda: propose_groups(facts, partial(reference_plane, dataset)))
    print(
        f"{name:<34}{total:>7.0f}{library:>8.2f}s{ours:>8.2f}s{alone:>8.2f}s{ratio:>7.2f}"
        f"{own_ratio:>9.2f}{total / alone:>7.0f}{everyone:>8.2f}s{groups:>8.2f}s",
        flush=True,
    )


def fresh(dataset: Dataset) -> Iterator[Image]:
    """Open every image and mask anew, so that nothing decoded is remembered."""
    for name in dataset.image_ids:
        one = dataset.files_of(name)
        for image in (one.image(), *(mask.image for mask in one.masks())):
            with image:
                yield image


def decode_with_library(dataset: Dataset) -> None:
    """Decode every pixel with the library of the format, sixteen planes of a stack at a time."""
    for row in dataset.rows:
        path = dataset.path / row.path
        if path.is_dir():
            array = zarr.open_array(path / "0", mode="r")
            for first in range(0, array.shape[0], 16 if array.ndim > 2 else array.shape[0]):
                array[first : first + 16] if array.ndim > 2 else array[:]
        elif path.suffix == ".tif":
            tifffile.imread(path)
        else:
            np.asarray(Picture.open(path))


def decode(image: Image, regions: Iterator[tuple[slice, ...]]) -> None:
    for region in regions:
        image.read(region)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def real(folder: Path, source: Path) -> Dataset:
    folder.mkdir()
    rows = []
    for path in sorted((source / "images").glob("*.png")):
        for kind in ("images", "labels"):
            (folder / kind).mkdir(exist_ok=True)
            (folder / kind / path.name).write_bytes((source / kind / path.name).read_bytes())
        rows.append((path.stem, f"images/{path.name}", f"labels/{path.name}"))
    return listed(folder, rows)


def small_png(folder: Path, number: int) -> Dataset:
    rows = []
    for at, (pixels, labels) in enumerate(pairs(number)):
        for kind, array in (("images", (pixels // 16).clip(0, 255).astype(np.uint8)), ("labels", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Picture.fromarray(array).save(folder / kind / f"{at:04d}.png")
        rows.append((f"{at:04d}", f"images/{at:04d}.png", f"labels/{at:04d}.png"))
    return listed(folder, rows)


def small_zarr(folder: Path, number: int) -> Dataset:
    rows = []
    for at, (pixels, labels) in enumerate(pairs(number)):
        target = folder / f"images/{at:04d}.ome.zarr"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_image(target, ArrayImage(pixels, "YX"), labels=[LabelSource("masks", ArrayImage(labels, "YX"))])
        rows.append((f"{at:04d}", f"images/{target.name}", f"images/{target.name}/labels/masks"))
    return listed(folder, rows)


def large_zarr(folder: Path, planes: int) -> Dataset:
    (folder / "images").mkdir(parents=True)
    pixels, labels = stack(planes)
    marks = LabelSource("masks", ArrayImage(labels, "ZYX"))
    write_image(folder / "images/large.ome.zarr", ArrayImage(pixels, "ZYX"), labels=[marks])
    return listed(folder, [("large", "images/large.ome.zarr", "images/large.ome.zarr/labels/masks")])


def large_tiff(folder: Path, planes: int, dtype: str) -> Dataset:
    folder.mkdir()
    pixels, labels = stack(planes)
    shown = (pixels // 16).clip(0, 255).astype(dtype) if dtype == "uint8" else pixels.astype(dtype)
    for name, array in (("large", shown), ("labels", labels)):
        tifffile.imwrite(folder / f"{name}.tif", array, imagej=True, metadata={"axes": "ZYX"})
    return listed(folder, [("large", "large.tif", "labels.tif")])


def stack(planes: int) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = tile()
    wide = np.tile(pixels, (-(-planes // len(pixels)), 2, 2))[:planes]
    return np.ascontiguousarray(wide), np.broadcast_to(np.tile(labels, (2, 2)), wide.shape).copy()


def pairs(number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    pixels, labels = tile()
    random = np.random.default_rng(0)
    for at in range(number):
        y, x = random.integers(0, 1024 - 520), random.integers(0, 1024 - 696)
        part = (slice(y, y + 520), slice(x, x + 696))
        yield pixels[at % len(pixels)][part].copy(), labels[part].copy()


def listed(folder: Path, rows: list[tuple[str, str, str]]) -> Dataset:
    """Write ``mifa.yaml`` and ``files.tsv`` for images and their masks."""
    (folder / "mifa.yaml").write_text(
        "micrographia_format: 1\nannotations:\n  - {name: masks, mask_kind: instance}\n"
    )
    lines = ["\t".join(COLUMNS)]
    for image, path, mask in rows:
        sizes = [str(size(folder / one)) for one in (path, mask)]
        lines.append("\t".join([path, "", image, "image", "", "", "", "", "", sizes[0], ""]))
        lines.append(
            "\t".join([mask, "", "", "annotation", "", "masks", "segmentation_mask", image, "", sizes[1], ""])
        )
    (folder / "files.tsv").write_text("\n".join(lines) + "\n")
    return open_dataset(folder)


def size(path: Path) -> int:
    return (
        path.stat().st_size
        if path.is_file()
        else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    )


if __name__ == "__main__":
    main()
