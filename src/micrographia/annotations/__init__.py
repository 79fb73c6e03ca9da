"""Marks on images: masks, boxes, polygons, points, class labels, counts, tracks, graphs; and their file formats.

Everything is imported when it is first used: the kernels need numba, the tables pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from micrographia.annotations.codes import CODES
    from micrographia.annotations.conforming import conform, empty
    from micrographia.annotations.digest import table_digest
    from micrographia.annotations.formats import FORMATS, AnnotationFormat, read, sniff, write
    from micrographia.annotations.masks import (
        LabelFacts,
        LabelLayers,
        ObjectAccumulator,
        annotated_region,
        boundary,
        boxes_from_objects,
        boxes_from_polygons,
        class_labels_from_objects,
        counts_from_objects,
        instance_to_semantic,
        label_facts,
        labels_from_boxes,
        labels_from_points,
        labels_from_polygons,
        mark_ignored,
        merge_object_masks,
        objects_table,
        points_from_labels,
        polygons_from_labels,
        region_coverage,
        semantic_to_instance,
    )
    from micrographia.annotations.model import MASK_KINDS, Annotations, ClassEntry, Mask, MaskKey
    from micrographia.annotations.parquet import read_table, write_table
    from micrographia.annotations.tables import TABLES, Column, TableSchema, schema_markdown

__all__ = [
    "CODES",
    "FORMATS",
    "MASK_KINDS",
    "TABLES",
    "AnnotationFormat",
    "Annotations",
    "ClassEntry",
    "Column",
    "LabelFacts",
    "LabelLayers",
    "Mask",
    "MaskKey",
    "ObjectAccumulator",
    "TableSchema",
    "annotated_region",
    "boundary",
    "boxes_from_objects",
    "boxes_from_polygons",
    "class_labels_from_objects",
    "conform",
    "counts_from_objects",
    "empty",
    "instance_to_semantic",
    "label_facts",
    "labels_from_boxes",
    "labels_from_points",
    "labels_from_polygons",
    "mark_ignored",
    "merge_object_masks",
    "objects_table",
    "points_from_labels",
    "polygons_from_labels",
    "read",
    "read_table",
    "region_coverage",
    "schema_markdown",
    "semantic_to_instance",
    "sniff",
    "table_digest",
    "write",
    "write_table",
]

_HOMES = {
    "codes": ("CODES",),
    "conforming": ("conform", "empty"),
    "digest": ("table_digest",),
    "formats": ("FORMATS", "AnnotationFormat", "read", "sniff", "write"),
    "model": ("MASK_KINDS", "Annotations", "ClassEntry", "Mask", "MaskKey"),
    "parquet": ("read_table", "write_table"),
    "tables": ("TABLES", "Column", "TableSchema", "schema_markdown"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_HOME.get(name, 'masks')}"), name)
    return value
