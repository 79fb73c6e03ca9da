"""How long `micrographia check` takes without pixels: 10,000 files, every header read, every rule judged.

    python benchmarks/check_headers.py [--files 10000] [--keep FOLDER]

Makes datasets of small images with masks, TIFF with PNG and OME-Zarr with labels, and runs the command on each as users
do, in a process of its own. Prints one row a dataset; exits with 1 if one takes longer than the limit.
"""

import argparse
import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image as Picture

from _peers import machine, table
from micrographia.images import ArrayImage
from micrographia.images.ome_zarr_writer import LabelSource, write_image

LIMIT = 10.0
"""Seconds that the check of the files may take."""

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "micrographia")
STEP = 0.325
SPLITS = ("train", "train", "train", "validation", "test")
COLUMNS = (
    "Files",
    "image",
    "role",
    "annotation set",
    "annotation type",
    "source image",
    "split",
    "group:slide",
    "size",
)

MIFA = """\
micrographia_format: 1
study:
  title: Nuclei for the benchmark of the check
  description: Images that are all alike, to see how long it takes to hold many of them against the rules.
annotations:
  - name: nuclei
    annotation_type: [segmentation_mask]
    mask_kind: instance
    annotation_coverage: {{annotated: {count}, total: {count}, unit: images}}
"""


def pixels() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1665)
    labels = np.zeros((64, 64), np.uint16)
    labels[8:24, 8:24], labels[32:50, 30:52] = 1, 2
    return random.poisson(200 + 900.0 * (labels > 0)).astype(np.uint16), labels


def flat(root: Path, count: int) -> list[list[object]]:
    """Write pairs of a TIFF image and a PNG mask; return the rows of the list."""
    image, labels = pixels()
    (root / "images").mkdir()
    (root / "masks").mkdir()
    one, other = root / "images" / "00000.tif", root / "masks" / "00000.png"
    tifffile.imwrite(one, image, imagej=True, resolution=(1 / STEP, 1 / STEP), metadata={"unit": "um"})
    Picture.fromarray(labels).save(other)
    rows: list[list[object]] = []
    for number in range(count):
        for folder, source in (("images", one), ("masks", other)):
            path = f"{folder}/{number:05}{source.suffix}"
            if number:
                shutil.copyfile(source, root / path)
            rows.append(row(path, number, folder == "images", source.stat().st_size))
    return rows


def zarr(root: Path, count: int) -> list[list[object]]:
    """Write OME-Zarr images with labels; return the rows of the list."""
    size = {"scale": {"y": STEP, "x": STEP}, "units": {"y": "micrometer", "x": "micrometer"}}
    image, labels = (ArrayImage(array, "YX", **size) for array in pixels())
    (root / "images").mkdir()
    first = root / "images" / "00000.ome.zarr"
    write_image(first, image, labels=[LabelSource("nuclei", labels)])
    total = sum(path.stat().st_size for path in first.rglob("*") if path.is_file())
    rows: list[list[object]] = []
    for number in range(count):
        path = f"images/{number:05}.ome.zarr"
        if number:
            shutil.copytree(first, root / path, copy_function=shutil.copyfile)
        rows.append(row(path, number, True, total))
        rows.append(row(f"{path}/labels/nuclei", number, False, ""))
    return rows


def row(path: str, number: int, is_image: bool, size: object) -> list[object]:
    slide = number // 20
    if is_image:
        return [path, f"{number:05}", "image", "", "", "", SPLITS[slide % 5], f"slide-{slide}", size]
    return [path, "", "annotation", "nuclei", "segmentation_mask", f"{number:05}", "", "", size]


def dataset(root: Path, kind: str, files: int) -> None:
    root.mkdir(parents=True)
    count = files // 2
    rows = {"TIFF and PNG": flat, "OME-Zarr": zarr}[kind](root, count)
    lines = ["\t".join(COLUMNS), *("\t".join(map(str, cells)) for cells in rows)]
    (root / "files.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    (root / "mifa.yaml").write_text(MIFA.format(count=count), "utf-8")


def checked(root: Path) -> tuple[float, dict[str, object]]:
    """Return the seconds that the command takes, and its report."""
    started = time.perf_counter()
    command = [PROGRAM, "check", str(root), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return seconds, json.loads(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the datasets, which are made there once")
    options = parser.parse_args()
    results, passed = [], True
    with tempfile.TemporaryDirectory() as temporary:
        for kind in ("TIFF and PNG", "OME-Zarr"):
            root = (options.keep or Path(temporary)) / f"{kind.replace(' ', '-')}-{options.files}"
            if not root.exists():
                dataset(root, kind, options.files)
            runs = [checked(root) for _ in range(options.runs)]
            report = runs[0][1]
            unread = [f for f in report["findings"] if f["code"] == "F002"]  # type: ignore[attr-defined]
            if report["depth"] != "headers" or unread:
                raise SystemExit(f"not every header of {root} was read")
            best = min(seconds for seconds, _ in runs)
            passed = passed and best <= LIMIT
            results.append(
                {
                    "dataset": kind,
                    "files": options.files,
                    "seconds": best,
                    "ms a file": 1000 * best / options.files,
                    "limit": LIMIT,
                    "rules": len(report["rules"]),  # type: ignore[arg-type]
                }
            )
    print(json.dumps(machine()))
    print(table(results, {name: name for name in results[0]}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
