"""A trained model as a BioImage.IO package: ``rdf.yaml`` (specification 0.5), TorchScript, ONNX, test tensors.

The package gives maps; how they become instances stands in its documentation and under ``config.micrographia``.
"""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.dataset.manifest import write_whole
from micrographia.metadata.licences import licence_by_spdx
from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.representation.encoders.networks import exact, torch_module
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.maps import padded
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_network import OUTPUTS

SPECIFICATION = "0.5.4"
FILE = "rdf.yaml"
OPSET = 17
LEAST = 64
"""Smallest size along Y and X that the package promises to take."""
TESTED = 256
"""Largest side of the test image."""
EPSILON = 1e-6
"""What the specification adds to the width when it scales a range."""
_CITED = ("title", "accession", "version", "content_sha256", "files_sha256", "licence", "n_images")
PAPER = "https://doi.org/10.1007/978-3-319-24574-4_28"
"""Ronneberger et al. 2015, U-Net: what the specification wants to be cited."""


def export(
    folder: Path, model: UNetSegmenter, card: Mapping[str, Any], image: npt.NDArray[np.float32]
) -> Path:
    """Write a package.

    Parameters
    ----------
    folder
        Where; replaced if it exists.
    model
        The model.
    card
        What its ``model.yaml`` says.
    image
        Something to test with, float32 (C, [Z,] Y, X).

    Returns
    -------
    Path
        The zip file of the package, in the folder; its members lie beside it.

    Raises
    ------
    SegmentationError, DatasetError
        If the network cannot be exported, or something cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch = torch_module()
    module = _with_maps(model)
    tested = _tested(model, image)
    given = torch.from_numpy(_scaled(tested))
    with torch.inference_mode(), exact(torch):
        wanted = module(given).numpy()
    np.save(folder / "test_input.npy", tested)
    np.save(folder / "test_output.npy", wanted)
    weights = {"torchscript": _torchscript(folder, module, given)}
    if importlib.util.find_spec("onnx") is not None:
        weights["onnx"] = _onnx(folder, module, given, model)
    write_whole(folder / "README.md", _documentation(card))
    import yaml

    write_whole(
        folder / "model_card.yaml", yaml.safe_dump(dict(card), sort_keys=False, allow_unicode=True, width=110)
    )
    description = _description(folder, model, card, weights)
    write_whole(folder / FILE, yaml.safe_dump(description, sort_keys=False, allow_unicode=True, width=110))
    return _zipped(folder)


def _with_maps(model: UNetSegmenter) -> Any:
    """Return the network on the processor, with probabilities for logits and distances between 0 and 1."""
    import copy

    torch = torch_module()

    class Maps(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, raw: Any) -> Any:
            found = self.network(raw)
            return torch.cat([torch.sigmoid(found[:, :2]), torch.clamp(found[:, 2:], 0.0, 1.0)], 1)

    return Maps(copy.deepcopy(model.network).cpu()).eval()


def _tested(model: UNetSegmenter, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return an image that fits the network, (1, C, [Z,] Y, X)."""
    cut = image[..., :TESTED, :TESTED]
    least = [1] * (cut.ndim - 3) + [LEAST, LEAST]
    larger, _ = padded(cut, model.shape.multiple, least)
    return np.ascontiguousarray(larger[None], np.float32)


