"""What a catalogue knows of one dataset, and of each of its images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from micrographia.errors import MicrographiaError

VERSION = 1
"""Version of what is taken from a dataset; entries of another version are read again from their source."""

AXES = "tczyx"
SPACE = "zyx"


@dataclass(frozen=True, slots=True)
class Passed:
    """Rules that passed for one letter, of those that what is written alone can judge.

    Parameters
    ----------
    passed, judged
        Numbers of rules.
    unread
        Rules that need the files themselves, and were not judged.
    """

    passed: int
    judged: int
    unread: int = 0

    @property
    def share(self) -> float:
        """Passed of judged, from 0 to 1; 0 if none was judged."""
        return self.passed / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True)
class SetEntry:
    """What is known of one annotation set."""

    name: str = ""
    overview: str = ""
    types: tuple[str, ...] = ()
    method: str = ""
    target: str = ""
    classes: tuple[str, ...] = ()
    licence: str = ""
    coverage: str = ""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """What is known of one image.

    Parameters
    ----------
    image
        Its id in the dataset.
    path
        Its first file.
    size
        Bytes of all of its files; -1 if unknown.
    shape
        Axis in lower case (``t c z y x``) to pixels along it; empty if no header was read.
    voxel
        Axis (``z y x``) to micrometers a pixel, where known.
    """

    image: str
    path: str = ""
    split: str = ""
    size: int = -1
    dtype: str = ""
    shape: Mapping[str, int] = field(default_factory=dict, hash=False)
    voxel: Mapping[str, float] = field(default_factory=dict, hash=False)
    groups: Mapping[str, str] = field(default_factory=dict, hash=False)
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a catalogue knows of one dataset.

    Parameters
    ----------
    id
        Short name in the catalogue: the accession, else the name of the folder.
    place
        Path or address that it was read from; empty if that is nobody else's business.
    kind
        ``folder``, ``record`` or ``address``.
    source
        Where it is kept, in a word: an archive, or ``folder``.
    licence
        Of the study: SPDX identifier or name where it is known, else as it is written.
    licences
        Of the study and of each annotation set that has its own.
    commercial, derivatives, share_alike
        What the licences allow and ask for together; None if one of them is not known.
    images, objects
        Numbers; None if unknown.
    size
        Bytes of all files; None if unknown.
    voxel
        Axis (``z y x``) to the smallest and the largest pixel in micrometers.
    sides
        The smallest and the largest of the images' sizes along Y and X, in pixels; empty if unknown.
    scores
        Letter of MIFA to the rules passed.
    lacks
        Codes of the rules that failed.
    problems
        What could not be read of it, one sentence each.
    """

    id: str
    place: str = ""
    kind: str = "folder"
    source: str = ""
    form: str = ""
    title: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    organisms: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sets: tuple[SetEntry, ...] = ()
    licence: str = ""
    licences: tuple[str, ...] = ()
    commercial: bool | None = None
    derivatives: bool | None = None
    share_alike: bool | None = None
    images: int | None = None
    objects: int | None = None
    size: int | None = None
    dims: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    voxel: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    sides: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    accession: str = ""
    doi: str = ""
    version: str = ""
    date: str = ""
    content_sha256: str = ""
    files_sha256: str = ""
    files_at: str = ""
    links: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    publications: tuple[str, ...] = ()
    citation: str = ""
    scores: Mapping[str, Passed] = field(default_factory=dict, hash=False)
    lacks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """What the annotators drew, set by set."""
        return tuple(dict.fromkeys(one.target for one in self.sets if one.target))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of all annotation sets."""
        return tuple(dict.fromkeys(name for one in self.sets for name in one.classes))

    @property
    def year(self) -> int | None:
        """The year of its date."""
        return int(self.date[:4]) if self.date[:4].isdigit() else None

    @property
    def trainable_commercially(self) -> bool:
        """Whether the licences of study and every annotation set are known and allow commercial use and derivatives."""
        return bool(self.commercial and self.derivatives)

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values, without what is empty."""
        values = {name: value for name in _NAMES if (value := getattr(self, name)) not in _EMPTY}
        if self.sets:
            values["sets"] = [
                {name: value for name in _SET_NAMES if (value := getattr(one, name)) not in _EMPTY}
                for one in self.sets
            ]
        if self.scores:
            values["scores"] = {
                letter: {"passed": one.passed, "judged": one.judged, "unread": one.unread}
                for letter, one in self.scores.items()
            }
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, trusted: bool = False) -> Entry:
        """Return an entry of JSON values; names that are not known are left out.

        Parameters
        ----------
        values
            As :meth:`to_json` returns them.
        trusted
            Do not verify the type of each value: this program wrote them.

        Raises
        ------
        MicrographiaError
            If a value is of another type than its field.
        """
        try:
            held: dict[str, Any] = {name: _frozen(values[name]) for name in _NAMES if name in values}
            held["sets"] = tuple(
                SetEntry(**{name: _frozen(one[name]) for name in _SET_NAMES if name in one})
                for one in values.get("sets", ())
            )
            held["scores"] = {
                str(letter): Passed(**{str(key): int(number) for key, number in one.items()})
                for letter, one in values.get("scores", {}).items()
            }
            held["voxel"] = {
                str(axis): (float(low), float(high)) for axis, (low, high) in values.get("voxel", {}).items()
            }
            entry = cls(**held)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise MicrographiaError(
                str(values.get("id", "")), f"is no entry of a catalogue ({error})", "Index it again"
            ) from error
        if not trusted:
            _verify(entry)
        return entry


_NAMES = tuple(item.name for item in fields(Entry))
_SET_NAMES = tuple(item.name for item in fields(SetEntry))
_EMPTY: tuple[Any, ...] = (None, "", (), {})
_NUMBERS = ("images", "objects", "size")
_FLAGS = ("commercial", "derivatives", "share_alike")
_NESTED = ("sets", "scores", "voxel", "sides")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _verify(entry: Entry) -> None:
    """Refuse an entry from outside whose values are of other types."""

    def wrong(name: str) -> MicrographiaError:
        return MicrographiaError(str(entry.id)[:80], f"is no entry of a catalogue: {name} is of another type")

    for item in fields(Entry):
        value = getattr(entry, item.name)
        if item.name in _NUMBERS:
            fits = value is None or (isinstance(value, int) and not isinstance(value, bool))
        elif item.name in _FLAGS:
            fits = value is None or isinstance(value, bool)
        elif item.name in _NESTED:
            fits = item.name != "sides" or all(isinstance(one, int) for one in value)
        elif item.type.startswith("tuple"):
            fits = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
        else:
            fits = isinstance(value, str)
        if not fits:
            raise wrong(item.name)
    for one in entry.sets:
        texts = (one.name, one.overview, one.method, one.target, one.licence, one.coverage)
        if not all(isinstance(text, str) for text in (*texts, *one.types, *one.classes)):
            raise wrong("sets")


def packed(entry: Entry) -> str:
    """Return an entry as one line of JSON, in UTF-8 whatever came in."""
    text = json.dumps(entry.to_json(), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")


def unpacked(text: str, *, trusted: bool = False) -> Entry:
    """Return the entry of one line of JSON.

    Parameters
    ----------
    text
        As :func:`packed` returns it.
    trusted
        As for :meth:`Entry.from_json`.

    Raises
    ------
    MicrographiaError
        If it is none.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MicrographiaError("", f"is no entry of a catalogue ({error})", "Index it again") from error
    if not isinstance(values, dict):
        raise MicrographiaError("", "is no entry of a catalogue", "Index it again")
    return Entry.from_json(values, trusted=trusted)
