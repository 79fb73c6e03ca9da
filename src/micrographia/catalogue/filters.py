"""What a dataset must have: read from words as people write them, held against columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from micrographia.catalogue.columns import LETTERS, WORDS, Columns, Mask
from micrographia.catalogue.errors import CatalogueError
from micrographia.loading.roles_vocabulary import ROLES, role_of
from micrographia.metadata import (
    AnnotationType,
    annotation_type,
    find_method,
    find_organism,
    normalise_licence,
    normalise_unit,
)
from micrographia.metadata.units import micrometers
from micrographia.metadata.vocabulary import slug

ALLOWANCES = {
    "commercial": ("commercial", 1.0),
    "derivatives": ("derivatives", 1.0),
    "no-share-alike": ("share_alike", 0.0),
}
"""What licences may be asked to allow: name to column and value."""
PERMISSIONS = tuple(ALLOWANCES)

ORDERS: Mapping[str, str] = {"images": "images", "objects": "objects", "size": "size", "date": "year"} | {
    letter: f"score_{letter}" for letter in LETTERS
}
"""What results may be ordered by, the largest first; column of each."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, both of them included."""

    low: float
    high: float

    def widened(self) -> Range:
        """Return it with a margin of rounding: 65 nm, in nanometers or as 0.065 micrometers, is one size."""
        return Range(self.low * (1 - 1e-9), self.high * (1 + 1e-9))


