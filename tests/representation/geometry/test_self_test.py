"""Hollow embeddings: no metric of ours is fooled by one that holds nothing; common ones are, and it is said."""

import json

import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.geometry import TriedMetric, self_test, untrusted
from micrographia.representation.geometry.hollow import HOLLOW
from micrographia.representation.geometry.tried_metrics import METRICS

NOTHING = [hollow.name for hollow in HOLLOW if hollow.knows == "nothing"]


@pytest.fixture(scope="module")
def report():
    """A study of 240 rows in the order of its labels, of which most are in one batch or the other."""
    random = np.random.default_rng(0)
    labels = np.repeat(list("abcdef"), [80, 40, 40, 32, 24, 24])
    often = random.random(240) < 0.9
    batch = np.where(np.isin(labels, ["a", "d"]) == often, "1", "2")
    return self_test(random.normal(size=(240, 60)), labels, batch)


def found(report, metric, embedding):
    (row,) = [row for row in report if (row["metric"], row["embedding"]) == (metric, embedding)]
    return row


def test_every_metric_meets_every_embedding(report):
    assert len(report) == len(METRICS) * len(HOLLOW)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_no_metric_of_ours_rewards_an_embedding_of_nothing(report):
    for row in report:
        if not row["common"] and row["metric"] != "iLISI" and row["embedding"] in NOTHING:
            assert not row["fooled"], row["text"]


@pytest.mark.parametrize("metric", ["mAP", "1-NN accuracy", "silhouette of labels"])
@pytest.mark.parametrize("embedding", ["constant", "identical rows"])
def test_retrieval_of_identical_rows_scores_exactly_chance(report, metric, embedding):
    row = found(report, metric, embedding)
    assert row["score"] == pytest.approx(row["chance"], abs=1e-9)


@pytest.mark.parametrize("metric", ["mAP", "1-NN accuracy", "mAP across batches"])
def test_retrieval_of_copies_and_random_numbers_is_near_chance(report, metric):
    for embedding in ("copies", "random"):
        row = found(report, metric, embedding)
        assert row["score"] == pytest.approx(row["chance"], abs=0.04)


def test_nan_gives_no_score_where_ties_are_not_broken_by_the_list(report):
    for row in report:
        if row["embedding"] == "NaN column" and not row["common"]:
            assert row["score"] is None
            assert "gives no score" in row["text"]
    assert found(report, "mAP, ties as listed", "NaN column")["score"] == 1


@pytest.mark.parametrize(
    ("metric", "embedding", "least"),
    [
        ("mAP, ties as listed", "constant", 0.5),
        ("mAP, ties as listed", "NaN column", 0.99),
        ("1-NN accuracy, first of equals", "constant", 0.3),
        ("replicates at or above the 95th percentile", "constant", 0.99),
        ("recall in both tails", "identical rows", 0.99),
        ("linear probe, accuracy against one over the classes", "constant", 0.3),
        ("silhouette, (s + 1) / 2", "constant", 0.5),
        ("cLISI against 0", "random", 0.2),
        ("iLISI", "constant", 0.8),
        ("batch silhouette, 1 - |s|", "identical rows", 0.99),
        ("linear CKA, plain", "random", 0.1),
    ],
)
def test_common_metrics_are_fooled_and_it_is_said(report, metric, embedding, least):
    row = found(report, metric, embedding)
    assert row["fooled"]
    assert row["score"] >= least
    assert f"{row['score']:.2f}" in row["text"]


def test_an_embedding_of_the_batch_alone_fools_what_compares_within_batches(report):
    for metric in ("mAP", "1-NN accuracy", "linear probe, accuracy against one over the classes"):
        row = found(report, metric, "confounder only")
        assert row["fooled"]
        assert "labels and batches are associated here" in row["text"]
    for metric in (
        "mAP across batches",
        "1-NN accuracy, not the same batch",
        "linear probe, whole batches held out, balanced",
        "robustness index",
        "iLISI",
    ):
        assert not found(report, metric, "confounder only")["fooled"]


def test_leaked_labels_reach_the_best_score_and_stand_in_the_report_once(report):
    assert found(report, "mAP", "leaked labels")["score"] == pytest.approx(1)
    assert found(report, "mAP", "leaked labels")["fooled"]
    listed = untrusted(report)
    (leak,) = [row for row in listed if row["embedding"] == "leaked labels"]
    assert "mAP across batches" in leak["text"]
    assert "no feature was made from labels" in leak["text"]


