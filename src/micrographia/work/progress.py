"""A progress bar that says how fast the work goes and how long it will still take."""

from __future__ import annotations

import sys
import time
from typing import Any, Self


class Progress:
    """A progress bar with count, rate and remaining time on standard error; silent where that is no terminal.

    Parameters
    ----------
    label
        What is being done, in a word or two.
    total
        Number of items, or None when unknown.
    quiet
        Show nothing.
    """

    def __init__(self, label: str, total: int | None = None, *, quiet: bool = False) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.bytes = 0
        self._started = time.perf_counter()
        self._bar: Any = None
        self._row: Any = None
        self._quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        if not self._quiet:
            self._bar = _rich_bar()
            self._bar.start()
            self._row = self._bar.add_task(self.label, total=self.total, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.perf_counter() - self._started

    def advance(self, items: int = 1, size: int = 0) -> None:
        """Count ``items`` more as done, with ``size`` bytes."""
        self.done += items
        self.bytes += size
        if self._bar is not None:
            self._bar.update(self._row, advance=items, note=self.rate())

    def rate(self) -> str:
        """Return the speed so far, as in ``31 ms each, 1.9 GB/min``; empty before anything is done."""
        if not self.done:
            return ""
        seconds = self.seconds
        each = seconds / self.done
        text = f"{each:.1f} s each" if each >= 1 else f"{each * 1000:.0f} ms each"
        if self.bytes and seconds:
            text += f", {self.bytes / 1e9 / seconds * 60:.1f} GB/min"
        return text


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("  {task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
