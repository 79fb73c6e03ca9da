"""Sweeps over what a model was given and where it was read: layers with nested selection, ablated inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from micrographia.protocols import Protocol
from micrographia.representation.encoders.ablations import retained
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.scored import Scored
from micrographia.representation.evaluation.tasks import score
from micrographia.representation.profiles import Profiles
from micrographia.statistics import Scores, interval

NESTED = "chosen among the other groups"
"""What the layer is called that was chosen without the group that it is scored on."""


def layers(
    held: Mapping[str, Mapping[str, Profiles]], rows: Rows, protocol: Protocol, *, workers: int | None = None
) -> list[dict[str, Any]]:
    """Return the score of every layer of every candidate, and that of choosing a layer honestly.

    The best layer of all is no headline: it was chosen on what it is scored on. So for every group of the unit the
    layer that is best on all other groups is taken, and its score on this group counts.

    Parameters
    ----------
    held
        Candidate to its layers, in the order of the network.
    """
    found: list[dict[str, Any]] = []
    for name, by_layer in held.items():
        scored = {layer: _score(one, rows, protocol, workers) for layer, one in by_layer.items()}
        for layer, one in scored.items():
            found.append(_row(name, layer, one.scores, protocol))
        if len(scored) > 1:
            found.append(
                _row(name, NESTED, nested(list(scored.values()), protocol), protocol)
                | {"nested_choice": True}
            )
    return found


def nested(scored: list[Scored], protocol: Protocol) -> Scores:
    """Return the items' scores under the layer that is best on all groups but their own.

    Of equally good layers the first counts.
    """
    first = scored[0].scores
    values = np.stack([one.scores.values for one in scored])
    weights = np.ones(first.n_items) if first.weights is None else first.weights
    groups = np.array([str(group) for group in first.factors[protocol.unit]], dtype=object)
    chosen = np.full(first.n_items, np.nan)
    for group in np.unique(groups):
        inside = groups == group
        kept = ~inside & np.isfinite(values).all(axis=0)
        if not kept.any():
            continue
        best = int(np.argmax((values[:, kept] * weights[kept]).sum(axis=1)))
        chosen[inside] = values[best, inside]
    return Scores(chosen, first.factors, first.weights, reason="needs at least two groups")


def ablations(
    held: Mapping[str, Mapping[str, Profiles]],
    whole: Mapping[str, Scored],
    rows: Rows,
    protocol: Protocol,
    *,
    workers: int | None = None,
) -> list[dict[str, Any]]:
    """Return what each candidate scores on ablated inputs, and which share of its score above chance is left.

    Parameters
    ----------
    held
        Candidate to its embeddings of ablated inputs.
    whole
        Candidate to what it scored on whole inputs.
    """
    found = []
    for name, by_ablation in held.items():
        before = whole[name]
        chance = before.chance_pipeline if np.isfinite(before.chance_pipeline) else before.chance
        for ablation, one in by_ablation.items():
            after = _score(one, rows, protocol, workers).scores.score
            left = retained(after, before.scores.score, chance)
            found.append(
                {
                    "candidate": name,
                    "ablation": ablation,
                    "score": after,
                    "retained": left.value,
                    "reason": left.reason,
                }
            )
    return found


def _score(profiles: Profiles, rows: Rows, protocol: Protocol, workers: int | None) -> Scored:
    made, _ = rows.prepare(profiles, protocol.transforms[protocol.primary_transform])
    return score(made.values, protocol.primary_task, rows, protocol, workers=workers)


def _row(name: str, layer: str, scores: Scores, protocol: Protocol) -> dict[str, Any]:
    spread = interval(scores, protocol.unit, protocol.crossed, level=protocol.level, seed=protocol.seed)
    return {
        "candidate": name,
        "layer": layer,
        "score": scores.score,
        "low": spread.low,
        "high": spread.high,
        "nested_choice": False,
        "reason": spread.reason,
    }
