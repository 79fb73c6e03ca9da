"""Judge prose: whether a field was filled in, and whether it says something."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from micrographia.metadata.remembering import remembered

_PLACEHOLDERS = frozenset(
    (
        "a dataset", "annotation", "annotations", "asdf", "bar", "data", "dataset", "description",
        "example", "fill in", "fill in here", "fill me in", "fixme", "foo", "image", "images",
        "insert text here", "keyword", "keywords", "mask", "masks", "my data", "my dataset", "n/a", "na",
        "nan", "new dataset", "nil", "no", "none", "not applicable", "not available", "not known",
        "not provided", "not specified", "null", "placeholder", "same", "sample", "see above", "see paper",
        "see the paper", "tba", "tbc", "tbd", "test", "testing", "the dataset", "title", "todo", "unknown",
        "untitled", "xxx", "yes",
    )
)  # fmt: skip
_BEGINNINGS = (
    "todo", "tbd", "fixme", "xxx", "lorem ipsum", "to be filled", "to be added", "to be determined", "<", "[insert"
)  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


def words(text: str) -> list[str]:
    """Return the words of a text.

    Examples
    --------
    >>> words("Fixed with 4% PFA; well-known 0.5-ml tubes")
    ['Fixed', 'with', '4', 'PFA', 'well-known', '0.5-ml', 'tubes']
    """
    return _WORD.findall(text)


@remembered
def is_placeholder(text: str) -> bool:
    """Tell whether a text stands where a text should be: ``TODO``, ``n/a``, ``description``, ``---``.

    Examples
    --------
    >>> is_placeholder("TBD: ask the microscopist"), is_placeholder("N/A."), is_placeholder("Confocal")
    (True, True, False)
    """
    plain = re.sub(r"\s+", " ", text).strip().lower()
    bare = plain.strip(" .!?-_*:")
    return not words(plain) or bare in _PLACEHOLDERS or plain.startswith(_BEGINNINGS)


def suggest(text: str, choices: Iterable[str]) -> str:
    """Return the choice that a text probably means, or an empty text; case, spaces and plurals do not count.

    Examples
    --------
    >>> suggest("Segmentation masks", ["segmentation_mask", "tracks"]), suggest("voxels", ["segmentation_mask"])
    ('segmentation_mask', '')
    """
    by_plain = {_plain(choice): choice for choice in choices}
    near = get_close_matches(_plain(text), by_plain, 1, cutoff=0.72)
    return by_plain[near[0]] if near else ""


def listed(items: Iterable[str], most: int = 5) -> str:
    """Return a few items as text, and how many more there are.

    Examples
    --------
    >>> listed("abc", 2)
    'a, b and 1 more'
    """
    held = list(items)
    shown = ", ".join(held[:most])
    return f"{shown} and {len(held) - most} more" if len(held) > most else shown


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "mask"), counted(1200, "image"), counted(2, "box", "boxes")
    ('1 mask', '1,200 images', '2 boxes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower()).rstrip("s")
