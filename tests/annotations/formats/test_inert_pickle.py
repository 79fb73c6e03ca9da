"""The reader of plain pickles: equal to Python's for data, an error for everything else, memory bounded by the file."""

import contextlib
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from micrographia.annotations.formats.inert_pickle import InertUnpickler, UnsafePickle, array_of, plain

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.lists(inner).map(tuple)
    ),
    max_leaves=20,
)


def load(data):
    return InertUnpickler(memoryview(data)).load()


def bare(value):
    """Byte strings come as views."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return type(value)(bare(item) for item in value)
    return {key: bare(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(values, st.integers(0, 5))
def test_plain_data_are_read_as_python_reads_them(value, protocol):
    assert bare(load(pickle.dumps(value, protocol))) == value


@given(
    st.sampled_from(["u1", "i2", ">u4", "i8", "f4", ">f8", "?"]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_side=0))
    ),
    st.integers(0, 5),
    st.booleans(),
)
def test_arrays_are_read_as_numpy_reads_them(array, protocol, turned):
    array = np.asfortranarray(array) if turned else array
    found = array_of(load(pickle.dumps(array, protocol)))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("value", [np.float64(2.5), np.int16(-3), np.bool_(True)])
def test_scalars_of_numpy(value):
    assert plain(load(pickle.dumps(value))) == value.item()


def test_sets_and_shared_values():
    shared = [1, 2]
    assert load(pickle.dumps({"a": {1, "x"}, "b": shared, "c": shared}, 4)) == {
        "a": {1, "x"},
        "b": [1, 2],
        "c": [1, 2],
    }


@pytest.mark.parametrize(
    "value",
    [
        print,
        pickle.Pickler,
        np.add,
        np.random.default_rng,
        complex(1, 2),
        slice(3),
        bytearray,
        range(3),
        np.dtype("O").type,
    ],
)
@pytest.mark.parametrize("protocol", [0, 3, 5])
def test_names_are_refused(value, protocol):
    with pytest.raises(UnsafePickle):
        load(pickle.dumps([value], protocol))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"(",
        b"]",
        b"a.",
        b"t.",
        b"]K\x01b.",
        b"K\x01K\x02R.",
        b"\x80\xff.",
        b"j\xff\xff\xff\xff.",
        b"\x8b\xff\xff\xff\x7f" + bytes(20) + b".",
        b"\x8e" + struct.pack("<Q", 2**62) + b".",
        b"\x96" + struct.pack("<Q", 2**40) + b".",
        b"T\xff\xff\xff\xff.",
        b"I" + b"9" * 5000 + b"\n.",
        b"Fx\n.",
        b"cos\nsystem\n.",
        b"}](K\x01u.",
        b"}]K\x01s.",
        b"\x8f(]\x90.",
        b"Pid\n.",
        b"\x82\x01.",
        b"N\x93.",
    ],
)
def test_broken_pickles_are_refused(data):
    with pytest.raises(UnsafePickle):
        load(data)


@given(st.binary(max_size=60))
def test_random_bytes_never_break_it(data):
    with contextlib.suppress(UnsafePickle):
        plain(load(data))


@pytest.mark.parametrize(
    ("shape", "raw"),
    [
        ((2**40, 2**40), b""),
        ((3,), b"12345678"),
        ((-1,), b""),
        (("x",), b""),
        ((1,) * 9, b"12345678"),
        ((2**62, 0), b"1"),
    ],
)
def test_arrays_that_lie_about_their_size_are_refused(shape, raw):
    array = pickle.loads(pickle.dumps(np.zeros(1, np.int64), 3))
    held = array.__reduce__()
    dtype = held[2][2]

    class Liar:
        def __reduce__(self):
            return held[0], held[1], (1, shape, dtype, False, raw)

    with pytest.raises(UnsafePickle):
        array_of(load(pickle.dumps(Liar(), 3)))


def test_memory_is_bounded_by_the_file():
    """A memo index of two billion makes the usual reader allocate gigabytes."""
    tracemalloc.start()
    with pytest.raises(UnsafePickle):
        load(b"Nr\x00\x00\x00\x80" * 1000 + b"\x8e" + struct.pack("<Q", 2**50))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_values_that_hold_themselves_end():
    value: list = []
    value.append(value)
    with pytest.raises(UnsafePickle, match="nested too deeply"):
        plain(load(pickle.dumps(value)))
