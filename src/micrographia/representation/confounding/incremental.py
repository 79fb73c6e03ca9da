"""What a representation adds to a baseline: beside it, and after the baseline was regressed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from micrographia.representation.probes.chance import predict_prior
from micrographia.representation.probes.features import Blocks, Features, Preprocess, Residual, as_features
from micrographia.representation.probes.folds import Folds, Labels
from micrographia.representation.probes.items import Items, by_name
from micrographia.representation.probes.labels import Array
from micrographia.representation.probes.predict import predict


@dataclass(frozen=True, eq=False)
class Incremental:
    """Scores of a baseline B, a representation Z, both side by side, and Z without what B predicts of it.

    All are over the same rows, hold-outs and metric, so that any two can be compared pair by pair.

    Attributes
    ----------
    metric
        accuracy, balanced accuracy, auc or r2.
    baseline, marginal, both, residualised
        Items of B, Z, [B, Z], and Z after B was regressed out; the last is None with a reason.
    chance
        Items of the training rows alone, which ignore all features.
    reason
        Why there is no residualised score.
    """

    metric: str
    baseline: Items
    marginal: Items
    both: Items
    residualised: Items | None
    chance: Items
    reason: str = ""

    @property
    def increment(self) -> float:
        """``score([B, Z]) - score(B)``: what Z adds to B."""
        return self.both.score - self.baseline.score


def incremental(
    baseline: Array | Features,
    values: Array | Features,
    target: Labels,
    folds: Folds,
    groups: Labels | None = None,
    *,
    metric: str = "",
    probe: Literal["linear", "ridge", "knn"] = "linear",
    task: Literal["classification", "regression"] = "classification",
    preprocess: Preprocess | None = None,
    meta: pd.DataFrame | None = None,
    degree: int = 1,
    balanced: bool = False,
    seed: int = 0,
    workers: int | None = 1,
) -> Incremental:
    """Score a baseline, a representation, both together, and the representation with the baseline regressed out.

    Everything is fitted on the training rows of each hold-out. Side by side, both have the same total variance, so
    that a baseline of one feature is not drowned by a representation of a thousand.

    Parameters
    ----------
    baseline, values
        Features of B ``(n, b)`` and Z ``(n, d)``.
    target, folds, groups
        See :func:`micrographia.representation.probes.predict`.
    metric
        accuracy, balanced accuracy, auc or r2; the first that fits the task if empty.
    probe, task, preprocess, meta, balanced, seed, workers
        See :func:`micrographia.representation.probes.predict`; the preprocessing is that of Z.
    degree
        Greatest power of each baseline feature that is regressed out.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.
    ValueError
        If the metric does not fit the task.
    """
    metric = metric or ("accuracy" if task == "classification" else "r2")
    known, asked = as_features(baseline), as_features(values, preprocess, meta)
    options: dict[str, Any] = {
        "probe": probe,
        "task": task,
        "balanced": balanced,
        "seed": seed,
        "workers": workers,
    }

    def scored(features: Features) -> Items:
        return by_name(metric, predict(features, target, folds, groups, **options))

    width = known.fit(np.arange(known.n))(np.arange(min(1, known.n))).shape[1] * degree
    least = min((len(train) for train, _ in folds), default=0)
    residualised, reason = None, ""
    # Tuning trains on parts of the training rows: at half of them something must be left over.
    if width + 1 >= least // 2:
        reason = f"the baseline has {width} features for {least} training rows: regressed out, nothing would be left"
    else:
        residualised = scored(Residual(asked, known, degree))
    prior = by_name(metric, predict_prior(target, folds, task=task))
    return Incremental(
        metric, scored(known), scored(asked), scored(Blocks([known, asked])), residualised, prior, reason
    )
