"""What we write, as two independent implementations of OME-Zarr read it, in an environment of their own."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from conftest import missing
from micrographia.images import ArrayImage, Channel, LabelSource, write_image

READ = """
import hashlib, json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import ngff_zarr, numpy as np, zarr
from ome_zarr_models import open_ome_zarr

def pixels(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()

told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    levels = ngff_zarr.from_ngff_zarr(str(path), validate=True).images
    entry = {"levels": len(levels), "pixels": pixels(levels[0].data.compute())}
    entry["scale"] = levels[0].scale
    entry["translation"] = levels[-1].translation
    if path.is_dir():
        group = zarr.open_group(path, mode="r")
        entry["models"] = [type(open_ome_zarr(group)).__name__, type(open_ome_zarr(group["labels/n"])).__name__]
        labels = ngff_zarr.from_ngff_zarr(str(path / "labels" / "n"), validate=True).images
        entry["labels"] = pixels(labels[0].data.compute())
    told[path.name] = entry
print(json.dumps(told))
"""


def sha256(pixels: np.ndarray) -> str:
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


@pytest.mark.validators
def test_others_accept_and_read_what_we_write(tmp_path: Path):
    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    random = np.random.default_rng(5)
    sources = {}
    for axes, shape, kind in (
        ("YX", (300, 401), np.uint8),
        ("CYX", (3, 300, 280), np.uint16),
        ("ZYX", (5, 300, 280), np.float32),
        ("TYX", (4, 300, 280), np.int16),
        ("TCZYX", (2, 2, 3, 300, 280), np.uint16),
    ):
        pixels = random.integers(0, 99, shape).astype(kind)
        units = {axis.lower(): "second" if axis == "T" else "micrometer" for axis in axes if axis != "C"}
        channels = [Channel(f"channel {index}") for index in range(shape[1])] if "CZ" in axes else ()
        image = ArrayImage(pixels, axes, scale=dict.fromkeys(units, 0.5), units=units, channels=channels)
        plain = [size for axis, size in zip(axes, shape, strict=True) if axis != "C"]
        labels = random.integers(0, 9, plain).astype(np.uint32)
        source = LabelSource(
            "n", ArrayImage(labels, axes.replace("C", "")), properties=[{"label-value": 1, "a": "b"}]
        )
        for name, version in (
            (f"{axes}-4.ome.zarr", "0.4"),
            (f"{axes}-5.ome.zarr", "0.5"),
            (f"{axes}.ozx", "0.5"),
        ):
            write_image(tmp_path / name, image, labels=[source], version=version)
            sources[name] = (pixels, labels)
    done = subprocess.run(
        [python, "-c", READ, tmp_path], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told.keys() == sources.keys()
    for name, (pixels, labels) in sources.items():
        entry = told[name]
        assert entry["pixels"] == sha256(pixels)
        assert entry["scale"]["x"] == 0.5
        assert entry["translation"]["x"] == 0.25 * (2 ** (entry["levels"] - 1) - 1)
        if not name.endswith(".ozx"):
            assert entry["labels"] == sha256(labels)
            assert entry["models"] == ["Image", "ImageLabel"]
