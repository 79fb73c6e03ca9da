"""Which objects are missed: bins by hand."""

import json

import numpy as np
import pytest
from skimage import filters, io, measure

from micrographia.segmentation.metrics import SegmentationError
from micrographia.segmentation.scoring import failed_pair, failure_by, score_pair
from segmentation.scoring.made_records import made, two_cells


def sized(found, missed, pixel_size=None):
    """Strips of given sizes: some found exactly, some missed."""
    truth = np.zeros((2 * (len(found) + len(missed)), 60), np.uint16)
    predicted = np.zeros_like(truth)
    for place, size in enumerate([*found, *missed]):
        truth[2 * place, :size] = place + 1
        if place < len(found):
            predicted[2 * place, :size] = place + 1
    return score_pair(truth, predicted, pixel_size=pixel_size, boundary=False)


def test_recall_by_size_with_given_edges():
    records = {"a": sized([4, 20, 30], [5, 21]), "b": sized([50], [6])}
    rows = failure_by(records, "size", [1, 10, 40, 60])
    assert [(row["low"], row["high"], row["n"]) for row in rows] == [(1, 10, 3), (10, 40, 3), (40, 60, 1)]
    assert [row["recall"] for row in rows] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [row["mean_iou"] for row in rows] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [(row["n_predicted"], row["precision"]) for row in rows] == [(1, 1), (2, 1), (1, 1)]
    json.dumps(rows, allow_nan=False)


def test_bins_without_objects_are_told_without_numbers():
    rows = failure_by({"a": sized([4], [])}, "size", [10, 20, float("inf")])
    assert [(row["low"], row["high"]) for row in rows] == [(10, 20), (20, None)]
    assert all((row["n"], row["recall"], row["precision"]) == (0, None, None) for row in rows)


def test_a_number_of_bins_holds_about_as_many_objects_each():
    records = made(12)
    rows = failure_by(records, "size", 4)
    n = [row["n"] for row in rows]
    assert sum(n) == sum(len(record.truth) for record in records.values())
    assert sum(row["n_predicted"] for row in rows) == sum(len(one.predicted) for one in records.values())
    assert max(n) - min(n) <= 0.2 * sum(n)
    assert rows[0]["low"] is rows[-1]["high"] is None
    assert [row["high"] + 1 for row in rows[:-1]] == [row["low"] for row in rows[1:]]
    found = sum(row["recall"] * row["n"] for row in rows)
    assert found == pytest.approx(sum(one.counts["tp"] for one in records.values()))


def test_whole_numbers_that_repeat_make_fewer_bins():
    rows = failure_by({"a": sized([3, 3, 3, 3], [3, 3])}, "size", 5)
    assert [(row["low"], row["high"], row["n"]) for row in rows] == [(None, None, 6)]


def test_recall_by_density():
    truth = np.zeros((60, 60), np.uint8)
    truth[2:6, 2:6], truth[2:6, 7:11], truth[40:44, 40:44] = 1, 2, 3
    record = score_pair(truth, np.where(truth == 3, 3, 0), boundary=False)
    rows = failure_by({"a": record}, "density", [0, 1, 2])
    assert [(row["n"], row["recall"]) for row in rows] == [(1, 1), (2, 0)]
    # The one predicted object is alone in the prediction.
    assert [row["n_predicted"] for row in rows] == [1, 0]


def test_recall_by_pixel_size():
    records = {"a": sized([4, 5], [], 0.5), "b": sized([4], [5, 6], 0.25), "c": sized([4], [5], (0.25, 0.25))}
    rows = failure_by(records | {"d": sized([9], [])}, "pixel size")
    assert [(row["low"], row["high"], row["n"]) for row in rows] == [(0.25, 0.25, 5), (0.5, 0.5, 2)]
    assert [row["recall"] for row in rows] == pytest.approx([2 / 5, 1])
    assert failure_by({"d": sized([9], [])}, "pixel size") == []
    many = {str(n): sized([4], [], 0.1 + n / 100) for n in range(12)}
    assert [row["n"] for row in failure_by(many, "pixel size", 3)] == [4, 4, 4]


def test_intervals_are_over_groups():
    records = made(12)
    groups = {image: place // 2 for place, image in enumerate(sorted(records))}
    rows = failure_by(records, "size", 2, groups=groups)
    assert all(0 <= row["recall_low"] < row["recall"] < row["recall_high"] <= 1 for row in rows)
    assert all(row["recall_low"] is None for row in failure_by(records, "size", 2))


def test_a_higher_threshold_finds_less():
    records = made(6)
    found = [
        sum(row["recall"] * row["n"] for row in failure_by(records, "size", 3, threshold=threshold))
        for threshold in (0.5, 0.7, 0.9)
    ]
    assert found[0] >= found[1] >= found[2]
    at_70 = sum(one.sums["tp@0.7"] for one in records.values())
    assert found[1] == pytest.approx(at_70)


def test_failed_images_and_records_without_objects_are_left_out():
    truth, predicted = two_cells()
    records = {
        "a": failed_pair("out of memory", truth),
        "b": score_pair(truth, predicted, objects=False),
        "c": score_pair(truth, predicted),
    }
    assert sum(row["n"] for row in failure_by(records, "size")) == 2
    assert failure_by({}, "size") == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"factor": "colour"}, "no factor 'colour'"),
        ({"bins": [3, 2]}, "no edges of bins"),
        ({"bins": [3]}, "no edges of bins"),
        ({"bins": 0}, "0 bins"),
        ({"threshold": 0.3}, "not found at IoU 0.3"),
    ],
)
def test_bad_questions(arguments, problem):
    with pytest.raises(SegmentationError, match=problem):
        failure_by(made(2), **arguments)


@pytest.mark.real_data
def test_small_nuclei_are_missed_by_otsu(data):
    root = data / "dsb2018"
    records = {}
    for path in sorted((root / "labels").glob("*.png"))[::12]:
        truth, image = io.imread(path), io.imread(root / "images" / path.name)
        grey = image if image.ndim == 2 else image[..., :3].mean(axis=-1)
        records[path.stem] = score_pair(
            truth, measure.label(grey > filters.threshold_otsu(grey)), boundary=False
        )
    rows = failure_by(records, "density", 4)
    assert sum(row["n"] for row in rows) == sum(one.counts["n_truth"] for one in records.values())
    # A threshold joins nuclei that lie close together.
    assert rows[0]["recall"] > rows[-1]["recall"]
