"""Locks that end with the process that holds them: one conversion at a time, and none beside a dead one's workers."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from micrographia.errors import DatasetError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no such locks; two runs into one folder are then up to the user.
    fcntl = None

PATIENCE = 120.0
"""Seconds to wait for workers that outlived a killed run; each finishes at most the image that it has in hand."""


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock that only one process can have.

    Raises
    ------
    DatasetError
        If another process has it.
    """
    with _opened(path) as handle:
        if not _take(handle, shared=False):
            raise DatasetError(path, "another conversion is writing here", "Wait until it has ended")
        yield


@contextlib.contextmanager
def together(path: Path) -> Iterator[None]:
    """Hold a lock that many processes can have at once, for as long as they write."""
    with _opened(path) as handle:
        _take(handle, shared=True)
        yield


def wait_for_others(path: Path, patience: float = PATIENCE) -> None:
    """Wait until no process holds the lock of :func:`together`.

    Raises
    ------
    DatasetError
        If that takes longer than ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    with _opened(path) as handle:
        while not _take(handle, shared=False):
            if time.monotonic() > deadline:
                raise DatasetError(
                    path, "processes of an earlier conversion still write here", "Stop them first"
                )
            time.sleep(0.05)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield handle
    finally:
        os.close(handle)


def _take(handle: int, *, shared: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
