"""What the pages of a file are when it does not say: slices, channels or times. People decide, in ``files.tsv``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.dataset.opening import open_member
from micrographia.images import UNSAID

if TYPE_CHECKING:
    import pandas as pd

AXES = "axes"
"""Column of ``files.tsv`` with the axes that a person decided; empty where the file says them."""

PAGES = {"slices": "Z", "channels": "C", "times": "T"}
"""What pages may be, to their axis."""


def decide_pages(root: Path, frame: pd.DataFrame, pages: str) -> int:
    """Write the axes of the images whose files do not say what their pages are; return how many there are.

    Parameters
    ----------
    root
        The dataset.
    frame
        The rows of ``files.tsv``; gets the column :data:`AXES`. Masks have times and slices, but no channels.
    pages
        ``slices``, ``channels`` or ``times``.
    """
    axis = PAGES[pages]
    roles = ("image",) if axis == "C" else ("image", "annotation")
    decided = 0
    for index, row in frame[frame["role"].isin(roles)].iterrows():
        if row["role"] == "annotation" and row["annotation type"] != "segmentation_mask":
            continue
        if not (root / row["Files"]).exists():
            continue
        with open_member(root, row["Files"], row["member"]) as image:
            unsaid = any(note.startswith(UNSAID) for note in image.notes) and image.axes == "ZYX"
        if unsaid:
            if AXES not in frame.columns:
                frame[AXES] = ""
            frame.loc[index, AXES] = f"{axis}YX"
            decided += row["role"] == "image"
    return decided
