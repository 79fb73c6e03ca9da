"""Encoders that are PyTorch networks: devices, pooling, checksums, and BatchNorm statistics re-estimated."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from micrographia.representation.encoders.protocol import (
    API_VERSION,
    Batch,
    EncoderError,
    Features,
    verified,
)

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of red, green and blue that most networks for photographs were trained with."""

NORMALISATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": IMAGENET,
    "half": ((0.5,), (0.5,)),
    "none": ((0.0,), (1.0,)),
}
"""Name to mean and standard deviation, of each channel or of all."""


@dataclass(frozen=True)
class Network:
    """A PyTorch module and how to run it.

    Parameters
    ----------
    module
        A ``torch.nn.Module``.
    run
        Takes the module and a normalised tensor ``(n, C, Y, X)``; yields layers with their outputs, the main one
        last. An output ``(n, d)`` is taken as it is, a map ``(n, d, Y, X)`` is averaged over its pixels, tokens
        ``(n, t, d)`` are pooled by ``tokens``.
    tokens
        Pools tokens ``(n, t, d)`` to ``(n, d)``; their mean by default.
    fresh
        Returns the same architecture with random weights drawn from a seed; None if that cannot be done.
    why_not
        Why ``fresh`` is None.
    """

    module: Any
    run: Callable[[Any, Any], Iterator[tuple[str, Any]]]
    tokens: Callable[[Any], Any] = field(default=lambda tensor: tensor.mean(1))
    fresh: Callable[[int], Network] | None = None
    why_not: str = ""


class TorchEncoder:
    """An encoder that is a PyTorch network, in evaluation mode, in 32-bit floats without shortcuts.

    Parameters
    ----------
    network
        The module and how to run it.
    name, version, sha256
        As in :class:`~micrographia.representation.encoders.protocol.Encoder`; the checksum of the parameters and
        buffers by default.
    channels, size
        What it takes.
    mean, std
        Subtracted from and divided into intensities in 0..1; a value a channel, or one for all.
    device
        ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.
    details
        Goes into the provenance.
    untrained
        The weights are random: statistics of BatchNorm layers hold nothing until :meth:`calibrate` was called.
    """

    api_version = API_VERSION

    def __init__(
        self,
        network: Network,
        *,
        name: str,
        version: str,
        sha256: str = "",
        channels: int = 3,
        size: int = 224,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        device: str = "auto",
        details: Mapping[str, Any] | None = None,
        untrained: bool = False,
    ) -> None:
        self._torch = torch_module()
        self.name = name
        self.version = version
        self.channels = channels
        self.size = size
        self.device = pick_device(device)
        self.network = network
        self.untrained = untrained
        self.mean, self.std = tuple(mean), tuple(std)
        self.sha256 = sha256 or weights_sha256(network.module)
        self.details: dict[str, Any] = {
            "normalisation": {"mean": list(mean), "std": list(std)},
            **(details or {}),
        }
        network.module.eval().to(self.device)
        self._norms = batch_norms(network.module)
        self.needs_calibration = untrained and bool(self._norms)
        zeros = np.zeros((1, channels or 3, size, size), np.float32)
        dims = {layer: found.shape[1] for layer, found in self._features(zeros).items()}
        self.layers = tuple(dims)
        self.dim = int(dims[self.layers[-1]])
        self.calibrated = not self.needs_calibration

    def encode(self, batch: Batch) -> Features:
        """Return the features of images ``(n, C, Y, X)`` in 0..1, float32 ``(n, d)`` a layer.

        Raises
        ------
        EncoderError
            If the batch has another shape, a device runs out of memory, or statistics of BatchNorm layers were not
            estimated.
        """
        if not self.calibrated:
            raise EncoderError(
                self.name,
                "has random weights and no statistics of its BatchNorm layers",
                "Call calibrate with some images, or use embed, which does",
            )
        return self._features(verified(self, batch))

    def calibrate(self, batch: Batch) -> None:
        """Re-estimate the statistics of every BatchNorm layer from images: mean and unbiased variance of its input.

        All images go through at once, so that each layer sees what the layers before give with their new statistics.

        Parameters
        ----------
        batch
            As for :meth:`encode`; some tens of images.
        """
        images = verified(self, batch)
        if not self._norms:
            return
        momenta = [norm.momentum for norm in self._norms]
        try:
            for norm in self._norms:
                norm.train()
                norm.momentum = 1.0
            self._features(images)
        finally:
            for norm, momentum in zip(self._norms, momenta, strict=True):
                norm.momentum = momentum
                norm.eval()
        self.calibrated = True
        self.details["batch_norm"] = {
            "layers": len(self._norms),
            "inputs": len(images),
            "sha256": weights_sha256(self._norms),
        }

    def _features(self, images: Batch) -> Features:
        torch = self._torch
        found: Features = {}
        try:
            with torch.inference_mode(), exact(torch):
                tensor = torch.from_numpy(images).to(self.device)
                if self.device != "mps":  # convolutions are nearly twice as fast so
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                shape = (1, -1, 1, 1)
                mean = torch.tensor(self.mean, dtype=torch.float32, device=self.device).reshape(shape)
                std = torch.tensor(self.std, dtype=torch.float32, device=self.device).reshape(shape)
                for layer, output in self.network.run(self.network.module, (tensor - mean) / std):
                    found[layer] = self._pooled(layer, output, len(images)).float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise EncoderError(
                self.name, f"runs out of memory with {len(images)} images at once", "Give a smaller --batch"
            ) from error
        except RuntimeError as error:
            message = " ".join(str(error).split())[:200]
            raise EncoderError(
                self.name, f"fails on images {images.shape[1:]}: {message}", "Choose another size or mapping"
            ) from error
        return found

    def _pooled(self, layer: str, output: Any, n: int) -> Any:
        if output.ndim == 4:
            output = output.mean((2, 3))
        elif output.ndim == 3:
            output = self.network.tokens(output)
        if output.ndim != 2 or output.shape[0] != n:
            raise EncoderError(
                self.name,
                f"gives {tuple(output.shape)} in layer {layer} for {n} images",
                "It must give (n, d), (n, d, Y, X) or (n, tokens, d)",
            )
        return output


