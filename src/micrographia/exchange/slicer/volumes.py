"""Volumes as NRRD: a header with geometry in millimetres, and voxels that are compressed slab by slab.

pynrrd writes an array that lies in memory whole, the date, and ASCII only; here memory does not grow with the volume,
equal input gives equal bytes, and names are UTF-8 as 3D Slicer writes them. It is read with pynrrd.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.images import Image
from micrographia.images.image import Array
from micrographia.images.readers.nrrd_segments import escaped
from micrographia.metadata.units import is_length, micrometers

SLAB = 32 << 20
"""About how many bytes are read and compressed at once."""
LEVEL = 6
"""How hard zlib tries."""
LPS = "left-posterior-superior"
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_TYPES = {
    "i1": "int8",
    "u1": "uint8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "i8": "int64",
    "u8": "uint64",
    "f2": "float",
    "f4": "float",
    "f8": "double",
}
_IN_MILLIMETERS = {"angstrom": "1e-7", "inch": "25.4", "foot": "304.8", "yard": "914.4"}

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the voxels of a volume lie.

    Parameters
    ----------
    spacing
        Size of a voxel along x, y and z as texts, in millimetres if ``known``.
    known
        Whether the spacing is in millimetres.
    space
        Name of the space.
    axes
        Unit vectors of x, y and z in it.
    origin
        Place of the first voxel.
    """

    spacing: tuple[str, str, str]
    known: bool
    space: str = LPS
    axes: tuple[Vector, Vector, Vector] = _IDENTITY
    origin: Vector = (0.0, 0.0, 0.0)

    @property
    def directions(self) -> list[str]:
        """The space directions of x, y and z, as a header writes them."""
        return [
            "(" + ",".join(_product(part, step) for part in axis) + ")"
            for axis, step in zip(self.axes, self.spacing, strict=True)
        ]


def geometry_of(image: Image) -> tuple[Geometry, str]:
    """Return where the voxels of an image lie, and what is not known of it; empty if all is.

    The thickness of a single plane is written as the width of a pixel; a size that is not known, as 1.
    """
    axes = [axis for axis in "xyz" if axis.upper() in image.axes]
    missing = [axis for axis in axes if axis not in image.scale]
    if missing:
        return Geometry(("1", "1", "1"), known=False), "the voxel size is not known and is written as 1"
    millimeters = {axis: _millimeters(image.scale[axis], image.units.get(axis)) for axis in axes}
    known = all(millimeters.values())
    steps = {axis: millimeters[axis] if known else _plain(Decimal(repr(image.scale[axis]))) for axis in axes}
    spacing = (steps["x"], steps["y"], steps.get("z", steps["x"]))
    problem = "" if known else "the unit of the voxel size is not known; the numbers are written as they are"
    return Geometry(spacing, known), problem


def placed(geometry: Geometry, kept: Any) -> Geometry:
    """Return a geometry with the space, the directions and the origin that a source had; as it is if they are odd."""
    try:
        space, origin = str(kept["space"]), _vector(kept["space origin"])
        rows = [_vector(row) for row in kept["space directions"]]
        lengths = [float(np.linalg.norm(row)) for row in rows]
        axes = [_vector([part / length for part in row]) for row, length in zip(rows, lengths, strict=True)]
    except (TypeError, KeyError, ValueError, ZeroDivisionError):
        return geometry
    if len(axes) != 3 or not space.replace("-", "").isalpha() or not np.isfinite([*axes, origin]).all():
        return geometry
    return Geometry(geometry.spacing, geometry.known, space, (axes[0], axes[1], axes[2]), origin)


