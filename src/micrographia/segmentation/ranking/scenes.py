"""What models are ranked on: the images of a dataset, with or without labels, or of a plain folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from micrographia.dataset import Dataset, FileRow, ImageFiles, open_dataset
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.identity import content_sha256
from micrographia.errors import ImageError, command_line
from micrographia.loading.regions import covers, is_region_set
from micrographia.segmentation.evaluation.targets import Item
from micrographia.segmentation.metrics.errors import SegmentationError

OWN = "image"
"""What the unit of generalisation is called where no column says which images belong together."""


@dataclass(frozen=True)
class Scenes:
    """Images that one ranking is about: a dataset, a domain of it, or a folder.

    Parameters
    ----------
    key, title
        How it is called in tables, and in full.
    path
        The dataset or folder.
    domain
        Value of the column by which the dataset was divided; empty if it was not.
    items
        The images.
    groups
        Image id to the group that it belongs to; an image of no group is one of its own.
    group_column
        Name of that column; empty if there is none.
    labelled
        Ids of the images that have labels, by which the ranking can be checked.
    content_sha256
        Of the dataset; empty for a folder.
    notes
        What is to be said of them.
    """

    key: str
    title: str
    path: Path
    domain: str
    items: tuple[Item, ...]
    groups: Mapping[str, str]
    group_column: str
    labelled: frozenset[str] = frozenset()
    content_sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(set(self.groups.values()))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which images of a source are used, and what of them.

    Parameters
    ----------
    by
        Group column whose values are ranked on separately, such as a stain or a microscope.
    group
        Group column of what is independent; None for the only other one.
    split
        Only this split.
    masks
        Annotation set to check the ranking against; None for the only one with objects, empty for none.
    roles
        What each channel shows; empty for what the dataset says.
    at_most
        So many images at most, spread evenly over groups; None for all.
    """

    by: str | None = None
    group: str | None = None
    split: str | None = None
    masks: str | None = None
    roles: tuple[str, ...] = ()
    at_most: int | None = None


def scenes(path: Path, choice: Choice | None = None) -> list[Scenes]:
    """Return what a dataset or a folder of images offers to rank on.

    Parameters
    ----------
    path
        A dataset folder (raw or converted), a folder of images, or one image.
    choice
        Which of its images.

    Raises
    ------
    MicrographiaError
        If there is nothing, or no such column, split or set.
    """
    wanted = choice or Choice()
    if wanted.at_most is not None and wanted.at_most < 1:
        raise SegmentationError(path, f"{wanted.at_most} images at most", "Give a positive number")
    described = (path / DESCRIPTION).is_file()
    found = _of_dataset(open_dataset(path), wanted) if described else [_of_folder(path, wanted)]
    return [_thinned(one, wanted.at_most) for one in found]


def unique_keys(found: Sequence[Scenes]) -> list[Scenes]:
    """Return scenes whose keys differ: of the same name the second and further get a number."""
    seen: dict[str, int] = {}
    result = []
    for one in found:
        seen[one.key] = seen.get(one.key, 0) + 1
        result.append(one if seen[one.key] == 1 else replace(one, key=f"{one.key} ({seen[one.key]})"))
    return result


def _of_folder(path: Path, wanted: Choice) -> Scenes:
    from micrographia.images import image_suffixes, members

    asked = {"--by": wanted.by, "--group": wanted.group, "--split": wanted.split, "--masks": wanted.masks}
    for option, value in asked.items():
        if value:
            raise SegmentationError(
                path,
                f"is no dataset, so it has no {option[2:]} {value!r}",
                f"Describe it first: {command_line('describe', path)}",
            )
    if not path.exists():
        raise SegmentationError(path, "does not exist", "Give a dataset, a folder of images, or an image")
    endings = tuple(ending.lower() for ending in image_suffixes())
    root = path if path.is_dir() and not path.name.lower().endswith(".zarr") else path.parent
    places = [path] if root != path else sorted(root.iterdir())
    items = []
    for place in places:
        if place.name.startswith(".") or not place.name.lower().endswith(endings):
            continue
        try:
            listed = [member.name for member in members(place)]
        except ImageError:  # told when it is read, so that the other images are kept
            listed = [""]
        for member in listed:
            name = f"{place.name}:{member}" if member and len(listed) > 1 else place.name
            row = FileRow(
                path=place.name, member=member, image=name, role="image", channel="", set="", type="",
                source="", split="", size=0, sha256="", line=0, layer="", axes="", groups={},
            )  # fmt: skip
            items.append(Item(name, ImageFiles(root, name, (row,), (), {}, {}), "", roles=wanted.roles))
    if not items:
        raise SegmentationError(path, "holds no image that can be read", "Give a folder with images in it")
    name = path.resolve().name
    groups = {item.id: item.id for item in items}
    return Scenes(name, name, path, "", tuple(items), groups, "", notes=(_ungrouped(len(items)),))


