import numpy as np
import pytest

from micrographia.representation.confounding import decodability, well_position
from micrographia.representation.confounding.decodability import is_quantity
from micrographia.representation.probes import group_folds, leave_group_out

RNG = np.random.default_rng(0)
GROUP = np.repeat(np.arange(12), 10)
FOLDS = leave_group_out(GROUP)
NOISE = RNG.normal(size=(120, 5))


def test_a_count_that_is_in_the_features_is_read_and_one_that_is_not_is_not():
    count = RNG.poisson(100, 120)
    inside = np.c_[NOISE, NOISE[:, :1] + count[:, None] / 5]
    found = decodability(inside, count, FOLDS, name="count", role="mediator")
    assert found.metric == "r2"
    assert found.score > 0.8
    assert (found.name, found.role, found.chance) == ("count", "mediator", 0.0)
    assert found.chance_pipeline == pytest.approx(0, abs=1e-9)
    assert decodability(NOISE, count, FOLDS).score < 0.1


def test_two_names_are_read_by_auc_and_more_by_balanced_accuracy():
    treated = np.tile([True, False], 60)
    found = decodability(NOISE + 2 * treated[:, None], treated, FOLDS)
    assert found.metric == "auc"
    assert found.score > 0.95
    assert found.chance == found.chance_pipeline == 0.5
    row = np.tile(list("ABCD"), 30)
    found = decodability(NOISE + 3 * np.eye(5)[np.tile(np.arange(4), 30)], row, FOLDS)
    assert found.metric == "balanced accuracy"
    assert found.score > 0.9
    assert found.chance == 0.25
    # Holding out makes the names that are frequent in the test rarer in training.
    assert found.chance_pipeline == pytest.approx(0.2)


def test_a_rare_batch_is_not_hidden_by_the_frequent_one():
    rare = np.arange(120) % 10 == 0
    found = decodability(NOISE, rare, FOLDS)
    assert abs(found.score - 0.5) < 0.25


def test_a_plate_cannot_be_read_when_whole_plates_are_held_out():
    found = decodability(NOISE, [f"plate {at}" for at in GROUP], FOLDS)
    assert np.isnan(found.score)
    assert np.isnan(found.chance)
    assert "whose class or features no training row has" in found.reason
    other = decodability(NOISE, [f"plate {at}" for at in GROUP], group_folds(np.arange(120), 5))
    assert np.isfinite(other.score)


def test_what_is_the_same_everywhere_cannot_be_read():
    found = decodability(NOISE, ["one"] * 120, FOLDS)
    assert np.isnan(found.score)
    assert "one label" in found.reason


def test_roles():
    with pytest.raises(ValueError, match="confounder or a mediator"):
        decodability(NOISE, GROUP, FOLDS, role="victim")


def test_quantities_are_numbers_with_many_values():
    assert is_quantity(np.arange(20))
    assert is_quantity([1.5, None, *range(20)])
    assert is_quantity(np.arange(20, dtype=object))
    assert is_quantity(list(np.arange(20, dtype=np.uint8)))
    assert not is_quantity([1, 2, 3] * 10)
    assert not is_quantity(np.arange(20) > 3)
    assert not is_quantity(list("abcdefghijklmnop"))
    assert not is_quantity([])


def test_wells_have_rows_and_columns():
    rows, columns = well_position(["A01", "b12", "P24", "AA3", "AF48", None, "well", "A1B", ""])
    np.testing.assert_array_equal(rows, [1, 2, 16, 27, 32, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(columns, [1, 12, 24, 3, 48, np.nan, np.nan, np.nan, np.nan])
