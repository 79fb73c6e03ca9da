import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.maps import MapSegmenter, padded, spread
from micrographia.segmentation.models.postprocessing import Postprocessing
from micrographia.segmentation.models.protocol import ModelInfo

VALUES = {"a": (1, 2, 3), "b": (0.1, 0.2), "c": (5, 6, 7, 8, 9)}
DEFAULT = {"a": 1, "b": 0.1, "c": 5, "d": "kept"}


class Same(MapSegmenter):
    """The image is its own foreground."""

    def maps(self, image, context):  # noqa: ARG002
        return image[:1]


@given(st.integers(1, 40))
def test_settings_to_try_are_within_the_budget_and_all_different(budget):
    found = spread(DEFAULT, VALUES, budget)
    assert found[0] == DEFAULT
    assert len(found) == min(budget, 30)
    assert len({repr(sorted(one.items())) for one in found}) == len(found)
    assert all(one["d"] == "kept" for one in found)
    assert found == spread(DEFAULT, VALUES, budget)


def test_settings_to_try_spread_over_all_values():
    found = spread(DEFAULT, VALUES, 16)
    for name, values in VALUES.items():
        assert {one[name] for one in found} == set(values)


def test_settings_to_try_begin_alike_whatever_the_budget():
    assert spread(DEFAULT, VALUES, 20)[:10] == spread(DEFAULT, VALUES, 10)


def test_no_budget_is_refused():
    with pytest.raises(SegmentationError, match="budget of 0"):
        spread(DEFAULT, VALUES, 0)


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.integers(1, 16),
    st.integers(1, 40),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_images_are_mirrored_to_a_size_that_fits(shape, multiple, least, offset):
    image = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    larger, cut = padded(image, (multiple,) * 2, (least,) * 2, (offset % multiple,) * 2)
    np.testing.assert_array_equal(larger[(slice(None), *cut)], image)
    for size, before in zip(larger.shape[1:], shape, strict=True):
        assert size >= max(least, before)
        assert (size - offset % multiple) % multiple == 0
        assert size < max(least, before) + multiple


def test_settings_change_the_labels_and_the_checksum_but_not_the_model():
    model = Same(ModelInfo("same"), origin="0", outputs=("foreground",))
    image = np.zeros((1, 20, 20), np.float32)
    image[0, 4:12, 4:12] = 0.4
    assert model.predict(image).max() == 0
    low = model.with_settings({"threshold": 0.3})
    assert low.predict(image).max() == 1
    assert model.postprocessing == Postprocessing()
    assert low.info.sha256 != model.info.sha256
    assert low.with_settings({"threshold": 0.5}).info == model.info
    assert "boundary_weight" not in low.tuned
    assert len(model.settings_grid()) == 32
    with pytest.raises(SegmentationError, match="'colour'"):
        model.with_settings({"colour": 1})


@pytest.mark.parametrize("outputs", [(), ("boundary",), ("foreground", "colour"), ("foreground",) * 2])
def test_maps_without_a_foreground_are_refused(outputs):
    with pytest.raises(SegmentationError, match="cannot be made into instances"):
        Same(ModelInfo("same"), origin="0", outputs=outputs)