def test_the_report_names_each_fooled_metric_once_for_nothing_and_once_for_batch(report):
    listed = untrusted(report)
    keys = [(row["metric"], row["embedding"] == "confounder only") for row in listed]
    assert len(keys) == len(set(keys))
    fooled = {row["metric"] for row in report if row["fooled"] and row["embedding"] != "leaked labels"}
    assert fooled == {row["metric"] for row in listed if row["embedding"] != "leaked labels"}
    (ties,) = [row for row in listed if row["metric"] == "recall in both tails"]
    assert set(ties) == {"metric", "embedding", "score", "chance", "text"}
    assert "Also fooled by: " in ties["text"]


def test_without_batches_only_what_needs_none_is_tried_and_seeds_repeat():
    random = np.random.default_rng(1)
    values, labels = random.normal(size=(60, 8)), ["x", "y", "z"] * 20
    chosen = [metric for metric in METRICS if metric.name in ("mAP", "iLISI", "NMI of k-means clusters")]
    first = self_test(values, labels, metrics=chosen, seed=5)
    assert {row["metric"] for row in first} == {"mAP", "NMI of k-means clusters"}
    assert "confounder only" not in {row["embedding"] for row in first}
    assert first == self_test(values, labels, metrics=chosen, seed=5)
    assert first != self_test(values, labels, metrics=chosen, seed=6)


def test_other_metrics_can_be_tried_with_and_without_a_chance_value():
    random = np.random.default_rng(2)
    values, labels = random.normal(size=(80, 5)), np.repeat(["x", "y"], 40)

    def halves(values, labels, batch):
        # Holds rows in the upper half of the file for the second label, whatever the values.
        return float((labels == (np.arange(len(labels)) >= len(labels) // 2)).mean())

    def fails(values, labels, batch):
        raise ProfileError("", "no")

    more = {"order of the file": lambda *given: (halves(*given), 0.5), "no chance": halves, "refuses": fails}
    rows = self_test(values, labels, metrics=(), more=more)
    assert found(rows, "order of the file", "constant")["fooled"]
    # What random numbers score too is taken for chance, so it cannot be seen.
    assert found(rows, "no chance", "constant")["chance"] == 1
    assert found(rows, "refuses", "constant")["score"] is None


def test_rows_without_label_are_left_out_and_too_small_a_study_gives_nothing():
    seen = []

    def look(values, labels, batch):
        seen.append((len(values), int(labels.max())))
        return 0.0

    values = np.random.default_rng(3).normal(size=(40, 3))
    values[0] = np.nan
    labels = np.array(["x", "y"] * 20, dtype=object)
    labels[5] = None
    self_test(values, labels, metrics=(), more={"look": look})
    assert set(seen) == {(38, 1)}
    seen.clear()
    self_test(values, labels, metrics=(), more={"look": look}, rows=20)
    assert {n for n, _ in seen} == {20}
    assert self_test(values[:8], labels[:8]) == []
    assert self_test(values, ["x"] * 40) == []
    with pytest.raises(ProfileError, match="40 rows of features and 39 labels"):
        self_test(values, labels[1:])


def test_a_metric_is_one_small_object():
    half = TriedMetric("half", lambda _: (0.5, 0.5))
    (row,) = {
        (row["score"], row["fooled"])
        for row in self_test(np.eye(12), ["x", "y"] * 6, metrics=[half])
        if row["embedding"] != "leaked labels"
    }
    assert row == (0.5, False)


@pytest.mark.real_data
def test_the_design_of_bbbc021(data):
    table = pd.read_csv(data / "bbbc021_profiles/BBBC021_feature_selected_mad_robustize.csv")
    table = table[table["Metadata_Compound"] != "DMSO"]
    values = table.filter(regex="^(?!Metadata_)").to_numpy(float)
    week = table["Metadata_Plate"].str.extract(r"^(Week\d+)_")[0].to_numpy(str)
    chosen = [
        metric
        for metric in METRICS
        if metric.name in ("mAP", "1-NN accuracy", "1-NN accuracy, not the same batch", "mAP, ties as listed")
    ]
    rows = self_test(values, table["Metadata_moa"].to_numpy(str), week, metrics=chosen, repeats=2)
    # Mechanisms and weeks are associated: the week alone finds mechanisms far above chance.
    for metric in ("mAP", "1-NN accuracy"):
        row = found(rows, metric, "confounder only")
        assert row["fooled"]
        assert row["score"] > 2 * row["chance"]
    assert not found(rows, "1-NN accuracy, not the same batch", "confounder only")["fooled"]
    assert found(rows, "mAP, ties as listed", "constant")["fooled"]
