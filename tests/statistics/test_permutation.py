from itertools import permutations as orders
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from micrographia.statistics import count_permutations, permutation_p, permutations

STAGES = ["none"] * 4 + ["onset"] * 4 + ["long"] * 4


def test_stages_of_donors():
    assert count_permutations(STAGES) == 34_650
    assert count_permutations(STAGES[:8]) == 70
    found = permutations(STAGES, n=40_000)
    assert (len(found), found.distinct, found.exact) == (34_650, 34_650, True)
    assert found.smallest_p == 1 / 34_650
    assert len({tuple(row) for row in found}) == 34_650


def test_the_labels_of_real_donors_can_be_permuted_so_often(data):
    import pandas as pd

    cells = pd.read_parquet(data / "diabetes_imc_cells" / "diabetes_cells.parquet")
    stages = cells.groupby("case")["stage"].unique()
    assert (stages.map(len) == 1).all()
    assert count_permutations(stages.map(lambda one: one[0]).tolist()) == 34_650


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0, 1])), min_size=1, max_size=7))
def test_every_distinct_assignment_is_listed_once(groups):
    labels, blocks = [label for label, _ in groups], [block for _, block in groups]
    found = permutations(labels, blocks=blocks, n=10_000, least=1)
    listed = {tuple(row) for row in found}
    by_hand = {
        tuple(labels[place] for place in order)
        for order in orders(range(len(labels)))
        if all(blocks[place] == blocks[to] for to, place in enumerate(order))
    }
    assert listed == by_hand
    assert len(found) == len(listed) == count_permutations(labels, blocks=blocks)
    for row in found.order:
        assert sorted(row) == list(range(len(labels)))


def test_drawn_permutations_stay_in_their_blocks_and_are_even():
    labels, blocks = list("aabbab" * 4), np.arange(24) % 2
    found = permutations(labels, blocks=blocks.tolist(), n=2000, seed=3)
    assert (len(found), found.exact, found.blocks) == (2000, False, 2)
    assert (np.sort(found.order, axis=1) == np.arange(24)).all()
    assert (blocks[found.order] == blocks).all()
    assert found.smallest_p == 1 / 2001
    came = np.bincount(found.order[:, 0], minlength=24)[::2]
    assert stats.chisquare(came).pvalue > 1e-4
    np.testing.assert_array_equal(
        found.order, permutations(labels, blocks=blocks.tolist(), n=2000, seed=3).order
    )


def test_too_few_are_refused_with_the_smallest_p():
    found = permutations(["a", "a", "b", "b"])
    assert len(found) == 0
    assert found.reason == "only 6 distinct permutations: p cannot be below 0.167"
    assert np.isnan(found.smallest_p)
    assert np.isnan(found.p(1.0, []))


def test_labels_that_are_constant_in_each_block_cannot_be_permuted():
    found = permutations(["a"] * 5 + ["b"] * 5, blocks=[0] * 5 + [1] * 5)
    assert found.distinct == 1
    assert found.reason == "the label is constant in every block, so that nothing can be permuted"


def test_one_label_for_many_groups_is_quick():
    assert count_permutations(["a"] * 100_000) == 1
    assert count_permutations(range(2000)) == factorial(2000)


def test_p_agrees_with_scipy_when_enumerated():
    values = np.random.default_rng(0).normal(size=10)
    found = permutations(["x"] * 5 + ["y"] * 5, n=1000)
    null = [values[row == "x"].mean() - values[row == "y"].mean() for row in found]
    observed = values[:5].mean() - values[5:].mean()
    result = stats.permutation_test(
        (values[:5], values[5:]), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf, alternative="greater"
    )
    assert found.p(observed, null) == pytest.approx(result.pvalue)


def test_drawn_p_counts_the_true_labels():
    assert permutation_p(1.0, [0.0, 0.0, 2.0]) == 2 / 4
    assert permutation_p(1.0, [0.0, 0.0, 2.0, 1.0], exact=True) == 2 / 4
    assert permutation_p(0.3, [0.1 + 0.2] * 9) == 1.0


def test_p_of_many_statistics():
    p = permutation_p([1.0, np.nan, 5.0], [[0.0, 0.0, np.nan], [1.0, 1.0, 6.0]])
    np.testing.assert_allclose(p, [2 / 3, np.nan, 1.0])
    assert np.isnan(permutation_p([1.0, 2.0], np.empty((0, 2)))).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="1 of 3 groups have no label"):
        count_permutations(["a", None, "b"])
    with pytest.raises(ValueError, match="2 blocks for 3 groups"):
        permutations(["a", "b", "c"], blocks=[1, 2])
    with pytest.raises(ValueError, match="positive"):
        permutations(["a", "b"], n=0)
    with pytest.raises(ValueError, match="shape"):
        permutation_p([1.0, 2.0], [[1.0]])
