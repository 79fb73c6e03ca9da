import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import (
    average_precision,
    expected_average_precision,
    mean_average_precision,
    random_average_precision,
)
from micrographia.representation.retrieval.null import permuted_means
from micrographia.representation.retrieval.similarity import space
from micrographia.statistics import permutation_p

COLUMNS = {"pos_sameby": "moa", "pos_diffby": "compound", "neg_diffby": "moa"}


def plate(compounds: int = 9, wells: int = 3, moas: int = 3) -> pd.DataFrame:
    compound = np.repeat(np.arange(compounds), wells)
    return pd.DataFrame(
        {
            "compound": compound,
            "moa": np.array(list("abcdefgh"))[compound % moas],
            "batch": np.tile(np.arange(wells), compounds),
        }
    )


def brute(values: np.ndarray, meta: pd.DataFrame, labels: np.ndarray, columns: dict, group: str) -> pd.Series:
    """Mean average precision with the labels of compounds replaced, computed from the start."""
    changed = meta.assign(moa=labels[meta["compound"]])
    table = average_precision(values, changed, **columns)
    return table.groupby(changed[group].to_numpy())["average_precision"].mean()


@pytest.mark.parametrize(
    "columns",
    [
        COLUMNS,
        {
            "pos_sameby": ["moa"],
            "pos_diffby": ["compound", "batch"],
            "neg_sameby": "batch",
            "neg_diffby": "moa",
        },
        {"pos_sameby": ["moa", "batch"], "pos_diffby": ["compound"], "neg_diffby": ["moa", "batch"]},
        {"pos_sameby": ["moa", "batch"], "pos_diffby": ["compound"], "neg_sameby": "batch"},
    ],
)
@pytest.mark.parametrize("group", ["moa", "batch"])
def test_p_counts_the_assignments_that_score_as_much(columns: dict, group: str) -> None:
    """All 90 assignments of three labels to six compounds, each computed from the start."""
    meta = plate(compounds=6)
    values = np.random.default_rng(0).normal(size=(len(meta), 4))
    table = mean_average_precision(
        values, meta, group_by=group, permute="moa", assigned_to="compound", n_permutations=90, **columns
    )
    assert table["exact"].all()
    assert (table["n_permutations"] == 90).all()
    labels = meta.groupby("compound")["moa"].first().to_numpy()
    seen = {tuple(labels)}
    rng = np.random.default_rng(1)
    while len(seen) < 90:
        seen.add(tuple(rng.permutation(labels)))
    null = pd.DataFrame([brute(values, meta, np.array(one), columns, group) for one in sorted(seen)])
    observed = brute(values, meta, labels, columns, group)
    p = (null >= observed - 1e-12).mean()
    np.testing.assert_allclose(table.set_index(group)["map"], observed.loc[table[group]], atol=1e-12)
    np.testing.assert_allclose(table["p"], p.loc[table[group]], atol=1e-12)
    np.testing.assert_allclose(table["null_mean"], null.mean().loc[table[group]], atol=1e-9)


def test_p_values_of_null_data_are_uniform() -> None:
    """1,000 plates in which wells of a compound resemble each other, but mechanisms mean nothing."""
    rng = np.random.default_rng(7)
    meta = plate(compounds=10, wells=2, moas=2)
    lists = {name: [columns] if isinstance(columns, str) else columns for name, columns in COLUMNS.items()}
    p = []
    for trial in range(1000):
        values = rng.normal(size=(20, 4)) + rng.normal(size=(10, 4))[meta["compound"]]
        null = permuted_means(
            space(values),
            meta,
            neg_sameby=[],
            group_by=[],
            group_codes=np.zeros(20, np.int64),
            permute="moa",
            assigned_to=["compound"],
            within=[],
            n=99,
            least=20,
            seed=trial,
            **lists,
        )
        p.append(float(permutation_p(null.observed, null.drawn, exact=null.exact)[0]))
        if trial < 20:
            given = {"assigned_to": "compound", "n_permutations": 99, "seed": trial, **COLUMNS}
            assert mean_average_precision(values, meta, **given)["p"].tolist() == p[-1:]
    assert 0.037 <= np.mean(np.array(p) <= 0.05) <= 0.064


def test_permuting_wells_instead_of_compounds_or_drawing_ranks_claims_too_much() -> None:
    rng = np.random.default_rng(8)
    meta = plate(compounds=10, wells=4, moas=2)
    wrong = {"permutation": 0, "ranks": 0}
    for _ in range(50):
        values = 0.3 * rng.normal(size=(40, 4)) + rng.normal(size=(10, 4))[meta["compound"]]
        for null in wrong:
            table = mean_average_precision(
                values, meta, null=null, n_permutations=99, pos_sameby="moa", neg_diffby="moa"
            )
            wrong[null] += int(table["p"][0] <= 0.05)
    assert wrong["permutation"] > 15
    assert wrong["ranks"] > 15


