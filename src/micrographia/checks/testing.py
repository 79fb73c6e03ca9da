"""Help for the tests of rules, ours and those of plug-ins: a test is three lines."""

from __future__ import annotations

from pathlib import Path

from micrographia.checks.facts import Facts, gather
from micrographia.checks.registry import find_rule, verify_rule
from micrographia.checks.rule import Needs, Rule
from micrographia.findings import Finding

__all__ = ["compute_check", "verify_rule"]


def compute_check(rule: str | type[Rule], dataset: Facts | Path | str) -> list[Finding]:
    """Run one rule and return its findings.

    What it requires of other rules is not looked at; what it needs is read.

    Parameters
    ----------
    rule
        Its code, or its class.
    dataset
        A dataset folder, or facts that were gathered.

    Returns
    -------
    list of Finding
        Empty if the rule has passed or does not apply.

    Examples
    --------
    >>> compute_check("M001", "kidney")  # doctest: +SKIP
    []
    """
    found = find_rule(rule) if isinstance(rule, str) else rule
    if isinstance(dataset, Facts):
        facts = dataset
    else:
        checksums = found.needs is Needs.CHECKSUMS
        facts = gather(dataset, needs=Needs.FILES if checksums else found.needs, checksums=checksums)
    judge = found()
    return list(judge.check(facts)) if judge.applies(facts) else []
