"""Rules over what reading ``mifa.yaml`` had to say: words, identifiers, fields and forms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from micrographia.checks.facts import Facts
from micrographia.checks.mending import edit_lines
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.dataset import Dataset
from micrographia.dataset.manifest import NAME
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import mend, update
from micrographia.metadata.vocabulary import annotation_type

ELSEWHERE = frozenset({"C008", "C017", "C020"})
"""Readings that other rules judge: licences (M006) and dates (M052)."""

UNREADABLE = frozenset({"C014", "C015", "C018", "C019"})
"""Readings of what is not known or cannot be read."""


class TypeInVocabulary(Rule):
    """Annotation types are words of the MIFA vocabulary.

    What it does
    ------------
    Reports annotation types, in ``mifa.yaml`` and in ``files.tsv``, that are not written as the vocabulary has them,
    and says which one is probably meant.

    Why it matters
    --------------
    People search and programs choose by the type. ``Segmentation masks`` is not found by who looks for
    ``segmentation_mask``, and files of an unknown type are not read at all.

    Example
    -------
    ``Segmentation masks``, as a published record has it.

    How to fix
    ----------
    Write class_labels, bounding_boxes, counts, derived_annotations, geometrical_annotations, graphs, point_annotations,
    segmentation_mask, tracks, weak_annotations or other. ``--fix`` does where the meaning is certain.

    References
    ----------
    MIFA, Annotations: annotation type; schema, ``AnnotationType``.
    """

    code = "M003"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface what reading the types had to say, and look at those of the file list."""
        for told in facts.dataset.description.findings:
            if told.code in ("C006", "C018") and _is_type(told):
                meant = told.evidence.get("read_as")
                yield self.finding(
                    f'annotation type "{told.evidence.get("was")}" is not in the MIFA vocabulary',
                    path=told.path,
                    line=told.line,
                    field=told.field,
                    fix=f"did you mean {meant}?" if meant else told.fix or "see micrographia explain M003",
                    fixable=bool(meant),
                    level=Level.PRESENT,
                    evidence={"reading": told.code, **told.evidence},
                )
        lines: dict[str, list[int]] = {}
        for row in facts.rows:
            if row.type and not annotation_type(row.type).exact:
                lines.setdefault(row.type, []).append(row.line)
        for kind, at in lines.items():
            match = annotation_type(kind)
            meant = match.value or " or ".join(match.suggestions)
            yield self.finding(
                f'annotation type "{kind}" of {counted(len(at), "row")} is not in the MIFA vocabulary',
                path=NAME,
                line=at[0],
                fix=f"did you mean {meant}?" if meant else "see micrographia explain M003",
                fixable=match.value is not None,
                level=Level.PRESENT,
                evidence={"was": kind, "lines": at},
            )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Write the words of the vocabulary where the meaning is certain."""
        done = []
        for told in dataset.description.findings:
            if told.code == "C006" and _is_type(told):
                fields = told.evidence.get("fields", [told.field])
                update(dataset.path / "mifa.yaml", dict.fromkeys(fields, told.evidence["read_as"]))
                done.append(f"mifa.yaml: wrote {told.evidence['read_as']} for {told.evidence['was']!r}")
        lines = {line for finding in findings if finding.path == NAME for line in finding.evidence["lines"]}
        edits = dict.fromkeys(
            lines, lambda cells: cells | {"annotation type": _word(cells["annotation type"])}
        )
        edited = edit_lines(dataset.path / NAME, edits).edited
        return done + [
            f"{NAME}: wrote the annotation type of {counted(edited, 'row')} as the vocabulary has it"
        ] * bool(edited)


class IdentifiersValid(Rule):
    """Identifiers are valid: ORCID, ROR, DOI, PubMed, taxon, ontology terms, addresses.

    What it does
    ------------
    Checks the form of every identifier, and the check digits of ORCID iDs and ROR ids. Nothing is looked up on the web.

    Why it matters
    --------------
    An ORCID iD with a mistyped digit gives the credit to nobody or to somebody else.

    Example
    -------
    ``0000-0002-1825-0079``: two digits were swapped.

    How to fix
    ----------
    Copy the identifier again from its source.

    References
    ----------
    ORCID, structure of the identifier (ISO 7064); ROR, identifier pattern; DOI Handbook.
    """

    code = "M030"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface identifiers that are not valid."""
        for told in facts.dataset.description.findings:
            if told.code == "C016":
                yield _surfaced(self, told)


