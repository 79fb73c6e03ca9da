import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

from micrographia.images import ArrayImage
from micrographia.representation.baselines import haralick
from micrographia.representation.baselines.fields import Reading
from micrographia.representation.baselines.intensity import levels
from micrographia.representation.baselines.kernels import texture as kernels
from micrographia.representation.baselines.texture import HARALICK, circle, texture, uniform_kinds

RNG = np.random.default_rng(7)


def measured(plane):
    reading = Reading(ArrayImage(np.asarray(plane, float), "YX"))
    found = texture(reading, 0, levels(reading, 0), "c")
    return dict(zip(found.names, found.values, strict=True)), found.reasons


def plainly(counts):
    """The 13 features by their definitions, in loops."""
    p = counts / counts.sum()
    n = len(p)
    px = p.sum(axis=1)
    mean = sum(i * px[i] for i in range(n))
    variance = sum((i - mean) ** 2 * px[i] for i in range(n))
    sums = [sum(p[i, k - i] for i in range(n) if 0 <= k - i < n) for k in range(2 * n - 1)]
    gaps = [sum(p[i, j] for i in range(n) for j in range(n) if abs(i - j) == k) for k in range(n)]

    def bits(held):
        return -sum(value * np.log2(value) for value in held if value > 0)

    average = sum(k * s for k, s in enumerate(sums))
    gap = sum(k * g for k, g in enumerate(gaps))
    together = bits(p.ravel())
    product = [px[i] * px[j] for i in range(n) for j in range(n)]
    # Of p times the log of the product, and of the product itself.
    first = -sum(p[i, j] * np.log2(px[i] * px[j]) for i in range(n) for j in range(n) if p[i, j] > 0)
    second = bits(product)
    return [
        (p**2).sum(),
        sum(k * k * g for k, g in enumerate(gaps)),
        (sum(i * j * p[i, j] for i in range(n) for j in range(n)) - mean**2) / variance,
        variance,
        sum(p[i, j] / (1 + (i - j) ** 2) for i in range(n) for j in range(n)),
        average,
        sum((k - average) ** 2 * s for k, s in enumerate(sums)),
        bits(sums),
        together,
        sum((k - gap) ** 2 * g for k, g in enumerate(gaps)),
        bits(gaps),
        (together - first) / bits(px),
        np.sqrt(1 - np.exp(-2 * np.log(2) * (second - together))),
    ]


def test_pairs_are_those_of_graycomatrix():
    plane = RNG.integers(0, 8, (31, 23)).astype(np.uint8)
    found = np.zeros((2, 4, 8, 8), np.int64)
    kernels.cooccurrence(plane, np.array([1, 3]), found)
    # The other program rounds d along a diagonal, so only the axes compare at distance 3.
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    near = graycomatrix(plane, [1], angles, 8, symmetric=True)
    far = graycomatrix(plane, [3], [0, np.pi / 2], 8, symmetric=True)
    for direction in range(4):
        assert np.array_equal(found[0, direction], near[:, :, 0, direction])
    assert np.array_equal(found[1, 0], far[:, :, 0, 0])
    assert np.array_equal(found[1, 2], far[:, :, 0, 1])


def test_features_are_those_of_their_definitions():
    counts = RNG.integers(0, 9, (2, 3, 6, 6))
    counts += counts.swapaxes(-1, -2)
    found = haralick(counts)
    assert found.shape == (2, 3, 13)
    for at in np.ndindex(2, 3):
        np.testing.assert_allclose(found[at], plainly(counts[at]), rtol=1e-10)


def test_features_agree_with_graycoprops():
    plane = RNG.integers(0, 16, (64, 64)).astype(np.uint8)
    matrix = graycomatrix(plane, [1], [0], 16, symmetric=True, normed=True)
    found = dict(zip(HARALICK, haralick(matrix[:, :, 0, 0]), strict=True))
    names = {
        "contrast": "contrast",
        "correlation": "correlation",
        "ASM": "angular_second_moment",
        "homogeneity": "inverse_difference_moment",
        "variance": "variance",
    }
    for theirs, ours in names.items():
        assert found[ours] == pytest.approx(graycoprops(matrix, theirs)[0, 0])