def torch_module() -> ModuleType:
    """Return PyTorch.

    Raises
    ------
    EncoderError
        If it is not installed.
    """
    return needed("torch", "torch")


def needed(module: str, extra: str) -> ModuleType:
    """Import a module of an extra.

    Raises
    ------
    EncoderError
        If it is not installed, or broken.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == module
        problem = "is not installed, and this encoder needs it" if absent else f"cannot be imported: {error}"
        raise EncoderError(
            module, problem, f"Install it with: pip install 'micrographia[{extra}]'"
        ) from error


def pick_device(name: str) -> str:
    """Return the device to compute on: ``auto`` takes a CUDA card, then Apple's graphics, then the processor.

    Raises
    ------
    EncoderError
        If it is not there.
    """
    torch = torch_module()
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if cards else "mps" if mps else "cpu"
    there = ["cpu", *(["cuda", *(f"cuda:{card}" for card in range(cards))] if cards else [])]
    there += ["mps"] if mps else []
    if name not in there:
        raise EncoderError("", f"there is no device {name!r} here", f"Devices are {', '.join(there)}")
    return name


@contextmanager
def exact(torch: Any) -> Iterator[None]:
    """Compute inside without reduced precision and with deterministic convolutions."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    held = (cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32)
    cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = False, True, False, False
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = held


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random numbers inside from a seed; the generator outside goes on as if nothing had been drawn."""
    torch = torch_module()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def batch_norms(module: Any) -> list[Any]:
    """Return the BatchNorm layers of a module that keep running statistics."""
    kind = torch_module().nn.modules.batchnorm._BatchNorm
    return [part for part in module.modules() if isinstance(part, kind) and part.track_running_stats]


def weights_sha256(module: Any) -> str:
    """Return a checksum over the parameters and buffers of a module, or of several: names, types, shapes, values."""
    digest = hashlib.sha256()
    for number, part in enumerate(module if isinstance(module, list) else [module]):
        for name, tensor in sorted(part.state_dict().items()):
            if name.endswith("num_batches_tracked"):  # how often, not what
                continue
            array = np.ascontiguousarray(tensor.detach().cpu().float().numpy())
            digest.update(f"{number}\0{name}\0{tensor.dtype}\0{array.shape}\n".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def normalisation(name: str, channels: int = 3) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation by name.

    Raises
    ------
    EncoderError
        If there is none of that name, or it is for another number of channels.
    """
    if name not in NORMALISATIONS:
        raise EncoderError(
            "", f"there is no normalisation {name!r}", f"Choose one of {', '.join(NORMALISATIONS)}"
        )
    mean, std = NORMALISATIONS[name]
    if len(mean) not in (1, channels):
        raise EncoderError(
            "", f"the normalisation {name} is for {len(mean)} channels, not {channels}", "Choose half or none"
        )
    return mean, std
