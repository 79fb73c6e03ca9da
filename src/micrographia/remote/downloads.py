"""Whole files to disk: resumed where an earlier download ended, verified, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from micrographia.errors import ExchangeError
from micrographia.remote import cache
from micrographia.remote.addresses import last_name, resolve, shown
from micrographia.remote.asking import Answer, Ask, ChangedError, Entity, NoRangesError, PassingError
from micrographia.remote.reading import answered
from micrographia.remote.requests import follow, pause
from micrographia.remote.settings import Settings, settings

_PARTIAL, _VERSION = ".partial", ".partial.json"
_BLOCK = 1 << 20


def download(
    url: str,
    path: Path,
    *,
    size: int = -1,
    sha256: str = "",
    limit: int = 1 << 62,
    progress: Callable[[int], None] | None = None,
) -> Entity:
    """Write a whole file to disk; it appears when it is whole and verified.

    What an earlier call left, also one that was killed, is continued if the server says that the file is the same.

    Parameters
    ----------
    url
        Address of the file.
    path
        Where to write it; its folder exists.
    size, sha256
        What it must have; -1 and empty if nobody knows.
    limit
        Bytes above which it is refused.
    progress
        Takes the number of bytes that were written since it was last called; negative if they were discarded.

    Raises
    ------
    ExchangeError
        If it cannot be read or written, or is not what it must be.
    """
    partial, version = path.with_name(f".{path.name}{_PARTIAL}"), path.with_name(f".{path.name}{_VERSION}")
    tell = progress or (lambda _: None)
    try:
        entity = _Download(url, partial, version, size, limit, tell).run()
        problem = _problem(partial, size, sha256)
        if problem:
            tell(-partial.stat().st_size)
            partial.unlink()
            raise ExchangeError(
                shown(url), f"is not the file that is listed: {problem}", "Ask whoever published it"
            )
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise ExchangeError(
            path, f"cannot be written ({error.strerror or error})", "Free space and run it again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            if partial.exists() and partial.stat().st_size == 0:
                partial.unlink()
            if not partial.exists():
                version.unlink(missing_ok=True)
    return entity


class _Download:
    """One file on its way."""

    def __init__(
        self, url: str, partial: Path, version: Path, size: int, limit: int, tell: Callable[[int], None]
    ) -> None:
        self.url, self.partial, self.version = url, partial, version
        self.size, self.limit, self.tell = size, limit, tell
        self.count = 0
        self.file: BinaryIO

    def run(self) -> Entity:
        """Write what is missing and return the version."""
        chosen, target = settings(), resolve(self.url)
        entity = self._remembered()
        with self.partial.open("ab") as self.file:
            self.count = self.file.tell()
            if not entity.is_known:
                self._discard()
            self.tell(self.count)
            failures = 0
            while not (self.count and self.count == entity.size):
                before = self.count
                try:
                    done = follow(self._ask(entity), target, chosen, float("inf"))
                    return done.entity if done is not None else entity
                except (NoRangesError, ChangedError):
                    self._discard()
                    entity = Entity()
                    failures += 1
                    if failures > chosen.retries:
                        raise
                except PassingError as error:
                    entity = self._remembered()
                    if not entity.is_known:
                        self._discard()
                    failures = 0 if self.count > before else failures
                    self._pause(error, failures, chosen)
                    failures += 1
        return entity

    def _pause(self, error: PassingError, failures: int, chosen: Settings) -> None:
        final = failures >= chosen.retries
        pause(self.url, error, failures, chosen, time.monotonic() if final else float("inf"))

    def _ask(self, entity: Entity) -> Ask:
        rest = self.limit if self.size < 0 else min(self.limit, self.size)
        return Ask(
            self.url,
            start=self.count,
            limit=max(0, rest - self.count),
            known=entity,
            sink=self._take,
            told=self._remember,
            patient=True,
        )

    def _take(self, piece: bytes) -> None:
        self.file.write(piece)
        self.count += len(piece)
        self.tell(len(piece))

    def _discard(self) -> None:
        self.tell(-self.count)
        self.file.truncate(0)
        self.file.seek(0)
        self.count = 0

    def _remember(self, entity: Entity) -> None:
        said = {"url": self.url, "size": entity.size, "tag": entity.tag, "modified": entity.modified}
        self.version.write_text(json.dumps(said), "utf-8")

    def _remembered(self) -> Entity:
        try:
            said = json.loads(self.version.read_text("utf-8"))
            if said["url"] == self.url:
                return Entity(int(said["size"]), str(said["tag"]), str(said["modified"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return Entity()


def _problem(path: Path, size: int, sha256: str) -> str:
    number = path.stat().st_size
    if size not in (-1, number):
        return f"it has {number:,} bytes, not {size:,}"
    if sha256:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        if digest.hexdigest() != sha256.lower():
            return "its SHA-256 is another one"
    return ""


def cached_file(url: str, *, size: int = -1, sha256: str = "") -> Path:
    """Return the path of a file on disk that has been read whole, or is now; under its own name.

    Parameters
    ----------
    url
        Address of the file.
    size, sha256
        What it must have; -1 and empty if nobody knows.

    Raises
    ------
    ExchangeError
        If it cannot be read, is not what it must be, or is larger than what may be kept.
    """
    folder = cache.place_of("files", url)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", last_name(url))[-120:].lstrip(".") or "file"
    path, version = folder / name, folder / ".version"
    with cache.alone(folder):
        if path.is_file() and _still(url, path, version, size, sha256):
            os.utime(path)
            return path
        limit = cache.capacity()
        try:
            entity = download(url, path, size=size, sha256=sha256, limit=limit)
        except ExchangeError as error:
            if 0 <= size <= limit or "bytes, more than the" not in error.problem:
                raise
            raise ExchangeError(
                shown(url),
                f"is larger than the {limit / 1e6:,.0f} MB that are kept of all servers together",
                "Fetch the dataset, or set MICROGRAPHIA_REMOTE_CACHE_MB higher",
            ) from error
        said = {"sha256": sha256, "at": time.time(), "tag": entity.tag, "modified": entity.modified}
        version.write_text(json.dumps(said | {"size": path.stat().st_size}), "utf-8")
    cache.wrote(path.stat().st_size)
    return path


def _still(url: str, path: Path, version: Path, size: int, sha256: str) -> bool:
    """Whether a file that is kept is still what the server has."""
    try:
        said = json.loads(version.read_text("utf-8"))
        entity = Entity(int(said["size"]), str(said["tag"]), str(said["modified"]))
        proven, at = str(said["sha256"]), float(said["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if path.stat().st_size != entity.size or size not in (-1, entity.size):
        return False
    if sha256:
        return proven == sha256 or not _problem(path, size, sha256)
    if 0 <= time.time() - at < settings().fresh:
        return True
    if not entity.is_known:
        return False
    found: Answer = answered(Ask(url, method="HEAD"))
    if found.entity.differs(entity):
        return False
    with contextlib.suppress(OSError):
        version.write_text(json.dumps(said | {"at": time.time()}), "utf-8")
    return True
