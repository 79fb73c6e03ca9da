"""Choose a model's settings on training images: as many settings for every model, and one pass of a network."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia import work
from micrographia.errors import MicrographiaError
from micrographia.images import Image
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import BUDGET, Segmenter, Settings, Tunable
from micrographia.segmentation.models.running import segment

Row = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A training image with its truth.

    Parameters
    ----------
    image
        The image.
    truth
        Labels, integers ``(Y, X)`` or ``(Z, Y, X)``.
    region
        Where it was annotated, bool of the same shape; None for everywhere.
    ignore
        Ids of truth objects that are not judged.
    roles, pixel_size
        As for :func:`~micrographia.segmentation.models.running.segment`.
    name
        Its id.
    """

    image: Image
    truth: npt.NDArray[Any]
    region: npt.NDArray[np.bool_] | None = None
    ignore: Collection[int] = ()
    roles: Sequence[str | None] | None = None
    pixel_size: float | None = None
    name: str = ""


def tune(
    model: Segmenter,
    samples: Sequence[Sample],
    metric: str = "f1@0.5",
    *,
    budget: int = BUDGET,
    workers: int = 1,
) -> tuple[Any, list[Row]]:
    """Return a model with the best of its settings on training images, and all that was tried.

    The caller says which images are for training. Each setting is scored by the metric of all images together (sums
    are pooled). The best is chosen, of equals the one tried first; the present settings are tried first, so that they
    stay unless others are better. Images on which a model fails whatever the settings are left out and named; settings
    that fail on any other image are not chosen.

    Parameters
    ----------
    model
        The model. One without settings comes back as it is, with one row.
    samples
        Training images.
    metric
        A key of :data:`~micrographia.segmentation.scoring.METRICS`.
    budget
        How many settings are tried at most.
    workers
        Threads, over images. The result does not depend on it.

    Returns
    -------
    tuple
        The tuned model, and a row for each setting: ``settings``, ``score`` (None where there is none), ``n_images``,
        ``seconds``, ``reason`` (empty, or why images were left out or the setting cannot be used), ``chosen``.

    Raises
    ------
    SegmentationError
        If there are no samples or no such metric, or no setting can be used on any image.
    """
    from micrographia.segmentation.scoring import metric as named

    chosen = named(metric)
    if not samples:
        raise SegmentationError(model.info.name, "there are no images to tune it on", "Give training images")
    grid: list[Settings] = list(model.settings_grid(budget))[:budget] if isinstance(model, Tunable) else [{}]
    models: list[Any] = [model.with_settings(one) if isinstance(model, Tunable) else model for one in grid]
    tasks = [(sample, models, "boundary" in metric) for sample in samples]
    tried = [
        outcome.result()
        for outcome in work.run(_try, tasks, workers=workers, kind="threads", name=lambda task: task[0].name)
    ]
    rows = [_row(chosen, settings, number, samples, tried) for number, settings in enumerate(grid)]
    usable = [number for number, row in enumerate(rows) if row["score"] is not None]
    if not usable:
        raise SegmentationError(
            model.info.name, f"cannot be tuned: {rows[0]['reason']}", "Look at the first training image"
        )
    sign = 1.0 if chosen.higher_is_better else -1.0
    best = max(usable, key=lambda number: (sign * rows[number]["score"], -number))
    rows[best]["chosen"] = True
    return models[best], rows


@dataclass(frozen=True)
class _Tried:
    """What one setting gave on one image: the sums of its record, or why there are none."""

    sums: Mapping[str, float] | None
    reason: str
    seconds: float


def _try(task: tuple[Sample, list[Any], bool]) -> list[_Tried]:
    from micrographia.segmentation.scoring import score_pair

    sample, models, boundary = task
    found: list[_Tried] = []
    kept: dict[Any, Any] = {}
    for model in models:
        start = time.perf_counter()
        try:
            given = segment(
                model, sample.image, roles=sample.roles, pixel_size=sample.pixel_size, kept_maps=kept
            )
            record = score_pair(
                sample.truth,
                given.labels,
                region=sample.region,
                ignore=sample.ignore,
                boundary=boundary,
                objects=False,
            )
        except MicrographiaError as error:
            found.append(_Tried(None, str(error), time.perf_counter() - start))
            continue
        found.append(_Tried(record.sums, "", time.perf_counter() - start))
    return found


def _row(
    metric: Any, settings: Settings, number: int, samples: Sequence[Sample], tried: Sequence[list[_Tried]]
) -> Row:
    hopeless = [all(one.sums is None for one in results) for results in tried]
    lost = [
        f"{sample.name or 'an image'}: {results[number].reason}"
        for sample, results in zip(samples, tried, strict=True)
        if results[number].sums is None
    ]
    sums = [results[number].sums for results, left_out in zip(tried, hopeless, strict=True) if not left_out]
    held = [one for one in sums if one is not None]
    score: float | None = None
    reason = "; ".join(lost)
    if held and len(held) == len(sums):
        value = metric.value({name: math.fsum(one[name] for one in held) for name in held[0]})
        score = float(value) if math.isfinite(value) else None
        if score is None:
            reason = "; ".join([*lost, f"{metric.name} is not defined on these images"])
    return {
        "settings": dict(settings),
        "score": score,
        "n_images": len(held),
        "seconds": sum(results[number].seconds for results in tried),
        "reason": reason,
        "chosen": False,
    }
