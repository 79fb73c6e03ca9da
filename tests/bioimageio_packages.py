"""BioImage.IO packages made for tests: whole and valid, or wrong in one way."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import numpy as np
import yaml

from network_files import write_onnx, write_torchscript

CODE = """
import torch
from pathlib import Path

class Blur(torch.nn.Module):
    def __init__(self, side=5):
        super().__init__()
        Path(__file__).with_name("ran").touch()
        self.layer = torch.nn.Conv2d(1, 1, side, padding=side // 2, bias=False)
    def forward(self, image):
        return self.layer(image)
"""

ZERO_MEAN = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"], "eps": 1e-6}}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def package(
    folder: Path,
    *,
    kinds=("torchscript",),
    before=(ZERO_MEAN,),
    after=(),
    channels=("raw",),
    names=("foreground",),
    size=None,
    halo=2,
    changes=None,
) -> Path:
    """Write a package of format 0.5, whose network averages over 5 x 5 pixels."""
    folder.mkdir(parents=True)
    size = {"min": 16, "step": 16} if size is None else size
    side = size["min"] if isinstance(size, dict) else size
    np.save(folder / "in.npy", np.random.default_rng(0).random((1, len(channels), side, side), np.float32))
    np.save(folder / "out.npy", np.random.default_rng(1).random((1, len(names), side, side), np.float32))
    (folder / "README.md").write_text("# Averages\nThis network averages.\n")
    files = {
        "torchscript": lambda: write_torchscript(folder / "weights.pt", len(channels), len(names)),
        "onnx": lambda: write_onnx(folder / "weights.onnx", len(channels), len(names)),
        "pytorch_state_dict": lambda: write_state(folder),
    }
    more = {
        "torchscript": {"pytorch_version": "2.0"},
        "onnx": {"opset_version": 13},
        "pytorch_state_dict": {"pytorch_version": "2.0"},
    }
    weights = {}
    for kind in kinds:
        file = files[kind]()
        weights[kind] = {"source": file.name, "sha256": sha256(file), **more[kind]}
        if kind == "pytorch_state_dict":
            code = folder / "network.py"
            weights[kind]["architecture"] = {
                "source": code.name,
                "sha256": sha256(code),
                "callable": "Blur",
                "kwargs": {"side": 5},
            }
    held = {
        "format_version": "0.5.4",
        "type": "model",
        "name": "averages",
        "description": "Averages over a square",
        "authors": [{"name": "Robert Hooke"}],
        "cite": [{"text": "Micrographia", "url": "https://example.org/micrographia"}],
        "license": "CC0-1.0",
        "documentation": "README.md",
        "version": "1.2",
        "inputs": [
            {
                "id": "raw",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": list(channels)},
                    *(
                        {"type": "space", "id": axis, "size": size, "scale": 0.5, "unit": "micrometer"}
                        for axis in "yx"
                    ),
                ],
                "data": {"type": "float32"},
                "test_tensor": {"source": "in.npy", "sha256": sha256(folder / "in.npy")},
                "preprocessing": list(before),
            }
        ],
        "outputs": [
            {
                "id": "maps",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": list(names)},
                    *(
                        {
                            "type": "space",
                            "id": axis,
                            "size": {"tensor_id": "raw", "axis_id": axis},
                            "halo": halo,
                            "scale": 0.5,
                            "unit": "micrometer",
                        }
                        for axis in "yx"
                    ),
                ],
                "data": {"type": "float32"},
                "test_tensor": {"source": "out.npy", "sha256": sha256(folder / "out.npy")},
                "postprocessing": list(after),
            }
        ],
        "weights": weights,
    }
    if changes:
        changes(held)
    (folder / "rdf.yaml").write_text(yaml.safe_dump(held, sort_keys=False))
    return folder


def write_state(folder: Path) -> Path:
    import torch

    (folder / "network.py").write_text(CODE)
    layer = {"layer.weight": torch.full((1, 1, 5, 5), 1 / 25)}
    torch.save(layer, folder / "state.pt")
    return folder / "state.pt"


def old_package(folder: Path, *, axes="bcyx", mode="per_sample", changes=None) -> Path:
    """Write a package of format 0.4."""
    package(folder)
    shape = {"min": [1, 1, 16, 16], "step": [0, 0, 16, 16]}
    held = {
        **yaml.safe_load((folder / "rdf.yaml").read_text()),
        "format_version": "0.4.10",
        "timestamp": "2026-01-01T00:00:00",
        "test_inputs": ["in.npy"],
        "test_outputs": ["out.npy"],
        "inputs": [
            {
                "name": "raw",
                "axes": axes,
                "data_type": "float32",
                "shape": shape,
                "preprocessing": [
                    {
                        "name": "zero_mean_unit_variance",
                        "kwargs": {"mode": mode, "axes": "yx"}
                        | ({"mean": 3.0, "std": 2.0} if mode == "fixed" else {}),
                    },
                    {"name": "scale_linear", "kwargs": {"gain": 2.0, "offset": 1.0}},
                ],
            }
        ],
        "outputs": [
            {
                "name": "maps",
                "axes": axes,
                "data_type": "float32",
                "shape": {"reference_tensor": "raw", "scale": [1, 1, 1, 1], "offset": [0, 0, 0, 0]},
                "halo": [0, 0, 3, 3],
                "postprocessing": [{"name": "sigmoid"}],
            }
        ],
    }
    if changes:
        changes(held)
    (folder / "rdf.yaml").write_text(yaml.safe_dump(held, sort_keys=False))
    return folder


def zipped(folder: Path, *, also=()) -> Path:
    """Zip a package; ``also`` are further members, name and contents."""
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
        for name, text in also:
            archive.writestr(name, text)
    shutil.rmtree(folder)
    return target
