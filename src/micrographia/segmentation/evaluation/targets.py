"""What is evaluated on: the images of datasets with their truth, as columns of the transfer matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.dataset import Dataset, ImageFiles, open_dataset
from micrographia.loading.regions import covers, is_region_set
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.training.citation import TARGET, cite

TRAIN, VALIDATION, TEST = ("train", "training"), ("val", "validation", "dev"), ("test", "testing")


@dataclass(frozen=True)
class Item:
    """One image with its truth: small, picklable, what a worker is handed.

    Parameters
    ----------
    id
        The image.
    files
        Its files.
    set
        Annotation set whose objects are the truth.
    region_sets
        Annotation sets that say where anybody annotated; empty if all of it was.
    ignored
        Labels of objects that are neither right nor wrong.
    roles
        What each channel shows; None where nobody says.
    """

    id: str
    files: ImageFiles
    set: str
    region_sets: tuple[str, ...] = ()
    ignored: tuple[int, ...] = ()
    roles: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Column:
    """One dataset, or one domain of it.

    Parameters
    ----------
    key, title
        How it is called in tables, and in full.
    path
        The dataset.
    domain
        Value of the column by which the dataset was divided; empty if it was not.
    items
        The images that are evaluated.
    training
        Images of its training split (and validation split): what may be tuned on.
    groups
        Image id to the group that it belongs to; None where no column says.
    group_column
        Name of that column; empty if there is none.
    target
        What the annotators drew.
    licence, accession, content_sha256, files_sha256, version
        As the dataset says.
    """

    key: str
    title: str
    path: Path
    domain: str
    items: tuple[Item, ...]
    training: tuple[Item, ...]
    groups: Mapping[str, str] | None
    group_column: str
    target: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    accession: str = ""
    content_sha256: str = ""
    files_sha256: str = ""
    version: str = ""
    left_out: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return what a result says of it, as JSON values."""
        return {
            "key": self.key,
            "title": self.title,
            "path": str(self.path),
            "domain": self.domain or None,
            "version": self.version,
            "accession": self.accession,
            "content_sha256": self.content_sha256,
            "files_sha256": self.files_sha256,
            "images": [item.id for item in self.items],
            "n_images": len(self.items),
            "group_column": self.group_column or None,
            "n_groups": len({(self.groups or {}).get(item.id, item.id) for item in self.items}),
            "target": dict(self.target),
            "licence": self.licence,
            "left_out": list(self.left_out),
        }


def columns(
    path: Path,
    *,
    by: str | None = None,
    group: str | None = None,
    split: str | None = None,
    masks: str | None = None,
    workers: int | None = None,
    quiet: bool = True,
) -> list[Column]:
    """Return the columns that a dataset makes.

    Parameters
    ----------
    path
        A dataset folder, raw or converted.
    by
        Group column by which it is divided into domains, such as a stain or a hospital.
    group
        Column of the groups that are independent; by default the only one besides ``by``.
    split
        Evaluate this split; by default the test split where there is one, else every image.
    masks
        Annotation set; by default the only one with objects.
    workers, quiet
        For hashing the content.

    Raises
    ------
    DatasetError, SegmentationError
        If there is no such dataset, column, split or set.
    """
    dataset = open_dataset(path)
    chosen = _set(dataset, masks)
    unit = _group_column(dataset, group, by)
    ignored = _ignored(dataset, chosen)
    annotated = [
        image
        for image in dataset.image_ids
        if any(_row_set(row) == chosen for row in dataset.mask_rows(image))
    ]
    bare = tuple(image for image in dataset.image_ids if image not in set(annotated))
    evaluated = _of_split(dataset, annotated, split)
    training = _training(dataset, annotated, set(evaluated))
    cited = cite(dataset, chosen, workers=workers, quiet=quiet)
    described = dataset.set_described(chosen)
    target = described.target if described is not None else None
    said = {name: str(value) for name in TARGET if target is not None and (value := getattr(target, name))}

    def item(image: str) -> Item:
        own = {_row_set(row) for row in dataset.mask_rows(image)}
        return Item(
            image,
            dataset.files_of(image),
            chosen,
            tuple(sorted(name for name in own if covers(name, chosen))),
            ignored.get(image, ()),
            _roles(dataset, image),
        )

    found = []
    for domain in _domains(dataset, evaluated, by):
        images = [
            image for image in evaluated if by is None or dataset.image_groups(image).get(by, "") == domain
        ]
        beside = [
            image for image in training if by is None or dataset.image_groups(image).get(by, "") == domain
        ]
        name = dataset.path.resolve().name
        found.append(
            Column(
                f"{name}:{domain}" if by else name,
                f"{dataset.title} ({domain})" if by else dataset.title,
                dataset.path,
                domain if by else "",
                tuple(item(image) for image in images),
                tuple(item(image) for image in beside),
                _groups(dataset, [*images, *beside], unit),
                unit,
                said,
                cited["licence"],
                cited["accession"],
                cited["content_sha256"],
                cited["files_sha256"],
                cited["version"],
                bare,
            )
        )
    return found


