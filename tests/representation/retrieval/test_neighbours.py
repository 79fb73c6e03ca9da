from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import matched_control, nearest_neighbour, nearest_neighbours
from representation.retrieval.real import bbbc021_treatments


@pytest.mark.real_data
def test_bbbc021(data: Path) -> None:
    """Not the same compound; nor the same plate; nor the same week: 94 of 103, 90 of 98, 68 of 92."""
    values, meta = bbbc021_treatments(data)
    assert values.shape == (103, 189)
    for columns, right, evaluable in (
        (["Compound"], 94, 103),
        (["Compound", "plates"], 90, 98),
        (["Compound", "weeks"], 68, 92),
    ):
        result = nearest_neighbour(values, meta["moa"], exclude=meta[columns])
        assert (np.nansum(result.correct), result.n_evaluable) == (right, evaluable)
        assert result.majority == pytest.approx(14 / 103)
    lost = {reason for reason in result.reason if reason}
    assert lost == {"no other candidate has its label"}


@pytest.mark.real_data
def test_bbbc021_matched_control(data: Path) -> None:
    """Fewer candidates alone cost little: 0.870 at random against 0.739 without the same week."""
    values, meta = bbbc021_treatments(data)
    less, more = [meta["Compound"]], [meta["Compound"], meta["weeks"]]
    control = matched_control(values, meta["moa"], less, more)
    strict = nearest_neighbour(values, meta["moa"], exclude=more)
    assert control.accuracy == pytest.approx(0.870, abs=0.003)
    np.testing.assert_array_equal(control.evaluable, strict.evaluable)
    np.testing.assert_array_equal(control.chance, strict.chance)
    drawn = removed_at_random(values, meta["moa"].to_numpy(), *meta[["Compound", "weeks"]].to_numpy().T)
    assert np.nanmean(drawn) == pytest.approx(control.accuracy, abs=0.01)
    np.testing.assert_allclose(np.nanmean(drawn, axis=0), control.correct[strict.evaluable], atol=0.2)


def removed_at_random(
    values: np.ndarray, moa: np.ndarray, compound: np.ndarray, week: np.ndarray
) -> np.ndarray:
    """Draw the control 100 times."""
    rows = values / np.linalg.norm(values, axis=1, keepdims=True)
    near = rows @ rows.T
    rng = np.random.default_rng(0)
    scores = []
    for query in range(len(moa)):
        less = compound != compound[query]
        more = less & np.array([not held & week[query] for held in week])
        same = moa == moa[query]
        if not (more & same).any():
            continue
        mine = []
        for _ in range(100):
            kept = np.concatenate(
                [
                    rng.choice(np.flatnonzero(less & which), (more & which).sum(), replace=False)
                    for which in (same, ~same)
                ]
            )
            mine.append(same[kept[near[query, kept].argmax()]])
        scores.append(mine)
    return np.array(scores, float).T


def labelled(n: int, d: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, labels, n)


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "correlation"])
@pytest.mark.parametrize("k", [1, 4])
def test_agrees_with_scikit_learn(distance: str, k: int) -> None:
    values, labels = labelled(150, 5, 4, 0)
    result = nearest_neighbour(values, labels, k=k, distance=distance)
    found = NearestNeighbors(n_neighbors=k + 1, metric=distance, algorithm="brute").fit(values)
    places = found.kneighbors(values)[1][:, 1:]
    np.testing.assert_allclose(result.correct, (labels[places] == labels[:, None]).mean(axis=1))
    if k == 1:
        others = [np.arange(150) != row for row in range(150)]
        one = [
            KNeighborsClassifier(1, metric=distance).fit(values[kept], labels[kept]).predict(values[[row]])[0]
            for row, kept in enumerate(others)
        ]
        np.testing.assert_array_equal(result.correct, np.array(one) == labels)


