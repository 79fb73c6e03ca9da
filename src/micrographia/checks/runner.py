"""Run rules over facts: all of them, whatever one of them finds."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from types import MappingProxyType

from micrographia import __version__
from micrographia.checks.facts import Facts
from micrographia.checks.profile import Profile, Tuned, load_profile
from micrographia.checks.registry import all_rules, builtin_rules, matches
from micrographia.checks.result import Outcome, Report, State, Waived, order, scores
from micrographia.checks.rule import Needs, Rule
from micrographia.checks.wording import is_placeholder
from micrographia.errors import DatasetError
from micrographia.findings import Finding, Severity

INTERNAL_ERROR = "X001"
"""Code of the finding that says that a rule raised an exception."""


@dataclass(slots=True)
class _Run:
    rule: type[Rule]
    state: State
    reason: str = ""
    findings: list[Finding] = field(default_factory=list)
    waived: list[Waived] = field(default_factory=list)


def check_facts(
    facts: Facts,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    profile: Profile | None = None,
    rules: Sequence[type[Rule]] | None = None,
    fixed: Sequence[str] = (),
) -> Report:
    """Let the rules judge.

    Parameters
    ----------
    facts
        What was read, by :func:`~micrographia.checks.gather`.
    select, ignore
        Codes or their beginnings (``M``, ``F0``): only these rules, and not those. A rule that another one requires
        runs all the same, but is not reported.
    profile
        Which rules are asked for, and how much each matters; by default the built-in one. Without ``select``, built-in
        rules that it does not ask for are left out.
    rules
        The rules to choose from; by default all that are known.
    fixed
        What was mended before, for the report.

    Raises
    ------
    DatasetError
        If ``select`` or ``ignore`` names no rule.
    """
    known = _by_code(all_rules() if rules is None else tuple(rules))
    chosen = profile or load_profile()
    tuned = Tuned(chosen)
    builtin = _builtin_codes()
    select = list(select)
    wanted = _selected(known, select, list(ignore))
    if not select:
        asked = chosen.codes
        wanted = {code for code in wanted if code in asked or code not in builtin}
    runs: dict[str, _Run] = {}
    absent = facts.absent or "which were not read"
    unread = {needs: f"it needs the {needs}, {absent}" for needs in Needs if not facts.has(needs)}
    for code in _ordered(known, wanted):
        runs[code] = _run(known[code], facts, runs, tuned, unread)
        _waive(runs[code], facts, chosen)
    reported = [runs[code] for code in known if code in wanted]
    outcomes = tuple(_outcome(run, plugin=run.rule.code not in builtin) for run in reported)
    versions = facts.mifa.versions
    return Report(
        dataset=str(facts.dataset.path),
        title=facts.dataset.title,
        version=(versions[-1].version or "") if versions else "",
        profile=chosen.name,
        depth=facts.depth,
        findings=order(finding for run in reported for finding in run.findings),
        waived=tuple(waived for run in reported for waived in run.waived),
        outcomes=outcomes,
        scores=scores(_with_left_out(outcomes, known, wanted, builtin), chosen.rules),
        fixed=tuple(fixed),
        program=f"micrographia {__version__}",
        absent=facts.absent,
    )


@lru_cache(maxsize=8)
def _by_code(rules: tuple[type[Rule], ...]) -> Mapping[str, type[Rule]]:
    return MappingProxyType({rule.code: rule for rule in rules})


@cache
def _builtin_codes() -> frozenset[str]:
    return frozenset(rule.code for rule in builtin_rules())


def _selected(known: Mapping[str, type[Rule]], select: list[str], ignore: list[str]) -> set[str]:
    for prefix in [*select, *ignore]:
        if not any(matches(code, [prefix]) for code in known):
            raise DatasetError(
                "", f"no rule has a code that begins with {prefix!r}", "See `micrographia rules`"
            )
    if not select and not ignore:
        return set(known)
    return {code for code in known if (not select or matches(code, select)) and not matches(code, ignore)}


def _ordered(known: Mapping[str, type[Rule]], wanted: set[str]) -> list[str]:
    """Return the wanted codes and all that they require, each after what it requires."""
    done: dict[str, None] = {}

    def visit(code: str, above: tuple[str, ...]) -> None:
        if code in done or code not in known:
            return
        if code in above:
            raise TypeError(f"rules require each other in a circle: {' > '.join([*above, code])}")
        for required in known[code].requires:
            visit(required, (*above, code))
        done[code] = None

    for code in known:
        if code in wanted:
            visit(code, ())
    return list(done)


def _run(
    rule: type[Rule], facts: Facts, runs: dict[str, _Run], tuned: Tuned, unread: Mapping[Needs, str]
) -> _Run:
    for required in rule.requires:
        before = runs.get(required)
        if before is None:
            return _Run(rule, State.SKIPPED, f"it requires {required}, which there is not")
        if before.state in (State.FAILED, State.SKIPPED, State.WAIVED):
            if required in _builtin_codes() and not tuned.profile.asks(required):
                return _Run(rule, State.NOT_APPLICABLE)
            return _Run(rule, State.SKIPPED, f"it requires {required}, which was {before.state}")
    if rule.needs in unread:
        return _Run(rule, State.SKIPPED, unread[rule.needs])
    try:
        judge = tuned.rule(rule)()
        if not judge.applies(facts):
            return _Run(rule, State.NOT_APPLICABLE)
        found = [tuned.finding(finding, rule) for finding in judge.check(facts)]
    except Exception as error:  # noqa: BLE001 - one broken rule must not hide what the others say
        return _Run(rule, State.SKIPPED, "it failed with an internal error", [_internal(rule, error)])
    return _Run(rule, State.FAILED if found else State.PASSED, findings=found)


def _internal(rule: type[Rule], error: Exception) -> Finding:
    at = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        INTERNAL_ERROR,
        Severity.ERROR,
        f"rule {rule.code} ({rule.__name__}) failed with an internal error: {type(error).__name__}: {error}",
        fix=f"report it; go on with --ignore {rule.code}",
        evidence={"rule": rule.code, "error": f"{type(error).__name__}: {error}", "function": at.name},
    )


def _waive(run: _Run, facts: Facts, profile: Profile) -> None:
    """Set aside the findings for which people, or the profile, wrote a waiver with a reason."""
    if not run.findings:
        return
    kept = []
    by_profile = (
        f"{profile.name}: {profile.waivers[run.rule.code]}" if run.rule.code in profile.waivers else ""
    )
    for finding in run.findings:
        own = finding.code == run.rule.code
        reason = next(_reasons(finding, facts), "") or (by_profile if own else "")
        if reason:
            run.waived.append(Waived(finding, reason))
        else:
            kept.append(finding)
    if run.waived and not kept:
        run.state, run.reason = State.WAIVED, "; ".join(dict.fromkeys(w.reason for w in run.waived))
    run.findings = kept


def _reasons(finding: Finding, facts: Facts) -> Iterator[str]:
    for waiver in facts.mifa.waivers:
        reason = "" if is_placeholder(waiver.reason or "") else (waiver.reason or "").strip()
        if (
            reason
            and (waiver.code or "").strip().upper() == finding.code
            and fnmatchcase(finding.path, waiver.path or "*")
        ):
            yield reason


def _outcome(run: _Run, *, plugin: bool) -> Outcome:
    return _made(run.rule, run.state, run.reason, len(run.findings), plugin)


@lru_cache(maxsize=4096)
def _made(rule: type[Rule], state: State, reason: str, findings: int, plugin: bool) -> Outcome:
    return Outcome(rule.code, rule.title(), rule.source, rule.letter, state, reason, findings, plugin)


def _with_left_out(
    outcomes: tuple[Outcome, ...], known: Mapping[str, type[Rule]], wanted: set[str], builtin: frozenset[str]
) -> Iterator[Outcome]:
    """Add the built-in rules that were not selected as skipped: a score is of the whole profile."""
    yield from outcomes
    for code, rule in known.items():
        if code not in wanted and code in builtin:
            yield _made(rule, State.SKIPPED, "it was not selected", 0, False)
