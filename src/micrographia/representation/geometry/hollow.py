"""Embeddings that hold nothing, or only what they should not: what a metric must not reward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from micrographia.representation.batch.inputs import Array

Knows = Literal["nothing", "batch", "labels"]


@dataclass(frozen=True, eq=False)
class Study:
    """What a hollow embedding may be made from.

    Attributes
    ----------
    labels, batch
        Numbers from 0 on ``(n,)``.
    d
        Features to make.
    random
        For what is drawn.
    """

    labels: Array
    batch: Array
    d: int
    random: np.random.Generator

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return len(self.labels), self.d


@dataclass(frozen=True)
class Hollow:
    """A kind of hollow embedding.

    Attributes
    ----------
    name
        What it is called.
    knows
        What it holds: nothing, only the batch, or the labels themselves.
    text
        What it is, to go on after "an embedding".
    drawn
        Whether it differs from draw to draw, so that scores of several are averaged.
    make
        From a study to features ``(n, d)``.
    """

    name: str
    knows: Knows
    text: str
    drawn: bool
    make: Callable[[Study], Array]


def _random(study: Study) -> Array:
    return study.random.normal(size=study.shape)


def _constant(study: Study) -> Array:
    return np.full(study.shape, 0.1)


def _identical(study: Study) -> Array:
    return np.tile(study.random.normal(size=study.d), (len(study.labels), 1))


def _copies(study: Study) -> Array:
    n = len(study.labels)
    different = study.random.normal(size=(max(2, n // 8), study.d))
    return different[study.random.integers(len(different), size=n)]


def _missing(study: Study) -> Array:
    values = study.random.normal(size=study.shape)
    values[:, 0] = np.nan
    return values


def _batch(study: Study) -> Array:
    return _directions(study.batch, study)


def _leak(study: Study) -> Array:
    return _directions(study.labels, study)


def _directions(codes: Array, study: Study) -> Array:
    """Return a random direction for each code, and a little noise, so that no rows are copies."""
    directions = study.random.normal(size=(int(codes.max(initial=0)) + 1, study.d))
    return directions[codes] + 1e-3 * study.random.normal(size=study.shape)


HOLLOW = (
    Hollow("random", "nothing", "of random numbers", True, _random),
    Hollow("constant", "nothing", "that is one number everywhere", False, _constant),
    Hollow("identical rows", "nothing", "that is the same for every row", False, _identical),
    Hollow(
        "copies", "nothing", "in which rows are copies of each other irrespective of label", True, _copies
    ),
    Hollow("NaN column", "nothing", "of random numbers with a column of NaN", False, _missing),
    Hollow("confounder only", "batch", "that holds nothing but the batch", True, _batch),
    Hollow("leaked labels", "labels", "into which the labels were written", False, _leak),
)
"""The hollow embeddings that metrics are tried on."""