def _of_dataset(dataset: Dataset, wanted: Choice) -> list[Scenes]:
    for column in (wanted.by, wanted.group):
        if column is not None and column not in dataset.groups:
            there = ", ".join(dataset.groups) or "none: see `micrographia check --pixels`"
            raise SegmentationError(
                dataset.path, f"has no group column {column!r}", f"Its group columns: {there}"
            )
    chosen = [
        image for image in dataset.image_ids if not wanted.split or dataset.image_split(image) == wanted.split
    ]
    if not chosen:
        raise SegmentationError(
            dataset.path, f"has no image in split {wanted.split!r}", "See the column `split`"
        )
    masks = _mask_set(dataset, wanted.masks)
    ignored = _ignored(dataset, masks)
    others = [name for name in dataset.groups if name != wanted.by]
    if wanted.group is None and len(others) > 1:
        raise SegmentationError(
            dataset.path,
            f"has several group columns ({', '.join(others)})",
            "Say with --group whose groups are independent of each other",
        )
    unit = wanted.group or (others[0] if others else "")
    name = dataset.path.resolve().name
    values = {image: dataset.image_groups(image).get(wanted.by or "", "") for image in chosen}
    content = content_sha256(dataset)
    found = []
    for domain in sorted(set(values.values())):
        images = [image for image in chosen if values[image] == domain]
        items = tuple(_item(dataset, image, masks, ignored.get(image, ()), wanted.roles) for image in images)
        groups = {image: dataset.image_groups(image).get(unit, "") or f"image {image}" for image in images}
        found.append(
            Scenes(
                f"{name}:{domain}" if wanted.by else name,
                f"{dataset.title} ({domain})" if wanted.by else dataset.title,
                dataset.path,
                domain if wanted.by else "",
                items,
                groups,
                unit,
                frozenset(item.id for item in items if item.set),
                content,
                () if unit else (_ungrouped(len(items)),),
            )
        )
    return found


def _item(dataset: Dataset, image: str, masks: str, ignored: tuple[int, ...], roles: tuple[str, ...]) -> Item:
    from micrographia.loading.roles import channel_roles

    sets = {row.set or "masks" for row in dataset.mask_rows(image)}
    regions = sorted(name for name in sets if masks and covers(name, masks))
    return Item(
        image,
        dataset.files_of(image),
        masks if masks in sets else "",
        tuple(regions),
        ignored,
        roles or tuple(channel_roles(dataset, image)),
    )


def _mask_set(dataset: Dataset, wanted: str | None) -> str:
    """Return the annotation set to check against; empty if there is none, or if nobody wants one."""
    if wanted == "":
        return ""
    kinds = {described.name: described.mask_kind for described in dataset.mifa.annotations}
    held = sorted({row.set or "masks" for image in dataset.image_ids for row in dataset.mask_rows(image)})
    usable = [name for name in held if kinds.get(name) in (None, "instance") and not is_region_set(name)]
    if wanted is None:
        if len(usable) > 1:
            raise SegmentationError(
                dataset.path,
                f"has several sets of masks with objects: {', '.join(usable)}",
                "Name with --masks the one to check the ranking against, or give --no-labels",
            )
        return usable[0] if usable else ""
    if wanted not in usable:
        there = ", ".join(usable) or "no set of masks with objects"
        raise SegmentationError(
            dataset.path, f"has no masks with objects in a set {wanted!r}", f"It has {there}"
        )
    return wanted


def _ignored(dataset: Dataset, masks: str) -> dict[str, tuple[int, ...]]:
    from micrographia.dataset.tables import OBJECTS, read_tables

    if not masks or not dataset.table_rows():
        return {}
    frame = read_tables(dataset).frames.get(OBJECTS)
    if frame is None or "ignore" not in frame:
        return {}
    marked = frame[frame["ignore"].fillna(False).astype(bool) & (frame["set"] == masks)]
    return {
        str(image): tuple(sorted(int(label) for label in rows["label_id"]))
        for image, rows in marked.groupby("image")
    }


def _thinned(found: Scenes, at_most: int | None) -> Scenes:
    """Return at most so many images: the first of every group in turn, then the second, ..., in their order."""
    if at_most is None or len(found.items) <= at_most:
        return found
    turn: dict[str, int] = {}
    ranked = []
    for place, item in enumerate(found.items):
        group = found.groups[item.id]
        ranked.append((turn.get(group, 0), place))
        turn[group] = turn.get(group, 0) + 1
    kept = [found.items[place] for place in sorted(place for _, place in sorted(ranked)[:at_most])]
    ids = {item.id for item in kept}
    return replace(
        found,
        items=tuple(kept),
        groups={image: group for image, group in found.groups.items() if image in ids},
        labelled=found.labelled & ids,
        notes=(*found.notes, f"{len(kept)} of {len(found.items)} images are used, spread over their groups"),
    )


def _ungrouped(n: int) -> str:
    return (
        f"no group column says which of the {n} images belong together: each counts as independent, which makes "
        "intervals too narrow where several show one specimen"
    )
