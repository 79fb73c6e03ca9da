"""Connected components: semantic masks to instances and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import label as connected

from label_images import planes, volumes
from micrographia.annotations import instance_to_semantic, semantic_to_instance
from micrographia.errors import AnnotationError


@given(planes() | volumes(), st.sampled_from([1, 2, 3]))
def test_components_are_those_of_scikit_image(labels, connectivity):
    connectivity = min(connectivity, labels.ndim)
    instances, _ = semantic_to_instance(labels, connectivity=connectivity)
    expected = connected(labels, connectivity=connectivity)
    pairs = set(zip(instances.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({other for _, other in pairs})
    firsts = [ours for ours in dict.fromkeys(instances.ravel().tolist()) if ours]
    assert firsts == list(range(1, len(firsts) + 1))


@given(planes())
def test_semantic_to_instance_and_back(labels):
    instances, objects = semantic_to_instance(labels, image="a")
    assert instances.dtype == np.uint16
    assert (objects["components"] == 1).all()
    assert (instance_to_semantic(instances, objects) == labels).all()


def test_numbers_run_through_time():
    labels = np.zeros((2, 2, 2), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 3
    instances, objects = semantic_to_instance(labels, axes="TYX")
    assert instances[0, 0, 0] == 1
    assert instances[1, 1, 1] == 2
    assert objects[["t", "label_id", "class_id"]].values.tolist() == [[0, 1, 3], [1, 2, 3]]


def test_an_object_without_class_is_named():
    with pytest.raises(AnnotationError, match=r"1 objects have no class, such as 2"):
        instance_to_semantic(np.array([[1, 2]]), {1: 1})


def test_wide_classes_get_a_wide_type():
    assert instance_to_semantic(np.array([[1, 2]]), {1: 1, 2: 255}).dtype == np.uint8
    assert instance_to_semantic(np.array([[1, 2]]), {1: 1, 2: 256}).dtype == np.uint16


def test_negative_classes_are_refused():
    with pytest.raises(AnnotationError, match="negative"):
        instance_to_semantic(np.array([[1]]), {1: -1})
