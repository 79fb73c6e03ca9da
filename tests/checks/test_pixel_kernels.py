from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from micrographia.checks import pixel_kernels as kernels
from micrographia.checks import pixel_kernels_borders as borders
from micrographia.checks import pixel_kernels_places as places

Planes = arrays.arrays(np.uint8, st.tuples(st.integers(3, 40), st.integers(3, 40)))


@settings(deadline=None, max_examples=40)
@given(Planes)
def test_counts_and_moments_are_those_of_numpy(tile: Any) -> None:
    tables = np.zeros((1, 256), np.int32)
    kernels.count_values(tile, tables)
    counts = tables[0].astype(np.int64)
    assert counts.tolist() == np.bincount(tile.ravel(), minlength=256).tolist()
    moments, percentiles = kernels.describe_counts(counts, np.array(kernels.PERCENTILES))
    assert moments[:3].tolist() == [tile.size, tile.min(), tile.max()]
    assert moments[3:] == pytest.approx([tile.mean(), tile.var()], abs=1e-9)
    wanted = np.percentile(tile, kernels.PERCENTILES, method="inverted_cdf")
    assert percentiles.tolist() == wanted.tolist()


def test_counting_in_four_tables_gives_the_same_counts() -> None:
    tile = np.random.default_rng(0).integers(0, 256, (100, 101)).astype(np.uint8)
    tables = np.zeros((4, 256), np.int32)
    kernels.count_values(tile, tables)
    assert tables.sum(axis=0).tolist() == np.bincount(tile.ravel(), minlength=256).tolist()


def test_scan_of_floats_leaves_out_what_is_no_number() -> None:
    tile = np.array([[1.5, np.nan, -2.0], [0.0, np.inf, 1.5]], np.float32)
    scan = kernels.scan_values(tile).tolist()
    assert scan[:6] == [4, 1, 1, 1, -2.0, 1.5]
    assert scan[6] == pytest.approx(0.25)
    assert scan[7] == pytest.approx(((np.array([1.5, -2, 0, 1.5]) - 0.25) ** 2).sum())
    assert scan[8:] == [2, 2, 1]


@settings(deadline=None, max_examples=40)
@given(Planes)
def test_curvature_is_the_laplacian_inside(tile: Any) -> None:
    laplacian = ndimage.laplace(tile.astype(np.int64))[1:-1, 1:-1]
    wanted = (laplacian.size, laplacian.sum(), (laplacian**2).sum())
    assert kernels.curvature_integers(tile) == wanted
    assert kernels.curvature_floats(tile.astype(np.float64)) == pytest.approx(wanted)


def test_pairs_are_summed_without_an_odd_last_row() -> None:
    tile = np.arange(15, dtype=np.uint16).reshape(5, 3)
    sums = np.empty((2, 1), np.int32)
    kernels.sum_pairs(tile, sums)
    assert sums.tolist() == [[0 + 1 + 3 + 4], [6 + 7 + 9 + 10]]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 16))
def test_area_mean_keeps_the_mean_and_commutes_with_turning(height: int, width: int, size: int) -> None:
    plane = np.random.default_rng(height * 100 + width).random((height, width)).astype(np.float32)
    small = places.area_mean(plane, size)
    assert small.mean() == pytest.approx(plane.mean(), rel=1e-5)
    turned = places.area_mean(np.ascontiguousarray(np.rot90(plane)), size)
    np.testing.assert_allclose(turned, np.rot90(small), rtol=1e-4)


def test_area_mean_of_whole_blocks_is_their_mean() -> None:
    plane = np.arange(64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_allclose(places.area_mean(plane, 4), plane.reshape(4, 2, 4, 2).mean(axis=(1, 3)))


def test_anchors_move_with_the_picture_and_do_not_mind_brightness() -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(3).random((90, 110)), 2).astype(np.float32)
    first, described = places.find_anchors(field[:80, :100].copy(), 20, 3, 2)
    second, again = places.find_anchors(3 * field[5:85, 7:107] + 2, 20, 3, 2)
    # Near the border what is smoothed differs; inside, most anchors are found again, with what surrounds them.
    moved = {tuple(place) for place in (second + np.array([5, 7])).tolist()}
    shared = [at for at, place in enumerate(first.tolist()) if tuple(place) in moved]
    assert len(shared) >= 10
    for at in shared:
        other = (second + np.array([5, 7])).tolist().index(first[at].tolist())
        assert described[at] @ again[other] > 0.98


