from concurrent.futures import ThreadPoolExecutor

import numcodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrographia.images import codecs_native
from micrographia.images.codecs import Codec, CodecError, codec_from_v2, codec_from_v3

TYPES = st.sampled_from([np.uint8, np.int16, np.uint16, np.uint32, np.float32, np.float64])


@given(
    chunk=TYPES.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=3, max_side=40))),
    labels=st.booleans(),
)
def test_what_is_encoded_can_be_decoded_here_and_by_numcodecs(chunk: np.ndarray, labels: bool):
    codec = Codec.for_role(chunk.dtype, labels=labels)
    data = codec.encode(chunk)
    out = np.empty_like(chunk)
    codec.decode(data, out)
    assert out.tobytes() == chunk.tobytes()
    assert bytes(numcodecs.get_codec(codec.v2).decode(data)) == chunk.tobytes()


@pytest.mark.parametrize(
    "compressor",
    [
        None,
        {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
        {"id": "zstd", "level": 3},
        {"id": "gzip", "level": 1},
        {"id": "zlib", "level": 1},
    ],
)
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "|u1", ">f4"])
def test_codecs_of_others(compressor: dict | None, dtype: str):
    chunk = np.arange(600).reshape(20, 30).astype(dtype)
    data = chunk.tobytes() if compressor is None else bytes(numcodecs.get_codec(compressor).encode(chunk))
    codec = codec_from_v2(compressor, None, np.dtype(dtype))
    assert codec is not None
    out = np.empty((20, 30), dtype)
    codec.decode(data, out)
    assert (out == chunk).all()


def test_codecs_that_are_left_to_others():
    kind = np.dtype(np.uint16)
    assert codec_from_v2({"id": "lzma"}, None, kind) is None
    assert codec_from_v2({"id": "zstd"}, [{"id": "delta"}], kind) is None
    assert codec_from_v3([{"name": "transpose"}, {"name": "bytes"}], kind) is None
    assert codec_from_v3([{"name": "bytes"}, {"name": "zstd"}, {"name": "crc32c"}], kind) is None
    assert codec_from_v3([{"name": "bytes"}, {"name": "zlib"}], kind) is None


def test_byte_order_is_that_of_the_metadata():
    big = codec_from_v3([{"name": "bytes", "configuration": {"endian": "big"}}], np.dtype(np.uint16))
    assert big == Codec("", np.dtype(">u2"))


@pytest.mark.parametrize("name", ["blosc", "zstd", "gzip", "zlib", ""])
@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "larger"])
def test_damaged_data_are_refused(name: str, damage: str):
    chunk = np.arange(600, dtype=np.uint16)
    codec = Codec(name, chunk.dtype)
    compressor = {"blosc": {"id": "blosc"}, "": None}.get(name, {"id": name})
    whole = np.tile(chunk, 4) if damage == "larger" else chunk
    data = whole.tobytes() if compressor is None else bytes(numcodecs.get_codec(compressor).encode(whole))
    data = {"cut": data[: len(data) // 2], "empty": b"", "zeros": bytes(100), "larger": data}[damage]
    with pytest.raises(CodecError):
        codec.decode(data, np.empty_like(chunk))


def cell_of(seed: int, shape: tuple[int, ...], kind: type) -> np.ndarray:
    random = np.random.default_rng(seed)
    cell = random.integers(0, 40, shape).astype(kind)
    cell[:, :, : shape[2] // 2, : shape[3] // 2] = 0
    return cell


@settings(deadline=None, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 70), st.integers(1, 70)),
    chunk=st.tuples(
        st.sampled_from([1, 3]),
        st.sampled_from([1, 2, 4]),
        st.sampled_from([8, 16, 70]),
        st.sampled_from([7, 32]),
    ),
    kind=TYPES,
    labels=st.booleans(),
    leave_out=st.booleans(),
)
def test_kernels_give_the_bytes_of_one_call_a_chunk(shape, chunk, kind: type, labels: bool, leave_out: bool):
    cell = cell_of(1, shape, kind)
    codec = Codec.for_role(cell.dtype, labels=labels)
    assert codecs_native.functions() is not None, "the C functions are not found"
    fast, fast_sizes = codecs_native.encode_cell(codec, cell, chunk, leave_out=leave_out)
    slow, slow_sizes = codecs_native._encode_slowly(codec, cell, chunk, leave_out=leave_out)
    assert fast.tobytes() == slow.tobytes()
    assert fast_sizes.tolist() == slow_sizes.tolist()


def test_threads_that_come_and_go_keep_their_working_memory_to_themselves():
    chunk = np.arange(16 * 256 * 256, dtype=np.uint16).reshape(16, 256, 256) % 997
    codec = Codec.for_role(chunk.dtype, labels=True)

    def both(number: int) -> bool:
        cell = (chunk + number % 7).astype(np.uint16)[None]
        data, sizes = codecs_native.encode_cell(codec, cell, (1, 1, 256, 256), leave_out=False)
        out = np.empty((256, 256), np.uint16)
        codec.decode(data[: sizes[0]].tobytes(), out)
        return bool((out == cell[0, 0]).all())

    for _ in range(8):
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(both, range(16)))
