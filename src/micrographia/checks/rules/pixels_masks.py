"""Rules over the values in masks: labels, not pictures of labels, and classes that are described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from micrographia.checks.facts import Facts
from micrographia.checks.pixel_facts import MaskFacts
from micrographia.checks.rule import Letter, Source
from micrographia.checks.rules.pixels_common import (
    PixelRule,
    by_set,
    mask_path,
    masks_of_kind,
    pixels,
)
from micrographia.findings import Finding, Severity

EXAMPLES = 5


class InstancesAreLabels(PixelRule):
    """Instance masks do not hold 0 and 255 only.

    What it does
    ------------
    Reports masks of sets said to be instances whose only value beside 0 is 255, or the largest of their type.

    Why it matters
    --------------
    Such a mask is a picture of the foreground: touching objects are one, and a loader that takes 255 for an id sees a
    single object.

    Example
    -------
    ``labels/a1.png`` holds 0 and 255, and ``mask_kind`` is ``instance``.

    How to fix
    ----------
    Export labels (16 bits, one number an object); if there are none, write ``mask_kind: binary``.

    References
    ----------
    Practice; reported by users of published datasets.
    """

    code = "P004"
    severity = Severity.ERROR

    def applies(self, facts: Facts) -> bool:
        """Only with instance masks."""
        return bool(masks_of_kind(facts, "instance"))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the distinct values."""
        found = {
            mask_path(mask): {"values": [0, *mask.values]}
            for mask in masks_of_kind(facts, "instance")
            if picture(mask)
        }
        yield from self.together(
            found,
            "mask",
            "holds 0/255 although instances are claimed",
            "export one number an object, or write mask_kind: binary",
            plural="hold 0/255 although instances are claimed",
        )


class SeveralInstances(PixelRule):
    """Instance masks tell objects apart.

    What it does
    ------------
    Reports sets said to be instances in which no mask has more than one label although some labels lie in several
    pieces.

    Why it matters
    --------------
    These are binary masks under another name: every count and every score per object is wrong.

    Example
    -------
    All 40 masks hold 0 and 1; the ones lie in 12 places an image.

    How to fix
    ----------
    Label the pieces if they are the objects, or write ``mask_kind: binary``.

    References
    ----------
    Practice.
    """

    code = "P009"
    severity = Severity.ERROR

    def applies(self, facts: Facts) -> bool:
        """Only with instance masks."""
        return bool(masks_of_kind(facts, "instance"))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at each set as a whole; what P004 tells is not told again."""
        for name, masks in by_set(masks_of_kind(facts, "instance")).items():
            filled = [mask for mask in masks if not mask.empty and not picture(mask)]
            pieces = sum(int(mask.objects.components.max(initial=0)) > 1 for mask in filled)
            if filled and pieces and all(len(mask.distinct) == 1 for mask in filled):
                found = {mask_path(mask): {"values": [0, *mask.values]} for mask in filled}
                yield from self.together(
                    found,
                    "mask",
                    f"of {name} has a single label that lies in several places",
                    "label each object, or write mask_kind: binary",
                    plural=f"of {name} have a single label each, which lies in several places",
                )


class MasksNotEmpty(PixelRule):
    """No mask is empty, unless the description says that some are.

    What it does
    ------------
    Reports masks without any object. It stays silent if the coverage or the criteria of the set speak of images that
    are empty or have no objects.

    Why it matters
    --------------
    Nobody can tell whether there is nothing to annotate or nobody has annotated. A model that trains on the second kind
    learns not to see.

    Example
    -------
    ``masks/g3.png`` is 0 everywhere.

    How to fix
    ----------
    Annotate the image, or leave it out; if it is rightly empty, say in the coverage that some images are empty.

    References
    ----------
    Practice.
    """

    code = "P010"
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for masks without foreground."""
        told = {set_.name: _speaks_of_empty(set_) for _, set_ in facts.sets}
        layered = {(mask.image, mask.set) for mask in pixels(facts).masks.values() if not mask.empty}
        found = {
            mask_path(mask): {"image": mask.image}
            for mask in pixels(facts).masks.values()
            if mask.empty and not told.get(mask.set, False) and (mask.image, mask.set) not in layered
        }
        yield from self.together(
            found,
            "mask",
            "is empty",
            "annotate the image, or say in the coverage that some images are empty",
            plural="are empty",
        )


