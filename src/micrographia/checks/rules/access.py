"""Rules over access: may people use the data, and where do they find them."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.rules.incentives import ACCESSION, is_persistent
from micrographia.checks.texts import named
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import Licence, normalise_licence

ARCHIVE = frozenset({"CC0-1.0", "CC-BY-4.0"})
"""SPDX identifiers of the licences that the archive takes."""


class LicenceOpen(Rule):
    """The licence lets everybody use, change and share the data.

    What it does
    ------------
    Reports licences that forbid commercial use or changes, or that ask for the same licence on everything made from the
    data; of the study and of each set of annotations.

    Why it matters
    --------------
    A model trained on data that forbid commercial use or changes is a legal question that most people avoid by using
    other data.

    Example
    -------
    ``CC-BY-NC-4.0`` keeps companies away, and hospitals that are not sure.

    How to fix
    ----------
    Choose CC0-1.0 or CC-BY-4.0, if all authors agree.

    References
    ----------
    Open Definition 2.1; practice, for the A of MIFA.
    """

    code = "A001"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY
    requires = ("M006",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the terms of each licence."""
        for field, of, licence in _licences(facts):
            terms = [
                words
                for words, bad in (
                    ("forbids commercial use", not licence.commercial),
                    ("forbids changes", not licence.derivatives),
                    ("asks for the same licence on all that is made from the data", licence.share_alike),
                )
                if bad
            ]
            if terms:
                yield self.finding(
                    f"the licence {licence.label}{of} {' and '.join(terms)}",
                    **facts.at(field),
                    fix="choose CC0-1.0 or CC-BY-4.0, if all authors agree",
                    level=Level.SPECIFIC,
                    severity=Severity.INFO if licence.commercial and licence.derivatives else None,
                    evidence={"licence": licence.label},
                )


class LicenceOfArchive(Rule):
    """The licence is one that the BioImage Archive takes.

    What it does
    ------------
    Reports licences other than CC0-1.0 and CC-BY-4.0; of the study and of each set of annotations.

    Why it matters
    --------------
    The archive takes no others, and a licence cannot be changed once others hold copies.

    Example
    -------
    ``MIT`` is open, but made for programs.

    How to fix
    ----------
    Choose CC0-1.0 or CC-BY-4.0, if all authors agree; else deposit elsewhere and waive this rule.

    References
    ----------
    MIFA schema, ``Study.license``: CC0 or CC_BY; BioImage Archive, licences.
    """

    code = "A002"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.ACCESSIBILITY
    requires = ("M006",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare each licence with the two."""
        for field, of, licence in _licences(facts):
            if licence.spdx not in ARCHIVE:
                yield self.finding(
                    f"the BioImage Archive does not take the licence {licence.label}{of}",
                    **facts.at(field),
                    fix="choose CC0-1.0 or CC-BY-4.0, if all authors agree",
                    level=Level.SPECIFIC,
                    evidence={"licence": licence.label},
                )


class InRepository(Rule):
    """A link leads to the dataset in an open repository.

    What it does
    ------------
    Asks for a link with a DOI or an accession of an image archive (BioImage Archive, IDR, EMPIAR, BBBC, Zenodo, ...),
    or for an accession or DOI of the dataset itself.

    Why it matters
    --------------
    A laboratory's server is gone in a few years; a repository keeps the data and their address.

    Example
    -------
    ``link_url: https://www.ebi.ac.uk/biostudies/bioimages/studies/S-BIAD634``

    How to fix
    ----------
    Deposit the dataset and write its address into ``study.links``. Before the deposition, waive this rule and say so.

    References
    ----------
    MIFA, accessibility: open repositories such as the BioImage Archive (from summaries of the text).
    """

    code = "A003"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at accession, DOI and links."""
        study = facts.mifa.study
        if study.doi or (study.accession and ACCESSION.search(study.accession)):
            return
        links = [link.link_url for link in facts.mifa.study.links if link.link_url]
        if not any(is_persistent(link) for link in links):
            yield self.finding(
                "no link leads to the dataset in a repository",
                **facts.at("study.links"),
                fix="deposit it and write its address into study.links",
                level=Level.PRESENT if links else Level.ABSENT,
            )


class ChecksumsListed(Rule):
    """The list has size and checksum of every file.

    What it does
    ------------
    Asks for the columns ``size`` and ``sha256`` of every row.

    Why it matters
    --------------
    With them everybody can tell whether a download is whole, and ``describe`` follows files that were moved.

    Example
    -------
    40 of 508 rows have no checksum.

    How to fix
    ----------
    Run ``micrographia describe`` again; it computes them.

    References
    ----------
    Practice.
    """

    code = "A006"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for empty cells."""
        without = [row for row in facts.rows if not row.sha256 or row.size < 0]
        if without:
            yield self.finding(
                f"{counted(len(without), 'row')} of {len(facts.rows):,} without size or checksum: "
                + listed((row.name for row in without), 3),
                **facts.row_at(without[0]),
                fix="run micrographia describe again",
                level=Level.PRESENT if len(without) < len(facts.rows) else Level.ABSENT,
                evidence={"count": len(without)},
            )


def _licences(facts: Facts) -> Iterator[tuple[str, str, Licence]]:
    """Yield field, owner and licence of the study and of the sets that have one of their own."""
    written = [("study.license", "", facts.mifa.study.license)]
    written += [(f"{at}.license", named(held), held.license) for at, held in facts.sets]
    for field, of, text in written:
        licence = normalise_licence(text) if text else None
        if licence is not None:
            yield field, of, licence
