"""What runs a network from a file that holds no code of Python: PyTorch for TorchScript, onnxruntime for ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.encoders.networks import exact, needed, pick_device, torch_module
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]

Run = Callable[[Array], list[Array]]
"""Takes one input as the network wants it, returns all its outputs."""


def torchscript(path: Path, device: str) -> Run:
    """Return what runs a TorchScript file. Files that ``torch.save`` wrote are refused: they can hold any code.

    Raises
    ------
    SegmentationError
        If it is no TorchScript file, or PyTorch or the device is not there.
    """
    torch, place = _torch(device)
    try:
        with warnings.catch_warnings():
            # TorchScript is deprecated for new models; files of it will be about for long.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise SegmentationError(
            path,
            "is no TorchScript file, or is damaged",
            "Write one with torch.jit.save, or export ONNX; pickled models are not opened",
        ) from error
    return torch_run(torch, module.eval().to(place), place, path)


def torch_run(torch: Any, module: Any, place: str, path: Path) -> Run:
    """Return what runs a module of PyTorch, in 32-bit floats without shortcuts."""

    def run(image: Array) -> list[Array]:
        try:
            with torch.inference_mode(), exact(torch):
                given = module(torch.from_numpy(np.ascontiguousarray(image)).to(place))
        except torch.OutOfMemoryError as error:
            raise SegmentationError(
                path, f"runs out of memory on an image of shape {image.shape}", "Give a smaller tile"
            ) from error
        except RuntimeError as error:
            message = " ".join(str(error).split())[-200:]
            raise SegmentationError(
                path, f"fails on an image of shape {image.shape}: {message}", "State its channels and sizes"
            ) from error
        outputs = list(given.values()) if isinstance(given, dict) else given
        listed = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        return [output.detach().cpu().numpy() for output in listed]

    return run


def onnx(path: Path, device: str) -> Run:
    """Return what runs an ONNX file.

    Raises
    ------
    SegmentationError
        If it is no ONNX file, takes several inputs, or onnxruntime is not installed.
    """
    try:
        runtime = needed("onnxruntime", "encoders")
    except EncoderError as error:
        raise SegmentationError(error.path, error.problem, error.remedy) from error
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    there = runtime.get_available_providers()
    wanted = ["CUDAExecutionProvider"] if device != "cpu" and "CUDAExecutionProvider" in there else []
    if device.startswith("cuda") and not wanted:
        raise SegmentationError("", f"onnxruntime cannot use {device!r} here", "Choose the device cpu")
    try:
        session = runtime.InferenceSession(str(path), options, providers=[*wanted, "CPUExecutionProvider"])
    # Its errors share no base but this.
    except Exception as error:
        message = " ".join(str(error).split())[:160]
        raise SegmentationError(path, f"is no usable ONNX file: {message}", "Export it again") from error
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise SegmentationError(path, f"takes {len(inputs)} inputs, not one image", "Export it so")

    def run(image: Array) -> list[Array]:
        try:
            return [np.asarray(output) for output in session.run(None, {inputs[0].name: image})]
        except Exception as error:  # as above
            message = " ".join(str(error).split())[:200]
            raise SegmentationError(
                path, f"fails on an image of shape {image.shape}: {message}", "State its channels and sizes"
            ) from error

    return run


def onnx_sizes(path: Path) -> tuple[int | None, ...]:
    """Return the fixed sizes of the input of an ONNX file, None where it takes any; empty if it does not say."""
    runtime = needed("onnxruntime", "encoders")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    shape = (
        runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).get_inputs()[0].shape
    )
    return tuple(size if isinstance(size, int) and size > 0 else None for size in shape or ())


def _torch(device: str) -> tuple[Any, str]:
    try:
        return torch_module(), pick_device(device)
    except EncoderError as error:
        raise SegmentationError(error.path, error.problem, error.remedy) from error
