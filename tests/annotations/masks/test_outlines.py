"""Outlines along pixel edges: by hand, and there and back again for any label image."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from label_images import discs, planes, volumes
from micrographia import images
from micrographia.annotations import boundary, labels_from_polygons, polygons_from_labels
from micrographia.annotations.masks.outlines import rings_of

DIAGONAL = np.array([[1, 0], [0, 1]], np.uint16)
ANTIDIAGONAL = np.array([[0, 1], [1, 0]], np.uint16)
CLOSED_BY_A_CORNER = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], np.uint16)
TWO_HOLES_AT_A_CORNER = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], np.uint16)
OBJECT_IN_A_HOLE = np.array([[2, 2, 2], [2, 7, 2], [2, 2, 2]], np.uint16)


def signed_area(ring):
    return np.dot(np.roll(ring.y, -1), ring.x) / 2 - np.dot(ring.y, np.roll(ring.x, -1)) / 2


def back(labels, connectivity, shape=None):
    result = labels_from_polygons(
        polygons_from_labels(labels, connectivity=connectivity), shape or labels.shape
    )
    assert len(result.layers) == 1
    assert result.overlap_pixels == 0
    return result.layers[0]


@given(planes(), st.sampled_from([1, 2]))
@example(DIAGONAL, 1)
@example(ANTIDIAGONAL, 2)
@example(CLOSED_BY_A_CORNER, 1)
@example(TWO_HOLES_AT_A_CORNER, 1)
@example(TWO_HOLES_AT_A_CORNER, 2)
@example(OBJECT_IN_A_HOLE, 1)
@example(np.ones((1, 1), np.uint16), 1)
def test_outlines_give_back_the_label_image(labels, connectivity):
    assert (back(labels, connectivity) == labels).all()


@given(volumes(4))
def test_outlines_of_volumes_lie_in_planes(labels):
    assert (back(labels, 1) == labels).all()


def test_outlines_of_many_objects_give_back_the_label_image():
    labels = discs()
    assert (back(labels, 1) == labels).all()


@given(planes())
def test_rings_are_simple_and_areas_add_up(labels):
    rings = rings_of(labels, 1)
    for ring in rings:
        assert len(set(zip(ring.y, ring.x, strict=True))) == len(ring.y)
        assert (signed_area(ring) > 0) == (ring.ring == 0)
    for label in np.unique(labels[labels > 0]):
        assert sum(signed_area(ring) for ring in rings if ring.label == label) == (labels == label).sum()
    outer = [(ring.label, ring.part) for ring in rings if ring.ring == 0]
    assert len(outer) == len(set(outer))
    assert {(ring.label, ring.part) for ring in rings} == set(outer)


def test_one_pixel():
    (ring,) = rings_of(np.ones((1, 1), np.uint8))
    assert list(zip(ring.y, ring.x, strict=True)) == [(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)]


def test_pixels_that_meet_at_a_corner_are_two_parts_or_one():
    assert [(ring.part, len(ring.y)) for ring in rings_of(DIAGONAL, 1)] == [(0, 4), (1, 4)]
    assert [(ring.part, len(ring.y)) for ring in rings_of(DIAGONAL, 2)] == [(0, 8)]


def test_a_ring_closed_by_a_corner():
    assert [(ring.part, ring.ring) for ring in rings_of(CLOSED_BY_A_CORNER, 1)] == [(0, 0), (0, 1)]
    assert [(ring.part, ring.ring) for ring in rings_of(CLOSED_BY_A_CORNER, 2)] == [(0, 0), (0, 1)]


def test_holes_that_meet_at_a_corner_are_two_holes():
    for connectivity in (1, 2):
        assert [ring.ring for ring in rings_of(TWO_HOLES_AT_A_CORNER, connectivity)] == [0, 1, 2]


def test_straight_edges_have_no_vertex_inside():
    labels = np.zeros((9, 9), np.uint8)
    labels[2:7, 1:8] = 3
    (ring,) = rings_of(labels)
    assert list(zip(ring.y, ring.x, strict=True)) == [(1.5, 0.5), (1.5, 7.5), (6.5, 7.5), (6.5, 0.5)]


def test_the_table_says_plane_and_time():
    labels = np.zeros((2, 2, 3, 3), np.uint8)
    labels[1, 0, 1, 1] = 5
    table = polygons_from_labels(labels, image="a", set_name="s")
    assert table[["image", "set", "object_id", "t", "z", "part", "ring"]].values.tolist() == [
        ["a", "s", 5, 1, 0, 0, 0]
    ]


def test_other_connectivities_are_refused():
    with pytest.raises(ValueError, match="1 or 2"):
        rings_of(DIAGONAL, 3)


def test_boundary_pixels():
    labels = np.zeros((5, 6), np.uint16)
    labels[0:4, 0:3], labels[0:4, 3:6] = 1, 2
    expected = np.array(
        [[0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]],
        bool,
    )
    assert (boundary(labels) == expected).all()


def test_outlines_of_real_nuclei_give_back_their_masks(data):
    paths = sorted((data / "dsb2018" / "labels").glob("*.png"))[::12]
    assert len(paths) > 10
    for path in paths:
        labels = images.open_image(path).read()
        assert (back(labels, 1) == labels).all()
