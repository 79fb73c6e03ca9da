"""The transfer matrix: every model on every dataset, beside baselines, with what is known of contamination."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.representation.evaluation.result import provenance
from micrographia.segmentation.evaluation.assembling import assemble
from micrographia.segmentation.evaluation.cache import Cache, folder_for
from micrographia.segmentation.evaluation.cells import Settings
from micrographia.segmentation.evaluation.computing import fingerprints, predictions
from micrographia.segmentation.evaluation.contenders import BASELINES, Contender, baselines, models
from micrographia.segmentation.evaluation.human import ceilings
from micrographia.segmentation.evaluation.targets import Column, columns, unique_keys
from micrographia.segmentation.evaluation.wording import headline
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import BUDGET
from micrographia.segmentation.scoring.catalogue import METRICS


@dataclass(frozen=True)
class Options:
    """What to evaluate, and how; everything that a repetition needs.

    Parameters
    ----------
    models, datasets
        Models as :func:`~micrographia.segmentation.models.segmenter` takes them; dataset folders.
    by
        Group column by which datasets are divided into domains.
    group
        Column whose groups are independent.
    split
        Split that is evaluated; by default the test split where there is one.
    masks
        Annotation set.
    annotators
        Annotation sets in which different people annotated the same objects; by default those whose objects name who.
    baselines
        Names of the baselines.
    tune_on
        Datasets whose training images choose the settings of baselines; by default those that are evaluated.
    budget
        Settings tried for each baseline.
    primary, delta
        Metric that verdicts are made of, and the smallest difference that matters.
    boundary
        Whether boundaries are scored too.
    device, trust
        For models.
    seed
        Of drawing and resampling.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    by: str | None = None
    group: str | None = None
    split: str | None = None
    masks: str | None = None
    annotators: tuple[str, ...] = ()
    baselines: tuple[str, ...] = BASELINES
    tune_on: tuple[str, ...] = ()
    budget: int = BUDGET
    primary: str = "f1@0.5"
    delta: float = 0.02
    boundary: bool = True
    device: str = "auto"
    trust: tuple[str, ...] = ()
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Options:
        """Return what :meth:`to_json` wrote."""
        known: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in held.items()
        }
        return cls(**known)


@dataclass
class Evaluated:
    """A result with what its pictures are drawn from.

    Parameters
    ----------
    result
        The document.
    columns
        Key to column.
    cache
        Where predictions lie.
    keys
        Key of an entry in the cache, by model, dataset, image.
    computed, reused
        How many predictions were made now, and how many were there already.
    """

    result: dict[str, Any]
    columns: Mapping[str, Column]
    cache: Cache
    keys: Mapping[tuple[str, str, str], str]
    computed: int = 0
    reused: int = 0


def evaluate(
    options: Options,
    out: Path,
    *,
    cache: Path | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    command: Sequence[str] = (),
    quiet: bool = False,
) -> Evaluated:
    """Evaluate models on datasets.

    Parameters
    ----------
    options
        What, and how.
    out
        Folder of the result; only the cache is written to it here.
    cache
        Folder of what was computed before, by content.
    workers
        Number of processes; the result does not depend on it.
    executor
        Another executor, such as that of a cluster.
    command
        What was typed, for the provenance.
    quiet
        Whether progress is hidden.

    Raises
    ------
    MicrographiaError
        If a dataset, a model, or a metric is not there. What goes wrong with single images is in the result.
    """
    started = time.perf_counter()
    if options.primary not in METRICS:
        raise SegmentationError(
            "", f"there is no metric {options.primary!r}", f"Metrics: {', '.join(METRICS)}"
        )
    if not options.datasets:
        raise SegmentationError("", "no dataset is named", "Name at least one annotated dataset")
    held = unique_keys(
        [column for path in options.datasets for column in _columns(path, options, workers, quiet)]
    )
    sources = _sources(options, held, workers, quiet)
    facts = fingerprints(held, sources, workers, executor, quiet)
    given = models(options.models, device=options.device, trust=options.trust)
    kept = Cache(folder_for(out, cache))
    contenders = [*given, *_baselines(options, given, sources, facts, kept, workers, quiet)]
    if not contenders:
        raise SegmentationError("", "no model is named", "Name at least one model, or a baseline")
    done, keys, computed = predictions(contenders, held, kept, options.boundary, workers, executor, quiet)
    settings = Settings(options.primary, options.delta, options.seed)
    result = assemble(settings, contenders, held, facts, done)
    result["human"] = ceilings(
        held, contenders, kept, keys, settings, sets=options.annotators or None, quiet=quiet
    )
    result["headline"] = headline(result)
    result["provenance"] = provenance(options.seed, command, time.perf_counter() - started) | {
        "options": _placed(options).to_json(),
    }
    return Evaluated(
        result, {column.key: column for column in held}, kept, keys, computed, len(keys) - computed
    )


def _placed(options: Options) -> Options:
    """Return the options with full paths, so that they can be repeated from anywhere."""

    def full(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(Path(name).resolve()) if Path(name).exists() else name for name in names)

    return replace(
        options, models=full(options.models), datasets=full(options.datasets), tune_on=full(options.tune_on)
    )


def _columns(path: str, options: Options, workers: int | None, quiet: bool) -> list[Column]:
    return columns(
        Path(path),
        by=options.by,
        group=options.group,
        split=options.split,
        masks=options.masks or (options.annotators[0] if options.annotators else None),
        workers=workers,
        quiet=quiet,
    )


def _sources(options: Options, held: Sequence[Column], workers: int | None, quiet: bool) -> list[Column]:
    """Return the columns on whose training images baselines are tuned."""
    if not options.tune_on:
        return [column for column in held if column.training]
    found = unique_keys([one for path in options.tune_on for one in _columns(path, options, workers, quiet)])
    bare = [column.path for column in found if not column.training]
    if bare:
        raise SegmentationError(
            bare[0],
            "has no training images to tune on that are not evaluated too",
            "Give it a split by group: micrographia describe FOLDER --split",
        )
    return found


def _baselines(
    options: Options,
    given: Sequence[Contender],
    sources: Sequence[Column],
    facts: Mapping[tuple[str, str], Mapping[str, ImageFacts]],
    cache: Cache,
    workers: int | None,
    quiet: bool,
) -> list[Contender]:
    asked = {contender.model.spec for contender in given}
    return baselines(
        sources,
        {source.key: facts[source.key, "training"] for source in sources},
        wanted=[name for name in options.baselines if name not in asked],
        metric=options.primary,
        budget=options.budget,
        seed=options.seed,
        cache=cache,
        workers=workers,
        quiet=quiet,
    )
