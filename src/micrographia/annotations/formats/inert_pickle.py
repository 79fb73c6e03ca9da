"""Read plain data out of a pickle without running anything.

Python's own unpickler calls whatever the file names. This interpreter knows the opcodes for numbers, text,
bytes, lists, tuples, dictionaries and sets; the few functions by which NumPy pickles arrays, types and
scalars are recognised by name and become inert records, from which arrays are made after checking every
size. Any other name, and any other opcode, is an error.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.files import clean

ARRAY = frozenset({"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"})
SCALAR = frozenset({"numpy.core.multiarray scalar", "numpy._core.multiarray scalar"})
BUFFER = frozenset({"numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer"})
NAMES = (
    ARRAY
    | SCALAR
    | BUFFER
    | {"numpy ndarray", "numpy dtype", "_codecs encode", "__builtin__ bytes", "builtins bytes"}
)
MAX_DEPTH = 40


class UnsafePickle(ValueError):  # noqa: N818 - it names what the file is
    """A pickle that holds more than plain data, or is broken."""


@dataclass
class Global:
    """A function or class that the pickle names; it is never looked up."""

    name: str


@dataclass
class Record:
    """What a named function would have made: its arguments, and the state that was set on it."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = None


class _Mark:
    """Stands on the stack where a group of items begins."""


_MARK = _Mark()


class InertUnpickler:
    """Reads one pickle.

    Parameters
    ----------
    data
        Its bytes, such as a mapped file; long byte strings stay views into it.
    """

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """Return what the pickle holds, arrays as :class:`Record`.

        Raises
        ------
        UnsafePickle
            If it holds more than plain data, or is broken.
        """
        try:
            while True:
                code = self._take(1)[0]
                if code == 0x2E:
                    return self.stack.pop()
                action = _ACTIONS.get(code)
                if action is None:
                    raise UnsafePickle(f"it has an instruction that data do not need: {bytes([code])!r}")
                action(self)
        except (
            IndexError,
            KeyError,
            TypeError,
            AttributeError,
            struct.error,
            UnicodeDecodeError,
            OverflowError,
        ) as error:
            raise UnsafePickle(f"it is broken: {type(error).__name__}") from error
        except ValueError as error:
            raise UnsafePickle(str(error)) from error

    def _take(self, count: int) -> memoryview:
        if count < 0 or self.at + count > len(self.data):
            raise UnsafePickle("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def _line(self) -> bytes:
        size, end = 256, -1
        while end < 0:
            if size > 512 * (1 + len(self.data) - self.at):
                raise UnsafePickle("it is broken: a line without an end")
            size *= 4
            window = bytes(self.data[self.at : self.at + size])
            end = window.find(b"\n")
        self.at += end + 1
        return window[:end]

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _items(self) -> list[Any]:
        """Take everything above the last mark off the stack."""
        at = len(self.stack) - 1
        while not isinstance(self.stack[at], _Mark):
            at -= 1
            if at < 0:
                raise UnsafePickle("it is broken: no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _text(self, count: int) -> str:
        return bytes(self._take(count)).decode("utf-8", errors="replace")

    def _global(self, module: str, name: str) -> Global:
        full = f"{module} {name}"
        if full not in NAMES:
            raise UnsafePickle(f"it would run {full.replace(' ', '.')[:120]}")
        return Global(full)

    def _reduce(self) -> None:
        arguments = self.stack.pop()
        function = self.stack.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise UnsafePickle("it would call what is no function of NumPy")
        if function.name == "_codecs encode":
            # Python 3 writes bytes so in old protocols.
            text, codec = arguments
            if codec != "latin1" or not isinstance(text, str):
                raise UnsafePickle("it encodes text in an odd way")
            self.stack.append(memoryview(text.encode("latin1")))
        elif function.name.endswith(" bytes"):
            if arguments:
                raise UnsafePickle("it makes bytes in an odd way")
            self.stack.append(memoryview(b""))
        else:
            self.stack.append(Record(function.name, arguments))

    def _build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], Record):
            raise UnsafePickle("it would set the state of what is no array")
        self.stack[-1].state = state

    def _append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise UnsafePickle("it would append to what is no list")
        target.extend(items)

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise UnsafePickle("it would set items of what is no dictionary")
        for key, value in zip(items[0::2], items[1::2], strict=True):
            if not isinstance(key, (str, int, float, bool)):
                raise UnsafePickle("it has a key that is no text and no number")
            target[key] = value

    def _add_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, set) or not all(
            isinstance(item, (str, int, float, bool)) for item in items
        ):
            raise UnsafePickle("it would add to what is no set of plain values")
        target.update(items)

    def _push(self, value: Any) -> None:
        self.stack.append(value)

    def _tuple(self, count: int) -> None:
        items = tuple(self.stack[len(self.stack) - count :])
        if len(items) < count:
            raise UnsafePickle("it ends too early")
        del self.stack[len(self.stack) - count :]
        self.stack.append(items)

    def _stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise UnsafePickle("it is broken: a name that is no text")
        self._push(self._global(module, name))

    def _decimal(self) -> None:
        word = self._line()
        if word in (b"00", b"01"):
            self._push(word == b"01")
        else:
            self._push(int(word.rstrip(b"L") or b"0"))

    def _long(self, count: int) -> None:
        if count > 1024:
            raise UnsafePickle("it has a number of absurd size")
        self._push(int.from_bytes(self._take(count), "little", signed=True))

    def _dictionary(self) -> None:
        items = self._items()
        self._push({})
        self._set_items(items)

    def _unicode_line(self) -> None:
        self._push(clean(self._line().decode("raw-unicode-escape")))


