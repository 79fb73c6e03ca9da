import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import average_precision, expected_average_precision
from representation.retrieval.oracle import expected_precision, nearness, selected

DESIGNS = [
    {"pos_sameby": ["label"], "neg_diffby": ["label"]},
    {"pos_sameby": ["label"], "pos_diffby": ["plate"], "neg_sameby": ["plate"], "neg_diffby": ["label"]},
    {"pos_sameby": ["label"], "pos_diffby": ["plate", "well"], "neg_diffby": ["label", "plate"]},
    {"pos_sameby": ["label", "plate"], "neg_sameby": ["well"]},
]


def design(n: int, seed: int = 0, labels: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "label": rng.integers(0, labels, n).astype(str),
            "plate": rng.integers(0, 3, n),
            "well": rng.integers(0, 4, n),
        }
    )


@pytest.mark.parametrize("distance", ["cosine", "correlation", "euclidean"])
@pytest.mark.parametrize("columns", DESIGNS)
@pytest.mark.parametrize("labels", [3, 40])
def test_is_that_of_scikit_learn_without_ties(distance: str, columns: dict, labels: int) -> None:
    values = np.random.default_rng(1).normal(size=(160, 11))
    meta = design(160, labels=labels)
    table = average_precision(values, meta, distance=distance, **columns)
    near = nearness(values, distance)
    for row in range(160):
        positive = selected(meta, row, columns["pos_sameby"], columns.get("pos_diffby", []))
        negative = selected(meta, row, columns.get("neg_sameby", []), columns.get("neg_diffby", []))
        chosen = positive | negative
        assert table["n_positive"][row] == positive.sum()
        assert table["n_total"][row] == chosen.sum()
        if positive.any() and (negative & ~positive).any():
            wanted = average_precision_score(positive[chosen], near[row][chosen])
            assert table["average_precision"][row] == pytest.approx(wanted, abs=1e-12)
        else:
            assert np.isnan(table["average_precision"][row])
            assert table["reason"][row] in ("no positives", "no negatives")


def test_ranks_close_to_each_other_are_those_of_float64() -> None:
    """Float32 cannot tell these distances apart, float64 can."""
    rng = np.random.default_rng(2)
    values = np.ones((60, 30)) + 1e-6 * rng.normal(size=(60, 30))
    meta = design(60, labels=4)
    table = average_precision(values, meta, distance="euclidean", pos_sameby="label", neg_diffby="label")
    offset = values + 1e4  # the frame is centred: an offset costs nothing but its own rounding
    moved = average_precision(offset, meta, distance="euclidean", pos_sameby="label", neg_diffby="label")
    near = nearness((values - 1) * 1e6, "euclidean")
    for row in range(60):
        positive = selected(meta, row, ["label"], [])
        others = np.arange(60) != row
        wanted = average_precision_score(positive[others], near[row][others])
        assert table["average_precision"][row] == pytest.approx(wanted, abs=1e-12)
    assert np.isfinite(moved["average_precision"]).all()


def test_an_outlier_does_not_blur_the_others() -> None:
    values = np.random.default_rng(10).normal(size=(50, 6))
    meta = design(50, labels=4)
    given = {"distance": "euclidean", "pos_sameby": "label", "neg_diffby": "label"}
    clean = average_precision(values[:49], meta[:49], **given)
    values[49] = 1e12
    meta.loc[49, "label"] = None
    table = average_precision(values, meta, **given)
    np.testing.assert_array_equal(table["average_precision"][:49], clean["average_precision"])


def test_by_hand() -> None:
    """On a line: the query at 0, positives at 1 and 3, negatives at 2 and 4."""
    values = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    meta = pd.DataFrame({"label": ["a", "a", "b", "a", "b"]})
    table = average_precision(
        values, meta, distance="euclidean", pos_sameby="label", neg_diffby="label", rows=[0]
    )
    assert table["average_precision"].tolist() == [pytest.approx((1 / 1 + 2 / 3) / 2)]
    assert table["chance"].tolist() == [pytest.approx(mean_over_orders(2, 4))]


def test_ties_by_hand() -> None:
    """At 1 both a positive and a negative: half of the orders give 1, half give 1/2."""
    values = np.array([[0.0], [1.0], [-1.0]])
    meta = pd.DataFrame({"label": ["a", "a", "b"]})
    table = average_precision(
        values, meta, distance="euclidean", pos_sameby="label", neg_diffby="label", rows=[0]
    )
    assert table["average_precision"][0] == pytest.approx(0.75)


