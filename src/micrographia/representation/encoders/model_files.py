"""Encoders in files that hold no code of Python: TorchScript and ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.representation.encoders.networks import (
    Network,
    TorchEncoder,
    batch_norms,
    needed,
    normalisation,
    pick_device,
    seeded,
    torch_module,
)
from micrographia.representation.encoders.protocol import (
    API_VERSION,
    Batch,
    EncoderError,
    Features,
    verified,
)

TORCHSCRIPT = (".pt", ".pth", ".ts", ".torchscript")


def torchscript(
    path: Path,
    *,
    device: str = "auto",
    size: int | None = None,
    channels: int | None = None,
    normalise: str = "imagenet",
) -> TorchEncoder:
    """Return a TorchScript file as an encoder. Files that ``torch.save`` wrote are refused: they can hold any code.

    Its output is a tensor, a tuple or a dictionary of tensors; each is a layer. The main layer is the first.

    Parameters
    ----------
    path
        What ``torch.jit.save`` wrote.
    device
        As in :class:`~micrographia.representation.encoders.networks.TorchEncoder`.
    size, channels
        What it takes; 224 pixels and 3 channels by default, as the file does not say.
    normalise
        ``imagenet``, ``half`` (to -1..1) or ``none`` (0..1).

    Raises
    ------
    EncoderError
        If it is no TorchScript file, or fails.
    """
    torch = torch_module()
    checksum = file_sha256(path)
    mean, std = normalisation(normalise, channels or 3)
    return TorchEncoder(
        Network(_scripted(torch, path), _run_scripted, fresh=lambda seed: _fresh_script(torch, path, seed)),
        name=path.stem,
        version="TorchScript",
        sha256=checksum,
        channels=channels or 3,
        size=size or 224,
        mean=mean,
        std=std,
        device=device,
        details={"architecture": "TorchScript file", "weights": "of the file"},
    )


def _scripted(torch: Any, path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # TorchScript is deprecated for new models; files of it will be about for long.
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise EncoderError(
            path, "is no TorchScript file, or is damaged", "Write one with torch.jit.save, or export ONNX"
        ) from error


def _run_scripted(module: Any, tensor: Any) -> Iterator[tuple[str, Any]]:
    outputs = module(tensor)
    if isinstance(outputs, Mapping):
        named = list(outputs.items())
    elif isinstance(outputs, tuple | list):
        named = [(f"output.{number}", output) for number, output in enumerate(outputs)]
    else:
        named = [("output", outputs)]
    yield from (*named[1:], named[0])


def _fresh_script(torch: Any, path: Path, seed: int) -> Network:
    """Draw matrices and kernels anew, normal with variance 2 / fan-in (He et al. 2015); scales are 1, biases 0."""
    module = _scripted(torch, path)
    if batch_norms(module) or any(name.endswith("running_var") for name, _ in module.named_buffers()):
        raise EncoderError(
            path,
            "has BatchNorm layers, whose statistics cannot be re-estimated in a TorchScript file",
            "Compare with the encoders random-cnn and random-vit",
        )
    with seeded(seed), torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, (2.0 / weight[0].numel()) ** 0.5)
            else:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)
    return Network(module, _run_scripted, fresh=lambda other: _fresh_script(torch, path, other))


class OnnxEncoder:
    """An ONNX file as an encoder, run by onnxruntime. Every output is a layer; the main layer is the first.

    Parameters
    ----------
    path
        The file.
    device
        ``cpu``, ``cuda`` or ``auto``.
    size, channels
        What it takes, where the file leaves that open; 224 pixels and 3 channels by default.
    normalise
        ``imagenet``, ``half`` (to -1..1) or ``none`` (0..1).

    Raises
    ------
    EncoderError
        If it is no ONNX file, or takes no images.
    """

    api_version = API_VERSION
    version = "ONNX"

    def __init__(
        self,
        path: Path,
        *,
        device: str = "auto",
        size: int | None = None,
        channels: int | None = None,
        normalise: str = "imagenet",
    ) -> None:
        runtime = needed("onnxruntime", "encoders")
        self.name = path.stem
        self.path = path
        self.sha256 = file_sha256(path)
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(
                str(path), options, providers=_providers(runtime, device)
            )
        # Its errors share no base but this.
        except Exception as error:
            message = " ".join(str(error).split())[:160]
            raise EncoderError(path, f"is no usable ONNX file: {message}", "Export it again") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) != 4 or inputs[0].type != "tensor(float)":
            raise EncoderError(path, "takes no images (n, C, Y, X) of 32-bit floats alone", "Export it so")
        self._input = inputs[0].name
        fixed, held, height, width = (side if isinstance(side, int) else None for side in shape)
        self._at_once = fixed
        self.channels = held or channels or 3
        self.mean, self.std = normalisation(normalise, self.channels)
        self.size = height or size or 224
        if (
            width not in (None, self.size)
            or (size and size != self.size)
            or (channels or self.channels) != self.channels
        ):
            raise EncoderError(
                path,
                f"takes {shape[1:]} (C, Y, X) only",
                "Leave size and channels out; images must be square",
            )
        self.details = {
            "architecture": "ONNX file",
            "weights": "of the file",
            "normalisation": {"mean": list(self.mean), "std": list(self.std)},
        }
        self._names = [output.name for output in self._session.get_outputs()]
        dims = {layer: found.shape[1] for layer, found in self.encode(self._zeros(1)).items()}
        self.layers = tuple(dims)
        self.dim = int(dims[self.layers[-1]])

    def encode(self, batch: Batch) -> Features:
        """Return the features of images ``(n, C, Y, X)`` in 0..1, float32 ``(n, d)`` a layer.

        Raises
        ------
        EncoderError
            If the batch has another shape, or the model fails.
        """
        images = verified(self, batch)
        step = self._at_once or max(1, len(images))
        parts = [self._run(images[start : start + step], step) for start in range(0, len(images), step)]
        return {layer: np.concatenate([part[layer] for part in parts]) for layer in parts[0]}

    def _run(self, images: Batch, step: int) -> Features:
        n = len(images)
        if self._at_once and n < step:
            images = np.concatenate([images, self._zeros(step - n)])
        shape = (1, -1, 1, 1)
        mean, std = (np.array(value, np.float32).reshape(shape) for value in (self.mean, self.std))
        try:
            outputs = self._session.run(None, {self._input: (images - mean) / std})
        except Exception as error:  # as above
            message = " ".join(str(error).split())[:160]
            raise EncoderError(
                self.path, f"fails on images {images.shape[1:]}: {message}", "Give its size"
            ) from error
        named = list(zip(self._names, outputs, strict=True))
        return {
            name: _pooled(self.path, name, output, len(images))[:n] for name, output in (*named[1:], named[0])
        }

    def _zeros(self, n: int) -> Batch:
        return np.zeros((n, self.channels, self.size, self.size), np.float32)


def _pooled(path: Path, name: str, output: Any, n: int) -> Any:
    held = np.asarray(output, np.float32)
    if held.ndim == 4:
        held = held.mean((2, 3))
    elif held.ndim == 3:
        held = held.mean(1)
    if held.ndim != 2 or len(held) != n:
        raise EncoderError(
            path,
            f"gives {held.shape} in {name} for {n} images",
            "It must give (n, d), (n, d, Y, X) or (n, tokens, d)",
        )
    return held


def _providers(runtime: Any, device: str) -> list[str]:
    cuda = "CUDAExecutionProvider"
    there = cuda in runtime.get_available_providers()
    if device not in ("auto", "cpu", "cuda") or (device == "cuda" and not there):
        pick_device(device)  # refuses what is not there at all
        raise EncoderError("", f"onnxruntime cannot use {device!r} here", "Choose the device cpu")
    return [cuda, "CPUExecutionProvider"] if there and device != "cpu" else ["CPUExecutionProvider"]
