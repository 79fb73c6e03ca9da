"""Rules over the objects in masks: one piece each, no leftovers, listed, and each mask with its own image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from micrographia.checks.facts import Facts
from micrographia.checks.fields import Kind
from micrographia.checks.fields_links import connected
from micrographia.checks.pixel_facts import MaskFacts
from micrographia.checks.rule import Letter
from micrographia.checks.rules.pixels_common import (
    PixelRule,
    by_set,
    image_path,
    mask_path,
    masks_of_kind,
    pixels,
)
from micrographia.checks.rules.pixels_masks import picture
from micrographia.findings import Finding, Severity
from micrographia.metadata import AnnotationSet

STRAY = 0.1
"""A piece smaller than this share of its object is a stray piece, not a second object with the same label."""
STRAY_PIXELS = 8
"""So is any piece of no more pixels than this."""
TINY = 0.02
"""An object smaller than this share of the median is tiny."""
TINY_PIXELS = 5
"""So is any object of fewer pixels, where the median has at least ten times as many."""
FEWEST_OBJECTS = 20
EXAMPLES = 5


class ObjectsConnected(PixelRule):
    """An object of an instance mask is one piece.

    What it does
    ------------
    Reports instance masks with labels that lie in several large pieces (corners connect): each piece has at least a
    tenth of the object's pixels. In movies each time point is looked at by itself.

    Why it matters
    --------------
    Mostly two objects got one label: a count too low, a box around both, and a score that can never be reached.

    Example
    -------
    Label 7 of ``masks/i2.png`` is two nuclei at opposite corners.

    How to fix
    ----------
    Give each piece a label of its own; if objects may be in pieces (fragmented nuclei), say so in the target.

    References
    ----------
    Practice; reported by users of published datasets.
    """

    code = "P012"

    def applies(self, facts: Facts) -> bool:
        """Only with instance masks."""
        return bool(masks_of_kind(facts, "instance"))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for labels in several large pieces."""
        found = {
            mask_path(mask): {
                "labels": mask.objects.labels[large].tolist()[:EXAMPLES],
                "number": int(large.sum()),
            }
            for mask in masks_of_kind(facts, "instance")
            if not picture(mask) and len(mask.distinct) > 1
            for large in [_several(mask) & ~_stray(mask)]
            if large.any()
        }
        yield from self.together(
            found,
            "mask",
            "has labels that lie in several large pieces",
            "give each piece a label of its own, or say in the target that objects may be in pieces",
            plural="have labels that lie in several large pieces",
        )


class NoStrayPixels(PixelRule):
    """Objects have no stray pixels elsewhere.

    What it does
    ------------
    Reports instance masks with labels of which a small piece (at most 8 pixels, or a tenth of the object) does not
    touch the rest.

    Why it matters
    --------------
    A slip of the brush, invisible at usual zoom, stretches the object's box over half the image.

    Example
    -------
    Label 12 of ``masks/j4.png`` has 3 pixels 200 pixels away from the others.

    How to fix
    ----------
    Remove the small pieces; most annotation programs can.

    References
    ----------
    Practice.
    """

    code = "P013"

    def applies(self, facts: Facts) -> bool:
        """Only with instance masks."""
        return bool(masks_of_kind(facts, "instance"))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for labels with small pieces."""
        found = {
            mask_path(mask): {
                "labels": mask.objects.labels[stray].tolist()[:EXAMPLES],
                "number": int(stray.sum()),
                "smallest_piece": int(mask.objects.smallest[stray].min()),
            }
            for mask in masks_of_kind(facts, "instance")
            if not picture(mask) and len(mask.distinct) > 1
            for stray in [_several(mask) & _stray(mask)]
            if stray.any()
        }
        yield from self.together(
            found,
            "mask",
            "has objects with stray pixels apart from the rest",
            "remove the small pieces",
            plural="have objects with stray pixels apart from the rest",
        )


class NoTinyObjects(PixelRule):
    """No object is tiny beside the others of its set.

    What it does
    ------------
    Reports instance masks with objects away from the border that have less than 2% of the median size of their set, or
    fewer than 5 pixels, where there are at least 20 objects.

    Why it matters
    --------------
    They are leftovers of editing, count as objects, and can hardly ever be found: one missed pixel halves their IoU.

    Example
    -------
    ``masks/k1.png`` has an object of 1 pixel; the median is 210.

    How to fix
    ----------
    Remove them, or say in the criteria from which size on objects were annotated.

    References
    ----------
    Practice.
    """

    code = "P014"

    def applies(self, facts: Facts) -> bool:
        """Only with instance masks."""
        return bool(masks_of_kind(facts, "instance"))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare with the median of the set."""
        for masks in by_set(masks_of_kind(facts, "instance")).values():
            areas = np.concatenate([mask.objects.areas for mask in masks])
            if len(areas) < FEWEST_OBJECTS:
                continue
            middle = float(np.median(areas))
            least = max(TINY * middle, float(TINY_PIXELS) if middle >= 10 * TINY_PIXELS else 0.0)
            found: dict[str, dict[str, Any]] = {}
            for mask in masks:
                tiny = (mask.objects.areas < least) & (mask.objects.borders == 0)
                if tiny.any():
                    found[mask_path(mask)] = {
                        "labels": mask.objects.labels[tiny].tolist()[:EXAMPLES],
                        "number": int(tiny.sum()),
                        "smallest": int(mask.objects.areas[tiny].min()),
                        "median": middle,
                    }
            yield from self.together(
                found,
                "mask",
                "has tiny objects",
                "remove them, or say in the criteria from which size on objects were annotated",
                plural="have tiny objects",
            )