def test_without_pairs_or_with_one_level_what_is_undefined_is_missing():
    assert np.isnan(haralick(np.zeros((4, 4)))).all()
    one = np.zeros((4, 4))
    one[2, 2] = 10
    found = dict(zip(HARALICK, haralick(one), strict=True))
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {"correlation", "information_correlation_1", "information_correlation_2"}
    assert found["angular_second_moment"] == 1
    assert found["entropy"] == 0


@settings(max_examples=40, deadline=None)
@given(arrays(np.int64, (5, 5), elements=st.integers(0, 6)))
def test_the_features_of_any_matrix_are_bounded(counts):
    counts = counts + counts.T
    found = dict(zip(HARALICK, haralick(counts), strict=True))
    if not counts.any():
        return
    assert 0 < found["angular_second_moment"] <= 1
    assert 0 <= found["entropy"] <= np.log2(25) + 1e-9
    for name in ("correlation", "information_correlation_1"):
        assert np.isnan(found[name]) or -1 - 1e-9 <= found[name] <= 1 + 1e-9
    assert np.isnan(found["information_correlation_2"]) or 0 <= found["information_correlation_2"] < 1


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (16, 2)])
def test_binary_patterns_are_those_of_scikit_image(points, radius):
    plane = RNG.normal(size=(40, 50))
    found = np.zeros(points + 2, np.int64)
    kernels.binary_patterns(plane, circle(points, radius), radius, uniform_kinds(points), found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        theirs = local_binary_pattern(plane, points, radius, "uniform")[radius:-radius, radius:-radius]
    assert np.array_equal(found, np.bincount(theirs.astype(int).ravel(), minlength=points + 2))


def test_a_flat_plane_has_one_binary_pattern():
    found = np.zeros(18, np.int64)
    kernels.binary_patterns(np.full((9, 9), 0.1), circle(16, 2), 2, uniform_kinds(16), found)
    assert found.tolist() == [0] * 16 + [25, 0]


def test_texture_is_blind_to_brightness_and_contrast():
    plane = RNG.normal(size=(64, 64)).cumsum(axis=0)
    one, reasons = measured(plane)
    other, _ = measured(plane * 8 + 1000)
    assert not reasons
    assert list(one.values()) == pytest.approx(list(other.values()))


def test_a_turned_picture_has_the_same_mean_texture():
    plane = RNG.normal(size=(48, 64)).cumsum(axis=1)
    one, _ = measured(plane)
    other, _ = measured(np.rot90(plane))
    for name in one:
        assert one[name] == pytest.approx(other[name], abs=1e-12), name


def test_coarse_texture_has_less_contrast_than_fine():
    fine = RNG.normal(size=(128, 128))
    coarse = np.kron(RNG.normal(size=(16, 16)), np.ones((8, 8)))
    assert measured(coarse)[0]["c_contrast_mean_d1"] < 0.5 * measured(fine)[0]["c_contrast_mean_d1"]


def test_a_constant_plane_says_why_it_has_no_correlation():
    found, reasons = measured(np.full((20, 20), 3.0))
    assert reasons == ("channel c has a single grey level",)
    assert np.isnan(found["c_correlation_mean_d1"])
    assert found["c_entropy_mean_d1"] == 0


def test_pixels_that_are_not_finite_are_left_out():
    plane = RNG.normal(size=(64, 64))
    holed = plane.copy()
    holed[20:30, 20:30] = np.nan
    found, reasons = measured(holed)
    assert not reasons
    assert all(np.isfinite(list(found.values())))
    nothing, why = measured(np.full((9, 9), np.nan))
    assert np.isnan(list(nothing.values())).all()
    assert len(why) == 3


def test_a_plane_of_one_pixel_says_what_it_lacks():
    found, reasons = measured([[5.0]])
    assert np.isnan(list(found.values())).all()
    assert reasons[0] == "channel c has no two finite pixels 1 apart"
