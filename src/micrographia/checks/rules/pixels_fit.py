"""Rules over how masks sit on their images: turned, mirrored or shifted masks, and places that nobody annotated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from micrographia.checks.facts import Facts
from micrographia.checks.pixel_facts import Fit
from micrographia.checks.pixel_facts_prints import TURNS
from micrographia.checks.rule import Letter
from micrographia.checks.rules.pixels_common import PixelRule, mask_path, pixels
from micrographia.findings import Finding, Severity

POINTS = 100
"""Border pixels from which a fit is judged."""
FITS, BETTER = 1.4, 1.4
"""A mask belongs elsewhere if its borders have this many times the mean gradient there, and this many times what they
have where it is. Of the 254 masks of dsb2018 none reaches more than 0.97 times elsewhere; mirrored, 248 reach 1.4."""
BRIGHT, BRIGHT_SHARE = 3, 0.15
"""Bright places outside objects that are told: at least so many, and this share of the objects."""
CONTRAST = 10.0


class MasksInPlace(PixelRule):
    """Masks fit their images as they are, not turned, mirrored or shifted.

    What it does
    ------------
    Compares the gradient of the image on the borders of the objects with its mean, for the mask as it is, turned and
    mirrored in seven other ways, and shifted. A mask is reported if its borders follow the image in another position,
    and clearly better than they do as it is.

    Why it matters
    --------------
    Rows and columns get swapped between programs, and an origin at the bottom becomes one at the top. Each file is
    valid, and all of it is wrong.

    Example
    -------
    Mirrored top to bottom, the borders of ``masks/o3.png`` lie where the image changes (2.6 times the mean gradient);
    as it is, they do not (1.0).

    How to fix
    ----------
    Look at both in a viewer, and export the mask again in the image's orientation.

    References
    ----------
    Practice.
    """

    code = "P018"
    severity = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the positions."""
        found: dict[str, dict[str, Any]] = {}
        for mask in pixels(facts).masks.values():
            better = _better(mask.fit)
            if better:
                found[mask_path(mask)] = better
        how = next(iter(found.values()))["position"] if found else ""
        yield from self.together(
            found,
            "mask",
            f"fits its image better {how}",
            "look at both, and export the mask again in the image's orientation",
            plural="fit their images better in another position",
        )


class BrightPlacesAnnotated(PixelRule):
    """What looks like the annotated objects is annotated.

    What it does
    ------------
    Counts places outside all objects that are as bright as the median of the objects and at least a quarter of their
    size, in grey images of one channel where objects are much brighter than their surroundings. An image is reported
    if there are at least 3 such places and they are more than 15% of its objects. It is a hint to look, no more.

    Why it matters
    --------------
    A model that is trained on half of the objects learns not to see the other half, and one that sees them is
    punished in the score.

    Example
    -------
    ``masks/p2.png`` has 20 objects; 9 places as bright and as large are left out.

    How to fix
    ----------
    Annotate them, or say in the criteria which objects were left out; an annotated region says where annotation ends.

    References
    ----------
    Practice; missing annotations are what users of published datasets report most.
    """

    code = "P019"
    severity = Severity.INFO
    letter = Letter.METADATA
    requires = ("P018",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the number of bright places with that of objects, over all masks of an image."""
        sets = {mask.set for mask in pixels(facts).masks.values()}
        plain = {name for name, image in pixels(facts).images.items() if len(image.channels) == 1}
        found: dict[str, dict[str, Any]] = {}
        for mask in pixels(facts).masks.values():
            fit = mask.fit
            if fit is None or mask.layer > 1 or len(sets) > 1 or mask.image not in plain:
                continue
            if not fit.contrast >= CONTRAST:
                continue
            if fit.bright >= BRIGHT and fit.bright > BRIGHT_SHARE * len(mask.objects):
                found[mask_path(mask)] = {"places": fit.bright, "objects": len(mask.objects)}
        yield from self.together(
            found,
            "mask",
            "may be incomplete: places as bright as its objects are left out",
            "annotate them, or say in the criteria which objects were left out",
            plural="may be incomplete: places as bright as their objects are left out",
        )


def _better(fit: Fit | None) -> dict[str, Any]:
    """Return in which position a mask fits much better than as it is; empty if in none."""
    if fit is None or fit.points < POINTS:
        return {}
    here, *others = fit.turned
    candidates = [(value, name) for value, name in zip(others, TURNS[1:], strict=True) if np.isfinite(value)]
    if np.isfinite(fit.shifted):
        candidates.append((fit.shifted, f"shifted by {fit.shift[0]}, {fit.shift[1]} pixels (y, x)"))
    if not candidates:
        return {}
    value, name = max(candidates)
    as_it_is = here if np.isfinite(here) else 0.0
    if value < max(FITS, BETTER * as_it_is):
        return {}
    return {
        "position": name,
        "gradient_there": round(value, 2),
        "gradient_as_it_is": round(as_it_is, 2),
    }
