import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.images import Image
from micrographia.images.chunks import CELL_BYTES, HASHED_SIDE, cells, choose_cell, choose_layout, five, pick


class Nothing:
    def read(self, region):  # noqa: ARG002
        raise AssertionError("only the header is needed")

    def close(self):
        pass


def image(axes: str, shape: tuple[int, ...], block: tuple[int, ...] | None = None, **more) -> Image:
    return Image(
        Nothing(), path=Path("x"), axes=axes, shape=shape, dtype=np.uint16, block_shape=block, **more
    )


@pytest.mark.parametrize(
    ("axes", "shape", "chunk", "shard"),
    [
        ("CYX", (1, 520, 696), (1, 520, 696), None),
        ("CYX", (1, 1080, 1280), (1, 256, 256), (1, 1280, 1280)),
        ("CYX", (2, 520, 696), (1, 256, 256), (2, 768, 768)),
        ("CZYX", (2, 64, 2048, 2048), (1, 1, 256, 256), (1, 8, 2048, 2048)),
        ("CYX", (1, 10000, 10000), (1, 256, 256), (1, 4096, 4096)),
        ("TCYX", (500, 2, 512, 512), (1, 1, 256, 256), (64, 2, 512, 512)),
        ("YX", (40, 50), (40, 50), None),
    ],
)
def test_shards_hold_whole_planes(axes: str, shape: tuple[int, ...], chunk: tuple[int, ...], shard):
    layout = choose_layout(axes, shape, sharded=True)
    assert layout.chunk == chunk
    assert layout.shard == shard


def test_without_shards_chunks_are_larger():
    assert choose_layout("CZYX", (1, 9, 520, 696), sharded=False).chunk == (1, 1, 520, 696)
    layout = choose_layout("CZYX", (1, 9, 2048, 2048), sharded=False)
    assert layout == choose_layout("CZYX", (1, 9, 2048, 2048), sharded=False, rgb=False)
    assert (layout.chunk, layout.shard) == ((1, 1, 512, 512), None)


def test_samples_of_a_colour_stay_together():
    assert choose_layout("CYX", (3, 3000, 3000), sharded=True, rgb=True).chunk == (3, 256, 256)


def test_another_chunk_may_be_asked_for():
    assert choose_layout("ZYX", (64, 500, 500), sharded=True, chunk={"z": 4, "y": 128, "x": 64}).chunk == (
        4,
        128,
        64,
    )
    with pytest.raises(ValueError, match="power of two"):
        choose_layout("ZYX", (64, 500, 500), sharded=True, chunk={"y": 100})


@given(
    shape=st.tuples(
        st.integers(1, 40), st.integers(1, 6), st.integers(1, 300), st.integers(1, 9000), st.integers(1, 9000)
    )
)
def test_a_shard_is_a_multiple_of_its_chunk_and_bounded(shape: tuple[int, ...]):
    layout = choose_layout("TCZYX", shape, sharded=True)
    if layout.shard is None:
        assert layout.chunk == shape
        return
    assert all(a % b == 0 for a, b in zip(layout.shard, layout.chunk, strict=True))
    assert math.prod(layout.shard) <= 1 << 25


SIDE = st.integers(1, 6000)
BLOCK = st.one_of(st.integers(1, 64), st.sampled_from([240, 256, 512, 1024, 2200]))


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 90), SIDE, SIDE),
    block=st.tuples(st.just(1), st.integers(1, 3), st.integers(1, 64), BLOCK, BLOCK),
    depth=st.sampled_from([1, 2]),
    compressed=st.booleans(),
)
def test_cells_hold_whole_chunks_and_blocks(shape, block, depth: int, compressed: bool):
    source = image("TCZYX", shape, block, compression="lzw" if compressed else "")
    layout = choose_layout("TCZYX", shape, sharded=True)
    chunk = five("TCZYX", layout.chunk)
    cell = choose_cell(source, chunk, depth)
    for axis in range(5):
        assert cell[axis] % chunk[axis] == 0 or cell[axis] >= shape[axis]
    assert cell[2] % depth == 0 or shape[2] == 1
    assert cell[4] % HASHED_SIDE == 0 or cell[4] >= shape[4]
    assert cell[3] >= min(block[3], shape[3])
    smallest = math.prod([2, 3, max(depth, 64), 256 + block[3], 1024 + block[4]])
    assert math.prod(cell) * 2 <= max(CELL_BYTES, 2 * smallest)


def test_narrow_strips_of_a_wide_picture_are_not_made_into_a_large_cell():
    cell = choose_cell(image("YX", (50000, 100000), (8, 100000), compression="lzw"))
    assert cell[3:] == (256, 100096)
    cell = choose_cell(image("YX", (50000, 100000), (20, 100000)))
    assert math.prod(cell) * 2 <= CELL_BYTES


def test_cells_tile_an_array():
    seen = np.zeros((2, 1, 3, 50, 70), int)
    for region in cells(seen.shape, (1, 1, 2, 32, 64)):
        seen[region] += 1
    assert (seen == 1).all()


def test_five_and_pick_are_inverse():
    assert five("CYX", (3, 4, 5)) == (1, 3, 1, 4, 5)
    assert pick("CYX", (1, 3, 1, 4, 5)) == (3, 4, 5)
