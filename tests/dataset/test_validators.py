"""Converted datasets as two independent implementations of OME-Zarr read them, in an environment of their own."""

import json
import os
import subprocess

import numpy as np
import pytest

from conftest import missing
from folders import copied, lab
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import describe

READ = """
import hashlib, json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import numpy as np, zarr, ngff_zarr
from ome_zarr_models import open_ome_zarr

told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    group = zarr.open_group(path, mode="r")
    image = open_ome_zarr(group)
    levels = ngff_zarr.from_ngff_zarr(str(path), validate=True).images
    entry = {"version": image.ome_zarr_version, "levels": len(levels)}
    entry["shape"] = list(levels[0].data.shape)
    entry["pixels"] = hashlib.sha256(np.ascontiguousarray(levels[0].data.compute()).tobytes()).hexdigest()
    entry["labels"] = {}
    if "labels" in group:
        labels = group["labels"]
        open_ome_zarr(labels)
        for name in labels.group_keys():
            open_ome_zarr(labels[name])
            pixels = np.ascontiguousarray(labels[name]["0"][:])
            entry["labels"][name] = hashlib.sha256(pixels.tobytes()).hexdigest()
    told[path.name.removesuffix(".ome.zarr")] = entry
print(json.dumps(told))
"""


def sha256(pixels):
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def hold(source, out, version):
    """Convert, read with the independent implementations, and compare every pixel."""
    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    convert(source, out, ConvertOptions(version, verify=False))
    done = subprocess.run(
        [python, "-c", READ, out / "images"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    made = open_dataset(out)
    assert told.keys() == set(source.image_ids)
    for image in source.image_ids:
        entry = told[image]
        assert entry["version"] == version
        assert [size for size in entry["shape"] if size > 1] == [n for n in made.image(image).shape if n > 1]
        assert entry["pixels"] == sha256(source.image(image).read())
        masks = {mask.name: mask.image.read() for mask in source.masks(image)}
        assert entry["labels"] == {name: sha256(pixels) for name, pixels in masks.items()}


@pytest.mark.validators
@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_simulated_data_are_read_alike(tmp_path, version):
    hold(describe(lab(tmp_path)).dataset, tmp_path / "out", version)


@pytest.mark.validators
@pytest.mark.real_data
@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize(
    "name", ["dsb2018/original_layout", "stardist_test_images", "plantseg_3d", "nf1_cellpainting", "dsb2018"]
)
def test_real_data_are_read_alike(data, tmp_path, name, version):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    hold(describe(copied(data, name, tmp_path)).dataset, tmp_path / "out", version)
