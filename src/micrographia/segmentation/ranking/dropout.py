"""Feature dropout at test time: how much a network's prediction hangs on single features.

Whole feature maps (channels) are set to zero and the others scaled up (spatial dropout, Tompson et al., CVPR 2015),
where the network holds its most abstract features, as in Talks & Kreshuk (arXiv 2503.00450). Weights and training are
not needed, so any network that is a ``torch.nn.Module`` made of convolutions can be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import MapModel

if TYPE_CHECKING:
    from torch.nn import Module

Array = npt.NDArray[Any]

RATES = (0.1, 0.2)
"""Shares of the feature maps that are dropped unless told otherwise."""
NETWORKS = ("network", "module", "net")
"""Attributes of a segmenter in which its ``torch.nn.Module`` is looked for."""


@runtime_checkable
class PredictsWithDropout(Protocol):
    """A segmenter that carries out feature dropout itself."""

    def predict_with_dropout(
        self, image: Array, *, seed: int, p: float, pixel_size: float | None = None
    ) -> Array:
        """Return labels as ``predict`` does, with a share ``p`` of the feature maps dropped; the seed says which."""
        ...


def dropout_reason(model: Any) -> str:
    """Say why a segmenter cannot be asked for feature dropout; empty if it can."""
    if isinstance(model, PredictsWithDropout):
        return ""
    module = network_of(model)
    if module is None:
        return "it shows no network (neither predict_with_dropout nor a torch module)"
    return "" if _takers(module) else "its network has no convolutions whose input could be dropped"


def with_dropout(model: Any, *, p: float, seed: int) -> Dropped:
    """Return a segmenter that drops features of another one.

    Parameters
    ----------
    model
        A segmenter: with ``predict_with_dropout``, or with its ``torch.nn.Module`` as ``network``, ``module`` or
        ``net``.
    p
        Share of the feature maps that is dropped, above 0 and below 1.
    seed
        Says which; every call of ``predict`` drops the same, so that the tiles of an image fit together.

    Raises
    ------
    SegmentationError
        If the segmenter cannot be asked, or ``p`` is out of range.
    """
    if not 0 < p < 1:
        raise SegmentationError("", f"a dropout of {p:g}", "Give a share above 0 and below 1")
    reason = dropout_reason(model)
    if reason:
        raise SegmentationError(
            str(getattr(getattr(model, "info", None), "name", "")),
            reason,
            "Rank it by perturbed images alone",
        )
    two_steps = isinstance(model, MapModel) and not isinstance(model, PredictsWithDropout)
    return DroppedMaps(model, p, seed) if two_steps else Dropped(model, p, seed)


class Dropped:
    """A segmenter with a share of its features dropped; everything else is that of the segmenter itself."""

    def __init__(self, model: Any, p: float, seed: int) -> None:
        self._model, self._p, self._seed = model, p, seed

    @property
    def unwrapped(self) -> Any:
        """The segmenter itself."""
        return self._model

    def __getattr__(self, name: str) -> Any:
        # What would run the network without dropping anything is not passed on.
        if name.startswith("_") or name in ("predict_tile", "maps", "instances"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def predict(self, image: Array, *, pixel_size: float | None = None) -> Any:
        """Return labels, int ``([Z,] Y, X)``, of float32 ``(C, [Z,] Y, X)``."""
        if isinstance(self._model, PredictsWithDropout):
            return self._model.predict_with_dropout(image, seed=self._seed, p=self._p, pixel_size=pixel_size)
        with self._dropping():
            return self._model.predict(image, pixel_size=pixel_size)

    def _dropping(self) -> Any:
        return dropping(network_of(self._model), p=self._p, seed=self._seed)


class DroppedMaps(Dropped):
    """As :class:`Dropped`, of a segmenter that gives maps which become instances."""

    def maps(self, image: Array, context: Any) -> Any:
        """Return maps ``(K, [Z,] Y, X)`` of an image or a tile of it."""
        with self._dropping():
            return self._model.maps(image, context)

    def instances(self, maps: Array, context: Any) -> Any:
        """Return labels of maps."""
        return self._model.instances(maps, context)


def network_of(model: Any) -> Module | None:
    """Return the ``torch.nn.Module`` inside a segmenter, or None. TorchScript is none: it does not call hooks."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None:  # nobody can hold a module then, and looking must not import it
        return None
    for name in NETWORKS:
        held = getattr(model, name, None)
        if isinstance(held, torch.nn.Module) and not isinstance(held, torch.jit.ScriptModule):
            return held
    return None


@contextmanager
def dropping(module: Module | None, *, p: float, seed: int) -> Iterator[None]:
    """Drop feature maps inside a network while the context lasts.

    Hooked are the convolutions that take the most channels (in a U-Net: those at and around its bottleneck); of their
    input a share ``p`` of the maps is set to zero and the rest multiplied by ``1 / (1 - p)``. Every forward pass draws
    the same maps again.

    Parameters
    ----------
    module
        Any network with convolutions; it is left as it was found.
    p
        Share of the maps.
    seed
        Of the draw.

    Raises
    ------
    ValueError
        Without a network.
    """
    if module is None:
        raise ValueError("there is no network to drop features of")
    import torch

    generators: dict[str, torch.Generator] = {}

    def restart(_: Module, __: Any) -> None:
        generators["now"] = torch.Generator().manual_seed(seed)

    def drop(_: Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        features = inputs[0]
        source = generators.setdefault("now", torch.Generator().manual_seed(seed))
        keep = torch.rand(features.shape[1], generator=source) >= p
        if not keep.any():
            keep[int(torch.randint(len(keep), (1,), generator=source))] = True
        factor = (keep.to(features.dtype) / (1 - p)).to(features.device)
        return (features * factor.view(1, -1, *(1,) * (features.ndim - 2)), *inputs[1:])

    handles = [module.register_forward_pre_hook(restart)]
    handles += [layer.register_forward_pre_hook(drop) for layer in _takers(module)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _takers(module: Module) -> list[Module]:
    """Return the convolutions that take the most channels, except those that take a single one."""
    from torch import nn

    kinds = (
        nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
    )  # fmt: skip
    found = [layer for layer in module.modules() if isinstance(layer, kinds)]
    most = max((layer.in_channels for layer in found), default=0)
    # The first convolution of a network takes the image itself, which is no feature.
    return [layer for layer in found[1:] if layer.in_channels == most and most > 1]
