"""Rules over images that belong together although nothing says so: copies, tiles, crops, neighbouring slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from micrographia.checks.duplicates import identical
from micrographia.checks.facts import Facts
from micrographia.checks.fields import COLUMN, FieldGroups, Kind, Link, write_groups
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.rules.pixels_common import image_path, pixels
from micrographia.checks.wording import counted, listed
from micrographia.dataset import Dataset
from micrographia.dataset.manifest import NAME
from micrographia.findings import Finding, Level, Severity

MOST_LINKS = 50
"""Links that the evidence of one finding holds."""


class LeakRule(Rule):
    """A rule that judges which images belong together."""

    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY
    needs = Needs.PIXELS

    def about(self, facts: Facts, images: Iterable[str], message: str, fix: str, **more: Any) -> Finding:
        """Return a finding about some images, at the first one's line of the file list."""
        ids = list(images)
        rows = [facts.dataset.image_rows(image)[0] for image in ids]
        evidence = {"images": ids[:MOST_LINKS], "lines": [row.line for row in rows[:MOST_LINKS]]}
        return self.finding(
            message,
            **facts.row_at(rows[0]),
            fix=fix,
            level=Level.CONFIRMED,
            evidence=evidence | more.pop("evidence", {}),
            **more,
        )


class SplitLeakRule(LeakRule):
    """A rule that links of some kind do not cross splits."""

    severity = Severity.ERROR
    kind: ClassVar[Kind]
    said: ClassVar[str]

    def applies(self, facts: Facts) -> bool:
        """Only with at least two splits, and where groups were looked for."""
        return len(_splits(facts)) > 1 and pixels(facts).fields is not None

    def across(self, facts: Facts) -> Iterator[Finding]:
        """Yield one finding about the links between splits."""
        crossing = [link for link in _links(facts, self.kind) if _crosses(facts, link)]
        if not crossing:
            return
        images = _ordered(facts, crossing)
        yield self.about(
            facts,
            images,
            f"{counted(len(crossing), 'pair')} of images in different splits {self.said}: "
            + listed((f"{link.first} and {link.second}" for link in crossing), 2),
            "move what belongs together into one split",
            evidence={"links": [link.to_json() for link in crossing[:MOST_LINKS]]}
            | _chance(facts, self.kind),
        )


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
        return len(_splits(facts)) > 1

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
        links = _links(facts, Kind.NEAR)
        for crossing, severity in ((True, Severity.ERROR), (False, Severity.WARNING)):
            part = [link for link in links if _crosses(facts, link) == crossing]
            if part:
                where = " in different splits" if crossing else ""
                yield self.about(
                    facts,
                    _ordered(facts, part),
                    f"{counted(len(part), 'pair')} of images{where} are copies, scaled, compressed or turned: "
                    + listed((f"{link.first} and {link.second}" for link in part), 2),
                    "keep the original",
                    severity=severity,
                    evidence={"links": [link.to_json() for link in part[:MOST_LINKS]]},
                )


class TilesInOneSplit(SplitLeakRule):
    """Neighbouring tiles of one field are in one split.

    What it does
    ------------
    Reports images in different splits of which an edge of one continues in an edge of the other. How many such seams
    are expected by chance is in the evidence: the same test on edges that cannot touch.

    Why it matters
    --------------
    Tiles of one field share staining, focus, density and even objects cut in two. A random split over them lets a model
    recognise fields instead of objects.

    Example
    -------
    The right edge of ``c1`` (train) is the left edge of ``c2`` (test): correlation 0.994.

    How to fix
    ----------
    Split by field: ``check --fix`` writes the column ``group:field`` (S008), and ``describe --split`` respects it.

    References
    ----------
    Practice; ``docs/hidden-groups.md``.
    """

    code = "S004"
    kind = Kind.SEAM
    said = "are neighbouring tiles of one field"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for links between splits."""
        yield from self.across(facts)


class CropsInOneSplit(SplitLeakRule):
    """Overlapping crops of one field are in one split.

    What it does
    ------------
    Reports images in different splits that show a part of the same place: the shift between them is found by places
    that look alike, and confirmed pixel by pixel.

    Why it matters
    --------------
    The same objects are in training and in test.

    Example
    -------
    ``d1`` and ``d2`` share 256 x 128 pixels (correlation 1.0).

    How to fix
    ----------
    Split by field: ``check --fix`` writes the column ``group:field`` (S008).

    References
    ----------
    Practice; ``docs/hidden-groups.md``.
    """

    code = "S005"
    kind = Kind.OVERLAP
    said = "overlap"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for links between splits."""
        yield from self.across(facts)


