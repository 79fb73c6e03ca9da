"""What all readers share: looking at a file before trusting it, and turning any failure into one clear error."""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError

LIMIT_VARIABLE = "MICROGRAPHIA_MAX_DECODED_MB"
"""Environment variable with the megabytes that may be decoded in one go."""

HEAD_BYTES = 4096
"""How much of a file the readers see to recognise it."""

DEFLATE_RATIO = 1040
"""No deflate stream holds more bytes than this for each byte it takes."""


def printable(path: str | os.PathLike[str]) -> str:
    r"""Return a path as text that can be printed anywhere: bytes that are no UTF-8 are written as ``\xNN``."""
    return address_of(path) or os.fsencode(path).decode("utf-8", "backslashreplace")


def address_of(path: str | os.PathLike[str]) -> str:
    """Return the address that a path stands for, in which a ``Path`` leaves one slash of two; empty for other paths."""
    found = re.match(r"(https?|s3):/+(?=[^/])", os.fspath(path), flags=re.IGNORECASE)
    return f"{found[1]}://{os.fspath(path)[found.end() :]}" if found else ""


def limit() -> int:
    """Return how many bytes may be decoded in one go: 512 MiB, or what the environment says."""
    said = os.environ.get(LIMIT_VARIABLE, "")
    return (int(said) if said.isdecimal() else 512) << 20


def within_limit(path: Path, nbytes: int, what: str) -> None:
    """Raise ``ImageError`` if ``what``, which can only be decoded whole, is larger than :func:`limit`."""
    if nbytes > limit():
        raise ImageError(
            printable(path),
            f"{what} claims {nbytes / 2**20:,.0f} MiB, which must be decoded in one go (limit {limit() >> 20} MiB)",
            f"If the file is sound, set {LIMIT_VARIABLE} higher, or store it in tiles (OME-Zarr, tiled TIFF)",
        )


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; a path that cannot be is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def look(path: Path) -> bytes:
    """Return the first bytes of a file after making sure that it is one.

    Raises
    ------
    ImageError
        If it does not exist, is no regular file, is empty, or cannot be opened.
    """
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise ImageError(
                printable(path), "is a folder, not an image", "Name a file or an OME-Zarr image inside it"
            )
        if not stat.S_ISREG(state.st_mode):
            raise ImageError(printable(path), "is no regular file", "Name a file")
        if state.st_size == 0:
            raise ImageError(printable(path), "is empty", "Copy it again from where it came")
        with path.open("rb", buffering=0) as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise failure(path, error) from error


def failure(path: Path, error: BaseException, doing: str = "") -> ImageError:
    """Return the ``ImageError`` that tells of an exception which reading ``path`` raised."""
    if isinstance(error, ImageError):
        return error
    name = printable(path)
    if isinstance(error, FileNotFoundError):
        return ImageError(name, "does not exist", "Correct the path")
    if isinstance(error, PermissionError):
        return ImageError(name, "may not be read by you", "Ask its owner for permission to read it")
    if isinstance(error, MemoryError):
        return ImageError(name, f"{doing or 'it'} does not fit into memory", "Read it by smaller regions")
    if isinstance(error, OSError) and error.errno is not None and not doing:
        return ImageError(name, f"cannot be opened: {error.strerror}", "Correct the path or the link")
    said = one_line(error)
    return ImageError(
        name,
        f"{doing or 'it'} cannot be read: {said}",
        "The file is damaged, cut short or of a kind that is not supported; copy or export it again",
    )


