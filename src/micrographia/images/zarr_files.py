"""Writing the files of a Zarr hierarchy: each hashed while it is written, under a temporary name until all is there."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from micrographia.errors import ImageError
from micrographia.images.image import Array

EMPTY = 0xFFFFFFFFFFFFFFFF
"""Offset and size, in the index of a shard, of a chunk that holds nothing but the fill value."""


@dataclass(frozen=True, slots=True, order=True)
class WrittenFile:
    """One file that was written.

    Parameters
    ----------
    path
        Relative to what was written, with ``/``.
    size
        In bytes.
    sha256
        64 hexadecimal digits; empty where checksums were not wanted.
    """

    path: str
    size: int
    sha256: str


class Folder:
    """A folder that is being filled; keeps the list of what was written. Safe to use from several threads.

    Parameters
    ----------
    path
        An existing, empty folder.
    checksums
        Whether files are hashed while they are written.
    """

    def __init__(self, path: Path, *, checksums: bool = True) -> None:
        self.path = path
        self.checksums = checksums
        self.written: list[WrittenFile] = []
        self._root = os.fspath(path) + "/"
        self._made: set[str] = {""}
        self._lock = threading.Lock()

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write a whole file, given its path relative to the folder."""
        file = self.open(name)
        try:
            write_all(file, data)
        finally:
            os.close(file)
        self.add(name, len(data), hashlib.sha256(data).hexdigest() if self.checksums else "")

    def open(self, name: str) -> int:
        """Create a file, and the folders that it needs, and return its descriptor."""
        parent = name.rpartition("/")[0]
        if parent not in self._made:
            self._make(parent)
        return os.open(self._root + name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def add(self, name: str, size: int, sha256: str) -> None:
        """Note that a file was written."""
        self.written.append(WrittenFile(name, size, sha256))

    def _make(self, name: str) -> None:
        with self._lock:
            parts = name.split("/")
            for count in range(1, len(parts) + 1):
                part = "/".join(parts[:count])
                if part not in self._made:
                    os.mkdir(self._root + part)  # noqa: PTH102 - one system call; a Path costs more than the call
                    self._made.add(part)


class ShardFile:
    """A shard of Zarr 3 that is being written: chunks in the order in which they come, the index at the end.

    Parameters
    ----------
    folder, name
        Where it is written.
    slots
        Chunks that a shard holds.
    expected
        How many of them will come; at the edge of an array fewer than all.
    """

    def __init__(self, folder: Folder, name: str, slots: int, expected: int) -> None:
        self.name = name
        self._folder = folder
        self._expected = expected
        self._index = np.full((slots, 2), EMPTY, "<u8")
        self._hash = hashlib.sha256() if folder.checksums else None
        self._size = 0
        self._file = folder.open(name)

    def append(self, slots: Array, sizes: Array, data: Array) -> bool:
        """Write chunks.

        Parameters
        ----------
        slots
            The place of each in the shard.
        sizes
            Bytes of each, -1 where there are none because it holds nothing but the fill value.
        data
            The chunks one after the other, uint8.

        Returns
        -------
        bool
            Whether the shard is whole; it is closed then.
        """
        there = sizes >= 0
        kept = sizes[there]
        self._index[slots[there], 0] = self._size + np.cumsum(kept) - kept
        self._index[slots[there], 1] = kept
        self._size += len(data)
        self._expected -= len(slots)
        self._write(data.data)
        if self._expected:
            return False
        index = self._index.tobytes()
        self._write(index + google_crc32c.value(index).to_bytes(4, "little"))
        checksum = "" if self._hash is None else self._hash.hexdigest()
        self._folder.add(self.name, self._size + len(index) + 4, checksum)
        self.close()
        return True

    def _write(self, data: bytes | memoryview) -> None:
        if self._hash is not None:
            self._hash.update(data)
        write_all(self._file, data)

    def close(self) -> None:
        """Close the file, whole or not."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def write_all(file: int, data: bytes | memoryview) -> None:
    """Write all bytes: a full disk takes some of them and refuses the rest only when asked again."""
    done = os.write(file, data)
    while done < len(data):
        done += os.write(file, memoryview(data)[done:])


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path beside the target, which becomes the target when the block ends without an error.

    On an error, also of the disk, nothing is left of it and an old target stays as it was. What a killed run left is
    set right by the next.

    Raises
    ------
    ImageError
        If the disk is full or refuses to be written; it names the target.
    """
    partial = target.with_name(f".{target.name}.partial")
    old = target.with_name(f".{target.name}.old")
    try:
        if not target.exists() and old.exists():
            old.rename(target)
        remove(old)
        remove(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if target.is_dir() and not target.is_symlink():
            target.rename(old)
            try:
                partial.replace(target)
            except BaseException:
                old.rename(target)
                raise
            remove(old)
        else:
            partial.replace(target)
    except BaseException as error:
        with suppress(OSError):
            remove(partial)
        if not isinstance(error, OSError) or not _about(error, target):
            raise
        raise ImageError(
            target,
            f"it cannot be written: {error.strerror or error}",
            "Make room or choose another place; nothing was changed",
        ) from error


def _about(error: OSError, target: Path) -> bool:
    """Return whether an error is about what is written; errors about open files name none."""
    return error.filename is None or os.fspath(error.filename).startswith(os.fspath(target.parent))


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
