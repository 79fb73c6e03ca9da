"""The robustness index by hand, against a dense count, and where it cannot tell."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from micrographia.errors import ProfileError
from micrographia.representation.batch import robustness_curve, robustness_index


def dense_counts(values, biology, centre, k, keys=()):
    distances = cdist(values, values, "cosine")
    np.fill_diagonal(distances, np.inf)
    for key in keys:
        distances[key[:, None] == key[None]] = np.inf
    result = np.zeros((len(values), 4), int)
    for row in range(len(values)):
        for other in np.argsort(distances[row])[:k]:
            if np.isfinite(distances[row, other]):
                same = biology[other] == biology[row], centre[other] == centre[row]
                result[row, {(1, 1): 0, (1, 0): 1, (0, 1): 2, (0, 0): 3}[same]] += 1
    return result


def design(n=120, seed=0):
    random = np.random.default_rng(seed)
    biology, centre = random.choice(["t", "n", "s"], n), random.choice(["A", "B"], n)
    values = random.normal(size=(n, 6))
    values[:, 0] += biology == "t"
    values[:, 1] += 2 * (centre == "A")
    return values, biology, centre


def test_by_hand():
    # On a circle, row 0 (t, A) has the neighbours t B, n A and n B; the others likewise.
    angles = np.deg2rad([0, 10, 25, 45])
    values = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    biology, centre = ["t", "t", "n", "n"], ["A", "B", "A", "B"]
    first = robustness_index(values, biology, centre, k=1)
    # Neighbours: 0 -> 1 (SO), 1 -> 0 (SO), 2 -> 1 (OO), 3 -> 2 (SO).
    assert first.index == 1
    assert first.shares == {"SS": 0, "SO": 0.75, "OS": 0, "OO": 0.25}
    assert first.counts.tolist() == [[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    assert (first.low, first.high, first.chance) == (0, 1, 0.5)
    assert "better embeddings cannot score higher" in first.saturation
    everyone = robustness_index(values, biology, centre, k=3)
    assert everyone.index == everyone.chance == everyone.low == everyone.high == 0.5
    assert "the design alone nearly fixes the index" in everyone.saturation


@pytest.mark.parametrize("k", [1, 7, 40, 119])
def test_equals_a_dense_count(k):
    values, biology, centre = design()
    found = robustness_index(values, biology, centre, k=k)
    expected = dense_counts(values, biology, centre, k)
    assert (found.counts == expected).all()
    total = expected.sum(axis=0)
    assert found.index == total[1] / (total[1] + total[2])
    assert sum(found.shares.values()) == pytest.approx(1)
    assert np.nansum(found.values * found.weights) / found.weights.sum() == pytest.approx(found.index)
    assert found.low - 1e-12 <= found.index <= found.high + 1e-12


@pytest.mark.parametrize("k", [3, 119])
def test_rows_of_one_slide_or_patient_are_no_neighbours(k):
    values, biology, centre = design(seed=1)
    slide = np.arange(120) // 4
    patient = np.arange(120) // 12 % 7
    found = robustness_index(values, biology, centre, k=k, exclude=[slide, patient])
    assert (found.counts == dense_counts(values, biology, centre, k, [slide, patient])).all()
    if k == 119:
        # All that are left are neighbours: what is available was counted right, without looking at pairs.
        np.testing.assert_allclose([found.low, found.high], found.index)
        shares = found.counts / found.counts.sum(axis=1, keepdims=True)
        assert found.chance == pytest.approx(shares[:, 1].sum() / shares[:, 1:3].sum())


def test_a_missing_label_to_exclude_by_excludes_nobody():
    values, biology, centre = design(40, seed=2)
    free = robustness_index(values, biology, centre, k=5)
    nothing = robustness_index(values, biology, centre, k=5, exclude=[[None] * 40])
    assert (nothing.counts == free.counts).all()
    assert (nothing.low, nothing.high, nothing.chance) == (free.low, free.high, free.chance)


def test_a_constant_embedding_scores_chance_and_a_leak_saturates():
    _, biology, centre = design(300, seed=3)
    order = np.argsort(centre, kind="stable")
    constant = robustness_index(np.ones((300, 4)), biology[order], centre[order], k=10)
    assert constant.index == pytest.approx(constant.chance, abs=0.04)
    assert constant.saturation == ""
    slide = np.arange(300) // 10
    apart = robustness_index(np.ones((300, 4)), biology[order], centre[order], k=10, exclude=[slide])
    assert apart.index == pytest.approx(apart.chance, abs=0.04)
    assert (apart.counts.sum(axis=1) == 10).all()
    random = np.random.default_rng(0)
    leak = np.eye(3)[np.unique(biology, return_inverse=True)[1]] + random.normal(size=(300, 3)) * 1e-3
    found = robustness_index(leak, biology, centre, k=10)
    assert found.index == 1
    assert found.saturation.startswith("the index is 1.000")
    stain = np.eye(2)[np.unique(centre, return_inverse=True)[1]] + random.normal(size=(300, 2)) * 1e-3
    assert robustness_index(stain, biology, centre, k=10).saturation.startswith("the index is 0.000")


def test_an_index_of_few_neighbours_says_so():
    random = np.random.default_rng(4)
    biology, centre = np.repeat(["t", "n"], 200), np.tile(["A", "B"], 200)
    # Each combination is a cluster of its own: nearly all neighbours are SS.
    corner = np.eye(4)[2 * (biology == "t") + (centre == "A")] * 5
    found = robustness_index(corner + random.normal(size=(400, 4)), biology, centre, k=5)
    assert found.shares["SS"] > 0.95
    assert "the others say nothing" in found.saturation


def test_aliased_biology_and_centre_are_undefined_with_a_reason():
    random = np.random.default_rng(5)
    found = robustness_index(random.normal(size=(30, 3)), ["t", "n"] * 15, ["A", "B"] * 15, k=5)
    assert np.isnan(found.index)
    assert np.isnan(found.chance)
    assert found.reason == "no two rows share only their biology or only their centre, whatever the embedding"


@pytest.mark.parametrize(("biology", "centre", "lacking"), [("t", None, "centre"), (None, "A", "biology")])
def test_one_label_or_one_centre_is_undefined_not_1_or_0(biology, centre, lacking):
    values, kinds, places = design(30, seed=5)
    found = robustness_index(
        values, [biology] * 30 if biology else kinds, [centre] * 30 if centre else places, k=5
    )
    assert np.isnan([found.index, found.chance, found.low, found.high]).all()
    assert found.reason == f"no two rows share only their {lacking}, whatever the embedding"


def test_missing_labels_and_features_are_left_out_and_counted():
    values, biology, centre = design(60, seed=6)
    biology, centre = biology.astype(object), centre.astype(object)
    biology[0], centre[1], values[2, 0] = None, np.nan, np.nan
    found = robustness_index(values, biology, centre, k=59)
    assert found.counts[:3].sum() == 0
    assert (found.counts[3:].sum(axis=1) == 56).all()
    assert np.isnan(found.values[:3]).all()
    assert "1 of 60 rows have missing or infinite features" in found.reason
    assert "2 of 60 rows have no biological label or no centre" in found.reason


def test_a_curve_is_the_indices_and_errors_are_told():
    values, biology, centre = design(60, seed=7)
    curve = robustness_curve(values, biology, centre, [1, 5, 20])
    assert [one.k for one in curve] == [1, 5, 20]
    assert curve[1].index == robustness_index(values, biology, centre, k=5).index
    with pytest.raises(ValueError, match="from 1 on"):
        robustness_index(values, biology, centre, k=0)
    with pytest.raises(ProfileError, match="60 rows of features and 59 centres"):
        robustness_index(values, biology, centre[:-1])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_scale_and_names_change_nothing(seed):
    values, biology, centre = design(50, seed)
    plain = robustness_index(values, biology, centre, k=6)
    order = np.random.default_rng(seed).permutation(50)
    moved = robustness_index(values[order] * 7, np.char.add(biology, "x")[order], centre[order], k=6)
    assert (moved.counts == plain.counts[order]).all()
    np.testing.assert_allclose([moved.low, moved.high, moved.chance], [plain.low, plain.high, plain.chance])


@pytest.mark.real_data
def test_mechanisms_and_weeks_of_bbbc021(data):
    table = pd.read_csv(data / "bbbc021_profiles/BBBC021_feature_selected_mad_robustize.csv")
    table = table[table["Metadata_Compound"] != "DMSO"]
    values = table.filter(regex="^(?!Metadata_)").to_numpy(float).clip(-20, 20)
    week = table["Metadata_Plate"].str.extract(r"^(Week\d+)_")[0].to_numpy(str)
    mechanism, compound = (table[f"Metadata_{name}"].to_numpy(str) for name in ("moa", "Compound"))
    assert len(np.unique(week)) == 10
    free = robustness_index(values, mechanism, week, k=5)
    other = robustness_index(values, mechanism, week, k=5, exclude=[compound])
    assert (other.counts == dense_counts(values, mechanism, week, 5, [compound])).all()
    # Replicates of a compound share its week: what the index rests on changes once they do not count.
    assert free.shares["SO"] + free.shares["OS"] < 0.15 < 0.5 < other.shares["SO"] + other.shares["OS"]
    assert free.chance < free.index < other.index
    assert free.reason == other.reason == ""
