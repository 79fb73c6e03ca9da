import itertools

import numpy as np
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import known_pairs


def genes(n: int, d: int = 8, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    return np.random.default_rng(seed).normal(size=(n, d)), [f"gene{at}" for at in range(n)]


def some_pairs(names: list[str], count: int, seed: int = 0) -> list[tuple[str, str]]:
    everything = list(itertools.combinations(names, 2))
    chosen = np.random.default_rng(seed).choice(len(everything), count, replace=False)
    return [everything[at] for at in chosen]


@pytest.mark.parametrize("distance", ["cosine", "correlation"])
def test_each_tail_is_the_quantile_of_all_pairs(distance: str) -> None:
    values, names = genes(120)
    pairs = some_pairs(names[:40], 150)
    result = known_pairs(values, names, pairs, distance=distance, n_permutations=200)
    rows = values - values.mean(axis=1, keepdims=True) * (distance == "correlation")
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows @ rows.T
    every = near[np.triu_indices(120, 1)]
    mine = np.array([near[int(one[4:]), int(other[4:])] for one, other in result.pairs])
    low, high = np.quantile(every, [0.05, 0.95])
    np.testing.assert_allclose(result.similarity, mine, atol=1e-6)
    assert result.upper.recall == pytest.approx((mine > high).mean())
    assert result.lower.recall == pytest.approx((mine < low).mean())
    assert result.both.recall == pytest.approx(((mine > high) | (mine < low)).mean())
    used = sorted({int(name[4:]) for pair in pairs for name in pair})
    inside = near[np.ix_(used, used)][np.triu_indices(len(used), 1)]
    assert result.upper.chance_of_genes == pytest.approx((inside > high).mean())
    assert result.upper.null.mean() == pytest.approx(result.upper.chance_of_genes, abs=0.005)


def test_opposite_pairs_count_only_unsigned() -> None:
    """Ten complexes; half of each has the opposite phenotype of the other half."""
    rng = np.random.default_rng(1)
    centres = np.repeat(rng.normal(size=(10, 30)), 4, axis=0)
    sign = np.tile([1, 1, -1, -1], 10)[:, None]
    values = np.concatenate([sign * centres + 0.3 * rng.normal(size=(40, 30)), rng.normal(size=(200, 30))])
    names = [str(at) for at in range(240)]
    alike, opposite = [], []
    for start in range(0, 40, 4):
        at = [str(start + step) for step in range(4)]
        alike += [(at[0], at[1]), (at[2], at[3])]
        opposite += [(one, other) for one in at[:2] for other in at[2:]]
    result = known_pairs(values, names, alike + opposite, n_permutations=300)
    assert result.upper.values[: len(alike)].tolist() == [1.0] * len(alike)
    assert result.upper.recall == pytest.approx(len(alike) / 60)
    assert result.lower.recall == pytest.approx(len(opposite) / 60)
    assert known_pairs(values, names, alike, signed=True).recall == 1.0
    unsigned = known_pairs(values, names, alike + opposite, signed=False)
    assert (unsigned.recall, unsigned.both.chance) == (1.0, 0.1)
    assert result.upper.p < 0.01


def test_identical_rows_score_exactly_chance() -> None:
    names = genes(90)[1]
    for distance in ("cosine", "correlation", "euclidean"):
        values = np.tile(np.random.default_rng(2).normal(size=(1, 17)), (90, 1))
        result = known_pairs(
            values, names, some_pairs(names, 100), distance=distance, n_permutations=20, workers=3
        )
        assert result.upper.recall == pytest.approx(0.05)
        assert result.lower.recall == pytest.approx(0.05)
        assert result.upper.p == 1.0


def test_p_values_of_null_data_are_uniform() -> None:
    """Pairs share genes, and a few genes have strong phenotypes: names say nothing all the same."""
    rng = np.random.default_rng(3)
    names = genes(60)[1]
    p = []
    for trial in range(400):
        values = rng.normal(size=(60, 3))
        pairs = [(names[one], names[other]) for one, other in rng.integers(0, 25, (60, 2))]
        p.append(known_pairs(values, names, pairs, tail=0.2, n_permutations=59, seed=trial).upper.p)
    rejected = np.mean(np.array(p) <= 0.05)
    assert 0.02 <= rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_what_was_left_out_is_counted() -> None:
    values, names = genes(30)
    pairs = [
        ("gene1", "gene2"),
        ("gene2", "gene1"),
        ("gene3", "gene3"),
        ("gene4", "other"),
        ("gene5", "gene6"),
    ]
    values[6] = np.nan
    result = known_pairs(values, names, pairs)
    assert result.pairs == (("gene1", "gene2"),)
    assert (result.n_repeated, result.n_self, result.n_unknown) == (1, 1, 2)


def test_no_known_pair_is_nan_with_a_reason() -> None:
    values, names = genes(5)
    nothing = known_pairs(values, names, [("a", "b")])
    assert np.isnan(nothing.recall)
    assert nothing.reason == "no known pair is among the rows"
    assert (
        known_pairs(values[:2], names[:2], [("gene0", "gene1")]).reason == "there are fewer than three rows"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": ["a", "a", "c", "d"]}, "'a' names rows 0 and 1"),
        ({"names": ["a", None, "c", "d"]}, "row 1 has no name"),
        ({"names": ["a"]}, "4 rows of features and 1 labels"),
        ({"pairs": ["ab"]}, "is no pair"),
        ({"pairs": [("a", "b", "c")]}, "is no pair"),
        ({"tail": 0.5}, "tail is 0.5"),
    ],
)
def test_bad_input_is_told(change: dict, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        known_pairs(**{"values": np.eye(4), "names": list("abcd"), "pairs": [("a", "b")], **change})
