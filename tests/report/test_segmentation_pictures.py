import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from micrographia.report.segmentation_errors import (
    FALSE,
    HIT,
    IGNORED,
    MERGE,
    MISS,
    NOTHING,
    SPLIT,
    classes_of,
    find_errors,
)
from micrographia.report.segmentation_pictures import COLOURS, draw_errors, error_picture
from micrographia.segmentation.metrics.contingency import contingency
from micrographia.segmentation.metrics.errors import SegmentationError

SIDE = 40


def scene():
    """One object of each kind, by hand: found, missed, invented, two merged into one, one split into two."""
    truth = np.zeros((SIDE, SIDE), np.uint16)
    found = np.zeros((SIDE, SIDE), np.int64)
    truth[2:10, 2:10] = 11
    found[2:10, 2:10] = 5
    truth[2:10, 14:22] = 12
    found[2:10, 26:34] = 6
    truth[14:22, 2:11], truth[14:22, 11:18] = 13, 14
    found[14:22, 2:18] = 7
    truth[26:34, 2:18] = 15
    found[26:34, 2:12], found[26:34, 12:18] = 8, 9
    return np.zeros((SIDE, SIDE), np.uint8), truth, found


def drawn(name, pixels):
    return np.all(pixels == np.array(COLOURS[name], np.uint8), axis=-1)


def test_every_object_of_a_scene_made_by_hand_is_what_it_is():
    _, truth, found = scene()
    errors = find_errors(contingency(truth, found))
    assert dict(zip(errors.truth_ids.tolist(), errors.truth.tolist(), strict=True)) == {
        11: HIT,
        12: MISS,
        13: HIT,  # by 9 of 16 columns of the merging object; the other has 7
        14: MISS,
        15: HIT,
    }
    assert dict(zip(errors.predicted_ids.tolist(), errors.predicted.tolist(), strict=True)) == {
        5: HIT,
        6: FALSE,
        7: MERGE,
        8: SPLIT,
        9: SPLIT,
    }
    assert (errors.hits, errors.misses, errors.false, errors.merges, errors.splits) == (3, 2, 2, 1, 1)


def test_each_kind_has_its_colour_where_it_is_and_nowhere_else():
    image, truth, found = scene()
    pixels = draw_errors(image, truth, found, side=SIDE)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels.dtype == np.uint8
    truth_edge = ~drawn("miss", pixels)[2:10, 14:22]
    assert not truth_edge[0].any()
    assert truth_edge[1:-1, 1:-1].all()
    for name, rows, columns in (
        ("miss", slice(2, 22), slice(10, 22)),
        ("merge", slice(14, 22), slice(2, 18)),
        ("split", slice(26, 34), slice(2, 18)),
    ):
        marks = drawn(name, pixels)
        assert marks[rows, columns].any(), name
        marks[rows, columns] = False
        assert not marks.any(), name
    hit = pixels[2:10, 2:10]
    edge = np.ones((8, 8), bool)
    edge[1:-1, 1:-1] = False
    assert np.array_equal(drawn("truth", hit) | drawn("predicted", hit), edge)
    assert drawn("truth", hit).any()
    assert drawn("predicted", hit).any()
    assert drawn("false", pixels)[2:10, 26:34].sum() >= 5 + 4


def test_a_contour_has_black_around_it_on_a_bright_image():
    _, truth, found = scene()
    image = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 7 + 200.0
    pixels = draw_errors(image, truth, found, side=SIDE).astype(int)
    outside, inside = pixels[1, 4:8], pixels[3, 5:7]
    assert not outside.any()
    assert not inside.any()


def test_small_images_are_enlarged_and_large_ones_reduced_or_cut():
    image, truth, found = scene()
    small = error_picture(image, truth, found, side=130)
    assert small.pixels.shape == (120, 120, 3)
    assert small.note == "whole image"
    big = np.kron(truth, np.ones((10, 10), int))
    reduced = error_picture(np.zeros(big.shape), big, np.kron(found, np.ones((10, 10), int)), side=100)
    assert reduced.pixels.shape == (100, 100, 3)
    assert reduced.note == "reduced 4 times"
    wide = np.zeros((300, 500), int)
    wide[:40, :40] = truth
    away = np.zeros((300, 500), int)
    away[:40, :40] = truth
    away[250:256, 450:456] = 77
    cut = error_picture(np.zeros(wide.shape), wide, away, side=60)
    assert cut.pixels.shape == (60, 60, 3)
    assert "most errors" in cut.note
    assert drawn("false", cut.pixels).any()
    assert not drawn("truth", cut.pixels).any()


def test_a_volume_shows_a_plane_and_two_sections():
    truth = np.zeros((12, 30, 20), np.int32)
    truth[6:9, 5:15, 4:12] = 1
    truth[2:4, 20:26, 14:19] = 2
    found = np.where(truth == 1, 9, 0)
    shown = error_picture(np.zeros((2, *truth.shape), np.float32), truth, found, stretch=2.0, side=60)
    assert shown.note == "plane 8 of 12, with sections along X (below, row 10) and Y (right, column 8)"
    assert (shown.errors.hits, shown.errors.misses) == (1, 1)
    height, width = shown.pixels.shape[:2]
    assert (height, width) == (30 + 4 + 24, 20 + 4 + 24)
    assert drawn("predicted", shown.pixels)[:30, :20].any()
    assert drawn("predicted", shown.pixels)[34:].any()
    assert drawn("predicted", shown.pixels)[:30, 24:].any()
    assert not shown.pixels[34:, 24:].any()


