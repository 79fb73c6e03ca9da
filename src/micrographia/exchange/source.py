"""What an import reads from: a file, a folder, or an address."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from micrographia.dataset.manifest import inside, path_problem
from micrographia.errors import DatasetError, ExchangeError
from micrographia.remote import below, beside, fetch_bytes, is_address

LARGEST = 512 << 20
"""Bytes above which a document is not read."""
BEGINNING = 1 << 16
"""Bytes by which a document is recognised."""
DEEPEST = 200
"""Levels of nesting above which a JSON document is not read."""


class Source:
    """A document, with what lies beside it.

    Parameters
    ----------
    place
        Path of a file or of a folder, or the address of a file.

    Raises
    ------
    ExchangeError
        If there is no such file or folder.
    """

    def __init__(self, place: str | Path) -> None:
        self.place = str(place)
        self.remote = is_address(self.place)
        self._document: bytes | None = None
        if not self.remote and not Path(place).exists():
            raise ExchangeError(self.place, "does not exist", "Give a file, a folder, or an address")

    def __str__(self) -> str:
        return self.place

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return not self.remote and Path(self.place).is_dir()

    @cached_property
    def name(self) -> str:
        """Name of the file; empty for a folder."""
        if self.is_folder:
            return ""
        path = urlsplit(self.place).path if self.remote else self.place
        return PurePosixPath(path.replace("\\", "/") if not self.remote else path).name

    @cached_property
    def folder(self) -> Path | None:
        """The folder of this machine in which it lies; None for an address."""
        if self.remote:
            return None
        return Path(self.place) if self.is_folder else Path(self.place).parent

    @cached_property
    def base(self) -> str:
        """Address that paths beside it start with, ending in ``/``; empty for this machine."""
        return beside(self.place) if self.remote else ""

    def names(self, pattern: str = "*") -> list[str]:
        """Return the files of a folder that match, sorted; the file itself if it is one and matches."""
        if self.is_folder:
            return sorted(path.name for path in Path(self.place).glob(pattern) if path.is_file())
        return [self.name] if PurePosixPath(self.name).match(pattern) else []

    def has(self, name: str) -> bool:
        """Whether a file lies beside it; of an address only the document itself is known to."""
        if self.remote:
            return name == self.name
        return not path_problem(name) and self.folder is not None and (self.folder / name).is_file()

    def beginning(self, name: str = "") -> str:
        """Return how a file begins, as text, to recognise it by; empty if there is none that can be read.

        Raises
        ------
        ExchangeError
            If an address does not answer.
        """
        if self.folder is None:
            return self.data(name)[:BEGINNING].decode("utf-8-sig", "replace")
        try:
            with inside(self.folder, name or self.name).open("rb") as file:
                return file.read(BEGINNING).decode("utf-8-sig", "replace")
        except (OSError, DatasetError):
            return ""

    def data(self, name: str = "") -> bytes:
        """Return the bytes of the document, or of a file beside it.

        Raises
        ------
        ExchangeError
            If it leaves the folder, is too large, or cannot be read.
        """
        name = name or self.name
        if self.remote:
            if name != self.name:
                return fetch_bytes(below(self.base, name), limit=LARGEST)
            if self._document is None:  # formats look at it one after the other
                self._document = fetch_bytes(self.place, limit=LARGEST)
            return self._document
        here = self.folder or Path()
        path = Path(self.place) if name == self.name else inside(here, name)
        try:
            if path.stat().st_size > LARGEST:
                raise ExchangeError(
                    path, "is larger than 512 MiB", "Is it really a description or file list?"
                )
            return path.read_bytes()
        except OSError as error:
            raise ExchangeError(
                path, f"cannot be read ({error.strerror or error})", "Check its path"
            ) from error

    def text(self, name: str = "") -> str:
        """Return a file as text in UTF-8.

        Raises
        ------
        ExchangeError
            As :meth:`data`, or if it is not UTF-8.
        """
        try:
            return self.data(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            shown = name or self.place
            raise ExchangeError(
                shown, f"is not UTF-8 (byte {error.start})", "Save it as UTF-8 text"
            ) from error

    def json(self, name: str = "") -> Any:
        """Return what a JSON file holds.

        Raises
        ------
        ExchangeError
            As :meth:`text`, or if it is no JSON, or nested more than :data:`DEEPEST` levels.
        """
        shown = name or self.place
        try:
            held = json.loads(self.text(name), parse_constant=lambda _: None)
        except RecursionError as error:
            raise ExchangeError(shown, "is nested too deep", "Is it really what it is called?") from error
        except ValueError as error:
            raise ExchangeError(shown, f"is no JSON ({error})", "Save it again") from error
        if _deeper(held, DEEPEST):
            raise ExchangeError(shown, "is nested too deep", "Is it really what it is called?")
        return held


def _deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            item
            for one in layer
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, dict | list)
        ]
        if not layer:
            return False
    return True
