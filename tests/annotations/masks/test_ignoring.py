"""The annotated region and the objects outside it."""

import numpy as np
import pandas as pd
import pytest

from micrographia.annotations import annotated_region, conform, mark_ignored, objects_table, region_coverage
from micrographia.errors import AnnotationError

LABELS = np.array([[1, 1, 0, 2], [1, 1, 0, 2], [0, 0, 0, 2], [3, 3, 3, 2]])


def test_a_region_is_the_union_of_its_shapes():
    boxes, _ = conform(pd.DataFrame({"object_id": [1], "y0": [0], "x0": [0], "y1": [2], "x1": [2]}), "boxes")
    ring = {"object_id": [1], "y": [[1.5, 1.5, 3.5, 3.5]], "x": [[-0.5, 0.5, 0.5, -0.5]]}
    polygons, _ = conform(pd.DataFrame(ring), "polygons")
    region = annotated_region((4, 4), boxes=boxes, polygons=polygons)
    assert np.argwhere(region).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [3, 0]]
    assert annotated_region((2, 2)).all()


def test_coverage_counts_pixels():
    region = np.zeros((4, 4), bool)
    region[:2] = True
    coverage = region_coverage(LABELS, region)
    assert coverage[["label_id", "area", "inside"]].values.tolist() == [[1, 4, 4], [2, 4, 2], [3, 3, 0]]


def test_objects_outside_are_ignored():
    region = np.zeros((4, 4), bool)
    region[:2] = True
    objects = objects_table(LABELS)
    assert mark_ignored(objects, LABELS, region)["ignore"].tolist() == [False, False, True]
    assert mark_ignored(objects, LABELS, region, least=1)["ignore"].tolist() == [False, True, True]
    assert objects["ignore"].tolist() == [False] * 3


def test_time_points_are_ignored_apart():
    labels = np.stack([LABELS, LABELS])
    region = np.zeros(labels.shape, bool)
    region[1] = True
    marked = mark_ignored(objects_table(labels, axes="TYX"), labels, region, axes="TYX")
    assert marked["ignore"].tolist() == [True] * 3 + [False] * 3


def test_a_region_of_another_size_is_refused():
    with pytest.raises(AnnotationError, match="annotated region is"):
        region_coverage(LABELS, np.ones((2, 2), bool))
