import numpy as np
import pytest

from micrographia.representation.probes import (
    accuracy_items,
    choose,
    layer_sweep,
    leave_group_out,
    one_per_class_holdouts,
    predict,
)

DONOR = np.repeat(np.arange(12), 5)
STAGE = np.array(["onset", "long", "none"])[DONOR // 4]


def layers(seed=0, good=(), n=6):
    rng = np.random.default_rng(seed)
    return {
        f"block {at}": rng.normal(size=(60, 4)) + (6 if at in good else 0) * np.eye(3, 4)[DONOR // 4]
        for at in range(n)
    }


def test_the_layer_with_the_signal_is_chosen_in_every_holdout():
    found = layer_sweep(layers(good=(3,)), STAGE, one_per_class_holdouts(DONOR, STAGE, most=8), probe="ridge")
    assert set(found.choices) == {"block 3"}
    assert found.chosen == "block 3"
    assert accuracy_items(found.nested).score == accuracy_items(found.layers["block 3"]).score == 1
    np.testing.assert_array_equal(found.nested.scores, found.layers["block 3"].scores)


def test_the_best_of_many_layers_of_noise_looks_good_and_the_nested_choice_does_not():
    folds = one_per_class_holdouts(DONOR, STAGE, most=8)
    best, nested = [], []
    for seed in range(8):
        found = layer_sweep(layers(seed, n=10), STAGE, folds, probe="ridge")
        best.append(max(accuracy_items(one).score for one in found.layers.values()))
        nested.append(accuracy_items(found.nested).score)
    assert np.mean(best) > 1 / 3 + 0.06
    assert np.mean(nested) == pytest.approx(1 / 3, abs=0.05)


def test_of_equals_the_first_is_chosen():
    values = layers(good=(0,))["block 0"]
    found = layer_sweep(
        {"early": values, "late": values.copy()}, STAGE, leave_group_out(DONOR), probe="ridge"
    )
    assert set(found.choices) == {"early"}


def test_what_could_not_be_tuned_is_not_chosen():
    groups, labels = DONOR[:10], ["a", "b"] * 5
    found = layer_sweep({"a": np.eye(10), "b": np.eye(10)}, labels, leave_group_out(groups))
    assert found.choices == ("", "")
    assert found.chosen == ""
    assert np.isnan(accuracy_items(found.nested).score)
    assert "nothing to choose by in 2 of 2 hold-outs" in found.nested.reason


def test_candidates_must_be_of_the_same_rows():
    values = layers()["block 0"]
    first = predict(values, STAGE, leave_group_out(DONOR), probe="ridge")
    other = predict(values, STAGE, one_per_class_holdouts(DONOR, STAGE, most=4), probe="ridge")
    with pytest.raises(ValueError, match="'b' and 'a' are not of the same rows"):
        choose({"a": first, "b": other})
    with pytest.raises(ValueError, match="nothing to choose from"):
        choose({})
