import math

import pytest

from micrographia.segmentation.ranking.agreement import MEASURES
from micrographia.segmentation.ranking.controls import Content
from micrographia.segmentation.ranking.measuring import Measured
from micrographia.segmentation.ranking.scoring import (
    by_kind,
    common_images,
    image_score,
    judge,
    silent_images,
)

GOOD = Content(10, 0.3, 0.05)


def values(number):
    return dict.fromkeys(MEASURES, number)


def record(perturbed=(0.9,), control=0.0, content=GOOD, **more):
    return Measured(
        "a",
        content=content,
        perturbed={f"noise {place}": values(number) for place, number in enumerate(perturbed)},
        controls={"blank": values(0.0), "shuffled": values(control)},
        **more,
    )


def test_kinds_weigh_the_same_however_many_strengths_they_have():
    held = {"noise 0.1": values(0.8), "noise 0.2": values(0.4), "blur 1": values(0.9)}
    found = Measured("a", perturbed=held)
    assert by_kind(found, "f1", "input") == pytest.approx({"noise": 0.6, "blur": 0.9})
    assert image_score(found, "f1", "input").consistency == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("perturbed", "control", "score"),
    [
        ((0.9,), 0.0, 0.9),
        ((0.9,), 0.5, 0.8),
        ((1.0,), 0.5, 1.0),
        ((1.0,), 1.0, 0.0),
        ((0.3,), 0.5, 0.0),
        ((math.nan,), math.nan, 0.0),  # nothing found, on the image and on its control
    ],
)
def test_the_score_is_agreement_beyond_the_best_control(perturbed, control, score):
    assert image_score(record(perturbed, control), "f1", "input").score == pytest.approx(score)


def test_finding_nothing_only_when_perturbed_is_no_agreement():
    assert image_score(record((0.0, 0.8)), "f1", "input").consistency == pytest.approx(0.4)


def test_a_good_model_is_ranked():
    assert judge([record()] * 5, "input").status == "ranked"


@pytest.mark.parametrize(
    ("records", "status", "said"),
    [
        ([record(content=Content(0, 0, 0))] * 9 + [record()], "worthless", "finds nothing in 9 of 10"),
        ([record(content=Content(1, 1, 1))] * 5, "worthless", "everything one object in 5 of 5"),
        ([record(control=0.6)] * 5, "worthless", "matched F1 of 0.60 on controls (most on shuffled)"),
        ([Measured("a", "no memory")] * 3 + [record()], "failed", "failed on 3 of 4 images: no memory"),
        ([], "failed", "there are no images"),
    ],
)  # fmt: skip
def test_worthless_consistency_is_told_apart(records, status, said):
    found = judge(records, "input")
    assert found.status == status
    assert said in found.reason


def test_what_is_no_reason_to_leave_a_model_out_is_noted():
    empty, failed = record(content=Content(0, 0, 0)), Measured("b", "no memory")
    found = judge([record(), record(), record(), empty, failed], "input")
    assert found.status == "ranked"
    assert found.notes == (
        "failed on 1 of 5 images, which are left out for every model",
        "finds nothing in 1 of 4 images, which count 0 for it",
    )


def test_dropout_is_asked_of_networks_only():
    assert judge([record(dropout_reason="it shows no network")], "dropout").status == "not asked"
    dropped = record(dropped={"dropout 0.1 #1": values(0.7), "dropout 0.1 #2": values(0.5)})
    assert judge([dropped], "dropout").status == "ranked"
    assert image_score(dropped, "f1", "dropout").consistency == pytest.approx(0.6)


def test_images_that_decide_nothing():
    empty, failed = record(content=Content(0, 0, 0)), Measured("b", "no memory")
    held = {
        "a": [record(), empty, empty, record()],
        "b": [record(), empty, record(), failed],
        "c": [record(), record(), record(), record()],
    }
    assert silent_images(held) == [1]
    assert common_images(held, [1]) == [0, 2]
    assert silent_images({}) == common_images({}) == []
