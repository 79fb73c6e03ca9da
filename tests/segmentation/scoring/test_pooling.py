"""Many images: pooled scores against one large image, weights, failures, empty images, and comparisons of models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import filters, io, measure

from micrographia.segmentation.metrics import SegmentationError
from micrographia.segmentation.scoring import (
    METRICS,
    PairRecord,
    compare_models,
    failed_pair,
    over_datasets,
    paired,
    score_pair,
    scores,
)
from micrographia.statistics import Verdict, compare, interval, rank_intervals
from segmentation.metrics.oracle import blobs
from segmentation.scoring.made_records import counts, made, two_cells

ONE_BY_ONE = [name for name in METRICS if name != "vi"]
"""Metrics whose pooled value is that of all images side by side; of vi the missed pixels are one segment an image."""


def mosaic(images, gap=8):
    """Put pairs of label images side by side, ids made different, with background between them."""
    size = max(truth.shape[0] for truth, _ in images) + gap
    whole = np.zeros((2, size, size * len(images)), np.int64)
    for place, pair in enumerate(images):
        for side, labels in enumerate(pair):
            part = whole[side, : labels.shape[0], place * size : place * size + labels.shape[1]]
            part[...] = np.where(labels > 0, labels + 1000 * place, 0)
    return whole


@pytest.mark.parametrize("metric", ONE_BY_ONE)
def test_pooled_is_the_score_of_all_images_side_by_side(metric):
    rng = np.random.default_rng(7)
    images = [blobs(seed, (40, 40), int(rng.integers(2, 12))) for seed in range(4)]
    # Framed, because the edge of an image is no boundary.
    images = [tuple(np.pad(labels, 1) for labels in pair) for pair in images]
    records = {str(place): score_pair(*pair) for place, pair in enumerate(images)}
    whole = METRICS[metric].value(score_pair(*mosaic(images)).sums)
    if metric == "count_error":  # misses and inventions of different images do not cancel
        errors = [abs(record.counts["n_predicted"] - record.counts["n_truth"]) for record in records.values()]
        whole = sum(errors) / sum(record.counts["n_truth"] for record in records.values())
    assert scores(records, metric).score == pytest.approx(whole)


@pytest.mark.parametrize("metric", list(METRICS))
def test_what_an_image_adds_is_the_derivative_of_the_pooled_score(metric):
    records = made(5, seed=11)
    chosen, found = METRICS[metric], scores(records, metric)
    totals = {name: sum(one.sums[name] for one in records.values()) for name in records["image-00"].sums}
    share = found.weights / found.weights.sum()
    for place, image in enumerate(sorted(records)):
        step = 1e-6
        more = {name: value + step * records[image].sums[name] for name, value in totals.items()}
        slope = (chosen.value(more) - chosen.value(totals)) / step
        assert share[place] * (found.values[place] - found.score) == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("metric", list(METRICS))
def test_image_weighting_is_the_mean_over_images(metric):
    records = made(6)
    chosen = METRICS[metric]
    found = scores(records, metric, weighting="image")
    assert found.score == pytest.approx(np.mean([chosen.value(one.sums) for one in records.values()]))
    assert found.items == sorted(records)


def test_pooled_f1_by_hand():
    records = {"b": counts(90, 90, 81), "a": counts(10, 0, 0)}
    found = scores(records, "f1@0.5")
    assert found.items == ["a", "b"]
    assert found.values.tolist() == [0, 0.9]
    assert found.weights.tolist() == pytest.approx([2 * 10 / 190, 2 * 180 / 190])
    assert found.score == pytest.approx(162 / 190)
    assert scores(records, "f1@0.5", weighting="image").score == pytest.approx(0.45)
    assert found.bounds == (0, 1)


def test_groups_are_a_factor_and_unknown_groups_are_said():
    records = made(8)
    groups = {image: place // 2 for place, image in enumerate(sorted(records))}
    found = scores(records, "pq", groups)
    assert found.factors == {"group": [0, 0, 1, 1, 2, 2, 3, 3]}
    assert interval(found, "group").n_groups == 4
    alone = interval(scores(records, "pq"), "group")
    assert alone.n_groups == 8
    assert "groups unknown" in alone.reason
    del groups["image-03"]
    partly = interval(scores(records, "pq", groups), "group")
    assert partly.n_groups == 5
    assert "1 items without group" in partly.reason


def test_failed_images_are_left_out_or_count_as_nothing_found():
    truth, _ = two_cells()
    records = {"a": counts(2, 2, 2), "b": failed_pair("out of memory", truth), "c": failed_pair("not read")}
    found = scores(records, "f1@0.5")
    assert (found.score, found.n_evaluable, found.n_items) == (1, 1, 3)
    assert found.reason == "2 images without prediction left out"
    worst = scores(records, "f1@0.5", failures="nothing found")
    assert worst.score == pytest.approx(2 * 2 / (4 + 2))
    assert np.isnan(worst.values[2])
    assert worst.reason == "1 image without prediction left out"
    none = scores({"c": failed_pair("not read")}, "f1@0.5")
    assert np.isnan(none.score)
    assert "without prediction" in interval(none, "group").reason


@pytest.mark.parametrize("metric", list(METRICS))
def test_empty_images_add_nothing_pooled_and_are_perfect_alone(metric):
    bare = np.zeros((9, 9), np.uint8)
    records = {"bare": score_pair(bare, bare), "full": score_pair(*two_cells())}
    pooled, alone = scores(records, metric), scores({"full": records["full"]}, metric)
    assert pooled.score == alone.score
    assert (pooled.weights[0], np.isnan(pooled.values[0])) == (0, True)
    assert "1 image with nothing to score" in pooled.reason
    by_image = scores(records, metric, weighting="image")
    assert by_image.values[0] == METRICS[metric].perfect
    left_out = scores(records, metric, weighting="image", empty="left out")
    assert left_out.score == alone.score


def test_images_whose_boundaries_were_not_compared_are_left_out_and_said():
    records = {"a": score_pair(*two_cells()), "b": score_pair(*two_cells(), boundary=False)}
    found = scores(records, "boundary_f1")
    assert found.score == METRICS["boundary_f1"].value(records["a"].sums)
    assert found.reason == "1 image for which boundary_f1 was not measured left out"


def test_a_metric_or_weighting_that_does_not_exist():
    with pytest.raises(SegmentationError, match="no metric"):
        scores(made(1), "accuracy")
    with pytest.raises(SegmentationError, match="no weighting"):
        scores(made(1), "pq", weighting="object")


NUMBERS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(0, 1), st.floats(0, 1), st.integers(0, 30)),
    min_size=1,
    max_size=12,
)


def drawn(numbers):
    """Records of two models on the same images, by their counts."""
    both = {}, {}
    for place, (truth, predicted, one, other, more) in enumerate(numbers):
        both[0][f"{place:02}"] = counts(truth, predicted, int(one * min(truth, predicted)))
        both[1][f"{place:02}"] = counts(truth, more, int(other * min(truth, more)))
    return both


@settings(deadline=None, max_examples=100)
@given(NUMBERS, st.sampled_from(["f1@0.5", "precision@0.5", "recall@0.5", "ap@0.5"]))
def test_common_weights_do_not_change_scores(numbers, metric):
    before = {name: scores(held, metric) for name, held in zip("ab", drawn(numbers), strict=True)}
    after = paired(before)
    if all(one.n_evaluable for one in before.values()):
        assert np.array_equal(after["a"].weights, after["b"].weights)
        for name in "ab":
            assert after[name].score == pytest.approx(before[name].score)
    else:
        assert not after["a"].n_evaluable
        assert not after["b"].n_evaluable


@settings(deadline=None, max_examples=50)
@given(NUMBERS, st.data())
def test_exchanging_two_models_in_a_group_changes_the_sign_of_what_it_adds(numbers, data):
    first, second = drawn(numbers)
    one, other = paired({"a": scores(first, "f1@0.5"), "b": scores(second, "f1@0.5")}).values()
    back = paired({"a": scores(second, "f1@0.5"), "b": scores(first, "f1@0.5")})
    if one.n_evaluable:
        added = one.weights * (one.values - other.values)
        swapped = back["a"].weights * (back["a"].values - back["b"].values)
        assert np.allclose(np.nan_to_num(added), -np.nan_to_num(swapped))


def test_common_weights_by_hand():
    # Model a: 8 TP of 10 + 10 and 0 of 10 + 0; model b: 6 of 10 + 10 and 5 of 10 + 10.
    a = scores({"x": counts(10, 10, 8), "y": counts(10, 0, 0)}, "f1@0.5")
    b = scores({"x": counts(10, 10, 6), "y": counts(10, 10, 5)}, "f1@0.5")
    one, other = paired({"a": a, "b": b}).values()
    share_x = (20 / 30 + 20 / 40) / 2
    assert one.weights / 2 == pytest.approx([share_x, 1 - share_x])
    f_a, f_b = 16 / 30, 22 / 40
    mean = (f_a + f_b) / 2
    added = one.weights / 2 * (one.values - other.values)
    assert added == pytest.approx(
        [16 / 30 - 12 / 40 - mean * (20 / 30 - 20 / 40), -10 / 40 - mean * (10 / 30 - 20 / 40)]
    )


def test_the_same_weights_stay_exact():
    a = scores({"x": counts(10, 5, 4), "y": counts(20, 9, 9)}, "recall@0.5")
    b = scores({"x": counts(10, 7, 1), "y": counts(20, 3, 3)}, "recall@0.5")
    one, other = paired({"a": a, "b": b}).values()
    assert one.values.tolist() == a.values.tolist()
    assert other.values.tolist() == b.values.tolist()


def test_false_positives_on_empty_images_count_against_the_model():
    groups = {f"{place:02}": place for place in range(20)}
    careful = {image: counts(0, 0, 0) if place % 2 else counts(20, 20, 15) for image, place in groups.items()}
    eager = {image: counts(0, 9 + place % 4, 0) if place % 2 else one for (image, place), one in
             zip(groups.items(), careful.values(), strict=True)}  # fmt: skip
    found = compare_models(scores(careful, "f1@0.5", groups), scores(eager, "f1@0.5", groups), delta=0.01)
    assert found.verdict is Verdict.BEATS
    assert found.n_items == 20
    assert found.difference == pytest.approx(scores(careful, "f1@0.5").score - scores(eager, "f1@0.5").score)


def test_images_that_failed_for_one_model_are_left_out_for_both():
    first, second = made(9, seed=1), made(9, seed=1)
    second["image-04"] = failed_pair("too bright")
    found = compare_models(scores(first, "f1@0.5"), scores(second, "f1@0.5"), delta=0.01)
    assert found.difference == 0
    assert found.n_items == 8
    assert "1 image without prediction of one of them left out" in found.reason


def test_a_model_without_any_prediction_cannot_be_compared():
    nothing = {image: failed_pair("no licence") for image in made(5)}
    found = compare_models(scores(made(5), "pq"), scores(nothing, "pq"), delta=0.01)
    assert found.verdict is Verdict.UNDEFINED
    assert "without prediction" in found.reason


def test_models_on_different_images_are_not_compared():
    with pytest.raises(SegmentationError, match="different images"):
        compare_models(scores(made(4), "pq"), scores(made(5), "pq"), delta=0.1)
    assert paired({}) == {}


def test_rank_intervals_take_models_whose_denominators_differ():
    rng = np.random.default_rng(0)
    groups = {f"{place:02}": place for place in range(24)}
    models = {}
    for name, right in (("good", 0.9), ("fair", 0.7), ("poor", 0.4)):
        held = {image: counts(30, 30 + int(rng.integers(0, 9)), rng.binomial(30, right)) for image in groups}
        models[name] = scores(held, "f1@0.5", groups)
    places, _ = rank_intervals(paired(models), "group")
    assert [(one.name, one.low, one.high) for one in places] == [
        ("good", 1, 1),
        ("fair", 2, 2),
        ("poor", 3, 3),
    ]
    assert [one.score for one in places] == pytest.approx([one.score for one in models.values()])


def test_false_claims_are_rare_although_denominators_differ():
    rng = np.random.default_rng(5)
    claims = 0
    for _ in range(200):
        both, groups = ({}, {}), {}
        for group in range(8):
            hard, own, eager = rng.normal(0, 0.1), rng.normal(0, 0.05, 2), rng.lognormal(0, 0.4, 2)
            for image in range(int(rng.integers(1, 6))):
                n, name = int(rng.integers(2, 60)), f"{group}-{image}"
                groups[name] = group
                for model in (0, 1):
                    tp = rng.binomial(n, np.clip(0.75 + hard + own[model], 0.02, 0.98))
                    both[model][name] = counts(n, tp + rng.poisson(n * 0.2 * eager[model]), tp)
        first, second = (scores(held, "f1@0.5", groups) for held in both)
        claims += compare_models(first, second, delta=0.01).verdict in (Verdict.BEATS, Verdict.LOSES)
    assert claims <= 18  # 5% of 200 are 10; 18 are beyond the 99th percentile


def test_datasets_count_alike_whatever_their_size():
    small = scores({"a": counts(4, 4, 1), "b": counts(4, 4, 3)}, "f1@0.5", {"a": 1, "b": 2})
    large = scores({str(n): counts(100, 100, 90 + n) for n in range(3)}, "f1@0.5")
    found = over_datasets({"small": small, "large": large})
    assert found.score == pytest.approx((0.5 + 0.91) / 2)
    assert found.items[:3] == ["small/a", "small/b", "large/0"]
    assert found.factors["dataset"] == ["small"] * 2 + ["large"] * 3
    assert found.factors["group"] == [("small", 1), ("small", 2), None, None, None]
    bare = scores({"a": failed_pair("not read")}, "f1@0.5")
    partly = over_datasets({"small": small, "bare": bare})
    assert partly.score == small.score
    assert "bare left out: 1 image without prediction" in partly.reason
    assert np.isnan(over_datasets({"bare": bare}).score)


def test_models_are_compared_over_datasets():
    rng = np.random.default_rng(2)
    held = {name: {} for name in ("a", "b")}
    for dataset in range(8):
        groups = {str(n): n for n in range(4)}
        two = {
            name: scores(
                {image: counts(20, 20, rng.binomial(20, right)) for image in groups}, "f1@0.5", groups
            )
            for name, right in (("a", 0.9), ("b", 0.6))
        }
        for name, one in paired(two).items():
            held[name][f"set {dataset}"] = one
    first, second = (over_datasets(one) for one in held.values())
    found = compare(first, second, "dataset", delta=0.02)
    assert found.verdict is Verdict.BEATS
    assert found.n_groups == 8
    assert compare(first, second, "group", delta=0.02).n_groups == 32


@settings(deadline=None, max_examples=60)
@given(NUMBERS)
def test_the_linearised_mean_of_ratios_is_exact(numbers):
    rng = np.random.default_rng(len(numbers))
    records = {}
    for place, (truth, predicted, one, _, _) in enumerate(numbers):
        sums = {"truth": truth, "predicted": predicted}
        tp = int(one * min(truth, predicted))
        for threshold in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
            sums |= {f"tp@{threshold:g}": tp, f"fp@{threshold:g}": predicted - tp}
            tp = int(rng.integers(0, tp + 1))
        records[f"{place:02}"] = PairRecord(sums)
    found = scores(records, "map")
    totals = {name: sum(one.sums[name] for one in records.values()) for name in sums}
    if totals["truth"] + totals["predicted"]:
        assert found.score == pytest.approx(METRICS["map"].value(totals))
        held = found.weights > 0
        assert found.weights[held].mean() == pytest.approx(1)
    else:
        assert np.isnan(found.score)


@pytest.mark.real_data
def test_real_nuclei_pooled_and_compared(data):
    root = data / "dsb2018"
    better, worse, groups = {}, {}, {}
    for place, path in enumerate(sorted((root / "labels").glob("*.png"))[::8]):
        truth, image = io.imread(path), io.imread(root / "images" / path.name)
        grey = image if image.ndim == 2 else image[..., :3].mean(axis=-1)
        level = filters.threshold_otsu(grey)
        better[path.stem] = score_pair(truth, measure.label(grey > level))
        worse[path.stem] = score_pair(truth, measure.label(grey > level * 1.6))
        groups[path.stem] = place // 2
    sums = [one.counts for one in better.values()]
    tp, fp, fn = (sum(one[name] for one in sums) for name in ("tp", "fp", "fn"))
    pooled = scores(better, "f1@0.5", groups)
    assert pooled.score == pytest.approx(2 * tp / (2 * tp + fp + fn))
    within = interval(pooled, "group")
    assert 0 <= within.low < pooled.score < within.high <= 1
    other = scores(worse, "f1@0.5", groups)
    found = compare_models(pooled, other, delta=0.02)
    assert found.difference == pytest.approx(pooled.score - other.score)
    assert found.verdict is Verdict.BEATS
