"""All that is asked of one image, measured in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import MicrographiaError
from micrographia.images import Image
from micrographia.representation.baselines import (
    aggregate,
    colour,
    density,
    intensity,
    shrunken,
    spectrum,
    texture,
)
from micrographia.representation.baselines.fields import Field, Reading, channel_names
from micrographia.representation.baselines.measured import Measured, joined
from micrographia.representation.baselines.names import FROM_OBJECTS
from micrographia.representation.baselines.objects import PARTS

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Header:
    """What the header of an image says that all images must agree on."""

    channels: tuple[str, ...]
    rgb: bool
    dtype: str


@dataclass(frozen=True)
class Plan:
    """What is measured of every image.

    Attributes
    ----------
    wanted
        Names of baselines.
    mean
        The mean of all channels stands for one channel.
    channels
        Names of the channels.
    side
        Rows and columns of the small picture.
    nuclear
        Channel in which the density proxy looks; None for the mean of all.
    """

    wanted: frozenset[str]
    mean: bool
    channels: tuple[str, ...]
    side: int = shrunken.SIDE
    nuclear: int | None = None


@dataclass
class Found:
    """What was measured of one image.

    Attributes
    ----------
    images
        Name of a baseline to the row of the image, or to the reason why it has none.
    objects
        Columns of the objects, if they were asked for.
    reasons
        Why numbers of objects are missing, by the part of their features.
    exact
        Whether labels tell single objects; None if there are none.
    note
        What stands for objects where they do not.
    """

    images: dict[str, Measured | str] = field(default_factory=dict)
    objects: dict[str, Array] | None = None
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exact: bool | None = None
    note: str = ""


def header(one: Field) -> Header | str:
    """Return the header of an image, or why it cannot be read."""
    try:
        with one.image() as image:
            return Header(tuple(channel_names(image)), image.rgb, image.dtype.name)
    except MicrographiaError as error:
        return str(error)


def measure(one: Field, plan: Plan, per_object: bool) -> Found | str:
    """Return what is asked of one image, or why it cannot be measured."""
    try:
        with one.image() as image:
            return _objects(one, image, plan) if per_object else _image(one, image, plan)
    except MicrographiaError as error:
        return str(error)


class _Channels:
    """The channels of one image, and their intensities as far as they are needed."""

    def __init__(self, image: Image, plan: Plan) -> None:
        self.reading = Reading(image, plan.mean)
        self.names = plan.channels
        self._plan = plan

    @cached_property
    def levels(self) -> list[intensity.Levels]:
        return [intensity.levels(self.reading, at) for at in range(self.reading.channels)]

    def each(self, function: Callable[[int, str], Measured]) -> Measured:
        return joined([function(at, name) for at, name in enumerate(self.names)])

    def density_proxy(self) -> Measured:
        nuclear = self._plan.nuclear
        if nuclear is None and self.reading.channels > 1:
            mean = self.reading.averaged()
            return density.density_proxy(mean, 0, intensity.levels(mean, 0))
        return density.density_proxy(self.reading, nuclear or 0, self.levels[nuclear or 0])


def _image(one: Field, image: Image, plan: Plan) -> Found:
    held = _Channels(image, plan)
    reading = held.reading
    ways: dict[str, Callable[[], Measured]] = {
        "density proxy": held.density_proxy,
        "intensity": lambda: held.each(lambda at, name: intensity.intensity(held.levels[at], name)),
        "colour": lambda: colour.mean_colour(held.levels, plan.channels),
        "stain": lambda: colour.stain(image),
        "texture": lambda: held.each(lambda at, name: texture.texture(reading, at, held.levels[at], name)),
        "spectrum": lambda: held.each(lambda at, name: spectrum.spectrum(reading, at, name)),
        "pixels": lambda: held.each(lambda at, name: shrunken.shrunken(reading, at, name, plan.side)),
    }
    found = Found({name: way() for name, way in ways.items() if name in plan.wanted})
    if plan.wanted.isdisjoint((*FROM_OBJECTS, "count")):
        return found
    try:
        _of_objects(one, reading, plan, found)
    except MicrographiaError as error:
        # What needs no labels is known all the same.
        found.images |= dict.fromkeys(
            plan.wanted & {"count", *FROM_OBJECTS} - found.images.keys(), str(error)
        )
    return found


def _of_objects(one: Field, reading: Reading, plan: Plan, found: Found) -> None:
    labels = one.labels()
    if labels is None:
        return
    found.exact, found.note = labels.exact, labels.note
    if "count" in plan.wanted:
        found.images["count"] = density.exact_count(labels)
    if not plan.wanted.isdisjoint(FROM_OBJECTS):
        rows, reasons = aggregate.object_rows(labels, reading, plan.channels, one.name, _parts(plan))
        every = aggregate.per_image(rows, reasons)
        found.images |= {name: held for name, held in every.items() if name in plan.wanted}


def _objects(one: Field, image: Image, plan: Plan) -> Found | str:
    labels = one.labels()
    if labels is None:
        return "no label image"
    reading = Reading(image, plan.mean)
    rows, reasons = aggregate.object_rows(labels, reading, plan.channels, one.name, _parts(plan))
    if "place" in plan.wanted:
        rows |= _places(rows, image)
    return Found({}, rows, reasons, labels.exact, labels.note)


def _parts(plan: Plan) -> tuple[str, ...]:
    """Return the parts of the object features that are needed."""
    if "objects" in plan.wanted:
        return PARTS
    own = {"shape": ("shape",), "object intensity": ("intensity", "quantiles"), "neighbours": ("neighbours",)}
    return tuple(part for name, parts in own.items() if name in plan.wanted for part in parts)


def _places(rows: dict[str, Array], image: Image) -> dict[str, Array]:
    """Return where objects lie in their image: shares of its height and width, and pixels to its nearest edge."""
    height, width = image.size("Y"), image.size("X")
    y, x = rows["y"] + 0.5, rows["x"] + 0.5
    edge = np.minimum(np.minimum(y, height - y), np.minimum(x, width - x))
    return {"place_y": y / height, "place_x": x / width, "place_edge_distance": edge}
