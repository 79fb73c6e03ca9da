"""Probes on real data: donors of diabetes, and control wells that were all treated alike."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from micrographia.representation.confounding import decodability, well_position
from micrographia.representation.probes import (
    accuracy_items,
    group_folds,
    leave_group_out,
    majority_accuracy,
    one_per_class_holdouts,
    predict,
)
from micrographia.statistics import interval

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def images(data):
    """Composition of 120 images by 16 types of cell, with donor and stage."""
    cells = pd.read_parquet(data / "diabetes_imc_cells/diabetes_cells.parquet")
    composition = pd.crosstab(cells["imageID"], cells["cellType"], normalize="index")
    about = cells.drop_duplicates("imageID").set_index("imageID").loc[composition.index]
    return composition.to_numpy(), about["stage"].astype(str).to_numpy(), about["case"].to_numpy()


def test_composition_tells_the_stage_of_a_donor_that_was_never_seen(images):
    values, stage, donor = images
    folds = one_per_class_holdouts(donor, stage)
    assert len(folds) == 64
    assert majority_accuracy(stage, folds)[0] == pytest.approx(1 / 3)
    assert majority_accuracy(stage, leave_group_out(donor))[0] == 0
    found = predict(values, stage, folds, probe="ridge")
    items = accuracy_items(found)
    assert items.score == pytest.approx(0.57, abs=0.02)
    limits = interval(items.scores({"donor": donor.tolist()}), "donor")
    assert limits.n_groups == 12
    assert 1 / 3 < limits.low < 0.5 < 0.65 < limits.high


def test_each_holdout_is_what_scikit_learn_predicts_with_that_penalty(images):
    values, stage, donor = images
    folds = one_per_class_holdouts(donor, stage, most=4)
    found = predict(values, stage, folds, probe="ridge")
    for number, (train, test) in enumerate(folds):
        scaler = StandardScaler().fit(values[train])
        scale = np.sqrt(values.shape[1])
        oracle = RidgeClassifier(alpha=found.chosen[number] * len(train))
        oracle.fit(scaler.transform(values[train]) / scale, stage[train])
        wanted = oracle.predict(scaler.transform(values[test]) / scale)
        got = np.array(found.classes)[found.predicted[found.holdouts == number]]
        assert got.tolist() == wanted.tolist()


def test_control_wells_with_made_up_treatments_are_at_chance(data):
    table = pd.read_csv(data / "bbbc021_profiles/BBBC021_feature_selected_mad_robustize.csv")
    wells = table[table["Metadata_Compound"] == "DMSO"]
    plates = wells["Metadata_Plate"].to_numpy()
    values = wells[[name for name in wells if not name.startswith("Metadata_")]].to_numpy()[:, ::4]
    names = np.unique(plates)
    scores = []
    for seed in range(15):
        drawn = np.random.default_rng(seed).permutation(len(names)) % 2
        label = drawn[np.searchsorted(names, plates)]
        folds = group_folds(plates, 4, labels=label, seed=seed)
        scores.append(accuracy_items(predict(values, label, folds, probe="ridge"), balanced=True).score)
    assert np.mean(scores) == pytest.approx(0.5, abs=3 * np.std(scores) / np.sqrt(15) + 0.01)


def test_the_well_column_can_be_read_from_profiles(data):
    table = pd.read_csv(data / "lincs_SQ00015054_profiles/SQ00015054_normalized_feature_select.csv.gz")
    values = table[[name for name in table if not name.startswith("Metadata_")]].to_numpy()[:, ::4]
    row, column = well_position(table["Metadata_Well"])
    assert (row.max(), column.max()) == (16, 24)
    compound = table["Metadata_broad_sample"].to_numpy()
    found = decodability(values, column, group_folds(compound, 5), name="well column")
    assert found.metric == "r2"
    assert found.items.scores({"compound": compound.tolist()}).n_evaluable == 384
    assert found.score > found.chance_pipeline
