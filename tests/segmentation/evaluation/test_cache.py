import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from micrographia.segmentation.evaluation import cache as module
from micrographia.segmentation.evaluation.cache import Cache, entry_key, folder_for, packed, unpacked


@given(arrays(np.int32, array_shapes(min_dims=2, max_dims=3, max_side=9), elements=st.integers(0, 2**31 - 1)))
def test_labels_come_back_as_they_were(labels):
    back = unpacked(packed(labels))
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, labels)


def test_labels_of_no_pixel_and_of_too_many(monkeypatch):
    assert unpacked(packed(np.zeros((0, 5), np.int32))).shape == (0, 5)
    monkeypatch.setattr(module, "LARGEST", 3)
    assert packed(np.zeros((2, 2), np.int32)) is None


def test_an_entry_is_found_by_its_key_alone(tmp_path):
    held = Cache(tmp_path / "cache")
    one, other = entry_key(model="a", item="b"), entry_key(model="a", item="c")
    assert one != other
    assert one == entry_key(item="b", model="a")
    assert held.get(one) is None
    labels = np.arange(6, dtype=np.int32).reshape(2, 3)
    held.put(one, {"record": {"x": 1.5}}, packed(labels))
    assert held.get(one)["record"] == {"x": 1.5}
    assert held.get(other) is None
    np.testing.assert_array_equal(held.labels(one), labels)
    assert held.labels(other) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": "another"}'])
def test_a_damaged_entry_is_computed_again(tmp_path, damage):
    held = Cache(tmp_path)
    key = entry_key(model="a")
    held.put(key, {"record": {}})
    next(tmp_path.rglob("*.json")).write_bytes(damage)
    assert held.get(key) is None


def test_where_the_cache_lies(tmp_path, monkeypatch):
    monkeypatch.delenv("MICROGRAPHIA_CACHE", raising=False)
    assert folder_for(tmp_path, None) == tmp_path / "cache"
    monkeypatch.setenv("MICROGRAPHIA_CACHE", str(tmp_path / "shared"))
    assert folder_for(tmp_path, None) == tmp_path / "shared"
    assert folder_for(tmp_path, tmp_path / "own") == tmp_path / "own"
