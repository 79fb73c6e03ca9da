"""The human ceiling of a matrix: models held against all who annotated an image, where several people did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.dataset import open_dataset
from micrographia.segmentation.evaluation.cache import Cache
from micrographia.segmentation.evaluation.cells import Settings
from micrographia.segmentation.evaluation.contenders import Contender
from micrographia.segmentation.evaluation.prediction import pixel_size
from micrographia.segmentation.evaluation.targets import Column
from micrographia.segmentation.scoring.annotators import Annotators
from micrographia.segmentation.scoring.ceiling import human_ceiling, score_annotators
from micrographia.segmentation.scoring.records import PairRecord, score_pair
from micrographia.work import Progress


def ceilings(
    columns: Sequence[Column],
    contenders: Sequence[Contender],
    cache: Cache,
    keys: Mapping[tuple[str, str, str], str],
    settings: Settings,
    *,
    sets: tuple[str, ...] | None = None,
    quiet: bool = True,
) -> list[dict[str, Any]]:
    """Say of every model whether it agrees with annotators as they agree with each other.

    Parameters
    ----------
    columns, contenders
        Datasets and models.
    cache, keys
        Where predictions lie.
    settings
        How differences are judged.
    sets
        Annotation sets in which different people annotated the same objects; None for sets whose objects name who.
    quiet
        Whether progress is hidden.

    Returns
    -------
    list of dict
        One row a model and dataset; empty where no image was annotated twice.

    Raises
    ------
    MicrographiaError
        If a set does not exist, or masks cannot be read.
    """
    found = []
    for column in columns:
        who = Annotators(open_dataset(column.path), sets, like=column.items[0].set if column.items else "")
        images = [item for item in column.items if item.id in who.opinions]
        if not images:
            continue
        boundary = settings.primary.startswith("boundary")
        human = {}
        model: dict[str, dict[str, dict[str, PairRecord]]] = {one.key: {} for one in contenders}
        with Progress("annotators", len(images), quiet=quiet) as progress:
            for item in images:
                drawn, ignored = who.labels(item.id), who.ignored(item.id)
                size = pixel_size(item.files.image())
                human[item.id] = score_annotators(drawn, ignore=ignored, pixel_size=size, boundary=boundary)
                for contender in contenders:
                    key = keys.get((contender.key, column.key, item.id))
                    labels = cache.labels(key) if key else None
                    if labels is not None:
                        model[contender.key][item.id] = {
                            one: score_pair(
                                truth, labels, ignore=ignored[one], pixel_size=size,
                                boundary=boundary, objects=False,
                            )
                            for one, truth in drawn.items()
                        }  # fmt: skip
                progress.advance()
        for contender in contenders:
            if model[contender.key]:
                held = human_ceiling(
                    model[contender.key], human, settings.primary, column.groups,
                    delta=settings.delta, seed=settings.seed,
                )  # fmt: skip
                found.append(_row(contender.key, column.key, held))
    return found


def _row(model: str, dataset: str, held: Any) -> dict[str, Any]:
    return {
        "model": model,
        "dataset": dataset,
        "metric": held.metric,
        "human": held.human,
        "human_low": held.human_interval.low,
        "human_high": held.human_interval.high,
        "model_score": held.model,
        "model_low": held.model_interval.low,
        "model_high": held.model_interval.high,
        "difference": held.comparison.difference,
        "low": held.comparison.low,
        "high": held.comparison.high,
        "word": held.word.value,
        "n_images": held.n_images,
        "annotators": list(held.annotators),
        "reason": held.reason,
    }
