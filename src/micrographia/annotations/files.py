"""Files as annotation formats need them: written whole or not at all, read only up to a limit."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path, PurePosixPath, PureWindowsPath

from micrographia.errors import AnnotationError

MAX_TEXT = 1 << 30
"""Bytes of a text file that are read at most."""


@contextmanager
def replaced(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside ``path``; what was written there takes its place when the block ends well.

    Raises
    ------
    AnnotationError
        If the file cannot be written; what was there before stays.
    """
    target = Path(path)
    temporary = target.with_name(f".micrographia-{secrets.token_hex(6)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise AnnotationError(target, problem, "Choose another place, or make room there") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; half a surrogate pair becomes a question mark."""
    write_bytes(path, text.encode("utf-8", errors="replace"))


def write_bytes(path: str | PathLike[str], content: bytes) -> None:
    """Write a file, whole or not at all."""
    with replaced(path) as target:
        target.write_bytes(content)


def read_bytes(path: str | PathLike[str], limit: int = MAX_TEXT) -> bytes:
    """Return the content of a file.

    Raises
    ------
    AnnotationError
        If it cannot be read or is larger than ``limit`` bytes.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise AnnotationError(path, f"cannot be read: {getattr(error, 'strerror', '') or error}") from error
    if len(content) > limit:
        raise AnnotationError(path, f"is larger than {limit:,} bytes", "Split it into several files")
    return content


def read_text(path: str | PathLike[str], limit: int = MAX_TEXT) -> tuple[str, bool]:
    """Return a text file and whether it is UTF-8 (it is read as Latin-1 if not)."""
    content = read_bytes(path, limit)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), True
        except UnicodeDecodeError:
            return content.decode("latin-1"), False
    try:
        return content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return content.decode("latin-1"), False


def head(path: str | PathLike[str], size: int = 65536) -> bytes:
    """Return the first bytes of a file; empty for a folder or what cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


def clean(text: str) -> str:
    """Return a text without halves of surrogate pairs, which no table and no UTF-8 can hold.

    They come from names of files that are not UTF-8, and from broken escapes in JSON.
    """
    return text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")


def safe_name(name: str) -> tuple[str, bool]:
    """Return a file name from an annotation file with ``/`` between folders, and whether it stays in its folder.

    A name that is absolute or climbs with ``..`` is cut down to its last part.
    """
    plain = name.replace("\\", "/") if PureWindowsPath(name).drive or "/" not in name else name
    parts = PurePosixPath(plain).parts
    absolute = plain.startswith("/") or bool(PureWindowsPath(name).drive) or "://" in plain
    if absolute or ".." in parts:
        return (parts[-1] if parts and parts[-1] not in ("..", "/") else "unnamed"), False
    return str(PurePosixPath(*parts)) if parts else "", True