class LabelsWhole(PixelRule):
    """Labels are whole numbers from 0 on.

    What it does
    ------------
    Reports masks with pixels that are negative, have a fraction, or are NaN or infinite.

    Why it matters
    --------------
    A label is a name, not a measure: 3.5 is no object between 3 and 4 but what interpolation made of them, and -1
    becomes 65535 in the next program.

    Example
    -------
    ``masks/h1.tif`` was rescaled with linear interpolation and holds 2.4.

    How to fix
    ----------
    Export the labels again without interpolation; for regions that do not count use an annotated region.

    References
    ----------
    Practice; reported by users of published datasets.
    """

    code = "P011"
    severity = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at what was counted."""
        found = {
            mask_path(mask): {
                "fractional": mask.fractional,
                "negative": mask.negative,
                "not_finite": mask.nans,
                "dtype": mask.dtype,
            }
            for mask in pixels(facts).masks.values()
            if mask.fractional or mask.negative or mask.nans
        }
        yield from self.together(
            found,
            "mask",
            "holds values that are no labels: negative, fractional or not finite",
            "export the labels again without interpolation",
            plural="hold values that are no labels: negative, fractional or not finite",
        )


class ValuesAreClasses(PixelRule):
    """The values of semantic masks are classes of the description.

    What it does
    ------------
    Reports semantic masks with values that are the id of no class, and classes that occur in no mask of the set.

    Why it matters
    --------------
    A value without a class is an annotation that nobody can read; a class that never occurs is a class that nothing can
    learn, or a sign that ids were shifted.

    Example
    -------
    ``masks/l2.png`` holds 4 and the classes are 1, 2 and 3.

    How to fix
    ----------
    Add the class to ``mifa.yaml``, or correct the mask.

    References
    ----------
    Practice; MIFA asks what annotations represent.
    """

    code = "P015"
    source = Source.PRACTICE
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with semantic masks whose classes are described."""
        known = {set_.name for _, set_ in facts.sets if set_.classes}
        return any(mask.set in known for mask in masks_of_kind(facts, "semantic"))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare values with ids, both ways."""
        classes = {
            set_.name: {one.id for one in set_.classes if one.id is not None} for _, set_ in facts.sets
        }
        for name, masks in by_set(masks_of_kind(facts, "semantic")).items():
            known = classes.get(name, set())
            if not known:
                continue
            found: dict[str, dict[str, Any]] = {}
            seen: set[int] = set()
            for mask in masks:
                values = set(mask.distinct.tolist())
                seen |= values
                if values - known:
                    found[mask_path(mask)] = {
                        "values": sorted(values - known)[:EXAMPLES],
                        "classes": sorted(known),
                    }
            yield from self.together(
                found,
                "mask",
                f"of {name} holds values that are no class",
                "add the class to mifa.yaml, or correct the mask",
                severity=Severity.ERROR,
                plural=f"of {name} hold values that are no class",
            )
            absent = sorted(known - seen - {0})
            if absent:
                at = next(place for place, set_ in facts.sets if set_.name == name)
                yield self.finding(
                    f"classes of {name} that occur in no mask: {', '.join(map(str, absent))}",
                    **facts.at(f"{at}.classes"),
                    fix="remove the class, or correct the masks",
                    severity=Severity.INFO,
                    evidence={"classes": absent},
                )


def picture(mask: MaskFacts) -> bool:
    """Tell whether a mask is a picture of the foreground: its only value is 255 or the largest of its type."""
    if mask.dtype.startswith("float"):
        return mask.values == (255,)
    return len(mask.values) == 1 and mask.values[0] in (255, int(np.iinfo(mask.dtype).max))


def _speaks_of_empty(described: Any) -> bool:
    coverage = described.annotation_coverage
    said = " ".join(
        text or ""
        for text in (
            described.annotation_criteria,
            described.annotation_overview,
            coverage.description if coverage is not None else "",
        )
    ).lower()
    words = ("empty", "no object", "no nucle", "no cell", "without", "nothing to annotate", "negative")
    return any(word in said for word in words)
