"""What can be wrong with a catalogue or a question to it, told in one line."""

from __future__ import annotations

from micrographia.errors import MicrographiaError

__all__ = ["CatalogueError"]


class CatalogueError(MicrographiaError):
    """A catalogue that cannot be opened or written, or a question that it cannot answer."""
