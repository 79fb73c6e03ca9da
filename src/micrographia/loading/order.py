"""In which order patches come: shuffled, and yet so that the blocks under way fit into memory.

The blocks of an epoch are shuffled and dealt to **lanes**, each of which goes through its blocks with a window of so
many bytes: a patch of a block that begins at byte q of its lane comes at a place drawn uniformly from q to q + window.
So at any moment the patches to come are from the blocks of one window, and in memory are at most a window and one block
more. Worker processes take lanes, so that no two of them decode the same block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

LANES = 8
"""The largest number of lanes."""

WIDE = 1
"""A lane's window holds at least so many of the largest blocks, if there is memory for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The order of an epoch.

    Parameters
    ----------
    draws
        Numbers of the draws, in the order in which they come one by one.
    lanes
        Lane of each.
    """

    draws: Ints
    lanes: Ints

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.draws)

    def shard(self, rank: int, world: int, *, even: bool) -> Order:
        """Return every ``world``-th patch from ``rank`` on; ``even``: as many for each rank, leaving some out."""
        stop = len(self) // world * world if even else len(self)
        return Order(self.draws[rank:stop:world], self.lanes[rank:stop:world])

    def after(self, count: int) -> Order:
        """Return what comes after the first so many patches."""
        return Order(self.draws[count:], self.lanes[count:])

    def batches(self, size: int) -> Order:
        """Return the same patches in another order: each run of ``size`` patches is of one lane as far as it goes.

        Runs alternate between the lanes; what is left of the lanes comes last.
        """
        if size == 1:
            return self
        within = _ranks(self.lanes)
        counts = np.bincount(self.lanes)
        full = within < counts[self.lanes] // size * size
        runs = np.lexsort((within[full], self.lanes[full], within[full] // size))
        places = np.concatenate([np.flatnonzero(full)[runs], np.flatnonzero(~full)])
        return Order(self.draws[places], self.lanes[places])


def in_turn(count: int) -> Order:
    """Return the order of draws that come as they are."""
    return Order(np.arange(count), np.zeros(count, np.int64))


def shuffled(blocks: Ints, nbytes: Ints, budget: int, random: np.random.Generator) -> Order:
    """Shuffle draws so that blocks under way fit into a budget.

    Parameters
    ----------
    blocks
        Block of each draw, (n,), from 0 without gaps.
    nbytes
        Bytes of each block, (m,).
    budget
        Bytes for the blocks of all lanes.
    random
        Makes it random.

    Returns
    -------
    Order
        Draws that come one by one alternate between the lanes.
    """
    count = len(blocks)
    if not count:
        return in_turn(0)
    largest = int(nbytes.max())
    lanes = LANES
    while lanes > 1 and budget // lanes < (WIDE + 1) * largest:
        lanes //= 2
    window = max(0, budget // lanes - largest)
    turn = random.permutation(len(nbytes))
    held = np.bincount(blocks, minlength=len(nbytes))[turn]
    before = np.cumsum(held) - held
    lane_of_turn = np.minimum(before * lanes // count, lanes - 1)
    place_of_turn = np.cumsum(nbytes[turn]) - nbytes[turn]
    lane, place = np.empty(len(turn), np.int64), np.empty(len(turn), np.float64)
    lane[turn], place[turn] = lane_of_turn, place_of_turn
    keys = place[blocks] + window * random.random(count)
    sequence = np.lexsort((keys, lane[blocks]))
    mine = lane[blocks][sequence]
    alternating = np.lexsort((mine, _ranks(mine)))
    return Order(sequence[alternating], mine[alternating])


def _ranks(lanes: Ints) -> Ints:
    """Return the number of earlier entries of the same lane."""
    by_lane = np.argsort(lanes, kind="stable")
    counts = np.bincount(lanes)
    starts = np.cumsum(counts) - counts
    ranks = np.empty(len(lanes), np.int64)
    ranks[by_lane] = np.arange(len(lanes)) - starts[lanes[by_lane]]
    return ranks
