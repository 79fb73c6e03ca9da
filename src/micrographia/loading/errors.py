"""What can be wrong with data for training, told in one line."""

from __future__ import annotations

from micrographia.errors import MicrographiaError

__all__ = ["LoadingError"]


class LoadingError(MicrographiaError):
    """Data that cannot be cut, mixed or exported for training as they were asked for."""
