import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.images import ArrayImage, open_label, write_image
from micrographia.images.ome_zarr_writer import LabelSource
from micrographia.segmentation.metrics import SegmentationError, contingency, contingency_blockwise
from micrographia.segmentation.metrics.blocks import count_blocks, tiles
from segmentation.metrics.oracle import blobs, pairs
from segmentation.metrics.test_contingency import same


@given(pairs(), st.integers(1, 40), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_blocks_of_any_size_are_the_whole(pair, target, threads):
    truth, predicted = pair
    tally = count_blocks(truth, predicted, None, block=None, target=target, threads=threads)
    assert same(tally.result(), contingency(truth, predicted))


@given(st.lists(st.integers(1, 20), min_size=1, max_size=3), st.data())
@settings(deadline=None, max_examples=50)
def test_tiles_cover_every_pixel_once(shape, data):
    block = data.draw(st.none() | st.tuples(*[st.integers(1, 30)] * len(shape)))
    target = data.draw(st.integers(1, 500))
    covered = np.zeros(shape, int)
    parts = tiles(shape, block, target)
    for index in np.ndindex(*map(len, parts)):
        covered[tuple(part[at] for part, at in zip(parts, index, strict=True))] += 1
    assert (covered == 1).all()
    if block is None:
        assert np.prod([part[0].stop for part in parts]) <= max(target, 1)


def test_memory_maps_images_and_chunked_arrays(tmp_path):
    import zarr

    truth, predicted = blobs(4, (12, 60, 70), 50)
    region = np.zeros(truth.shape, bool)
    region[:, 5:50, :66] = True
    wanted = contingency(truth, predicted, region=region, ignore=[3, 7])
    np.save(tmp_path / "truth.npy", truth)
    mapped = np.load(tmp_path / "truth.npy", mmap_mode="r")
    chunked = zarr.create_array(tmp_path / "p.zarr", shape=truth.shape, chunks=(5, 32, 32), dtype="uint16")
    chunked[:] = predicted.astype("uint16")
    options = {"region": region, "ignore": [3, 7]}
    assert same(contingency_blockwise(mapped, chunked, **options), wanted)
    assert same(contingency_blockwise(chunked, chunked), contingency(predicted, predicted))
    image = ArrayImage(truth, "ZYX")
    assert same(contingency_blockwise(image, chunked, **options, threads=3, quiet=False), wanted)
    assert same(contingency_blockwise(image, ArrayImage(predicted, "ZYX"), **options), wanted)


def test_labels_of_an_ome_zarr_are_read_in_blocks(tmp_path):
    truth, predicted = blobs(6, (300, 400), 80)
    raw = ArrayImage(np.zeros((300, 400), np.uint16), "YX")
    sources = [
        LabelSource("truth", ArrayImage(truth, "YX")),
        LabelSource("model", ArrayImage(predicted, "YX")),
    ]
    write_image(tmp_path / "image.ome.zarr", raw, labels=sources)
    table = contingency_blockwise(
        open_label(tmp_path / "image.ome.zarr", "truth"), open_label(tmp_path / "image.ome.zarr", "model")
    )
    assert same(table, contingency(truth, predicted))


def test_bad_sources_are_named():
    flat = np.zeros((4, 4), int)
    with pytest.raises(SegmentationError, match="the prediction has 2 channels"):
        contingency_blockwise(flat, ArrayImage(np.zeros((2, 4, 4), np.uint8), "CYX"))
    with pytest.raises(SegmentationError, match="the truth has 3 time points"):
        contingency_blockwise(ArrayImage(np.zeros((3, 4, 4), np.uint8), "TYX"), flat)
    with pytest.raises(SegmentationError, match="the truth holds float32"):
        contingency_blockwise(flat.astype(np.float32), flat)
    with pytest.raises(SegmentationError, match="no pixels"):
        contingency_blockwise(flat[:0], flat[:0])
    with pytest.raises(SegmentationError, match="the prediction"):
        contingency_blockwise(flat, flat[:3])
    with pytest.raises(SegmentationError, match="the region"):
        contingency_blockwise(flat, flat, region=flat[:, :3] > 0)
    with pytest.raises(SegmentationError, match="a negative label, -1"):
        contingency_blockwise(flat, flat - 1)


class Failing:
    """Labels that cannot be read from the second block on."""

    shape = (40, 1 << 20)
    dtype = np.dtype("uint8")
    reads = 0

    def __getitem__(self, region: tuple[slice, ...]) -> np.ndarray:
        self.reads += 1
        if region[0].start:
            raise OSError("the disk is gone")
        return np.zeros([part.stop - part.start for part in region], np.uint8)


def test_an_error_in_a_thread_ends_the_work():
    source = Failing()
    with pytest.raises(OSError, match="the disk is gone"):
        contingency_blockwise(source, source, threads=2)
    assert source.reads < 10
