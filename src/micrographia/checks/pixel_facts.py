"""The facts about a dataset's pixels: every image and mask is decoded once, block by block, many side by side."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from micrographia.checks.pixel_facts_fit import Fit
from micrographia.checks.pixel_facts_image import ChannelFacts, ImageFacts, measure_image
from micrographia.checks.pixel_facts_levels import LevelFacts, measure_levels
from micrographia.checks.pixel_facts_mask import MaskFacts, MaskName, ObjectFacts, measure_mask
from micrographia.checks.pixel_facts_prints import Prints, PrintTaker
from micrographia.dataset import Dataset
from micrographia.dataset.opening import ImageFiles
from micrographia.errors import MicrographiaError
from micrographia.work import Kind, Progress, TaskError, cores, stream

if TYPE_CHECKING:
    from micrographia.checks.fields import FieldGroups

__all__ = [
    "ChannelFacts",
    "Fit",
    "ImageFacts",
    "LevelFacts",
    "ListedObjects",
    "MaskFacts",
    "ObjectFacts",
    "PixelFacts",
    "Prints",
    "gather_pixels",
]

BIG_FILE = 64 << 20
"""Files from this size on are measured one after another, each by all threads."""
MANY, SMALL_FILE = 64, 16 << 20
"""In a dataset of more images, the pyramids of smaller files are compared in a quarter of them only."""
WORTH_PROCESSES = 1 << 30
"""Bytes of small files from which starting processes pays; fewer are read by threads."""


@dataclass(frozen=True)
class PixelFacts:
    """What the pixel pass found; picklable.

    Parameters
    ----------
    images
        Image id to what its pixels are, in the order of ``files.tsv``.
    masks
        Image id and name of the mask (its annotation set; further layers have names of their own) to what its pixels
        are.
    listed
        The same keys to the objects that the dataset's objects table lists for the mask.
    errors
        What could not be read, and why.
    fields
        The groups of images that seem to belong together, with their evidence; None if nobody looked.
    """

    images: Mapping[str, ImageFacts]
    masks: Mapping[tuple[str, str], MaskFacts]
    listed: Mapping[tuple[str, str], ListedObjects] = field(default_factory=dict)
    errors: Sequence[TaskError] = ()
    fields: FieldGroups | None = None

    def masks_of(self, image: str) -> list[MaskFacts]:
        """Return the masks of an image."""
        return [facts for (of, _), facts in self.masks.items() if of == image]

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            "images": {name: facts.to_json() for name, facts in self.images.items()},
            "masks": [facts.to_json() for facts in self.masks.values()],
            "errors": [
                {"path": error.path, "problem": error.problem, "remedy": error.remedy}
                for error in self.errors
            ],
            "fields": self.fields.to_json() if self.fields is not None else None,
        }


@dataclass(frozen=True, slots=True)
class ListedObjects:
    """The objects that a table lists for one mask: their labels, and the classes that they have, if any."""

    labels: tuple[int, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of one image and its masks."""

    image: ImageFacts | None
    masks: tuple[MaskFacts, ...] = ()
    errors: tuple[TaskError, ...] = field(default=())


