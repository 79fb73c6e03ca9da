"""Rules over annotation tables: readable, inside the image, about images and classes that exist."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity

BEYOND = 0.5
"""Pixels that a coordinate may lie outside the centre of the outermost pixel: up to its edge."""


class TablesReadable(Rule):
    """Annotation tables can be read.

    What it does
    ------------
    Reads every annotation that is no mask, in whatever format (CSV, Parquet, COCO, GeoJSON, ImageJ, YOLO, ...), and
    says what could not be read or was read otherwise than written.

    Why it matters
    --------------
    A row that no program can read is an object that nobody annotated.

    Example
    -------
    ``boxes.csv`` has no column for the width; ``coco.json`` names images that the dataset does not have.

    How to fix
    ----------
    Export the table again; ``docs/annotations.md`` lists formats and columns.

    References
    ----------
    Practice, for the F of MIFA: open, interoperable formats.
    """

    code = "F025"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with tables."""
        return bool(facts.dataset.table_rows())

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface errors and findings of reading."""
        if facts.tables is None:
            return
        for error in facts.tables.errors:
            if facts.on_disk(error.path):
                yield self.finding(
                    f"cannot be read: {error.problem}", path=error.path, fix=error.remedy.lower()
                )
        for told in facts.tables.findings:
            yield self.finding(
                told.message,
                path=told.path,
                line=told.line,
                fix=told.fix,
                severity=told.severity,
                evidence={"reading": told.code, **told.evidence},
            )


class CoordinatesInside(Rule):
    """Coordinates lie inside their image.

    What it does
    ------------
    Compares the smallest and largest coordinates of boxes, points, outlines and tracks with the size of their image.

    Why it matters
    --------------
    Marks outside the image mean that they belong to another image, to a larger copy of it, or that y and x are swapped.

    Example
    -------
    The image has 512 rows, a box ends at row 730.

    How to fix
    ----------
    Look whether the order of the axes, the unit (pixels), and the source image are right.

    References
    ----------
    MIFA, Annotations: spatial information.
    """

    code = "F026"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with tables that have coordinates."""
        return facts.tables is not None and any(extent.highest for extent in facts.tables.extents)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare extents with sizes."""
        for extent in facts.tables.extents if facts.tables is not None else ():
            image = facts.image_headers.get(extent.image)
            if image is None:
                continue
            sizes = {axis: image.size(axis.upper()) for axis in extent.highest}
            apart = [
                axis
                for axis, size in sizes.items()
                if extent.lowest[axis] < -BEYOND or extent.highest[axis] > size - 1 + BEYOND
            ]
            if apart:
                axis = apart[0]
                yield self.finding(
                    f"{extent.kind} of the set {extent.set!r} reach from {extent.lowest[axis]:g} to "
                    f"{extent.highest[axis]:g} along {axis}; the image {extent.image} has {sizes[axis]} pixels",
                    path=facts.dataset.image_rows(extent.image)[0].path,
                    fix="look at the order of the axes, the unit, and the source image",
                    level=Level.SPECIFIC,
                    evidence={"set": extent.set, "image": extent.image, "axes": apart},
                )


class TableClasses(Rule):
    """Classes in tables are classes of the description.

    What it does
    ------------
    Compares the class ids that tables use with the ``classes`` of their set in ``mifa.yaml``. Sets that list no classes
    are passed over.

    Why it matters
    --------------
    Class 7 of a list of six is a slip, or a class that nobody explained.

    Example
    -------
    ``boxes.csv`` uses the class 3; ``mifa.yaml`` lists 1 and 2.

    How to fix
    ----------
    Add the class to ``mifa.yaml``, or correct the table.

    References
    ----------
    Practice.
    """

    code = "M026"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.METADATA
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with tables and classes."""
        return bool(facts.dataset.table_rows()) and any(held.classes for _, held in facts.sets)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare ids set by set."""
        used: dict[str, dict[int, list[str]]] = {}
        for extent in facts.tables.extents if facts.tables is not None else ():
            for number in extent.classes:
                used.setdefault(extent.set, {}).setdefault(number, []).append(extent.image)
        for at, held in facts.sets:
            known = {entry.id for entry in held.classes}
            by_class = used.get(held.name or "", {})
            unknown = {number: images for number, images in by_class.items() if number not in known}
            if held.classes and unknown:
                images = sorted({image for images in unknown.values() for image in images})
                ids = listed(map(str, sorted(unknown)))
                yield self.finding(
                    f"the set {held.name!r} uses the class{'es' * (len(unknown) > 1)} {ids} "
                    f"in {counted(len(images), 'image')}, which mifa.yaml does not list",
                    **facts.at(f"{at}.classes"),
                    fix="add the class, or correct the table",
                    level=Level.SPECIFIC,
                    evidence={"classes": sorted(unknown), "images": images[:100]},
                )
