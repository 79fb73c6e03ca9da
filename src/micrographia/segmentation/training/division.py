"""Which images a model learns from, and which tell when to stop: whole groups apart, and never a test image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from micrographia.dataset import Dataset
from micrographia.dataset.groups import SPLIT_WORDS
from micrographia.segmentation.metrics.errors import SegmentationError

OPTIMISTIC = "groups unknown, optimistic"
"""What is said where nobody says which images belong together."""


@dataclass(frozen=True)
class Division:
    """The images of one dataset that training uses.

    Parameters
    ----------
    train, validation
        Ids of images, in the order of ``files.tsv``.
    groups
        Image id to group; None where no column says.
    column
        The group column; empty if there is none.
    how
        How they were divided, in a sentence.
    unused
        How many annotated images are neither: those of the test split.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    groups: Mapping[str, str] | None
    column: str
    how: str
    unused: int = 0

    @property
    def optimistic(self) -> bool:
        """Whether nobody says which images belong together."""
        return self.groups is None

    def learned(self, *, refit: bool) -> tuple[str, ...]:
        """Return the images that a network learns from; when it learns anew, those for validation too."""
        return self.train + self.validation if refit else self.train

    def units(self, images: Sequence[str]) -> int:
        """Return the number of groups of some images; each is its own where nobody says."""
        return len(images) if self.groups is None else len({self.groups[image] for image in images})

    def to_json(self) -> dict[str, object]:
        """Return counts and words as JSON values."""
        return {
            "how": self.how,
            "group_column": self.column or None,
            "train_images": len(self.train),
            "train_groups": self.units(self.train),
            "validation_images": len(self.validation),
            "validation_groups": self.units(self.validation),
            "unused_images": self.unused,
            "groups_unknown": self.optimistic,
        }


