"""What is kept of one image: cases by hand, and the way to JSON and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from label_images import discs
from micrographia.segmentation import metrics
from micrographia.segmentation.metrics import SegmentationError
from micrographia.segmentation.metrics.overlap import aji, aji_plus, dice, panoptic_quality, seg
from micrographia.segmentation.metrics.partitions import adapted_rand, variation_of_information
from micrographia.segmentation.scoring import (
    METRICS,
    THRESHOLDS,
    PairRecord,
    counted,
    failed_pair,
    metric,
    score_blockwise,
    score_pair,
)
from segmentation.metrics.oracle import blobs, cells, pairs
from segmentation.scoring.made_records import two_cells


def same(a, b):
    assert a.sums == b.sums
    for one, other in ((a.truth, b.truth), (a.predicted, b.predicted)):
        assert (one is None) == (other is None)
        if one is not None:
            assert np.array_equal(one.sizes, other.sizes)
            assert np.array_equal(one.matched, other.matched)
            assert np.array_equal(one.density, other.density)
            assert np.allclose(one.iou, other.iou, atol=1e-6)
    assert (a.pixel_size, a.ndim, a.tolerance, a.reason) == (b.pixel_size, b.ndim, b.tolerance, b.reason)


def test_two_cells_by_hand():
    record = score_pair(*two_cells(), pixel_size=0.5)
    assert record.counts == {
        "n_truth": 2, "n_predicted": 2, "tp": 1, "fp": 1, "fn": 1, "merges": 0, "splits": 0,
    }  # fmt: skip
    expected = {
        "f1@0.5": 2 / 4, "ap@0.5": 1 / 3, "map": 1 / 3, "pq": 1 / 2, "precision@0.5": 1 / 2, "recall@0.5": 1 / 2,
        "seg": 1 / 2, "aji": 16 / (16 + 16 + 1), "aji+": 16 / 33, "dice": 2 * 16 / (32 + 17), "count_error": 0,
        "merges": 0, "splits": 0,
        # Of 12 + 1 predicted boundary pixels 12 are right, of 24 true ones 12 found: P = 12/13, R = 1/2.
        "boundary_f1": 2 * (12 / 13) * (1 / 2) / (12 / 13 + 1 / 2), "surface_dice": 24 / 37,
        "boundary_tolerant_iou": 1 / 2, "f1@0.5_tolerant": 1 / 2,
        # Squares: 256 in common of 2 * 256 true; 16 missed pixels are segments of their own: 256 + 16 predicted.
        "are": 1 - 2 * (256 + 16) / (2 * 256 + 256 + 16),
        # The missed cell is one predicted segment, as true: nothing is cut or joined.
        "vi": 0,
    }  # fmt: skip
    assert set(expected) | {"f1@0.75"} == set(METRICS)
    for name, value in expected.items():
        assert METRICS[name].value(record.sums) == pytest.approx(value), name
    assert (record.pixel_size, record.ndim, record.tolerance) == ((0.5, 0.5), 2, 2.0)
    assert record.truth.sizes.tolist() == [16, 16]
    assert record.truth.iou.tolist() == [1, 0]
    assert record.truth.matched.tolist() == [True, False]
    assert record.predicted.sizes.tolist() == [16, 1]


@settings(deadline=None, max_examples=60)
@given(pairs())
def test_metrics_of_a_record_are_those_of_the_table(pair):
    truth, predicted = pair
    region = np.indices(truth.shape).sum(axis=0) >= 1
    table = metrics.contingency(truth, predicted, region=region, ignore=[3])
    record = score_pair(truth, predicted, region=region, ignore=[3])
    expected = {
        "map": metrics.mean_average_precision(table), "pq": panoptic_quality(table).pq, "aji": aji(table),
        "aji+": aji_plus(table), "seg": seg(table), "dice": dice(table), "are": adapted_rand(table).error,
        "vi": variation_of_information(table).total,
    }  # fmt: skip
    for threshold in THRESHOLDS:
        expected[f"f1@{threshold:g}"] = metrics.f1(table, threshold)
        expected[f"ap@{threshold:g}"] = metrics.average_precision(table, threshold)
        expected[f"precision@{threshold:g}"] = metrics.precision(table, threshold)
        expected[f"recall@{threshold:g}"] = metrics.recall(table, threshold)
        expected[f"pq@{threshold:g}"] = panoptic_quality(table, threshold).pq
    for name, value in expected.items():
        assert metric(name).value(record.sums) == pytest.approx(value, nan_ok=True, abs=1e-12), name
    assert len(record.truth) == table.n_truth
    assert len(record.predicted) == table.n_predicted


@settings(deadline=None, max_examples=30)
@given(pairs(), st.booleans(), st.booleans())
def test_a_record_survives_json(pair, boundary, objects):
    record = score_pair(
        *pair, pixel_size=(2.0, 0.3, 0.3)[-pair[0].ndim :], boundary=boundary, objects=objects
    )
    stored = json.loads(json.dumps(record.to_json(), allow_nan=False))
    same(PairRecord.from_json(stored), record)


def test_a_record_is_small():
    truth = discs(512)
    stored = json.dumps(score_pair(truth, np.roll(truth, 1, 0)).to_json())
    assert len(stored) < 2000 + 60 * truth.max()


@pytest.mark.parametrize(
    "stored", [{}, {"format": 99}, None, [], {"format": 1}, {"format": 1, "sums": {"tp": "many"}}]
)
def test_what_is_no_record_is_refused(stored):
    with pytest.raises(SegmentationError, match="record"):
        PairRecord.from_json(stored)


def test_a_failed_image_keeps_its_reason_and_what_finding_nothing_scores():
    truth, _ = two_cells()
    record = failed_pair("out of memory", truth, pixel_size=1.0)
    assert record.failed
    assert record.counts["fn"] == 2
    assert METRICS["f1@0.5"].value(record.sums) == 0
    same(PairRecord.from_json(json.loads(json.dumps(record.to_json()))), record)
    unknown = failed_pair("cannot be read")
    assert np.isnan([one.value(unknown.sums) for one in METRICS.values()]).all()
    with pytest.raises(SegmentationError, match="without a reason"):
        failed_pair("", truth)


def test_boundaries_can_be_left_out_and_are_then_unknown():
    record = score_pair(*two_cells(), boundary=False)
    assert np.isnan(METRICS["boundary_f1"].value(record.sums))
    assert np.isnan(METRICS["boundary_tolerant_iou"].value(record.sums))
    assert METRICS["f1@0.5"].value(record.sums) == 0.5
    assert record.tolerance is None


def test_the_tolerance_is_in_pixels_of_the_finest_axis():
    truth = np.zeros((6, 12, 12), np.uint8)
    truth[1:4, 3:9, 3:9] = 1
    deeper = np.roll(truth, 1, 0)
    fine = score_pair(truth, deeper, pixel_size=(3.0, 1.0, 1.0), tolerance=2)
    flat = score_pair(truth, deeper, pixel_size=(0.5, 0.25, 0.25), tolerance=2)
    assert METRICS["boundary_f1"].value(fine.sums) < 1
    assert METRICS["boundary_f1"].value(flat.sums) == 1
    assert METRICS["boundary_f1"].value(score_pair(truth, deeper).sums) == 1


@pytest.mark.parametrize("size", [0.0, -1.0, (1.0, 1.0, 1.0), float("inf")])
def test_a_pixel_size_that_is_none_is_refused(size):
    with pytest.raises(SegmentationError, match="no size of pixels"):
        score_pair(*two_cells(), pixel_size=size)


def test_an_unknown_pixel_size_is_unknown():
    assert score_pair(*two_cells(), pixel_size=float("nan")).pixel_size is None


def test_density_counts_objects_within_two_diameters():
    # A hexagonal lattice: 6 neighbours at one diameter, 6 at sqrt(3), 6 at two.
    pitch = 24
    places = [(y * pitch * np.sqrt(0.75), x * pitch + y % 2 * pitch / 2) for y in range(9) for x in range(7)]
    shape = (round(8 * pitch * np.sqrt(0.75)) + pitch, 7 * pitch + pitch // 2)
    labels = cells(shape, np.array(places) + pitch / 2, pitch / 2 + 0.3)
    density = score_pair(labels, labels, boundary=False).truth.density
    middle = 4 * 7 + 3
    assert density[middle] == 18
    assert density.max() == 18
    assert density[0] < 9
    apart = np.zeros((60, 60), np.uint8)
    apart[2:6, 2:6], apart[40:44, 40:44] = 1, 2
    assert score_pair(apart, apart).truth.density.tolist() == [0, 0]
    assert score_pair(two_cells()[1], two_cells()[1]).truth.density.tolist() == [1, 1]


def test_density_is_physical_and_the_same_in_any_unit():
    truth, predicted = blobs(4, (12, 40, 40), 25)
    same_density = [
        score_pair(truth, predicted, pixel_size=size, boundary=False).truth.density
        for size in (None, 0.1, (3.0, 3.0, 3.0))
    ]
    assert all(np.array_equal(one, same_density[0]) for one in same_density)
    thick = score_pair(truth, predicted, pixel_size=(40.0, 1.0, 1.0), boundary=False).truth.density
    assert not np.array_equal(thick, same_density[0])


def test_counts_add_up():
    records = [score_pair(*blobs(seed)) for seed in (1, 2)]
    whole = counted([one.sums for one in records])
    assert whole == {name: sum(one.counts[name] for one in records) for name in whole}
    assert whole["tp"] + whole["fn"] == whole["n_truth"]


def test_an_image_larger_than_memory_has_the_same_sums():
    truth, predicted = blobs(6, (10, 40, 40), 20)
    whole = score_pair(truth, predicted, pixel_size=(2.0, 0.5, 0.5), ignore=[3])
    found = score_blockwise(truth, predicted, pixel_size=(2.0, 0.5, 0.5), ignore=[3])
    assert found.sums == {name: value for name, value in whole.sums.items() if "tolerant" not in name}
    assert (found.pixel_size, found.ndim, found.tolerance) == (whole.pixel_size, whole.ndim, whole.tolerance)


def test_an_unknown_metric_is_told_what_there_is():
    with pytest.raises(SegmentationError, match=r"no metric 'f2'.*f1@0.5"):
        metric("f2")
    assert metric("recall@0.95").name == "recall@0.95"
    assert metric("pq@0.5").value(score_pair(*two_cells()).sums) == 0.5


def test_the_page_says_how_each_metric_is_pooled():
    page = (Path(__file__).parents[3] / "docs" / "segmentation-scores.md").read_text(encoding="utf-8")
    table = page.split("| metric | pooled |")[1].split("\n\n")[0]
    assert {name for name in METRICS if f"`{name}`" not in table} == set()
