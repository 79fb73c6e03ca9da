"""The human ceiling: cases by hand, words, and annotators that are known to be better or worse than a model."""

import numpy as np
import pytest

from label_images import discs
from micrographia.segmentation.metrics import SegmentationError
from micrographia.segmentation.scoring import (
    METRICS,
    Agreement,
    human_agreement,
    human_ceiling,
    score_annotators,
    score_pair,
)
from micrographia.statistics import interval
from segmentation.scoring.made_records import counts

METRIC = "f1@0.5"


def both_ways(a, b, truth, predicted, tp):
    return {(a, b): counts(truth, predicted, tp), (b, a): counts(predicted, truth, tp)}


def drawn(truth, rng, missed):
    """What somebody draws who misses a share of the objects."""
    ids = np.unique(truth[truth > 0])
    return np.where(np.isin(truth, ids[rng.random(len(ids)) < missed]), 0, truth)


def study(missed_by_people, missed_by_model, images=14, people=3, seed=0):
    """Simulate people and a model that draw the same cells and each miss some."""
    rng = np.random.default_rng(seed)
    human, model, groups = {}, {}, {}
    for place in range(images):
        image = f"image-{place:02}"
        truth = discs(96, seed=place)
        opinions = {f"person {n}": drawn(truth, rng, missed_by_people) for n in range(people)}
        predicted = drawn(truth, rng, missed_by_model)
        human[image] = score_annotators(opinions, boundary=False)
        model[image] = {
            who: score_pair(labels, predicted, boundary=False, objects=False)
            for who, labels in opinions.items()
        }
        groups[image] = place
    return model, human, groups


def test_two_annotators_and_a_model_by_hand():
    # People agree on 8 objects of 10 and 9, and on 3 of 5 and 4.
    human = {"x": both_ways("a", "b", 10, 9, 8), "y": both_ways("a", "b", 5, 4, 3)}
    model = {
        "x": {"a": counts(10, 9, 9), "b": counts(9, 9, 8)},
        "y": {"a": counts(5, 6, 4), "b": counts(4, 6, 2)},
    }
    found = human_ceiling(model, human, METRIC)
    assert found.human == pytest.approx(2 * (8 + 3) / (19 + 9))
    # The mean over annotators of numerators, 2 (9 + 8) / 2 and 2 (4 + 2) / 2, and of denominators.
    assert found.model == pytest.approx((17 + 6) / ((19 + 18) / 2 + (11 + 10) / 2))
    assert found.comparison.difference == pytest.approx(found.model - found.human)
    assert found.word is Agreement.TOO_FEW
    assert found.annotators == ("a", "b")
    assert "these 2 annotators" in found.reason
    alone = human_ceiling(model, human, METRIC, weighting="image")
    assert alone.human == pytest.approx((16 / 19 + 6 / 9) / 2)
    assert alone.model == pytest.approx(((18 / 19 + 16 / 18) / 2 + (8 / 11 + 4 / 10) / 2) / 2)


def test_annotators_are_used_alike_in_both_roles():
    human = {"x": both_ways("a", "b", 10, 5, 5)}
    assert human_agreement(human, "recall@0.5").score == pytest.approx((5 + 5) / (10 + 5))
    assert human_agreement(human, "precision@0.5").score == pytest.approx((5 + 5) / (10 + 5))
    assert human_agreement(human, "recall@0.5", weighting="image").score == pytest.approx((1 / 2 + 1) / 2)


def test_an_image_counts_once_whatever_the_number_of_annotators():
    two = both_ways("a", "b", 10, 10, 5)
    four = {(one, other): counts(10, 10, 9) for one in "abcd" for other in "abcd" if one != other}
    assert human_agreement({"x": two, "y": four}, METRIC).score == pytest.approx((5 + 9) / 20)


def test_a_leave_one_out_reference_is_the_mean_over_pairs():
    rng = np.random.default_rng(1)
    truth = discs(96)
    opinions = {who: drawn(truth, rng, 0.3) for who in "abcd"}
    pairs = score_annotators(opinions, boundary=False)
    metric = METRICS[METRIC]
    left_out = [
        np.mean([metric.value(pairs[other, one].sums) for other in opinions if other != one])
        for one in opinions
    ]
    found = human_agreement({"x": pairs}, METRIC, weighting="image").score
    assert found == pytest.approx(np.mean(left_out))


@pytest.mark.parametrize(
    ("people", "model", "word"),
    [(0.05, 0.5, Agreement.BELOW), (0.3, 0.0, Agreement.ABOVE)],
)
def test_words(people, model, word):
    records, human, groups = study(people, model)
    found = human_ceiling(records, human, METRIC, groups, delta=0.05)
    assert found.word is word
    assert found.human_interval.low < found.human < found.human_interval.high
    assert found.model_interval.low < found.model < found.model_interval.high
    assert found.human_interval.n_groups == found.n_images == 14


def test_within_is_shown_and_not_assumed():
    model, human, groups = study(0.1, 0.1, images=30)
    assert human_ceiling(model, human, METRIC, groups, delta=0.1).word is Agreement.WITHIN
    assert human_ceiling(model, human, METRIC, groups, delta=0.0001).word is Agreement.UNDECIDED


def test_a_model_that_draws_as_people_do_is_neither_above_nor_below():
    model, human, _ = study(0.2, 0.2, images=20, seed=3)
    found = human_ceiling(model, human, METRIC, delta=0.06)
    assert abs(found.comparison.difference) < 0.06
    assert found.word in (Agreement.WITHIN, Agreement.UNDECIDED)
    assert "groups unknown" in found.reason


def test_words_of_errors_are_turned_around():
    model, human, groups = study(0.05, 0.5)
    assert human_ceiling(model, human, "are", groups).word is Agreement.BELOW
    model, human, groups = study(0.3, 0.0)
    assert human_ceiling(model, human, "are", groups).word is Agreement.ABOVE


def test_images_that_do_not_match_in_annotators_are_left_out_and_said():
    model, human, groups = study(0.1, 0.2, images=8)
    del model["image-00"]["person 2"]
    del human["image-01"]
    human["image-02"] = {}
    found = human_ceiling(model, human, METRIC, groups)
    assert found.n_images == 5
    assert "3 images without two annotators" in found.reason


def test_nothing_to_compare():
    found = human_ceiling({}, {}, METRIC)
    assert found.word is Agreement.UNDEFINED
    assert np.isnan(found.human)
    assert found.n_images == 0


def test_one_way_is_not_enough():
    with pytest.raises(SegmentationError, match="not the other way"):
        human_agreement({"x": {("a", "b"): counts(1, 1, 1)}}, METRIC)


def test_annotators_are_held_against_each_other_in_all_pairs():
    truth = discs(64)
    opinions = {"a": truth, "b": np.where(truth == 1, 0, truth), "c": truth}
    found = score_annotators(opinions, ignore={"a": [1]})
    assert len(found) == 6
    assert found["b", "a"].counts["fp"] == 1
    assert found["a", "b"].counts["fn"] == 0  # a does not judge object 1
    assert METRICS["boundary_f1"].value(found["a", "c"].sums) == 1
    assert score_annotators({"a": truth}) == {}
    assert interval(human_agreement({str(n): found for n in range(5)}, METRIC), "group").n_groups == 5
