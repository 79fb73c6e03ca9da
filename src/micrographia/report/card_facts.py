"""What a card shows of a dataset: measured once, image by image, in parallel."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations import ObjectAccumulator
from micrographia.dataset import Dataset, ImageFiles, Mask
from micrographia.dataset.tables import OBJECTS, Tables, read_tables
from micrographia.images import Image
from micrographia.report.pictures import Picture, picture
from micrographia.work import TaskError, run

SAMPLED_PIXELS = 200_000
"""Pixels an image and channel that the intensity distribution is drawn from."""


@dataclass(frozen=True, slots=True)
class ImageCard:
    """What the card says of one image."""

    image: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    rgb: bool
    channels: tuple[str, ...]
    scale: Mapping[str, float]
    units: Mapping[str, str]
    counts: Mapping[str, int]
    """Annotation set to number of objects."""
    areas: Mapping[str, npt.NDArray[np.int64]]
    """Annotation set to pixels of each object."""
    values: Mapping[str, Mapping[int, int]]
    """Semantic or binary set to pixels of each value."""
    samples: Mapping[str, npt.NDArray[np.float32]]
    """Channel to intensities."""
    picture: Picture | None


@dataclass(slots=True)
class CardFacts:
    """What the card says of all images."""

    images: list[ImageCard] = field(default_factory=list)
    errors: list[TaskError] = field(default_factory=list)
    tables: Tables = field(default_factory=Tables)

    def objects(self, name: str | None = None) -> int:
        """Return the number of objects in the label images of a set, or of all sets."""
        return sum(n for image in self.images for held, n in image.counts.items() if name in (None, held))

    def areas(self, name: str) -> npt.NDArray[np.int64]:
        """Return the size of every object of a set in pixels."""
        parts = [image.areas[name] for image in self.images if name in image.areas]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def counts(self, name: str) -> list[int]:
        """Return the number of objects of a set in each image that it annotates."""
        return [image.counts[name] for image in self.images if name in image.counts]

    def classes(self, name: str, names: Mapping[int, str]) -> dict[str, int]:
        """Return the balance of classes of a set: pixels in masks of classes, else objects in tables."""
        pixels: Counter[int] = Counter()
        for image in self.images:
            pixels.update(image.values.get(name, {}))
        if pixels:
            return {names.get(value, str(value)): count for value, count in sorted(pixels.items())}
        objects: Counter[str] = Counter()
        for frame in self.tables.frames.values():
            if "class_name" not in frame.columns:
                continue
            part = frame[frame["set"] == name]
            for class_id, text in zip(part["class_id"].fillna(-1), part["class_name"], strict=True):
                known = text or names.get(int(class_id), "")
                if known:
                    objects[known] += 1
        return dict(objects)

    def intensities(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return a sample of the intensities of each channel, the same number of pixels from every image."""
        parts: dict[str, list[npt.NDArray[np.float32]]] = defaultdict(list)
        for image in self.images:
            for name, values in image.samples.items():
                parts[name].append(values)
        return {name: np.concatenate(held) for name, held in sorted(parts.items())}


