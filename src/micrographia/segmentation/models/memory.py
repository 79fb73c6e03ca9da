"""How much memory a piece of work takes: the largest resident size of the process above that at its start."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_SELF = Path("/proc/self")
_STATM = _SELF / "statm"


class PeakMemory:
    """Watches the resident size of this process, every few milliseconds, while the block runs.

    What other threads of the process take at the same time is counted, too. Where the system does not tell the present
    size (not Linux), the growth of the largest size so far is taken, which misses what earlier work had needed anyway.

    Parameters
    ----------
    seconds
        Between two looks.
    """

    def __init__(self, seconds: float = 0.01) -> None:
        self.peak_bytes = 0
        self._seconds = seconds
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._start = 0

    def __enter__(self) -> Self:
        self._start = resident()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(self._seconds):
            self._look()

    def _look(self) -> None:
        self.peak_bytes = max(self.peak_bytes, resident() - self._start)


def resident() -> int:
    """Return the resident size in bytes of this process and the programs it runs.

    At present where the system tells, else the largest so far of this process alone.
    """
    import resource

    if _STATM.exists():
        pages = sum(_pages(folder) for folder in (_SELF, *_children(_SELF)))
        return pages * resource.getpagesize()
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(largest if sys.platform == "darwin" else largest * 1024)


def _children(process: Path) -> list[Path]:
    """Return the folders of all programs that a process started and that run, and of theirs."""
    found: list[Path] = []
    for listed in process.glob("task/*/children"):
        try:
            numbers = listed.read_text("ascii").split()
        except OSError:  # a thread that has ended
            continue
        for number in numbers:
            child = Path("/proc") / number
            found += [child, *_children(child)]
    return found


def _pages(process: Path) -> int:
    try:
        return int((process / "statm").read_text("ascii").split()[1])
    except (OSError, IndexError):  # a program that has ended
        return 0
