import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from micrographia.representation.audit.partners import partners

COLUMN = st.integers(-1, 3)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(COLUMN, COLUMN, COLUMN, COLUMN), min_size=1, max_size=25), st.integers(0, 3))
def test_counts_are_those_of_looking_at_every_pair(rows, n_excluded):
    table = np.array(rows)
    label, exclude = table[:, 0], [table[:, at] for at in range(1, 1 + n_excluded)]
    found = partners([label], exclude)
    for a in range(len(table)):
        others = [
            b
            for b in range(len(table))
            if b != a and label[b] >= 0 and all(key[a] != key[b] or key[a] < 0 for key in exclude)
        ]
        same = [b for b in others if label[b] == label[a]]
        assert found.labelled[a] == (label[a] >= 0)
        if label[a] >= 0:
            assert found.positives[a] == len(same)
            assert found.candidates[a] == len(others)
            assert found.evaluable[a] == bool(same)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(COLUMN, COLUMN, COLUMN), min_size=1, max_size=20))
def test_negatives_may_have_columns_of_their_own(rows):
    table = np.array(rows)
    label, compound, plate = table.T
    found = partners([label], [compound], ([plate], [label]))
    for a in np.flatnonzero(label >= 0):
        positives = sum(label[b] == label[a] and (compound[b] != compound[a] or compound[a] < 0)
                        for b in range(len(table)) if b != a)  # fmt: skip
        negatives = sum(
            label[b] >= 0 and label[b] != label[a] and plate[b] == plate[a] >= 0 for b in range(len(table))
        )
        assert found.positives[a] == positives
        assert found.candidates[a] == positives + negatives


def test_chance_of_average_precision_is_its_mean_over_random_orders():
    label = np.r_[np.zeros(5, int), np.arange(1, 96)]
    found = partners([label], [])
    assert found.candidates[0] == 99
    assert found.positives[0] == 4
    # 4 of 99: the exact mean, and that of a simulation.
    assert found.precision_chance == pytest.approx(0.081308, abs=1e-6)
    rng = np.random.default_rng(0)
    truth = np.r_[np.ones(4), np.zeros(95)]
    drawn = [average_precision_score(truth, rng.random(99)) for _ in range(500)]
    assert found.precision_chance == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / np.sqrt(500))


def test_chance_of_a_neighbour_by_hand():
    found = partners([np.array([0, 0, 0, 1, 1])], [np.array([0, 0, 1, 2, 2])])
    # a row of the first label has one partner among three; the third has two among four; label 1 has none
    np.testing.assert_array_equal(found.positives, [1, 1, 2, 0, 0])
    np.testing.assert_array_equal(found.candidates, [3, 3, 4, 3, 3])
    assert found.nearest_chance == pytest.approx((1 / 3 + 1 / 3 + 1 / 2) / 3)
    assert np.isnan(partners([np.array([0, 1])], []).nearest_chance)
    assert np.isnan(partners([np.array([0, 1])], []).precision_chance)


def test_a_million_items_need_no_pairs():
    rng = np.random.default_rng(0)
    label, compound, week = (rng.integers(0, n, 300_000) for n in (50, 5000, 20))
    found = partners([label], [compound, week])
    assert found.evaluable.all()
    assert found.nearest_chance == pytest.approx(1 / 50, abs=1e-4)
