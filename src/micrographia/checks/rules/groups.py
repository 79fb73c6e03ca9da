"""Rules over which images belong together, and whether there is a split at all."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.dataset.manifest import NAME
from micrographia.findings import Finding, Level, Severity


class GroupsComplete(Rule):
    """A group column has a value for every image.

    What it does
    ------------
    Reports group columns that are filled in for some images and empty for others.

    Why it matters
    --------------
    Groups are what is independent: splits, intervals and tests work on them. An image without a group can be on either
    side of a split, whatever it belongs to.

    Example
    -------
    ``group:donor`` is empty for 3 of 40 images.

    How to fix
    ----------
    Write the group of those images; an image that stands alone gets a value of its own.

    References
    ----------
    Practice.
    """

    code = "L022"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with groups."""
        return bool(facts.dataset.groups)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for empty cells."""
        for column in facts.dataset.groups:
            first = [facts.dataset.image_rows(image)[0] for image in facts.dataset.image_ids]
            empty = [row for row in first if not row.groups.get(column)]
            if empty:
                yield self.finding(
                    f"{counted(len(empty), 'image')} of {len(first):,} without a value in group:{column}: "
                    + listed((row.image for row in empty), 3),
                    **facts.row_at(empty[0]),
                    fix="write the group of every image",
                    level=Level.PRESENT if len(empty) < len(first) else Level.ABSENT,
                    evidence={"group": column, "images": [row.image for row in empty[:100]]},
                )


class SplitForBenchmark(Rule):
    """The dataset comes with a split, so that scores can be compared.

    What it does
    ------------
    Asks for at least two splits in the column ``split``, one of them for training.

    Why it matters
    --------------
    Two models that were tested on different images cannot be compared. Who makes the dataset knows best which images
    belong together and must not be divided.

    Example
    -------
    The column ``split`` is empty.

    How to fix
    ----------
    ``micrographia describe --split train=0.7,validation=0.15,test=0.15 --group slide=PATTERN`` keeps groups together.

    References
    ----------
    Practice. MIFA asks that data be usable for training and for benchmarking; that it asks for a split is not
    confirmed.
    """

    code = "A004"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with at least two images."""
        return len(facts.dataset.image_ids) > 1

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the splits."""
        splits = {facts.dataset.image_split(image) for image in facts.dataset.image_ids} - {""}
        if len(splits) < 2:
            yield self.finding(
                "all images are in one split" if splits else "no image has a split",
                path=NAME,
                fix="run micrographia describe --split train=0.7,validation=0.15,test=0.15",
                level=Level.PRESENT if splits else Level.ABSENT,
            )


class GroupsGiven(Rule):
    """The list says which images belong together.

    What it does
    ------------
    Asks for at least one group column (``group:slide``, ``group:donor``, ``group:plate``).

    Why it matters
    --------------
    Images of one slide, donor or plate are not independent. Without groups nobody can split or test fairly, and the
    number of images passes for the number of observations.

    Example
    -------
    254 images come from 20 slides, and nothing says which from which.

    How to fix
    ----------
    ``micrographia describe --group slide=PATTERN`` reads it from the paths; if every image stands alone, write one
    value each. ``check --pixels`` proposes groups that it sees.

    References
    ----------
    Practice.
    """

    code = "A005"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with at least two images."""
        return len(facts.dataset.image_ids) > 1

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a group column."""
        if not facts.dataset.groups:
            yield self.finding(
                f"no group column says which of the {len(facts.dataset.image_ids):,} images belong together",
                path=NAME,
                fix="run micrographia describe --group slide=PATTERN",
                level=Level.ABSENT,
            )