class SlicesInOneSplit(SplitLeakRule):
    """Neighbouring slices and time points are in one split.

    What it does
    ------------
    Reports images in different splits that show the same place slightly changed, as slices of one stack or frames of
    one movie do.

    Why it matters
    --------------
    Neighbouring slices show the same objects: the test set repeats the training set.

    Example
    -------
    ``e_z04`` (train) and ``e_z05`` (test) correlate by 0.93.

    How to fix
    ----------
    Store the stack as one image with an axis Z or T, or split by stack.

    References
    ----------
    Practice; ``docs/hidden-groups.md``.
    """

    code = "S006"
    kind = Kind.NEIGHBOUR
    said = "show the same place, slightly changed"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for links between splits."""
        yield from self.across(facts)


class SlidesInOneSplit(SplitLeakRule):
    """Colour pictures that may come from one slide are in one split.

    What it does
    ------------
    Compares the colours of background and stain of colour pictures, where pairs known to be of one field show how alike
    one slide is. Weak evidence: the share of all pairs that is as alike by chance is told.

    Why it matters
    --------------
    Slides differ in stain and scanner; a model that knows the slide knows half of the answer.

    Example
    -------
    ``f1`` (train) and ``f9`` (test) have the same stain; so have 8% of all pairs.

    How to fix
    ----------
    Find out which slide each picture is from, write ``group:slide``, and split by it.

    References
    ----------
    Macenko et al., ISBI 2009, on the directions of stain in optical density; practice.
    """

    code = "S007"
    severity = Severity.INFO
    kind = Kind.SLIDE
    said = "have the same colours of background and stain, perhaps one slide"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for links between splits."""
        yield from self.across(facts)


class FieldsGrouped(LeakRule):
    """The list says which images are of one field.

    What it does
    ------------
    Proposes groups of images that are copies, tiles, crops or neighbouring slices of each other, if no group column
    says that they belong together. The evidence holds each link with its figures, and how many are expected by
    chance.

    Why it matters
    --------------
    Images of one field are one observation, not many: splits and intervals that do not know it are too optimistic.

    Example
    -------
    33 of 45 images are linked by 23 seams into 12 fields; 0 are expected by chance.

    How to fix
    ----------
    ``check --fix`` writes the proposal as ``group:field``; look at the links first, and correct it where you know
    better.

    References
    ----------
    Practice; ``docs/hidden-groups.md``.
    """

    code = "S008"
    fixable = True

    def applies(self, facts: Facts) -> bool:
        """Only where groups were looked for."""
        return pixels(facts).fields is not None and len(facts.dataset.image_ids) > 1

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Propose what no group column says."""
        fields = _fields(facts)
        untold = [link for link in fields.links if link.kind is not Kind.SLIDE and not _told(facts, link)]
        if not untold:
            return
        images = _ordered(facts, untold)
        groups = {fields.column[image] for image in images}
        kinds = {str(kind): sum(link.kind is kind for link in untold) for kind in Kind}
        counts = {kind: number for kind, number in kinds.items() if number}
        rate = fields.false_alarm_rate
        by_chance = "" if rate != rate else f"; {100 * rate:.0f}% of the seams are expected by chance"
        yield self.about(
            facts,
            images,
            f"{counted(len(images), 'image')} seem to be of {counted(len(groups), 'field')} that no column names ("
            + listed(f"{number} {kind}" for kind, number in counts.items())
            + f"){by_chance}",
            f"look at the links; --fix writes them as group:{COLUMN}",
            fixable=f"group:{COLUMN}" not in facts.dataset.files.columns,
            evidence={
                "links": [link.to_json() for link in untold[:MOST_LINKS]],
                "seams": [count.to_json() for count in fields.seams],
                "null": dict(fields.null_counts),
                "notes": list(fields.notes),
                "column": dict(fields.column),
            },
        )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Write the proposal."""
        for finding in findings:
            number = write_groups(dataset, FieldGroups(finding.evidence["column"], ()))
            return [f"{NAME}: wrote group:{COLUMN} with {counted(number, 'field')} of several images"]
        return []


def _fields(facts: Facts) -> FieldGroups:
    fields = pixels(facts).fields
    if fields is None:
        raise ValueError("groups were not looked for")
    return fields


def _links(facts: Facts, kind: Kind) -> list[Link]:
    return [link for link in _fields(facts).links if link.kind is kind]


def _splits(facts: Facts) -> set[str]:
    return {split for image in facts.dataset.image_ids if (split := facts.dataset.image_split(image))}


def _crosses(facts: Facts, link: Link) -> bool:
    first, second = (facts.dataset.image_split(image) for image in (link.first, link.second))
    return bool(first and second and first != second)


def _told(facts: Facts, link: Link) -> bool:
    """Tell whether a group column says that two images belong together."""
    first, second = (facts.dataset.image_groups(image) for image in (link.first, link.second))
    return any(value and second.get(name) == value for name, value in first.items())


def _ordered(facts: Facts, links: Sequence[Link]) -> list[str]:
    """Return the images of links, in the order of the file list."""
    held = {image for link in links for image in (link.first, link.second)}
    return [image for image in facts.dataset.image_ids if image in held]


def _chance(facts: Facts, kind: Kind) -> dict[str, Any]:
    fields = _fields(facts)
    if kind is Kind.SEAM:
        return {
            "false_alarm_rate": fields.false_alarm_rate,
            "false_alarm_bound": fields.false_alarm_bound,
        }
    if kind is Kind.SLIDE and fields.slides is not None:
        return {"as_alike_by_chance": round(fields.slides.by_chance, 3)}
    return {"null": fields.null_counts.get(str(kind), 0)}
