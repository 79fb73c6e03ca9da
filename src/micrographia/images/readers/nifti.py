"""NIfTI-1 and NIfTI-2: memory-mapped, or decoded as a stream when gzipped."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.calibration import Calibration, udunits
from micrographia.images.files import HEAD_BYTES, choose, parsing, pixel_dtype, printable
from micrographia.images.image import Array, Image, Member, Pixels, Region
from micrographia.images.layout import Layout, drop_singletons
from micrographia.images.raw import MappedPixels, StreamPixels

_GZIP = b"\x1f\x8b"
_MAGIC = {348: (344, (b"n+1\0", b"ni1\0")), 540: (4, (b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n"))}


class NiftiReader:
    """Reads NIfTI with its header parsed by nibabel; axes are X, Y, Z, T, C from fast to slow, as the format says."""

    api_version = 1
    name = "NIfTI"
    extensions = (".nii", ".nii.gz", ".hdr")

    def matches(self, _path: Path, head: bytes) -> bool:
        """Return whether the file, or what it holds gzipped, begins as NIfTI does."""
        return _version(_plain(head)) is not None

    def members(self, path: Path) -> list[Member]:
        """Return the one image of the file."""
        image = self.open(path)
        return [Member("", image.axes, image.shape, str(image.dtype))]

    def open(self, path: Path, member: str = "") -> Image:
        """Return the image of the file."""
        choose(path, [""], member)
        with parsing(path) as said:
            header, single, zipped = _header(path)
            stored, samples = _stored(path, header)
            layout = _layout(path, header, samples)
            known = _calibration(header, said).fit(layout.image_axes, 1)
            file = path if single else _partner(path)
            offset = int(header["vox_offset"])
            slope, inter = header.get_slope_inter()
            if not 0 <= offset < 1 << 40:
                raise ImageError(printable(path), f"claims pixels at byte {offset}", "Export it again")
        scaled = slope is not None and (slope, inter or 0.0) != (1.0, 0.0)
        dtype = np.dtype(np.float64) if scaled else pixel_dtype(path, stored)
        pixels: Pixels = (
            StreamPixels(file, offset, stored, layout, dtype)
            if zipped
            else MappedPixels(file, offset, stored, layout, dtype)
        )
        if scaled:
            pixels = _Scaled(pixels, float(slope), float(inter or 0))
            said.append(f"its values are stored times {slope:g} plus {inter or 0:g}, and are read so")
        return Image(
            pixels,
            path=path,
            member=member,
            axes=layout.image_axes,
            shape=layout.image_shape,
            dtype=dtype,
            scale=known.scale,
            units=known.units,
            rgb=samples > 1 and "C" not in layout.axes,
            block_shape=layout.plane_block(dtype.itemsize),
            file_format="NIfTI",
            compression="gzip" if zipped else "",
            notes=known.notes + said,
            files=[path] if single else [path, file],
        )


NIFTI = NiftiReader()


def _plain(head: bytes) -> bytes:
    """Return the beginning of what a gzipped head holds, or the head itself."""
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, 1024)
    except zlib.error:
        return b""


def _version(head: bytes) -> int | None:
    """Return the size of the header that ``head`` begins with: 348 for NIfTI-1, 540 for NIfTI-2."""
    for size, (place, magics) in _MAGIC.items():
        if head[:4] in (size.to_bytes(4, "little"), size.to_bytes(4, "big")):
            return size if head[place:].startswith(magics) else None
    return None


def _header(path: Path) -> tuple[Any, bool, bool]:
    """Return the header, whether pixels are in the same file, and whether it is gzipped."""
    import nibabel as nib

    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    plain = _plain(head)
    size = _version(plain)
    if size is None or len(plain) < size:
        raise ImageError(printable(path), "ends within its header", "Copy it again from where it came")
    kind = nib.Nifti1Header if size == 348 else nib.Nifti2Header
    header = kind.from_fileobj(BytesIO(plain[:size]), check=False)
    place, magics = _MAGIC[size]
    return header, plain[place:].startswith(magics[0]), head.startswith(_GZIP)


def _partner(path: Path) -> Path:
    name = path.name[: -len(".hdr")] + ".img" if path.name.lower().endswith(".hdr") else path.name + ".img"
    partner = path.with_name(name)
    if not partner.is_file():
        raise ImageError(printable(path), f"keeps its pixels in {name!r}, which is not there", "Copy it here")
    return partner


def _stored(path: Path, header: Any) -> tuple[np.dtype[Any], int]:
    """Return the type of the stored numbers and how many make up a pixel (3 or 4 for colours)."""
    stored = header.get_data_dtype()
    if stored.names in (("R", "G", "B"), ("R", "G", "B", "A")):
        return stored[0], len(stored.names)
    pixel_dtype(path, stored)
    return stored, 1


def _layout(path: Path, header: Any, samples: int) -> Layout:
    shape = tuple(int(size) for size in header.get_data_shape())
    if len(shape) < 2 or min(shape) < 1 or any(size != 1 for size in shape[5:]):
        raise ImageError(
            printable(path), f"holds an array of shape {shape}, which is no image", "Save 2 to 5 axes"
        )
    shape = shape[:5][::-1]
    axes = drop_singletons("CTZYX"[-len(shape) :], shape)
    if samples == 1:
        return Layout(axes, shape)
    return Layout(axes + "S", (*shape, samples), samples=3)


def _calibration(header: Any, notes: list[str]) -> Calibration:
    said = Calibration()
    zooms = [float(str(step)) for step in header.get_zooms()]  # the shortest number that is this float32
    space, time = (udunits(unit) for unit in header.get_xyzt_units())
    for axis, step in zip("xyz", zooms, strict=False):
        said.set(axis, step, space)
    if len(zooms) > 3 and time is not None:
        said.set("t", zooms[3], time)
    if space is None and all(said.scale.get(axis, 1) == 1 for axis in "xyz"):
        said.scale = {axis: step for axis, step in said.scale.items() if axis == "t"}
    elif space is None:
        notes.append("it does not say in which unit its voxel size is")
    affine = header.get_best_affine()[:3, :3]
    if np.count_nonzero(np.abs(affine) > 1e-4 * np.abs(affine).max()) > 3:
        notes.append("its axes are oblique to its space; they are read as stored")
    return said


class _Scaled:
    """Pixels times a slope plus an intercept."""

    def __init__(self, pixels: Pixels, slope: float, inter: float) -> None:
        self.pixels = pixels
        self.slope = slope
        self.inter = inter

    def read(self, region: Region) -> Array:
        """Return the scaled pixels of a region."""
        return self.pixels.read(region) * self.slope + self.inter

    def close(self) -> None:
        """Close the file."""
        self.pixels.close()
