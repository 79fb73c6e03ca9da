"""Repeat a transfer matrix: everything is computed again, nothing is taken from a cache."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from micrographia.segmentation.evaluation.matrix import Evaluated, Options, evaluate
from micrographia.segmentation.metrics.errors import SegmentationError


def repeat(
    before: Mapping[str, Any],
    *,
    command: Sequence[str] = (),
    workers: int | None = None,
    quiet: bool = False,
) -> Evaluated:
    """Compute a matrix again with the options that its provenance states.

    Parameters
    ----------
    before
        The document.
    command, workers, quiet
        As for :func:`~micrographia.segmentation.evaluation.matrix.evaluate`.

    Raises
    ------
    SegmentationError
        If the document does not say what it was made with, or its datasets have moved.
    """
    held = before.get("provenance", {})
    if "options" not in held:
        raise SegmentationError("", "the result does not say what it was made with", "Evaluate again")
    options = Options.from_json(held["options"])
    gone = [place for place in options.datasets if not Path(place).is_dir()]
    if gone:
        raise SegmentationError(gone[0], "is not there any more", "Put the dataset back, or evaluate again")
    empty = tempfile.TemporaryDirectory()
    found = evaluate(
        options,
        Path(empty.name),
        cache=Path(empty.name),
        workers=workers,
        command=command,
        quiet=quiet,
    )
    found.holder = empty  # predictions are there until the result is gone
    return found