def test_by_hand() -> None:
    """On a line: a at 0 and 3, b at 1 and 2.5; c alone."""
    values = np.array([[0.0], [1.0], [3.0], [2.5], [9.0]])
    result = nearest_neighbour(values, list("ababc"), distance="euclidean")
    assert result.correct[:4].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert np.isnan(result.correct[4])
    assert result.reason == ("", "", "", "", "no other candidate has its label")
    assert result.chance[:4].tolist() == [0.25] * 4
    assert result.majority == 0.4
    apart = nearest_neighbour(
        values, list("ababc"), exclude=[["x", "x", "y", "y", "y"]], distance="euclidean"
    )
    assert apart.correct[:2].tolist() == [0.0, 1.0]
    assert apart.n_candidates.tolist() == [3, 3, 2, 2, 2]


def test_ties_count_by_their_share() -> None:
    values = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    result = nearest_neighbour(values, list("abab"))
    assert result.correct.tolist() == pytest.approx([1 / 3, 1 / 2, 0.0, 1 / 2])
    two = nearest_neighbour(values, list("abab"), k=2)
    assert two.correct.tolist() == pytest.approx([1 / 3, 1 / 2, 0.0, 1 / 2])
    three = nearest_neighbour(values, list("abab"), k=3)
    assert three.correct.tolist() == pytest.approx([1 / 3] * 4)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(6, 50),
    st.integers(1, 60),
    st.sampled_from(["cosine", "correlation", "euclidean"]),
)
def test_identical_rows_score_exactly_chance(seed: int, n: int, k: int, distance: str) -> None:
    rng = np.random.default_rng(seed)
    values = np.tile(rng.normal(size=(1, 23)), (n, 1))
    labels, batch = rng.integers(0, 3, n), rng.integers(0, 3, n)
    for exclude in (None, [batch]):
        result = nearest_neighbour(values, labels, exclude=exclude, k=k, distance=distance)
        np.testing.assert_allclose(result.correct, result.chance, rtol=1e-12)
    control = matched_control(values, labels, None, [batch], distance=distance)
    np.testing.assert_allclose(control.correct, control.chance, rtol=1e-9)


def test_duplicates_irrespective_of_label_and_random_rows_score_chance() -> None:
    rng = np.random.default_rng(1)
    off = {"one": [], "three": [], "control": []}
    for _ in range(40):
        kinds = rng.normal(size=(10, 6))
        for values in (kinds[rng.integers(0, 10, 100)], rng.normal(size=(100, 6))):
            labels, batch = rng.permutation(np.arange(100) % 5), rng.integers(0, 4, 100)
            for name, k in (("one", 1), ("three", 3)):
                result = nearest_neighbour(values, labels, exclude=[batch], k=k)
                off[name].append(result.accuracy - result.expected)
            control = matched_control(values, labels, None, [batch])
            off["control"].append(control.accuracy - control.expected)
    for name, differences in off.items():
        assert abs(np.mean(differences)) < 3.5 * np.std(differences, ddof=1) / np.sqrt(80), name


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_control_is_the_mean_over_all_removals(seed: int) -> None:
    """Against the sum over all subsets, with ties."""
    rng = np.random.default_rng(seed)
    n = 9
    values = rng.integers(-1, 2, (n, 2)).astype(float)
    labels, batch = rng.integers(0, 2, n), rng.integers(0, 3, n)
    control = matched_control(values, labels, None, [batch], distance="euclidean")
    for query in np.flatnonzero(control.evaluable):
        others = np.arange(n) != query
        same = labels == labels[query]
        kept = others & (batch != batch[query])
        near = -((values - values[query]) ** 2).sum(axis=1)
        scores = []
        for mine in combinations(np.flatnonzero(others & same), int((kept & same).sum())):
            for theirs in combinations(np.flatnonzero(others & ~same), int((kept & ~same).sum())):
                stay = np.array(mine + theirs)
                best = stay[near[stay] == near[stay].max()]
                scores.append(same[best].mean())
        assert control.correct[query] == pytest.approx(np.mean(scores), abs=1e-9)


def test_control_equals_the_weaker_exclusion_where_nothing_more_is_removed() -> None:
    values, labels = labelled(80, 4, 3, 2)
    compound = np.arange(80) // 2
    same = matched_control(values, labels, [compound], [compound])
    np.testing.assert_allclose(
        same.correct, nearest_neighbour(values, labels, exclude=[compound]).correct, atol=1e-9
    )


