"""Tables of images."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from micrographia.catalogue.entry import AXES, SPACE, ImageEntry
from micrographia.catalogue.shelf import IMAGE_COLUMNS, ImageFilter

if TYPE_CHECKING:
    import pandas as pd


def passes(image: ImageEntry, wanted: ImageFilter) -> bool:
    """Return whether an image has what it must have; what is not known of it is not there."""
    if wanted.split and image.split != wanted.split:
        return False
    if wanted.smallest_side and min(image.shape.get(axis, 0) for axis in "yx") < wanted.smallest_side:
        return False
    return all(span.low <= image.voxel.get(axis, -1.0) <= span.high for axis, span in wanted.voxel.items())


def image_frame(images: Sequence[tuple[str, ImageEntry]]) -> pd.DataFrame:
    """Return images as a table.

    Parameters
    ----------
    images
        Id of the dataset, and the image.

    Returns
    -------
    DataFrame
        :data:`~micrographia.catalogue.shelf.IMAGE_COLUMNS`; ``Int64`` and ``float64`` with missing values.
    """
    import pandas as pd

    columns = {name: [cells(dataset, image)[name] for dataset, image in images] for name in IMAGE_COLUMNS}
    frame = pd.DataFrame(columns, columns=list(IMAGE_COLUMNS))
    return typed(frame)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of images with the type of each column."""
    whole = ["size", *(f"size_{axis}" for axis in AXES)]
    kinds = dict.fromkeys(whole, "Int64") | {f"voxel_{axis}": "float64" for axis in SPACE}
    return frame.astype(kinds)


def cells(dataset: str, image: ImageEntry) -> dict[str, str | int | float | None]:
    """Return an image as a row of a table."""
    row: dict[str, str | int | float | None] = {
        "dataset": dataset,
        "image": image.image,
        "path": image.path,
        "split": image.split,
        "groups": "; ".join(f"{name}={value}" for name, value in sorted(image.groups.items())),
        "size": image.size if image.size >= 0 else None,
        "dtype": image.dtype,
        "channels": "; ".join(image.channels),
    }
    row |= {f"size_{axis}": image.shape.get(axis) for axis in AXES}
    return row | {f"voxel_{axis}": image.voxel.get(axis) for axis in SPACE}


def pack_images(images: Sequence[ImageEntry]) -> bytes:
    """Return images as bytes: JSON by column, compressed."""
    columns = {name: [_plain(getattr(image, name)) for image in images] for name in _IMAGE_FIELDS}
    return zlib.compress(
        json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"), 1
    )


def unpack_images(data: bytes) -> list[ImageEntry]:
    """Return the images that :func:`pack_images` wrote."""
    columns = json.loads(zlib.decompress(data))
    rows = zip(*(columns[name] for name in _IMAGE_FIELDS), strict=True)
    return [ImageEntry(**_typed(dict(zip(_IMAGE_FIELDS, row, strict=True)))) for row in rows]


_IMAGE_FIELDS = tuple(ImageEntry.__dataclass_fields__)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"channels": tuple(values["channels"])}
