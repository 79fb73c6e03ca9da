"""Label images: their objects, outlines, layers, and what they become as boxes, points and counts."""

from micrographia.annotations.masks.convert import (
    boxes_from_objects,
    boxes_from_polygons,
    class_labels_from_objects,
    counts_from_objects,
    labels_from_boxes,
    labels_from_points,
    labels_from_polygons,
    points_from_labels,
)
from micrographia.annotations.masks.ignoring import annotated_region, mark_ignored, region_coverage
from micrographia.annotations.masks.layers import LabelLayers, merge_object_masks
from micrographia.annotations.masks.objects import LabelFacts, ObjectAccumulator, label_facts, objects_table
from micrographia.annotations.masks.outlines import boundary, polygons_from_labels
from micrographia.annotations.masks.regions import instance_to_semantic, semantic_to_instance

__all__ = [
    "LabelFacts",
    "LabelLayers",
    "ObjectAccumulator",
    "annotated_region",
    "boundary",
    "boxes_from_objects",
    "boxes_from_polygons",
    "class_labels_from_objects",
    "counts_from_objects",
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
    "region_coverage",
    "semantic_to_instance",
]
