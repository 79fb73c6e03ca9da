"""How patiently servers are read, and how much of them is kept: numbers that the environment may change."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path

from micrographia import __version__
from micrographia.errors import ExchangeError

PREFIX = "MICROGRAPHIA_REMOTE_"
"""Beginning of the environment variables, before the name of a setting in capitals."""

CACHE_VARIABLE = "MICROGRAPHIA_CACHE_DIR"
"""Environment variable with the folder for everything that is kept between runs."""

AGENT = f"micrographia/{__version__}"
"""How requests say who asks."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``MICROGRAPHIA_REMOTE_NAME`` may set.

    Parameters
    ----------
    connect
        Seconds in which a connection must be made.
    stall
        Seconds in which a server must send something, and at least :data:`SLOWEST` bytes for each of them.
    total
        Seconds that one request may take with all its repetitions; downloads of whole files excepted.
    retries
        How often a request is repeated that failed for a reason that may pass.
    backoff
        Seconds before the first repetition; they double each time, and half of them is by chance.
    connections
        Requests that one process has under way at a time.
    cache_mb
        Megabytes that are kept on disk; 0 keeps nothing.
    fresh
        Seconds in which what is kept is used without asking whether it has changed.
    """

    connect: float = 10
    stall: float = 30
    total: float = 300
    retries: float = 4
    backoff: float = 0.5
    connections: float = 16
    cache_mb: float = 2000
    fresh: float = 3600


SLOWEST = 256
"""Bytes a second below which an answer counts as stalled."""

LONGEST_WAIT = 60
"""Seconds that a server may ask to wait before its request is repeated."""


def settings() -> Settings:
    """Return the settings as the environment has them now.

    Raises
    ------
    ExchangeError
        If a variable holds no number, or a negative one.
    """
    found = {}
    for field in fields(Settings):
        said = os.environ.get(PREFIX + field.name.upper(), "").strip()
        if said:
            found[field.name] = _number(PREFIX + field.name.upper(), said)
    return Settings(**found)


def _number(name: str, said: str) -> float:
    try:
        number = float(said)
    except ValueError:
        number = -1
    if not 0 <= number < 1e12:
        raise ExchangeError(name, f"is {said!r}, which is no number of 0 or more", "Correct or unset it")
    return number


def cache_folder() -> Path:
    """Return the folder for what is kept between runs: ``$MICROGRAPHIA_CACHE_DIR``, or one in ``$XDG_CACHE_HOME``."""
    own = os.environ.get(CACHE_VARIABLE, "")
    if own:
        return Path(own)
    general = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(general) if general else Path.home() / ".cache") / "micrographia"
