import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia import plugins
from micrographia.loading.normalising import Normaliser
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import (
    Context,
    MapModel,
    ModelInfo,
    Segmenter,
    Tunable,
    checked_labels,
    context_of,
    set_up,
)
from models_at_hand import Components


def test_what_is_known_of_a_model_is_json():
    info = ModelInfo(
        "nuclei",
        "1",
        "0" * 64,
        ("nucleus",),
        "YX",
        0.5,
        {"object": "nucleus"},
        "MIT",
        ({"title": "onion", "n_images": np.int64(3)},),
        settings={"depth": np.float32(0.5)},
    )
    told = json.loads(json.dumps(info.to_json()))
    assert told["trained_on"] == [{"title": "onion", "n_images": 3}]
    assert told["channel_roles"] == ["nucleus"]
    assert told["settings"] == {"depth": 0.5}


@pytest.mark.parametrize("wrong", [{"axes": "XY"}, {"channel_roles": ()}, {"pixel_size": 0.0}])
def test_what_no_model_can_be_is_refused(wrong):
    with pytest.raises(SegmentationError):
        ModelInfo("nuclei", **wrong)


def test_settings_are_part_of_the_checksum_in_whatever_order():
    info = ModelInfo("nuclei")
    first = set_up(info, "origin", {"a": 1, "b": 2.0})
    assert set_up(first, "origin", {"b": 2.0, "a": 1}).sha256 == first.sha256
    assert set_up(info, "origin", {"a": 1, "b": 2.5}).sha256 != first.sha256
    assert set_up(info, "other", {"a": 1, "b": 2.0}).sha256 != first.sha256


def test_a_plain_model_speaks_the_protocol_and_no_more():
    model = Components()
    plugins.verify(model, Segmenter)
    assert not isinstance(model, MapModel)
    assert not isinstance(model, Tunable)


@given(st.integers(0, 1000), st.sampled_from([np.uint8, np.uint16, np.float32]))
@settings(max_examples=25, deadline=None)
def test_limits_are_those_that_training_uses(seed, dtype):
    values = (np.random.default_rng(seed).random((2, 40, 30)) * 200).astype(dtype)
    context = context_of(values)
    linear = Normaliser("percentile").of(values)
    wanted = values * linear.multiply[:, None, None] + linear.add[:, None, None]
    np.testing.assert_allclose(context.normalised(values.astype(np.float32)), wanted, atol=1e-4)


def test_flat_channels_become_0():
    flat = np.full((1, 5, 5), 7, np.float32)
    assert not context_of(flat).normalised(flat).any()


@pytest.mark.parametrize("shape", [(4, 4), (1, 0, 4), (1, 1, 1, 1, 1)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(SegmentationError):
        context_of(np.zeros(shape, np.float32))


def test_contexts_compare_by_what_they_say():
    sample = np.zeros((1, 3), np.float32)
    context = Context(sample)
    context.memo["kept"] = 1
    assert context == Context(sample)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64])
def test_labels_of_any_integers_are_taken(dtype):
    labels = np.array([[0, 5], [7, 5]], dtype)
    found = checked_labels(labels, (2, 2), "model")
    assert found.dtype == np.int32
    assert found.tolist() == labels.tolist()


def test_huge_ids_without_background_stay_objects():
    labels = np.array([[1 << 40, 1 << 41]], np.uint64)
    assert checked_labels(labels, (1, 2), "model").tolist() == [[1, 2]]
