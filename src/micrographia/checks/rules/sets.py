"""A rule over annotation sets: the file list and the description name the same."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import suggest
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata.vocabulary import AnnotationType

KNOWN_TYPES = frozenset(str(kind) for kind in AnnotationType)


class SetsAgree(Rule):
    """The sets of the file list and of the description are the same, and of the same types.

    What it does
    ------------
    Reports sets that ``files.tsv`` names and ``mifa.yaml`` does not describe, sets that are described and have no file,
    and files of a type that their set does not have.

    Why it matters
    --------------
    A set that nobody describes is annotation without method or author; one without files is a promise.

    Example
    -------
    ``files.tsv`` says ``nucleus``, ``mifa.yaml`` describes ``nuclei``.

    How to fix
    ----------
    Use one name in both places, and list all types under ``annotation_type``.

    References
    ----------
    BioImage Archive: one file list for each section of annotations.
    """

    code = "M008"
    severity = Severity.ERROR
    source = Source.BIA
    letter = Letter.METADATA
    requires = ("M009",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare names and types."""
        described = {held.name: (at, held) for at, held in facts.sets if held.name}
        listed_sets: dict[str, dict[str, int]] = {}
        for row in facts.annotation_rows:
            if row.set:
                listed_sets.setdefault(row.set, {}).setdefault(row.type, row.line)
        for name, types in listed_sets.items():
            line = min(types.values())
            if name not in described:
                near = suggest(name, described)
                yield self.finding(
                    f"files.tsv names the annotation set {name!r}, which mifa.yaml does not describe",
                    path="files.tsv",
                    line=line,
                    fix=f"did you mean {near}?" if near else "run micrographia describe again and fill it in",
                    level=Level.ABSENT,
                    evidence={"set": name},
                )
                continue
            at, held = described[name]
            for kind, line in types.items():
                if kind and held.annotation_type and kind not in held.annotation_type and kind in KNOWN_TYPES:
                    yield self.finding(
                        f"files.tsv lists {kind} for the set {name!r}, which mifa.yaml does not",
                        **facts.at(f"{at}.annotation_type"),
                        fix=f"add {kind} to annotation_type, or correct files.tsv",
                        level=Level.SPECIFIC,
                        evidence={"set": name, "type": kind, "line": line},
                    )
        for name, (at, _) in described.items():
            if name not in listed_sets:
                yield self.finding(
                    f"the annotation set {name!r} is described, but no file belongs to it",
                    **facts.at(at),
                    fix="write its name into the column annotation set, or remove the entry",
                    level=Level.SPECIFIC,
                    severity=Severity.WARNING,
                    evidence={"set": name},
                )
