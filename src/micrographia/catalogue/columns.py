"""What a question filters and counts by: one column over all datasets, of numbers or of words."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.catalogue.entry import SPACE, Entry

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

LETTERS = "MIFA"


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


def _voxel(axis: str, at: int) -> Callable[[Entry], float | None]:
    return lambda entry: entry.voxel[axis][at] if axis in entry.voxel else None


def _score(letter: str) -> Callable[[Entry], float | None]:
    def share(entry: Entry) -> float | None:
        passed = entry.scores.get(letter)
        return passed.share if passed is not None and passed.judged else None

    return share


NUMBERS: Mapping[str, Callable[[Entry], float | None]] = {
    "images": lambda e: e.images,
    "objects": lambda e: e.objects,
    "size": lambda e: e.size,
    "year": lambda e: e.year,
    "commercial": lambda e: _flag(e.commercial),
    "derivatives": lambda e: _flag(e.derivatives),
    "share_alike": lambda e: _flag(e.share_alike),
    "smallest_side": lambda e: e.sides[0] if e.sides else None,
    "largest_side": lambda e: e.sides[1] if e.sides else None,
    **{f"voxel_{axis}_{name}": _voxel(axis, at) for axis in SPACE for at, name in enumerate(("min", "max"))},
    **{f"score_{letter}": _score(letter) for letter in LETTERS},
}
"""Name of a column of numbers to what it takes from an entry; NaN where it is None."""

WORDS: Mapping[str, Callable[[Entry], Iterable[str]]] = {
    "type": lambda e: e.types,
    "organism": lambda e: e.organisms,
    "method": lambda e: e.methods,
    "licence": lambda e: e.licences,
    "entity": lambda e: e.entities,
    "keyword": lambda e: e.keywords,
    "author": lambda e: e.authors,
    "target": lambda e: e.targets,
    "class": lambda e: e.classes,
    "role": lambda e: e.roles,
    "dims": lambda e: e.dims,
    "axes": lambda e: e.axes,
    "dtype": lambda e: e.dtypes,
    "split": lambda e: e.splits,
    "group": lambda e: e.groups,
    "source": lambda e: (e.source,),
    "year": lambda e: (e.date[:4],) if e.year else (),
}
"""Name of a column of words to what it takes from an entry; a dataset may have several, each once."""

FACETS = ("type", "organism", "method", "licence", "dims", "role", "source", "year")
"""What is counted unless something else is asked for."""


@dataclass(frozen=True, slots=True)
class Worded:
    """A column of words.

    Parameters
    ----------
    vocabulary
        The words that occur, sorted.
    starts
        int64, one more than there are datasets: where the words of each begin in ``codes``.
    codes
        int32: places in the vocabulary.
    """

    vocabulary: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    codes: Codes

    def any_of(self, wanted: Iterable[int]) -> Mask:
        """Return which datasets have any of some words, given by their places in the vocabulary."""
        chosen = np.zeros(len(self.vocabulary) + 1, np.bool_)
        chosen[list(wanted)] = True
        hits = np.concatenate(([0], np.cumsum(chosen[self.codes], dtype=np.int64)))
        return np.asarray(hits[self.starts[1:]] > hits[self.starts[:-1]])

    def count(self, mask: Mask) -> list[tuple[str, int]]:
        """Return the words of the chosen datasets and how many of these have each, the most frequent first."""
        single = len(self.codes) == len(mask) and bool(np.all(self.starts[1:] > self.starts[:-1]))
        held = mask if single else np.repeat(mask, np.diff(self.starts))
        counts = np.bincount(np.compress(held, self.codes), minlength=len(self.vocabulary))
        present = np.flatnonzero(counts)
        ordered = present[np.argsort(-counts[present], kind="stable")]
        return [(self.vocabulary[at], int(counts[at])) for at in ordered]

    def of(self, at: int) -> tuple[str, ...]:
        """Return the words of one dataset."""
        return tuple(self.vocabulary[code] for code in self.codes[self.starts[at] : self.starts[at + 1]])


def worded(rows: Sequence[Iterable[str]]) -> Worded:
    """Return a column of words, each counted once for a dataset."""
    held = [tuple(dict.fromkeys(row)) for row in rows]
    vocabulary = sorted({word for row in held for word in row})
    places = {word: at for at, word in enumerate(vocabulary)}
    starts = np.zeros(len(held) + 1, np.int64)
    np.cumsum([len(row) for row in held], out=starts[1:])
    codes = np.fromiter((places[word] for row in held for word in row), np.int32, count=int(starts[-1]))
    return Worded(tuple(vocabulary), starts, codes)


class Columns(ABC):
    """The columns of a catalogue; each is read when it is asked for."""

    def __init__(self) -> None:
        self._numbers: dict[str, Numbers] = {}
        self._words: dict[str, Worded] = {}

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of datasets."""

    @abstractmethod
    def _read_numbers(self, name: str) -> Numbers: ...

    @abstractmethod
    def _read_words(self, name: str) -> Worded: ...

    def numbers(self, name: str) -> Numbers:
        """Return a column of :data:`NUMBERS` (datasets, float64), NaN where unknown."""
        if name not in self._numbers:
            self._numbers[name] = self._read_numbers(name)
        return self._numbers[name]

    def words(self, name: str) -> Worded:
        """Return a column of :data:`WORDS`."""
        if name not in self._words:
            self._words[name] = self._read_words(name)
        return self._words[name]

    def facets(self, mask: Mask, names: Iterable[str] = FACETS) -> dict[str, list[tuple[str, int]]]:
        """Return, for each name, the words of the chosen datasets with counts, the most frequent first."""
        return {name: self.words(name).count(mask) for name in names}


class HeldColumns(Columns):
    """Columns made of entries.

    Parameters
    ----------
    entries
        The datasets, in the order of the rows.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__()
        numbers: dict[str, list[float]] = {name: [] for name in NUMBERS}
        words: dict[str, list[tuple[str, ...]]] = {name: [] for name in WORDS}
        self._count = 0
        for entry in entries:
            self._count += 1
            for name, take in NUMBERS.items():
                value = take(entry)
                numbers[name].append(np.nan if value is None else float(value))
            for name, told in WORDS.items():
                words[name].append(tuple(told(entry)))
        self._numbers = {name: np.asarray(values, np.float64) for name, values in numbers.items()}
        self._words = {name: worded(rows) for name, rows in words.items()}

    @property
    def count(self) -> int:
        """Number of datasets."""
        return self._count

    def _read_numbers(self, name: str) -> Numbers:
        raise KeyError(name)

    def _read_words(self, name: str) -> Worded:
        raise KeyError(name)


def pack_words(column: Worded) -> bytes:
    """Return a column of words as bytes: length of the JSON vocabulary, vocabulary, starts, codes."""
    names = json.dumps(column.vocabulary, ensure_ascii=False).encode("utf-8", "surrogatepass")
    parts = (np.asarray([len(names), len(column.starts)], np.int64).tobytes(), names)
    return b"".join((*parts, column.starts.tobytes(), column.codes.tobytes()))


def unpack_words(data: bytes) -> Worded:
    """Return the column that :func:`pack_words` wrote."""
    length, count = (int(number) for number in np.frombuffer(data, np.int64, 2))
    names: list[Any] = json.loads(data[16 : 16 + length].decode("utf-8", "surrogatepass"))
    at = 16 + length
    starts = np.frombuffer(data, np.int64, count, at)
    return Worded(tuple(names), starts, np.frombuffer(data, np.int32, -1, at + 8 * count))
