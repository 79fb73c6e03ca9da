"""What can be asked of a catalogue, wherever it is kept."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from micrographia.catalogue.columns import Columns
from micrographia.catalogue.entry import Entry
from micrographia.catalogue.filters import Range
from micrographia.catalogue.words import Question, Vocabulary

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "MICROGRAPHIA_CATALOGUE"
"""Environment variable that names the catalogue: a file, a published folder, or its address."""

Places = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """What an image must have.

    Parameters
    ----------
    datasets
        Ids of datasets; empty for all.
    split
        Its split; empty for any.
    smallest_side
        Pixels that it has at least along Y and X.
    voxel
        Axis to micrometers a pixel.
    """

    datasets: tuple[str, ...] = ()
    split: str = ""
    smallest_side: int = 0
    voxel: dict[str, Range] = field(default_factory=dict)


class Shelf(ABC):
    """A catalogue that is open for reading. Datasets are numbered from 0, in an order of the catalogue's own.

    Parameters
    ----------
    place
        Where it is kept.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """See one state of the catalogue inside."""

    @property
    @abstractmethod
    def columns(self) -> Columns:
        """What datasets are filtered and counted by."""

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """The stems that occur."""

    @abstractmethod
    def search(self, question: Question) -> tuple[Places, Scores]:
        """Return the numbers of the datasets that answer a question, ascending, and how well (bm25, more is better)."""

    @abstractmethod
    def entries(self, places: Sequence[int]) -> list[Entry]:
        """Return datasets by their numbers."""

    @abstractmethod
    def lookup(self, text: str) -> list[int]:
        """Return the datasets with this id, accession, DOI, place, or beginning of a content checksum."""

    @abstractmethod
    def ids(self) -> list[str]:
        """Return the ids of all datasets."""

    @abstractmethod
    def images(self, wanted: ImageFilter, limit: int | None = None) -> pd.DataFrame:
        """Return the images that have what they must have, a row each, by dataset and id."""

    @abstractmethod
    def count_images(self, wanted: ImageFilter) -> dict[str, int]:
        """Return how many images of each dataset have what they must have."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files."""


IMAGE_COLUMNS = (
    "dataset",
    "image",
    "path",
    "split",
    "groups",
    "size",
    "dtype",
    "channels",
    *(f"size_{axis}" for axis in "tczyx"),
    *(f"voxel_{axis}" for axis in "zyx"),
)
"""Columns of a table of images: pixels along each axis, micrometers a pixel, bytes; groups as ``name=value; ...``."""


def default_place() -> str:
    """Return where the catalogue is kept: ``$MICROGRAPHIA_CATALOGUE``, or a file in the user's data folder.

    That is ``$XDG_DATA_HOME/micrographia/catalogue.sqlite``, by default below ``~/.local/share``.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return named
    data = os.environ.get("XDG_DATA_HOME")
    folder = Path(data) if data else Path.home() / ".local" / "share"
    return str(folder / "micrographia" / "catalogue.sqlite")