def test_a_flat_plane_has_no_anchors() -> None:
    found, described = places.find_anchors(np.full((64, 64), 7, np.float32), 20, 3, 2)
    assert len(found) == len(described) == 0


@settings(deadline=None, max_examples=40)
@given(st.integers(-12, 12), st.integers(-12, 12))
def test_correlation_where_planes_overlap(y: int, x: int) -> None:
    random = np.random.default_rng(5)
    one, other = random.random((2, 20, 24)).astype(np.float32), random.random((2, 18, 22)).astype(np.float32)
    top, left, bottom, right = max(0, y), max(0, x), min(20, 18 + y), min(24, 22 + x)
    parts = [
        np.corrcoef(a[top:bottom, left:right].ravel(), b[top - y : bottom - y, left - x : right - x].ravel())[
            0, 1
        ]
        for a, b in zip(one, other, strict=True)
    ]
    assert places.correlate(one, other, y, x) == pytest.approx(np.mean(parts), abs=1e-6)


def test_planes_that_do_not_overlap_or_vary_do_not_correlate() -> None:
    plane = np.random.default_rng(0).random((1, 8, 8)).astype(np.float32)
    assert places.correlate(plane, plane, 8, 0) == 0.0
    assert places.correlate(plane, np.ones_like(plane), 0, 0) == 0.0


def test_votes_agree_on_a_shift() -> None:
    pairs = np.array([1, 1, 1, 1, 4, 4, 9, 9, 9])
    shifts = np.array([[10, 0], [11, 1], [9, -1], [50, 50], [1, 1], [1, 1], [0, 0], [40, 0], [80, 0]])
    assert places.agree(pairs, shifts, 2, 3).tolist() == [[1, 3, 10, 0]]


def test_borders_follow_the_gradient_only_in_the_right_position() -> None:
    labels = np.zeros((60, 60), np.int64)
    labels[5:20, 8:30], labels[30:50, 35:55] = 1, 2
    plane = ndimage.gaussian_filter((labels > 0).astype(np.float32), 1)
    for turn, turned in enumerate(
        [np.rot90(labels, k) for k in range(4)] + [np.rot90(labels[:, ::-1], k) for k in range(4)]
    ):
        here = plane if turn == 0 else None
        ratios, shifted, points = borders.edge_agreement(
            np.ascontiguousarray(ndimage.gaussian_filter((turned > 0).astype(np.float32), 1)),
            labels,
            4096,
            np.array([6]),
        )
        assert points > 100
        assert int(np.argmax(ratios)) == turn, (turn, ratios)
        assert ratios[turn] > 5
        assert here is None or shifted.max() < ratios[0]


def test_borders_of_a_shifted_mask() -> None:
    labels = np.zeros((60, 60), np.int64)
    labels[15:30, 18:40] = 1
    plane = ndimage.gaussian_filter(np.roll(labels, (6, 0), (0, 1)).astype(np.float32), 1)
    ratios, shifted, _ = borders.edge_agreement(plane, labels, 4096, np.array([3, 6]))
    best = np.unravel_index(np.argmax(shifted), shifted.shape)
    assert best[0] == 1
    assert borders.DIRECTIONS[best[1]].tolist() == [1, 0]
    assert shifted.max() > 1.5 * ratios[0]


def test_bright_pixels_without_a_label_are_counted() -> None:
    plane = np.array([[1, 5, 9], [9, 2, 5]], np.float32)
    labels = np.array([[0, 0, 1], [0, 0, 0]], np.uint32)
    assert borders.count_bright(plane, labels, 5.0) == 3
