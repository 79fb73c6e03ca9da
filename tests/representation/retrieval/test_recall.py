import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import recall_at_k
from representation.retrieval.oracle import nearness


@pytest.mark.parametrize("distance", ["cosine", "correlation", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 40, 500])
def test_counts_the_positives_among_the_first(distance: str, k: int) -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(130, 6)), rng.integers(0, 9, 130)
    table = recall_at_k(
        values,
        pd.DataFrame({"label": labels}),
        k=k,
        pos_sameby="label",
        neg_diffby="label",
        distance=distance,
    )
    near = nearness(values, distance)
    np.fill_diagonal(near, -np.inf)
    first = np.argsort(-near, axis=1)[:, : min(k, 129)]
    found = labels[first] == labels[:, None]
    np.testing.assert_allclose(table["recall"], found.sum(axis=1) / table["n_positive"])
    np.testing.assert_allclose(table["hit"], found.any(axis=1))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 40), st.integers(1, 45))
def test_identical_rows_score_exactly_chance(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    meta = pd.DataFrame({"label": rng.integers(0, 3, n)})
    table = recall_at_k(np.ones((n, 3)), meta, k=k, pos_sameby="label", neg_diffby="label")
    np.testing.assert_allclose(table["recall"], table["chance"], atol=1e-12)
    np.testing.assert_allclose(table["hit"], table["chance_hit"], atol=1e-9)


def test_chance_is_that_of_random_rows() -> None:
    rng = np.random.default_rng(1)
    off = []
    for _ in range(60):
        meta = pd.DataFrame({"label": rng.permutation(np.arange(60) % 12)})
        table = recall_at_k(rng.normal(size=(60, 5)), meta, k=6, pos_sameby="label", neg_diffby="label")
        off.append(
            (table[["recall", "hit"]].to_numpy() - table[["chance", "chance_hit"]].to_numpy()).mean(axis=0)
        )
    error = np.std(off, axis=0, ddof=1) / np.sqrt(60)
    assert (np.abs(np.mean(off, axis=0)) < 3.5 * error).all()


def test_by_hand_with_ties() -> None:
    """Nearest to 0 are a positive and two negatives, all at 1; then a positive at 2."""
    values = np.array([[0.0, 0], [1.0, 0], [0, 1.0], [-1.0, 0], [2.0, 0]])
    meta = pd.DataFrame({"label": list("aabba")})
    expected = {1: (1 / 6, 1 / 3), 2: (1 / 3, 2 / 3), 3: (1 / 2, 1.0), 4: (1.0, 1.0)}
    for k, (recall, hit) in expected.items():
        table = recall_at_k(
            values, meta, k=k, pos_sameby="label", neg_diffby="label", distance="euclidean", rows=[0]
        )
        assert table["recall"][0] == pytest.approx(recall)
        assert table["hit"][0] == pytest.approx(hit)


def test_no_candidates_are_told() -> None:
    meta = pd.DataFrame({"label": list("aab")})
    table = recall_at_k(np.eye(3), meta, k=1, pos_sameby="label", neg_diffby="label")
    assert table["reason"].tolist() == ["", "", "no positives"]
    assert np.isnan(table.loc[2, ["recall", "hit", "chance", "chance_hit"]].astype(float)).all()
    with pytest.raises(ProfileError, match="at least one"):
        recall_at_k(np.eye(3), meta, k=0, pos_sameby="label")
