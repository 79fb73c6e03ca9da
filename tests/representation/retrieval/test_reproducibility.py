from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import replicate_reproducibility
from micrographia.representation.retrieval.similarity import space
from micrographia.representation.retrieval.tails import tails
from representation.retrieval.real import sq00015054


@pytest.mark.real_data
def test_sq00015054(data: Path) -> None:
    """Compound and dose: 0.4583 of 408 pairs. Mechanism: it depends on what the 42 missing labels do."""
    values, meta = sq00015054(data)
    dosed = replicate_reproducibility(values, meta[["broad_sample", "mg_per_ml"]])
    assert (round(dosed.score, 4), dosed.n_pairs, dosed.reason) == (0.4583, 408, "")
    scores = {}
    for missing in ("group", "nothing", "drop"):
        result = replicate_reproducibility(values, meta["moa"], missing=missing)
        scores[missing] = round(result.score, 4)
        assert result.n_missing == 42
        shares = result.groups
        assert result.score == pytest.approx(np.average(shares["share"], weights=shares["n_pairs"]))
    assert scores == {"group": 0.3074, "nothing": 0.4164, "drop": 0.4309}
    grouped = replicate_reproducibility(values, meta["moa"], missing="group")
    assert grouped.reason == "861 of 1,968 replicate pairs share only that their label is missing"


@pytest.mark.parametrize("distance", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize("percentile", [50, 95, 99.9])
def test_is_the_quantile_of_all_pairs(distance: str, percentile: float) -> None:
    rng = np.random.default_rng(0)
    values, keys = rng.normal(size=(150, 9)), rng.integers(0, 40, 150)
    result = replicate_reproducibility(values, keys, percentile, distance=distance, workers=3)
    first, second = np.triu_indices(150, 1)
    if distance == "euclidean":
        near = -np.linalg.norm(values[first] - values[second], axis=1)
    else:
        rows = values - values.mean(axis=1, keepdims=True) * (distance == "correlation")
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        near = (rows[first] * rows[second]).sum(axis=1)
    same = keys[first] == keys[second]
    wanted = (near[same] > np.quantile(near[~same], percentile / 100)).mean()
    assert result.score == pytest.approx(wanted, abs=1e-12)
    assert (result.n_pairs, result.n_other_pairs) == (same.sum(), (~same).sum())


def test_quantiles_of_many_blocks_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("micrographia.representation.retrieval.similarity.BLOCK_BYTES", 4 * 300 * 7)
    compared = space(np.random.default_rng(1).normal(size=(300, 5)))
    held = tails(compared, np.full(300, -1), [0.0, 0.3, 1.0], workers=2)
    near = (compared.queries @ compared.candidates.T)[np.triu_indices(300, 1)].astype(float)
    np.testing.assert_allclose(held.thresholds, np.quantile(near, [0.0, 0.3, 1.0]), atol=3e-7)
    assert held.others.sum(axis=1).tolist() == [44850] * 3


@pytest.mark.parametrize("distance", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize("percentile", [80, 95])
def test_identical_rows_score_exactly_chance(distance: str, percentile: float) -> None:
    values = np.tile(np.random.default_rng(2).normal(size=(1, 31)), (300, 1))
    result = replicate_reproducibility(values, np.arange(300) // 4, percentile, distance=distance)
    assert result.score == pytest.approx(1 - percentile / 100, abs=1e-12)
    assert result.score == pytest.approx(result.chance)


def test_duplicates_irrespective_of_label_and_random_rows_score_chance() -> None:
    rng = np.random.default_rng(3)
    off = []
    for _ in range(40):
        kinds = rng.normal(size=(8, 7))
        for values in (kinds[rng.integers(0, 8, 90)], rng.normal(size=(90, 7))):
            result = replicate_reproducibility(values, rng.permutation(np.arange(90) // 3))
            off.append(result.score - result.chance)
    assert abs(np.mean(off)) < 3.5 * np.std(off, ddof=1) / np.sqrt(80)


def test_perfect_replicates_score_one() -> None:
    values = np.repeat(np.random.default_rng(4).normal(size=(40, 20)), 3, axis=0)
    assert replicate_reproducibility(values, np.arange(120) // 3).score == 1.0


def test_missing_labels_in_a_table_of_keys() -> None:
    values = np.random.default_rng(5).normal(size=(6, 4))
    keys = pd.DataFrame({"a": ["x", "x", None, None, "y", "y"], "b": [1, 1, 1, 1, None, 2]})
    counts = {
        missing: replicate_reproducibility(values, keys, missing=missing).n_pairs
        for missing in ("drop", "nothing", "group")
    }
    assert counts == {"drop": 1, "nothing": 1, "group": 2}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["a", "b", "c", "d"], "no label has two rows"),
        (["a"] * 4, "all rows have one label"),
        ([None] * 4, "two rows"),
    ],
)
def test_what_cannot_be_computed_is_nan_with_a_reason(keys: list, said: str) -> None:
    result = replicate_reproducibility(np.random.default_rng(6).normal(size=(4, 3)), keys)
    assert np.isnan(result.score)
    assert said in result.reason


def test_rows_with_missing_features_are_left_out_and_counted() -> None:
    values = np.random.default_rng(7).normal(size=(60, 5))
    keys = np.arange(60) % 20
    values[4] = np.nan
    kept = np.arange(60) != 4
    result = replicate_reproducibility(values, keys)
    clean = replicate_reproducibility(values[kept], keys[kept])
    assert (result.score, result.n_pairs, result.n_unusable) == (clean.score, clean.n_pairs, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"percentile": 100}, "percentile is 100"),
        ({"missing": "ignore"}, "'ignore'"),
        ({"keys": [1, 2]}, "3 rows of features and 2 labels"),
        ({"keys": pd.DataFrame(index=range(3))}, "keys has no column"),
    ],
)
def test_bad_input_is_told(change: dict, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        replicate_reproducibility(**{"values": np.eye(3), "keys": [1, 1, 2], **change})
