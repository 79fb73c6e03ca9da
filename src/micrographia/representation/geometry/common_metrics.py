"""Metrics as they are commonly written, with what hollow embeddings exploit: for the self-test, never for a score."""

from __future__ import annotations

import numpy as np

from micrographia.representation.batch.inputs import Array
from micrographia.representation.batch.ridge import ridge_classifier

FOLDS = 5


def unit_rows(values: Array) -> Array:
    """Return rows of length 1; rows of length 0 become NaN, as division makes them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Array = values / np.sqrt((values**2).sum(axis=1, keepdims=True))
    return result


def sorted_average_precision(values: Array, labels: Array) -> float:
    """Return mean average precision of pairs sorted by similarity, positive pairs listed first, ties left as listed."""
    rows = unit_rows(values)
    precisions = []
    for at in range(len(rows)):
        same = labels == labels[at]
        same[at] = False
        positive, negative = np.flatnonzero(same), np.flatnonzero(labels != labels[at])
        if not len(positive) or not len(negative):
            continue
        listed = np.concatenate([positive, negative])
        order = np.argsort(-(rows[listed] @ rows[at]), kind="stable")
        places = np.flatnonzero(order < len(positive))
        precisions.append((np.arange(1, len(positive) + 1) / (places + 1)).mean())
    return float(np.mean(precisions)) if precisions else float("nan")


def both_tails_recall(values: Array, labels: Array) -> float:
    """Return the share of same-label pairs at or beyond the 5th or 95th percentile of all similarities."""
    rows = unit_rows(values)
    i, j = np.triu_indices(len(rows), 1)
    similarity = np.concatenate([rows[at, None] @ rows[at + 1 :].T for at in range(len(rows) - 1)], axis=1)[0]
    if np.isnan(similarity).any():
        return float("nan")
    low, high = np.percentile(similarity, [5, 95])
    same = similarity[labels[i] == labels[j]]
    return float(((same <= low) | (same >= high)).mean()) if len(same) else float("nan")


def replicating(values: Array, labels: Array) -> float:
    """Return the share of same-label pairs whose similarity is at least the 95th percentile of the other pairs."""
    rows = unit_rows(values)
    i, j = np.triu_indices(len(rows), 1)
    similarity = np.concatenate([rows[at, None] @ rows[at + 1 :].T for at in range(len(rows) - 1)], axis=1)[0]
    same = labels[i] == labels[j]
    if np.isnan(similarity).any() or not same.any() or same.all():
        return float("nan")
    return float((similarity[same] >= np.percentile(similarity[~same], 95)).mean())


def first_neighbour(values: Array, labels: Array) -> float:
    """Return 1-NN accuracy, the first in the file of equally similar rows."""
    rows = unit_rows(values)
    right = 0
    for at in range(len(rows)):
        similarity = rows @ rows[at]
        similarity[at] = -np.inf
        right += labels[int(np.argmax(similarity))] == labels[at]
    return right / len(rows)


def probe_accuracy(values: Array, labels: Array, folds: Array, *, balanced: bool) -> float:
    """Return the accuracy of a linear probe over folds, or the mean of its recalls."""
    if np.isnan(values).any():
        return float("nan")
    said = np.full(len(labels), -1)
    for fold in np.unique(folds):
        test = folds == fold
        if len(np.unique(labels[~test])) > 1:
            said[test] = ridge_classifier(values[~test], labels[~test], values[test])
    asked = said >= 0
    right = said[asked] == labels[asked]
    if not len(right):
        return float("nan")
    if not balanced:
        return float(right.mean())
    return float(np.mean([right[labels[asked] == one].mean() for one in np.unique(labels[asked])]))


def cluster_information(values: Array, labels: Array, random: np.random.Generator) -> float:
    """Return the normalised mutual information of k-means clusters and labels, not adjusted for chance."""
    if np.isnan(values).any():
        return float("nan")
    clusters = k_means(values, int(labels.max()) + 1, random)
    table = np.zeros((int(clusters.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (clusters, labels), 1)
    joint = table / table.sum()
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    outer = np.outer(first, second)
    information = float((joint[joint > 0] * np.log(joint[joint > 0] / outer[joint > 0])).sum())
    mean = (_entropy(first) + _entropy(second)) / 2
    return information / mean if mean > 0 else float("nan")


def k_means(values: Array, k: int, random: np.random.Generator, steps: int = 25) -> Array:
    """Return the clusters ``(n,)`` of Lloyd's algorithm from random rows; an empty cluster keeps its centre."""
    centres = values[random.choice(len(values), min(k, len(values)), replace=False)]
    clusters = np.zeros(len(values), dtype=np.int64)
    norms = (values**2).sum(axis=1, keepdims=True)
    for _ in range(steps):
        fresh = np.argmin(norms - 2 * values @ centres.T + (centres**2).sum(axis=1), axis=1)
        if (fresh == clusters).all():
            break
        clusters = fresh
        for one in np.unique(clusters):
            centres[one] = values[clusters == one].mean(axis=0)
    return clusters


def _entropy(shares: Array) -> float:
    kept = shares[shares > 0]
    return float(-(kept * np.log(kept)).sum())