@pytest.mark.parametrize("null", ["permutation", "ranks"])
def test_a_signal_is_found_and_the_seed_decides(null: str) -> None:
    rng = np.random.default_rng(9)
    meta = plate(compounds=24, wells=2, moas=4)
    centres = pd.DataFrame(rng.normal(size=(4, 6)), index=list("abcd"))
    values = rng.normal(size=(48, 6)) * 0.5 + centres.loc[meta["moa"]].to_numpy()
    given = {"group_by": "moa", "assigned_to": "compound", "n_permutations": 200, "null": null, **COLUMNS}
    table = mean_average_precision(values, meta, seed=3, **given)
    assert (table["p"] < 0.02).all()
    assert (table["q"] >= table["p"]).all()
    assert (table["map"] > table["chance"]).all()
    assert table["n_rows"].tolist() == [12] * 4
    again = mean_average_precision(values, meta, seed=3, workers=3, **given)
    pd.testing.assert_frame_equal(table, again, check_exact=True)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_identical_rows_are_never_significant(distance: str) -> None:
    meta = plate()
    table = mean_average_precision(
        np.ones((27, 5)),
        meta,
        group_by="moa",
        assigned_to="compound",
        distance=distance,
        n_permutations=100,
        **COLUMNS,
    )
    np.testing.assert_allclose(table["map"], table["chance"], rtol=1e-12)
    assert (table["p"] == 1.0).all()


def test_too_few_assignments_give_no_p_and_a_reason() -> None:
    meta = plate(compounds=4, moas=2)
    table = mean_average_precision(
        np.random.default_rng(0).normal(size=(12, 3)), meta, assigned_to="compound", **COLUMNS
    )
    assert np.isnan(table["p"][0])
    assert "6 distinct permutations" in table["reason"][0]
    assert np.isfinite(table["map"][0])


def test_labels_stay_in_their_block() -> None:
    """Every label is constant in its block, so nothing can be permuted."""
    meta = plate(compounds=6, moas=2)
    meta["site"] = meta["moa"]
    values = np.random.default_rng(0).normal(size=(18, 3))
    table = mean_average_precision(values, meta, assigned_to="compound", within="site", **COLUMNS)
    assert "constant in every block" in table["reason"][0]


def test_a_group_that_cannot_be_evaluated_is_nan_with_a_reason() -> None:
    meta = plate(compounds=12)
    meta.loc[meta["compound"] == 0, "moa"] = "alone"
    table = mean_average_precision(
        np.random.default_rng(0).normal(size=(36, 3)), meta, group_by="moa", assigned_to="compound", **COLUMNS
    ).set_index("moa")
    assert np.isnan(table.loc["alone", ["map", "p", "q"]].astype(float)).all()
    assert table.loc["alone", "reason"] == "no positives"
    assert table.drop("alone")["p"].notna().all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"permute": "batch"}, "label to permute is 'batch'"),
        ({"assigned_to": "batch"}, "'moa' varies within a unit"),
        ({"group_by": ["moa", "batch"]}, "Group by it alone"),
        ({"neg_sameby": "moa", "neg_diffby": ()}, "stands in neg_sameby"),
        ({"null": "bootstrap"}, "no null"),
        ({"n_permutations": 0}, "n_permutations is 0"),
        ({"within": "batch", "assigned_to": "compound"}, "a unit has no batch, or several"),
    ],
)
def test_bad_input_is_told(change: dict, said: str) -> None:
    meta = plate()
    with pytest.raises(ProfileError, match=said):
        mean_average_precision(np.random.default_rng(0).normal(size=(27, 3)), meta, **{**COLUMNS, **change})


@pytest.mark.parametrize(("k", "n"), [(4, 99), (1, 5), (5, 5), (30, 300), (200, 1000)])
def test_random_ranks_have_the_exact_mean(k: int, n: int) -> None:
    drawn = random_average_precision(k, n, 20_000, seed=1)
    assert drawn.mean() == pytest.approx(
        float(expected_average_precision(k, n)), abs=4 * drawn.std() / 140 + 1e-12
    )
    np.testing.assert_array_equal(drawn, random_average_precision(k, n, 20_000, seed=1, workers=3))
    assert k == n or (drawn != random_average_precision(k, n, 20_000, seed=2)).any()


def test_the_published_null_of_4_among_99() -> None:
    """1,000 draws gave mean 0.0797 and SD 0.0655: within the error of the exact mean, 0.0813."""
    exact = float(expected_average_precision(4, 99))
    assert exact == pytest.approx(0.081308, abs=1e-6)
    assert abs(exact - 0.0797) < 2 * 0.0655 / np.sqrt(1000)
    assert random_average_precision(4, 99, 200_000).std() == pytest.approx(0.0655, abs=0.003)


@pytest.mark.parametrize(("k", "n", "size"), [(0, 5, 1), (6, 5, 1), (1, 5, -1)])
def test_impossible_draws_are_told(k: int, n: int, size: int) -> None:
    with pytest.raises(ProfileError):
        random_average_precision(k, n, size)


def test_impossible_numbers_are_told() -> None:
    with pytest.raises(ProfileError):
        expected_average_precision(5, 4)
    assert np.isnan(expected_average_precision(0, 4))
