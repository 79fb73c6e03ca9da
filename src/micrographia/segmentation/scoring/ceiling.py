"""The human ceiling: how well annotators agree with each other, and whether a model agrees with them as well."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.scoring.catalogue import metric as named
from micrographia.segmentation.scoring.metrics import Metric
from micrographia.segmentation.scoring.pooling import UNIT, Weighting, compare_models, scores
from micrographia.segmentation.scoring.records import PairRecord, score_pair
from micrographia.statistics import Comparison, Interval, Scores, Verdict, interval

Array = npt.NDArray[Any]
Pair = tuple[str, str]


class Agreement(StrEnum):
    """How a model agrees with annotators, measured by how they agree with each other."""

    ABOVE = "above human agreement"
    WITHIN = "within human agreement"
    BELOW = "below human agreement"
    UNDECIDED = "undecided"
    TOO_FEW = "too few groups"
    UNDEFINED = "undefined"


@dataclass(frozen=True)
class HumanCeiling:
    """How annotators agree with each other, and a model with them.

    Attributes
    ----------
    metric
        Name of the metric.
    human, model
        Score of annotators held against each other, and of the model held against them; NaN if there is none.
    human_interval, model_interval
        Their intervals over groups.
    comparison
        The model minus the annotators.
    word
        What that says.
    n_images
        Images with two annotators or more and a prediction.
    annotators
        Who they are.
    reason
        What limits it.
    """

    metric: str
    human: float
    human_interval: Interval
    model: float
    model_interval: Interval
    comparison: Comparison
    word: Agreement
    n_images: int
    annotators: tuple[str, ...]
    reason: str = ""


def score_annotators(
    annotations: Mapping[str, npt.ArrayLike],
    *,
    region: npt.ArrayLike | None = None,
    ignore: Mapping[str, Collection[int]] | None = None,
    pixel_size: float | Sequence[float] | None = None,
    boundary: bool = True,
    tolerance: float = 2.0,
) -> dict[Pair, PairRecord]:
    """Hold the annotators of one image against each other, each once as the truth of each other.

    Parameters
    ----------
    annotations
        Annotator to label image, all of one shape.
    region, pixel_size, boundary, tolerance
        As in :func:`~micrographia.segmentation.scoring.score_pair`; ``region`` is what all of them annotated.
    ignore
        Annotator to ids of their objects that are not judged where they are the truth.

    Returns
    -------
    (truth, prediction) to record, without single objects; empty for one annotator.

    Raises
    ------
    SegmentationError
        If the images do not fit each other.
    """
    return {
        (truth, other): score_pair(
            annotations[truth],
            annotations[other],
            region=region,
            ignore=(ignore or {}).get(truth, ()),
            pixel_size=pixel_size,
            boundary=boundary,
            tolerance=tolerance,
            objects=False,
        )
        for truth, other in permutations(sorted(annotations), 2)
    }


def human_agreement(
    human: Mapping[str, Mapping[Pair, PairRecord]],
    metric: str | Metric,
    groups: Mapping[str, Hashable] | None = None,
    weighting: Weighting = "pooled",
) -> Scores:
    """Return how annotators agree with each other, image by image.

    Every annotator is held against every other, once as truth and once as prediction, so that nobody is the standard.
    The sums of all these pairs are averaged within an image: an image counts once, whatever the number of its
    annotators. With image weighting it is the metric that is averaged.

    Parameters
    ----------
    human
        Image to what :func:`score_annotators` gave.
    metric, groups, weighting
        As in :func:`~micrographia.segmentation.scoring.scores`.

    Raises
    ------
    SegmentationError
        If a pair of annotators was held against each other one way only.
    """
    for image, pairs in human.items():
        lone = sorted(pair for pair in pairs if pair[::-1] not in pairs)
        if lone:
            raise SegmentationError(
                image,
                f"annotator {lone[0][1]} was held against {lone[0][0]}, but not the other way",
                "Do both",
            )
    return _averaged(
        {image: list(pairs.values()) for image, pairs in human.items()}, metric, groups, weighting
    )


def human_ceiling(
    model: Mapping[str, Mapping[str, PairRecord]],
    human: Mapping[str, Mapping[Pair, PairRecord]],
    metric: str | Metric = "f1@0.5",
    groups: Mapping[str, Hashable] | None = None,
    *,
    delta: float = 0.02,
    weighting: Weighting = "pooled",
    level: float = 0.95,
    seed: int = 0,
) -> HumanCeiling:
    """Say whether a model agrees with annotators as they agree with each other.

    On an image with annotators a, b, ... the humans score the mean over all ordered pairs ``s(truth a, prediction b)``,
    the model the mean over annotators ``s(truth a, model)``. Both are the mean over annotators left out: who is left
    out, and the model, are held against the k - 1 others, so that the references are the same and equally many on both
    sides. No consensus is formed, whose quality would depend on how many formed it. The difference is judged by
    :func:`micrographia.statistics.compare` with groups as units: *above* or *below* if the model's agreement is shown
    to be better or worse, *within* if the difference is shown to be smaller than ``delta``, else *undecided*.

    Above human agreement is not above humans: who draws what annotators have in common agrees with each of them better
    than they do with each other.

    Parameters
    ----------
    model
        Image to annotator to the record of the model with this annotator as truth.
    human
        Image to what :func:`score_annotators` gave. Only images that are in both and have the same annotators count.
    metric, groups, weighting
        As in :func:`~micrographia.segmentation.scoring.scores`.
    delta
        The smallest difference that matters.
    level, seed
        Of the intervals.

    Raises
    ------
    SegmentationError
        If a pair of annotators was held against each other one way only, or there is no such metric.
    """
    chosen = named(metric)
    images = [image for image in sorted(human) if image in model and _matched(model[image], human[image])]
    people = human_agreement({image: human[image] for image in images}, chosen, groups, weighting)
    against = {image: [model[image][one] for one in sorted(_annotators(human[image]))] for image in images}
    machine = _averaged(against, chosen, groups, weighting)
    found = compare_models(machine, people, delta=delta, level=level, seed=seed)
    who = tuple(sorted({one for image in images for one in _annotators(human[image])}))
    said = [found.reason]
    left_out = len(set(human) | set(model)) - len(images)
    if left_out:
        said.append(
            f"{left_out} images without two annotators whom the model was held against as well are left out"
        )
    if who:
        said.append(f"a claim about these {len(who)} annotators")
    return HumanCeiling(
        metric=chosen.name,
        human=people.score,
        human_interval=interval(people, UNIT, level=level, seed=seed),
        model=machine.score,
        model_interval=interval(machine, UNIT, level=level, seed=seed),
        comparison=found,
        word=_word(found.verdict, chosen.higher_is_better),
        n_images=len(images),
        annotators=who,
        reason="; ".join(one for one in said if one),
    )


def _annotators(pairs: Collection[Pair]) -> set[str]:
    return {one for pair in pairs for one in pair}


def _matched(model: Mapping[str, PairRecord], human: Mapping[Pair, PairRecord]) -> bool:
    """Whether all annotators were held against each other, and the model against all of them."""
    who = _annotators(human)
    whole = len(human) == len(who) * (len(who) - 1)
    usable = all(record.sums for record in (*human.values(), *(model[one] for one in who if one in model)))
    return len(who) > 1 and whole and who <= set(model) and usable


def _averaged(
    held: Mapping[str, Sequence[PairRecord]],
    metric: str | Metric,
    groups: Mapping[str, Hashable] | None,
    weighting: Weighting,
) -> Scores:
    """Return the scores of images with several records each."""
    chosen = named(metric)
    if weighting == "pooled":
        return scores({image: _mean(records) for image, records in held.items()}, chosen, groups, weighting)
    images = sorted(held)
    values = np.array([chosen.values([one.sums for one in held[image]]).mean() for image in images])
    factors = {} if groups is None else {UNIT: [groups.get(image) for image in images]}
    return Scores(values, factors, np.isfinite(values).astype(np.float64), images, bounds=chosen.bounds)


def _mean(records: Sequence[PairRecord]) -> PairRecord:
    """Return a record whose sums are the means of those of several."""
    names = set.intersection(*(set(one.sums) for one in records))
    failed = next((one.reason for one in records if one.reason), "")
    return PairRecord(
        {name: float(np.mean([one.sums[name] for one in records])) for name in sorted(names)}, reason=failed
    )


def _word(verdict: Verdict, higher_is_better: bool) -> Agreement:
    better, worse = (Verdict.BEATS, Verdict.LOSES) if higher_is_better else (Verdict.LOSES, Verdict.BEATS)
    return {
        better: Agreement.ABOVE,
        worse: Agreement.BELOW,
        Verdict.EQUIVALENT: Agreement.WITHIN,
        Verdict.UNDECIDED: Agreement.UNDECIDED,
        Verdict.TOO_FEW: Agreement.TOO_FEW,
        Verdict.UNDEFINED: Agreement.UNDEFINED,
    }[verdict]
