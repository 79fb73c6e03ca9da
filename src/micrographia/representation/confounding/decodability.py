"""How well a nuisance can be read from a representation: count, intensity, well row and column, plate, batch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from micrographia.representation.probes.chance import predict_prior
from micrographia.representation.probes.features import Features, Preprocess
from micrographia.representation.probes.folds import Folds, Labels
from micrographia.representation.probes.items import Items, by_name
from micrographia.representation.probes.labels import Array, coded
from micrographia.representation.probes.predict import predict

Role = Literal["confounder", "mediator"]
_MANY = 10
"""More different values than this make a column of numbers a quantity, not names."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """How well a nuisance was read.

    Attributes
    ----------
    name
        The nuisance.
    role
        ``confounder``, or ``mediator`` where it may be the effect itself.
    metric
        r2 for quantities, auc for two names, balanced accuracy for more.
    items
        Scores of the rows.
    chance
        By formula: 0, 0.5, or one over the number of names.
    chance_pipeline
        What the training rows alone give in the same hold-outs.
    reason
        Why there is no score, or what it lacks.
    """

    name: str
    role: Role
    metric: str
    items: Items
    chance: float
    chance_pipeline: float
    reason: str = ""

    @property
    def score(self) -> float:
        """The score; NaN with a reason."""
        return self.items.score


def decodability(
    values: Array | Features,
    nuisance: Labels,
    folds: Folds,
    groups: Labels | None = None,
    *,
    name: str = "",
    role: Role = "confounder",
    preprocess: Preprocess | None = None,
    meta: pd.DataFrame | None = None,
    seed: int = 0,
    workers: int | None = 1,
) -> Decoded:
    """Predict a nuisance from features over hold-outs: a ridge probe for quantities, a linear one for names.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    nuisance
        Quantity or name of each row ``(n,)``. Numbers of which no more than 10 differ are names.
    folds
        Hold-outs. A plate cannot be read if whole plates are held out: the score is NaN and says so.
    groups
        Groups that tuning never splits; those of the hold-outs if None.
    name, role
        What it is called, and what it is to the question; carried into the result.
    preprocess, meta, seed, workers
        See :func:`micrographia.representation.probes.predict`.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.
    """
    if role not in ("confounder", "mediator"):
        raise ValueError(f"a nuisance is a confounder or a mediator, not {role!r}")
    names = coded(nuisance)
    shared: dict[str, Any] = {"preprocess": preprocess, "meta": meta, "seed": seed, "workers": workers}
    if is_quantity(nuisance):
        found = predict(values, nuisance, folds, groups, probe="ridge", task="regression", **shared)
        prior = by_name("r2", predict_prior(nuisance, folds, task="regression"))
        return _decoded(name, role, by_name("r2", found), 0.0, prior.score)
    metric = "auc" if names.n == 2 else "balanced accuracy"
    found = predict(values, nuisance, folds, groups, probe="linear", balanced=True, **shared)
    prior = by_name(metric, predict_prior(nuisance, folds))
    items = by_name(metric, found)
    left = len(np.unique(names.codes[np.isfinite(items.values) & (names.codes >= 0)]))
    chance = 0.5 if metric == "auc" else 1 / max(left, 1)
    return _decoded(name, role, items, chance, prior.score)


def _decoded(name: str, role: Role, items: Items, chance: float, pipeline: float) -> Decoded:
    reason = items.reason
    if not np.isfinite(items.score):
        chance = float("nan")
        reason = reason or "no row could be tested"
    return Decoded(name, role, items.metric, items, chance, pipeline, reason)


def is_quantity(values: Labels) -> bool:
    """Whether a column holds numbers of which more than 10 differ."""
    series = pd.Series(values if isinstance(values, np.ndarray | pd.Series) else list(values)).dropna()
    if pd.api.types.is_bool_dtype(series) or not len(series):
        return False
    if not pd.api.types.is_numeric_dtype(series) and not series.map(lambda one: isinstance(one, Real)).all():
        return False
    return int(series.nunique()) > _MANY


def well_position(wells: Labels) -> tuple[Array, Array]:
    """Return row and column of wells such as ``B07`` or ``AA3``, as numbers from 1; NaN where it is no well.

    Returns
    -------
    Rows and columns, float64 ``(n,)`` each.
    """
    names = coded(wells)
    place = np.full((names.n + 1, 2), np.nan)
    for number, well in enumerate(names.names):
        read = re.fullmatch(r"\s*([A-Za-z]{1,2})0*(\d{1,2})\s*", str(well))
        if read:
            row = 0
            for letter in read[1].upper():
                row = row * 26 + ord(letter) - ord("A") + 1
            place[number] = row, int(read[2])
    return place[names.codes, 0], place[names.codes, 1]
