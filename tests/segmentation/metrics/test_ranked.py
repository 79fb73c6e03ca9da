import contextlib
import io
import math

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import average_precision_score

from micrographia.segmentation.metrics import (
    SegmentationError,
    contingency,
    match,
    ranked_average_precision,
)
from segmentation.metrics.oracle import blobs


def of_coco(images, scores, threshold: float) -> float:
    """Return what COCO's own evaluation gives for label images and scores of their predicted objects."""

    def masks(labels, at):
        for label in np.unique(labels[labels > 0]):
            rle = coco_mask.encode(np.asfortranarray(labels == label, np.uint8))
            yield {
                "image_id": at,
                "category_id": 1,
                "segmentation": rle,
                "area": int((labels == label).sum()),
                "bbox": coco_mask.toBbox(rle).tolist(),
                "iscrowd": 0,
            }

    truth = [entry for at, (labels, _) in enumerate(images, 1) for entry in masks(labels, at)]
    found = [
        {**entry, "score": float(score)}
        for at, (_, labels) in enumerate(images, 1)
        for entry, score in zip(masks(labels, at), scores[at - 1], strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = COCO()
        dataset.dataset = {
            "images": [{"id": at, "height": 64, "width": 64} for at in range(1, len(images) + 1)],
            "categories": [{"id": 1}],
            "annotations": [{**entry, "id": number} for number, entry in enumerate(truth, 1)],
        }
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(found), "segm")
        evaluation.params.iouThrs = np.array([threshold])
        evaluation.params.maxDets = [10_000]
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return float(evaluation.eval["precision"].mean())


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.75])
def test_it_is_that_of_coco(threshold):
    # 59 true objects: no recall but 1 is one of the 101, where rounding decides which side COCO takes.
    images = [blobs(seed, (64, 64), count) for seed, count in enumerate((20, 20, 19))]
    tables = [contingency(*image) for image in images]
    rng = np.random.default_rng(0)
    scores = [rng.random(len(table.predicted_ids)) for table in tables]
    ours = ranked_average_precision(tables, scores, threshold)
    assert sum(table.n_truth for table in tables) == 59
    assert ours == pytest.approx(of_coco(images, scores, threshold), abs=1e-9)
    assert 0 < ours < 1


def test_five_predictions_by_hand():
    """Right, wrong, right, wrong, right of 4 objects: precision 1, 1/2, 2/3, 2/4, 3/5, made 1, 2/3, 2/3, 3/5, 3/5."""
    truth = np.array([[1, 0, 2, 0, 3, 4, 0]])
    predicted = np.array([[1, 2, 3, 4, 5, 0, 0]])
    table = contingency(truth, predicted)
    scores = [0.9, 0.8, 0.7, 0.6, 0.5]
    assert ranked_average_precision([table], [scores], points="all") == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    # Recalls 0 to 0.25 (26 points), to 0.50 (25), to 0.75 (25), beyond (25).
    wanted = (26 + 25 * 2 / 3 + 25 * 3 / 5) / 101
    assert ranked_average_precision([table], [scores]) == pytest.approx(wanted)


def test_without_missed_objects_the_raw_area_is_that_of_scikit_learn():
    """With the right ones first, precision falls and needs no smoothing."""
    truth = np.zeros((1, 60), int)
    truth[0, :20] = np.arange(1, 21)
    predicted = np.arange(1, 61)[None]
    table = contingency(truth, predicted)
    scores = np.r_[np.linspace(1, 0.5, 20), np.linspace(0.4, 0, 40)]
    wanted = average_precision_score(truth.ravel() > 0, scores)
    assert ranked_average_precision([table], [scores], points="all") == pytest.approx(wanted)


def test_scores_decide_who_takes_a_contested_object():
    truth = np.array([[1, 1, 1, 1, 0]])
    predicted = np.array([[5, 5, 6, 6, 0]])
    table = contingency(truth, predicted)
    assert ranked_average_precision([table], [[0.9, 0.1]]) == 1
    assert ranked_average_precision([table], [[0.1, 0.9]]) == 1
    assert match(table, 0.5).fp == 1


def test_empty_images():
    nothing, something = np.zeros((2, 2), int), np.ones((2, 2), int)
    assert ranked_average_precision([contingency(nothing, nothing)], [[]]) == 1
    assert ranked_average_precision([contingency(something, nothing)], [[]]) == 0
    assert math.isnan(ranked_average_precision([contingency(nothing, something)], [[0.5]]))


def test_ignored_predictions_are_left_out_unless_they_match():
    truth = np.array([[1, 1, 2, 2, 2, 0]])
    predicted = np.array([[1, 1, 5, 5, 5, 5]])
    table = contingency(truth, predicted, ignore=[2])
    assert ranked_average_precision([table], [[0.1, 0.9]]) == 1
    assert ranked_average_precision([contingency(truth, predicted * (truth != 1))], [[0.9]]) == pytest.approx(
        51 / 101
    )


@pytest.mark.parametrize(
    ("scores", "words"),
    [([[0.1]], "scores of shape"), ([[0.1, math.nan]], "not finite"), ([], "1 images but scores of 0")],
)
def test_bad_scores_are_refused(scores, words):
    table = contingency([[1, 2]], [[1, 2]])
    with pytest.raises(SegmentationError, match=words):
        ranked_average_precision([table], scores)