Action = Callable[[InertUnpickler], None]
_U = InertUnpickler
_ACTIONS: dict[int, Action] = {
    ord(code): action
    for code, action in {
        "\x80": lambda u: None if u._take(1)[0] <= 5 else u._global("pickle", "of a newer protocol"),
        "\x95": lambda u: u._take(8) and None,
        "(": lambda u: u._push(_MARK),
        "0": lambda u: u.stack.pop() and None,
        "N": lambda u: u._push(None),
        "\x88": lambda u: u._push(True),
        "\x89": lambda u: u._push(False),
        "I": _U._decimal,
        "L": _U._decimal,
        "J": lambda u: u._push(u._number("<i")),
        "K": lambda u: u._push(u._number("<B")),
        "M": lambda u: u._push(u._number("<H")),
        "\x8a": lambda u: u._long(u._number("<B")),
        "\x8b": lambda u: u._long(u._number("<i")),
        "F": lambda u: u._push(float(u._line())),
        "G": lambda u: u._push(struct.unpack(">d", u._take(8))[0]),
        "V": _U._unicode_line,
        "X": lambda u: u._push(u._text(u._number("<I"))),
        "\x8c": lambda u: u._push(u._text(u._number("<B"))),
        "\x8d": lambda u: u._push(u._text(u._number("<Q"))),
        "U": lambda u: u._push(u._take(u._number("<B"))),
        "T": lambda u: u._push(u._take(u._number("<i"))),
        "C": lambda u: u._push(u._take(u._number("<B"))),
        "B": lambda u: u._push(u._take(u._number("<I"))),
        "\x8e": lambda u: u._push(u._take(u._number("<Q"))),
        "\x96": lambda u: u._push(u._take(u._number("<Q"))),
        "]": lambda u: u._push([]),
        "}": lambda u: u._push({}),
        ")": lambda u: u._push(()),
        "\x8f": lambda u: u._push(set()),
        "l": lambda u: u._push(u._items()),
        "t": lambda u: u._push(tuple(u._items())),
        "\x85": lambda u: u._tuple(1),
        "\x86": lambda u: u._tuple(2),
        "\x87": lambda u: u._tuple(3),
        "d": _U._dictionary,
        "a": lambda u: u._append([u.stack.pop()]),
        "e": lambda u: u._append(u._items()),
        "s": lambda u: u._set_items([u.stack.pop(), u.stack.pop()][::-1]),
        "u": lambda u: u._set_items(u._items()),
        "\x90": lambda u: u._add_items(u._items()),
        "p": lambda u: u.memo.__setitem__(int(u._line()), u.stack[-1]),
        "q": lambda u: u.memo.__setitem__(u._number("<B"), u.stack[-1]),
        "r": lambda u: u.memo.__setitem__(u._number("<I"), u.stack[-1]),
        "\x94": lambda u: u.memo.__setitem__(len(u.memo), u.stack[-1]),
        "g": lambda u: u._push(u.memo[int(u._line())]),
        "h": lambda u: u._push(u.memo[u._number("<B")]),
        "j": lambda u: u._push(u.memo[u._number("<I")]),
        "c": lambda u: u._push(u._global(u._line().decode("utf-8"), u._line().decode("utf-8"))),
        "\x93": _U._stack_global,
        "R": _U._reduce,
        "b": _U._build,
    }.items()
}


