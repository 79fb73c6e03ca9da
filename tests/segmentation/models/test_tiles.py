import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.tiles import Stitcher, plan, row_blocks
from models_at_hand import same_partition


@given(
    st.lists(st.integers(1, 60), min_size=2, max_size=3),
    st.integers(3, 20),
    st.integers(1, 6),
)
@settings(max_examples=80, deadline=None)
def test_cores_cover_the_image_once_and_windows_see_beyond(shape, tile, overlap):
    if tile <= 2 * overlap and max(shape) > tile:
        with pytest.raises(SegmentationError, match="cannot cover"):
            plan(shape, (tile,) * len(shape), (overlap,) * len(shape))
        return
    tiles = plan(shape, (tile,) * len(shape), (overlap,) * len(shape))
    count = np.zeros(shape, int)
    for one in tiles:
        count[one.core] += 1
        for window, core, size in zip(one.window, one.core, shape, strict=True):
            assert window.stop - window.start == min(size, tile)
            assert window.start <= max(0, core.start - overlap)
            assert window.stop >= min(size, core.stop + overlap)
        window = np.zeros(shape, bool)[one.window]
        assert window[one.inside].shape == count[one.core].shape
    assert (count == 1).all()
    assert [one.index for one in tiles] == sorted(one.index for one in tiles)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_labels_that_agree_come_together_whatever_their_numbers(seed):
    rng = np.random.default_rng(seed)
    whole = np.kron(rng.integers(0, 6, (6, 7)), np.ones((4, 4), int)).astype(np.int32)
    # Objects that are one by number but not by touch are told apart by tiles; here each number is one piece.
    from skimage.measure import label

    whole = label(whole, background=0, connectivity=1).astype(np.int32)
    out = np.zeros(whole.shape, np.int32)
    tiles = plan(whole.shape, (12, 12), (3, 3))
    stitcher = Stitcher(out, tiles, (3, 3))
    for one in tiles:
        seen = whole[one.window]
        names = np.zeros(whole.max() + 1, np.int32)
        names[1:] = rng.permutation(whole.max()) + 1
        stitcher.add(one, names[seen])
    final = stitcher.finish(first=10)[out]
    assert same_partition(final, whole)
    assert final[final > 0].min(initial=11) == 11
    assert len(np.unique(final[final > 0])) == final.max(initial=10) - 10


def test_what_is_seen_beyond_cores_only_leaves_no_object():
    out = np.zeros((4, 20), np.int32)
    tiles = plan(out.shape, (4, 12), (4, 4))
    stitcher = Stitcher(out, tiles, (4, 4))
    for number, one in enumerate(tiles):
        labels = np.zeros((4, 12), np.int32)
        if number == 0:
            labels[0, 11] = 1  # beyond its core, which no other tile confirms
        stitcher.add(one, labels)
    assert stitcher.finish()[out].max() == 0


def test_blocks_of_rows_cover_all_rows():
    blocks = list(row_blocks((10, 4), most=12))
    assert [block.stop - block.start for block in blocks] == [3, 3, 3, 1]
    assert list(row_blocks((2, 100), most=1)) == [slice(0, 1), slice(1, 2)]
