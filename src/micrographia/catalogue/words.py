"""Questions in words: read so that nothing in them can raise or select by accident, in groups of alternatives.

All words must occur. ``"..."`` is a phrase, ``word*`` a beginning, ``-word`` or ``NOT word`` excludes, ``OR`` joins
alternatives; ``AND`` changes nothing. Little words (*of*, *the*) are passed over. Words are cut to their stems; those
that have several names (mouse, *Mus musculus*) stand for all of them. A word that occurs nowhere but begins others is
taken as a beginning.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from unicodedata import normalize

from micrographia.metadata import annotation_type, find_organism

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""How texts are cut into words: Unicode letters and digits, without accents and endings."""

MOST_WORDS = 32
"""Words of a question that are looked at."""
LONGEST = 4000
"""Characters of a question that are looked at."""
MOST_BEGUN = 40
"""Words that a beginning stands for, the most frequent ones."""
SHORTEST_BEGINNING = 3
"""Letters that a word must have to be taken as the beginning of others without a star."""

LITTLE = frozenset(
    "a an and are as at by for from in into is of on or that the their to was were with within".split()
)
"""Words that say nothing by themselves."""

_IRREGULAR = (
    "nucleus nuclei",
    "nucleolus nucleoli",
    "mitochondrion mitochondria",
    "bacterium bacteria",
    "mouse mice",
    "larva larvae",
    "alga algae",
    "hypha hyphae",
    "villus villi",
    "bronchus bronchi",
    "stoma stomata",
    "soma somata",
    "vertebra vertebrae",
    "leaf leaves",
    "tooth teeth",
    "foot feet",
    "axis axes",
    "colour color",
    "tumour tumor",
    "fibre fiber",
    "centre center",
    "oesophagus esophagus",
    "haematoxylin hematoxylin",
    "leukaemia leukemia",
)
_TYPE_WORDS = ("mask", "segment", "box", "track", "polygon", "label", "point", "count", "scribble")
"""What a name of an annotation type holds if it cannot mean anything else: ``seeds`` are those of plants, too."""

