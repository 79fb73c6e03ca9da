"""Plant a defect in a valid dataset, and see that the rule for it fires, and no other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from builder import Builder
from micrographia.checks import Facts, Needs, Report, check_facts, gather
from micrographia.checks.registry import builtin_rules
from micrographia.findings import Finding, Level

Plant = Callable[[Builder], object]


@dataclass(frozen=True)
class Case:
    """One change to a valid dataset, and what is to be found then.

    Parameters
    ----------
    code
        The rule that the case is about.
    plant
        Changes the dataset.
    fires
        Number of its findings; 0 if it must stay silent.
    says
        Text that occurs in message or fix of the first finding.
    level
        Level of the first finding.
    also
        Other rules that fire, because the change breaks two things.
    """

    code: str
    plant: Plant
    fires: int = 1
    says: str = ""
    level: Level | None = None
    also: Collection[str] = ()

    def __str__(self) -> str:
        return f"{self.code}-{'fires' if self.fires else 'silent'}"


def put(dotted: str, value: Any) -> Plant:
    """Return what sets a field of ``mifa.yaml``."""
    return lambda builder: builder.set(dotted, value)


def drop(dotted: str) -> Plant:
    """Return what removes a field of ``mifa.yaml``."""
    return lambda builder: builder.remove(dotted)


def row(path: str, **cells: Any) -> Plant:
    """Return what changes cells of the row of a file; ``source_image`` is the column ``source image``."""
    named = {name.replace("_", " "): value for name, value in cells.items()}
    return lambda builder: builder.row(path).update(named)


def both(*plants: Plant) -> Plant:
    """Return what does several things, one after another."""

    def plant(builder: Builder) -> None:
        for one in plants:
            one(builder)

    return plant


def facts_of(builder: Builder) -> Facts:
    """Write a dataset and read everything but its pixels."""
    return gather(builder.write(), needs=Needs.HEADERS, checksums=True, workers=1)


def report_of(builder: Builder) -> Report:
    """Write a dataset and let every rule judge that needs no pixels."""
    return check_facts(facts_of(builder))


def run_case(case: Case, folder: Path) -> list[Finding]:
    """Plant a defect, and compare what is found with what is to be found; return the findings of the rule."""
    builder = Builder(folder, images=4)
    case.plant(builder)
    report = report_of(builder)
    found = [finding for finding in report.findings if finding.code == case.code]
    told = [f"{finding.code} {finding.message} ({finding.place})" for finding in report.findings]
    assert {finding.code for finding in report.findings} == {
        *case.also,
        *([case.code] if case.fires else []),
    }, told
    assert len(found) == case.fires, told
    if found:
        assert case.says in f"{found[0].message} {found[0].fix}", told
        assert case.level is None or found[0].level is case.level
        assert found[0].path, "a finding says where"
        assert found[0].fix, "a finding says what to do"
    return found


def uncovered(module: str, cases: Collection[Case]) -> list[str]:
    """Return the rules of a module that have no case that fires, or none that stays silent."""
    rules = [rule for rule in builtin_rules() if rule.__module__ == import_module(module).__name__]
    missing = []
    for rule in rules:
        kinds = {bool(case.fires) for case in cases if case.code == rule.code}
        missing += [
            f"{rule.code} {'fires' if kind else 'silent'}" for kind in (True, False) if kind not in kinds
        ]
    return missing
