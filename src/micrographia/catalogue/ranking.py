"""How well datasets answer a question in words: bm25 as SQLite's FTS5 computes it, phrase by phrase."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from micrographia.catalogue.columns import Mask, Numbers
from micrographia.catalogue.shelf import Places, Scores
from micrographia.catalogue.words import Group, Phrase, Question

K1, B = 1.2, 0.75
"""The constants of bm25 that FTS5 uses."""
LEAST = 1e-6
"""Weight of a word that occurs in more than half of the datasets, as in FTS5."""


class Scored(NamedTuple):
    """What one phrase adds to the scores.

    Parameters
    ----------
    places
        Numbers of the datasets that have it, ascending.
    scores
        What it adds to the score of each.
    """

    places: Places
    scores: Scores


NOWHERE = Scored(np.zeros(0, np.int64), np.zeros(0))


def bm25(places: Places, weight: Numbers, lengths: Numbers, tokens: float) -> Scored:
    """Return what a phrase adds.

    Parameters
    ----------
    places
        Numbers of the datasets that have it, ascending.
    weight
        How often each has it, weighted by field.
    lengths
        Words of every dataset (datasets, float64).
    tokens
        Words of all datasets.
    """
    count, having = len(lengths), len(places)
    rarity = max(np.log((count - having + 0.5) / (having + 0.5)), LEAST)
    saturation = weight + K1 * (1 - B + B * lengths[places] / (tokens / count if count else 1.0))
    return Scored(places, rarity * weight * (K1 + 1) / saturation)


def answer(question: Question, count: int, scored: Callable[[Phrase], Scored]) -> tuple[Places, Scores]:
    """Return the datasets that answer a question, ascending, and how well.

    Parameters
    ----------
    question
        The question, with beginnings settled.
    count
        Number of datasets.
    scored
        Returns what a phrase adds.
    """
    mask = np.ones(count, np.bool_) if question.groups else np.zeros(count, np.bool_)
    scores = np.zeros(count)
    for group in question.wanted:
        mask &= _any(group, count, scored)
        for phrase in group.phrases:
            found = scored(phrase)
            scores[found.places] += found.scores
    for group in question.unwanted:
        mask &= ~_any(group, count, scored)
    places: npt.NDArray[np.int64] = np.flatnonzero(mask)
    return places, scores[places]


def _any(group: Group, count: int, scored: Callable[[Phrase], Scored]) -> Mask:
    mask = np.zeros(count, np.bool_)
    for phrase in group.phrases:
        mask[scored(phrase).places] = True
    return mask
