"""JSON files of any size, one element at a time, in bounded memory.

The file is mapped, not read. A compiled scan finds where the elements of the outer containers begin and
end; each element is then decoded alone. Deep nesting, and elements that would grow beyond all measure, are
errors.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.files import clean
from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.errors import AnnotationError

MAX_BYTES = 8 << 30
MAX_DEPTH = 100
MAX_ELEMENT = 128 << 20
"""Bytes of one element, such as one annotation."""
MAX_CONTAINERS = 4 << 20
"""Lists and objects in one element: vertices of one outline, for example."""

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

MAX_MEMBERS = 10_000
"""Members of the outer object."""
BATCH = 1 << 14
"""Items of a container that are found at once."""

_MORE, _END, _BROKEN, _DEEP = 0, 1, -1, -2


@kernel
def _items(data: Bytes, at: int, depth: int, deepest: int, out: Ints) -> tuple[int, int, int]:
    """Find the next items of a container.

    Begin at its bracket with ``depth`` 0; go on with ``depth`` 1 where the last call stopped. ``out`` gets for each
    item its first byte, its colon (or -1) and the byte behind it. Returns the number of items, where to go on (or the
    byte behind the container), and 0 if there may be more, 1 at the end, -1 if it does not end, -2 if it is nested
    too deep.
    """
    inside = False
    count = 0
    first = at + 1 if depth == 0 else at
    colon = -1
    k = at
    while k < data.size:
        c = data[k]
        if inside:
            if c == 92:  # a backslash
                k += 1
            elif c == 34:
                inside = False
        elif c == 34:
            inside = True
        elif c == 91 or c == 123:
            depth += 1
            if depth > deepest:
                return count, k, -2
        elif c == 93 or c == 125:
            depth -= 1
            if depth == 0:
                out[count, 0], out[count, 1], out[count, 2] = first, colon, k
                return count + 1, k + 1, 1
        elif depth == 1 and c == 58 and colon < 0:
            colon = k
        elif depth == 1 and c == 44:
            out[count, 0], out[count, 1], out[count, 2] = first, colon, k
            count += 1
            first = k + 1
            colon = -1
            if count == out.shape[0]:
                return count, k + 1, 0
        k += 1
    return count, k, -1


class JsonFile:
    """A mapped JSON file; use :func:`opened`.

    Parameters
    ----------
    path
        The file.
    data
        Its bytes.
    """

    def __init__(self, path: Path, data: Bytes) -> None:
        self.path = path
        self.latin = False
        self._data = data
        begin = 3 if data[:3].tobytes() == b"\xef\xbb\xbf" else 0
        head = data[begin : begin + 4096].tobytes()
        begin += len(head) - len(head.lstrip())
        self.top = chr(data[begin]) if begin < len(data) else ""
        if self.top not in "[{" or not self.top:
            raise AnnotationError(path, "is no JSON object or list")
        self._begin = begin

    def members(self) -> dict[str, tuple[int, int]]:
        """Return the members of the outer object: name to where its value begins and ends."""
        if self.top != "{":
            return {}
        found: dict[str, tuple[int, int]] = {}
        for first, colon, end in self._spans(self._begin):
            if colon < 0:
                if self._data[first:end].tobytes().strip():
                    raise self._broken(first)
                continue
            name = self._decode(first, colon)
            if not isinstance(name, str):
                raise self._broken(first)
            found.setdefault(name, (colon + 1, end))
            if len(found) > MAX_MEMBERS:
                raise AnnotationError(
                    self.path, f"has more than {MAX_MEMBERS} members", "Is it really annotations?"
                )
        return found

    def value(self, span: tuple[int, int]) -> Any:
        """Return a value that :meth:`members` found."""
        return self._decode(*span)

    def elements(self, span: tuple[int, int] | None = None) -> Iterator[Any]:
        """Yield the elements of a list one after the other; by default of the outer list.

        Raises
        ------
        AnnotationError
            If it is no list, or an element is broken or too large.
        """
        begin = self._begin
        if span is not None:
            begin, end = span
            lead = self._data[begin : min(end, begin + 4096)].tobytes()
            begin += len(lead) - len(lead.lstrip())
        if self._data[begin] != ord("["):
            raise AnnotationError(self.path, f"has no list at byte {begin}, where one was expected")
        for number, (first, _, end) in enumerate(self._spans(begin)):
            blank = end - first < 4096 and not self._data[first:end].tobytes().strip()
            if blank and number == 0 and self._data[end] == ord("]"):
                return
            yield self._decode(first, end)

    def _spans(self, begin: int) -> Iterator[list[int]]:
        """Yield first byte, colon and end of the items of the container that begins at ``begin``."""
        at, depth, state = begin, 0, _MORE
        out = np.empty((BATCH, 3), np.int64)
        while state == _MORE:
            count, at, state = _items(self._data, at, depth, MAX_DEPTH, out)
            depth = 1
            yield from out[:count].tolist()
        if state == _DEEP:
            raise AnnotationError(
                self.path, f"is nested more than {MAX_DEPTH} deep", "Is it really annotations?"
            )
        if state == _BROKEN:
            raise AnnotationError(self.path, "ends in the middle of its JSON", "Get the whole file")
        if begin == self._begin and self._data[at : at + 4096].tobytes().strip():
            raise AnnotationError(self.path, f"has more after the end of its JSON, at byte {at}")

    def _decode(self, first: int, end: int) -> Any:
        if end - first > MAX_ELEMENT:
            raise AnnotationError(self.path, f"holds an element of {end - first:,} bytes at byte {first}")
        raw = self._data[first:end].tobytes()
        if raw.count(b"[") + raw.count(b"{") > MAX_CONTAINERS:
            raise AnnotationError(self.path, f"holds an element of too many lists at byte {first}")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            self.latin = True
            text = raw.decode("latin-1")
        try:
            value = json.loads(text)
            return mended(value) if b"\\ud" in raw.lower() else value
        except (ValueError, RecursionError) as error:
            raise AnnotationError(self.path, f"has broken JSON near byte {first}: {error}") from error

    def _broken(self, at: int) -> AnnotationError:
        return AnnotationError(self.path, f"has broken JSON near byte {at}")


@contextmanager
def opened(path: str | PathLike[str]) -> Iterator[JsonFile]:
    """Map a JSON file.

    Raises
    ------
    AnnotationError
        If it cannot be read, is empty or too large, or is no JSON object or list.
    """
    where = Path(path)
    try:
        with where.open("rb") as file:
            size = file.seek(0, 2)
            if size == 0:
                raise AnnotationError(where, "is empty")
            if size > MAX_BYTES:
                raise AnnotationError(where, f"is larger than {MAX_BYTES:,} bytes", "Split it by image")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise AnnotationError(where, f"cannot be read: {error}") from error
    data = np.frombuffer(mapped, np.uint8)
    yield JsonFile(where, data)
    # The map is let go with the last view of it; closing it under a view is an error.


def mended(value: Any) -> Any:
    """Return a JSON value whose texts hold no halves of surrogate pairs."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [mended(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): mended(item) for key, item in value.items()}
    return value


def number(value: Any) -> float | None:
    """Return a JSON number as a float, or None if it is none that is finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        real = float(value)
    except OverflowError:
        return None
    return real if np.isfinite(real) else None


def whole(value: Any) -> int | None:
    """Return a JSON number (or a text of digits) as an integer of 64 bits, or None."""
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 40:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        return None
    return value


def numbers(value: Any) -> npt.NDArray[np.float64] | None:
    """Return a JSON list of finite numbers as an array, or None."""
    if not isinstance(value, list) or any(type(item) not in (int, float) for item in value):
        return None
    try:
        array = np.array(value, np.float64)
    except (OverflowError, ValueError):
        return None
    return array if np.isfinite(array).all() else None
