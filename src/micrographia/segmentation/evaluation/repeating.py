"""Repeat a transfer matrix: everything is computed again, nothing is taken from a cache."""

from __future__ import annotations

import shutil
import tempfile
import weakref
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
    empty = Path(tempfile.mkdtemp())
    try:
        found = evaluate(options, empty, cache=empty, workers=workers, command=command, quiet=quiet)
    except BaseException:
        shutil.rmtree(empty, ignore_errors=True)
        raise
    # Predictions are there until the result is gone.
    weakref.finalize(found, shutil.rmtree, empty, ignore_errors=True)
    return found
