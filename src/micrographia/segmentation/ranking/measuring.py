"""One image by one model: predicted plain, perturbed, with features dropped and on controls; and how these agree."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import MicrographiaError
from micrographia.segmentation.evaluation.cache import Cache, entry_key, packed
from micrographia.segmentation.evaluation.prediction import read_truth
from micrographia.segmentation.evaluation.targets import Item
from micrographia.segmentation.metrics.contingency import contingency, match
from micrographia.segmentation.metrics.detection import THRESHOLDS
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.ranking.agreement import agreement
from micrographia.segmentation.ranking.controls import (
    BLANK,
    OTHER,
    SHUFFLED,
    Content,
    blank,
    content_of,
    shuffled,
)
from micrographia.segmentation.ranking.dropout import dropout_reason, with_dropout
from micrographia.segmentation.ranking.frames import Frame, alike, overlapping, predicted, read_frame
from micrographia.segmentation.ranking.perturbations import DEFAULT, Perturbation

ALIKE = 0.3
"""Images that correlate more, such as frames of one film, are no controls of each other."""

Labels = npt.NDArray[np.int32]
Values = Mapping[str, float]

FORMAT = 1
"""Changes when what is kept of an image changes; older entries are then measured again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with every image.

    Parameters
    ----------
    perturbations
        What it is perturbed by.
    dropout
        Shares of the feature maps that are dropped; empty for none.
    draws
        How often for each share.
    crop, depth
        Of larger images the middle is used: so many pixels along Y and X, so many planes.
    seed
        Of noise, shuffling and dropout.
    tile
        As for :func:`~micrographia.segmentation.models.running.segment`.
    """

    perturbations: tuple[Perturbation, ...] = DEFAULT
    dropout: tuple[float, ...] = ()
    draws: int = 2
    crop: int = 1024
    depth: int = 64
    seed: int = 0
    tile: int | None = None


@dataclass(frozen=True)
class Contender:
    """A model that is ranked.

    Parameters
    ----------
    key
        What tables call it.
    spec
        As :func:`~micrographia.segmentation.models.registry.segmenter` takes it; empty if ``held`` is given.
    sha256
        Of everything that determines its predictions.
    device, trust
        As for ``segmenter``.
    held
        The segmenter itself, where it cannot be opened by a name.
    """

    key: str
    spec: str
    sha256: str
    device: str = "auto"
    trust: tuple[str, ...] = ()
    held: Any = None


@dataclass(frozen=True)
class Task:
    """One model and one image; ``other`` is another image, for a control."""

    contender: Contender
    item: Item
    other: Item | None
    plan: Plan
    cache: Path


@dataclass(frozen=True)
class Measured:
    """What became of a task.

    Attributes
    ----------
    image
        Its id.
    reason
        Why nothing could be measured; empty if it could.
    content
        What the plain prediction looks like.
    perturbed, dropped, controls
        Name of a variation to the agreement of its prediction with the plain one, by measure; NaN where neither holds
        an object.
    notes
        What is to be said, such as a control that the model refused.
    dropout_reason
        Why no features were dropped, where that was asked for.
    truth
        Where there are labels: matched F1 with them (``f1``, ``mean_f1``) and the counts (``tp``, ``fp``, ``fn``).
    seconds
        What all predictions took, when they were made.
    sha256
        Of the pixels that were used.
    key
        Under which the plain prediction is kept.
    """

    image: str
    reason: str = ""
    content: Content = field(default_factory=lambda: Content(0, 0.0, 0.0))
    perturbed: Mapping[str, Values] = field(default_factory=dict)
    dropped: Mapping[str, Values] = field(default_factory=dict)
    controls: Mapping[str, Values] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dropout_reason: str = ""
    truth: Values | None = None
    seconds: float = math.nan
    sha256: str = ""
    key: str = ""


def measure(task: Task) -> Measured:
    """Measure one image; what goes wrong with it is its reason, so that the other images are kept."""
    try:
        return _measured(task)
    except MicrographiaError as error:
        return Measured(task.item.id, str(error))
    # A model is code of other people: whatever it raises is the reason for this image and no other.
    except Exception as error:  # noqa: BLE001
        return Measured(task.item.id, f"{type(error).__name__}: {error}")


def opened(contender: Contender) -> Any:
    """Return the segmenter of a contender; each process opens it once."""
    if contender.held is not None:
        return contender.held
    return _opened(contender.spec, contender.device, contender.trust)


@lru_cache(maxsize=4)
def _opened(spec: str, device: str, trust: tuple[str, ...]) -> Any:
    from micrographia.segmentation.models.registry import segmenter

    return segmenter(spec, device=device, trust=trust)


def _measured(task: Task) -> Measured:
    plan = task.plan
    frame = read_frame(task.item, plan.crop, plan.depth)
    held = _Held(task, frame)
    plain = held.plain()
    notes: list[str] = list(frame.notes)
    perturbed = {
        one.name: held.agreement(
            one.name, lambda one=one: one.apply(frame.pixels, seed=plan.seed, key=frame.sha256)
        )
        for one in plan.perturbations
    }
    dropped, why = {}, ""
    if plan.dropout:
        why = dropout_reason(opened(task.contender))
        dropped = {} if why else {name: held.dropout(name, p, seed) for name, p, seed in _draws(plan)}
    controls: dict[str, Values] = {}
    for name, make in (
        (BLANK, lambda: blank(frame.pixels)),
        (SHUFFLED, lambda: shuffled(frame.pixels, seed=plan.seed, key=frame.sha256)),
    ):
        found = held.control(name, make)
        if isinstance(found, str):
            notes.append(f"no control `{name}`: {found}")
        else:
            controls[name] = found
    if task.other is not None:
        try:
            controls[OTHER] = _other(task, frame, plain)
        except MicrographiaError as error:
            notes.append(f"no control `{OTHER}`: {error}")
    held.keep()
    return Measured(
        task.item.id,
        "",
        content_of(plain),
        perturbed,
        dropped,
        controls,
        tuple(notes),
        why,
        _truth(task.item, frame, plain),
        held.seconds,
        frame.sha256,
        held.key,
    )


class _Held:
    """What is kept of one image and model: the plain prediction, and agreements by the name of the variation."""

    def __init__(self, task: Task, frame: Frame) -> None:
        self._task, self._frame = task, frame
        self._cache = Cache(task.cache)
        self.key = _key(task, task.item, frame)
        self._entry = self._cache.get(self.key) or {"agreement": {}, "refused": {}, "seconds": 0.0}
        self._plain: Labels | None = self._cache.labels(self.key)
        self._probability: Any = None
        self._changed = self._plain is None
        self._model = None

    @property
    def seconds(self) -> float:
        """Seconds that all predictions took, when they were made."""
        return float(self._entry["seconds"])

    def plain(self) -> Labels:
        """Return the prediction on the image as it is."""
        if self._plain is None:
            self._plain = self._predict(self._frame.pixels)[0]
        return self._plain

    def agreement(self, name: str, make: Any, model: Any = None) -> Values:
        """Return how the prediction on ``make()`` agrees with the plain one."""
        found = self._entry["agreement"].get(name)
        if found is None:
            try:
                labels, probability = self._predict(make(), model)
            except Exception as error:
                error.add_note(f"on {name}")
                raise
            pair = None
            if probability is not None:
                if self._probability is None:
                    self._probability = self._predict(self._frame.pixels)[1]
                if self._probability is not None:
                    pair = self._probability, probability
            values = agreement(self.plain(), labels, probabilities=pair)
            found = {key: None if math.isnan(value) else value for key, value in values.items()}
            self._entry["agreement"][name] = found
            self._changed = True
        return {key: math.nan if value is None else float(value) for key, value in found.items()}

    def dropout(self, name: str, p: float, seed: int) -> Values:
        """Return how the prediction with features dropped agrees with the plain one."""
        model = with_dropout(opened(self._task.contender), p=p, seed=seed)
        return self.agreement(name, lambda: self._frame.pixels, model)

    def control(self, name: str, make: Any) -> Values | str:
        """Return how the prediction on a control agrees with the plain one, or why the model refuses it."""
        refused = self._entry["refused"].get(name)
        if refused is not None:
            return str(refused)
        try:
            return self.agreement(name, make)
        # A constant image may be more than a model can take, and that is no fault of the image.
        except Exception as error:  # noqa: BLE001
            self._entry["refused"][name] = str(error) or type(error).__name__
            self._changed = True
            return str(self._entry["refused"][name])

    def keep(self) -> None:
        """Keep what is new."""
        if self._changed:
            entry = {name: held for name, held in self._entry.items() if name != "key"}
            self._cache.put(self.key, entry, packed(self.plain()))
            self._changed = False

    def _predict(self, pixels: Any, model: Any = None) -> tuple[Labels, Any]:
        started = time.perf_counter()
        found = predicted(
            model or opened(self._task.contender), self._frame, pixels, tile=self._task.plan.tile
        )
        self._entry["seconds"] += time.perf_counter() - started
        return found


def _other(task: Task, here: Frame, plain: Labels) -> Values:
    """Return how the predictions on two images agree where their frames overlap.

    Raises
    ------
    SegmentationError
        If the images themselves are alike, so that their predictions should be.
    """
    assert task.other is not None  # noqa: S101 - the caller has looked
    frame = read_frame(task.other, task.plan.crop, task.plan.depth)
    if alike(here.pixels, frame.pixels) > ALIKE:
        raise SegmentationError(frame.item.id, "is too much like it")
    held = _Held(task, frame) if frame.item == task.item else _Held(_turned(task), frame)
    found = held.plain()
    held.keep()
    return agreement(*overlapping(plain, found))


def _turned(task: Task) -> Task:
    """Return the task of the other image."""
    assert task.other is not None  # noqa: S101 - the caller has looked
    return Task(task.contender, task.other, None, task.plan, task.cache)


def _key(task: Task, item: Item, frame: Frame) -> str:
    return entry_key(
        what="consistency",
        consistency_format=FORMAT,
        model=task.contender.sha256,
        pixels=frame.sha256,
        roles=item.roles,
        pixel_size=frame.pixel_size,
        seed=task.plan.seed,
        tile=task.plan.tile,
    )


def _draws(plan: Plan) -> Iterator[tuple[str, float, int]]:
    for p in plan.dropout:
        for draw in range(plan.draws):
            yield f"dropout {p:g} #{draw + 1}", p, plan.seed * 1000 + draw


def _truth(item: Item, frame: Frame, plain: Labels) -> dict[str, float] | None:
    if not item.set:
        return None
    truth, region, _ = read_truth(item)
    if truth.shape != frame.whole:
        raise SegmentationError(
            item.id, f"has labels of shape {truth.shape}, the image has {frame.whole}", "Mend or leave it out"
        )
    inside = None if region is None else region[frame.region]
    table = contingency(truth[frame.region], plain, region=inside, ignore=item.ignored)
    found = match(table, 0.5)
    return {
        "f1": found.f1,
        "mean_f1": float(np.mean([match(table, threshold).f1 for threshold in THRESHOLDS])),
        "tp": float(found.tp),
        "fp": float(found.fp),
        "fn": float(found.fn),
    }
