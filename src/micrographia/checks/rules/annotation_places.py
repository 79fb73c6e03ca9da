"""Rules over how annotations lie on their images: association, transformations, coordinates, time."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import SetTextRule, named
from micrographia.checks.wording import is_placeholder
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import AnnotationSet

PIXEL_TYPES = frozenset({"segmentation_mask", "class_labels", "counts"})


class Association(SetTextRule):
    """Every set of annotations says how it is matched to its images.

    What it does
    ------------
    Asks for a ``source_image_association``. ``files.tsv`` says it file by file; this says it in words.

    Why it matters
    --------------
    Whoever has the files without the list, or reads the list with doubt, needs the rule behind it.

    Example
    -------
    ``same file name in images/ and masks/``

    How to fix
    ----------
    Write the rule in a sentence.

    References
    ----------
    MIFA, Annotations: source image association.
    """

    code = "M017"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    attribute = "source_image_association"
    what = "source image association"
    least = 2


class Transformations(Rule):
    """Every set of annotations says what must be done to lay it over its images.

    What it does
    ------------
    Asks for ``transformations``; ``none`` is an answer.

    Why it matters
    --------------
    A mask that was made on a cropped, rotated or resized copy does not lie where it should, and nothing tells.

    Example
    -------
    ``masks were made on images reduced by 2 in y and x``

    How to fix
    ----------
    Write the transformation, or ``none``.

    References
    ----------
    MIFA, Annotations: transformations.
    """

    code = "M018"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M009",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for an answer; ``none`` is one, a placeholder is not."""
        for at, held in facts.sets:
            text = (held.transformations or "").strip()
            if not text or (
                is_placeholder(text) and text.lower().strip(" .") not in ("none", "no", "not applicable")
            ):
                yield self.finding(
                    f"nothing says whether a transformation lays the annotations{named(held)} over the images",
                    **facts.at(f"{at}.transformations"),
                    fix="write it, or none",
                    level=Level.PRESENT if text else Level.ABSENT,
                )


class Spatial(SetTextRule):
    """Annotations that are coordinates say in which system and unit they are.

    What it does
    ------------
    Asks for ``spatial_information`` of sets of boxes, points, outlines, tracks, graphs and the like. Masks need none.

    Why it matters
    --------------
    Pixels or micrometers, from the corner or the centre of the first pixel, y or x first: each guess moves every
    object.

    Example
    -------
    ``boxes in pixels, origin at the top left``

    How to fix
    ----------
    Write unit, origin and order of the axes.

    References
    ----------
    MIFA, Annotations: spatial information.
    """

    code = "M019"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    attribute = "spatial_information"
    what = "spatial information"
    least = 2

    def applies(self, facts: Facts) -> bool:
        """Only with annotations that are coordinates."""
        return any(True for _ in self.sets(facts))

    def sets(self, facts: Facts) -> Iterator[tuple[str, AnnotationSet]]:
        """Yield the sets that hold more than masks, labels and counts."""
        return ((at, held) for at, held in facts.sets if set(held.annotation_type) - PIXEL_TYPES)


class CompletionTime(Rule):
    """Every set of annotations says when it was finished.

    What it does
    ------------
    Asks for an ``annotation_completion_time``: a year, a month, a day or a time.

    Why it matters
    --------------
    It tells which version of a tool or model can have helped, and which of two sets is the newer.

    Example
    -------
    ``2023-01-17``

    How to fix
    ----------
    Write the date, as exactly as it is known.

    References
    ----------
    MIFA, Annotations: annotation completion time.
    """

    code = "M020"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M009",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a date; whether it is a good one is another rule's question."""
        for at, held in facts.sets:
            if not held.annotation_completion_time and "annotation_completion_time" not in held.unread:
                yield self.finding(
                    f"there is no completion time{named(held)}",
                    **facts.at(f"{at}.annotation_completion_time"),
                    fix="write the date, for example 2023-01-17",
                    level=Level.ABSENT,
                )
