"""Images at addresses: OME-Zarr is read in part where it is, of everything else a verified copy is made first."""

from __future__ import annotations

import re
from pathlib import Path

from micrographia.images.image import Image
from micrographia.images.reader import open_image
from micrographia.images.zarr_remote import ZIP_NAME, RemoteFolderStore, told
from micrographia.images.zarr_store import METADATA_NAMES
from micrographia.remote import cached_file, last_name

_ZARR = re.compile(r"\.zarr(/|$|[?#])|\.ozx($|[?#])|\.zarr\.zip($|[?#])", flags=re.IGNORECASE)


def local_copy(address: str, *, size: int = -1, sha256: str = "") -> Path | None:
    """Return the path of a copy of an image on this machine; None if it is OME-Zarr, which needs none.

    Parameters
    ----------
    address
        Of the image.
    size, sha256
        What the file must have; -1 and empty if nobody knows.

    Raises
    ------
    ImageError
        If it cannot be read, or is not what it must be.
    """
    if is_zarr(address):
        return None
    with told():
        return cached_file(address, size=size, sha256=sha256)


def open_at(address: str, member: str = "", *, size: int = -1, sha256: str = "") -> Image:
    """Open one image at an address; see :func:`~micrographia.images.open_image`.

    Parameters
    ----------
    address, member
        Of the image.
    size, sha256
        What its file must have, if it is none that is read in part; -1 and empty if nobody knows.

    Raises
    ------
    ImageError
        If it cannot be read, is not what it must be, or holds several images and none is named.
    """
    return open_image(local_copy(address, size=size, sha256=sha256) or address, member)


def is_zarr(address: str) -> bool:
    """Tell whether an address is of OME-Zarr: by its name, or by what lies there if its name has no ending."""
    if _ZARR.search(address):
        return True
    if "." in last_name(address) or ZIP_NAME.search(address):
        return False
    store = RemoteFolderStore(address)
    return any(store.read(name) is not None for name in METADATA_NAMES[:2])
