"""The adapters by name; one is imported when it is asked for."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from micrographia.errors import ProfileError
from micrographia.representation.adapters.study import About, Study

ADAPTERS = {
    "bbbc021": "bbbc021",
    "sq00015054": "sq00015054",
    "diabetes": "diabetes",
    "spatialtime": "spatialtime",
    "nuclei": "nuclei",
    "imagefolder": "imagefolder",
    "rxrx3": "rxrx3",
    "jump": "jump",
    "hest": "hest",
    "dataset": "described",
}
"""Name of an adapter in a protocol to its module."""


def about(adapter: str) -> About:
    """Return what an adapter reads, and where the data come from.

    Raises
    ------
    ProfileError
        If there is no such adapter.
    """
    told: About = _module(adapter).ABOUT
    return told


def load(adapter: str, folder: str | PathLike[str], options: Mapping[str, Any] | None = None) -> Study:
    """Read a study.

    Parameters
    ----------
    adapter
        Name of the layout (:data:`ADAPTERS`).
    folder
        Where the data are; nothing is written there.
    options
        Options of the adapter, as ``study: {adapter: ..., options: {...}}`` of a protocol has them.

    Raises
    ------
    ProfileError
        If there is no such adapter, option or folder, or the folder lacks a file: then with where it comes from.
    """
    module = _module(adapter)
    place = Path(folder)
    told: About = module.ABOUT
    if not place.is_dir():
        raise ProfileError(place, "is no folder", f"{told.title}: the data come from {told.source}")
    known = list(inspect.signature(module.load).parameters)[1:]
    given = dict(options or {})
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise ProfileError(
            adapter,
            f"has no option {unknown!r}",
            f"Options are {', '.join(known)}" if known else "It has no options",
        )
    study: Study = module.load(place, **given)
    return study


def _module(adapter: str) -> Any:
    if adapter not in ADAPTERS:
        close = difflib.get_close_matches(adapter, list(ADAPTERS), 1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise ProfileError(
            "", f"there is no adapter {adapter!r}", f"{hint}Adapters are {', '.join(ADAPTERS)}"
        )
    return import_module(f"micrographia.representation.adapters.{ADAPTERS[adapter]}")
