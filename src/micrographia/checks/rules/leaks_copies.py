"""Rules over copies: equal pixels, and equal but for scaling, compression and turning."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.duplicates import identical
from micrographia.checks.facts import Facts
from micrographia.checks.fields import Kind
from micrographia.checks.rules.leaks_common import (
    MOST_LINKS,
    LeakRule,
    crosses,
    in_order,
    links_of,
    splits,
)
from micrographia.checks.rules.pixels_common import image_path, pixels
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Severity


class ImagesDiffer(LeakRule):
    """No two images have the same pixels.

    What it does
    ------------
    Compares the checksums of the decoded pixels of all images: format, name and metadata do not matter.

    Why it matters
    --------------
    Twice the same image counts twice, in training and in every interval, and one copy may be annotated differently.

    Example
    -------
    ``images/a1.tif`` and ``images/old/a1.png`` hold the same pixels.

    How to fix
    ----------
    Keep one of them; if annotations differ, they are two annotations of one image.

    References
    ----------
    Practice; reported by users of published datasets.
    """

    code = "S001"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Collect images by checksum."""
        for group in identical(pixels(facts).images):
            paths = [image_path(facts, image) for image in group]
            yield self.about(
                facts,
                group,
                f"{counted(len(group), 'image')} have the same pixels: {listed(paths, 3)}",
                "keep one of them",
                evidence={"files": paths[:MOST_LINKS]},
            )


class CopiesInOneSplit(LeakRule):
    """Images with the same pixels are in one split.

    What it does
    ------------
    Reports images with the same pixels that are in different splits.

    Why it matters
    --------------
    A model is tested on what it was trained on.

    Example
    -------
    ``a1`` in ``train`` and ``a1-copy`` in ``test`` hold the same pixels.

    How to fix
    ----------
    Keep one of them.

    References
    ----------
    Practice; reported by users of published datasets.
    """

    code = "S002"
    severity = Severity.ERROR

    def applies(self, facts: Facts) -> bool:
        """Only with at least two splits."""
        return len(splits(facts)) > 1

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Collect the splits of each group of copies."""
        for group in identical(pixels(facts).images):
            splits = sorted({split for image in group if (split := facts.dataset.image_split(image))})
            if len(splits) > 1:
                yield self.about(
                    facts,
                    group,
                    f"{counted(len(group), 'image')} with the same pixels are in {' and in '.join(splits)}: "
                    + listed(group, 3),
                    "keep one of them",
                    evidence={"splits": splits},
                )


class NoNearCopies(LeakRule):
    """No image is a changed copy of another.

    What it does
    ------------
    Looks for images that are the same but for scaling to 8 bits, compression, brightness, size, or being turned by
    quarters or mirrored: alike in a thumbnail, and then pixel by pixel, in coarse and in fine structure. Across
    splits it is an error.

    Why it matters
    --------------
    Augmented or re-exported copies count as new images, and leak as well as exact ones.

    Example
    -------
    ``b2-flipped.png`` is ``b2.tif``, mirrored left to right (correlation 0.998).

    How to fix
    ----------
    Keep the original; augmentation belongs into training code.

    References
    ----------
    Practice.
    """

    code = "S003"

    def applies(self, facts: Facts) -> bool:
        """Only where groups were looked for."""
        return pixels(facts).fields is not None

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Tell copies between splits, then others."""
        links = links_of(facts, Kind.NEAR)
        for crossing, severity in ((True, Severity.ERROR), (False, Severity.WARNING)):
            part = [link for link in links if crosses(facts, link) == crossing]
            if part:
                where = " in different splits" if crossing else ""
                yield self.about(
                    facts,
                    in_order(facts, part),
                    f"{counted(len(part), 'pair')} of images{where} are copies, scaled, compressed or turned: "
                    + listed((f"{link.first} and {link.second}" for link in part), 2),
                    "keep the original",
                    severity=severity,
                    evidence={"links": [link.to_json() for link in part[:MOST_LINKS]]},
                )