def gather_card(
    dataset: Dataset, *, pictures: int = 12, seed: int = 0, workers: int | None = None, quiet: bool = True
) -> CardFacts:
    """Measure what the card shows.

    Parameters
    ----------
    dataset
        The dataset, raw or converted.
    pictures
        How many images the gallery shows; they are drawn so that every group, split and kind of image is seen.
    seed
        Draws them.
    workers
        Processes; None for one a processor.
    quiet
        Show no progress.
    """
    shown = choose(dataset, pictures, seed)
    sets = mask_sets(dataset)
    tables = read_tables(dataset)
    known = _measured(tables)
    kinds = {entry.name or "": entry.mask_kind or "" for entry in dataset.mifa.annotations}
    share = max(2_000, min(SAMPLED_PIXELS, 4_000_000 // max(1, len(dataset.image_ids))))
    tasks = [
        _Task(dataset.files_of(name), name in shown, kinds, name in known, share, sets)
        for name in dataset.image_ids
    ]
    result = CardFacts(tables=tables)
    few = len(tasks) < 16
    for outcome in run(
        _measure,
        tasks,
        workers=1 if few else workers,
        name=lambda task: task.files.id,
        label="card",
        quiet=quiet,
    ):
        if outcome.error is not None:
            result.errors.append(outcome.error)
            continue
        card = outcome.result()
        if card.image in known:
            counts, areas = known[card.image]
            card = _with_objects(card, counts, areas)
        result.images.append(card)
    return result


def choose(dataset: Dataset, number: int, seed: int) -> frozenset[str]:
    """Return images for the gallery: annotated before bare, and one of each group and split in turn."""
    buckets: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name in dataset.image_ids:
        bare = not dataset.annotation_rows(name)
        key = (bare, dataset.image_split(name), *dataset.image_groups(name).values())
        buckets[key].append(name)
    ordered = [
        sorted(held, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
        for _, held in sorted(buckets.items(), key=lambda pair: str(pair[0]))
    ]
    chosen: list[str] = []
    depth = 0
    while len(chosen) < number and any(len(held) > depth for held in ordered):
        chosen.extend(held[depth] for held in ordered if len(held) > depth)
        depth += 1
    return frozenset(chosen[:number])


@dataclass(frozen=True, slots=True)
class _Task:
    files: ImageFiles
    picture: bool
    kinds: Mapping[str, str]
    measured: bool
    pixels: int
    sets: tuple[str, ...]


def _measure(task: _Task) -> ImageCard:
    image = task.files.image()
    masks = task.files.masks()
    counts: dict[str, int] = {}
    areas: dict[str, list[npt.NDArray[np.int64]]] = defaultdict(list)
    values: dict[str, Counter[int]] = defaultdict(Counter)
    for mask in masks:
        classes = task.kinds.get(mask.set) in ("semantic", "binary")
        if (task.measured and not classes) or mask.image.dtype.kind not in "ui":
            continue
        accumulator = ObjectAccumulator(mask.image.shape, mask.image.axes, path=mask.image.path)
        for region in mask.image.blocks():
            accumulator.add(mask.image.read(region), tuple(part.start for part in region))
        table = accumulator.table()
        if classes:
            values[mask.set].update(
                dict(zip(table["label_id"].tolist(), table["area"].tolist(), strict=True))
            )
        else:
            counts[mask.set] = counts.get(mask.set, 0) + len(table)
            areas[mask.set].append(table["area"].to_numpy(np.int64))
    return ImageCard(
        task.files.id,
        image.axes,
        image.shape,
        str(image.dtype),
        image.rgb,
        tuple(channel.name for channel in image.channels),
        image.scale,
        image.units,
        counts,
        {name: np.concatenate(parts) for name, parts in areas.items()},
        {name: dict(found) for name, found in values.items()},
        _samples(image, task.pixels),
        _picture(image, masks, task.sets) if task.picture else None,
    )


def mask_sets(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the sets of label images, in the order of their colours."""
    return tuple(
        sorted({row.set or "masks" for image in dataset.image_ids for row in dataset.mask_rows(image)})
    )


def _picture(image: Image, masks: list[Mask], sets: tuple[str, ...]) -> Picture:
    drawn = [mask for mask in masks if mask.image.dtype.kind in "ui"]
    return picture(image, [mask.image for mask in drawn], colours=[sets.index(mask.set) for mask in drawn])


def _samples(image: Image, pixels: int) -> dict[str, npt.NDArray[np.float32]]:
    """Return evenly spaced pixels of the middle plane (and time) of each channel."""
    height, width = image.size("Y"), image.size("X")
    step = max(1, int(np.sqrt(height * width / pixels)))
    found = {}
    for index in range(image.size("C")):
        at = {"T": image.size("T") // 2, "C": index, "Z": image.size("Z") // 2}
        region = [slice(at[axis], at[axis] + 1) for axis in image.axes[:-2]]
        plane = image.read([*region, slice(0, height), slice(0, width)]).reshape(height, width)
        name = image.channels[index].name if image.channels else ""
        found[name or (f"channel {index + 1}" if image.size("C") > 1 else "intensity")] = (
            plane[step // 2 :: step, step // 2 :: step].ravel().astype(np.float32)
        )
    return found


def _measured(tables: Tables) -> dict[str, tuple[dict[str, int], dict[str, npt.NDArray[np.int64]]]]:
    """Return counts and areas by image and set from the objects table of a converted dataset."""
    frame: Any = tables.frames.get(OBJECTS)
    if frame is None or frame["area"].isna().any():
        return {}
    result: dict[str, tuple[dict[str, int], dict[str, npt.NDArray[np.int64]]]] = {}
    for (image, name), part in frame.groupby(["image", "set"]):
        counts, areas = result.setdefault(str(image), ({}, {}))
        counts[str(name)] = len(part)
        areas[str(name)] = part["area"].to_numpy(np.int64)
    return result


def _with_objects(
    card: ImageCard, counts: dict[str, int], areas: dict[str, npt.NDArray[np.int64]]
) -> ImageCard:
    from dataclasses import replace

    return replace(card, counts={**card.counts, **counts}, areas={**card.areas, **areas})
