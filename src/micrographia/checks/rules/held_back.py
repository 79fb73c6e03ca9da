"""Rules over the labels of a test split: all there, or held back and said so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity

_HELD_BACK = re.compile(
    r"\b(held[ -]back|withheld|hidden|kept (back|secret)|not (been )?(released|published|public)"
    r"|(released|published|made public) (after|later)|evaluation server)\b",
    re.IGNORECASE,
)
_TEST = frozenset(("test", "tst", "testing", "holdout", "hold-out", "held-out"))


class LabelsWhole(Rule):
    """The images of the test split are all annotated, or none of them is.

    What it does
    ------------
    Reports a test split in which some images have annotations and others have none. Images that a coverage in words
    leaves out on purpose are waived with a reason.

    Why it matters
    --------------
    A score over a part of the test images is another score than one over all of them, and everybody takes another part.

    Example
    -------
    38 of 40 test images have a mask.

    How to fix
    ----------
    Add the missing annotations, or move the images out of the test split.

    References
    ----------
    Practice.
    """

    code = "L025"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with a test split and annotations of single images."""
        return bool(images_of_test(facts)) and any(row.source for row in facts.annotation_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the annotated images of the test split."""
        images = images_of_test(facts)
        without = [image for image in images if not facts.dataset.annotation_rows(image)]
        if 0 < len(without) < len(images):
            yield self.finding(
                f"{counted(len(without), 'image')} of {len(images):,} in the test split without annotations: "
                + listed(without, 3),
                **facts.row_at(facts.dataset.image_rows(without[0])[0]),
                fix="add the annotations, or move the images out of the test split",
                level=Level.PRESENT,
                evidence={"images": without[:100], "count": len(without)},
            )


class HeldBackSaid(Rule):
    """If the annotations of the test split are held back, the description says so.

    What it does
    ------------
    Where no image of the test split has annotations and others have, looks for words about that in the description of
    the study, of its components and of the annotation sets: held back, withheld, hidden, evaluation server.

    Why it matters
    --------------
    A hidden test set keeps a challenge fair, if people know of it. Otherwise they take it for a mistake, or label the
    images themselves, each in another way.

    Example
    -------
    ``The masks of the test images are held back; predictions are scored at ...``

    How to fix
    ----------
    Say in ``study.description`` that they are held back, until when, and where predictions are scored.

    References
    ----------
    Practice.
    """

    code = "L026"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only where the test split alone has no annotations."""
        images = images_of_test(facts)
        return (
            bool(images)
            and any(row.source for row in facts.annotation_rows)
            and not any(facts.dataset.annotation_rows(image) for image in images)
        )

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the words."""
        study = facts.mifa.study
        texts = [study.description, *(held.description for held in facts.mifa.study_components)]
        for _, held in facts.sets:
            coverage = held.annotation_coverage
            texts += [
                held.annotation_overview,
                held.annotation_method,
                coverage.description if coverage else None,
            ]
        if not any(text and _HELD_BACK.search(text) for text in texts):
            yield self.finding(
                f"none of {counted(len(images_of_test(facts)), 'test image')} has annotations, and nothing says why",
                **facts.at("study.description"),
                fix="say that they are held back, until when, and where predictions are scored",
                level=Level.ABSENT,
            )


def images_of_test(facts: Facts) -> list[str]:
    """Return the ids of the images of the test split."""
    return [
        image
        for image in facts.dataset.image_ids
        if facts.dataset.image_split(image).strip().lower() in _TEST
    ]
