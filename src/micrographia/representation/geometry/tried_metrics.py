"""The metrics that the self-test tries: Micrographia's own, and what is commonly computed instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from micrographia.representation.batch.inputs import Array, average
from micrographia.representation.batch.lisi import lisi, scaled_chance, scaled_clisi, scaled_ilisi
from micrographia.representation.batch.robustness import robustness_index
from micrographia.representation.batch.silhouette import batch_silhouette, silhouette
from micrographia.representation.geometry.common_metrics import (
    FOLDS,
    both_tails_recall,
    cluster_information,
    first_neighbour,
    probe_accuracy,
    replicating,
    sorted_average_precision,
)
from micrographia.representation.geometry.similarity import linear_cka
from micrographia.representation.retrieval.average_precision import average_precision
from micrographia.representation.retrieval.neighbours import nearest_neighbour

Kind = Literal["biology", "mixing", "similarity"]
Scored = tuple[float, float]
"""A score, and what it is held against: its chance value."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What a metric is tried on.

    Attributes
    ----------
    values
        The embedding ``(n, d)``.
    labels, batch
        Numbers from 0 on ``(n,)``; the batch is all 0 if there is none.
    candidate
        The embedding of the study, of the same rows ``(n, e)``.
    random
        For metrics that draw.
    """

    values: Array
    labels: Array
    batch: Array
    candidate: Array
    random: np.random.Generator


@dataclass(frozen=True)
class TriedMetric:
    """A metric that is tried.

    Attributes
    ----------
    name
        What it is called.
    function
        From a trial to the score and the chance value that it is read against. NaN where the metric gives no score.
    kind
        ``"biology"``: high means that the label is found. ``"mixing"``: high means that batches are mixed, which an
        embedding of nothing achieves. ``"similarity"``: high means alike to the candidate.
    best
        The largest score.
    common
        Whether it is computed as others do, with what hollow embeddings exploit, and not as here.
    needs_batch
        Whether it means nothing with one batch only.
    why
        Why an embedding of nothing can score high, as a clause.
    nominal
        Whether the chance value is only what it is commonly read against.
    instead
        What to use instead, if that is not fooled in this way.
    """

    name: str
    function: Callable[[Trial], Scored]
    kind: Kind = "biology"
    best: float = 1.0
    common: bool = False
    needs_batch: bool = False
    why: str = ""
    nominal: bool = False
    instead: str = ""


def _shares(labels: Array) -> Array:
    return np.bincount(labels) / len(labels)


def _precision(trial: Trial, *, across: bool = False) -> Scored:
    meta = pd.DataFrame({"label": trial.labels, "batch": trial.batch})
    found = average_precision(
        trial.values,
        meta,
        pos_sameby=["label"],
        pos_diffby=["batch"] if across else [],
        neg_diffby=["label"],
        neg_sameby=["batch"] if across else [],
    )
    return average(found["average_precision"].to_numpy(float)), average(found["chance"].to_numpy(float))


def _precision_across(trial: Trial) -> Scored:
    return _precision(trial, across=True)


def _neighbour(trial: Trial) -> Scored:
    found = nearest_neighbour(trial.values, trial.labels)
    return found.accuracy, found.expected


def _neighbour_across(trial: Trial) -> Scored:
    found = nearest_neighbour(trial.values, trial.labels, exclude=[trial.batch])
    return found.accuracy, found.expected


def _silhouette(trial: Trial) -> Scored:
    return silhouette(trial.values, trial.labels).mean, 0.0


def _perplexity(trial: Trial) -> float:
    return min(30.0, max(2.0, len(trial.labels) // 6))


def _clisi(trial: Trial) -> Scored:
    found = lisi(trial.values, trial.labels, perplexity=_perplexity(trial))
    return scaled_clisi(found), 1.0 - scaled_chance(found)


def _ilisi(trial: Trial) -> Scored:
    found = lisi(trial.values, trial.batch, perplexity=_perplexity(trial))
    return scaled_ilisi(found), scaled_chance(found)


def _robustness(trial: Trial) -> Scored:
    found = robustness_index(trial.values, trial.labels, trial.batch, k=min(10, len(trial.labels) - 1))
    return found.index, found.chance


def _probe(trial: Trial) -> Scored:
    folds = trial.batch if trial.batch.any() else _random_folds(trial)
    return probe_accuracy(trial.values, trial.labels, folds, balanced=True), 1.0 / (trial.labels.max() + 1)


def _cka(trial: Trial) -> Scored:
    return linear_cka(trial.values, trial.candidate).value, 0.0


def _random_folds(trial: Trial) -> Array:
    return trial.random.permutation(np.arange(len(trial.labels)) % FOLDS)


def _plain_probe(trial: Trial) -> Scored:
    accuracy = probe_accuracy(trial.values, trial.labels, _random_folds(trial), balanced=False)
    return accuracy, 1.0 / (trial.labels.max() + 1)


def _random_probe(trial: Trial) -> Scored:
    accuracy = probe_accuracy(trial.values, trial.labels, _random_folds(trial), balanced=True)
    return accuracy, 1.0 / (trial.labels.max() + 1)


def _sorted_precision(trial: Trial) -> Scored:
    return sorted_average_precision(trial.values, trial.labels), _precision(trial)[1]


def _first_neighbour(trial: Trial) -> Scored:
    return first_neighbour(trial.values, trial.labels), float((_shares(trial.labels) ** 2).sum())


def _rescaled_silhouette(trial: Trial) -> Scored:
    return (silhouette(trial.values, trial.labels).mean + 1.0) / 2.0, 0.0


def _batch_silhouette(trial: Trial) -> Scored:
    found = batch_silhouette(trial.values, trial.batch, trial.labels)
    return 1.0 - average(np.abs(found.values)), 1.0


def _plain_clisi(trial: Trial) -> Scored:
    return _clisi(trial)[0], 0.0


def _information(trial: Trial) -> Scored:
    return cluster_information(trial.values, trial.labels, trial.random), 0.0


def _plain_cka(trial: Trial) -> Scored:
    return linear_cka(trial.values, trial.candidate, debiased=False).value, 0.0


TIES = "equally similar rows are taken in the order in which they are listed"
MIXED = "what holds nothing mixes batches"

METRICS = (
    TriedMetric("mAP", _precision),
    TriedMetric("mAP across batches", _precision_across, needs_batch=True),
    TriedMetric("1-NN accuracy", _neighbour),
    TriedMetric("1-NN accuracy, not the same batch", _neighbour_across, needs_batch=True),
    TriedMetric("linear probe, whole batches held out, balanced", _probe),
    TriedMetric("silhouette of labels", _silhouette),
    TriedMetric("cLISI against its chance", _clisi),
    TriedMetric("robustness index", _robustness, needs_batch=True),
    TriedMetric(
        "iLISI", _ilisi, kind="mixing", needs_batch=True, why=MIXED, instead="a score of biology beside it"
    ),
    TriedMetric("linear CKA, debiased", _cka, kind="similarity"),
    TriedMetric(
        "mAP, ties as listed",
        _sorted_precision,
        common=True,
        why=TIES,
        instead="mAP at the expectation over ties",
    ),
    TriedMetric(
        "1-NN accuracy, first of equals",
        _first_neighbour,
        common=True,
        why=TIES,
        instead="1-NN accuracy at the expectation over ties",
    ),
    TriedMetric(
        "replicates at or above the 95th percentile",
        lambda trial: (replicating(trial.values, trial.labels), 0.05),
        common=True,
        why="a similarity that equals the threshold counts",
        instead="mAP",
    ),
    TriedMetric(
        "recall in both tails",
        lambda trial: (both_tails_recall(trial.values, trial.labels), 0.1),
        common=True,
        why="a similarity that equals a threshold counts, and opposite rows count as alike",
        instead="mAP",
    ),
    TriedMetric(
        "linear probe, accuracy against one over the classes",
        _plain_probe,
        common=True,
        nominal=True,
        why="always naming the most frequent class scores its share",
        instead="balanced accuracy, beside the majority",
    ),
    TriedMetric(
        "linear probe, random rows held out",
        _random_probe,
        common=True,
        why="a probe that names frequent classes is lucky in small ones",
        instead="whole batches held out",
    ),
    TriedMetric(
        "silhouette, (s + 1) / 2",
        _rescaled_silhouette,
        common=True,
        nominal=True,
        why="it is rescaled, so that nothing scores 0.5",
        instead="the plain silhouette",
    ),
    TriedMetric(
        "cLISI against 0",
        _plain_clisi,
        common=True,
        nominal=True,
        why="unequal labels and few neighbours lift its chance above 0",
        instead="cLISI against its chance",
    ),
    TriedMetric(
        "NMI of k-means clusters",
        _information,
        common=True,
        nominal=True,
        why="it is not adjusted for chance",
        instead="mAP",
    ),
    TriedMetric(
        "batch silhouette, 1 - |s|",
        _batch_silhouette,
        kind="mixing",
        common=True,
        needs_batch=True,
        why=MIXED,
        instead="a score of biology beside it",
    ),
    TriedMetric(
        "linear CKA, plain",
        _plain_cka,
        kind="similarity",
        common=True,
        nominal=True,
        why="it is biased upwards where rows are few for the features",
        instead="debiased CKA",
    ),
)
"""What the self-test tries."""
