"""Where patches begin: every place equally likely, every block holds its patches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from loading import made
from micrographia import loading
from micrographia.loading import geometry as places
from micrographia.loading.frames import Frame
from micrographia.loading.planning import grid_starts, in_blocks, random_starts

SIDES = st.integers(1, 60)
THREE = st.tuples(SIDES, SIDES, SIDES)


def frame(shape, chunk, dtype="uint16"):
    chunk = tuple(min(a, b) for a, b in zip(chunk, shape, strict=True))
    return Frame(0, 0, None, 0, shape, (0,), True, dtype, (np.nan,) * 3, chunk, True, 2)


@pytest.fixture
def small_blocks(monkeypatch):
    """Make frames of a few kilobytes large ones."""
    monkeypatch.setattr(places, "WHOLE_BYTES", 0)
    monkeypatch.setattr(places, "BLOCK_BYTES", 4 * 16 * 16 * 4)


@settings(max_examples=150, deadline=None)
@given(shape=THREE, chunk=THREE, patch=THREE, zoom=st.sampled_from([1.0, 0.37, 1.9]), seed=st.integers(0, 99))
def test_blocks_hold_what_patches_need(shape, chunk, patch, zoom, seed):
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(places, "WHOLE_BYTES", 0)
        changed.setattr(places, "BLOCK_BYTES", 4 * 16 * 16 * 4)
        found = places.geometry(frame(shape, chunk), patch, (zoom,) * 3)
        starts, visits = random_starts(found, 20, np.random.default_rng(seed))
        draws = in_blocks([found], np.zeros(20, np.int64), starts, np.full(20, -1), visits)
    assert starts.shape == (20, 3)
    assert (starts >= 0).all()
    assert (starts < np.array(found.starts)).all()
    for number, start in enumerate(starts):
        box = draws.boxes[draws.blocks[number]]
        for part, at, foot, more, size, step in zip(
            box, start, found.footprint, found.margin, shape, found.chunk, strict=True
        ):
            assert 0 <= part.start <= max(0, at - more)
            assert min(size, at + foot + more) <= part.stop <= size
            assert part.start % step == 0
            assert part.stop % step == 0 or part.stop == size


def test_places_in_a_cell_are_equally_likely(small_blocks):
    """Given its cell, a place is uniform and independent of all others: the chi-squared test, cell by cell."""
    shape = places.geometry(frame((1, 61, 75), (1, 8, 8)), (1, 9, 14))
    assert np.prod(shape.cells) > 8
    assert shape.crops > 1
    random = np.random.default_rng(1665)
    found = np.concatenate([random_starts(shape, 37, random)[0] for _ in range(1500)])
    counts = np.zeros(shape.starts, int)
    np.add.at(counts, tuple(found.T), 1)
    cells = shape.cell_of(np.argwhere(counts >= 0)).reshape(counts.shape)
    levels = [stats.chisquare(counts[cells == cell]).pvalue for cell in range(cells.max() + 1)]
    assert min(levels) > 1e-3 / len(levels)
    assert len(levels) == len(shape.weights())


def test_visits_to_cells_are_proportional_to_their_places(small_blocks):
    """Exactly: the expected number of patches of a place is the same for all places, whatever its cell."""
    shape = places.geometry(frame((1, 61, 75), (1, 8, 8)), (1, 9, 14))
    random = np.random.default_rng(3)
    weights = shape.weights()
    assert weights.sum() == np.prod(shape.starts)
    cells = np.concatenate([shape.cell_of(random_starts(shape, 37, random)[0]) for _ in range(1500)])
    counts = np.bincount(cells, minlength=len(weights))
    expected = weights / weights.sum() * counts.sum()
    # Systematic sampling varies less than chance does: by at most one visit of so many patches an epoch.
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected * shape.crops)).all()


def test_inclusion_of_voxels_is_as_stated():
    """Worked by hand along one axis of 5 with patches of 3: places 0, 1, 2, so voxels are in 1, 2, 3, 2, 1 of 3."""
    np.testing.assert_allclose(loading.inclusion((5,), (3,)), np.array([1, 2, 3, 2, 1]) / 3)
    np.testing.assert_allclose(loading.inclusion((4, 2), (9, 1)), 0.5)


@settings(max_examples=50, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    patch=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_inclusion_is_the_share_of_places(shape, patch):
    seen = np.zeros(shape)
    sides = [range(max(0, size - side) + 1) for size, side in zip(shape, patch, strict=True)]
    for y in sides[0]:
        for x in sides[1]:
            seen[y : y + patch[0], x : x + patch[1]] += 1
    np.testing.assert_allclose(loading.inclusion(shape, patch), seen / len(sides[0]) / len(sides[1]))


def test_patches_of_a_large_image_include_voxels_as_stated(tmp_path, small_blocks):
    """The whole way, through blocks of chunks: each voxel is in as many patches as the formula says."""
    made.zarr(
        tmp_path,
        {"a": made.numbered((48, 64))},
        {"a": np.zeros((48, 64), np.uint8)},
        "YX",
        chunk={"y": 8, "x": 8},
    )
    patches = loading.patches(tmp_path, (12, 16), normalise="none", per_epoch=50, cache_bytes=40_000)
    assert np.prod(patches.material.shapes[0].cells) > 4
    counts, epochs = np.zeros((48, 64)), 60
    for epoch in range(epochs):
        patches.set_epoch(epoch)
        draws, _ = patches.plan()
        for _, y, x in draws.starts.tolist():
            counts[y : y + 12, x : x + 16] += 1
    expected = loading.inclusion((48, 64), (12, 16)) * 50 * epochs
    # Standard deviation of a count, were all patches independent; neighbours of one visit make it larger.
    spread = np.sqrt(np.maximum(expected, 1) * 4)
    assert (np.abs(counts - expected) < 5 * spread).all()


@settings(max_examples=60, deadline=None)
@given(shape=THREE, patch=THREE)
def test_a_grid_covers_everything_once_but_for_the_last(shape, patch):
    found = places.geometry(frame(shape, (1, 16, 16)), patch)
    seen = np.zeros(shape, int)
    for z, y, x in grid_starts(found).tolist():
        seen[z : z + patch[0], y : y + patch[1], x : x + patch[2]] += 1
    assert seen.min() == 1
    assert len(grid_starts(found)) == np.prod(
        [-(-size // side) for size, side in zip(shape, patch, strict=True)]
    )


def test_blocks_of_thin_chunks_take_all_planes():
    stack = places.geometry(frame((64, 2048, 2048), (1, 256, 256)), (32, 256, 256))
    box = stack.box((0, 0, 0), [min(a, b) - 1 for a, b in zip(stack.cell, stack.starts, strict=True)])
    assert box[0] == slice(0, 64)
    plane = places.geometry(frame((64, 2048, 2048), (1, 256, 256)), (1, 256, 256))
    assert plane.cell[0] == 1
    assert plane.crops >= 9


def test_a_visit_gives_more_patches_when_pixels_are_used_more_often(small_blocks):
    one, three = (places.geometry(frame((1, 61, 75), (1, 8, 8)), (1, 9, 14), reuse=reuse) for reuse in (1, 3))
    assert three.crops in range(3 * one.crops - 1, 3 * one.crops + 2)
