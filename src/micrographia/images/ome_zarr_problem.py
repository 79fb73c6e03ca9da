"""One thing that is wrong with an OME-Zarr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an OME-Zarr.

    Parameters
    ----------
    kind
        Stable name of the kind of problem, such as ``scale`` or ``chunk-missing``.
    file
        The file that is to blame, below the store, with ``/``; empty for the store itself.
    message
        What is wrong, as a clause without a full stop.
    fix
        What to do about it.
    severity
        ``"error"`` where the specification says MUST or pixels are lost, ``"warning"`` where it says SHOULD.
    """

    kind: str
    file: str
    message: str
    fix: str = "write the image again with micrographia convert"
    severity: Severity = "error"
