"""Zarr hierarchies on web servers and in object stores, as folders or in a zip: read in part, many parts at a time."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from micrographia.errors import ExchangeError, ImageError
from micrographia.images.files import failure, within_limit
from micrographia.images.zarr_store import METADATA_LIMIT, METADATA_NAMES, Store, below_only_folder
from micrographia.remote import RemoteFiles, Want, last_name, shown

ZIP_NAME = re.compile(r"\.(ozx|zip)($|[?#])", flags=re.IGNORECASE)
"""How the address of a zip ends."""

_TAIL = 128 << 10
"""Bytes of the end of a zip that are read first: the list of what is in it, or most of it."""


@contextmanager
def told() -> Iterator[None]:
    """Turn what reading an address raises into an ``ImageError``."""
    try:
        yield
    except ExchangeError as error:
        raise ImageError(error.path, error.problem, error.remedy) from error


class RemoteStore(Store):
    """Base of stores at an address; see :class:`~micrographia.images.zarr_store.Store`.

    Parameters
    ----------
    address
        Of the folder or zip.
    """

    remote = True

    def __init__(self, address: str) -> None:
        super().__init__(Path(address))
        self.address = address
        self.files = RemoteFiles(address)

    @property
    def direct(self) -> bool:
        """Whether files can be located on this machine: no."""
        return False

    def locate(self, _name: str) -> None:
        """Return None: no file lies on this machine as it is."""
        return

    @abstractmethod
    def many(self, wants: Sequence[Want]) -> list[bytes | None]:
        """Return parts of files, all of each; None for a file that is not there.

        Raises
        ------
        ImageError
            If one cannot be read or ends before its part does.
        """

    def part(self, name: str, start: int, length: int) -> bytes | None:
        """Return so many bytes from a place on, fewer where the file ends; None if there is no such file."""
        size = self.size(name)
        if size is None:
            return None
        return self.many([Want(name, start, max(0, min(length, size - start)))])[0]

    def place(self, name: str) -> str:
        """Return how a file is called in an error."""
        return shown(f"{self.address.rstrip('/')}/{name}" if name else self.address)

    def close(self) -> None:
        """Forget which versions of files were seen."""
        self.files.forget()


class RemoteFolderStore(RemoteStore):
    """A folder at an address. What a server says is not there is not there; any other refusal is an error."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._documents: dict[str, bytes | None] = {}

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is no such file."""
        if name.rpartition("/")[2] in METADATA_NAMES:
            data = self.read(name)
            return None if data is None else len(data)
        with told():
            return self.files.size(name)

    def read(self, name: str, limit: int = METADATA_LIMIT) -> bytes | None:
        """Return a whole file, or None if there is no such file; one larger than ``limit`` is refused."""
        if name.rpartition("/")[2] not in METADATA_NAMES:
            return self.many([Want(name, limit=limit)])[0]
        if name not in self._documents:
            with told():
                found = self.files.document(name, limit)
            self._documents[name] = None if found is None else found[0]
            if found is not None and name.endswith(("zarr.json", ".zarray")):
                said = f"{found[1]}\n".encode() + found[0]
                self.files.mark(name.rpartition("/")[0], hashlib.sha256(said).hexdigest())
        return self._documents[name]

    def many(self, wants: Sequence[Want]) -> list[bytes | None]:
        """Return parts of files, all of each; None for a file that is not there."""
        with told():
            return self.files.read(wants)

    def ends(self, names: Sequence[str], length: int, *, first: bool) -> list[tuple[bytes, int] | None]:
        """Return the last (or first) bytes of files and their sizes; None for one that is not there."""
        with told():
            if not first:
                return self.files.tails(names, length)
            heads = self.files.read([Want(name, 0, length) for name in names])
            return [
                None if data is None else (data, self.files.size(name) or 0)
                for name, data in zip(names, heads, strict=True)
            ]

    def discard(self, name: str) -> None:
        """Drop what is kept of a file that turned out to be damaged."""
        self.files.discard(name)

    def names(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Raise ``ImageError``: web servers do not list folders in a way that all agree on."""
        raise self._unlisted(folder)

    def children(self, folder: str) -> list[str]:
        """Raise ``ImageError``, as :meth:`names`."""
        raise self._unlisted(folder)

    def _unlisted(self, folder: str) -> ImageError:
        return ImageError(
            self.place(folder), "cannot be listed by address", "Name the folder of one image inside it"
        )


