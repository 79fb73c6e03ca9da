"""What the rules over pixels share: they need every pixel, and tell of many files in one finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from micrographia.checks.facts import Facts
from micrographia.checks.pixel_facts import ImageFacts, MaskFacts, PixelFacts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity

MOST_FILES = 100
"""Files that the evidence of one finding names."""


class PixelRule(Rule):
    """A rule that judges what the pixel pass found."""

    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.PIXELS

    def together(
        self,
        found: Mapping[str, Mapping[str, Any]],
        noun: str,
        what: str,
        fix: str,
        *,
        severity: Severity | None = None,
        plural: str = "",
    ) -> Iterator[Finding]:
        """Yield one finding about some files; none if there are none.

        Parameters
        ----------
        found
            Path of each file to the figures behind it.
        noun
            What they are, ``mask`` or ``image``.
        what
            What is wrong with them, after the number: ``hold 0 and 255 only``.
        plural
            The same for several, if the words differ.
        fix
            What to do.
        severity
            If it is not the rule's own.
        """
        if not found:
            return
        paths = list(found)
        said = plural if plural and len(found) > 1 else what
        yield self.finding(
            f"{counted(len(found), noun)} {said}: {listed(paths, 3)}",
            path=paths[0],
            fix=fix,
            severity=severity,
            level=Level.CONFIRMED,
            evidence={
                "number": len(found),
                "files": {path: dict(found[path]) for path in paths[:MOST_FILES]},
            },
        )


def pixels(facts: Facts) -> PixelFacts:
    """Return what the pixel pass found."""
    if facts.pixels is None:
        raise ValueError("the pixels were not read")
    return facts.pixels


def image_path(facts: Facts, image: str) -> str:
    """Return the path of the first file of an image."""
    return facts.dataset.image_rows(image)[0].path


def mask_path(mask: MaskFacts) -> str:
    """Return the path of the first file of a mask."""
    return mask.paths[0] if mask.paths else f"{mask.image}:{mask.name}"


def masks_of_kind(facts: Facts, *kinds: str) -> list[MaskFacts]:
    """Return the masks whose set is said to be of one of some kinds (``instance``, ``semantic``, ``binary``)."""
    described = {set_.name: set_.mask_kind for _, set_ in facts.sets}
    return [mask for mask in pixels(facts).masks.values() if described.get(mask.set) in kinds]


def by_set(masks: Sequence[MaskFacts]) -> dict[str, list[MaskFacts]]:
    """Return annotation set to its masks."""
    found: dict[str, list[MaskFacts]] = {}
    for mask in masks:
        found.setdefault(mask.set, []).append(mask)
    return found


def own_colour(image: ImageFacts) -> str:
    """Return a word for an image in a message: ``colour picture`` or ``image``."""
    return "colour picture" if image.rgb else "image"
