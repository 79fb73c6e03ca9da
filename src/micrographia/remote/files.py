"""The files below an address, in whole or in part: many at a time, kept on disk, all of one version."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from micrographia.errors import ExchangeError
from micrographia.remote import cache
from micrographia.remote.addresses import below, shown
from micrographia.remote.asking import Ask, ChangedError, Entity, MissingError, NoRangesError
from micrographia.remote.downloads import cached_file
from micrographia.remote.reading import answered, entity
from micrographia.remote.requests import send
from micrographia.remote.settings import settings

GAP = 32 << 10
"""Parts with at most so many bytes between them are asked for as one."""
JOINED = 4 << 20
"""Parts are joined up to so many bytes: larger ones come faster side by side."""
WHOLE_LIMIT = 1 << 30
"""Bytes above which a file is not read whole into memory."""

Task = TypeVar("Task")
Result = TypeVar("Result")


class Want(NamedTuple):
    """A part of a file: ``length`` bytes from ``start`` on; the whole file if ``length`` is -1."""

    name: str
    start: int = 0
    length: int = -1
    limit: int = WHOLE_LIMIT


class _Workers:
    """Threads that wait for servers; each process has its own."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.pool: ThreadPoolExecutor | None = None

    def run(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        if len(tasks) < 2:
            return [function(task) for task in tasks]
        with self.lock:
            if self.pool is None:
                self.pool = ThreadPoolExecutor(max(1, int(settings().connections)), "remote")
        futures = [self.pool.submit(function, task) for task in tasks]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


_WORKERS = _Workers()
os.register_at_fork(after_in_child=_WORKERS.renew)


class RemoteFiles:
    """The files below an address.

    It can be pickled, read from several threads, and used after a fork. Of one file all parts are of one version:
    what is kept on disk of another one is not used, and a file that changes while it is read is an error.

    Parameters
    ----------
    base
        The address; that of a single file if only the name ``""`` is read.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self._marks: dict[str, str] = {}
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Entity] = {}
        self._missing: set[str] = set()
        self._whole: dict[str, Path] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"base": self.base, "_marks": self._marks}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._renew()

    def address(self, name: str) -> str:
        """Return the address of a file."""
        return below(self.base, name) if name else self.base

    def mark(self, folder: str, version: str) -> None:
        """Keep what is read below a folder apart from what was read of another version of it."""
        self._marks[folder] = version

    def _key(self, name: str) -> str:
        address = self.address(name)
        folder = name
        while self._marks and folder:
            folder = folder.rpartition("/")[0]
            if folder in self._marks:
                return f"{address}\n{self._marks[folder]}"
        return address

    def forget(self) -> None:
        """Forget which versions were seen and which files are missing."""
        self._renew()

    # Sizes and documents.

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is none.

        Raises
        ------
        ExchangeError
            If the server does not answer, refuses, or does not say.
        """
        known = self._known.get(name)
        if known is not None and known.size >= 0:
            return known.size
        if name in self._missing:
            return None
        try:
            found = entity(self.address(name))
        except MissingError:
            self._missing.add(name)
            return None
        if found.size < 0:
            raise ExchangeError(shown(self.address(name)), "does not tell its size", "Download it")
        self._see(name, found)
        return found.size

    def document(self, name: str, limit: int) -> tuple[bytes, Entity] | None:
        """Return a small file and its version, asking whether what is kept of it is still current; None if missing.

        Raises
        ------
        ExchangeError
            If it cannot be read.
        """
        key = self.address(name)
        kept = cache.get(key, "whole")
        known = kept.entity if kept is not None else Entity()
        ask = Ask(self.address(name), limit=limit, known=known, unchanged=known.is_known)
        try:
            answer = send(ask)
        except MissingError:
            return None
        if answer is None and kept is not None:
            return kept.data, kept.entity
        if answer is None:
            raise ExchangeError(shown(ask.address), "says that it has not changed, unasked", "Try again")
        cache.put(key, "whole", answer.data, answer.entity)
        return answer.data, answer.entity

    # Parts.

    def read(self, wants: Sequence[Want]) -> list[bytes | None]:
        """Return parts of files, as many at a time as there may be connections.

        Returns
        -------
        list
            For each part its bytes, all of them; None for a file that the server says is not there.

        Raises
        ------
        ExchangeError
            If a file cannot be read, ends before the part does, or changes while it is read.
        """
        found: list[bytes | None] = [None] * len(wants)
        open_ = []
        for number, want in enumerate(wants):
            if want.name in self._missing:
                continue
            if want.length == 0:
                found[number] = b""
                continue
            kept = self._kept(want)
            if kept is None:
                open_.append(number)
            found[number] = kept
        groups = _joined([(number, wants[number]) for number in open_])
        for group, parts in zip(
            groups, _WORKERS.run(lambda held: self._fetch([w for _, w in held]), groups), strict=True
        ):
            for (number, _), data in zip(group, parts, strict=True):
                found[number] = data
        return found

    def tails(self, names: Sequence[str], length: int) -> list[tuple[bytes, int] | None]:
        """Return the last bytes of files, as many at a time as there may be connections; see :meth:`tail`."""
        return _WORKERS.run(lambda name: self.tail(name, length), names)

    def discard(self, name: str) -> None:
        """Drop what is kept of a file."""
        self._drop(name)

    def tail(self, name: str, length: int, *, current: bool = False) -> tuple[bytes, int] | None:
        """Return the last bytes of a file (all of a shorter one) and its size; None if it is missing.

        Parameters
        ----------
        name
            Of the file.
        length
            How many.
        current
            Ask whether what is kept of it is still current, however fresh it is.

        Raises
        ------
        ExchangeError
            As :meth:`read`.
        """
        if name in self._missing:
            return None
        key, part = self._key(name), f"tail-{length}"
        kept = cache.get(key, part)
        usable = kept is not None and kept.entity.size >= 0 and (kept.is_fresh or current)
        if kept is not None and usable and not current and self._see(name, kept.entity, kept=True):
            return kept.data, kept.entity.size
        whole = self._whole.get(name)
        if whole is None:
            known = kept.entity if kept is not None and usable and current else self._of(name)
            ask = Ask(self.address(name), -length, limit=length, known=known)
            ask.unchanged = current and known.is_known
            try:
                answer = send(ask)
            except MissingError:
                self._missing.add(name)
                return None
            except ChangedError:
                self._drop(name)
                raise
            except NoRangesError:
                whole = self._download(name)
            else:
                if answer is None and kept is not None:
                    self._see(name, kept.entity)
                    return kept.data, kept.entity.size
                if answer is None:
                    raise ExchangeError(
                        shown(ask.address), "says that it has not changed, unasked", "Try again"
                    )
                if ask.unchanged:
                    cache.forget(key)
                self._see(name, answer.entity)
                cache.put(key, part, answer.data, answer.entity)
                return answer.data, answer.entity.size
        size = whole.stat().st_size
        with whole.open("rb") as file:
            file.seek(max(0, size - length))
            return file.read(), size

    def _of(self, name: str) -> Entity:
        return self._known.get(name, Entity())

    def _see(self, name: str, seen: Entity, *, kept: bool = False) -> bool:
        """Remember the version of a file; tell whether it is the one that was seen before."""
        with self._lock:
            known = self._known.get(name)
            if known is None:
                self._known[name] = seen
                return True
        if not known.differs(seen):
            return True
        if kept:
            return False
        self._drop(name)
        raise ChangedError(
            shown(self.address(name)), "was replaced by another version while it was read", "Open it again"
        )

    def _drop(self, name: str) -> None:
        cache.forget(self._key(name))
        with self._lock:
            self._known.pop(name, None)
            self._whole.pop(name, None)

    def _kept(self, want: Want) -> bytes | None:
        part = "whole" if want.length < 0 else f"{want.start}-{want.length}"
        kept = cache.get(self._key(want.name), part)
        if kept is None or not kept.is_fresh or len(kept.data) > want.limit:
            return None
        if want.length >= 0 and (
            len(kept.data) != want.length or not self._see(want.name, kept.entity, kept=True)
        ):
            return None
        return kept.data

    def _fetch(self, wants: Sequence[Want]) -> list[bytes | None]:
        """Return parts of one file that lie close to each other."""
        first = wants[0]
        if first.length < 0:
            return [self._fetch_whole(first)]
        start, stop = first.start, max(want.start + want.length for want in wants)
        data = self._fetch_range(first.name, start, stop - start)
        if data is None:
            return [None] * len(wants)
        found = [data[want.start - start : want.start - start + want.length] for want in wants]
        known = self._of(first.name)
        for want, part in zip(wants, found, strict=True):
            cache.put(self._key(first.name), f"{want.start}-{want.length}", part, known)
        return list(found)

    def _fetch_whole(self, want: Want) -> bytes | None:
        try:
            answer = answered(Ask(self.address(want.name), limit=want.limit))
        except MissingError:
            self._missing.add(want.name)
            return None
        cache.put(self._key(want.name), "whole", answer.data, answer.entity)
        return answer.data

    def _fetch_range(self, name: str, start: int, length: int) -> bytes | None:
        whole = self._whole.get(name)
        if whole is None:
            try:
                answer = answered(Ask(self.address(name), start, length, limit=length, known=self._of(name)))
            except MissingError as error:
                if name not in self._known:
                    self._missing.add(name)
                    return None
                self._drop(name)
                raise ChangedError(
                    shown(error.path), "vanished while it was read", "Open it again"
                ) from error
            except ChangedError:
                self._drop(name)
                raise
            except NoRangesError:
                whole = self._download(name)
            else:
                self._see(name, answer.entity)
                return self._complete(name, answer.data, start, length)
        with whole.open("rb") as file:
            file.seek(start)
            return self._complete(name, file.read(length), start, length)

    def _download(self, name: str) -> Path:
        """Return a file on disk whose server knows no ranges."""
        path = cached_file(self.address(name))
        self._see(name, Entity(path.stat().st_size))
        self._whole[name] = path
        return path

    def _complete(self, name: str, data: bytes, start: int, length: int) -> bytes:
        if len(data) != length:
            raise ExchangeError(
                shown(self.address(name)),
                f"ends after {start + len(data):,} bytes",
                "It is cut short; copy it again",
            )
        return data


def _joined(wants: Sequence[tuple[int, Want]]) -> list[list[tuple[int, Want]]]:
    """Return parts in groups that are asked for as one."""
    groups: list[list[tuple[int, Want]]] = []
    for number, want in sorted(wants, key=lambda held: (held[1].name, held[1].start, held[1].length)):
        last = groups[-1] if groups else []
        if last and last[0][1].name == want.name and want.length >= 0 <= last[0][1].length:
            start = last[0][1].start
            stop = max(held.start + held.length for _, held in last)
            if want.start - stop <= GAP and max(stop, want.start + want.length) - start <= JOINED:
                last.append((number, want))
                continue
        groups.append([(number, want)])
    return groups
