"""The order of an epoch: a permutation, shuffled, in bounded memory, the same blocks for one worker."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.loading.order import Order, in_turn, shuffled


def an_order(seed, budget=1000, blocks=30, most=9):
    random = np.random.default_rng(seed)
    held = random.integers(1, most, blocks)
    owners = np.repeat(np.arange(blocks), held)
    nbytes = random.integers(1, 60, blocks)
    return owners, nbytes, shuffled(owners, nbytes, budget, random)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), budget=st.sampled_from([0, 100, 500, 3000, 100_000]), size=st.integers(1, 12)
)
def test_every_draw_comes_once_whatever_the_batch(seed, budget, size):
    owners, _, order = an_order(seed, budget)
    assert sorted(order.draws.tolist()) == list(range(len(owners)))
    batched = order.batches(size)
    assert sorted(batched.draws.tolist()) == list(range(len(owners)))
    lane_of = dict(zip(order.draws.tolist(), order.lanes.tolist(), strict=True))
    assert [lane_of[draw] for draw in batched.draws.tolist()] == batched.lanes.tolist()
    parts = [draw for rank in range(3) for draw in order.shard(rank, 3, even=False).draws.tolist()]
    assert sorted(parts) == list(range(len(owners)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), budget=st.sampled_from([300, 500, 3000]))
def test_blocks_under_way_fit_into_the_budget(seed, budget):
    owners, nbytes, order = an_order(seed, budget)
    sequence = owners[order.draws]
    first = {block: place for place, block in reversed(list(enumerate(sequence.tolist())))}
    last = {block: place for place, block in enumerate(sequence.tolist())}
    under_way = np.zeros(len(sequence) + 1, int)
    for block, place in first.items():
        under_way[place] += nbytes[block]
        under_way[last[block] + 1] -= nbytes[block]
    assert np.cumsum(under_way).max() <= budget


def test_all_is_shuffled_when_all_fits():
    """Neighbours in the order are of one block no more often than chance has it."""
    owners, _, order = an_order(3, 10**9, blocks=200)
    sequence = owners[order.draws]
    together = np.mean(sequence[1:] == sequence[:-1])
    counts = np.bincount(owners)
    chance = float((counts * (counts - 1)).sum() / (len(owners) * (len(owners) - 1)))
    assert together < 4 * chance + 0.01


def test_a_batch_is_of_one_lane_and_lanes_take_turns():
    owners, _, order = an_order(4, 2000, blocks=120)
    lanes = len(set(order.lanes.tolist()))
    assert lanes == 8
    batched = order.batches(5)
    runs = batched.lanes[: len(batched) // 5 * 5].reshape(-1, 5)
    whole = [run for run in runs.tolist() if len(set(run)) == 1]
    assert len(whole) >= len(runs) - lanes
    assert [run[0] for run in whole[:16]] == [*range(8), *range(8)]
    # Two workers that take turns decode no block both, but for what is left at the end.
    blocks = owners[batched.draws]
    even, odd = (set(blocks[: len(whole) * 5].reshape(-1, 5)[start::2].ravel().tolist()) for start in (0, 1))
    assert len(even & odd) <= lanes


def test_in_turn_is_as_it_is():
    assert in_turn(4).draws.tolist() == [0, 1, 2, 3]
    assert in_turn(7).after(5).draws.tolist() == [5, 6]
    assert len(in_turn(7).shard(1, 3, even=True)) == 2
    assert isinstance(in_turn(0).batches(3), Order)
    assert len(shuffled(np.zeros(0, np.int64), np.zeros(0, np.int64), 10, np.random.default_rng(0))) == 0
