"""Where the files of a Zarr hierarchy lie: in a folder or in a zip; read whole or in part.

A store holds no open files of its own: the last few that were read stay open for the whole process. It can be
pickled, read from several threads, and used after a fork.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import threading
import zipfile
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from micrographia.errors import ImageError
from micrographia.images.files import address_of, failure, printable, within_limit
from micrographia.paths import has_link
from micrographia.remote import Want

OPEN_FILES = 64
"""How many files the process keeps open at most."""

METADATA_LIMIT = 64 << 20
"""A larger metadata file is refused."""

Entry = TypeVar("Entry")

METADATA_NAMES = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


class _File:
    """A descriptor that is closed when the last one who reads from it lets go."""

    __slots__ = ("number",)

    def __init__(self, path: str) -> None:
        self.number = -1
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


class _OpenFiles:
    """The most recently used files, oldest first."""

    def __init__(self) -> None:
        self.counter = itertools.count()
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.files: OrderedDict[tuple[int, str], _File] = OrderedDict()

    def get(self, owner: int, path: str) -> _File:
        key = owner, path
        with self.lock:
            file = self.files.get(key)
            if file is not None:
                self.files.move_to_end(key)
                return file
        file = _File(path)
        with self.lock:
            self.files[key] = file
            while len(self.files) > OPEN_FILES:
                self.files.popitem(last=False)
        return file

    def forget(self, owner: int) -> None:
        with self.lock:
            for key in [key for key in self.files if key[0] == owner]:
                del self.files[key]


_FILES = _OpenFiles()
os.register_at_fork(after_in_child=_FILES.renew)


class Store(ABC):
    """Files under names with ``/``.

    Parameters
    ----------
    path
        The folder or zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._owner = next(_FILES.counter)

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is no such file."""

    @abstractmethod
    def part(self, name: str, start: int, length: int) -> bytes | None:
        """Return so many bytes from a place on, fewer where the file ends; None if there is no such file."""

    @abstractmethod
    def locate(self, name: str) -> tuple[_File, int] | None:
        """Return an open file that holds a file as it is, and where that begins; None if there is no such file."""

    @property
    def direct(self) -> bool:
        """Whether all files lie somewhere as they are, so that they can be located."""
        return True

    remote = False
    """Whether it lies at an address."""

    def many(self, wants: Sequence[Want]) -> list[bytes | None]:
        """Return parts of files of a remote store, asked for at once; None for a file that is not there."""
        raise NotImplementedError

    def ends(self, names: Sequence[str], length: int, *, first: bool) -> list[tuple[bytes, int] | None]:
        """Return the last (or first) bytes of files of a remote store, and their sizes; None for one not there."""
        raise NotImplementedError

    def discard(self, name: str) -> None:  # noqa: B027
        """Drop what is kept of a file that turned out to be damaged; nothing is kept of files of this machine."""

    @abstractmethod
    def names(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Yield name and size of all files below a folder, in no order."""

    @abstractmethod
    def children(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted."""

    def read(self, name: str, limit: int = METADATA_LIMIT) -> bytes | None:
        """Return a whole file, or None if there is no such file; one larger than ``limit`` is refused."""
        size = self.size(name)
        if size is None:
            return None
        if size > limit:
            raise ImageError(
                self.place(name), f"has {size:,} bytes where at most {limit:,} are expected", "Copy it again"
            )
        return self.part(name, 0, size)

    def json(self, name: str) -> dict[str, Any] | None:
        """Return a file of JSON that holds an object, or None if there is no such file.

        Raises
        ------
        ImageError
            If it holds anything else; it names the file.
        """
        data = self.read(name)
        if data is None:
            return None
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ImageError(
                self.place(name), f"is no valid JSON: {' '.join(str(error).split())}", "Copy it again"
            ) from error
        if not isinstance(document, dict):
            raise ImageError(self.place(name), "is JSON but no object", "Copy or export it again")
        return document

    def place(self, name: str) -> str:
        """Return how a file is called in an error."""
        return printable(self.path / name) if name else printable(self.path)

    def close(self) -> None:
        """Close the files that are open; reading opens them again."""
        _FILES.forget(self._owner)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_owner"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._owner = next(_FILES.counter)

    def __del__(self) -> None:
        if hasattr(self, "_owner"):
            _FILES.forget(self._owner)


class FolderStore(Store):
    """A folder; see :class:`Store`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._root = os.fspath(path) + "/"

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is no such file."""
        try:
            return os.stat(self._root + name).st_size  # noqa: PTH116 - called for every chunk
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise failure(self.path / name, error) from error

    def part(self, name: str, start: int, length: int) -> bytes | None:
        """Return so many bytes from a place on, fewer where the file ends; None if there is no such file."""
        found = self.locate(name)
        try:
            return None if found is None else os.pread(found[0].number, length, start)
        except OSError as error:
            raise failure(self.path / name, error) from error

    def locate(self, name: str) -> tuple[_File, int] | None:
        """Return an open file, and 0; None if there is no such file."""
        try:
            return _FILES.get(self._owner, self._root + name), 0
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise failure(self.path / name, error) from error

    def names(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Yield name and size of all files below a folder, in no order; links to folders are not followed."""
        try:
            with os.scandir(self._root + folder) as entries:
                found = list(entries)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return
            raise failure(self.path / folder, error) from error
        for entry in found:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self.names(name)
            else:
                yield name, self.size(name) or 0

    def children(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted."""
        try:
            return sorted(os.listdir(self._root + folder))  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise failure(self.path / folder, error) from error


class ZipStore(Store):
    """A zip; see :class:`Store`. What lies in it uncompressed is read where it lies.

    Raises
    ------
    ImageError
        If it is no zip, or cut short.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._entries: dict[str, tuple[int, int, int]] = {}
        try:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir():
                        known = entry.header_offset, entry.compress_type, entry.file_size
                        self._entries[entry.filename] = known
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise failure(path, error, "this zip") from error
        self._entries = below_only_folder(self._entries)
        self._starts: dict[str, int] = {}

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is no such file."""
        entry = self._entries.get(name)
        return None if entry is None else entry[2]

    def part(self, name: str, start: int, length: int) -> bytes | None:
        """Return so many bytes from a place on, fewer where the file ends; None if there is no such file."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        _, method, size = entry
        found = self.locate(name) if method == zipfile.ZIP_STORED else None
        if found is None:
            within_limit(self.path, size, f"its member {name}")
            return self._unpack(name, size)[start : start + length]
        try:
            return os.pread(found[0].number, min(length, max(0, size - start)), found[1] + start)
        except OSError as error:
            raise failure(self.path, error) from error

    def locate(self, name: str) -> tuple[_File, int] | None:
        """Return the zip and where in it a file begins; None if there is no such file."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        try:
            file = _FILES.get(self._owner, os.fspath(self.path))
            first = self._starts.get(name)
            if first is None:
                head = os.pread(file.number, 30, entry[0])
                if head[:4] != b"PK\x03\x04":
                    raise ImageError(
                        self.place(name), "is not where the zip says it is", "Copy the zip again"
                    )
                lengths = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
                first = self._starts[name] = entry[0] + 30 + lengths
        except OSError as error:
            raise failure(self.path, error) from error
        return file, first

    @property
    def direct(self) -> bool:
        """Whether no file is compressed."""
        return all(method == zipfile.ZIP_STORED for _, method, _ in self._entries.values())

    def _unpack(self, name: str, size: int) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive:
                entry = next(
                    item for item in archive.infolist() if item.header_offset == self._entries[name][0]
                )
                with archive.open(entry) as member:
                    return member.read(size)
        except (
            OSError,
            zipfile.BadZipFile,
            ValueError,
            NotImplementedError,
            RuntimeError,
            EOFError,
        ) as error:
            raise failure(self.path, error, f"its member {name}") from error

    def names(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Yield name and size of all files below a folder."""
        prefix = f"{folder}/" if folder else ""
        for name, entry in self._entries.items():
            if name.startswith(prefix):
                yield name, entry[2]

    def children(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted."""
        prefix = f"{folder}/" if folder else ""
        return sorted(
            {name[len(prefix) :].split("/")[0] for name in self._entries if name.startswith(prefix)}
        )


def below_only_folder(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return what lies in a zip by name, without the one folder in which a zip may hold a whole hierarchy."""
    tops = {name.split("/", 1)[0] for name in entries if "/" in name}
    if any(name in entries for name in METADATA_NAMES) or len(tops) != 1:
        return entries
    prefix = tops.pop() + "/"
    return {name.removeprefix(prefix): entry for name, entry in entries.items() if name.startswith(prefix)}


def open_store(path: str | os.PathLike[str]) -> Store:
    """Return the store in a folder or a zip, on this machine or at an address."""
    address = address_of(path)
    if address:
        from micrographia.images.zarr_remote import open_remote_store

        return open_remote_store(address)
    path = Path(path)
    return FolderStore(path) if path.is_dir() else ZipStore(path)


@lru_cache(maxsize=64)
def _resolved(absolute: str) -> Path:
    return Path(absolute).resolve()


def _stays_inside(root: Path, name: str) -> bool:
    if not has_link(root, name.split("/")):
        return True
    try:
        return (root / name).resolve().is_relative_to(_resolved(str(root.absolute())))
    except (OSError, RuntimeError) as error:
        raise failure(root / name, error, "this link") from error


def inner_path(store: Store, said: Any, where: str) -> str:
    """Return a path that metadata name, below the root of the store.

    Parameters
    ----------
    store
        The store.
    said
        What the metadata say.
    where
        The file that says so, for the error.

    Raises
    ------
    ImageError
        If it is no relative path, or leaves the store, also by a link.
    """
    if not isinstance(said, str) or not said or said.startswith("/") or "\\" in said or "\0" in said:
        raise ImageError(store.place(where), f"names {said!r}, which is no relative path", "Export it again")
    parts = [part for part in said.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ImageError(store.place(where), f"names {said!r}, which lies outside of it", "Export it again")
    name = "/".join(parts)
    if isinstance(store, FolderStore) and not _stays_inside(store.path, name):
        raise ImageError(
            store.place(name), "is a link that leads out of the image", "Put a copy in its place"
        )
    return name
