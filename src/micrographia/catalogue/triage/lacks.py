"""What a submission lacks: findings by rule, with the minutes to mend them, the field, and what the letter asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from micrographia.catalogue.triage import asking, asking_annotations, asking_rest
from micrographia.catalogue.triage.effort import Efforts
from micrographia.catalogue.triage.places import where
from micrographia.catalogue.triage.record import Record, index
from micrographia.catalogue.triage.result import Lack
from micrographia.checks.registry import find_rule
from micrographia.checks.runner import INTERNAL_ERROR
from micrographia.findings import Finding

ASKS = {**asking.ASKS, **asking_annotations.ASKS, **asking_rest.ASKS}
"""Code of a rule to what a letter asks for."""

WHAT: dict[str, str] = {
    "M001": "title",
    "M002": "description",
    "M003": "annotation type in the words of MIFA",
    "M004": "keywords",
    "M005": "authors",
    "M006": "licence",
    "M007": "funding statement",
    "M008": "file lists and annotations that agree",
    "M009": "annotations",
    "M010": "annotators",
    "M011": "annotation overview",
    "M012": "annotation type",
    "M013": "annotation method",
    "M014": "annotation confidence",
    "M015": "annotation criteria",
    "M016": "annotation coverage in numbers",
    "M017": "association with the images",
    "M018": "transformations",
    "M019": "units of coordinates",
    "M020": "annotation date",
    "M021": "coverage that adds up",
    "M022": "coverage that is that of the list",
    "M023": "what was outlined",
    "M024": "meaning of mask values",
    "M025": "classes",
    "M030": "valid identifiers",
    "M031": "values that can be read",
    "M032": "values in one form",
    "M033": "open questions answered",
    "M040": "organism with taxon",
    "M041": "biological entity",
    "M042": "sample preparation",
    "M043": "imaging method with term",
    "M044": "instrument",
    "M045": "acquisition parameters",
    "M046": "description of components",
    "M047": "associations that lead somewhere",
    "M050": "version",
    "M051": "versions in order",
    "M052": "dates",
    "A001": "open licence",
    "A002": "licence of the archive",
    "A003": "link to the deposition",
    "A004": "split",
    "A005": "groups of images",
    "A006": "sizes and checksums",
    "F001": "open formats",
    "F020": "OME-Zarr",
    "I001": "DOI of a paper",
    "I002": "how to cite",
    "I003": "ORCID iDs",
    "I004": "roles of authors",
    "I005": "institutions with ROR id",
    "I006": "grants with number and funder",
    "I007": "models trained",
    "L001": "lines of the file list",
    "L007": "files listed once",
    "L010": "images in the file list",
    "L013": "names of files",
    "L014": "names that differ in more than case",
    "L015": "set and type of annotation files",
    "L016": "source image of annotations",
    "L017": "why an image has several annotations",
    "L019": "files of components",
}
"""Code of a rule to what is missing, in a few words."""

IMPORTANCE = (
    "M006", "A002", "M009", "M012", "M003", "M013", "M015", "M023", "M016", "M008", "L010", "L016", "M011", "M014",
    "M001", "M002", "M005", "M040", "M043", "M042", "M044", "M045", "M041", "M007", "M004", "I003",
)  # fmt: skip
"""Codes of rules whose findings come first among those of one severity."""

OURS = frozenset({"A006", "F020", "M032", "M033", "M060"})
"""Rules that no author of a submission is asked for: the archive does it, or it is a matter of this program."""

GROUP = re.compile(
    r"\b(institut|platform|group|team|consorti|facilit|universit|laborator|cent(er|re)|core|society|project)",
    re.IGNORECASE,
)
"""What names of groups have in them; a group has no ORCID iD."""


def lacks(record: Record, efforts: Efforts) -> tuple[Lack, ...]:
    """Return what a record lacks: required before recommended before optional, then by importance, then by minutes."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in record.report.findings:
        by_rule.setdefault(finding.code, []).append(finding)
    found = [
        one
        for code, held in by_rule.items()
        if code != INTERNAL_ERROR and (one := _lack(record, code, held, efforts)) is not None
    ]
    return tuple(sorted(found, key=_order))


def _lack(record: Record, code: str, findings: Sequence[Finding], efforts: Efforts) -> Lack | None:
    if code in OURS or (code == "M050" and record.format == "pagetab" and not record.mifa.annotations):
        return None  # the form has versions of annotations only
    findings = _of_people(record, findings) if code == "I003" else _followed(record, code, findings)
    text = ASKS.get(code, asking.told_by_rule)(record, findings) if findings else ""
    if not text:
        return None  # what nobody could fill in is not asked for: the organism of a simulation
    worst = min(findings, key=lambda finding: finding.severity.rank)
    unknown = code == "M009" and not record.mifa.annotations and not record.annotation_files
    return Lack(
        code,
        WHAT.get(code) or find_rule(code).title().lower(),
        worst.severity,
        0.0 if unknown else efforts.minutes(code, findings),
        len(findings),
        _where(record, findings),
        text,
        conditional=unknown,
    )


def _of_people(record: Record, findings: Sequence[Finding]) -> list[Finding]:
    """Return findings over authors without the groups among them."""
    found = []
    for finding in findings:
        held = [at for at in finding.evidence.get("authors", ()) if at < len(record.study.authors)]
        people = [at for at in held if not GROUP.search(record.study.authors[at].name)]
        if people:
            found.append(replace(finding, evidence={**finding.evidence, "authors": people}))
    return found


def _followed(record: Record, code: str, findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return findings over identifiers without links that say of which database they are an entry."""
    if code != "M030":
        return findings
    links = record.study.links
    return [
        finding
        for finding in findings
        if (at := index(finding.field, "links")) is None or at >= len(links) or not links[at].link_type
    ]


def _where(record: Record, findings: Sequence[Finding]) -> str:
    first = findings[0]
    # Two fields of one sentence are named both: the name of the method and its term.
    places = [where(record, f.field, f.path, many=len(findings) > 1) for f in findings[:20]]
    shown = list(dict.fromkeys(places))
    if len(shown) > 2 and first.field:
        return where(record, first.field, first.path, many=True)
    return " and ".join(shown[:2])


def _order(lack: Lack) -> tuple[int, int, float, str]:
    place = IMPORTANCE.index(lack.code) if lack.code in IMPORTANCE else len(IMPORTANCE)
    return lack.severity.rank, place, lack.minutes, lack.code
