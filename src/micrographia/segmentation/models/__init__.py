"""Segmentation models: a small protocol, adapters, baselines, tuning, tiled prediction."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from micrographia.segmentation.models.maps import MapSegmenter
    from micrographia.segmentation.models.postprocessing import Postprocessing, instances
    from micrographia.segmentation.models.protocol import (
        Context,
        MapModel,
        ModelInfo,
        Segmenter,
        Tunable,
    )
    from micrographia.segmentation.models.registry import names, segmenter
    from micrographia.segmentation.models.running import Segmentation, segment
    from micrographia.segmentation.models.tuning import Sample, tune

_LATER = {
    "Context": "protocol",
    "MapModel": "protocol",
    "MapSegmenter": "maps",
    "ModelInfo": "protocol",
    "Postprocessing": "postprocessing",
    "Sample": "tuning",
    "Segmentation": "running",
    "Segmenter": "protocol",
    "Tunable": "protocol",
    "instances": "postprocessing",
    "names": "registry",
    "segment": "running",
    "segmenter": "registry",
    "tune": "tuning",
}
"""What is imported when first asked for, and its module."""

__all__ = [
    "Context",
    "MapModel",
    "MapSegmenter",
    "ModelInfo",
    "Postprocessing",
    "Sample",
    "Segmentation",
    "Segmenter",
    "Tunable",
    "instances",
    "names",
    "segment",
    "segmenter",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
