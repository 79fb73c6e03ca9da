"""What was read stays on disk for a while: parts and whole files, verified, the least recently used dropped first.

Every entry is one file that appears whole or not at all, so that many processes may share the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import google_crc32c

from micrographia.errors import ExchangeError
from micrographia.remote.asking import Entity
from micrographia.remote.settings import cache_folder, settings

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no such locks; two runs then read the same file twice.
    fcntl = None

_MAGIC = b"MGRAPH1\n"
_SWEEP = 0.05
"""After so much of the limit was written by one process, it looks at what all of them keep."""
_GRACE = 60.0
"""Seconds in which a file that was just used is not dropped: someone is about to open it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file that was kept: its bytes, the version they are of, and when they were read."""

    data: bytes
    entity: Entity
    stored: float

    @property
    def is_fresh(self) -> bool:
        """Whether it may be used without asking whether the file has changed."""
        return 0 <= time.time() - self.stored < settings().fresh


class _Written:
    """Bytes that this process wrote since it last looked at the whole folder."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.nbytes = float("inf")

    def add(self, nbytes: int, limit: int) -> bool:
        with self.lock:
            self.nbytes += nbytes
            if self.nbytes < limit * _SWEEP:
                return False
            self.nbytes = 0
            return True


_WRITTEN = _Written()
os.register_at_fork(after_in_child=_WRITTEN.renew)


def remote_folder() -> Path:
    """Return the folder in which everything that was read from servers is kept."""
    return cache_folder() / "remote"


def capacity() -> int:
    """Return how many bytes may be kept."""
    return int(settings().cache_mb * 1_000_000)


def place_of(kind: str, key: str) -> Path:
    """Return the folder of what is kept under a key."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return remote_folder() / kind / digest[:2] / digest[2:]


def get(key: str, part: str) -> Piece | None:
    """Return a part that was kept under a key, if it is there and undamaged."""
    if capacity() == 0:
        return None
    path = place_of("parts", key) / part
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        length = int.from_bytes(content[8:12], "little")
        head = json.loads(content[12 : 12 + length])
        data = content[12 + length :]
        entity = Entity(int(head["size"]), str(head["tag"]), str(head["modified"]))
        sound = content[:8] == _MAGIC and head["key"] == key and head["crc"] == google_crc32c.value(data)
        stored = float(head["stored"])
    except (ValueError, KeyError, TypeError, IndexError):
        sound = False
    if not sound:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return Piece(data, entity, stored)


def put(key: str, part: str, data: bytes, entity: Entity) -> None:
    """Keep a part, if there is room; a disk that is full or may not be written is no reason to fail."""
    limit = capacity()
    if len(data) * 4 > limit:
        return
    head = json.dumps(
        {
            "key": key,
            "size": entity.size,
            "tag": entity.tag,
            "modified": entity.modified,
            "stored": time.time(),
            "crc": google_crc32c.value(data),
        }
    ).encode()
    path = place_of("parts", key) / part
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.writelines((_MAGIC, len(head).to_bytes(4, "little"), head, data))
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        return
    wrote(len(data) + len(head))


def wrote(nbytes: int) -> None:
    """Count what was written, and look now and then whether all that is kept is within the limit."""
    limit = capacity()
    if _WRITTEN.add(nbytes, limit):
        sweep(limit)


def forget(key: str) -> None:
    """Drop all that is kept under a key."""
    shutil.rmtree(place_of("parts", key), ignore_errors=True)
    shutil.rmtree(place_of("files", key), ignore_errors=True)


def sweep(limit: int | None = None) -> int:
    """Drop what was not used for longest until nine tenths of the limit are left; return the bytes that are kept.

    Files that were used within the last minute stay.
    """
    limit = capacity() if limit is None else limit
    found: list[tuple[float, int, str]] = []
    for kind in ("parts", "files"):
        found += _entries(remote_folder() / kind)
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return total
    recent = time.time() - _GRACE
    whole = str(remote_folder() / "files")
    for used, size, path in sorted(found):
        if total <= limit * 0.9:
            break
        if used > recent and path.startswith(whole):
            continue
        with contextlib.suppress(OSError):
            Path(path).unlink()
            total -= size
        with contextlib.suppress(OSError):
            Path(path).parent.rmdir()
    return total


def _entries(folder: Path) -> list[tuple[float, int, str]]:
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - many thousand entries
            with contextlib.suppress(OSError):
                state = os.stat(path)  # noqa: PTH116
                found.append((state.st_mtime, state.st_blocks * 512, path))
    return found


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time work in a folder, which is made.

    Raises
    ------
    ExchangeError
        If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ExchangeError(
            folder, f"cannot be written to ({error.strerror})", "Choose another MICROGRAPHIA_CACHE_DIR"
        ) from error
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
