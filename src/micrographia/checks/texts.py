"""What all rules over one text field share: absent, a placeholder, too short, or fine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Rule
from micrographia.checks.wording import is_placeholder, words
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import AnnotationSet
from micrographia.metadata.fields import specs


class TextRule(Rule):
    """A rule that wants a text to be there and to say something.

    Attributes
    ----------
    what
        What the text is called in messages.
    least
        Fewest words that can say it.
    plural
        Whether the text is called by a plural.
    """

    what: ClassVar[str]
    least: ClassVar[int] = 1
    plural: ClassVar[bool] = False
    thresholds: ClassVar[Mapping[str, str]] = {"least": "fewest words"}

    def judge(self, text: str | None, field: str, of: str, facts: Facts, *, hint: str) -> Iterator[Finding]:
        """Yield what is wrong with a text.

        Parameters
        ----------
        text
            The text, or None.
        field
            Its dotted path.
        of
            What it belongs to, with a leading space, or empty.
        facts
            Where the field stands.
        hint
            An example of a good text.
        """
        example = f"for example: {hint}"
        if not text or not text.strip():
            yield self.finding(
                f"there {'are' if self.plural else 'is'} no {self.what}{of}",
                **facts.at(field),
                fix=f"write it, {example}",
                level=Level.ABSENT,
            )
        elif is_placeholder(text) or len(words(text)) < self.least:
            shown = text.strip() if len(text) < 60 else text.strip()[:57] + "..."
            yield self.finding(
                f"the {self.what}{of} {'say' if self.plural else 'says'} too little: {shown!r}",
                **facts.at(field),
                fix=f"say more, {example}",
                level=Level.PRESENT,
                severity=max(self.severity, Severity.WARNING, key=lambda severity: severity.rank),
            )


class SetTextRule(TextRule):
    """A rule that wants a text field of every annotation set."""

    attribute: ClassVar[str]
    requires = ("M009",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the field in each set."""
        hint = specs(AnnotationSet)[self.attribute].example
        for at, held in self.sets(facts):
            text = getattr(held, self.attribute)
            yield from self.judge(text, f"{at}.{self.attribute}", named(held), facts, hint=hint)

    def sets(self, facts: Facts) -> Iterator[tuple[str, AnnotationSet]]:
        """Yield the annotation sets that need the field, with their dotted path."""
        yield from facts.sets


def named(held: AnnotationSet) -> str:
    """Return which annotation set is meant, as messages say it."""
    return f" of the annotation set {held.name!r}" if held.name else " of an annotation set"
