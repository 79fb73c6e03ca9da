"""The rows of the transfer matrix: models as given, and baselines tuned on training images with the same budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.segmentation.evaluation.cache import Cache, entry_key
from micrographia.segmentation.evaluation.prediction import Model, identify, opened, pixel_size, read_truth
from micrographia.segmentation.evaluation.targets import Column, Item
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.work import Progress, cores

BASELINES = ("otsu", "local", "log", "one", "nothing")
TUNING_IMAGES = 24
"""Training images that settings are chosen on, spread over groups; more change the choice little and cost as much."""


@dataclass(frozen=True)
class Contender:
    """One row.

    Parameters
    ----------
    model
        How workers open it.
    info
        What the result says of it, JSON values.
    baseline
        Whether it is there to be beaten.
    tuned_on
        Key of the column whose training images chose its settings; empty if none did.
    tuning_score
        What the chosen settings scored there; NaN without tuning.
    fingerprints
        What its training images are recognised by; None if it does not say.
    untrained
        Whether it learned nothing from images.
    """

    model: Model
    info: Mapping[str, Any]
    baseline: bool
    tuned_on: str = ""
    tuning_score: float = float("nan")
    fingerprints: Mapping[str, ImageFacts] | None = None
    untrained: bool = False
    tried: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """What tables call it."""
        return self.model.key

    def describe(self) -> dict[str, Any]:
        """Return what a result says of it, as JSON values."""
        return {
            "key": self.key,
            "spec": self.model.spec,
            **self.info,
            "sha256": self.model.sha256,
            "baseline": self.baseline,
            "tuned_on": self.tuned_on or None,
            "tuning_score": self.tuning_score,
            "tried": [dict(row) for row in self.tried],
        }


def models(specs: Sequence[str], *, device: str, trust: Collection[str]) -> list[Contender]:
    """Return the models that were asked for.

    Raises
    ------
    SegmentationError
        If one cannot be opened.
    """
    taken: dict[str, int] = {}
    found = []
    for spec in specs:
        given = Model("", spec, None, "", device, tuple(sorted(trust)))
        info = opened(given).info
        number = taken[info.name] = taken.get(info.name, 0) + 1
        key = info.name if number == 1 else f"{info.name} ({number})"
        model = Model(key, spec, None, info.sha256, device, given.trust)
        found.append(
            Contender(
                model,
                _told(info),
                info.baseline,
                fingerprints=_fingerprints(info.trained_on),
                untrained=info.baseline,
            )
        )
    return found


def baselines(
    sources: Sequence[Column],
    facts: Mapping[str, Mapping[str, ImageFacts]],
    *,
    wanted: Sequence[str] = BASELINES,
    metric: str,
    budget: int,
    seed: int,
    cache: Cache,
    workers: int | None = None,
    quiet: bool = True,
) -> list[Contender]:
    """Return the baselines, each tuned on the training images of every source.

    Parameters
    ----------
    sources
        Columns with training images; without any, baselines have their own settings.
    facts
        Key of a source to its training images' fingerprints.
    wanted
        Names of baselines.
    metric
        What settings are chosen by.
    budget
        Settings that are tried for each.
    seed
        Which images are used if there are more than :data:`TUNING_IMAGES`.
    cache
        Where what was chosen before is found again.
    workers
        Threads; None for one a processor. The result does not depend on it.
    quiet
        Whether progress is hidden.
    """
    from micrographia.segmentation.models.protocol import Tunable

    plain = [(name, opened(Model("", name, None, ""))) for name in wanted]
    fixed = [
        name for name, model in plain if not isinstance(model, Tunable) or len(model.settings_grid()) < 2
    ]
    found: list[Contender] = []
    for name, model in plain:
        if name in fixed or not sources:
            key = model.info.name if name in fixed else f"{model.info.name}, untuned"
            found.append(
                Contender(
                    Model(key, name, None, model.info.sha256),
                    _told(model.info),
                    baseline=True,
                    untrained=True,
                )
            )
    work = [(source, name) for source in sources for name, _ in plain if name not in fixed]
    with Progress("tuning baselines", len(work), quiet=quiet) as progress:
        for source in sources:
            items = spread(source, TUNING_IMAGES, seed)
            contents = [identify(item) for item in items]
            for name, model in plain:
                if name in fixed:
                    continue
                key = entry_key(
                    tuning=name, model=model.info.sha256, items=contents, metric=metric, budget=budget
                )
                entry = cache.get(key)
                if entry is None:
                    entry = _choose(model, source, samples_of(items), metric, budget, workers)
                    cache.put(key, entry)
                found.append(_tuned(name, model, source, entry, len(items), facts[source.key]))
                progress.advance()
    return found


def samples_of(chosen: Sequence[Item]) -> list[Any]:
    """Return images with their truth, as they are tuned on."""
    from micrographia.segmentation.models.tuning import Sample

    found = []
    for item in chosen:
        truth, region, _ = read_truth(item)
        image = item.files.image()
        found.append(
            Sample(
                image=image,
                truth=truth,
                region=region,
                ignore=item.ignored,
                roles=item.roles,
                pixel_size=pixel_size(image),
                name=item.id,
            )
        )
    return found


def spread(source: Column, count: int, seed: int) -> list[Item]:
    """Return some of the training images, one of each group in turn, in a random order that the seed decides."""
    rng = np.random.default_rng(seed)
    order = [source.training[i] for i in rng.permutation(len(source.training))]
    by_group: dict[str, list[Item]] = {}
    for item in order:
        by_group.setdefault((source.groups or {}).get(item.id, item.id), []).append(item)
    chosen: list[Item] = []
    while len(chosen) < min(count, len(order)):
        for held in by_group.values():
            if held and len(chosen) < count:
                chosen.append(held.pop())
    return chosen


def rivals(contender: Contender, everyone: Sequence[Contender]) -> list[Contender]:
    """Return the baselines that a model is held against: those tuned on images that it was trained on, else all.

    Images are told by their fingerprints, or, where the model has none, by the content hashes of its datasets. Rules
    without settings are always among them.
    """
    rest = [other for other in everyone if other.baseline and other.key != contender.key]
    matched = [other for other in rest if other.tuned_on and _learned_alike(contender, other)]
    return [other for other in rest if not matched or other in matched or not other.tuned_on]


def _learned_alike(first: Contender, second: Contender) -> bool:
    if first.fingerprints and second.fingerprints:
        digests = {facts.digest for facts in first.fingerprints.values()}
        return any(facts.digest in digests for facts in second.fingerprints.values())
    return bool(_hashes(first) & _hashes(second))


def _hashes(contender: Contender) -> set[str]:
    return {str(entry.get("content_sha256") or "") for entry in contender.info.get("trained_on", ())} - {""}


def _choose(
    model: Any, source: Column, samples: Sequence[Any], metric: str, budget: int, workers: int | None
) -> dict[str, Any]:
    """Return the settings that score best on training images, and all that were tried, as JSON values."""
    from micrographia.segmentation.models.tuning import tune

    chosen, table = tune(model, samples, metric=metric, budget=budget, workers=workers or cores())
    scored = [row for row in table if row["chosen"]]
    if not scored:
        raise SegmentationError(
            source.path,
            f"no setting of {model.info.name} could be scored on its training images",
            "See that these images hold annotated objects",
        )
    return {"settings": dict(chosen.info.settings), "score": float(scored[0]["score"]), "tried": table}


def _tuned(
    name: str,
    model: Any,
    source: Column,
    entry: Mapping[str, Any],
    images: int,
    facts: Mapping[str, ImageFacts],
) -> Contender:
    chosen = model.with_settings(entry["settings"])
    trained = {
        "title": source.title,
        "accession": source.accession,
        "version": source.version,
        "content_sha256": source.content_sha256,
        "files_sha256": source.files_sha256,
        "licence": source.licence,
        "n_images": images,
    }
    info = {**_told(chosen.info), "trained_on": [trained]}
    settings = tuple(sorted(entry["settings"].items()))
    return Contender(
        Model(f"{model.info.name}, tuned on {source.key}", name, settings, chosen.info.sha256),
        info,
        baseline=True,
        tuned_on=source.key,
        tuning_score=float(entry["score"]),
        fingerprints=facts,
        tried=tuple(entry["tried"]),
    )


def _told(info: Any) -> dict[str, Any]:
    told: dict[str, Any] = info.to_json()
    for name in ("baseline", "sha256"):
        told.pop(name, None)
    for entry in told.get("trained_on", ()):
        entry.pop("fingerprints", None)
    return told


def _fingerprints(trained_on: Sequence[Mapping[str, Any]]) -> dict[str, ImageFacts] | None:
    """Return the fingerprints of all training images; None unless every dataset on the card has them."""
    from micrographia.segmentation.training.fingerprints import read_fingerprints

    if not trained_on or not all(entry.get("fingerprints") for entry in trained_on):
        return None
    found: dict[str, ImageFacts] = {}
    for number, entry in enumerate(trained_on):
        for image, facts in read_fingerprints(Path(entry["fingerprints"])).items():
            found[f"{number}:{image}"] = facts
    return found