@dataclass(frozen=True, slots=True)
class Filters:
    """What a dataset must have.

    Parameters
    ----------
    words
        Column of :data:`~micrographia.catalogue.columns.WORDS` to words of which it must have one.
    least
        Column of numbers to the least that it must have; unknown is not enough.
    voxel
        Axis (``z y x``) to the micrometers within which every known pixel size of the dataset must lie.
    scores
        Letter, ``>=``, ``>``, ``<=``, ``<`` or ``=``, and share of rules passed, 0 to 1.
    allows
        What every licence must be known to allow: :data:`PERMISSIONS`.
    has_split
        Whether images must be divided into two parts or more.
    """

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
    voxel: Mapping[str, Range] = field(default_factory=dict)
    scores: tuple[tuple[str, str, float], ...] = ()
    allows: tuple[str, ...] = ()
    has_split: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether every dataset fits."""
        held = (self.words, self.least, self.voxel, self.scores, self.allows, self.has_split)
        return not any(held)


def fitting(columns: Columns, filters: Filters) -> tuple[Mask, list[str]]:
    """Return which datasets have what they must have, and what there is to say about words that none has.

    Parameters
    ----------
    columns
        The datasets.
    filters
        What they must have.

    Raises
    ------
    CatalogueError
        If a word is not of a vocabulary that is fixed.
    """
    mask = np.ones(columns.count, np.bool_)
    notes: list[str] = []
    for name, wanted in filters.words.items():
        mask &= _has_word(columns, name, wanted, notes)
    for name, least in filters.least.items():
        mask &= columns.numbers(name) >= least
    for axis, span in filters.voxel.items():
        wide = span.widened()
        mask &= columns.numbers(f"voxel_{axis}_min") >= wide.low
        mask &= columns.numbers(f"voxel_{axis}_max") <= wide.high
    for letter, sign, share in filters.scores:
        mask &= _COMPARE[sign](columns.numbers(f"score_{letter}"), share)
    for permission in filters.allows:
        name, value = ALLOWANCES[permission]
        mask &= columns.numbers(name) == value
    if filters.has_split:
        mask &= np.diff(columns.words("split").starts) > 1
    return mask, notes


_COMPARE: Mapping[str, Callable[[np.ndarray, float], Mask]] = {
    ">=": lambda values, share: values >= share - 1e-9,
    ">": lambda values, share: values > share + 1e-9,
    "<=": lambda values, share: values <= share + 1e-9,
    "<": lambda values, share: values < share - 1e-9,
    "=": lambda values, share: np.abs(values - share) <= 1e-9,
}


def _has_word(columns: Columns, name: str, wanted: Sequence[str], notes: list[str]) -> Mask:
    column = columns.words(name)
    found: set[int] = set()
    for word in wanted:
        fits = _match(name, word)
        places = {at for at, known in enumerate(column.vocabulary) if fits(known)}
        if not places:
            near = get_close_matches(word.lower(), [known.lower() for known in column.vocabulary], 1, 0.6)
            known = next((one for one in column.vocabulary if near and one.lower() == near[0]), "")
            notes.append(f"no dataset has {name} {word!r}" + (f"; there is {known}" if known else ""))
        found |= places
    return column.any_of(found)


def _match(name: str, word: str) -> Callable[[str], bool]:
    """Return what tells whether a word of a column is the one that is meant."""
    if name in _FIXED:
        return _FIXED[name](word)
    held = slug(word)
    if name in ("organism", "method"):
        canonical = _canonical(name, word)
        if canonical:
            return lambda known: known == canonical
    if name in ("dims", "dtype", "split", "group", "year", "axes"):
        return lambda known: slug(known) == held
    return lambda known: bool(held) and f"_{held}_" in f"_{slug(known)}_"


def _canonical(name: str, word: str) -> str:
    if name == "organism":
        species = find_organism(word)
        return species.scientific_name if species else ""
    method = find_method(word)
    return method.name if method else ""


def _licence(word: str) -> Callable[[str], bool]:
    asked = normalise_licence(word)
    if asked is None:
        return lambda known: slug(known) == slug(word)
    if asked.spdx is not None:
        return lambda known: known == asked.spdx
    return lambda known: _family(known) == _family(asked.label)


def _family(label: str) -> str:
    known = normalise_licence(label)
    return slug(re.sub(r"[\s-]+v?[0-9.]+.*$", "", known.label)) if known else ""


def _type(word: str) -> Callable[[str], bool]:
    found = annotation_type(word)
    if found.value is None:
        near = f"Did you mean {found.suggestions[0]}? " if found.suggestions else ""
        kinds = ", ".join(str(kind) for kind in AnnotationType)
        raise CatalogueError("", f"{word!r} is no annotation type", f"{near}There are {kinds}")
    return lambda known: known == found.value


def _role(word: str) -> Callable[[str], bool]:
    role = role_of(word)
    if role is None:
        near = get_close_matches(slug(word), ROLES, 1, 0.7)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise CatalogueError("", f"{word!r} is no channel role", f"{hint}There are {', '.join(ROLES)}")
    narrower = {name for name, one in ROLES.items() if role in (name, one.broader)}
    return lambda known: known in narrower


_FIXED: Mapping[str, Callable[[str], Callable[[str], bool]]] = {
    "type": _type,
    "role": _role,
    "licence": _licence,
}

_NUMBER = r"([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([^\s\d.,;:]*)"


def read_voxel(text: str) -> dict[str, Range]:
    """Read a voxel size, or a range of them: in micrometers unless a unit is written.

    Without an axis it holds for the plane (``y`` and ``x``).

    Examples
    --------
    >>> read_voxel("0.1..0.5")["x"]
    Range(low=0.1, high=0.5)
    >>> read_voxel("z: 200 nm .. 1 um")
    {'z': Range(low=0.2, high=1.0)}
    """
    found = re.fullmatch(rf"\s*(?:([zyx]+)\s*[:=])?\s*(?:{_NUMBER})?\s*(\.\.)?\s*(?:{_NUMBER})?\s*", text)
    if found is None or not (found[2] or found[5]):
        raise CatalogueError("", f"{text!r} is no voxel size", "Write 0.1..0.5 (micrometers) or z:200nm..1um")
    axes = found[1] or "yx"
    low = _length(found[2], found[3] or (found[6] if found[5] else ""), text)
    high = _length(found[5], found[6], text)
    if found[4] is None and found[5]:
        raise CatalogueError("", f"{text!r} is no voxel size", "Write two dots between two sizes: 0.1..0.5")
    high = low if found[4] is None else high
    span = Range(0.0 if low is None else low, np.inf if high is None else high)
    if span.low > span.high:
        raise CatalogueError("", f"{text!r} begins above its end", "Write the smaller size first")
    return dict.fromkeys(axes, span)


def _length(number: str | None, unit: str | None, text: str) -> float | None:
    if not number:
        return None
    size = micrometers(float(number), normalise_unit(unit) if unit else "micrometer")
    if size is None:
        raise CatalogueError("", f"{text!r} has a unit that is no length: {unit}", "Write um, nm or mm")
    return size


def read_score(text: str) -> tuple[str, str, float]:
    """Read what a score must be: a letter, how to compare, and a share of 0 to 1 or of percent.

    Examples
    --------
    >>> read_score("M>=0.8"), read_score("f > 50%")
    (('M', '>=', 0.8), ('F', '>', 0.5))
    """
    found = re.fullmatch(
        rf"\s*([{LETTERS}])\s*(>=|<=|>|<|=)\s*([0-9]*\.?[0-9]+)\s*(%?)\s*", text, re.IGNORECASE
    )
    share = float(found[3]) / (100 if found[4] else 1) if found else -1.0
    if found is None or not 0 <= share <= 1:
        raise CatalogueError(
            "",
            f"{text!r} is no score",
            "Write M>=0.8: a letter of MIFA and the share of rules passed, 0 to 1",
        )
    return found[1].upper(), found[2], share


def facet_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of facets, verified.

    Raises
    ------
    CatalogueError
        If there is no such facet.
    """
    for name in names:
        if name not in WORDS:
            raise CatalogueError("", f"there is no facet {name!r}", f"Choose of {', '.join(WORDS)}")
    return tuple(names)
