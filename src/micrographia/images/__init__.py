"""Pixels: read any microscopy file lazily, and write OME-Zarr."""

from micrographia.images.compose import ArrayImage, select, stack_channels
from micrographia.images.image import AXES, Channel, Image, Member, Pixels, Region

__all__ = [
    "AXES",
    "ArrayImage",
    "Channel",
    "Image",
    "Member",
    "Pixels",
    "Region",
    "select",
    "stack_channels",
]
