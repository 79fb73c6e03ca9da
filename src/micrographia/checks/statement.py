"""What a statement of compliance says: one dataset, one version, one profile, one verdict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from micrographia.checks.profile import Profile
from micrographia.checks.registry import find_rule
from micrographia.checks.result import Outcome, Report, State
from micrographia.checks.rule import Needs
from micrographia.checks.wording import counted
from micrographia.dataset import Dataset
from micrographia.dataset.identity import content_sha256, dataset_files_sha256
from micrographia.findings import Severity

FORMAT_VERSION = 1


class Verdict(StrEnum):
    """How a dataset stands towards the rules that a profile requires."""

    COMPLIES = "complies"
    FAILS = "does not comply"
    OPEN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which dataset a statement is about.

    Parameters
    ----------
    title, version, accession, doi, licence
        As the description has them; empty if it does not.
    content_sha256
        Checksum of pixels, annotations and classes; empty if it is not known.
    computed
        Whether it was computed for this statement; else it is what the description records.
    files_sha256
        Checksum of the list of files; empty if a file of it has none.
    """

    title: str
    version: str = ""
    accession: str = ""
    doi: str = ""
    licence: str = ""
    content_sha256: str = ""
    computed: bool = False
    files_sha256: str = ""


def identify(dataset: Dataset, *, pixels: bool = False, workers: int | None = None) -> Identity:
    """Return which dataset it is; with ``pixels`` its content checksum is computed.

    Raises
    ------
    MicrographiaError
        If an image cannot be read.
    """
    study, versions = dataset.mifa.study, dataset.mifa.versions
    latest = versions[-1] if versions else None
    listed = bool(dataset.rows) and all(row.sha256 for row in dataset.rows)
    return Identity(
        dataset.title,
        (latest.version or "") if latest else "",
        study.accession or "",
        study.doi or "",
        study.license or "",
        content_sha256(dataset, workers=workers)
        if pixels
        else (latest.content_sha256 or "")
        if latest
        else "",
        pixels,
        dataset_files_sha256(dataset) if listed else "",
    )


def statement(
    report: Report, profile: Profile, identity: Identity, *, on: date | None = None
) -> dict[str, Any]:
    """Return a statement of compliance as a dictionary of JSON values.

    Parameters
    ----------
    report
        What the check found, of this profile.
    profile
        The profile.
    identity
        Which dataset it is.
    on
        Date of the statement; by default that of the machine in UTC, or that of ``SOURCE_DATE_EPOCH``.
    """
    required = {
        outcome.code
        for outcome in report.outcomes
        if not outcome.plugin and profile.severity(find_rule(outcome.code)) is Severity.ERROR
    }
    errors = {finding.code for finding in report.findings if finding.severity is Severity.ERROR}
    failed = [outcome for outcome in report.outcomes if outcome.code in errors]
    open_ = [o for o in report.outcomes if o.code in required and o.state is State.SKIPPED]
    internal = sorted(errors - {outcome.code for outcome in report.outcomes})
    verdict = (
        Verdict.FAILS
        if failed
        else Verdict.OPEN
        if open_ or internal or _left_out(report, profile)
        else Verdict.COMPLIES
    )
    document: dict[str, Any] = {
        "format": "micrographia-statement",
        "format_version": FORMAT_VERSION,
        "title": identity.title,
        "version": identity.version,
        "accession": identity.accession,
        "doi": identity.doi,
        "licence": identity.licence,
        "content_sha256": identity.content_sha256,
        "content_computed": identity.computed,
        "files_sha256": identity.files_sha256,
        "profile": profile.name,
        "profile_description": profile.description,
        "read": str(report.depth),
        "verdict": str(verdict),
        "required": {
            "asked": sum(1 for o in report.outcomes if o.code in required and _applies(o)),
            "passed": sum(1 for o in report.outcomes if o.code in required and _held(o, errors)),
        },
        "scores": {
            str(score.letter): {
                "word": score.letter.word,
                "meaning": profile.letters.get(score.letter, ""),
                "passed": score.passed,
                "applicable": score.applicable,
            }
            for score in report.scores
        },
        "failed": [_failed(outcome, report) for outcome in failed],
        "waived": [
            {"code": o.code, "title": o.title, "required": o.code in required, "reason": o.reason}
            for o in report.outcomes
            if o.state is State.WAIVED
        ],
        "not_judged": _reasons(open_) | dict.fromkeys(internal, 1) | _left_out(report, profile),
        "also_failed": [o.code for o in report.outcomes if o.state is State.FAILED and o.code not in errors],
        "date": (on or _today()).isoformat(),
        "program": report.program,
    }
    return document | {"sentence": _sentence(document)}


def _applies(outcome: Outcome) -> bool:
    return outcome.state is not State.NOT_APPLICABLE


def _held(outcome: Outcome, errors: set[str]) -> bool:
    return outcome.state in (State.PASSED, State.FAILED) and outcome.code not in errors


def _failed(outcome: Outcome, report: Report) -> dict[str, Any]:
    findings = [f for f in report.findings if f.code == outcome.code and f.severity is Severity.ERROR]
    return {
        "code": outcome.code,
        "title": outcome.title,
        "findings": len(findings),
        "message": findings[0].message,
        "fix": findings[0].fix,
    }


def _left_out(report: Report, profile: Profile) -> dict[str, int]:
    """Return how many rules of the profile were left out by ``--select`` or ``--ignore``."""
    judged = {outcome.code for outcome in report.outcomes}
    missing = sum(code not in judged for code in profile.codes)
    return {"they were not selected": missing} if missing else {}


def _reasons(outcomes: list[Outcome]) -> dict[str, int]:
    """Return why required rules were not judged, with how many."""
    found: dict[str, int] = {}
    for outcome in outcomes:
        found[outcome.reason] = found.get(outcome.reason, 0) + 1
    return found


def _sentence(document: Mapping[str, Any]) -> str:
    name, required, failed = document["profile"], document["required"], len(document["failed"])
    if document["verdict"] == Verdict.FAILS:
        rules = "one rule" if failed == 1 else f"{failed} rules"
        return f"The dataset does not comply with {name}: {rules} that it requires failed."
    waived = sum(one["required"] for one in document["waived"])
    accepted = f", {counted(waived, 'waiver')} among them" if waived else ""
    if document["verdict"] == Verdict.OPEN:
        missing = sum(document["not_judged"].values())
        why = "" if document["read"] == Needs.PIXELS else ", because not all was read"
        return (
            f"Whether the dataset complies with {name} cannot be told: nothing that it requires failed, but "
            f"{counted(missing, 'rule')} {'was' if missing == 1 else 'were'} not judged{why}."
        )
    return (
        f"The dataset complies with {name}: all {required['asked']} rules that it requires and that apply "
        f"hold{accepted}."
    )


def _today() -> date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
    return moment.date()