def test_what_is_not_judged_is_grey_and_outside_the_region_it_is_dark():
    _, truth, found = scene()
    region = np.ones(truth.shape, bool)
    region[:, 24:] = False
    bright = np.full(truth.shape, 100.0)
    bright[::2] = 0
    shown = error_picture(bright, truth, found, region=region, ignore=[12], side=SIDE)
    assert (shown.errors.misses, shown.errors.false) == (1, 1)
    assert drawn("ignored", shown.pixels)[2:10, 14:22].any()
    assert drawn("ignored", shown.pixels)[2:10, 26:34].any()
    assert not drawn("false", shown.pixels)[:12, 12:].any()
    assert int(shown.pixels[37, :20].max()) > 2 * int(shown.pixels[37, 28:].max()) > 0
    assert classes_of(truth, shown.errors.truth_ids, shown.errors.truth)[4, 16] == IGNORED


def test_colour_stays_colour_and_nan_is_black():
    truth = np.zeros((20, 20), np.uint8)
    rgb = np.zeros((3, 20, 20), np.uint8)
    rgb[0], rgb[2] = 200, 60
    assert draw_errors(rgb, truth, truth, side=20)[5, 5].tolist() == [200, 0, 60]
    assert draw_errors(rgb / 255, truth, truth, rgb=True, side=20)[5, 5].tolist() == [255, 0, 76]
    grey = np.linspace(0, 1, 400).reshape(20, 20)
    grey[3] = np.nan
    pixels = draw_errors(grey, truth, truth, side=20)
    assert not pixels[3].any()
    assert pixels[-1, -1].min() > 200
    assert not draw_errors(np.full((20, 20), np.nan), truth, truth, side=20).any()
    assert draw_errors(np.full((20, 20), 5), truth, truth, side=20).shape == (20, 20, 3)


@pytest.mark.parametrize("shape", [(9, 10), (2, 10, 9), (1, 1, 10, 10)])
def test_shapes_that_do_not_fit_are_refused(shape):
    labels = np.zeros((10, 10), int)
    with pytest.raises(SegmentationError, match="the image has shape"):
        draw_errors(np.zeros(shape), labels, labels)


@settings(max_examples=40, deadline=None)
@given(
    truth=arrays.arrays(np.uint8, (14, 11), elements=st.integers(0, 4)),
    found=arrays.arrays(np.int32, (14, 11), elements=st.integers(0, 5)),
)
def test_what_is_drawn_agrees_with_what_is_counted(truth, found):
    shown = error_picture(np.zeros(truth.shape), truth, found, side=14)
    errors = shown.errors
    assert errors.hits + errors.misses == np.unique(truth[truth > 0]).size
    assert (errors.truth == MISS).sum() == errors.misses
    assert (errors.predicted == MERGE).sum() == errors.merges
    # A hit that merges or is a piece is drawn as that; every true object that is hit stays one.
    assert (errors.truth == HIT).sum() == errors.hits
    assert (errors.predicted == FALSE).sum() <= errors.false
    kinds = classes_of(found, errors.predicted_ids, errors.predicted)
    assert np.array_equal(kinds == NOTHING, found == 0)
    assert drawn("miss", shown.pixels).any() <= bool(errors.misses)


@pytest.mark.real_data
def test_a_real_image_with_its_own_truth_has_only_hits(data):
    with (data / "dsb2018/index.csv").open(newline="") as file:
        name = next(row["name"] for row in csv.DictReader(file) if row["domain"] == "fluo_520x696")
    image = np.asarray(Image.open(data / f"dsb2018/images/{name}.png"))
    truth = np.asarray(Image.open(data / f"dsb2018/labels/{name}.png"))
    shown = error_picture(image, truth, truth)
    assert shown.errors.hits == np.unique(truth[truth > 0]).size
    assert (shown.errors.misses, shown.errors.false, shown.errors.merges, shown.errors.splits) == (0, 0, 0, 0)
    assert drawn("truth", shown.pixels).any()
    assert not drawn("miss", shown.pixels).any()


def test_a_large_image_is_reduced_to_the_means_of_its_blocks_within_less_memory_than_it_has():
    import tracemalloc

    size = 3000
    truth = np.zeros((size, size), np.int32)
    truth[100:2900, 100:2900] = 1
    image = np.tile(np.array([[0, 4], [8, 12]], np.uint16), (size // 2, size // 2))
    image[:, size // 2 :] += 100
    draw_errors(image[:64, :64], truth[:64, :64], truth[:64, :64])
    tracemalloc.start()
    pixels = draw_errors(image, truth, truth, side=500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pixels.shape == (500, 500, 3)
    assert peak < image.nbytes + 2 * truth.nbytes
    dark, bright = pixels[250, 100:200, 0], pixels[250, 300:400, 0]
    assert np.ptp(dark) == np.ptp(bright) == 0
    # Means are 6 and 106, of a range from 0 (its 0.5th percentile) to 112 (its 99.8th); a root is drawn.
    assert bright[0] == pytest.approx(230 * np.sqrt(106 / 112), abs=12)
    assert dark[0] < bright[0] / 3