class RemoteZipStore(RemoteStore):
    """A zip at an address, of which only the list of files and the parts that are needed are read."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        with told():
            found = self.files.tail("", _TAIL, current=True)
        if found is None:
            raise ImageError(shown(address), "is not there (404)", "Correct the address")
        try:
            with zipfile.ZipFile(_Ranges(self.files, *found)) as archive:
                listed = [entry for entry in archive.infolist() if not entry.is_dir()]
                end = archive.start_dir
        except ExchangeError as error:
            raise ImageError(error.path, error.problem, error.remedy) from error
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            failed = failure(Path(last_name(address)), error, "this zip")
            raise ImageError(shown(address), failed.problem, failed.remedy) from error
        listed.sort(key=lambda entry: entry.header_offset)
        stops = [entry.header_offset for entry in listed[1:]] + [end]
        self._entries = below_only_folder(
            {entry.filename: (entry, stop) for entry, stop in zip(listed, stops, strict=True)}
        )
        self._starts: dict[str, int] = {}

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is no such file."""
        found = self._entries.get(name)
        return None if found is None else found[0].file_size

    def read(self, name: str, limit: int = METADATA_LIMIT) -> bytes | None:
        """Return a whole file, or None if there is no such file; one larger than ``limit`` is refused."""
        return self.many([Want(name, limit=limit)])[0]

    def ends(self, names: Sequence[str], length: int, *, first: bool) -> list[tuple[bytes, int] | None]:
        """Return the last (or first) bytes of files and their sizes; None for one that is not there."""
        sizes = [self.size(name) for name in names]
        wants = [
            Want(name, 0 if first else max(0, size - length), min(length, size))
            for name, size in zip(names, sizes, strict=True)
            if size is not None
        ]
        came = dict(zip((want.name for want in wants), self.many(wants), strict=True))
        found: list[tuple[bytes, int] | None] = []
        for name, size in zip(names, sizes, strict=True):
            data = came.get(name)
            found.append(None if size is None or data is None else (data, size))
        return found

    def discard(self, _name: str) -> None:
        """Drop what is kept of the zip."""
        self.files.discard("")

    def many(self, wants: Sequence[Want]) -> list[bytes | None]:
        """Return parts of files, all of each; None for a file that is not there."""
        there = [(number, want) for number, want in enumerate(wants) if want.name in self._entries]
        self._find({want.name for _, want in there if not self._is_whole(want)})
        asked = []
        for _, want in there:
            entry, stop = self._entries[want.name]
            if self._is_whole(want):
                if entry.file_size > want.limit:
                    said = f"has {entry.file_size:,} bytes where at most {want.limit:,} are expected"
                    raise ImageError(self.place(want.name), said, "Copy it again")
                within_limit(self.path, entry.file_size, f"its member {want.name}")
                asked.append(Want("", entry.header_offset, stop - entry.header_offset))
            else:
                if want.start + want.length > entry.file_size:
                    raise ImageError(self.place(want.name), "is cut short", "Copy it again")
                asked.append(Want("", self._starts[want.name] + want.start, want.length))
        with told():
            came = self.files.read(asked)
        found: list[bytes | None] = [None] * len(wants)
        for (number, want), data in zip(there, came, strict=True):
            if data is None:
                raise ImageError(self.place(""), "vanished while it was read", "Open it again")
            found[number] = self._unpacked(want, data) if self._is_whole(want) else data
        return found

    def _is_whole(self, want: Want) -> bool:
        """Whether a part is taken from the whole member: where that is asked for, or it is compressed."""
        entry = self._entries[want.name][0]
        return want.length < 0 or entry.compress_type != zipfile.ZIP_STORED

    def _find(self, names: set[str]) -> None:
        """Find out where members begin: behind a header whose length only the header tells."""
        unknown = [name for name in sorted(names) if name not in self._starts]
        with told():
            heads = self.files.read([Want("", self._entries[name][0].header_offset, 30) for name in unknown])
        for name, head in zip(unknown, heads, strict=True):
            self._starts[name] = self._entries[name][0].header_offset + self._begin(name, head or b"")

    def _begin(self, name: str, head: bytes) -> int:
        if head[:4] != b"PK\x03\x04" or len(head) < 30:
            raise ImageError(self.place(name), "is not where the zip says it is", "Copy the zip again")
        return 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")

    def _unpacked(self, want: Want, data: bytes) -> bytes:
        entry = self._entries[want.name][0]
        first = self._begin(want.name, data)
        packed = data[first : first + entry.compress_size]
        try:
            if entry.compress_type == zipfile.ZIP_STORED:
                content = packed
            elif entry.compress_type == zipfile.ZIP_DEFLATED:
                content = zlib.decompressobj(-15).decompress(packed, entry.file_size + 1)
            else:
                said = f"is compressed by method {entry.compress_type} inside its zip"
                raise ImageError(self.place(want.name), said, "Download the zip")
        except zlib.error as error:
            raise ImageError(self.place(want.name), "is damaged", "Copy the zip again") from error
        if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise ImageError(
                self.place(want.name), "is damaged: its checksum does not fit", "Copy the zip again"
            )
        return content if want.length < 0 else content[want.start : want.start + want.length]

    def names(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Yield name and size of all files below a folder."""
        prefix = f"{folder}/" if folder else ""
        yield from (
            (name, entry.file_size) for name, (entry, _) in self._entries.items() if name.startswith(prefix)
        )

    def children(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted."""
        prefix = f"{folder}/" if folder else ""
        return sorted(
            {name[len(prefix) :].split("/")[0] for name in self._entries if name.startswith(prefix)}
        )


class _Ranges(io.RawIOBase):
    """A file at an address, for reading the end of it; the last bytes are at hand."""

    def __init__(self, files: RemoteFiles, tail: bytes, size: int) -> None:
        self.files, self.held, self.size = files, tail, size
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = max(0, (0, self.at, self.size)[whence] + offset)
        return self.at

    def read(self, size: int = -1, /) -> bytes:
        stop = self.size if size < 0 else min(self.size, self.at + size)
        first = self.size - len(self.held)
        if self.at < first and stop > self.at:
            self.held = (self.files.read([Want("", self.at, first - self.at)])[0] or b"") + self.held
            first = self.at
        data = self.held[self.at - first : stop - first] if stop > self.at else b""
        self.at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_remote_store(address: str) -> RemoteStore:
    """Return the store at an address: a zip if it is named as one, else a folder."""
    return RemoteZipStore(address) if ZIP_NAME.search(address) else RemoteFolderStore(address)
