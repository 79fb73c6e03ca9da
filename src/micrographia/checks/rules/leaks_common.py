"""What the rules over hidden groups share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from micrographia.checks.facts import Facts
from micrographia.checks.fields import FieldGroups, Kind, Link
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.rules.pixels_common import pixels
from micrographia.checks.wording import counted, listed
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
        return len(splits(facts)) > 1 and pixels(facts).fields is not None

    def across(self, facts: Facts) -> Iterator[Finding]:
        """Yield one finding about the links between splits."""
        crossing = [link for link in links_of(facts, self.kind) if crosses(facts, link)]
        if not crossing:
            return
        images = in_order(facts, crossing)
        yield self.about(
            facts,
            images,
            f"{counted(len(crossing), 'pair')} of images in different splits {self.said}: "
            + listed((f"{link.first} and {link.second}" for link in crossing), 2),
            "move what belongs together into one split",
            evidence={"links": [link.to_json() for link in crossing[:MOST_LINKS]]} | chance(facts, self.kind),
        )


def proposed(facts: Facts) -> FieldGroups:
    """Return the groups that the pixel pass proposed."""
    fields = pixels(facts).fields
    if fields is None:
        raise ValueError("groups were not looked for")
    return fields


def links_of(facts: Facts, kind: Kind) -> list[Link]:
    """Return the links of one kind."""
    return [link for link in proposed(facts).links if link.kind is kind]


def splits(facts: Facts) -> set[str]:
    """Return the names of the splits."""
    return {split for image in facts.dataset.image_ids if (split := facts.dataset.image_split(image))}


def crosses(facts: Facts, link: Link) -> bool:
    """Tell whether the images of a link are in different splits."""
    first, second = (facts.dataset.image_split(image) for image in (link.first, link.second))
    return bool(first and second and first != second)


def in_order(facts: Facts, links: Sequence[Link]) -> list[str]:
    """Return the images of links, in the order of the file list."""
    held = {image for link in links for image in (link.first, link.second)}
    return [image for image in facts.dataset.image_ids if image in held]


def chance(facts: Facts, kind: Kind) -> dict[str, Any]:
    """Return what chance would do, for the evidence of a finding."""
    fields = proposed(facts)
    if kind is Kind.SEAM:
        return {
            "false_alarm_rate": fields.false_alarm_rate,
            "false_alarm_bound": fields.false_alarm_bound,
        }
    if kind is Kind.SLIDE and fields.slides is not None:
        return {"as_alike_by_chance": round(fields.slides.by_chance, 3)}
    return {"null": fields.null_counts.get(str(kind), 0)}
