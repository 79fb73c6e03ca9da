"""What exports pass around: one picture with its truth, the plan of an export, and what a format is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from micrographia.findings import Finding

Array = npt.NDArray[Any]

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = {
    "": TRAIN,
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
"""How datasets call a split, in lower case, to what it is; others keep their name."""


@dataclass(frozen=True, slots=True)
class Category:
    """A class of objects: its number from 1 among those of an export, its id in the dataset or None, its name."""

    number: int
    id: int | None
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture of an export: a time point of an image, or a plane of it for formats of planes, with its truth.

    Parameters
    ----------
    name
        Its name without ending: the image id, and ``_t003``, ``_z012`` where an image gives several.
    image
        Id of the image.
    time, plane
        Which time point and plane; None where the image has one only, or all planes are here.
    split
        ``train``, ``validation``, ``test``, or what the dataset calls it.
    groups
        Group column to value.
    pixels
        (C, Y, X), or (C, Z, Y, X) of a volume, as stored.
    rgb
        Whether C holds red, green and blue of a colour picture.
    channels
        What each channel is called: its role where it is known and unique, else its name, else ``channel-1``.
    layers
        Instance labels ([Z,] Y, X), int32, 0 is background; at least one, more where objects overlap. Ids are unique
        over all of them.
    classes
        Object id to number of its category; objects without a class are missing.
    ignored
        Ids of the objects that training leaves out.
    region
        Where anybody annotated ([Z,] Y, X), boolean; None for everywhere.
    spacing
        Micrometres along Z, Y, X; NaN where unknown.
    label
        Class of the image as a whole; empty if none.
    """

    name: str
    image: str
    time: int | None
    plane: int | None
    split: str
    groups: Mapping[str, str]
    pixels: Array
    rgb: bool
    channels: tuple[str, ...]
    layers: tuple[Array, ...]
    classes: Mapping[int, int]
    ignored: frozenset[int]
    region: Array | None
    spacing: tuple[float, float, float]
    label: str = ""

    @property
    def volume(self) -> bool:
        """Whether it has depth."""
        return self.pixels.ndim == 4

    @property
    def shape(self) -> tuple[int, ...]:
        """([Z,] Y, X)."""
        return tuple(int(size) for size in self.pixels.shape[1:])

    def labels(self) -> Array:
        """Return all layers as one label image: where objects overlap, the one on the first layer holds."""
        merged = self.layers[0]
        for layer in self.layers[1:]:
            merged = np.where(merged != 0, merged, layer)
        return merged

    def left_out(self) -> Array:
        """Return what training must not look at: ignored objects, and what nobody annotated, as booleans."""
        out = np.zeros(self.shape, np.bool_) if self.region is None else ~self.region
        if self.ignored:
            ids = np.array(sorted(self.ignored))
            for layer in self.layers:
                out |= np.isin(layer, ids)
        return out


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export and how.

    Parameters
    ----------
    masks
        Annotation set; by default the only one, or the first of instances.
    splits
        Splits to export, as the dataset calls them or as ``train``, ``validation``, ``test``; all by default.
    groups
        Group column to the values that are wanted.
    images
        Ids of the images that are wanted; all by default.
    channels
        Roles or names of channels, in the order in which they are written; all channels as they are by default.
    scaling
        How pixels become 8 bits: ``none``, ``dtype`` (the range of the type), ``percentile:LOW,HIGH`` (of each image
        and channel), ``fixed:LOW,HIGH``; by default what the format needs, and nothing where it needs nothing.
    overwrite
        Replace an older output, once the new one is whole.
    workers
        Threads; one a processor by default.
    quiet
        Show no progress.
    """

    masks: str | None = None
    splits: Sequence[str] | None = None
    groups: Mapping[str, Sequence[str]] | None = None
    images: Sequence[str] | None = None
    channels: Sequence[str] | None = None
    scaling: str | None = None
    overwrite: bool = False
    workers: int | None = None
    quiet: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for all pictures of an export.

    Parameters
    ----------
    title
        Title of the dataset.
    about
        Where the data are from, as it is written into ``provenance.json``.
    categories
        The classes of objects; a single one where the dataset has none.
    unnamed
        What objects without a class are written as: the only category, or one beside the others.
    scaling
        How pixels become 8 bits; ``none`` for not at all.
    kind
        ``instance``, ``semantic``, ``binary``, or empty where nobody says what the masks are.
    name
        Name of the folder that is written.
    """

    title: str
    about: Mapping[str, Any]
    categories: tuple[Category, ...]
    unnamed: Category
    scaling: str
    kind: str = ""
    name: str = ""

    def category(self, number: int | None) -> Category:
        """Return the category of a number; that of objects without a class for None."""
        return self.unnamed if number is None else self.categories[number - 1]


@dataclass(slots=True)
class Part:
    """What became of one picture.

    Parameters
    ----------
    row
        Its row in ``images.csv``.
    data
        What the format keeps until all pictures are written.
    counts
        What there is to tell, counted: kind to number.
    """

    row: dict[str, Any]
    data: Any = None
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Written:
    """Files of one picture, relative to the output, and what the format keeps of it."""

    image: str
    mask: str = ""
    data: Any = None
    counts: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class TrainingFormat(Protocol):
    """How one program wants its training data."""

    @property
    def name(self) -> str:
        """What the command line calls it."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def volumes(self) -> bool:
        """Whether it holds volumes; else each plane is a picture of its own."""
        ...

    @property
    def carries(self) -> frozenset[str]:
        """What it has a place for, of ``classes``, ``ignored``, ``region``, ``overlaps``, ``spacing``."""
        ...

    @property
    def uniform(self) -> bool:
        """Whether all pictures must have as many channels, and all be planes or all volumes."""
        ...

    @property
    def scaling(self) -> str:
        """How pixels become what it can hold: ``none``, or as in :class:`ExportOptions`."""
        ...

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write one picture below ``root``; called from several threads.

        Raises
        ------
        LoadingError
            If the format cannot hold it.
        """
        ...

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:
        """Write what holds for all, after the pictures; return what there is to tell."""
        ...
