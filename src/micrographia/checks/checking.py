"""Check a dataset from its folder: read, judge, and mend what can be mended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from micrographia.checks.facts import Facts, gather
from micrographia.checks.profile import DEFAULT, Profile, load_profile
from micrographia.checks.registry import all_rules
from micrographia.checks.result import Report
from micrographia.checks.rule import Needs
from micrographia.checks.runner import check_facts
from micrographia.dataset import Dataset, open_dataset


def check(
    dataset: Dataset | Path | str,
    *,
    pixels: bool = False,
    checksums: bool = False,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    profile: Profile | str | Path | None = None,
    fix: bool = False,
    workers: int | None = None,
    quiet: bool = True,
) -> Report:
    """Hold a dataset against the rules.

    Parameters
    ----------
    dataset
        An open dataset, or its folder.
    pixels
        Read every pixel, too; includes the checksums.
    checksums
        Compute the checksum of every file.
    select, ignore
        Codes of rules or their beginnings (``M``, ``F0``): only these, and not those.
    profile
        Which rules are asked for, and how much each matters: a profile, the name of a built-in one, or the path of a
        YAML file.
    fix
        Mend what can be mended, then judge again; the report says what was done.
    workers
        Number of workers; None for one a processor. The report does not depend on it.
    quiet
        Show no progress.

    Returns
    -------
    Report
        Findings, what became of each rule, and scores.

    Raises
    ------
    MicrographiaError
        If the folder is no dataset, ``mifa.yaml`` or ``files.tsv`` cannot be read, or ``select``, ``ignore`` or
        ``profile`` name what does not exist.

    Examples
    --------
    >>> from micrographia.checks import check
    >>> report = check("kidney")  # doctest: +SKIP
    >>> [finding.code for finding in report.findings]  # doctest: +SKIP
    ['M003', 'P004']
    """
    chosen = profile if isinstance(profile, Profile) else load_profile(profile or DEFAULT)
    select, ignore = list(select), list(ignore)
    needs = Needs.PIXELS if pixels else Needs.HEADERS
    facts = gather(dataset, needs=needs, checksums=checksums or pixels, workers=workers, quiet=quiet)
    report = check_facts(facts, select=select, ignore=ignore, profile=chosen)
    if not fix or not report.fixable:
        return report
    done = mend_findings(facts, report)
    if not done:
        return report
    facts = _again(facts, checksums=checksums or pixels, workers=workers, quiet=quiet)
    return check_facts(facts, select=select, ignore=ignore, profile=chosen, fixed=done)


def mend_findings(facts: Facts, report: Report) -> list[str]:
    """Mend the findings of a report that can be mended, rule by rule, and say what was done.

    Each rule looks again before it mends, because what another one mended may have moved lines.
    """
    fixable = {finding.code for finding in report.fixable}
    done: list[str] = []
    for rule in all_rules():
        if rule.code not in fixable:
            continue
        dataset = open_dataset(facts.dataset.path)
        fresh = check_facts(replace(facts, dataset=dataset), select=[rule.code])
        findings = [finding for finding in fresh.findings if finding.code == rule.code and finding.fixable]
        if findings:
            done += rule().fix(dataset, findings)
    return done


def _again(facts: Facts, *, checksums: bool, workers: int | None, quiet: bool) -> Facts:
    """Read again what mending may have changed; pixels are read again only if other files are images or masks now."""
    before, after = facts.dataset, open_dataset(facts.dataset.path)
    if _listed(before) != _listed(after):
        return gather(
            after, needs=facts.depth, checksums=checksums, workers=workers, quiet=quiet, today=facts.today
        )
    return replace(facts, dataset=after)


def _listed(dataset: Dataset) -> list[tuple[str, ...]]:
    return [
        (row.path, row.member, row.role, row.image, row.set, row.type, row.source) for row in dataset.rows
    ]