def _scaled(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return what ``scale_range`` of the specification makes of an image."""
    axes = tuple(range(2, image.ndim))
    low, high = np.percentile(image, (1.0, 99.8), axis=axes, keepdims=True)
    return np.asarray((image - low) / (high - low + EPSILON), np.float32)


def _torchscript(folder: Path, module: Any, given: Any) -> dict[str, Any]:
    torch = torch_module()
    path = folder / "weights_torchscript.pt"
    with warnings.catch_warnings():
        # TorchScript is deprecated for new models, but it is what readers of packages run.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            torch.jit.save(torch.jit.trace(module, given, check_trace=False), str(path))
        except RuntimeError as error:
            raise SegmentationError(path, "cannot be written", "Train without the package") from error
    return {
        "source": path.name,
        "sha256": file_sha256(path),
        "pytorch_version": str(torch.__version__).split("+")[0],
    }


def _onnx(folder: Path, module: Any, given: Any, model: UNetSegmenter) -> dict[str, Any]:
    torch = torch_module()
    path = folder / "weights.onnx"
    dynamic = {0: "batch", **{at + 2: axis.lower() for at, axis in enumerate(model.shape.axes)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (given,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["raw"],
            output_names=["maps"],
            dynamic_axes={"raw": dynamic, "maps": dynamic},
        )
    return {"source": path.name, "sha256": file_sha256(path), "opset_version": OPSET}


def _description(
    folder: Path, model: UNetSegmenter, card: Mapping[str, Any], weights: Mapping[str, Any]
) -> dict[str, Any]:
    roles = [str(role) for role in card["inputs"]["channel_roles"]]
    if len(roles) != model.shape.channels:
        roles = [f"channel{at}" for at in range(model.shape.channels)]
    spatial = [axis.lower() for axis in model.shape.axes]
    sizes = [
        LEAST if axis in "yx" else step for axis, step in zip(spatial, model.shape.multiple, strict=True)
    ]
    size = card["inputs"]["pixel_size"]
    measured = {} if size is None else {"scale": float(size), "unit": "micrometer"}
    licence = licence_by_spdx(str(card["licence"]))
    first = {
        "id": "raw",
        "description": "Intensities as the file has them",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": [_identifier(role, at) for at, role in enumerate(roles)]},
            *(
                {"type": "space", "id": axis, "size": {"min": least, "step": step}}
                | (measured if axis in "yx" else {})
                for axis, least, step in zip(spatial, sizes, model.shape.multiple, strict=True)
            ),
        ],
        "data": {"type": "float32"},
        "test_tensor": _source(folder, "test_input.npy"),
        "preprocessing": [
            {
                "id": "scale_range",
                "kwargs": {"axes": spatial, "min_percentile": 1.0, "max_percentile": 99.8, "eps": EPSILON},
            }
        ],
    }
    second = {
        "id": "maps",
        "description": "Foreground and boundary from 0 to 1; distance to the outside of an object over its largest",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": list(OUTPUTS)},
            *(
                {"type": "space", "id": axis, "size": {"tensor_id": "raw", "axis_id": axis}}
                | (measured if axis in "yx" else {})
                for axis in spatial
            ),
        ],
        "data": {"type": "float32"},
        "test_tensor": _source(folder, "test_output.npy"),
    }
    cites = [{"text": "Ronneberger et al. 2015, U-Net", "url": PAPER}] + [
        {"text": str(entry["title"]), "url": _address(str(entry["doi"]))}
        for entry in card["trained_on"]
        if entry.get("doi")
    ]
    authors = list(dict.fromkeys(name for entry in card["trained_on"] for name in entry.get("authors", ())))
    return {
        "format_version": SPECIFICATION,
        "type": "model",
        "name": _name(str(card["name"])),
        "description": str(card["description"])[:1000],
        "authors": [{"name": name} for name in authors] or [{"name": "unknown"}],
        "cite": cites,
        **({"license": licence.spdx} if licence is not None and licence.spdx else {}),
        "documentation": "README.md",
        "attachments": [_source(folder, "model_card.yaml")],
        "tags": ["segmentation", "instance-segmentation", "unet", "2d" if len(spatial) == 2 else "3d"],
        "version": _version(str(card["version"])),
        "timestamp": str(card["made"]),
        "inputs": [first],
        "outputs": [second],
        "weights": dict(weights),
        "config": {
            "micrographia": {
                "sha256": card["sha256"],
                "channel_roles": list(card["inputs"]["channel_roles"]),
                "outputs": list(OUTPUTS),
                "postprocessing": dict(card["postprocessing"]),
                "target": dict(card["target"]),
                "licences_of_training_data": dict(card["licences_of_training_data"]),
                "trained_on": [{key: entry[key] for key in _CITED} for entry in card["trained_on"]],
            }
        },
    }


def _source(folder: Path, name: str) -> dict[str, str]:
    return {"source": name, "sha256": file_sha256(folder / name)}


def _identifier(text: str, at: int) -> str:
    """Return a channel name that the specification takes."""
    found = re.sub(r"\W+", "_", text).strip("_").lower()
    return found if found and not found[0].isdigit() else f"channel{at}"


def _name(text: str) -> str:
    found = re.sub(r"[^\w +()-]+", " ", text).strip()
    return (found if len(found) >= 5 else f"{found} (U-Net)")[:128]


def _version(text: str) -> str:
    return text if re.fullmatch(r"\d+(\.\d+)*", text) else "0"


def _address(doi: str) -> str:
    return doi if doi.startswith("http") else f"https://doi.org/{doi}"


def _documentation(card: Mapping[str, Any]) -> str:
    score = card["scores"]["validation"]
    settings = "\n".join(f"- {name}: {value}" for name, value in card["postprocessing"].items())
    sources = "\n".join(
        f"- {entry['title']}"
        + (f", {entry['accession']}" if entry["accession"] else "")
        + (f", version {entry['version']}" if entry["version"] else "")
        + f", content SHA-256 {entry['content_sha256']}, licence {entry['licence'] or 'not stated'}"
        for entry in card["trained_on"]
    )
    says = "\n".join(f"- {sentence}" for sentence in card["licences_of_training_data"]["says"])
    return f"""# {card["name"]}

{card["description"]}

## Input and output
Percentiles 1 and 99.8 of each channel become 0 and 1. The output has three channels: foreground and boundary
(probabilities), and the distance of a pixel to the outside of its object over the largest in that object.

## From maps to instances
Pixels with foreground at or above the threshold are flooded from the peaks of the landscape
distance x (1 - boundary weight x boundary), smoothed; two peaks are one object unless the landscape falls between them
by the depth, as a share of the lower peak.

{settings}

## Validation
F1 at an intersection over union of 0.5: {score["value"]:.3f} on {score["images"]} images. {score["note"]}.

## Training data
{sources}

## What the licences of the training data ask
{says}
"""


def _zipped(folder: Path) -> Path:
    """Put the members into a zip file with fixed dates, so that its bytes depend on them alone."""
    buffer = io.BytesIO()
    members = sorted(path for path in folder.iterdir() if path.is_file())
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in members:
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    target = folder / "package.zip"
    temporary = target.with_name(f".{target.name}.partial")
    temporary.write_bytes(buffer.getvalue())
    temporary.replace(target)
    return target
