"""What an exchange format is: one module with ``read`` and ``write``, and a list of what it may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that a person may choose of an export.

    Parameters
    ----------
    name
        As ``--option NAME=VALUE`` has it.
    values
        What may be chosen, the default first.
    meaning
        What it decides, in one sentence without a full stop.
    """

    name: str
    values: tuple[str, ...]
    meaning: str


@runtime_checkable
class ExchangeFormat(Protocol):
    """Reads and writes one form of another community; a plug-in announces one under ``micrographia.exchange``.

    Parameters
    ----------
    api_version
        1.
    name
        What people call it on the command line.
    title
        What it is, in a few words.
    file
        Name of the one file that it writes; empty if it writes a folder.
    reads, writes
        What it can do.
    choices
        What may be chosen when it writes.
    """

    api_version: int
    name: str
    title: str
    file: str
    reads: bool
    writes: bool
    choices: tuple[Choice, ...]

    def matches(self, source: Source, /) -> bool:
        """Return whether the source is of this format, by its name and its beginning; nothing is raised."""
        ...

    def read(self, source: Source, /) -> Submission:
        """Return what the source says; raise ``ExchangeError`` if it cannot be read at all."""
        ...

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write into ``target``, an empty folder, or the file of that name if :attr:`file` is not empty.

        ``options`` has a value for every choice. The findings name every field that was not written as it is.
        """
        ...
