"""Rules over images that belong together although nothing says so: tiles, crops, neighbouring slices, slides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from micrographia.checks.facts import Facts
from micrographia.checks.fields import COLUMN, FieldGroups, Kind, Link, write_groups
from micrographia.checks.rules.leaks_common import (
    MOST_LINKS,
    LeakRule,
    SplitLeakRule,
    in_order,
    proposed,
)
from micrographia.checks.rules.pixels_common import pixels
from micrographia.checks.wording import counted, listed
from micrographia.dataset import Dataset
from micrographia.dataset.manifest import NAME
from micrographia.findings import Finding, Severity


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
        fields = proposed(facts)
        untold = [link for link in fields.links if link.kind is not Kind.SLIDE and not _told(facts, link)]
        if not untold:
            return
        images = in_order(facts, untold)
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


def _told(facts: Facts, link: Link) -> bool:
    """Tell whether a group column says that two images belong together."""
    first, second = (facts.dataset.image_groups(image) for image in (link.first, link.second))
    return any(value and second.get(name) == value for name, value in first.items())
