"""Any image file: which reader it needs, by its content first and its name second."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Protocol, runtime_checkable

from micrographia import plugins
from micrographia.errors import ImageError
from micrographia.images.files import address_of, is_folder, look, printable
from micrographia.images.image import Image, Member


@runtime_checkable
class Reader(Protocol):
    """Reads one file format; a plug-in announces one under the entry-point group ``micrographia.readers``.

    Parameters
    ----------
    api_version
        1.
    name
        Of the format.
    extensions
        With their dots, in lower case; a file called so that no reader recognises is reported as damaged.
    """

    api_version: int
    name: str
    extensions: tuple[str, ...]

    def matches(self, path: Path, head: bytes, /) -> bool:
        """Return whether the reader can read a file (or folder) that begins with ``head`` (empty for a folder)."""
        ...

    def members(self, path: Path, /) -> list[Member]:
        """Return the images of a file without reading pixels; raise ``ImageError`` if it is damaged."""
        ...

    def open(self, path: Path, member: str, /) -> Image:
        """Return one image of a file; raise ``ImageError`` if it is damaged or has no such member."""
        ...


_BUILT_IN = (
    "micrographia.images.readers.tiff:TIFF",
    "micrographia.images.readers.raster:PICTURES",
    "micrographia.images.readers.hdf5:HDF5",
    "micrographia.images.readers.nrrd:NRRD",
    "micrographia.images.readers.nifti:NIFTI",
    "micrographia.images.readers.npy:NPY",
    "micrographia.images.readers.vendor:VENDOR",
    "micrographia.images.ome_zarr_reader:OME_ZARR",
)

_KNOWN = {
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "gzip-compressed data",
    b"PK\x03\x04": "a zip archive",
    b"<?xml": "an XML document",
    b"SIMPLE  =": "a FITS image",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 image",
    b"\x80\x04\x95": "a Python pickle",
    b"\x37\x7a\xbc\xaf": "a 7-zip archive",
}


def readers() -> Iterator[Reader]:
    """Yield the readers in the order in which they are asked: ours, then those of plug-ins by name."""
    for place in _BUILT_IN:
        yield _built_in(place)
    yield from _plugged_in()


@cache
def _built_in(place: str) -> Reader:
    module, name = place.split(":")
    reader: Reader = getattr(import_module(module), name)
    return reader


@cache
def _plugged_in() -> tuple[Reader, ...]:
    return tuple(plugins.load("readers", Reader))


def find_reader(path: Path) -> tuple[Reader, list[str]]:
    """Return the reader for a file, and notes about a name that does not fit its content.

    Raises
    ------
    ImageError
        If there is no such file, it is empty, may not be read, or no reader recognises it.
    """
    folder = is_folder(path)
    head = b"" if folder else look(path)
    name = path.name.lower()
    found = next((reader for reader in readers() if reader.matches(path, head)), None)
    if found is not None and name.endswith(found.extensions):
        return found, []
    named = next((reader for reader in readers() if name.endswith(reader.extensions)), None)
    if found is not None:
        lie = f"it is named {_suffix(name, named)} but is {found.name}, and is read as such"
        return found, [lie] if named is not None else []
    if folder:
        look(path)
    raise _unknown(path, head, named)


def _suffix(name: str, named: Reader | None) -> str:
    return max((end for end in named.extensions if name.endswith(end)), key=len) if named is not None else ""


def _unknown(path: Path, head: bytes, named: Reader | None) -> ImageError:
    kind = next((kind for magic, kind in _KNOWN.items() if head.startswith(magic)), None)
    if kind is None and head[128:132] == b"DICM":
        kind = "a DICOM image"
    if kind is None:
        text = head.isascii() and all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
        kind = "text" if text else f"unknown data that begin with {head[:8].hex(' ')}"
    if named is not None:
        said = f"is named {_suffix(path.name.lower(), named)} but holds {kind}, not {named.name}"
        remedy = "Copy or export it again; it may be cut short, or misnamed"
        return ImageError(printable(path), said, remedy)
    formats = ", ".join(dict.fromkeys(reader.name for reader in readers()))
    return ImageError(
        printable(path), f"holds {kind}, which no reader reads", f"Convert it to one of {formats}"
    )


def members(path: str | PathLike[str]) -> list[Member]:
    """Return the images that a file holds, without reading pixels.

    Parameters
    ----------
    path
        A file, the folder of an OME-Zarr image, or the address of one: OME-Zarr is read in part, of other formats the
        whole file is kept on disk.

    Raises
    ------
    ImageError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from micrographia.images import members
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/a.npy", np.zeros((5, 32, 64), np.uint16))
    ...     members(f"{folder}/a.npy")
    [Member(name='', axes='ZYX', shape=(5, 32, 64), dtype='uint16')]
    """
    place = _place(path)
    return _reader(place)[0].members(place)


def open_image(path: str | PathLike[str], member: str = "") -> Image:
    """Open one image of a file, without reading pixels.

    Parameters
    ----------
    path
        A file, the folder of an OME-Zarr image, or the address of one: OME-Zarr is read in part, of other formats the
        whole file is kept on disk.
    member
        A name from :func:`members`, or its number; empty if the file holds one image.

    Raises
    ------
    ImageError
        If it cannot be read, or holds several images and none is named.
    """
    place = _place(path)
    reader, notes = _reader(place)
    image = reader.open(place, member)
    image.notes = (*notes, *image.notes)
    return image


def _place(path: str | PathLike[str]) -> Path:
    address = address_of(path)
    if not address:
        return Path(path)
    from micrographia.images.remote import local_copy

    return local_copy(address) or Path(path)


def _reader(place: Path) -> tuple[Reader, list[str]]:
    return (_built_in(_BUILT_IN[-1]), []) if address_of(place) else find_reader(place)


def image_suffixes() -> Iterator[str]:
    """Yield the extensions that the readers claim, with their dots: what a folder is scanned for."""
    for reader in readers():
        yield from reader.extensions