def array_of(value: Any) -> npt.NDArray[Any] | None:
    """Return the array that a record stands for, without copying its pixels; None if it is no array of numbers.

    Raises
    ------
    UnsafePickle
        If the record contradicts itself.
    """
    if not isinstance(value, Record):
        return None
    try:
        if value.name in ARRAY and isinstance(value.state, tuple) and len(value.state) == 5:
            _, shape, dtype, fortran, raw = value.state
            return _array(raw, _dtype(dtype), shape, "F" if fortran else "C")
        if value.name in BUFFER:
            raw, dtype, shape, order = value.arguments
            return _array(raw, _dtype(dtype), shape, order)
        if value.name in SCALAR:
            dtype, raw = value.arguments
            return _array(raw, _dtype(dtype), (), "C")
    except (TypeError, ValueError) as error:
        raise UnsafePickle(f"an array in it is broken: {error}") from error
    return None


def _array(raw: Any, dtype: np.dtype[Any] | None, shape: Any, order: Any) -> npt.NDArray[Any] | None:
    if dtype is None or not isinstance(raw, memoryview):
        return None
    if (
        not isinstance(shape, tuple)
        or not all(type(side) is int and side >= 0 for side in shape)
        or len(shape) > 8
    ):
        raise UnsafePickle("an array in it has an impossible shape")
    count = 1
    for side in shape:
        count *= side
    if count * dtype.itemsize != len(raw) or order not in ("C", "F"):
        raise UnsafePickle("an array in it has another size than its shape")
    return np.frombuffer(raw, dtype).reshape(shape, order=order)


def _dtype(value: Any) -> np.dtype[Any] | None:
    """Return a type of plain numbers; None for all others, such as objects."""
    if not isinstance(value, Record) or value.name != "numpy dtype" or not value.arguments:
        return None
    code = value.arguments[0]
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "|"
    if not isinstance(code, str) or code not in {
        "b1",
        "u1",
        "i1",
        "u2",
        "i2",
        "u4",
        "i4",
        "u8",
        "i8",
        "f2",
        "f4",
        "f8",
    }:
        return None
    return np.dtype((order if order in ("<", ">") else "") + code)


def plain(value: Any, depth: int = 0) -> Any:
    """Return a small value as numbers, text, lists and dictionaries; arrays become lists, the rest None.

    Raises
    ------
    UnsafePickle
        If it is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise UnsafePickle("it is nested too deeply")
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, memoryview):
        return bytes(value[:1024]).decode("utf-8", errors="replace")
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value[:1000]]
    array = array_of(value)
    if array is not None:
        return array.item() if array.ndim == 0 else array.ravel()[:1000].tolist()
    if (
        isinstance(value, Record)
        and value.name in ARRAY
        and isinstance(value.state, tuple)
        and len(value.state) == 5
    ):
        held = value.state[4]
        return [plain(item, depth + 1) for item in held[:1000]] if isinstance(held, list) else None
    return None
