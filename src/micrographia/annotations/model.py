"""What an annotation file holds, whatever its format: tables, label images, classes, and what was found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from micrographia.annotations.conforming import conform, empty
from micrographia.findings import Finding
from micrographia.images import Image

MASK_KINDS = ("instance", "semantic", "binary", "annotated_region")


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One class as an annotation file names it.

    Parameters
    ----------
    id
        Its number, or None where the format has names only.
    name
        Its name.
    color
        Six hexadecimal digits ``RRGGBB``; empty if unknown.
    parent
        Name of the class above it; empty if none.
    """

    id: int | None
    name: str
    color: str = ""
    parent: str = ""


class MaskKey(NamedTuple):
    """Which label image: of which image, in which annotation set, on which layer (from 1)."""

    image: str
    set: str = ""
    layer: int = 1


@dataclass(frozen=True, slots=True)
class Mask:
    """A label image and how its values are meant.

    Parameters
    ----------
    labels
        Integer pixels without channels, read lazily; 0 is background.
    kind
        ``instance`` (a value is an object), ``semantic`` (a value is a class), ``binary`` (everything that is not 0
        is foreground), ``annotated_region`` (where anybody annotated), or empty where the file does not say.
    """

    labels: Image
    kind: str = ""


@dataclass
class Annotations:
    """Annotations as read from a file, or to be written to one.

    Parameters
    ----------
    tables
        Kind of table (a key of ``TABLES``) to table.
    masks
        Label images.
    classes
        The classes that the file lists.
    sizes
        Image id to (Y, X) where the file states it.
    about
        What the file says about the dataset as a whole (such as the licences in COCO), as it says it.
    findings
        What was coerced, left out or assumed.
    format
        Name of the format they were read from; empty if none.
    path
        The file they were read from; empty if none.
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    masks: dict[MaskKey, Mask] = field(default_factory=dict)
    classes: list[ClassEntry] = field(default_factory=list)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    format: str = ""
    path: str = ""

    def table(self, kind: str) -> pd.DataFrame:
        """Return the table of a kind; without rows if there is none."""
        return self.tables[kind] if kind in self.tables else empty(kind)

    def add(self, kind: str, rows: pd.DataFrame | Mapping[str, Any], path: str | Path = "") -> None:
        """Conform rows to the schema of a kind and add them; an empty table is not added."""
        frame, findings = conform(pd.DataFrame(rows), kind, path)
        self.findings += findings
        if not len(frame):
            return
        if kind in self.tables:
            frame, _ = conform(pd.concat([self.tables[kind], frame], ignore_index=True), kind)
        self.tables[kind] = frame

    @property
    def images(self) -> list[str]:
        """The ids of all images that anything is said about, sorted."""
        found = {key.image for key in self.masks} | set(self.sizes)
        for table in self.tables.values():
            found |= set(table["image"].unique())
        return sorted(found)
