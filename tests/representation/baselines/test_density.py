import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from label_images import discs
from micrographia.images import ArrayImage
from micrographia.representation.baselines.density import (
    density_proxy,
    exact_count,
    nuclear_channel,
    proxy_names,
)
from micrographia.representation.baselines.fields import Labels, Reading
from micrographia.representation.baselines.intensity import levels


def proxy(plane, **options):
    reading = Reading(ArrayImage(np.asarray(plane), options.pop("axes", "YX"), **options), mean=True)
    found = density_proxy(reading, 0, levels(reading, 0))
    return dict(zip(found.names, found.values, strict=True)), found.reasons


def spots(count, side=256, sigma=4.0, seed=0):
    """Spots on a jittered grid, so that none overlap."""
    rng = np.random.default_rng(seed)
    grid = [(y, x) for y in range(20, side - 10, 28) for x in range(20, side - 10, 28)]
    plane = np.zeros((side, side))
    for at in rng.choice(len(grid), count, replace=False):
        y, x = grid[at] + rng.integers(-3, 4, 2)
        plane[y, x] = 1
    return 1000 * ndimage.gaussian_filter(plane, sigma) * 2 * np.pi * sigma**2


def test_objects_are_counted_exactly():
    labels = discs(100)
    count = len(np.unique(labels)) - 1
    marks = ArrayImage(labels, "YX")
    found = exact_count(Labels((marks,), True))
    assert found.values.tolist() == [count, count / labels.size * 1e6, (labels > 0).mean()]
    twice = exact_count(Labels((marks, marks), True))
    assert twice.values[0] == 2 * count
    movie = np.stack([labels, np.zeros_like(labels)])
    assert exact_count(Labels((ArrayImage(movie, "TYX"),), True)).values[0] == count / 2
    assert exact_count(Labels((ArrayImage(np.zeros((5, 5), np.uint8), "YX"),), True)).values.tolist() == [
        0,
        0,
        0,
    ]


@pytest.mark.parametrize("count", [3, 12, 40])
def test_blobs_of_the_right_size_are_counted(count):
    found, reasons = proxy(spots(count))
    assert found["blobs_per_megapixel_s4"] * 256**2 / 1e6 == pytest.approx(count)
    assert not reasons


def test_the_foreground_is_that_of_otsu():
    plane = spots(30).astype(np.uint16)
    found, _ = proxy(plane)
    assert found["foreground_share"] == pytest.approx((plane > threshold_otsu(plane)).mean(), abs=0.01)


def test_stain_on_a_bright_ground_is_the_foreground():
    dark = spots(20)
    bright = np.stack([255 - dark / dark.max() * 200] * 3).astype(np.uint8)
    found, _ = proxy(bright, axes="CYX", rgb=True)
    known, _ = proxy(dark)
    assert found["foreground_share"] == pytest.approx(known["foreground_share"], abs=0.02)
    assert found["blobs_per_megapixel_s4"] == pytest.approx(known["blobs_per_megapixel_s4"])


def test_a_constant_image_has_no_blobs_and_no_threshold():
    found, reasons = proxy(np.full((40, 40), 7, np.uint8))
    assert np.isnan(found["foreground_share"])
    assert [found[name] for name in proxy_names()[1:]] == [0, 0, 0]
    assert reasons == ("a constant image has no foreground",)
    found, reasons = proxy(np.full((40, 40), np.nan))
    assert np.isnan(list(found.values())).all()
    assert reasons == ("no finite pixel to count blobs in",)


def test_holes_are_no_blobs():
    plane = spots(12)
    plane[100:104, 100:104] = np.nan
    assert proxy(plane)[0]["blobs_per_megapixel_s8"] == pytest.approx(
        proxy(spots(12))[0]["blobs_per_megapixel_s8"], rel=0.1
    )


def test_the_nuclear_channel_is_found_by_name():
    assert nuclear_channel(["Actin", "Hoechst 33342"]) == 1
    assert nuclear_channel(["DAPI", "GFP"]) == 0
    assert nuclear_channel(["GFP", "RFP"]) is None
    assert nuclear_channel(["GFP"]) == 0
