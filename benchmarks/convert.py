"""Converting TIFFs with masks to OME-Zarr: ours beside ome-zarr, ngff-zarr, bioio-ome-zarr and iohub, in one run.

Two cases: one stack of 2 x 64 x 2048 x 2048 with labels (1.6 GB), and 500 pairs of 520 x 696. Every program runs in
an environment of its own, made on the first run, and writes the same format, levels and labels (bioio-ome-zarr
writes no labels); ours also once with the digests of pixels and the checksums of files that no other makes. Each
first converts something tiny, which does not count: no imports, no compilation. Sources lie in the cache of the
system; output is written to this disk. Peak memory is that of all processes above what they had before. Only figures
of one run compare. iohub needs Python 3.12: $MICROGRAPHIA_BENCH_PYTHON names the one for the environments.

    python benchmarks/convert.py --quick      # two minutes: a smaller stack, fewer pairs
    python benchmarks/convert.py              # twelve minutes
    python benchmarks/convert.py --tenfold    # our memory at ten times the size, made when it is read
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _peers import BENCH, environment, machine, measure, serve, table

TOOLS = Path(__file__).resolve().with_name("_convert_tools.py")
STACK = (2, 64, 2048, 2048)
QUICK_STACK = (2, 12, 2048, 2048)
PAIR = (520, 696)
TARGET_PEER, TARGET_OME_ZARR, TARGET_MEMORY = 2.0, 5.0, 250.0


@dataclass(frozen=True, slots=True)
class Tool:
    """One way of one program."""

    name: str
    task: str
    packages: tuple[str, ...]
    options: dict[str, Any]
    labels: bool = True
    cases: tuple[str, ...] = ("stack", "pairs")

    @property
    def environment(self) -> str:
        """Name of its environment."""
        return self.task.replace("_", "-")


IOHUB = ("iohub[tensorstore]", "scipy", "tifffile")
OME_ZARR = ("ome-zarr", "tifffile")
NGFF_ZARR = ("ngff-zarr[dask-image]", "tifffile")
BIOIO = ("bioio-ome-zarr", "tifffile")
ALL = [
    Tool("micrographia", "ours", (), {}),
    Tool("micrographia, one thread", "ours", (), {"threads": 1}),
    Tool("micrographia, with digests and checksums", "ours", (), {"digests": True}),
    Tool("micrographia 0.4", "ours", (), {"version": "0.4"}),
    Tool("iohub, tensorstore", "iohub", IOHUB, {"implementation": "tensorstore", "sharded": True}),
    Tool("iohub, zarr", "iohub", IOHUB, {"implementation": "zarr-python", "sharded": True}),
    Tool(
        "iohub, tensorstore, unsharded",
        "iohub",
        IOHUB,
        {"implementation": "tensorstore", "sharded": False},
        cases=("stack",),
    ),
    Tool(
        "iohub, zarr, unsharded",
        "iohub",
        IOHUB,
        {"implementation": "zarr-python", "sharded": False},
        cases=("stack",),
    ),
    Tool("ome-zarr", "ome_zarr", OME_ZARR, {"version": "0.5", "sharded": False}),
    Tool("ome-zarr, sharded", "ome_zarr", OME_ZARR, {"version": "0.5", "sharded": True}, cases=("stack",)),
    Tool("ome-zarr 0.4", "ome_zarr", OME_ZARR, {"version": "0.4", "sharded": False}),
    Tool("ngff-zarr", "ngff_zarr", NGFF_ZARR, {"sharded": False}),
    Tool("ngff-zarr, sharded", "ngff_zarr", NGFF_ZARR, {"sharded": True}, cases=("stack",)),
    Tool("bioio-ome-zarr", "bioio", BIOIO, {"sharded": False}, labels=False),
]


def make_stack(folder: Path, shape: tuple[int, int, int, int]) -> int:
    """Write the stack and its labels as TIFFs; return the bytes of pixels."""
    import tifffile

    from _synthetic import lazy

    folder.mkdir(parents=True)
    total = 0
    for name, axes, size, labels in (
        ("image.tif", "CZYX", shape, False),
        ("labels.tif", "ZYX", shape[1:], True),
    ):
        image = lazy(axes, size, labels=labels)
        mapped = tifffile.memmap(
            folder / name,
            shape=size,
            dtype=image.dtype,
            photometric="minisblack",
            metadata={"axes": axes},
            ome=True,
        )
        for region in image.blocks():
            mapped[region] = image.read(region)
        mapped.flush()
        total += mapped.nbytes
    return total


def make_pairs(folder: Path, count: int, size: tuple[int, int] = PAIR) -> int:
    """Write pairs of small images and masks as TIFFs; return the bytes of pixels."""
    import tifffile

    from _synthetic import lazy

    total = 0
    for name, labels in (("images", False), ("masks", True)):
        (folder / name).mkdir(parents=True)
        image = lazy("ZYX", (count, 1024, 1024), labels=labels)
        for number in range(count):
            y, x = number * 37 % 500, number * 61 % 320
            region = (slice(number, number + 1), slice(y, y + size[0]), slice(x, x + size[1]))
            pixels = image.read(region)[0]
            tifffile.imwrite(folder / name / f"{number:04}.tif", pixels, photometric="minisblack")
            total += pixels.nbytes
    return total


def tenfold(folder: str, factor: int) -> Any:
    """Write a stack of so many times the planes, made when it is read."""
    from _synthetic import lazy, tile
    from micrographia.images import LabelSource, codecs_kernels, pyramid_kernels, write_image  # noqa: F401

    tile()
    planes = STACK[1] * factor
    image = lazy("CZYX", (STACK[0], planes, *STACK[2:]))
    labels = lazy("ZYX", (planes, *STACK[2:]), labels=True)

    def work() -> dict[str, Any]:
        target = Path(folder) / f"{factor}.ome.zarr"
        written = write_image(target, image, labels=[LabelSource("nuclei", labels)], levels=5)
        shutil.rmtree(target)
        return {"bytes": written.pixel_bytes, "files": len(written.files)}

    return work


def run(tool: Tool, case: str, folder: Path, pixel_bytes: int, items: int) -> dict[str, Any]:
    """Let one program convert one case, in a folder that is new, and count what it wrote."""
    python = environment(tool.environment, tool.packages) if tool.packages else Path(sys.executable)
    out = Path(tempfile.mkdtemp(dir=folder.parent)) / "out"
    warm = folder.parent / "warm" / case
    arguments = {
        "tool": tool.task,
        "folder": str(folder),
        "out": str(out),
        "warm": str(warm),
        "options": tool.options,
    }
    os.sync()  # what others have written is not left for this one to wait for
    result = measure(python, TOOLS, "convert", arguments, timeout=1200)
    files = [path.stat().st_size for path in out.rglob("*") if path.is_file()] if out.exists() else []
    shutil.rmtree(out.parent, ignore_errors=True)
    if "error" in result:
        print(f"{tool.name}, {case}: {result['error'][-300:]}", file=sys.stderr)
        return {"tool": tool.name, "case": case, "error": result["error"]}
    seconds = result["seconds"]
    row = {
        "tool": tool.name,
        "case": case,
        "seconds": seconds,
        "each_ms": seconds / items * 1000,
        "mb_s": pixel_bytes / 1e6 / seconds,
        "peak_mb": result["peak_mb"],
        "files": len(files),
        "written_mb": sum(files) / 1e6,
        "labels": "yes" if tool.labels else "no",
    }
    print(f"{tool.name}, {case}: {seconds:.1f} s, {row['peak_mb']:.0f} MB", file=sys.stderr, flush=True)
    return row


def compare(rows: list[dict[str, Any]]) -> list[str]:
    """Add to each row how many times longer it takes than ours, and say whether the targets are met."""
    told = []
    for case in dict.fromkeys(row["case"] for row in rows):
        done = [row for row in rows if row["case"] == case and "seconds" in row]
        first = next((row for row in done if row["tool"] == "micrographia"), None)
        if first is None:
            continue
        for row in done:
            row["ratio"] = row["seconds"] / first["seconds"]
        peers = [row for row in done if row["labels"] == "yes" and "micrographia" not in row["tool"]]
        others = [row for row in peers if row["tool"].startswith("ome-zarr")]
        for name, found, target in (
            ("the fastest peer that writes labels", peers, TARGET_PEER),
            ("ome-zarr-py", others, TARGET_OME_ZARR),
        ):
            if found:
                best = min(found, key=lambda row: row["seconds"])
                met = "met" if best["ratio"] >= target else "MISSED"
                told.append(
                    f"{case}: {best['ratio']:.1f} times {name} ({best['tool']}); target {target:g}, {met}"
                )
        met = "met" if first["peak_mb"] <= TARGET_MEMORY else "MISSED"
        told.append(f"{case}: peak {first['peak_mb']:.0f} MB above imports; target {TARGET_MEMORY:g}, {met}")
    return told


def main() -> None:
    """Measure and print tables."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--quick", action="store_true", help="a smaller stack and fewer pairs")
    options.add_argument(
        "--tenfold", action="store_true", help="our memory at one and at ten times the size, only"
    )
    options.add_argument("--tools", nargs="*", help="only programs whose name contains one of these")
    options.add_argument("--json", type=Path, help="write all figures to this file")
    chosen = options.parse_args()
    BENCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=BENCH))
    try:
        rows, told = sizes(folder) if chosen.tenfold else cases(folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    described = {**machine(), "command": " ".join(["python", "benchmarks/convert.py", *sys.argv[1:]])}
    print("\n".join(["", *told, "", ", ".join(f"{key} {value}" for key, value in described.items())]))
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": described, "rows": rows, "targets": told}, indent=1))


def cases(folder: Path, chosen: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """Run both cases with all programs."""
    shape, count = (QUICK_STACK, 60) if chosen.quick else (STACK, 500)
    sizes = {"stack": make_stack(folder / "stack", shape), "pairs": make_pairs(folder / "pairs", count)}
    make_stack(folder / "warm/stack", (2, 2, 256, 256))
    make_pairs(folder / "warm/pairs", 1, (64, 64))
    wanted = [tool for tool in ALL if not chosen.tools or any(part in tool.name for part in chosen.tools)]
    rows = [
        run(tool, case, folder / case, size, count if case == "pairs" else 1)
        for case, size in sizes.items()
        for tool in wanted
        if case in tool.cases
    ]
    told = compare(rows)
    for case, title in (
        (
            "stack",
            f"One stack of {'x'.join(map(str, shape))} uint16 with 3D labels, 5 levels ({sizes['stack'] / 1e9:.2f} GB)",
        ),
        ("pairs", f"{count} pairs of {PAIR[0]}x{PAIR[1]} uint16, 3 levels ({sizes['pairs'] / 1e9:.2f} GB)"),
    ):
        columns = {
            "tool": "program",
            "seconds": "s",
            "each_ms": "ms each",
            "mb_s": "MB/s",
            "peak_mb": "peak MB above imports",
            "files": "files",
            "written_mb": "MB written",
            "labels": "labels",
            "ratio": "times ours",
        }
        if case == "stack":
            del columns["each_ms"]
        print(f"\n{title}\n\n{table([row for row in rows if row['case'] == case], columns)}")
    return rows, told


def sizes(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Measure our memory at one and at ten times the size."""
    rows = []
    for factor in (1, 10):
        result = measure(sys.executable, Path(__file__), "tenfold", {"folder": str(folder), "factor": factor})
        rows.append({"times": factor, "gb": result.get("bytes", 0) / 1e9, **result})
    columns = {
        "times": "times",
        "gb": "GB",
        "seconds": "s",
        "peak_mb": "peak MB above imports",
        "files": "files",
    }
    size = "x".join(map(str, STACK))
    print(f"\nA stack of {size} and ten times as many planes, made when it is read\n\n{table(rows, columns)}")
    grown = rows[1]["peak_mb"] - rows[0]["peak_mb"]
    met = "met" if grown < 25 and rows[1]["peak_mb"] <= TARGET_MEMORY else "MISSED"
    return rows, [
        f"memory at ten times the size: {grown:+.0f} MB; target unchanged and at most {TARGET_MEMORY:g}, {met}"
    ]


if __name__ == "__main__" and not serve({"tenfold": tenfold}):
    main()
