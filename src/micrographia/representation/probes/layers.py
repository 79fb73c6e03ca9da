"""The same probe at every layer; the layer that counts is chosen inside the training groups of each hold-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from micrographia.representation.probes.features import Features
from micrographia.representation.probes.folds import Folds, Labels, joined
from micrographia.representation.probes.labels import Array
from micrographia.representation.probes.predict import predict
from micrographia.representation.probes.predictions import Predictions


@dataclass(frozen=True, eq=False)
class LayerSweep:
    """Predictions from every layer, and from the one that the training groups chose.

    Attributes
    ----------
    layers
        Name of a layer to its predictions. The best of them has seen the test rows: never a headline.
    nested
        Predictions of the layer chosen in each hold-out: this score is honest.
    choices
        The layer chosen in each hold-out; empty text where tuning was not possible.
    """

    layers: Mapping[str, Predictions]
    nested: Predictions
    choices: tuple[str, ...]

    @property
    def chosen(self) -> str:
        """The layer that most hold-outs chose, the earliest of equals; empty if none could."""
        often = {name: self.choices.count(name) for name in self.layers}
        best = max(often, key=lambda name: often[name])
        return best if often[best] else ""


def layer_sweep(
    layers: Mapping[str, Array | Features],
    target: Labels,
    folds: Folds,
    groups: Labels | None = None,
    **options: Any,
) -> LayerSweep:
    """Probe every layer over the same hold-outs.

    Parameters
    ----------
    layers
        Name of a layer to its features ``(n, d)``, from the first to the last.
    target, folds, groups
        See :func:`predict`.
    options
        Further arguments of :func:`predict`, the same for all layers.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.
    ValueError
        If there is no layer.
    """
    found = {name: predict(values, target, folds, groups, **options) for name, values in layers.items()}
    nested, choices = choose(found)
    return LayerSweep(found, nested, choices)


def choose(candidates: Mapping[str, Predictions]) -> tuple[Predictions, tuple[str, ...]]:
    """Take in each hold-out the candidate that did best within its training groups; the first of equals.

    For layers, and likewise for kinds of preprocessing or probes. Where nothing could be tuned, nothing is predicted.

    Parameters
    ----------
    candidates
        Predictions of the same rows over the same hold-outs.

    Returns
    -------
    The predictions, and the name chosen in each hold-out.

    Raises
    ------
    ValueError
        If there is none, or they are not of the same rows and hold-outs.
    """
    if not candidates:
        raise ValueError("there is nothing to choose from")
    names = list(candidates)
    first = candidates[names[0]]
    for name, other in candidates.items():
        if not (np.array_equal(first.rows, other.rows) and np.array_equal(first.holdouts, other.holdouts)):
            raise ValueError(f"{name!r} and {names[0]!r} are not of the same rows and hold-outs")
    inner = np.array([candidates[name].inner for name in names]).reshape(len(names), -1)
    blind = np.isnan(inner).all(axis=0)
    place = np.where(np.isnan(inner), -np.inf, inner).argmax(axis=0)
    line = place[first.holdouts]
    lost = blind[first.holdouts]

    def taken(attribute: str, empty: float) -> Array:
        values = np.stack([getattr(candidates[name], attribute) for name in names])
        found: Array = values[line, np.arange(values.shape[1])]
        found[lost] = empty
        return found

    chosen = [candidates[names[at]].chosen[number] for number, at in enumerate(place.tolist())]
    reason = first.reason
    if blind.any():
        reason = joined(reason, f"nothing to choose by in {int(blind.sum())} of {len(blind)} hold-outs")
    nested = replace(
        first,
        predicted=taken("predicted", -1 if first.task == "classification" else np.nan),
        scores=taken("scores", np.nan),
        chosen=tuple(chosen),
        inner=np.where(blind, np.nan, inner.max(axis=0, initial=-np.inf, where=~np.isnan(inner))),
        reason=reason,
        notes=tuple(dict.fromkeys(note for held in candidates.values() for note in held.notes)),
    )
    return nested, tuple(
        "" if lost else names[at] for at, lost in zip(place.tolist(), blind.tolist(), strict=True)
    )