def unique_keys(found: Sequence[Column]) -> list[Column]:
    """Return the columns with keys that differ: folders of the same name get a number."""
    from dataclasses import replace

    counts = Counter(column.key for column in found)
    seen: Counter[str] = Counter()
    result = []
    for column in found:
        if counts[column.key] > 1:
            seen[column.key] += 1
            result.append(replace(column, key=f"{column.key} ({seen[column.key]})"))
        else:
            result.append(column)
    return result


def _row_set(row: Any) -> str:
    return row.set or "masks"


def _set(dataset: Dataset, wanted: str | None) -> str:
    kinds = {described.name: described.mask_kind for described in dataset.mifa.annotations}
    held = sorted({_row_set(row) for image in dataset.image_ids for row in dataset.mask_rows(image)})
    if not held:
        raise SegmentationError(
            dataset.path, "has no label images to evaluate against", "Name annotated datasets"
        )
    usable = [
        name for name in held if kinds.get(name, "instance") in ("instance", None) and not is_region_set(name)
    ]
    if wanted is not None:
        if wanted not in held:
            raise SegmentationError(
                dataset.path, f"has no annotation set {wanted!r}", f"It has {', '.join(held)}"
            )
        if wanted not in usable:
            raise SegmentationError(
                dataset.path,
                f"the masks of {wanted!r} are {kinds.get(wanted) or 'a region'}, so they have no objects to match",
                "Choose a set of kind instance, or separate its objects first",
            )
        return wanted
    if len(usable) != 1:
        what = "no set of masks with objects (kind instance)" if not usable else "several sets with objects"
        raise SegmentationError(
            dataset.path, f"has {what}: {', '.join(usable or held)}", "Name one with --masks"
        )
    return usable[0]


def _group_column(dataset: Dataset, wanted: str | None, by: str | None) -> str:
    for name in (wanted, by):
        if name is not None and name not in dataset.groups:
            there = ", ".join(dataset.groups) or "none: see `micrographia check --pixels`"
            raise SegmentationError(
                dataset.path, f"has no group column {name!r}", f"Its group columns: {there}"
            )
    if wanted is not None:
        return wanted
    others = [name for name in dataset.groups if name != by]
    if len(others) > 1:
        raise SegmentationError(
            dataset.path,
            f"has several group columns ({', '.join(others)})",
            "Say with --group whose groups are independent of each other",
        )
    return others[0] if others else ""


def _groups(dataset: Dataset, images: Sequence[str], column: str) -> dict[str, str] | None:
    if not column:
        return None
    # An image without a value is a group of its own: it is not known to belong to any.
    return {image: dataset.image_groups(image).get(column, "") or f"image {image}" for image in images}


def _domains(dataset: Dataset, images: Sequence[str], by: str | None) -> list[str]:
    if by is None:
        return [""]
    return sorted({dataset.image_groups(image).get(by, "") for image in images})


def _of_split(dataset: Dataset, images: Sequence[str], wanted: str | None) -> list[str]:
    splits = {image: dataset.image_split(image) for image in images}
    if wanted is None:
        chosen = [image for image in images if splits[image].lower() in TEST]
        return chosen or list(images)
    chosen = [image for image in images if splits[image] == wanted]
    if not chosen:
        there = ", ".join(sorted({split for split in splits.values() if split})) or "none"
        raise SegmentationError(
            dataset.path, f"has no annotated image in split {wanted!r}", f"Its splits: {there}"
        )
    return chosen


def _training(dataset: Dataset, images: Sequence[str], evaluated: set[str]) -> list[str]:
    """Return the images that may be tuned on: of the training or validation split, and not evaluated."""
    wanted = (*TRAIN, *VALIDATION)
    return [
        image for image in images if image not in evaluated and dataset.image_split(image).lower() in wanted
    ]


def _ignored(dataset: Dataset, chosen: str) -> dict[str, tuple[int, ...]]:
    from micrographia.dataset.tables import OBJECTS, read_tables

    if not dataset.table_rows():
        return {}
    frame = read_tables(dataset).frames.get(OBJECTS)
    if frame is None or "ignore" not in frame:
        return {}
    marked = frame[frame["ignore"].fillna(False).astype(bool) & (frame["set"] == chosen)]
    return {
        str(image): tuple(sorted(int(label) for label in rows["label_id"]))
        for image, rows in marked.groupby("image")
    }


def _roles(dataset: Dataset, image: str) -> tuple[str | None, ...]:
    from micrographia.loading.roles import channel_roles

    return tuple(channel_roles(dataset, image))
