"""Label images to other annotations and back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import points_in_poly

from label_images import planes, volumes
from micrographia.annotations import (
    boxes_from_objects,
    boxes_from_polygons,
    class_labels_from_objects,
    conform,
    counts_from_objects,
    labels_from_boxes,
    labels_from_points,
    labels_from_polygons,
    objects_table,
    points_from_labels,
    polygons_from_labels,
)
from micrographia.errors import AnnotationError

CRESCENT = np.array([[0, 1, 1, 1, 0], [1, 1, 0, 1, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0]], np.uint8)


def table(kind, **columns):
    return conform(pd.DataFrame(columns), kind)[0]


@given(planes() | volumes())
def test_points_lie_inside_their_objects(labels):
    points = points_from_labels(labels)
    assert points["object_id"].tolist() == sorted(set(labels[labels > 0].tolist()))
    at = points[["z", "y", "x"][-labels.ndim :]].to_numpy().astype(int)
    assert (labels[tuple(at.T)] == points["object_id"]).all()


def test_the_point_of_a_crescent_is_on_its_rim():
    (point,) = points_from_labels(CRESCENT).itertuples()
    assert (point.y, point.x) == (0, 2)


@given(planes())
def test_boxes_hold_exactly_their_objects(labels):
    boxes = boxes_from_objects(objects_table(labels))
    for box in boxes.itertuples():
        rows, columns = np.nonzero(labels == box.object_id)
        assert (box.y0, box.y1) == (rows.min(), rows.max() + 1)
        assert (box.x0, box.x1) == (columns.min(), columns.max() + 1)
        assert np.isnan(box.z0)


@given(planes())
def test_boxes_of_outlines_are_boxes_of_objects(labels):
    ours = boxes_from_polygons(polygons_from_labels(labels)).set_index("object_id").sort_index()
    other = boxes_from_objects(objects_table(labels)).set_index("object_id")
    assert ours[["y0", "x0", "y1", "x1"]].equals(other[["y0", "x0", "y1", "x1"]])


def test_a_box_becomes_the_pixels_whose_centres_it_holds():
    boxes = table("boxes", object_id=[3], y0=[1], x0=[0], y1=[3], x1=[2])
    layers = labels_from_boxes(boxes, (4, 4))
    expected = np.zeros((4, 4), int)
    expected[1:3, 0:2] = 3
    assert (layers.layers[0] == expected).all()
    # A pixel i is covered from i to i + 1 in the coordinates of edges: half of it is not enough to the right.
    shifted = table("boxes", object_id=[3], y0=[1.5], x0=[0.6], y1=[2.5], x1=[2.4])
    assert np.argwhere(labels_from_boxes(shifted, (4, 4)).layers[0]).tolist() == [[1, 1]]


def test_boxes_in_volumes():
    boxes = table(
        "boxes", object_id=[1, 2], z0=[1, None], z1=[2, None], y0=[0, 1], x0=[0, 1], y1=[1, 2], x1=[1, 2]
    )
    labels = labels_from_boxes(boxes, (2, 2, 2)).layers[0]
    assert labels.tolist() == [[[0, 0], [0, 2]], [[1, 0], [0, 2]]]


def test_points_become_pixels_or_discs():
    points = table("points", object_id=[1, 2, 3], y=[0.4, 3.0, 90.0], x=[1.6, 3.0, 0.0])
    pixels = labels_from_points(points, (5, 5))
    assert np.argwhere(pixels.layers[0] == 1).tolist() == [[0, 2]]
    assert [note.code for note in pixels.findings] == ["N012"]
    discs = labels_from_points(points, (7, 7), radius=1).layers[0]
    assert np.argwhere(discs == 2).tolist() == [[2, 3], [3, 2], [3, 3], [3, 4], [4, 3]]


def test_points_become_balls():
    points = table("points", object_id=[1], z=[1], y=[1], x=[1])
    ball = labels_from_points(points, (3, 3, 3), radius=1).layers[0]
    assert ball.sum() == 7


def test_overlapping_shapes_lie_on_layers():
    boxes = table("boxes", object_id=[1, 2, 3], y0=[0, 1, 3], x0=[0, 1, 3], y1=[2, 3, 4], x1=[2, 3, 4])
    result = labels_from_boxes(boxes, (4, 4), image="a")
    assert len(result.layers) == 2
    assert result.overlap_pixels == 1
    assert result.objects[["label_id", "layer", "area"]].values.tolist() == [[1, 1, 4], [2, 2, 4], [3, 1, 1]]
    assert [note.code for note in result.findings] == ["N009"]


coordinate = st.floats(-2, 12, allow_nan=False).map(lambda value: value + 0.0137)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9))
def test_polygons_hold_the_pixel_centres_inside_them(vertices):
    y, x = (np.array(values) for values in zip(*vertices, strict=True))
    rows = table("polygons", object_id=[1], y=[y], x=[x])
    painted = labels_from_polygons(rows, (10, 10)).layers[0] > 0
    centres = np.argwhere(np.ones((10, 10)))
    inside = points_in_poly(centres, np.column_stack([y, x])).reshape(10, 10)
    on_edge = np.zeros((10, 10), bool)
    for (y0, x0), (y1, x1) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        cross = (centres[:, 0] - y0) * (x1 - x0) - (centres[:, 1] - x0) * (y1 - y0)
        on_edge |= (np.abs(cross) < 1e-6).reshape(10, 10)
    assert (painted == inside)[~on_edge].all()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=6))
def test_shapes_that_share_edges_share_no_pixel(vertices):
    """A fan of triangles around any polygon covers it without overlap beyond that of the triangles themselves."""
    y, x = (np.array(values, float) for values in zip(*vertices, strict=True))
    cut = [float(np.median(y)), float(np.median(x))]
    whole = table("polygons", object_id=[1], y=[y], x=[x])
    expected = labels_from_polygons(whole, (9, 9)).layers[0] > 0
    parity = np.zeros((9, 9), int)
    for k in range(len(y)):
        n = (k + 1) % len(y)
        triangle = table("polygons", object_id=[1], y=[[y[k], y[n], cut[0]]], x=[[x[k], x[n], cut[1]]])
        parity += labels_from_polygons(triangle, (9, 9)).layers[0] > 0
    assert (parity % 2 == expected).all()


def test_an_ellipse_holds_the_pixel_centres_inside_it():
    corners = {"y": [[1.0, 1.0, 7.0, 7.0]], "x": [[2.0, 12.0, 12.0, 2.0]]}
    rows = table("polygons", object_id=[4], shape=["ellipse"], **corners)
    painted = labels_from_polygons(rows, (9, 15)).layers[0]
    y, x = np.mgrid[:9, :15]
    inside = ((y - 4) / 3) ** 2 + ((x - 7) / 5) ** 2 < 1 - 1e-9
    assert (painted[inside] == 4).all()
    assert painted.sum() <= 4 * (((y - 4) / 3) ** 2 + ((x - 7) / 5) ** 2 <= 1 + 1e-9).sum()


def test_a_turned_ellipse():
    angle = 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-6, -3], [6, -3], [6, 3], [-6, 3]]) @ turn.T + 10.03
    rows = table("polygons", object_id=[1], shape=["ellipse"], y=[corners[:, 0]], x=[corners[:, 1]])
    painted = labels_from_polygons(rows, (21, 21)).layers[0] > 0
    centres = (np.argwhere(np.ones((21, 21))) - 10.03) @ turn
    assert (painted == (np.hypot(centres[:, 0] / 6, centres[:, 1] / 3) <= 1).reshape(21, 21)).all()


def test_parts_are_united_and_holes_cut_out():
    rows = table(
        "polygons",
        object_id=[1, 1, 1],
        part=[0, 0, 1],
        ring=[0, 1, 0],
        y=[[-0.5, -0.5, 4.5, 4.5], [0.5, 0.5, 3.5, 3.5], [1.5, 1.5, 2.5, 2.5]],
        x=[[-0.5, 4.5, 4.5, -0.5], [0.5, 3.5, 3.5, 0.5], [0.5, 2.5, 2.5, 0.5]],
    )
    expected = np.ones((5, 5), int)
    expected[1:4, 1:4] = 0
    expected[2, 1:3] = 1
    assert (labels_from_polygons(rows, (5, 5)).layers[0] == expected).all()


def test_open_lines_are_told_not_painted():
    rows = table("polygons", object_id=[1], shape=["path"], y=[[0, 5]], x=[[0, 5]])
    assert [note.code for note in labels_from_polygons(rows, (6, 6)).findings] == ["N005"]


@pytest.mark.parametrize(
    ("ids", "y"), [([0], [[0.0, 0.0, 3.0]]), ([-4], [[0.0, 0.0, 3.0]]), ([1], [[0.0, 2e9, 3.0]])]
)
def test_impossible_outlines_are_refused(ids, y):
    rows = table("polygons", object_id=ids, y=y, x=[[0.0, 3.0, 3.0]])
    with pytest.raises(AnnotationError):
        labels_from_polygons(rows, (6, 6))


def test_outlines_that_cross_rows_without_end_are_refused():
    y = np.tile([0.0, 99_999.0], 1000)
    rows = table("polygons", object_id=[1], y=[y], x=[np.arange(2000.0)])
    with pytest.raises(AnnotationError, match="crosses rows"):
        labels_from_polygons(rows, (100_000, 4))


def test_classes_travel_with_objects():
    polygons = polygons_from_labels(np.array([[1, 0, 2]]))
    polygons["class_name"] = ["a", "b"]
    polygons["ignore"] = [True, False]
    objects = labels_from_polygons(polygons, (1, 3)).objects
    assert objects[["label_id", "class_name", "ignore"]].values.tolist() == [[1, "a", True], [2, "b", False]]


def test_counts_and_class_labels():
    objects = objects_table(np.array([[1, 0, 2, 0, 3, 0, 4]]), image="a")
    objects["class_id"] = pd.Series([1, 2, 2, 2], dtype="Int64")
    objects["ignore"] = [False, False, False, True]
    counts = counts_from_objects(objects, images=["a", "empty"])
    assert counts[["image", "count"]].values.tolist() == [["a", 1], ["a", 2], ["empty", 0]]
    assert counts["class_id"].tolist()[:2] == [1, 2]
    labels = class_labels_from_objects(objects)
    assert labels[["object_id", "class_id"]].values.tolist() == [[1, 1], [2, 2], [3, 2], [4, 2]]


def test_boxes_of_turned_ellipses_are_tight():
    """A circle of radius 5 in a square that stands on its corner."""
    side = 5 * np.sqrt(2)
    rows = table(
        "polygons", object_id=[1], shape=["ellipse"], z=[4],
        y=[[10 - side, 10, 10 + side, 10]], x=[[10, 10 + side, 10, 10 - side]],
    )  # fmt: skip
    (box,) = boxes_from_polygons(rows).itertuples()
    assert (box.y0, box.x0, box.y1, box.x1) == pytest.approx((5.5, 5.5, 15.5, 15.5))
    assert (box.z0, box.z1) == (4, 5)
