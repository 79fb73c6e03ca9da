"""Answers about short texts are kept: the names of licences, species and methods occur again and again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Told = TypeVar("Told")

SHORT = 200
"""Characters of a text of which the answer is kept."""
MOST = 4096
"""Answers that are kept of one function."""


def remembered(answer: Callable[[str], Told]) -> Callable[[str], Told]:
    """Let a function of a text remember its answers to short texts.

    Parameters
    ----------
    answer
        The function; what it returns must not be changed by who asks.
    """
    known = lru_cache(maxsize=MOST)(answer)

    @wraps(answer)
    def asked(text: str) -> Told:
        return known(text) if len(text) <= SHORT else answer(text)

    return asked