def test_control_refuses_an_exclusion_that_is_not_stricter() -> None:
    values, labels = labelled(20, 3, 2, 3)
    with pytest.raises(ProfileError, match="more candidates"):
        matched_control(values, labels, [np.arange(20) // 5], None)


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "correlation"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_neighbours_are_those_of_scikit_learn(distance: str, dtype: type) -> None:
    values = np.random.default_rng(4).normal(3.0, 1.0, (400, 17)).astype(dtype)
    places, far = nearest_neighbours(values, 7, distance)
    found = NearestNeighbors(n_neighbors=8, metric=distance, algorithm="brute").fit(values.astype(float))
    wanted_far, wanted = found.kneighbors(values.astype(float))
    np.testing.assert_array_equal(places, wanted[:, 1:])
    np.testing.assert_allclose(far, wanted_far[:, 1:], atol=1e-12)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("workers", [1, 3])
def test_each_product_serves_both_rows(distance: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).normal(2.0, 1.0, (2600, 12)).astype(np.float32)
    monkeypatch.setattr("micrographia.representation.retrieval.similarity.MOST_ROWS", 700)
    found = nearest_neighbours(values, 30, distance, workers=workers)
    monkeypatch.setattr("micrographia.representation.retrieval.neighbours.TRIANGLE_ROWS", 1 << 30)
    plain = nearest_neighbours(values, 30, distance, workers=workers)
    np.testing.assert_array_equal(found[0], plain[0])
    np.testing.assert_array_equal(found[1], plain[1])


def test_equally_near_rows_come_in_their_order_however_they_are_found() -> None:
    values = np.repeat(np.arange(1200.0), 1)[:, None] % 40 + np.linspace(0, 1e-9, 1200)[:, None]
    places, far = nearest_neighbours(values, 60, "euclidean")
    wanted = NearestNeighbors(n_neighbors=61, algorithm="brute").fit(values).kneighbors(values)[0][:, 1:]
    np.testing.assert_allclose(far, wanted, atol=1e-6)
    assert all(len(set(row)) == 60 for row in places.tolist())


def test_nearest_neighbours_of_duplicates_and_of_few_candidates() -> None:
    values = np.ones((6, 3))
    places, far = nearest_neighbours(values, 3)
    assert places.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
    assert np.abs(far).max() < 1e-15
    values[2] = np.nan
    places, far = nearest_neighbours(values, 3, exclude=[[0, 0, 0, 1, 1, None]])
    assert places.tolist() == [[3, 4, -1], [3, 4, -1], [-1] * 3, [0, 1, -1], [0, 1, -1], [-1] * 3]
    assert np.isinf(far[places < 0]).all()


def test_more_neighbours_than_rows() -> None:
    places, _ = nearest_neighbours(np.eye(3), 5)
    assert (places >= 0).sum() == 6
    result = nearest_neighbour(np.eye(4), list("aabb"), k=9)
    np.testing.assert_allclose(result.correct, 1 / 3)


def test_one_label_only_is_told_without_computing() -> None:
    result = nearest_neighbour(np.zeros((50_000, 1), np.float32), np.zeros(50_000))
    assert set(result.reason) == {"all candidates have its label"}
    assert np.isnan(result.accuracy)
    assert result.majority == 1.0


def test_missing_labels_are_neither_queries_nor_candidates() -> None:
    values, labels = labelled(60, 4, 3, 5)
    some = pd.Series(labels, dtype="Int64").astype(object)
    some[::7] = pd.NA
    kept = some.notna().to_numpy()
    result = nearest_neighbour(values, some)
    clean = nearest_neighbour(values[kept], labels[kept])
    np.testing.assert_array_equal(result.correct[kept], clean.correct)
    assert {reason for reason, there in zip(result.reason, kept, strict=True) if not there} == {
        "a label is missing"
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"k": 0}, "at least one"),
        ({"labels": [1, 2]}, "4 rows of features and 2 labels"),
        ({"exclude": ["a", "b", "c", "d"]}, "list of columns"),
        ({"exclude": [["a", "b"]]}, "4 rows of features and 2 labels"),
        ({"distance": "cosinus"}, "no distance"),
    ],
)
def test_bad_input_is_told(change: dict, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        nearest_neighbour(**{"values": np.eye(4), "labels": list("aabb"), **change})
