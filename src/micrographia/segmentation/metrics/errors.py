"""What can be wrong with a segmentation, its truth, or a model, told in one line."""

from __future__ import annotations

from micrographia.errors import MicrographiaError

__all__ = ["SegmentationError"]


class SegmentationError(MicrographiaError):
    """Labels that cannot be compared, a model that cannot run, or a result that cannot be read."""