_PIECE = re.compile(r'-?"[^"]*(?:"\*?|$)|\S+')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other.

    Parameters
    ----------
    text
        As they were written.
    tokens
        Their stems.
    beginning
        Whether the last one is only the beginning of a word.
    """

    text: str
    tokens: tuple[str, ...]
    beginning: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives, of which one must occur, or none if they are excluded."""

    phrases: tuple[Phrase, ...]
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked in words.

    Parameters
    ----------
    text
        As it was written.
    groups
        What must occur, and what must not.
    """

    text: str
    groups: tuple[Group, ...] = ()

    @property
    def wanted(self) -> tuple[Group, ...]:
        """The groups that must occur."""
        return tuple(group for group in self.groups if not group.excluded)

    @property
    def unwanted(self) -> tuple[Group, ...]:
        """The groups that must not occur."""
        return tuple(group for group in self.groups if group.excluded)


def clean(text: str) -> str:
    """Return text as it is indexed and asked for: one form of each character, nothing that is none."""
    plain = text.encode("utf-8", "replace").decode("utf-8")
    return normalize("NFKC", plain.replace("\0", " "))


def read_question(text: str) -> Question:
    """Read a question.

    Parameters
    ----------
    text
        Anything; see the module for what has a meaning.

    Examples
    --------
    >>> question = read_question('nuclei "light sheet" -mouse')
    >>> [[phrase.text for phrase in group.phrases] for group in question.groups]
    [['nuclei', 'nucleus'], ['light sheet'], ['mouse', 'mice', 'Mus musculus', 'house mouse']]
    """
    pieces = _pieces(clean(text[:LONGEST]))
    groups: list[Group] = []
    joined = excluding = False
    at = 0
    while at < len(pieces) and len(groups) < MOST_WORDS:
        piece = pieces[at]
        if piece.word and piece.text in ("AND", "OR", "NOT"):
            joined, excluding = piece.text == "OR" and bool(groups), piece.text == "NOT"
            at += 1
            continue
        group, used = _group(pieces, at)
        at += used
        if group is None:
            continue
        group = replace(group, excluded=group.excluded or excluding)
        if joined and not group.excluded and not groups[-1].excluded:
            groups[-1] = Group(tuple(dict.fromkeys((*groups[-1].phrases, *group.phrases))))
        else:
            groups.append(group)
        joined = excluding = False
    return Question(text, tuple(_spare_little(groups)))


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    word: bool
    excluded: bool = False
    beginning: bool = False


def _pieces(text: str) -> list[_Piece]:
    pieces = []
    for found in _PIECE.findall(text):
        excluded = found.startswith("-") and len(found) > 1
        body = found[1:] if excluded else found
        if body.startswith('"'):
            pieces.append(_Piece(body.strip('"*'), False, excluded, body.endswith('"*')))
        else:
            bare = body.replace('"', " ").rstrip("*")
            pieces.append(_Piece(bare, not excluded and bare == body, excluded, body.endswith("*")))
    return pieces


def _group(pieces: Sequence[_Piece], at: int) -> tuple[Group | None, int]:
    """Return the group that begins at a piece, and how many pieces it took."""
    for length in (3, 2):
        run = pieces[at : at + length]
        if len(run) == length and all(piece.word for piece in run):
            text = " ".join(piece.text for piece in run)
            others = _names(text)
            if others:
                return Group(_phrases([text, *others])), length
    piece = pieces[at]
    others = [] if piece.beginning else _names(piece.text)
    phrases = _phrases([piece.text, *others], beginning=piece.beginning)
    return (Group(phrases, piece.excluded), 1) if phrases else (None, 1)


def _phrases(texts: Sequence[str], *, beginning: bool = False) -> tuple[Phrase, ...]:
    made: dict[tuple[str, ...], Phrase] = {}
    for text in texts:
        tokens = tokens_of(text)
        if tokens:
            made.setdefault(tokens, Phrase(text, tokens, beginning))
    return tuple(made.values())


def _names(text: str) -> list[str]:
    """Return what else is meant by a word or by a few."""
    found = [other for pair in _IRREGULAR if text.lower() in pair.split() for other in pair.split()]
    species = find_organism(text)
    if species is not None:
        found += [species.scientific_name, *(name for name in species.common_names if len(name) > 3)]
    if any(word in text.lower() for word in _TYPE_WORDS):
        kind = annotation_type(text).value
        found += [kind.replace("_", " ")] if kind else []
    return [other for other in dict.fromkeys(found) if other.lower() != text.lower()]


def _spare_little(groups: list[Group]) -> list[Group]:
    """Leave out little words, unless there is nothing else."""
    kept = [group for group in groups if not all(phrase.text.lower() in LITTLE for phrase in group.phrases)]
    return kept if any(not group.excluded for group in kept) or not groups else groups


class Vocabulary(Protocol):
    """The stems that occur in a catalogue."""

    def has(self, stem: str) -> bool:
        """Whether a stem occurs."""
        ...

    def beginning(self, letters: str, most: int) -> list[str]:
        """Return stems that begin with these letters, the most frequent first."""
        ...


def settle(question: Question, vocabulary: Vocabulary) -> Question:
    """Return a question in which beginnings are the words that they begin.

    A word that occurs nowhere is taken as a beginning, too. One that begins nothing is left as it is, and selects
    nothing.

    Parameters
    ----------
    question
        The question.
    vocabulary
        The stems that there are.
    """
    return replace(question, groups=tuple(_settled(group, vocabulary) for group in question.groups))


def _settled(group: Group, vocabulary: Vocabulary) -> Group:
    first = group.phrases[0]
    known = any(all(vocabulary.has(token) for token in phrase.tokens) for phrase in group.phrases)
    letters = (_CUT.of(clean(first.text)) or first.tokens)[-1]
    if not first.beginning and (known or group.excluded or len(letters) < SHORTEST_BEGINNING):
        return group
    stems = vocabulary.beginning(letters, MOST_BEGUN)
    if not stems and first.beginning:
        # A stem may be shorter than what was typed: `segmenta*` begins words whose stem is `segment`.
        shorter = (letters[:cut] for cut in range(len(letters) - 1, max(3, len(letters) - 5), -1))
        stems = next(([stem] for stem in shorter if vocabulary.has(stem)), [])
    begun = [_completed(first, stem) for stem in stems]
    found = tuple(phrase for phrase in begun if phrase is not None)
    return replace(group, phrases=(*found, *group.phrases[1:])) if found else group


def _completed(phrase: Phrase, stem: str) -> Phrase | None:
    """Return a phrase whose last word has a stem, in letters that the tokenizer cuts to it."""
    before = " ".join(phrase.tokens[:-1])
    for ending in ("", "e", "s", "y", "ed", "ing", "es", "ion"):
        if tokens_of(f"{stem}{ending}") == (stem,):
            words = [*_CUT.of(clean(phrase.text))[:-1], f"{stem}{ending}"]
            text = " ".join(words)
            return Phrase(text, tokens_of(text)) if before or len(words) == 1 else None
    return None


def expression(groups: Sequence[Group]) -> str:
    """Return groups that must all occur as an expression of FTS5; every word is in quotes."""
    return " AND ".join(f"({' OR '.join(_quoted(phrase) for phrase in group.phrases)})" for group in groups)


def _quoted(phrase: Phrase) -> str:
    text = phrase.text.replace('"', '""')
    return f'"{text}"'


def tokens_of(text: str) -> tuple[str, ...]:
    """Return the stems of a text, cut by the very tokenizer of the index.

    Examples
    --------
    >>> tokens_of("Segmented Zellkörper!")
    ('segment', 'zellkorp')
    """
    return _TOKENS.of(clean(text))


class _Tokens:
    """A table in memory that only cuts texts into words; one a thread."""

    def __init__(self, tokenizer: str) -> None:
        self._tokenizer = tokenizer
        self._held = threading.local()

    def of(self, text: str) -> tuple[str, ...]:
        connection: sqlite3.Connection | None = getattr(self._held, "connection", None)
        if connection is None:
            connection = sqlite3.connect(":memory:", isolation_level=None)
            connection.execute(f"CREATE VIRTUAL TABLE cut USING fts5(text, tokenize = '{self._tokenizer}')")
            connection.execute("CREATE VIRTUAL TABLE word USING fts5vocab('cut', 'instance')")
            self._held.connection = connection
        connection.execute("DELETE FROM cut")
        connection.execute("INSERT INTO cut VALUES (?)", (text,))
        found = connection.execute('SELECT term FROM word ORDER BY "offset"').fetchall()
        return tuple(term for (term,) in found)


_TOKENS = _Tokens(TOKENIZER)
_CUT = _Tokens(TOKENIZER.removeprefix("porter "))