def one_line(error: BaseException, length: int = 200) -> str:
    """Return the message of an exception in one line of at most ``length`` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= length else text[: length - 3] + "..."


class _Collector(logging.Filter):
    """Takes the messages that a library logs while one of our threads reads; lets all others pass."""

    def __init__(self) -> None:
        super().__init__()
        self.local = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        said: list[str] | None = getattr(self.local, "said", None)
        if said is None:
            return True
        if record.levelno >= logging.WARNING:
            said.append(" ".join(record.getMessage().split()))
        return False


_COLLECTOR = _Collector()
for _name in ("tifffile", "nibabel.global"):
    logging.getLogger(_name).addFilter(_COLLECTOR)


class _Listener(logging.Handler):
    """Does for the loggers below a package what a filter does for one logger."""

    def emit(self, record: logging.LogRecord) -> None:
        if _COLLECTOR.filter(record) and logging.lastResort is not None and not logging.getLogger().handlers:
            logging.lastResort.handle(record)


@cache
def collect_logs(package: str) -> None:
    """Let :func:`decoding` take what any logger of a package says."""
    logging.getLogger(package).addHandler(_Listener(logging.WARNING))


_FOR_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)

_WARNINGS = threading.RLock()


def _renew() -> None:
    global _WARNINGS
    _WARNINGS = threading.RLock()


os.register_at_fork(after_in_child=_renew)


@contextmanager
def decoding(path: Path, doing: str = "its pixels") -> Iterator[list[str]]:
    """Turn whatever a library raises into an ``ImageError`` about ``path``, and keep what it logs off the screen.

    Yields
    ------
    list of str
        Filled with what the library logged at the level of a warning or above.
    """
    outer = getattr(_COLLECTOR.local, "said", None)
    said: list[str] = []
    _COLLECTOR.local.said = said
    try:
        yield said
    except Exception as error:  # decoders of damaged files raise anything; all of it is told
        raise failure(path, error, doing) from error
    finally:
        _COLLECTOR.local.said = outer


@contextmanager
def parsing(path: Path, doing: str = "its header") -> Iterator[list[str]]:
    """Do as :func:`decoding`, and also collect Python warnings; one thread at a time, so for headers only."""
    with decoding(path, doing) as said, _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
        said.extend(
            " ".join(str(warning.message).split())
            for warning in caught
            if not issubclass(warning.category, _FOR_DEVELOPERS)
        )


def pixel_dtype(path: Path, dtype: Any, where: str = "") -> np.dtype[Any]:
    """Return the type in which pixels stored as ``dtype`` are read: native, with bool as ``uint8`` (0 and 1).

    Raises
    ------
    ImageError
        If pixels of this type are no intensities or labels: complex numbers, objects, text, records.
    """
    stored = np.dtype(dtype)
    if stored.kind == "b":
        return np.dtype(np.uint8)
    if stored.kind in "uif" and stored.itemsize <= 8:
        return stored.newbyteorder("=")
    reason = {
        "c": "complex numbers",
        "O": "Python objects",
        "V": "records",
        "f": "floats of more than 64 bits",
    }
    raise ImageError(
        printable(path),
        f"{where or 'it'} holds {reason.get(stored.kind, f'values of type {stored}')}, not pixels",
        "Store integers or floats of up to 64 bits; split complex numbers into two channels",
    )


def choose(path: Path, names: Sequence[str], member: str, auxiliary: Sequence[str] = ()) -> int:
    """Return which of the members of a file is meant.

    Parameters
    ----------
    path
        The file.
    names
        Of its members.
    member
        A name, or a number counted from 0. Empty means the only member, or the only one that is not auxiliary.
    auxiliary
        Names with which members begin that accompany an image (thumbnails).

    Raises
    ------
    ImageError
        If no member or more than one is meant.
    """
    if member in names:
        return names.index(member)
    if member.isascii() and member.isdecimal() and int(member) < len(names):
        return int(member)
    main = [index for index, name in enumerate(names) if not name.startswith(tuple(auxiliary))]
    if member == "" and len(main) == 1:
        return main[0]
    shown = ", ".join(repr(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")
    if member == "":
        problem = f"holds {len(names)} images"
    elif names == [""]:
        raise ImageError(printable(path), f"is one image; it has no member {member!r}", "Open it without one")
    else:
        problem = f"has no member {member!r}"
    raise ImageError(printable(path), problem, f"Name one of its members: {shown}")


class FilePixels:
    """Base of pixels that keep a file open between reads: opened when first needed, in each process anew.

    A subclass implements ``_open`` and ``_shut``; ``self.lock`` guards what its handle cannot do from two threads.
    """

    _HANDLE = ("lock", "_handle", "_process")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self.lock = threading.RLock()
        self._handle: Any = None
        self._process = os.getpid()

    def _open(self) -> Any:
        raise NotImplementedError

    def _shut(self, handle: Any) -> None:
        handle.close()

    def handle(self) -> Any:
        """Return the open handle, opening it if needed; a forked process opens its own."""
        if self._process != os.getpid():
            self._forget()
        with self.lock:
            if self._handle is None:
                with decoding(self.path, ""):
                    self._handle = self._open()
            return self._handle

    def close(self) -> None:
        """Close the file; reading again opens it again."""
        with self.lock:
            handle, self._handle = self._handle, None
        if handle is not None and self._process == os.getpid():
            self._shut(handle)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self._HANDLE}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()