@dataclass(frozen=True)
class Wish:
    """What the user asks for.

    Parameters
    ----------
    group
        Group column whose groups are kept together; None for the only one, or the first.
    validation
        Values of that column that validate; None to choose.
    share
        Share of the images that validate, where they are chosen.
    only
        Group column to values: other images are not used.
    images
        Ids of the images that may be used; None for all.
    """

    group: str | None = None
    validation: Sequence[str] | None = None
    share: float = 0.2
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    images: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Refuse a share that leaves nothing."""
        if not 0.0 < self.share < 1.0:
            raise SegmentationError(
                "", f"a validation share of {self.share}", "Give a number between 0 and 1"
            )


def divide(dataset: Dataset, annotated: Sequence[str], wish: Wish, *, seed: int = 0) -> Division:
    """Divide the annotated images of a dataset for training.

    A test split is never touched. Where the dataset names images for training and for validation, they are taken.
    Else groups are drawn for validation until they hold the share asked for; without a group column each image is a
    group of its own, which is optimistic where images are neighbours or of one donor.

    Parameters
    ----------
    dataset
        The dataset.
    annotated
        Ids of the images that have masks.
    wish
        What the user asks for.
    seed
        Of the draw.

    Raises
    ------
    SegmentationError
        If there is no such column or group, or nothing is left to learn from or to validate on.
    """
    column = _column(dataset, wish.group)
    chosen = [image for image in annotated if _wanted(dataset, image, wish)]
    groups = _groups(dataset, chosen, column) if column else None
    splits = {image: _split(dataset.image_split(image)) for image in chosen}
    usable = [image for image in chosen if splits[image] != "test"]
    unused = len(chosen) - len(usable)
    own = {image: (groups or {}).get(image, image) for image in chosen}
    _apart(dataset, own, splits)
    named = [image for image in usable if splits[image] == "validation"]
    trained = [image for image in usable if splits[image] == "train"]
    noted = f"; {OPTIMISTIC}" if groups is None else ""
    if wish.validation is not None:
        if groups is None:
            raise SegmentationError(
                dataset.path, "has no group column to validate by", "Describe it with --group"
            )
        absent = sorted(set(wish.validation) - set(own.values()))
        if absent:
            raise SegmentationError(dataset.path, f"has no group {absent[0]!r} in {column}", "See files.tsv")
        held = [image for image in usable if own[image] in set(wish.validation)]
        rest = [image for image in usable if own[image] not in set(wish.validation)]
        return _verified(
            dataset, Division(tuple(rest), tuple(held), groups, column, "the groups asked for", unused)
        )
    if named and trained:
        how = f"the dataset's own splits{noted}"
        unused += len(usable) - len(named) - len(trained)
        return _verified(dataset, Division(tuple(trained), tuple(named), groups, column, how, unused))
    pool = trained or usable
    unused += len(usable) - len(pool)
    held = _drawn(pool, own, wish.share, seed)
    rest = [image for image in pool if image not in set(held)]
    if groups is not None and not rest:  # one group holds everything
        own = {image: image for image in pool}
        held = _drawn(pool, own, wish.share, seed)
        rest = [image for image in pool if image not in set(held)]
        how = (
            f"images drawn from the only {column} with seed {seed}: not independent of the others, optimistic"
        )
    else:
        how = f"{'images' if groups is None else f'whole groups ({column})'} drawn with seed {seed}{noted}"
    return _verified(dataset, Division(tuple(rest), tuple(held), groups, column, how, unused))


def _column(dataset: Dataset, wanted: str | None) -> str:
    if wanted is None:
        return dataset.groups[0] if dataset.groups else ""
    if wanted not in dataset.groups:
        there = ", ".join(dataset.groups) or "none: see `micrographia check --pixels`"
        raise SegmentationError(
            dataset.path, f"has no group column {wanted!r}", f"Its group columns: {there}"
        )
    return wanted


def _wanted(dataset: Dataset, image: str, wish: Wish) -> bool:
    if wish.images is not None and image not in set(wish.images):
        return False
    for column, values in wish.only.items():
        if column not in dataset.groups:
            there = ", ".join(dataset.groups) or "none"
            raise SegmentationError(
                dataset.path, f"has no group column {column!r}", f"Its group columns: {there}"
            )
        if dataset.image_groups(image).get(column, "") not in values:
            return False
    return True


def _groups(dataset: Dataset, images: Sequence[str], column: str) -> dict[str, str]:
    # An image without a value is a group of its own: it is not known to belong to any.
    return {image: dataset.image_groups(image).get(column, "") or f"image {image}" for image in images}


def _split(text: str) -> str:
    return SPLIT_WORDS.get(text.strip().lower(), text.strip().lower())


def _apart(dataset: Dataset, own: Mapping[str, str], splits: Mapping[str, str]) -> None:
    """Refuse splits that divide a group between test and the rest: stopping would be decided by test images."""
    tested = {own[image] for image, split in splits.items() if split == "test"}
    torn = sorted({own[image] for image, split in splits.items() if split != "test"} & tested)
    if torn:
        raise SegmentationError(
            dataset.path,
            f"has images of group {torn[0]!r} in the test split and outside of it",
            "Make splits that keep groups together: micrographia describe --split, or name another --group",
        )


def _drawn(images: Sequence[str], own: Mapping[str, str], share: float, seed: int) -> list[str]:
    """Return images of whole groups, in the order of a hash of seed and name, until they are enough.

    A group that would take more than half as much again as asked for is passed over while another fits.
    """
    members: dict[str, list[str]] = {}
    for image in images:
        members.setdefault(own[image], []).append(image)
    order = sorted(members, key=lambda name: hashlib.sha256(f"{seed}\n{name}".encode()).hexdigest())
    wanted = max(1.0, share * len(images))
    found: set[str] = set()
    held = 0
    for name in order:
        if held and held + len(members[name]) > 1.5 * wanted:
            continue
        if (
            not held
            and len(members[name]) > 1.5 * wanted
            and any(len(members[other]) <= 1.5 * wanted for other in order)
        ):
            continue
        found.add(name)
        held += len(members[name])
        if held >= wanted:
            break
    return [image for image in images if own[image] in found]


def _verified(dataset: Dataset, division: Division) -> Division:
    if not division.train or not division.validation:
        lacking = "train" if not division.train else "validate"
        raise SegmentationError(
            dataset.path,
            f"leaves no image to {lacking} on ({division.how})",
            "Annotate more images, or choose other groups, --only or --images",
        )
    return division