def header(
    dtype: np.dtype[Any], size: Sequence[int], geometry: Geometry, pairs: Mapping[str, str], layers: int = 1
) -> bytes:
    """Return the header of a volume.

    Parameters
    ----------
    dtype
        Of the voxels.
    size
        Along x, y and z.
    geometry
        Where they lie.
    pairs
        What is written behind the fields of the format.
    layers
        With more than one, a ``list`` axis leads.
    """
    several = layers > 1
    fields = {
        "type": _TYPES[dtype.str[1:]],
        "dimension": str(4 if several else 3),
        "space": geometry.space,
        "sizes": " ".join(map(str, [*([layers] if several else []), *size])),
        "space directions": " ".join([*(["none"] if several else []), *geometry.directions]),
        "kinds": "list domain domain domain" if several else "domain domain domain",
        **({"endian": "little"} if dtype.itemsize > 1 else {}),
        "encoding": "gzip",
        **({"space units": '"mm" "mm" "mm"'} if geometry.known else {}),
        "space origin": "(" + ",".join(_plain(Decimal(repr(part))) for part in geometry.origin) + ")",
    }
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        *(f"{name}: {value}" for name, value in fields.items()),
        *(f"{name}:={escaped(value)}" for name, value in pairs.items()),
    ]
    return ("\n".join(lines) + "\n\n").encode()


def write_volume(path: Path, head: bytes, slabs: Iterable[Array]) -> None:
    """Write a header and voxels, each slab in the order in which it lies in the file."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    with path.open("xb") as file:
        file.write(head)
        for slab in slabs:
            little = np.ascontiguousarray(slab, slab.dtype.newbyteorder("<"))
            file.write(packer.compress(little.reshape(-1).view(np.uint8).data))
        file.write(packer.flush())


def stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which pixels are written: half precision has none of its own."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def slabs(
    parts: Sequence[Image],
    size: tuple[int, int, int],
    dtype: np.dtype[Any],
    t: int = 0,
    c: int = 0,
    change: Callable[[Array], Array] | None = None,
) -> Iterator[Array]:
    """Yield the voxels of one time point and channel in storage order, a bounded number at a time.

    Parameters
    ----------
    parts
        The image, or one label image a layer.
    size
        Along z, y and x of the volume; an axis that a part lacks is the same all along.
    dtype
        To write.
    t, c
        Time point and channel.
    change
        What to do with the labels before they are converted.
    """
    for z, y in _steps(parts[0], size, dtype.itemsize * len(parts)):
        blocks = [read_block(part, t, c, z, y) for part in parts]
        changed = [block if change is None else change(block) for block in blocks]
        block = changed[0] if len(changed) == 1 else np.stack(changed, axis=-1)
        yield block.astype(dtype, copy=False)


def read_block(image: Image, t: int, c: int, z: slice, y: slice) -> Array:
    """Return rows of planes of an image, of shape (Z, Y, X)."""
    at = {"T": slice(t, t + 1), "C": slice(c, c + 1), "Z": z, "Y": y, "X": slice(None)}
    if image.size("T") == 1:
        at["T"] = slice(0, 1)
    flat = image.size("Z") == 1
    if flat:
        at["Z"] = slice(0, 1)
    block = image.read([at[axis] for axis in image.axes])
    block = block.reshape(-1, *block.shape[-2:])
    return np.broadcast_to(block, (z.stop - z.start, *block.shape[1:])) if flat else block


def _steps(image: Image, size: tuple[int, int, int], itemsize: int) -> Iterator[tuple[slice, slice]]:
    depth, height, width = size
    own = dict(zip(image.axes, image.block_shape, strict=True))
    plane = height * width * itemsize
    deep = max(1, min(depth, SLAB // plane))
    tall = height if plane <= SLAB else max(1, SLAB // (width * itemsize))
    # Whole blocks of the source, where they are smaller than a slab: none is decoded twice.
    if 1 < own.get("Z", 1) <= deep:
        deep -= deep % own["Z"]
    if own["Y"] <= tall < height:
        tall -= tall % own["Y"]
    for z in range(0, depth, deep):
        for y in range(0, height, tall):
            yield slice(z, min(z + deep, depth)), slice(y, min(y + tall, height))


def _millimeters(step: float, unit: str | None) -> str:
    """Return a length in millimetres, exact in decimals; empty if the unit is no length."""
    if unit is None or not is_length(unit):
        return ""
    one = micrometers(1.0, unit)
    factor = _IN_MILLIMETERS.get(unit) if one is None else repr(one / 1000)
    return "" if factor is None else _plain(Decimal(repr(step)) * Decimal(factor))


def _product(part: float, step: str) -> str:
    return _plain(Decimal(repr(part)) * Decimal(step))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _vector(values: Any) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
