"""The sheets and columns of the form, made from the models: one sheet for each concept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from micrographia.metadata.fields import Kind, Record, Spec, specs
from micrographia.metadata.mifa import AnnotationClass, AnnotationSet, FileLevelRecord, VoxelSize, Waiver
from micrographia.metadata.rembi import (
    Biosample,
    ImageAcquisition,
    ImageAnalysis,
    ImageCorrelation,
    Specimen,
    StudyComponent,
)
from micrographia.metadata.schema import suggested
from micrographia.metadata.study import Author, Grant, Link, Publication, Study, Version
from micrographia.metadata.vocabulary import CREDIT_ROLES, AnnotationType

SET_COLUMN = "annotation set"
"""Header of the column that says to which annotation set a row belongs, by its name or its number from 1."""
OTHER = "Other"
"""Sheet of everything that has no column: dotted path and JSON."""
LISTS = "Lists"
"""Hidden sheet of the words in the drop-downs."""
FIELD_HEADERS = ("field", "value", "what it means")
"""Headers of a sheet that has a row for each field."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of the form.

    Parameters
    ----------
    title
        Its name.
    path
        Where its records are: ``study.authors``, or ``annotations[].classes`` for those of the annotation sets.
    model
        The record in each row.
    """

    title: str
    path: str
    model: type[Record]

    @property
    def in_sets(self) -> bool:
        """Whether its rows belong to annotation sets."""
        return "[]" in self.path


STUDY = Sheet("Study", "study", Study)
"""The sheet with a row for each field."""

SHEETS: tuple[Sheet, ...] = (
    Sheet("Authors", "study.authors", Author),
    Sheet("Grants", "study.grants", Grant),
    Sheet("Publications", "study.publications", Publication),
    Sheet("Links", "study.links", Link),
    Sheet("Annotations", "annotations", AnnotationSet),
    Sheet("Annotators", "annotations[].authors", Author),
    Sheet("Classes", "annotations[].classes", AnnotationClass),
    Sheet("Files", "annotations[].file_metadata", FileLevelRecord),
    Sheet("Biosamples", "biosamples", Biosample),
    Sheet("Specimens", "specimens", Specimen),
    Sheet("Acquisition", "image_acquisitions", ImageAcquisition),
    Sheet("Correlation", "image_correlations", ImageCorrelation),
    Sheet("Analysis", "image_analyses", ImageAnalysis),
    Sheet("Components", "study_components", StudyComponent),
    Sheet("Versions", "versions", Version),
    Sheet("Waivers", "waivers", Waiver),
)
"""The sheets with a row for each record."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a row of the sheet ``Study``: the path of its field inside the record, and the field."""

    path: str
    spec: Spec

    @property
    def told(self) -> str:
        """What the field means, with an example."""
        example = self.spec.example
        shown = ", ".join(map(str, example)) if isinstance(example, list) else example
        each = " One to a line." if self.spec.many else ""
        return f"{self.spec.meaning}{each}" + (f" e.g. {shown}" if shown is not None else "")

    @property
    def is_text(self) -> bool:
        """Whether it holds text, not a number."""
        return self.spec.number is None


def columns(model: type[Record], blocks: int = 1, prefix: str = "") -> Iterator[Column]:
    """Yield the columns of a record; a list of records inside it gets ``blocks`` groups of columns."""
    for spec in specs(model).values():
        at = f"{prefix}{spec.name}"
        if spec.record is None:
            yield Column(at, spec)
        elif not spec.many:
            yield from columns(spec.record, blocks, f"{at}.")
        elif model is Author:
            for number in range(blocks):
                yield from columns(spec.record, blocks, f"{at}[{number}].")


def study_rows() -> list[Column]:
    """Return the rows of the sheet ``Study``, with paths from the root."""
    voxels = [Column(f"voxel_size.{column.path}", column.spec) for column in columns(VoxelSize)]
    return [*(Column(f"study.{column.path}", column.spec) for column in columns(Study)), *voxels]


def list_text(items: list[str]) -> str:
    """Return a list of texts as one text: a line each, or JSON where that would be read differently."""
    text = "\n".join(items)
    return text if list_items(text) == items else json.dumps(items, ensure_ascii=False)


def list_items(text: str) -> list[str]:
    """Return the items of a list in one text."""
    if text.startswith("["):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            items = None
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return items
    return [line.strip() for line in text.split("\n") if line.strip()]


def choices(column: Column) -> list[str]:
    """Return the words that the drop-down of a column offers; empty for none."""
    if column.spec.kind is Kind.ANNOTATION_TYPE:
        return [str(kind) for kind in AnnotationType]
    if column.spec.choices:
        return list(column.spec.choices)
    if column.spec.name == "role":
        return list(CREDIT_ROLES)
    return suggested(column.spec)
