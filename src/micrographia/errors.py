"""The errors that a user can cause and mend: which file, what is wrong, what to do."""

from __future__ import annotations

import shlex
from os import PathLike, fspath


def printable(text: str) -> str:
    r"""Return ``text`` on one line, fit for a terminal: what is not printable is written as ``\x1b`` or ``\udcff``.

    File names may hold line breaks, terminal commands, and bytes that are not UTF-8.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def command_line(*words: str | PathLike[str]) -> str:
    """Return a command of this program that can be pasted into a shell: a word that a shell would take apart is quoted.

    Parameters
    ----------
    words
        The command and its arguments, which may come from others.

    Examples
    --------
    >>> command_line("check", "my data")
    "micrographia check 'my data'"
    """
    return printable(shlex.join(["micrographia", *(fspath(word) for word in words)]))


class MicrographiaError(Exception):
    """A problem with the user's input or machine, told in one line.

    Parameters
    ----------
    path
        The file, folder or member that the problem is about; empty if it is about none.
    problem
        What is wrong, as a clause without a full stop.
    remedy
        What to do about it, as a clause without a full stop.
    """

    def __init__(self, path: str | PathLike[str], problem: str, remedy: str = "") -> None:
        super().__init__(fspath(path), problem, remedy)
        self.path = fspath(path)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.path}: {self.problem}" if self.path else self.problem
        return printable(f"{text.rstrip('.')}. {self.remedy}" if self.remedy else text)


class ImageError(MicrographiaError):
    """An image that cannot be read or written."""


class MetadataError(MicrographiaError):
    """A description (``mifa.yaml``, form, archive document) that cannot be read."""


class AnnotationError(MicrographiaError):
    """Annotations that cannot be read or written."""


class DatasetError(MicrographiaError):
    """A dataset folder that cannot be opened, described or converted."""


class ExchangeError(MicrographiaError):
    """A description in another community's form that cannot be read or written, or an address that does not answer."""


class ProfileError(MicrographiaError):
    """Profiles (a table of features with its metadata) that cannot be read or used."""


class ProtocolError(MicrographiaError):
    """An evaluation protocol that cannot be read, or does not fit the data."""
