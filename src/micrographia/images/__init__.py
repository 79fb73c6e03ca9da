"""Pixels: read any microscopy file lazily, and write OME-Zarr."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrographia.images.compose import ArrayImage, select, stack_channels, with_axes
from micrographia.images.image import AXES, UNSAID, Channel, Image, Member, Pixels, Region
from micrographia.images.reader import Reader, image_suffixes, members, open_image

if TYPE_CHECKING:
    from micrographia.images.digest import content_digest
    from micrographia.images.ome_zarr_estimate import Estimate, estimate
    from micrographia.images.ome_zarr_problem import Problem
    from micrographia.images.ome_zarr_reader import count_levels, label_names, open_label, open_level
    from micrographia.images.ome_zarr_validate import validate
    from micrographia.images.ome_zarr_writer import LabelSource, Written, write_image
    from micrographia.images.remote import open_at

_LATER = {
    "Estimate": "ome_zarr_estimate",
    "LabelSource": "ome_zarr_writer",
    "Problem": "ome_zarr_problem",
    "Written": "ome_zarr_writer",
    "content_digest": "digest",
    "count_levels": "ome_zarr_reader",
    "estimate": "ome_zarr_estimate",
    "label_names": "ome_zarr_reader",
    "open_at": "remote",
    "open_label": "ome_zarr_reader",
    "open_level": "ome_zarr_reader",
    "validate": "ome_zarr_validate",
    "write_image": "ome_zarr_writer",
}
"""What is imported when first asked for, because it brings heavy libraries, and its module."""

__all__ = [
    "AXES",
    "UNSAID",
    "ArrayImage",
    "Channel",
    "Estimate",
    "Image",
    "LabelSource",
    "Member",
    "Pixels",
    "Problem",
    "Reader",
    "Region",
    "Written",
    "content_digest",
    "count_levels",
    "estimate",
    "image_suffixes",
    "label_names",
    "members",
    "open_at",
    "open_image",
    "open_label",
    "open_level",
    "select",
    "stack_channels",
    "validate",
    "with_axes",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