class ObjectsListed(PixelRule):
    """The objects in a mask are those in the objects table.

    What it does
    ------------
    Compares the labels of each mask with those that the objects table lists for it, both ways.

    Why it matters
    --------------
    An object without an entry has no class; an entry without an object is a class of nothing. Both appear when masks
    are corrected after the table was made.

    Example
    -------
    ``masks/m1.tif`` has 31 labels and the table 30: label 31 has no class.

    How to fix
    ----------
    Make the table again from the masks, or add what is missing.

    References
    ----------
    Practice.
    """

    code = "P016"
    severity = Severity.ERROR
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with an objects table."""
        return bool(pixels(facts).listed)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare labels both ways, for masks of which the table speaks."""
        found: dict[str, dict[str, Any]] = {}
        sets = {mask.set for key, mask in pixels(facts).masks.items() if key in pixels(facts).listed}
        for key, mask in pixels(facts).masks.items():
            if mask.set not in sets:
                continue
            entries = pixels(facts).listed.get(key)
            table = set(entries.labels) if entries is not None else set()
            labels = set(mask.distinct.tolist())
            if labels != table:
                found[mask_path(mask)] = {
                    "not_in_table": sorted(labels - table)[:EXAMPLES],
                    "not_in_mask": sorted(table - labels)[:EXAMPLES],
                }
        yield from self.together(
            found,
            "mask",
            "has other labels than the objects table",
            "make the objects table again from the masks",
            plural="have other labels than the objects table",
        )


class ObjectsApart(PixelRule):
    """Objects do not overlap, or the description says that they do.

    What it does
    ------------
    Where every object has a file of its own, counts the pixels that lie in more than one. It stays silent if the target
    or the criteria of the set speak of overlap.

    Why it matters
    --------------
    A label image holds one number a pixel: what overlaps is on further layers after conversion, and programs that read
    one layer miss it. Mostly the overlap is a slip of a pixel or two, and nobody knows which object is right.

    Example
    -------
    40 pixels of ``field_07`` are in two objects.

    How to fix
    ----------
    Give each pixel to one object, or say in the target that objects may overlap.

    References
    ----------
    Practice; reported by users of published datasets.
    """

    code = "P020"
    severity = Severity.INFO
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only where objects are files."""
        return any(len(mask.paths) > 1 for mask in pixels(facts).masks.values())

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at what was counted while objects were put together."""
        told = {set_.name: _speaks_of_overlap(set_) for _, set_ in facts.sets}
        found = {
            mask_path(mask): {"image": mask.image, "pixels": mask.overlap}
            for mask in pixels(facts).masks.values()
            if mask.overlap and mask.layer == 1 and not told.get(mask.set, False)
        }
        yield from self.together(
            found,
            "mask",
            "has objects that overlap",
            "give each pixel to one object, or say in the target that objects may overlap",
            plural="have objects that overlap",
        )


class MasksDiffer(PixelRule):
    """No two images have the same mask.

    What it does
    ------------
    Reports masks of one set with the same objects at the same places, for images that are no copies of each other.

    Why it matters
    --------------
    One of them belongs to another image: a slip in naming or copying that no header shows.

    Example
    -------
    ``masks/n1.png`` and ``masks/n2.png`` hold the same 14 objects.

    How to fix
    ----------
    Find the mask that belongs to each image.

    References
    ----------
    Practice.
    """

    code = "P017"
    severity = Severity.ERROR
    letter = Letter.FORMATS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the masks' checksums."""
        images = pixels(facts).images
        fields = pixels(facts).fields
        copies = [link.pair for link in fields.links if link.kind is Kind.NEAR] if fields is not None else []
        copied = {image: part[0] for part in connected(images, copies) for image in part}
        groups: dict[tuple[str, int, str], list[MaskFacts]] = {}
        for mask in pixels(facts).masks.values():
            if mask.digest and not _trivial(mask):
                groups.setdefault((mask.set, mask.layer, mask.digest), []).append(mask)
        for masks in groups.values():
            digests = {images[copied[mask.image]].digest for mask in masks if mask.image in images}
            if len(digests) > 1:
                found = {
                    mask_path(mask): {"image": mask.image, "file": image_path(facts, mask.image)}
                    for mask in masks
                }
                yield from self.together(
                    found,
                    "mask",
                    "is the same as another",
                    "find the mask that belongs to each image",
                    plural="are the same although their images differ",
                )


def _several(mask: MaskFacts) -> Any:
    return mask.objects.components > 1


def _stray(mask: MaskFacts) -> Any:
    objects = mask.objects
    return (objects.smallest <= STRAY_PIXELS) | (objects.smallest < STRAY * objects.areas)


def _trivial(mask: MaskFacts) -> bool:
    """Tell whether a mask is one that may well occur twice: everything, or next to nothing, is one object."""
    return len(mask.objects) == 1 and (mask.foreground == mask.pixels or mask.foreground < TINY_PIXELS)


def _speaks_of_overlap(described: AnnotationSet) -> bool:
    target = described.target
    texts = [
        described.annotation_criteria,
        target.touching if target else "",
        target.object if target else "",
    ]
    return "overlap" in " ".join(text or "" for text in texts).lower()
