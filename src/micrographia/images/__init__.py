"""Pixels: read any microscopy file lazily, and write OME-Zarr."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrographia.images.compose import ArrayImage, select, stack_channels
from micrographia.images.image import AXES, Channel, Image, Member, Pixels, Region
from micrographia.images.reader import Reader, image_suffixes, members, open_image

if TYPE_CHECKING:
    from micrographia.images.digest import content_digest

_LATER = {"content_digest": "digest"}
"""What is imported when first asked for, because it brings heavy libraries, and its module."""

__all__ = [
    "AXES",
    "ArrayImage",
    "Channel",
    "Image",
    "Member",
    "Pixels",
    "Reader",
    "Region",
    "content_digest",
    "image_suffixes",
    "members",
    "open_image",
    "select",
    "stack_channels",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
