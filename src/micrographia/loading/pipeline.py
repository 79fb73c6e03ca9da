"""From a sequence of draws to patches: blocks decoded ahead in threads, patches cut as their blocks are there."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading.blocks import Blocks
from micrographia.loading.cutting import Parts, cut
from micrographia.loading.planning import Draws

Ints = npt.NDArray[np.int64]

LARGE_PATCH = 1 << 20
"""Patches of so many bytes or more are cut in threads, too."""

AHEAD_BYTES = 96 << 20
"""About how many bytes of patches are cut ahead."""


class Pipeline:
    """Patches of some draws, in their order.

    Parameters
    ----------
    open_blocks
        Returns the blocks of this process.
    draws
        The draws of the epoch.
    sequence
        Which of them are wanted, in this order.
    """

    def __init__(self, open_blocks: Callable[[], Blocks], draws: Draws, sequence: Ints) -> None:
        self.open_blocks = open_blocks
        self.draws = draws
        self.sequence = sequence
        self.wanted = draws.blocks[sequence]
        _, firsts = np.unique(self.wanted, return_index=True)
        self.firsts = np.sort(firsts)

    def __iter__(self) -> Iterator[tuple[int, Parts]]:
        position = 0
        while position < len(self.sequence):
            # A fork ends all threads but one: in the child, what was under way is begun anew.
            for number, parts in _Run(self, position):
                position += 1
                yield number, parts

    def size(self, blocks: Blocks) -> int:
        """Return the bytes of a patch, about."""
        shape = blocks.shapes[int(self.draws.frames[self.sequence[0]])]
        channels = len(blocks.frames[int(self.draws.frames[self.sequence[0]])].channels)
        return int(np.prod(shape.patch)) * (4 * channels + 5)


class _Run:
    """One pass of a pipeline in one process."""

    def __init__(self, pipeline: Pipeline, position: int) -> None:
        self.line = pipeline
        self.position = position
        self.blocks = pipeline.open_blocks()
        size = pipeline.size(self.blocks)
        threads = self.blocks.threads
        self.in_threads = threads > 0 and size >= LARGE_PATCH
        self.ahead = max(2, min(4 * threads, AHEAD_BYTES // max(1, size))) if threads else 1
        self.left = np.bincount(pipeline.wanted[position:], minlength=int(pipeline.wanted.max()) + 1)
        self.event = int(np.searchsorted(pipeline.firsts, position))
        self.held: dict[int, Future[Any]] = {}
        self.pending: list[Future[Any]] = []
        self.nbytes = 0

    def __iter__(self) -> Iterator[tuple[int, Parts]]:
        line = self.line
        jobs: deque[Future[Parts] | None] = deque()
        process = os.getpid()
        try:
            for at in range(self.position, len(line.sequence)):
                self._ask_ahead(at)
                while len(jobs) < min(self.ahead, len(line.sequence) - at):
                    jobs.append(None)
                if self.in_threads:
                    self._cut_ahead(at, jobs)
                job = jobs.popleft()
                draw, block = int(line.sequence[at]), int(line.wanted[at])
                parts = self._cut(draw, block) if job is None else job.result()
                self._used(block)
                yield draw, parts
                if os.getpid() != process:
                    return
        finally:
            if os.getpid() == process:
                for block in list(self.held):
                    self._drop(block)

    def _ask_ahead(self, at: int) -> None:
        """Ask for the blocks of the next patches, and for more while there is time and room."""
        line, blocks = self.line, self.blocks
        self.pending = [future for future in self.pending if not future.done()]
        while self.event < len(line.firsts):
            first = int(line.firsts[self.event])
            block = int(line.wanted[first])
            size = blocks.size(*self._place(block))
            idle = len(self.pending) <= blocks.threads and self.nbytes + size <= blocks.budget
            if first >= at + self.ahead and not (idle and blocks.threads):
                break
            self.event += 1
            self._hold(block)

    def _hold(self, block: int) -> Future[Any]:
        found = self.held.get(block)
        if found is None:
            found = self.held[block] = self.blocks.ask(*self._place(block), pin=True)
            self.nbytes += self.blocks.size(*self._place(block))
            if not found.done():
                self.pending.append(found)
        return found

    def _place(self, block: int) -> tuple[int, Any]:
        return int(self.line.draws.block_frames[block]), self.line.draws.boxes[block]

    def _cut_ahead(self, at: int, jobs: deque[Future[Parts] | None]) -> None:
        assert self.blocks.pool is not None  # noqa: S101 - patches are cut in threads only where there are some
        for offset, job in enumerate(jobs):
            if job is None:
                draw, block = int(self.line.sequence[at + offset]), int(self.line.wanted[at + offset])
                if self._hold(block).done():
                    jobs[offset] = self.blocks.pool.submit(self._cut, draw, block)

    def _cut(self, draw: int, block: int) -> Parts:
        frame = int(self.line.draws.frames[draw])
        found = self._hold(block).result()
        z, y, x = self.line.draws.starts[draw].tolist()
        return cut(found, self.blocks.shapes[frame], self.blocks.linear(frame), (z, y, x))

    def _used(self, block: int) -> None:
        self.left[block] -= 1
        if not self.left[block]:
            self._drop(block)

    def _drop(self, block: int) -> None:
        del self.held[block]
        self.nbytes -= self.blocks.size(*self._place(block))
        self.blocks.release(*self._place(block))