def mean_over_orders(positives: int, n: int) -> float:
    scores = [
        np.mean([(at + 1) / (place + 1) for at, place in enumerate(places)])
        for places in itertools.combinations(range(n), positives)
    ]
    return float(np.mean(scores))


@pytest.mark.parametrize(("positives", "n"), [(1, 1), (1, 2), (2, 4), (3, 7), (5, 5), (4, 11)])
def test_chance_is_the_mean_over_all_orders(positives: int, n: int) -> None:
    assert float(expected_average_precision(positives, n)) == pytest.approx(mean_over_orders(positives, n))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(4, 60),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from(["cosine", "correlation", "euclidean"]),
)
def test_ties_are_taken_at_expectation(seed: int, n: int, d: int, levels: int, distance: str) -> None:
    """Few different rows on a coarse grid, in any order, against the sum over places in each block of ties."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-levels, levels + 1, (n, d)).astype(float)
    meta = pd.DataFrame({"label": rng.integers(0, 3, n)})
    table = average_precision(values, meta, distance=distance, pos_sameby="label", neg_diffby="label")
    near = np.round(exact(values, distance), 10)
    for row in range(n):
        positive = selected(meta, row, ["label"], [])
        others = np.arange(n) != row
        if table["reason"][row]:
            assert not positive.any() or positive[others].all()
            continue
        wanted = expected_precision(near[row][others], positive[others])
        assert table["average_precision"][row] == pytest.approx(wanted, abs=1e-9)


def exact(values: np.ndarray, distance: str) -> np.ndarray:
    """Similarities in which a row of zeros (cosine) or of equal features (correlation) is as near to all rows."""
    if distance == "euclidean":
        return nearness(values, distance)
    rows = values - values.mean(axis=1, keepdims=True) * (distance == "correlation")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.where(length > 1e-12, rows / np.maximum(length, 1e-12), 0.0)
    return rows @ rows.T


@pytest.mark.parametrize("distance", ["cosine", "correlation", "euclidean"])
@pytest.mark.parametrize("n", [50, 2500])
def test_identical_rows_score_exactly_chance(distance: str, n: int) -> None:
    rng = np.random.default_rng(3)
    values = np.tile(rng.normal(size=(1, 37)), (n, 1))
    meta = design(n).sort_values("label").reset_index(drop=True)
    table = average_precision(values, meta, distance=distance, pos_sameby="label", neg_diffby="label")
    np.testing.assert_allclose(table["average_precision"], table["chance"], rtol=1e-12)


@pytest.mark.parametrize("distance", ["cosine", "correlation", "euclidean"])
def test_a_factor_changes_no_angle(distance: str) -> None:
    """Rows that are multiples of one row tie under cosine; under the others they are what the distance says."""
    values = np.arange(1, 41)[:, None] * np.random.default_rng(4).normal(size=(1, 19))
    meta = design(40)
    table = average_precision(values, meta, distance=distance, pos_sameby="label", neg_diffby="label")
    told_apart = (table["average_precision"] - table["chance"]).abs().max() > 1e-9
    assert told_apart == (distance == "euclidean")


@pytest.mark.parametrize("distance", ["cosine", "correlation", "euclidean"])
def test_rows_duplicated_irrespective_of_label_and_random_rows_score_chance(distance: str) -> None:
    rng = np.random.default_rng(5)
    scores, chances = [], []
    for _ in range(30):
        kinds = rng.normal(size=(12, 8))
        for values in (kinds[rng.integers(0, 12, 120)], rng.normal(size=(120, 8))):
            meta = pd.DataFrame({"label": rng.permutation(np.repeat(np.arange(20), 6))})
            table = average_precision(values, meta, distance=distance, pos_sameby="label", neg_diffby="label")
            scores.append(table["average_precision"].mean())
            chances.append(table["chance"].mean())
    off = np.array(scores) - np.array(chances)
    assert abs(off.mean()) < 3.5 * off.std(ddof=1) / np.sqrt(len(off))


def test_the_result_does_not_depend_on_workers_or_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=(700, 33)).astype(np.float32)
    meta = design(700, labels=60)
    columns = DESIGNS[1]
    one = average_precision(values, meta, workers=1, **columns)
    many = average_precision(values, meta, workers=5, **columns)
    pd.testing.assert_frame_equal(one, many, check_exact=True)
    order = rng.permutation(700)
    turned = average_precision(values[order], meta.iloc[order].reset_index(drop=True), **columns)
    np.testing.assert_array_equal(
        turned["average_precision"].to_numpy(), one["average_precision"].to_numpy()[order]
    )


def test_missing_labels_match_nothing_and_differ_from_nothing() -> None:
    values = np.arange(6.0)[:, None]
    meta = pd.DataFrame({"label": ["a", "a", None, None, "b", np.nan]})
    table = average_precision(values, meta, distance="euclidean", pos_sameby="label", neg_diffby="label")
    assert table["n_positive"].tolist() == [1, 1, 0, 0, 0, 0]
    assert table["n_total"].tolist() == [2, 2, 0, 0, 2, 0]
    assert table["reason"].tolist() == ["", ""] + ["a label is missing"] * 2 + [
        "no positives",
        "a label is missing",
    ]


def test_rows_with_missing_features_are_left_out() -> None:
    values = np.random.default_rng(7).normal(size=(30, 4))
    values[3, 1], values[8, 0] = np.nan, np.inf
    meta = pd.DataFrame({"label": np.arange(30) % 3})
    kept = np.isfinite(values).all(axis=1)
    for distance in ("cosine", "correlation", "euclidean"):
        table = average_precision(values, meta, distance=distance, pos_sameby="label", neg_diffby="label")
        clean = average_precision(
            values[kept], meta[kept], distance=distance, pos_sameby="label", neg_diffby="label"
        )
        np.testing.assert_allclose(
            table["average_precision"][kept], clean["average_precision"], rtol=0, atol=1e-12
        )
        assert table["reason"][~kept].tolist() == ["features are missing"] * 2
    all_missing = average_precision(
        np.full((30, 2), np.nan), meta, pos_sameby="label", neg_diffby="label", distance="euclidean"
    )
    assert all_missing["average_precision"].isna().all()


def test_labels_may_be_sets_where_rows_are_kept_apart() -> None:
    """A treatment was imaged in several weeks: one in common is enough to be no candidate."""
    values = np.arange(5.0)[:, None]
    meta = pd.DataFrame(
        {
            "label": list("aaabb"),
            "weeks": [{1, 2}, {2, 3}, {4}, {1}, {5}],
        }
    )
    table = average_precision(
        values,
        meta,
        distance="euclidean",
        pos_sameby="label",
        pos_diffby="weeks",
        neg_diffby=["label", "weeks"],
    )
    assert table["n_positive"].tolist() == [1, 1, 2, 1, 1]
    assert table["n_total"].tolist() == [2, 3, 4, 3, 4]
    with pytest.raises(ProfileError, match="several labels"):
        average_precision(values, meta, pos_sameby="weeks", neg_diffby="label")


def test_many_rows_with_one_label_are_told_without_computing() -> None:
    """All candidates are positives: there is nothing to rank, so nothing is computed."""
    n = 100_000
    table = average_precision(
        np.zeros((n, 1), np.float32),
        pd.DataFrame({"label": np.zeros(n)}),
        pos_sameby="label",
        neg_diffby="label",
    )
    assert table["average_precision"].isna().all()
    assert set(table["reason"]) == {"no negatives"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pos_sameby": "lable"}, "did you mean 'label'"),
        ({"pos_sameby": []}, "pos_sameby names no column"),
        ({"pos_diffby": "label"}, "both name 'label'"),
        ({"distance": "manhattan"}, "no distance 'manhattan'"),
        ({"rows": [9]}, "between 0 and 2"),
        ({"rows": [True]}, "mask of rows"),
    ],
)
def test_bad_input_is_told(change: dict, said: str) -> None:
    meta = pd.DataFrame({"label": list("aab")})
    with pytest.raises(ProfileError, match=said):
        average_precision(np.eye(3), meta, **{"pos_sameby": "label", "neg_diffby": "label", **change})


@pytest.mark.parametrize(
    "values", [np.zeros(3), np.zeros((3, 0)), np.zeros((3, 2), complex), np.array([["a"]] * 3)]
)
def test_what_is_no_table_of_numbers_is_told(values: np.ndarray) -> None:
    with pytest.raises(ProfileError, match="features have shape"):
        average_precision(values, pd.DataFrame({"label": list("aab")}), pos_sameby="label")


def test_mismatched_rows_are_told() -> None:
    with pytest.raises(ProfileError, match="3 rows of features and 2 of metadata"):
        average_precision(np.eye(3), pd.DataFrame({"label": list("ab")}), pos_sameby="label")


@pytest.mark.parametrize("dtype", [np.float32, np.int16, bool])
def test_other_types_and_huge_values_work(dtype: type) -> None:
    values = np.random.default_rng(8).integers(0, 2, (20, 6)).astype(dtype)
    meta = design(20)
    table = average_precision(values, meta, pos_sameby="label", neg_diffby="label")
    wide = average_precision(values.astype(float) * 1e200, meta, pos_sameby="label", neg_diffby="label")
    pd.testing.assert_frame_equal(table, wide)