def gather_pixels(
    dataset: Dataset,
    *,
    workers: int | None = None,
    quiet: bool = True,
    groups: bool = True,
) -> PixelFacts:
    """Measure every pixel of a dataset once.

    Parameters
    ----------
    dataset
        The dataset.
    workers
        Number of workers; None for one a processor. The facts do not depend on it.
    quiet
        Show no progress.
    groups
        Look for images that belong together (see :mod:`micrographia.checks.fields`), which reads pairs of images
        again that seem to.

    Returns
    -------
    PixelFacts
        An image or mask that cannot be read is among the ``errors``; the others are there.
    """
    from micrographia.checks.fields import propose_groups, reference_plane

    files = [dataset.files_of(image) for image in dataset.image_ids]
    big = {one.id for one in files if _size(one) >= BIG_FILE}
    total = sum(_size(one) for one in files if one.id not in big)
    count = cores() if workers is None else workers
    kind: Kind = "processes" if total >= WORTH_PROCESSES else "threads"
    found: dict[str, Measured] = {}
    with Progress("measuring pixels", len(files), quiet=quiet) as progress:
        parts: list[tuple[list[ImageFiles], Kind, int]] = [
            ([one for one in files if one.id not in big], kind, 1),
            ([one for one in files if one.id in big], "serial", count),
        ]
        for tasks, how, threads in parts:
            work = partial(measure, threads=threads, sparing=len(files) > MANY)
            for outcome in stream(work, tasks, workers=count, kind=how, name=lambda one: one.id):
                done = outcome.value
                if done is None or outcome.error is not None:
                    error = outcome.error or TaskError(outcome.name, "was not measured")
                    done = Measured(None, (), (error,))
                found[outcome.task.id] = done
                progress.advance(size=_size(outcome.task))
    measured = [found[one.id] for one in files]
    images = {done.image.image: done.image for done in measured if done.image is not None}
    masks = {(mask.image, mask.name): mask for done in measured for mask in done.masks}
    errors = tuple(error for done in measured for error in done.errors)
    fields = propose_groups(images, partial(reference_plane, dataset)) if groups else None
    return PixelFacts(images, masks, _listed(dataset), errors, fields)


def measure(files: ImageFiles, threads: int = 1, sparing: bool = False) -> Measured:
    """Measure one image and its masks; what cannot be read is an error among the facts, and the rest is measured.

    Parameters
    ----------
    files
        The image.
    threads
        Threads that read and measure one file.
    sparing
        Compare the levels of pyramids only in large images and in a quarter of the small ones, drawn by their ids.
    """
    levels = not sparing or _size(files) >= SMALL_FILE or zlib.crc32(files.id.encode()) % 4 == 0
    facts: ImageFacts | None = None
    taker: PrintTaker | None = None
    masks: list[MaskFacts] = []
    errors: list[TaskError] = []
    try:
        with files.image() as image:
            facts, taker = measure_image(image, files.id, threads=threads)
            if levels and len(files.rows) == 1:
                facts = replace(facts, levels=measure_levels(image, taker))
    except MicrographiaError as error:
        errors.append(_told(error))
    try:
        opened = files.masks()
    except MicrographiaError as error:
        return Measured(facts, (), (*errors, _told(error)))
    for mask in opened:
        paths = tuple(row.path for row in mask.rows)
        called = MaskName(files.id, mask.name, mask.set, mask.layer, paths, mask.overlap)
        try:
            with mask.image:
                masks.append(measure_mask(mask.image, called, taker, threads=threads, levels=levels))
        except MicrographiaError as error:
            errors.append(_told(error))
    return Measured(facts, tuple(masks), tuple(errors))


def _listed(dataset: Dataset) -> dict[tuple[str, str], ListedObjects]:
    if not dataset.table_rows():
        return {}
    from micrographia.dataset.tables import OBJECTS, read_tables

    frame = read_tables(dataset).frames.get(OBJECTS)
    if frame is None:
        return {}
    found = {}
    for (image, name, layer), part in frame.groupby(["image", "set", "layer"], sort=True):
        known = part["class_id"].dropna() if "class_id" in part else part["label_id"][:0]
        found[str(image), str(name) if layer == 1 else f"{name}-layer-{layer}"] = ListedObjects(
            tuple(sorted({int(label) for label in part["label_id"]})),
            tuple(sorted({int(one) for one in known})),
        )
    return found


def _told(error: MicrographiaError) -> TaskError:
    return TaskError(error.path, error.problem, error.remedy)


def _size(files: ImageFiles) -> int:
    return sum(max(0, row.size) for row in (*files.rows, *files.mask_rows))
