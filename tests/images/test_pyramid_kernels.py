from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import block_reduce

from micrographia.images.pyramid_kernels import halve


def windows(planes: np.ndarray, deep: bool):
    """Yield where each pixel of the half is, and the pixels of which it is made."""
    steps = (2 if deep else 1, 2, 2)
    for at in np.ndindex(*(-(-size // step) for size, step in zip(planes.shape, steps, strict=True))):
        yield at, planes[tuple(slice(i * step, (i + 1) * step) for i, step in zip(at, steps, strict=True))]


def mode(values: list[int]) -> int:
    counts = Counter(values)
    most = max(counts.values())
    tied = sorted(value for value, count in counts.items() if count == most)
    return next((value for value in tied if value), 0)


@pytest.mark.parametrize(
    ("four", "result"),
    [
        ([7, 7, 7, 7], 7),
        ([7, 7, 3, 3], 3),
        ([0, 0, 3, 3], 3),
        ([0, 0, 0, 3], 0),
        ([9, 0, 5, 2], 2),
        ([1, 2, 2, 0], 2),
        ([0, 0, 1, 2], 0),
        ([65535, 65535, 0, 0], 65535),
    ],
)
def test_mode_of_four(four: list[int], result: int):
    planes = np.array(four, np.uint16).reshape(1, 2, 2)
    assert halve(planes, deep=False, labels=True).item() == result


def test_mode_of_eight_prefers_the_lowest_object():
    planes = np.array([0, 0, 0, 5, 5, 5, 2, 2], np.uint8).reshape(2, 2, 2)
    assert halve(planes, deep=True, labels=True).item() == 5
    planes = np.array([0, 0, 9, 9, 5, 5, 2, 2], np.uint8).reshape(2, 2, 2)
    assert halve(planes, deep=True, labels=True).item() == 2


def test_mean_of_halves_goes_to_the_even_integer():
    planes = np.array([[[0, 1, 1, 2], [0, 1, 1, 2]]], np.uint8)
    assert halve(planes, deep=False, labels=False).tolist() == [[[0, 2]]]
    planes = np.array([[[-1, 0], [-1, 0]]], np.int16)
    assert halve(planes, deep=False, labels=False).tolist() == [[[0]]]


def test_an_odd_edge_is_made_of_what_is_there():
    planes = np.array([[[1, 1, 10], [1, 1, 20], [5, 7, 9]]], np.uint16)
    assert halve(planes, deep=False, labels=False).tolist() == [[[1, 15], [6, 9]]]


UNSIGNED = st.sampled_from([np.uint8, np.uint16, np.uint64])
SIDES = hnp.array_shapes(min_dims=3, max_dims=3, max_side=7)


@settings(deadline=None)  # the first call of a kernel compiles it
@given(
    planes=UNSIGNED.flatmap(lambda kind: hnp.arrays(kind, SIDES, elements=st.integers(0, 5))),
    deep=st.booleans(),
)
def test_mode_against_counting(planes: np.ndarray, deep: bool):
    half = halve(planes, deep=deep, labels=True)
    assert half.dtype == planes.dtype
    for at, window in windows(planes, deep):
        assert half[at] == mode(window.ravel().tolist())


INTEGERS = st.sampled_from([np.uint8, np.int16, np.uint32, np.uint64, np.int64])


@settings(deadline=None)  # the first call of a kernel compiles it
@given(planes=INTEGERS.flatmap(lambda kind: hnp.arrays(kind, SIDES)), deep=st.booleans())
def test_integer_mean_against_exact_arithmetic(planes: np.ndarray, deep: bool):
    half = halve(planes, deep=deep, labels=False)
    assert half.dtype == planes.dtype
    for at, window in windows(planes, deep):
        total, count = sum(window.ravel().tolist()), window.size
        quotient, remainder = divmod(total, count)
        up = 2 * remainder > count or (2 * remainder == count and quotient % 2)
        assert half[at] == quotient + up


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("deep", [False, True])
def test_float_mean_against_scikit_image(kind: type, deep: bool):
    planes = np.random.default_rng(3).normal(100, 10, (4, 8, 6)).astype(kind)
    half = halve(planes, deep=deep, labels=False)
    expected = block_reduce(planes.astype(np.float64), (2 if deep else 1, 2, 2), np.mean)
    assert half.dtype == kind
    np.testing.assert_allclose(half, expected, rtol=1e-3 if kind is np.float16 else 1e-6)


def test_nan_stays_nan():
    planes = np.array([[[1, np.nan, 2, 2], [1, 1, 2, 2]]], np.float32)
    assert np.isnan(halve(planes, deep=False, labels=False)).tolist() == [[[True, False]]]
