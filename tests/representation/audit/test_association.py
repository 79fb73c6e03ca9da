import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import contingency

from micrographia.representation.audit.association import (
    cramers_v,
    determines,
    epsilon_squared,
    only_in_one,
    several,
)
from micrographia.representation.audit.counting import assignments, labels_of_groups
from micrographia.representation.probes.labels import coded
from micrographia.statistics import count_permutations


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=5, max_size=60))
def test_v_is_that_of_scipy_with_bergsmas_correction(rows):
    first, second = np.array(rows).T
    a, b = np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]
    table = np.zeros((a.max() + 1, b.max() + 1), dtype=int)
    np.add.at(table, (a, b), 1)
    found = cramers_v(coded(first), coded(second))
    r, c = table.shape
    if min(r, c) < 2:
        assert np.isnan(found)
        return
    n = len(rows)
    plain = contingency.association(table, method="cramer") ** 2 * (min(r, c) - 1)
    most = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    wanted = np.sqrt(max(0, plain - (r - 1) * (c - 1) / (n - 1)) / most) if most > 0 else np.nan
    assert found == pytest.approx(min(1.0, wanted), abs=1e-6, nan_ok=True)


def test_v_is_1_for_copies_and_0_for_what_has_nothing_to_do_with_it():
    first = np.repeat(np.arange(4), 50)
    assert cramers_v(coded(first), coded(first * 7)) == pytest.approx(1)
    assert cramers_v(coded(first), coded(np.tile(np.arange(5), 40))) == 0


def test_epsilon_squared_by_hand_and_unbiased():
    # within 2, total 2 + 6 * 4 / ... : groups 0,2 and 4,6 have means 1 and 5
    found = epsilon_squared(np.array([0.0, 2, 4, 6]), coded(["a", "a", "b", "b"]))
    assert found == pytest.approx(1 - (4 / 2) / (20 / 3))
    rng = np.random.default_rng(0)
    null = [epsilon_squared(rng.normal(size=12), coded(np.arange(12) // 4)) for _ in range(1000)]
    assert np.mean(null) == pytest.approx(0, abs=0.03)


def test_epsilon_squared_is_undefined_without_spread_or_classes():
    assert np.isnan(epsilon_squared(np.ones(6), coded([0, 0, 0, 1, 1, 1])))
    assert np.isnan(epsilon_squared(np.arange(6.0), coded([0] * 6)))
    assert np.isnan(epsilon_squared(np.arange(3.0), coded([0, 1, 2])))
    assert np.isnan(epsilon_squared(np.array([1.0, np.nan, np.nan]), coded([0, 1, 1])))


def test_nesting():
    donor, slide, part = coded([1, 1, 2, 2, 2]), coded("aabbc"), coded("xyxyx")
    assert determines(slide, donor)
    assert not determines(donor, slide)
    assert several(donor, slide).tolist() == [1]
    assert only_in_one(donor, slide).tolist() == [0]
    assert not determines(part, donor)
    assert not determines(coded([None] * 5), donor)


def test_assignments_of_three_stages_and_of_a_pair():
    assert assignments(np.repeat([0, 1, 2], 4)).distinct == 34_650
    assert assignments(np.repeat([0, 1], 4)).distinct == 70
    assert assignments(np.repeat([0, 1], 4)).smallest_p == pytest.approx(1 / 70)
    assert assignments(np.array([0, 0, -1])).distinct == 1


def test_huge_numbers_of_assignments_are_logarithms():
    found = assignments(np.arange(100_000) % 7)
    assert found.distinct is None
    assert found.log10 > 80_000
    assert found.shown.startswith("about 10^8")
    labels = np.arange(38) % 12
    assert assignments(labels).distinct is None
    assert assignments(labels).log10 == pytest.approx(math.log10(count_permutations(labels.tolist())))


def test_labels_of_groups():
    own, mixed = labels_of_groups(coded(["a", "a", "b", "c", "d"]), coded(["x", "x", "y", None, "x"]))
    assert own.tolist() == [0, 1, -1, 0]
    assert mixed.tolist() == []
    own, mixed = labels_of_groups(coded(["a", "a"]), coded(["x", "y"]))
    assert own.tolist() == [-1]
    assert mixed.tolist() == [0]
