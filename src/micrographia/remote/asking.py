"""What is asked of a server, what it answers, and which version of a file that is of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from micrographia.errors import ExchangeError
from micrographia.remote.settings import AGENT


class MissingError(ExchangeError):
    """An address where a server says that there is nothing."""


class ChangedError(ExchangeError):
    """A file that was replaced while it was read."""


class NoRangesError(ExchangeError):
    """A server that sends a whole file when it is asked for a part."""


class PassingError(Exception):
    """A failure that may pass; ``wait`` are the seconds that the server asks for."""

    def __init__(self, problem: str, wait: float = 0) -> None:
        super().__init__(problem)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Entity:
    """Which version of a file an answer is of.

    Parameters
    ----------
    size
        Of the whole file in bytes; -1 if the server does not say.
    tag, modified
        The headers ``ETag`` and ``Last-Modified``; empty if it sends none.
    """

    size: int = -1
    tag: str = ""
    modified: str = ""

    def differs(self, other: Entity) -> bool:
        """Whether two answers cannot be of the same version of a file."""
        return any(
            one != two
            for one, two in ((self.size, other.size), (self.tag, other.tag), (self.modified, other.modified))
            if one not in (-1, "") and two not in (-1, "")
        )

    @property
    def is_known(self) -> bool:
        """Whether a later answer can be told from this one."""
        return bool(self.tag or self.modified)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent: bytes from a place of a file on."""

    data: bytes
    start: int
    entity: Entity


@dataclass(slots=True)
class Ask:
    """A request.

    Parameters
    ----------
    address
        What is asked for.
    start, length
        The part of it: ``start`` is negative for the last bytes; a ``length`` of -1 is all from ``start`` on.
    limit
        Bytes above which an answer is refused.
    known
        The version that it must be of.
    unchanged
        Ask for it only if it is no longer that version.
    method
        ``GET``, or ``HEAD`` for the size alone.
    sink
        Takes the bytes of a download as they come; by default they are collected.
    told
        Takes the version before the first bytes come.
    patient
        Whether it may take as long as it keeps sending.
    """

    address: str
    start: int = 0
    length: int = -1
    limit: int = 1 << 62
    known: Entity = field(default_factory=Entity)
    unchanged: bool = False
    method: str = "GET"
    sink: Callable[[bytes], None] | None = None
    told: Callable[[Entity], None] | None = None
    patient: bool = False

    @property
    def ranged(self) -> bool:
        """Whether a part is asked for."""
        return self.start != 0 or self.length >= 0

    def headers(self) -> dict[str, str]:
        """Return the headers of the request."""
        headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        if self.start < 0:
            headers["Range"] = f"bytes={self.start}"
        elif self.ranged:
            last = self.start + self.length - 1 if self.length >= 0 else ""
            headers["Range"] = f"bytes={self.start}-{last}"
        if self.unchanged and self.known.tag:
            headers["If-None-Match"] = self.known.tag
        elif self.unchanged and self.known.modified:
            headers["If-Modified-Since"] = self.known.modified
        elif self.ranged and self.known.tag and not self.known.tag.startswith("W/"):
            headers["If-Range"] = self.known.tag
        return headers
