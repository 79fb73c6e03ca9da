"""Audit a design: from metadata alone, in seconds, before any score."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.protocols import Protocol
from micrographia.representation.audit.batches import Said, batch, nuisance
from micrographia.representation.audit.finding import Audit, AuditFinding, figure, plural
from micrographia.representation.audit.rows import Items, items
from micrographia.representation.audit.tasks import TaskAudit, audited

ASSUMED_SD = 0.2
"""Standard deviation of the paired difference between groups, where none is known: accuracies of groups of a few items
differ by about as much."""

_WORTH = (
    ("error", "batch"),
    ("error", "permutations"),
    ("warning", "lone classes"),
    ("warning", "batch"),
    ("warning", "nuisance"),
    ("warning", "chance"),
    ("warning", "missing"),
)
"""What else a verdict tells, two at most, the gravest first."""


def audit(
    meta: pd.DataFrame, protocol: Protocol, *, assumed_sd: float = ASSUMED_SD, power: float = 0.8
) -> Audit:
    """Say what a design can tell and what it cannot, and why.

    Parameters
    ----------
    meta
        Metadata, one row a profile, before aggregation; controls may be among them.
    protocol
        Tasks, unit of generalisation, crossed factors, nuisances, margin.
    assumed_sd
        Standard deviation of the paired difference between groups, for the smallest detectable difference.
    power
        Probability with which that difference is to be found.

    Raises
    ------
    ProfileError
        If a column of the protocol is not in the metadata, or no rows are left.
    """
    started = time.perf_counter()
    by = protocol.aggregate.by if protocol.aggregate else ()
    held = items(meta, by, protocol.controls, protocol.leave_out)
    if not held.n:
        raise ProfileError("", "no rows are left to score", "Give metadata, and leave out fewer rows")
    findings = [_size(meta, held, list(by)), *_duplicates(meta)]
    cannot: list[str] = []
    tasks = list(audited(held, protocol, assumed_sd=assumed_sd, power=power))
    for task in tasks:
        findings.extend(task.findings)
        cannot.extend(task.cannot)
    for finding, said in _between(held, protocol):
        findings.append(finding)
        cannot.append(said)
    # What several tasks have in common is said once.
    findings = _once(findings)
    cannot = list(dict.fromkeys(said for said in cannot if said))
    return Audit(_verdict(tasks, findings, protocol), findings, cannot, time.perf_counter() - started)


def _size(meta: pd.DataFrame, held: Items, by: list[str]) -> AuditFinding:
    text = f"{plural(len(meta), 'row')}"
    if held.left_out:
        text += f", {held.left_out:,} of them controls or left out"
    if by:
        text += f"; the others make {plural(held.n, 'item')} by {', '.join(by)}"
    numbers = {"rows": len(meta), "left_out": held.left_out, "items": held.n}
    return AuditFinding("rows", f"{text}.", numbers)


def _duplicates(meta: pd.DataFrame) -> list[AuditFinding]:
    if not len(meta.columns):
        return []
    plain = meta
    for name in meta.columns:
        # What cannot be hashed is compared by how it reads.
        if (
            meta[name].dtype == object
            and not meta[name].map(type).isin([str, int, float, bool, type(None)]).all()
        ):
            plain = plain.assign(**{str(name): meta[name].astype(str)})
    repeated = int(plain.duplicated().sum())
    if not repeated:
        return []
    text = (
        f"{plural(repeated, 'row')} equal an earlier one in every column: the same thing twice, or nothing in the "
        f"metadata tells replicates apart."
    )
    return [AuditFinding("duplicates", text, {"rows": repeated}, weight="warning")]


def _between(held: Items, protocol: Protocol) -> list[Said]:
    """Return what there is to say about labels, batches and nuisances, once for each label."""
    said: list[Said] = []
    roles = {nuisance.column: nuisance for nuisance in protocol.nuisances if nuisance.column}
    labels = dict.fromkeys(
        task.label for task in protocol.tasks if task.kind not in ("regression", "known_pairs")
    )
    primary = protocol.primary_task
    for label in sorted(labels, key=lambda name: name != primary.label):
        excluded = [
            name
            for task in protocol.tasks
            if task.label == label
            for name in (*task.exclude, *task.pos_diffby)
        ]
        for name in dict.fromkeys((*protocol.crossed, *excluded, *roles)):
            asked = roles.get(name)
            if name in (label, protocol.unit):
                continue
            if asked is None or held.numbers(name) is None:
                said.extend(batch(held, label, protocol.unit, name, asked.role if asked else "confounder"))
            elif held.column(label).n > 1:
                said.extend(nuisance(held, label, protocol.unit, asked.name, name, asked.role))
    return said


def _once(findings: list[AuditFinding]) -> list[AuditFinding]:
    seen: dict[tuple[str, str], AuditFinding] = {}
    for finding in findings:
        key = finding.kind, finding.text
        if key in seen and seen[key].task != finding.task:
            seen[key] = AuditFinding(finding.kind, finding.text, finding.numbers, "", finding.weight)
        seen.setdefault(key, finding)
    return list(seen.values())


def _verdict(tasks: list[TaskAudit], findings: list[AuditFinding], protocol: Protocol) -> str:
    primary = tasks[0]
    held = primary.items
    name = primary.task.title or primary.task.name
    if primary.impossible:
        return f"Nothing can be concluded from the primary task ({name}): {primary.impossible}."
    reached = int(primary.evaluable.sum())
    units = primary.groups(held.column(protocol.unit))
    crossed = [f"{column} ({primary.groups(held.column(column)):,})" for column in protocol.crossed]
    across = f", crossed with {', '.join(crossed)}" if crossed else ""
    able = f"{reached:,} of {plural(primary.items.n, 'item')} can be evaluated over {plural(units, protocol.unit)}"
    sentences = [f"{name}: {able}{across}."]
    at = figure(primary.detectable)
    if not np.isfinite(primary.detectable):
        sentences.append(f"{primary.undecidable} Differences only describe.")
    elif primary.detectable > protocol.delta:
        sentences.append(
            f"Differences below about {at} will stay undecided (SD assumed {primary.assumed_sd:g}; the margin is "
            f"{protocol.delta:g})."
        )
    else:
        sentences.append(
            f"Differences of {at} can be told (SD assumed {primary.assumed_sd:g}), within the margin of "
            f"{protocol.delta:g}."
        )
    label = primary.task.label
    about = [found for found in findings if found.task in ("", primary.task.name)]
    about = [found for found in about if found.numbers.get("label", label) == label]
    for weight, kind in _WORTH:
        said = [found.text for found in about if found.weight == weight and found.kind == kind]
        sentences += said[:1] if len(sentences) < 4 else []
    lost = [task.task.name for task in tasks[1:] if task.impossible]
    if lost:
        sentences.append(f"Nothing can be concluded from {', '.join(lost)}.")
    return " ".join(sentences)
