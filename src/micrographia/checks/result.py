"""What a run of the rules has to say: findings, what became of each rule, and scores by letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from micrographia.checks.rule import Letter, Needs, Source
from micrographia.findings import Finding, Severity


class State(StrEnum):
    """What became of one rule."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one rule, and why.

    Parameters
    ----------
    code, title, source, letter
        Of the rule.
    state
        What became of it.
    reason
        Why it was skipped or waived; empty otherwise.
    findings
        Number of its findings that are not waived.
    plugin
        Whether the rule comes from a plug-in.
    """

    code: str
    title: str
    source: Source
    letter: Letter
    state: State
    reason: str = ""
    findings: int = 0
    plugin: bool = False


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that people waived, with the reason that they wrote."""

    finding: Finding
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values."""
        return self.finding.to_json() | {"waiver": self.reason}


@dataclass(frozen=True, slots=True)
class Score:
    """Rules passed of those applicable for one letter of a profile.

    Parameters
    ----------
    letter
        The letter.
    passed, applicable
        Numbers of rules. Skipped and waived rules are applicable and have not passed.
    sources
        Who asks for the rules of this letter, those who ask for most first.
    failed, waived, skipped
        Codes of the rules that have not passed.
    """

    letter: Letter
    passed: int
    applicable: int
    sources: tuple[Source, ...]
    failed: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The result of :func:`~micrographia.checks.check`.

    Parameters
    ----------
    dataset
        Path of the dataset, as it was given.
    title
        Title of the study.
    version
        Version of the dataset; empty if it has none.
    profile
        Name of the profile that the scores are of.
    depth
        How far was read.
    findings
        What is wrong, errors first, then by code and place; without what is waived.
    waived
        Findings that people waived.
    outcomes
        What became of each selected rule, in the order of the codes, plug-ins last.
    scores
        One a letter, in the order M, I, F, A; empty if only some rules were selected.
    fixed
        What was mended before, one sentence each.
    program
        Name and version of the program.
    absent
        Why nobody could look at the files, as a clause; empty if they are in the folder.
    """

    dataset: str
    title: str
    version: str
    profile: str
    depth: Needs
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    outcomes: tuple[Outcome, ...]
    scores: tuple[Score, ...]
    fixed: tuple[str, ...] = ()
    program: str = ""
    absent: str = ""

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def fixable(self) -> tuple[Finding, ...]:
        """The findings that ``--fix`` can mend."""
        return tuple(finding for finding in self.findings if finding.fixable)

    def outcome(self, code: str) -> Outcome:
        """Return what became of a rule.

        Raises
        ------
        KeyError
            If the rule was not selected.
        """
        for outcome in self.outcomes:
            if outcome.code == code:
                return outcome
        raise KeyError(code)

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 0 if there is no error (with ``strict`` no warning either), else 1."""
        worst = Severity.WARNING if strict else Severity.ERROR
        return int(any(finding.severity.rank <= worst.rank for finding in self.findings))


def order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order in which they are shown: severity, code, path, line, field, message."""
    return tuple(
        sorted(findings, key=lambda f: (f.severity.rank, f.code, f.path, f.line or 0, f.field, f.message))
    )


def scores(outcomes: Iterable[Outcome], profile: Mapping[Letter, tuple[str, ...]]) -> tuple[Score, ...]:
    """Return the scores of a profile: letter to codes of its rules."""
    by_code = {outcome.code: outcome for outcome in outcomes if not outcome.plugin}
    return tuple(
        _score(letter, [by_code[code] for code in profile.get(letter, ()) if code in by_code])
        for letter in Letter
    )


def _score(letter: Letter, outcomes: list[Outcome]) -> Score:
    held = [outcome for outcome in outcomes if outcome.state is not State.NOT_APPLICABLE]

    def codes(state: State) -> tuple[str, ...]:
        return tuple(outcome.code for outcome in held if outcome.state is state)

    return Score(
        letter,
        len(codes(State.PASSED)),
        len(held),
        tuple(source for source, _ in Counter(outcome.source for outcome in outcomes).most_common()),
        codes(State.FAILED),
        codes(State.WAIVED),
        codes(State.SKIPPED),
    )
