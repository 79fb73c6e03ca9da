"""Parquet files read in parts: on this machine, on the web, or in an object store."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.layout import Part
from micrographia.errors import MicrographiaError
from micrographia.remote import RemoteFiles, Want

if TYPE_CHECKING:
    from collections.abc import Iterator

Reader = Callable[[int, int], bytes]
"""Returns bytes of a file: first byte, and how many."""


class RangeFile(io.RawIOBase):
    """A file of which only the asked parts are read.

    Parameters
    ----------
    read
        Reads a part.
    size
        Bytes of the file.
    """

    def __init__(self, read: Reader, size: int) -> None:
        self._read, self._size, self._at = read, size, 0
        self.problem: MicrographiaError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place, and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def size(self) -> int:
        """Return the bytes of the file."""
        return self._size

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        rest = max(0, self._size - self._at)
        length = rest if size is None or size < 0 else min(size, rest)
        if length == 0:
            return b""
        try:
            data = self._read(self._at, length)
        except MicrographiaError as error:
            # Arrow tells errors of Python in words of its own; what this one says is told where it is caught.
            self.problem = error
            raise OSError(str(error)) from error
        self._at += len(data)
        return data


class Table:
    """One Parquet file of a published catalogue; its footer is read when it is first asked.

    Parameters
    ----------
    part
        What the catalogue says of it.
    place
        Path or address, for errors.
    read
        Reads a part of it.
    discard
        Forgets what is kept of it, called when it turns out to be damaged.
    """

    def __init__(
        self, part: Part, place: str, read: Reader, discard: Callable[[], None] | None = None
    ) -> None:
        self.part, self.place, self._discard = part, place, discard
        self._source = RangeFile(read, part.size)
        self._opened: Any = None
        self._bounds: dict[str, list[tuple[Any, Any] | None]] = {}

    @property
    def _file(self) -> Any:
        if self._opened is None:
            with self._guarded():
                opened = parquet.ParquetFile(
                    pa.PythonFile(self._source, mode="r"), pre_buffer=True, page_checksum_verification=True
                )
            if opened.metadata.num_rows != self.part.rows:
                rows = f"{opened.metadata.num_rows:,} rows instead of {self.part.rows:,}"
                raise self._broken(f"it has {rows}")
            self._opened = opened
        return self._opened

    @property
    def group_rows(self) -> list[int]:
        """Rows of each row group."""
        held = self._file.metadata
        return [held.row_group(group).num_rows for group in range(held.num_row_groups)]

    def read(self, columns: Sequence[str], groups: Sequence[int] | None = None) -> pa.Table:
        """Return columns of some row groups, or of all.

        Raises
        ------
        CatalogueError
            If the file is damaged or cut short, or cannot be reached.
        """
        file = self._file
        chosen = range(file.metadata.num_row_groups) if groups is None else groups
        with self._guarded():
            return file.read_row_groups(list(chosen), columns=list(columns))

    def groups(self, column: str, low: Any, high: Any) -> list[int]:
        """Return the row groups that may hold values from ``low`` to ``high`` in a column."""
        return [
            group
            for group, bounds in enumerate(self._column_bounds(column))
            if bounds is None or (bounds[0] <= high and bounds[1] >= low)
        ]

    def _column_bounds(self, column: str) -> list[tuple[Any, Any] | None]:
        if column not in self._bounds:
            held = self._file.metadata
            at = held.schema.names.index(column)
            told = [held.row_group(group).column(at).statistics for group in range(held.num_row_groups)]
            self._bounds[column] = [
                (one.min, one.max) if one is not None and one.has_min_max else None for one in told
            ]
        return self._bounds[column]

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self._source.problem = None
        try:
            yield
        except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            cause = self._source.problem
            if cause is not None:
                raise CatalogueError(cause.path, cause.problem, cause.remedy) from error
            raise self._broken(str(error).splitlines()[0]) from error

    def _broken(self, how: str) -> CatalogueError:
        if self._discard is not None:
            self._discard()
        return CatalogueError(
            self.place,
            f"is damaged or no whole file ({how})",
            "Copy it again, or have the catalogue published again: micrographia index --publish",
        )


def local_reader(path: str) -> Reader:
    """Return what reads parts of a file of this machine."""

    def read(start: int, length: int) -> bytes:
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                file.seek(start)
                return file.read(length)
        except OSError as error:
            raise CatalogueError(
                path, f"cannot be read ({error.strerror or error})", "Copy the whole folder again"
            ) from error

    return read


def remote_reader(files: RemoteFiles, name: str) -> Reader:
    """Return what reads parts of a file on the web."""

    def read(start: int, length: int) -> bytes:
        data = files.read([Want(name, start, length)])[0]
        if data is None:
            raise CatalogueError(
                files.address(name),
                "is not there",
                "Have the catalogue published again, or try again in a minute",
            )
        return data

    return read
