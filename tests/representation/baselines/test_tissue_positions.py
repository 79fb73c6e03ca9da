import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay, cKDTree

from micrographia.representation.baselines.tissue_positions import (
    Region,
    delaunay,
    density,
    knn_graph,
    nearest,
    ripley,
)

RNG = np.random.default_rng(9)


def region(points):
    x, y = np.asarray(points, float).reshape(-1, 2).T
    return Region(x.copy(), y.copy(), np.full(len(x), -1))


def told(measured):
    return dict(zip(measured.names, measured.values, strict=True))


def poisson(count, width=100.0, height=60.0, rng=RNG):
    return np.stack([rng.random(count) * width, rng.random(count) * height], axis=1)


def ripley_plainly(points, radii):
    """L(r) - r with the translation correction, by all pairs."""
    n = len(points)
    sides = np.ptp(points, axis=0) * (n + 1) / (n - 1)
    area = sides.prod()
    found = []
    for radius in radii:
        total = 0.0
        for i in range(n):
            for j in range(n):
                apart = np.abs(points[i] - points[j])
                if i != j and np.hypot(*apart) <= radius:
                    total += area**2 / (n * (n - 1)) / (sides - apart).prod()
        found.append(np.sqrt(total / np.pi) - radius)
    return found


def test_density_is_cells_over_areas():
    points = [[0, 0], [4, 0], [4, 3], [0, 3], [2, 1]]
    assert density(region(points)).values.tolist() == [5, 12, 12, 5 / 12, 5 / 12, 1]
    points = poisson(50)
    found = told(density(region(points)))
    assert found["hull_area"] == pytest.approx(ConvexHull(points).volume)
    assert found["hull_share"] < 1


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 40), st.integers(0, 1000))
def test_ripley_is_that_of_all_pairs(count, seed):
    points = np.random.default_rng(seed).integers(0, 30, (count, 2)).astype(float)
    radii = (1.0, 3.0, 7.0)
    found = ripley(region(points), radii)
    if np.isnan(found.values).all():
        return
    fits = np.isfinite(found.values)
    known = np.array(ripley_plainly(points, radii))
    np.testing.assert_allclose(found.values[fits], known[fits], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("window", ["box", "hull"])
def test_a_poisson_process_has_none(window):
    radii = (1.0, 2.0, 5.0, 10.0, 20.0)
    rng = np.random.default_rng(0)
    found = [ripley(region(poisson(1000, rng=rng)), radii, window).values for _ in range(60)]
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(60)
    # The hull misses corners of a rectangle, so far pairs lack a few hundredths of the radius.
    assert (np.abs(mean) < 4 * error + (0.004 * np.array(radii) if window == "hull" else 0)).all()


def test_a_disc_needs_the_window_of_its_hull():
    angle, radius = RNG.random(2000) * 2 * np.pi, 50 * np.sqrt(RNG.random(2000))
    disc = region(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
    assert abs(ripley(disc, [20.0], "hull").values[0]) < 0.5
    assert ripley(disc, [20.0], "box").values[0] > 1.5


def test_clusters_and_grids_are_told_apart():
    centres = poisson(40)
    clustered = np.repeat(centres, 10, axis=0) + RNG.normal(0, 1, (400, 2))
    grid = np.stack(np.meshgrid(np.arange(25) * 4.0, np.arange(15) * 4.0), axis=-1).reshape(-1, 2)
    assert ripley(region(clustered), [3.0]).values[0] > 2
    assert ripley(region(grid + RNG.normal(0, 0.05, grid.shape)), [3.0]).values[0] < -2
    assert told(nearest(region(clustered), 4))["nearest_clark_evans"] < 0.7
    assert told(nearest(region(grid), 4))["nearest_clark_evans"] > 1.8


def test_nearest_distances():
    points = poisson(300)
    found = told(nearest(region(points), 6))
    away = cKDTree(points).query(points, 7)[0][:, 1:]
    assert found["nearest_mean"] == pytest.approx(away[:, 0].mean())
    assert found["nearest_p90"] == pytest.approx(np.percentile(away[:, 0], 90))
    assert found["nearest_6_mean"] == pytest.approx(away.mean())
    # Expectation under a Poisson process, a little more for want of an edge correction.
    assert 0.95 < found["nearest_clark_evans"] < 1.15


def test_the_triangulation_is_that_of_scipy():
    points = poisson(200)
    held = region(points)
    known = set()
    for triangle in Delaunay(points).simplices:
        known |= {tuple(sorted((int(triangle[i]), int(triangle[j])))) for i, j in ((0, 1), (0, 2), (1, 2))}
    edges = set(zip(*(ends.tolist() for ends in held.edges), strict=True))
    length = {edge: np.linalg.norm(points[edge[0]] - points[edge[1]]) for edge in known}
    cut = 5 * np.median(list(length.values()))
    assert edges == {edge for edge in known if length[edge] <= cut}
    found = told(delaunay(held))
    assert found["delaunay_degree_mean"] == pytest.approx(2 * len(edges) / 200)
    assert found["delaunay_edge_mean"] == pytest.approx(np.mean([length[edge] for edge in edges]))


def test_the_k_nearest_graph():
    points = poisson(120)
    found = told(knn_graph(region(points), 5))
    which = cKDTree(points).query(points, 6)[1][:, 1:]
    degree = np.bincount(which.ravel(), minlength=120)
    assert found["knn5_degree_sd"] == pytest.approx(degree.std())
    mutual = np.mean([i in which[j] for i in range(120) for j in which[i]])
    assert found["knn5_mutual_share"] == pytest.approx(mutual)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=9), st.sampled_from(["box", "hull"])
)
def test_few_and_degenerate_cells_are_numbers_or_have_reasons(points, window):
    held = region(points)
    for measured in (
        density(held),
        nearest(held, 3),
        ripley(held, [1.0, 2.0], window),
        delaunay(held),
        knn_graph(held, 3),
    ):
        assert not np.isinf(measured.values).any()
        assert bool(np.isnan(measured.values).any()) == bool(measured.reasons)


def test_moving_and_turning_changes_nothing():
    points = poisson(150)
    other = points[:, ::-1] * [1, -1] + [1000, -300]
    for measure in (lambda held: nearest(held, 6), lambda held: ripley(held, [3.0, 8.0]), delaunay):
        np.testing.assert_allclose(measure(region(points)).values, measure(region(other)).values, rtol=1e-6)
