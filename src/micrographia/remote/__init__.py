"""Reading from web servers and object stores by address: verified, patient, and never more than was allowed.

``fetch_bytes`` reads a whole file.
"""

from micrographia.remote.addresses import below, beside, is_address, last_name, shown
from micrographia.remote.asking import ChangedError, MissingError
from micrographia.remote.downloads import cached_file, download
from micrographia.remote.files import RemoteFiles, Want
from micrographia.remote.reading import fetch_bytes, read_range, size

__all__ = [
    "ChangedError",
    "MissingError",
    "RemoteFiles",
    "Want",
    "below",
    "beside",
    "cached_file",
    "download",
    "fetch_bytes",
    "is_address",
    "last_name",
    "read_range",
    "shown",
    "size",
]
