import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed as marked

from micrographia.segmentation.models.watershed import watershed


def landscape(seed, shape, smooth=2.0):
    rng = np.random.default_rng(seed)
    return ndimage.gaussian_filter(rng.random(shape), smooth).astype(np.float32), rng.random(shape) < 0.97


@pytest.mark.parametrize("shape", [(40, 31), (9, 20, 17)])
@pytest.mark.parametrize("seed", range(5))
def test_is_the_marked_watershed_from_every_peak(shape, seed):
    values, mask = landscape(seed, shape, 1.5)
    inside = np.where(mask, values, -1)
    faces = ndimage.generate_binary_structure(len(shape), 1)
    peaks = (inside == ndimage.maximum_filter(inside, footprint=faces)) & mask
    markers = np.zeros(shape, np.int32)
    markers[peaks] = np.arange(1, peaks.sum() + 1)
    wanted = marked(-values, markers, mask=mask)
    given_labels = watershed(values, mask)
    assert len(np.unique(given_labels[mask])) == peaks.sum()
    assert len(np.unique(given_labels[mask].astype(np.int64) << 32 | wanted[mask])) == peaks.sum()
    assert not given_labels[~mask].any()


def test_depth_of_one_image_counts_the_peaks_that_rise_enough():
    # Peaks 10, 8 and 4 with passes at 6 and 3.5: the second falls by 2/8 of itself, the third by 1/8.
    line = np.array([[1, 10, 6, 8, 3.5, 4, 1]])
    inside = np.ones_like(line, bool)
    assert watershed(line, inside, depth=0.1).max() == 3
    assert watershed(line, inside, depth=0.2).tolist() == [[1, 1, 1, 2, 2, 2, 2]]
    assert watershed(line, inside, depth=0.3).max() == 1
    assert watershed(line, inside, depth=0.0, seed=5.0).tolist() == [[1, 1, 1, 2, 2, 2, 2]]


def test_basins_without_a_seed_are_dropped_when_alone():
    line = np.array([[3.0, 5, 3, 0, 1, 2, 1]])
    assert watershed(line, line > 0, seed=4).tolist() == [[1, 1, 1, 0, 0, 0, 0]]


def test_plateaus_are_one_basin():
    flat = np.ones((6, 7))
    assert (watershed(flat, flat > 0) == 1).all()
    assert watershed(flat, np.zeros((6, 7), bool)).max() == 0


@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.2, 0.5, 0.9]))
@settings(max_examples=40, deadline=None)
def test_more_depth_joins_and_never_cuts(seed, depth):
    values, mask = landscape(seed, (24, 24))
    fine, coarse = watershed(values, mask), watershed(values, mask, depth=depth)
    for basin in np.unique(fine[fine > 0]):
        assert len(np.unique(coarse[fine == basin])) == 1
    assert (coarse > 0).tolist() == mask.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_absolute_depth_is_that_of_scikit_image_where_all_peaks_are_alike(seed):
    # With 100 added every peak is about 100 high, and a share of it is an absolute height.
    values, _ = landscape(seed, (40, 40))
    inside = np.ones(values.shape, bool)
    height = 0.04
    wanted = ndimage.label(h_maxima(values.astype(np.float64), height), np.ones((3, 3)))[1]
    assert 3 < wanted < 40
    assert watershed(values + 100.0, inside, depth=height / 100.5).max() == pytest.approx(wanted, abs=1)
