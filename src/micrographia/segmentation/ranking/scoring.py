"""From agreements to one number a model and image: consistency beyond what is reached without looking at the image."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrographia.segmentation.ranking.measuring import Measured

NOTHING = 0.9
"""A model that finds nothing in at least this share of the images is worthless on them."""
EVERYTHING = 0.95
"""One object that covers at least this share of the image is everything."""
UNSEEN = 0.5
"""A model that reaches this share of its consistency on controls does not look at the image."""
FAILED = 0.5
"""A model that fails on more than this share of the images is not ranked."""


@dataclass(frozen=True, slots=True)
class ImageScore:
    """How consistent a model is on one image.

    Attributes
    ----------
    consistency
        Mean agreement of the plain with the perturbed predictions, first over the strengths of a kind, then over
        kinds; where neither holds an object they agree (1).
    control
        The highest agreement of the plain prediction with that on a control; as above where neither holds an object.
    score
        ``max(0, (consistency - control) / (1 - control))``: agreement beyond chance, as Cohen's kappa (1960) has it.
        0 for a model that finds nothing, everything, or always the same.
    """

    consistency: float
    control: float

    @property
    def score(self) -> float:
        """Consistency beyond control."""
        if self.control >= 1:
            return 0.0
        return max(0.0, (self.consistency - self.control) / (1 - self.control))


def image_score(record: Measured, measure: str, source: str) -> ImageScore:
    """Return how consistent a model is on one image.

    Parameters
    ----------
    record
        What was measured.
    measure
        One of :data:`~micrographia.segmentation.ranking.agreement.MEASURES`.
    source
        ``input`` for perturbed images, ``dropout`` for dropped features.

    Returns
    -------
    NaN where the model failed, or was asked nothing of the kind.
    """
    kinds = by_kind(record, measure, source, empty=1.0)
    controls = [_value(values, measure, 1.0) for values in record.controls.values()]
    consistency = float(np.mean(list(kinds.values()))) if kinds else math.nan
    return ImageScore(consistency, max(controls, default=0.0))


def by_kind(record: Measured, measure: str, source: str, *, empty: float = math.nan) -> dict[str, float]:
    """Return the mean agreement under each kind of perturbation; ``empty`` stands for agreement on nothing."""
    held = record.perturbed if source == "input" else record.dropped
    kinds: dict[str, list[float]] = {}
    for name, values in held.items():
        kinds.setdefault(name.split(" ")[0], []).append(_value(values, measure, empty))
    return {kind: mean(values) for kind, values in kinds.items()}


def mean(values: Sequence[float]) -> float:
    """Return the mean of the values that are numbers; NaN if none is."""
    held = [value for value in values if not math.isnan(value)]
    return float(np.mean(held)) if held else math.nan


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether a model can be ranked: ``status`` is ``ranked``, ``worthless``, ``failed`` or ``not asked``."""

    status: str
    reason: str = ""
    notes: tuple[str, ...] = ()


def judge(records: Sequence[Measured], source: str) -> Judged:
    """Say whether the consistency of a model is worth anything.

    Parameters
    ----------
    records
        One an image.
    source
        As for :func:`image_score`.
    """
    good = [record for record in records if not record.reason]
    n, failed = len(records), len(records) - len(good)
    if failed > FAILED * n or not good:
        first = next((record.reason for record in records if record.reason), "there are no images")
        return Judged("failed", f"failed on {failed} of {n} images: {first}")
    notes = [f"failed on {failed} of {n} images, which are left out for every model"] if failed else []
    if source == "dropout" and not any(record.dropped for record in good):
        said = next((record.dropout_reason for record in good if record.dropout_reason), "")
        return Judged("not asked", f"no feature dropout: {said or 'it was not asked for'}", tuple(notes))
    empty = sum(record.content.objects == 0 for record in good)
    if empty >= NOTHING * len(good):
        return Judged(
            "worthless", f"finds nothing in {empty} of {len(good)} images: agreeing on nothing proves nothing"
        )
    whole = sum(record.content.largest >= EVERYTHING for record in good)
    if whole >= NOTHING * len(good):
        return Judged(
            "worthless",
            f"calls everything one object in {whole} of {len(good)} images (it covers {EVERYTHING:.0%} or more)",
        )
    found = _unseen(good, source)
    if found:
        return Judged("worthless", found)
    if empty:
        notes.append(f"finds nothing in {empty} of {len(good)} images, which count 0 for it")
    return Judged("ranked", "", tuple(notes))


def _unseen(records: Sequence[Measured], source: str) -> str:
    """Say that predictions do not depend on the image, if they do not: by matched F1, which chance hardly reaches."""
    scores = [image_score(record, "f1", source) for record in records]
    consistency = mean([score.consistency for score in scores])
    control = mean([score.control for score in scores])
    if not control >= UNSEEN * consistency or not control > 0:
        return ""
    held: dict[str, list[float]] = {}
    for record in records:
        for name, values in record.controls.items():
            held.setdefault(name, []).append(_value(values, "f1", 1.0))
    means = {name: mean(values) for name, values in held.items()}
    worst = max(means, key=lambda name: means[name])
    return (
        f"predicts much the same whatever it is shown: matched F1 of {control:.2f} on controls (most on {worst}), "
        f"{consistency:.2f} on perturbed images"
    )


def silent_images(records: Mapping[str, Sequence[Measured]]) -> list[int]:
    """Return the images in which at least half of the models find nothing: they decide nothing.

    Parameters
    ----------
    records
        Ranked models, each with one record an image in the same order.
    """
    listed = list(records.values())
    n = len(listed[0]) if listed else 0
    return [
        place
        for place in range(n)
        if 2 * sum(held[place].content.objects == 0 for held in listed if not held[place].reason)
        >= len(listed)
    ]


def common_images(records: Mapping[str, Sequence[Measured]], without: Collection[int] = ()) -> list[int]:
    """Return the images that no model failed on, except those left out."""
    listed = list(records.values())
    n = len(listed[0]) if listed else 0
    return [
        place for place in range(n) if place not in without and not any(held[place].reason for held in listed)
    ]


def _value(values: Mapping[str, Any], measure: str, empty: float) -> float:
    found = values.get(measure)
    return empty if found is None or math.isnan(found) else float(found)
