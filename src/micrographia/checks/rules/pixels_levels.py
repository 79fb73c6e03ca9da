"""Rules over pyramids: the smaller levels show what level 0 shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Source
from micrographia.checks.rules.pixels_common import PixelRule, image_path, pixels
from micrographia.findings import Finding, Severity

LEVEL_ALIKE, LEVEL_OFFSET = 0.7, 0.5
"""A level shows something else if thumbnails correlate less, or means differ by more standard deviations."""


class LevelsAgree(PixelRule):
    """The smaller levels of a pyramid show what level 0 shows.

    What it does
    ------------
    Compares one plane of the smaller levels of OME-Zarr images with level 0: what it looks like, and its mean. In the
    pyramids of masks it looks for labels that level 0 does not have. In a dataset of more than 64 small images, a
    quarter of them is looked at.

    Why it matters
    --------------
    Viewers show the small levels, programs read level 0: when they differ, people judge other data than they use.
    Labels that were averaged instead of picked are objects that do not exist.

    Example
    -------
    Level 2 still shows the image before it was corrected; level 1 of a mask holds 3.5 between objects 3 and 4, as 3.

    How to fix
    ----------
    Write the pyramid again: ``micrographia convert``.

    References
    ----------
    OME-Zarr, multiscales: levels hold the same image at other resolutions; labels are not interpolated.
    """

    code = "P008"
    severity = Severity.ERROR
    source = Source.NGFF

    def applies(self, facts: Facts) -> bool:
        """Only with pyramids."""
        return any(
            row.path.lower().split("/labels/")[0].endswith((".zarr", ".ozx", ".zip")) for row in facts.rows
        )

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at what the pass compared."""
        found: dict[str, dict[str, Any]] = {}
        for name, image in pixels(facts).images.items():
            for level in image.levels:
                if level.correlation < LEVEL_ALIKE or level.offset > LEVEL_OFFSET:
                    figures = {
                        "level": level.level,
                        "correlation": None if math.isnan(level.correlation) else round(level.correlation, 3),
                        "offset_in_standard_deviations": round(level.offset, 3),
                    }
                    found.setdefault(image_path(facts, name), figures)
        yield from self.together(
            found,
            "image",
            "has a pyramid whose smaller levels show something else",
            "write the pyramid again with micrographia convert",
            plural="have a pyramid whose smaller levels show something else",
        )
        masks = {
            (mask.paths[0] if mask.paths else mask.name): {"labels": list(mask.foreign)}
            for mask in pixels(facts).masks.values()
            if mask.foreign
        }
        yield from self.together(
            masks,
            "mask",
            "has labels in smaller levels that level 0 does not have",
            "write the pyramid again without averaging labels",
            plural="have labels in smaller levels that level 0 does not have",
        )
