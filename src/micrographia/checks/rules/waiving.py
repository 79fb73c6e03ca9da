"""Rules over waivers: what people accept is said publicly, with a reason."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import is_placeholder, suggest
from micrographia.findings import Finding, Level, Severity


class WaiversExplained(Rule):
    """Every waiver names a rule and gives a reason.

    What it does
    ------------
    Reports waivers in ``mifa.yaml`` without a reason, which have no effect, and waivers of rules that do not exist.

    Why it matters
    --------------
    A waiver is shown to everybody. With a reason it informs, without one it hides.

    Example
    -------
    ``{code: A004, reason: the images are a benchmark of their own and must not be trained on}``

    How to fix
    ----------
    Write why the rule does not hold for this dataset, or remove the waiver.

    References
    ----------
    Practice.
    """

    code = "M060"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with waivers."""
        return bool(facts.mifa.waivers)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at code and reason of each waiver."""
        from micrographia.checks.registry import all_rules

        known = {rule.code for rule in all_rules()}
        for number, waiver in enumerate(facts.mifa.waivers):
            code = (waiver.code or "").strip().upper()
            if not code or code not in known:
                near = suggest(code, known) if code else ""
                yield self.finding(
                    f"a waiver names {waiver.code!r}, which is no rule" if code else "a waiver names no rule",
                    **facts.at(f"waivers[{number}].code"),
                    fix=f"did you mean {near}?" if near else "see micrographia rules",
                    level=Level.PRESENT,
                )
            elif not waiver.reason or is_placeholder(waiver.reason):
                yield self.finding(
                    f"the waiver of {code} gives no reason and has no effect",
                    **facts.at(f"waivers[{number}].reason"),
                    fix="write why the rule does not hold for this dataset",
                    level=Level.PRESENT,
                )
