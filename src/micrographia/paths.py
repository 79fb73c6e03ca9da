"""Paths that a file names: none may lead out of the folder it lies in."""

from __future__ import annotations

import os
from collections.abc import Iterable


def has_link(root: str | os.PathLike[str], parts: Iterable[str]) -> bool:
    """Tell whether a path below a folder passes a symbolic link: most do not, and need not be followed.

    Parameters
    ----------
    root
        The folder; links above and at it do not count.
    parts
        The names below it, none of them ``..``.
    """
    place = os.fspath(root)
    for part in parts:
        place = f"{place}/{part}"
        if os.path.islink(place):  # noqa: PTH114 - ten thousand files have fifty thousand parts
            return True
    return False
