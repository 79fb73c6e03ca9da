"""Open one image of a dataset with its label images: from one file or many, raw or converted."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from micrographia import images
from micrographia.dataset.elsewhere import address_in, local_file, origin_of
from micrographia.dataset.manifest import inside
from micrographia.errors import AnnotationError, DatasetError
from micrographia.images import Image

MASK_TYPE = "segmentation_mask"
LABELS_IN_ARRAYS = "_seg.npy"
"""Ending of files that hold label images among other things, which only the annotation formats can read."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of ``files.tsv``."""

    path: str
    member: str
    image: str
    role: str
    channel: str
    set: str
    type: str
    source: str
    split: str
    size: int
    sha256: str
    line: int
    layer: str
    axes: str
    groups: Mapping[str, str]

    @property
    def name(self) -> str:
        """Path and member, as people are shown it."""
        return f"{self.path}:{self.member}" if self.member else self.path


@dataclass(frozen=True, slots=True)
class Mask:
    """One label image of an image: annotation set, layer (from 1; overlapping objects are on further layers).

    ``rows`` are the rows of ``files.tsv`` that it was made from: several when every object has a file of its own.
    ``overlap`` counts the pixels that lie in more than one object, where objects were files.
    """

    set: str
    layer: int
    image: Image
    rows: tuple[FileRow, ...]
    overlap: int = 0

    @property
    def name(self) -> str:
        """Name of the label image: the set, and the layer from the second on."""
        return self.set if self.layer == 1 else f"{self.set}-layer-{self.layer}"


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of one image and of its label images: small, picklable, what a worker is handed.

    Parameters
    ----------
    root
        The dataset.
    id
        The image.
    rows
        The rows that make up the image: one, or one a channel.
    mask_rows
        The rows of its label images.
    voxel, units
        Size along z, y, x that a person decided, and its unit; it holds over what the files say.
    """

    root: Path
    id: str
    rows: tuple[FileRow, ...]
    mask_rows: tuple[FileRow, ...]
    voxel: Mapping[str, float]
    units: Mapping[str, str]

    def image(self) -> Image:
        """Open the image lazily; channels that are split over files become one image.

        Raises
        ------
        DatasetError, ImageError
            If a file leaves the dataset or cannot be read.
        """
        opened = [open_row(self.root, row) for row in self.rows]
        if len(opened) == 1 and not self.rows[0].channel:
            return self._decided(opened[0])
        return self._decided(images.stack_channels(opened, [row.channel for row in self.rows]))

    def masks(self) -> list[Mask]:
        """Open the label images, set by set and layer by layer.

        Objects that have a file each are put together here, overlapping ones on further layers.

        Raises
        ------
        DatasetError, ImageError, AnnotationError
            If a file leaves the dataset or cannot be read.
        """
        sets: dict[str, list[FileRow]] = {}
        for row in self.mask_rows:
            sets.setdefault(row.set or "masks", []).append(row)
        return [mask for name, rows in sorted(sets.items()) for mask in self._open_set(name, rows)]

    def _open_set(self, name: str, rows: list[FileRow]) -> list[Mask]:
        layered = all(row.layer or ".zarr/" in row.path for row in rows)
        if len(rows) > 1 and not layered:
            return self._merge(name, rows)
        ordered = sorted(rows, key=lambda row: (int(row.layer or 1), row.path))
        return [
            Mask(name, layer, self._decided(open_row(self.root, row)), (row,))
            for layer, row in enumerate(ordered, 1)
        ]

    def _merge(self, name: str, rows: list[FileRow]) -> list[Mask]:
        from micrographia.annotations import merge_object_masks

        first = open_row(self.root, rows[0])
        merged = merge_object_masks([local_file(self.root, row.path, row.size, row.sha256) for row in rows])
        return [
            Mask(
                name,
                layer,
                self._decided(
                    images.ArrayImage(
                        labels, first.axes, scale=first.scale, units=first.units, path=first.path
                    )
                ),
                tuple(rows),
                merged.overlap_pixels,
            )
            for layer, labels in enumerate(merged.layers, 1)
        ]

    def _decided(self, image: Image) -> Image:
        scale = {axis: size for axis, size in self.voxel.items() if axis.upper() in image.axes}
        if not scale:
            return image
        result = copy.copy(image)
        result.scale = image.scale | dict(scale)
        result.units = {
            axis: unit for axis, unit in (image.units | dict(self.units)).items() if axis in result.scale
        }
        return result


def open_row(root: Path, row: FileRow) -> Image:
    """Open the image or label image of one row, as its file has it.

    Raises
    ------
    DatasetError, ImageError
        If its path leaves the dataset, or the file cannot be read.
    """
    return open_member(root, row.path, row.member, row.axes, row.size, row.sha256)


def open_member(
    root: Path, path: str, member: str = "", axes: str = "", size: int = -1, sha256: str = ""
) -> Image:
    """Open an image or label image of a dataset, in its folder or at the address where its files are.

    Parameters
    ----------
    root
        The dataset.
    path, member
        As ``files.tsv`` lists them.
    axes
        What a person decided that its axes are; empty for what the file says.
    size, sha256
        What a copy from elsewhere must have; -1 and empty if nobody knows.

    Raises
    ------
    DatasetError, ImageError
        If its path leaves the dataset, the file cannot be read, or the axes do not fit.
    """
    address = address_in(root, path)
    if path.lower().endswith(LABELS_IN_ARRAYS):
        return held_labels(local_file(root, path, size, sha256))[0]
    if address:
        image = images.open_at(address, member, size=size, sha256=sha256)
    else:
        image = images.open_image(_there(root, path), member)
    return images.with_axes(image, axes) if axes else image


def _there(root: Path, path: str) -> Path:
    """Return a path in the folder; raise ``DatasetError`` if it is missing because it was never fetched."""
    place = inside(root, path)
    if not place.exists() and (origin := origin_of(root)).format and not origin.files:
        raise DatasetError(
            path,
            f"is not in the folder, which holds what {origin.source or origin.format} says, without its files",
            "Put the files where files.tsv lists them",
        )
    return place


def held_labels(path: Path) -> list[Image]:
    """Return the label images inside an annotation file that is no image (``_seg.npy`` of Cellpose).

    Raises
    ------
    AnnotationError
        If there is none, or the file cannot be read.
    """
    from micrographia.annotations import read

    found = [mask.labels for mask in read(path).masks.values()]
    if not found:
        raise AnnotationError(path, "holds no label image", "Save the masks again")
    return found
