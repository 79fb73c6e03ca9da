"""From a dataset to the pictures of an export: which images, which channels, which labels, read time by time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia.annotations.formats.base import file_name
from micrographia.dataset import Dataset, Mask
from micrographia.images import Image
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports.sample import SPLITS, Array, Category, ExportOptions, Sample
from micrographia.loading.exports.truth import Source, truth_of
from micrographia.loading.frames import mask_set, micrometres, misfit
from micrographia.loading.regions import covers, is_region_set
from micrographia.loading.roles import image_channel_roles, match_roles, stated_roles

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 4 << 30
"""Bytes of pixels of one picture above which it is not exported: these formats are read whole."""
OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Sources:
    """The images of an export: what is written, what has no mask, the categories, and the set."""

    images: tuple[Source, ...]
    without: tuple[str, ...]
    categories: tuple[Category, ...]
    unnamed: Category
    set: str
    unsplit: int
    kind: str = ""


def find_sources(dataset: Dataset, options: ExportOptions) -> Sources:
    """Return which images are exported, with what is known of their objects.

    Raises
    ------
    LoadingError, TaskError
        If a filter names what there is not, nothing is left, or a table cannot be read.
    """
    from micrographia.dataset.tables import read_tables

    named = mask_set(dataset, options.masks)
    described = dataset.set_described(named)
    tables = read_tables(dataset)
    if tables.errors:
        raise tables.errors[0]
    objects = tables.frames.get("objects")
    mine = None if objects is None else objects[objects["set"].isin(["", named])]
    book = _Book(dataset, named, mine)
    stated = stated_roles(dataset.mifa)
    labels = _image_labels(tables.frames.get("class_labels"))
    kind = (described.mask_kind if described is not None else None) or ""
    known = dict(iter(mine.groupby("image"))) if mine is not None else {}
    found, without = [], []
    chosen = _chosen(dataset, options)
    for name in chosen:
        files = dataset.files_of(name)
        rows = tuple(
            row for row in files.mask_rows if (row.set or "masks") == named or covers(row.set, named)
        )
        if not any(not is_region_set(row.set) for row in rows):
            without.append(name)
            continue
        table = known.get(name)
        found.append(
            Source(
                replace(files, mask_rows=rows),
                named,
                str(kind),
                _split(dataset.image_split(name)),
                dataset.image_groups(name),
                {} if table is None else book.of_objects(table),
                book.of_values(),
                frozenset(
                    () if table is None else table.loc[table["ignore"].astype(bool), "label_id"].tolist()
                ),
                None if options.channels is None else tuple(options.channels),
                stated,
                labels.get(name, ""),
            )
        )
    if not found:
        why = f"; {len(without)} have no mask in the annotation set {named!r}" if without else ""
        raise LoadingError(dataset.path, f"no image is left to export{why}", "Choose others")
    unsplit = sum(dataset.image_split(source.files.id) == "" for source in found)
    return Sources(tuple(found), tuple(without), book.categories, book.unnamed, named, unsplit, str(kind))


def _chosen(dataset: Dataset, options: ExportOptions) -> list[str]:
    chosen = list(dataset.image_ids)
    if options.images is not None:
        unknown = sorted(set(options.images) - set(chosen))
        if unknown:
            raise LoadingError(
                dataset.path, f"has no image {unknown[0]!r}", "See the column `image` of files.tsv"
            )
        chosen = [name for name in chosen if name in set(options.images)]
    if options.splits is not None:
        held = {dataset.image_split(name) for name in dataset.image_ids}
        plain = {split: {split, SPLITS.get(split.lower(), split)} for split in held if split}
        for wanted in options.splits:
            if not any(wanted in names for names in plain.values()):
                known = (
                    f"It has {', '.join(sorted(plain))}"
                    if plain
                    else "Make some with: micrographia describe --split"
                )
                raise LoadingError(dataset.path, f"has no split {wanted!r}", known)
        kept = {split for split, names in plain.items() if names & set(options.splits)}
        chosen = [name for name in chosen if dataset.image_split(name) in kept]
    for column, values in (options.groups or {}).items():
        if column not in dataset.groups:
            known = f"It has {', '.join(dataset.groups)}" if dataset.groups else "It has none"
            raise LoadingError(dataset.path, f"has no group column {column!r}", known)
        chosen = [name for name in chosen if dataset.image_groups(name).get(column, "") in set(values)]
    return chosen


def _split(name: str) -> str:
    """Return a split as a folder can be called."""
    return SPLITS.get(name.strip().lower()) or file_name(name).replace(" ", "_")


class _Book:
    """The categories of a dataset: those that ``mifa.yaml`` lists, then those that only tables name."""

    def __init__(self, dataset: Dataset, named: str, objects: pd.DataFrame | None) -> None:
        described = dataset.set_described(named)
        listed = (
            [(entry.id, entry.name or "") for entry in described.classes] if described is not None else []
        )
        pairs = sorted(listed, key=lambda pair: (pair[0] is None, pair[0] or 0, pair[1]))
        if objects is not None:
            rows = objects[["class_id", "class_name"]].drop_duplicates().itertuples(index=False)
            own = [(None if _missing(number) else int(number), str(name)) for number, name in rows]
            ids = {number for number, _ in pairs if number is not None}
            names = {name for _, name in pairs}
            for number, name in sorted(own, key=lambda pair: (pair[0] is None, pair[0] or 0, pair[1])):
                if (number is not None and number not in ids) or (
                    number is None and name and name not in names
                ):
                    pairs.append((number, name))
                    ids |= {number} if number is not None else set()
                    names.add(name)
        target = described.target if described is not None else None
        alone = (target.object if target is not None else None) or OBJECT
        self.categories = tuple(
            Category(at, number, name or (f"class {number}" if number is not None else alone))
            for at, (number, name) in enumerate(pairs, 1)
        )
        if not self.categories:
            self.categories = (Category(1, None, " ".join(alone.split())),)
        self.unnamed = (
            self.categories[0]
            if len(self.categories) == 1
            else Category(len(self.categories) + 1, None, OBJECT)
        )
        self._by_id = {one.id: one.number for one in self.categories if one.id is not None}
        self._by_name = {one.name: one.number for one in reversed(self.categories)}

    def of_objects(self, table: pd.DataFrame) -> dict[int, int]:
        found = {}
        rows = table[["label_id", "class_id", "class_name"]].itertuples(index=False)
        for label, number, name in rows:
            held = self._by_name.get(name) if _missing(number) else self._by_id.get(int(number))
            if held is not None:
                found[int(label)] = held
        return found

    def of_values(self) -> dict[int, int]:
        return dict(self._by_id)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _image_labels(table: pd.DataFrame | None) -> dict[str, str]:
    """Return the class of each image that has exactly one."""
    if table is None:
        return {}
    whole = table[table["object_id"].isna()]
    found: dict[str, set[str]] = {}
    for name, number, text in whole[["image", "class_id", "class_name"]].itertuples(index=False):
        found.setdefault(name, set()).add(text or f"class {number}")
    return {name: held.pop() for name, held in found.items() if len(held) == 1}


def read_samples(source: Source, *, volumes: bool) -> Iterator[tuple[Sample, Counter[str]]]:
    """Yield the pictures of an image with what there is to tell of each, one after the other.

    Parameters
    ----------
    source
        The image.
    volumes
        Whether the format holds volumes; else every plane is a picture.

    Raises
    ------
    MicrographiaError
        If the image or a mask cannot be read, or they do not fit.
    """
    with source.files.image() as image:
        shape = image.size("Z"), image.size("Y"), image.size("X")
        masks = source.files.masks()
        for mask in masks:
            if why := misfit(mask.image, image, shape):
                raise LoadingError(source.files.id, why, "Correct the mask")
        at, names = _wanted(image, source)
        deep = image.size("Z") > 1
        planes = [None] if volumes or not deep else list(range(shape[0]))
        size = len(at) * image.dtype.itemsize * shape[1] * shape[2] * (shape[0] if volumes else 1)
        if size > LARGEST:
            problem = f"a picture of {size / 1e9:.0f} GB is too large for programs that read it whole"
            raise LoadingError(source.files.id, problem, "Cut it into tiles first")
        for time in range(image.size("T")):
            for plane in planes:
                read = _Reader(image, time, plane, squeeze=not (volumes and deep))
                counts: Counter[str] = Counter()
                layers, classes, ignored, region = truth_of(source, masks, read.labels, counts)
                stem = file_name(source.files.id) + (f"_t{time:03d}" if image.size("T") > 1 else "")
                stem += f"_z{plane:03d}" if plane is not None else ""
                yield (
                    Sample(
                        stem,
                        source.files.id,
                        time if image.size("T") > 1 else None,
                        plane,
                        source.split,
                        source.groups,
                        np.stack([read.channel(channel) for channel in at]),
                        image.rgb and at == (0, 1, 2),
                        names,
                        layers,
                        classes,
                        ignored,
                        region,
                        micrometres(image),
                        source.label,
                    ),
                    counts,
                )


def _wanted(image: Image, source: Source) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return which channels are wanted, and what to call them."""
    known = image_channel_roles(image, source.stated)
    held = [channel.name for channel in known]
    roles = [channel.role for channel in known]
    at = tuple(range(len(known)))
    if source.channels is not None:
        at = match_roles(source.channels, roles, held, path=source.files.id)
    names: list[str] = []
    for channel in (known[index] for index in at):
        unique = channel.role is not None and roles.count(channel.role) == 1
        name = (channel.role if unique else None) or channel.name or f"channel-{channel.index + 1}"
        names.append(name if name not in names else f"{name}-{channel.index + 1}")
    return at, tuple(names)


class _Reader:
    """Reads one time point, and one plane or all, of an image and of its label images."""

    def __init__(self, image: Image, time: int, plane: int | None, *, squeeze: bool) -> None:
        self.image = image
        self.time = time
        self.plane = plane
        self.squeeze = squeeze

    def channel(self, index: int) -> Array:
        return self._read(self.image, index)

    def labels(self, mask: Mask) -> Array:
        return self._read(mask.image, 0)

    def _read(self, image: Image, channel: int) -> Array:
        last = image.size("T") - 1
        parts = {"T": min(self.time, last), "C": channel}
        region = [
            slice(parts[axis], parts[axis] + 1)
            if axis in parts
            else slice(self.plane, self.plane + 1)
            if axis == "Z" and self.plane is not None
            else slice(0, size)
            for axis, size in zip(image.axes, image.shape, strict=True)
        ]
        block = image.read(region)
        depth = block.shape[image.axes.index("Z")] if "Z" in image.axes else 1
        volume = block.reshape(depth, *block.shape[-2:])
        return volume[0] if self.squeeze else volume