class FieldsReadable(Rule):
    """Every field is known and every value can be read.

    What it does
    ------------
    Reports fields of ``mifa.yaml`` that this program does not know, that occur twice, and values that cannot be read as
    what the field holds.

    Why it matters
    --------------
    A misspelt field is kept, but nobody reads it: the statement counts as not made.

    Example
    -------
    ``anotation_method: ...``, or ``annotated: most of them``.

    How to fix
    ----------
    Correct the name or the value; ``micrographia schema`` lets editors show mistakes while typing.

    References
    ----------
    ``docs/metadata.md`` lists every field.
    """

    code = "M031"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface what is unknown or unreadable."""
        for told in facts.dataset.description.findings:
            if told.code in UNREADABLE and not (told.code == "C018" and _is_type(told)):
                yield _surfaced(self, told)


class OneForm(Rule):
    """Values are written in the form that this program writes.

    What it does
    ------------
    Notes each value that was understood, but written otherwise: a bare ORCID iD, another wording of a licence, one
    value where a list is expected, a date with the month's name.

    Why it matters
    --------------
    This program reads leniently and says what it made of it; other programs may read something else.

    Example
    -------
    ``license: Creative Commons Zero`` was read as ``CC0-1.0``.

    How to fix
    ----------
    ``--fix`` writes the one form and leaves everything else, comments too, as it is.

    References
    ----------
    ``docs/metadata.md``, the table of coercions.
    """

    code = "M032"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.METADATA
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface every other reading."""
        for told in facts.dataset.description.findings:
            if _is_other(told):
                yield _surfaced(self, told, fixable=told.fixable)

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:  # noqa: ARG002
        """Write the one form."""
        mended = mend(dataset.path / "mifa.yaml")
        return [f"mifa.yaml: {told.message}; now written so" for told in mended]


class NothingOpen(Rule):
    """No field waits for an answer.

    What it does
    ------------
    Counts the fields of ``mifa.yaml`` that still hold the ``?`` that ``describe`` wrote.

    Why it matters
    --------------
    A question mark is read as no answer. Fields that matter have rules of their own; this one says what is left.

    Example
    -------
    ``annotation_criteria: "?"``

    How to fix
    ----------
    Search ``mifa.yaml`` for ``?`` and answer, or delete the line.

    References
    ----------
    Practice.
    """

    code = "M033"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the open fields."""
        fields = facts.dataset.description.open_fields
        if fields:
            yield self.finding(
                f"{counted(len(fields), 'field')} without an answer: {listed(fields, 4)}",
                **facts.at(fields[0]),
                fix="search mifa.yaml for ? and answer, or delete the line",
                level=Level.ABSENT,
                evidence={"fields": list(fields)},
            )


def _surfaced(rule: Rule, told: Finding, *, fixable: bool = False) -> Finding:
    fix = told.fix[:1].lower() + told.fix[1:] or "correct it"
    return rule.finding(
        told.message,
        path=told.path,
        line=told.line,
        field=told.field,
        fix=fix,
        fixable=fixable,
        level=Level.PRESENT,
        evidence={"reading": told.code, **told.evidence},
    )


def _is_type(told: Finding) -> bool:
    return re.sub(r"\[\d+\]$", "", told.field).endswith("annotation_type")


def _is_other(told: Finding) -> bool:
    judged = told.code in UNREADABLE | ELSEWHERE | {"C016"} or (told.code == "C006" and _is_type(told))
    return told.code.startswith("C") and not judged


def _word(text: str) -> str:
    return annotation_type(text).value or text
