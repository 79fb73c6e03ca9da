"""Patches side by side: batches of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from micrographia.loading.errors import LoadingError

Patch = dict[str, Any]

STACKED = ("image", "mask", "region", "start")
"""What has one shape in all patches."""


def collate(patches: Sequence[Mapping[str, Any]], room: Mapping[str, Any] | None = None) -> Patch:
    """Put patches into one batch.

    Parameters
    ----------
    patches
        At least one, with the same keys.
    room
        Key to the array into which its values are stacked; new ones by default.

    Returns
    -------
    dict
        ``image`` (N, C, [Z,] Y, X), ``mask``, ``region`` and ``start`` stacked along a first axis; numbers as one
        array; all else, such as ``boxes`` of which each patch has another number, as a list with an entry a patch.

    Raises
    ------
    LoadingError
        If images have different numbers of channels.
    """
    found: Patch = {}
    for key in patches[0]:
        values = [patch[key] for patch in patches]
        if key in STACKED:
            shapes = {value.shape for value in values}
            if len(shapes) > 1:
                names = sorted({f"{patch['image_id']} {patch['image'].shape}" for patch in patches})
                raise LoadingError(
                    "",
                    f"patches of different shapes do not fit into a batch: {', '.join(names[:4])}",
                    "Choose channels=, or images of one kind with groups= or images=",
                )
            found[key] = np.stack(values, out=None if room is None else room.get(key))
        elif isinstance(values[0], int | float):
            found[key] = np.array(values)
        else:
            found[key] = values
    return found
