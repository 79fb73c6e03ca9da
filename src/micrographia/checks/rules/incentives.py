"""Rules over credit: how to cite, who did what, who paid, and what was trained with the data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import check_doi
from micrographia.metadata.study import Author

_CITE = re.compile(r"\b(cit(e|es|ed|ing|ation)|please\s+(refer|acknowledge)|give\s+credit)\b", re.IGNORECASE)


class Citable(Rule):
    """The dataset has a paper or an identifier by which it can be cited.

    What it does
    ------------
    Asks for a DOI of the dataset, for a publication with a DOI or a PubMed id, or for a link whose address holds a DOI
    or an accession.

    Why it matters
    --------------
    What cannot be cited earns no credit, and credit is why people share.

    Example
    -------
    ``publication_doi: https://doi.org/10.1242/jcs.033340``

    How to fix
    ----------
    Write the paper into ``study.publications``, or the address of the deposition into ``study.links``.

    References
    ----------
    Practice, for the I of MIFA; the schema has ``Publications`` as an optional field.
    """

    code = "I001"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.INCENTIVES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for identifiers."""
        study = facts.mifa.study
        papers = [p for p in study.publications if p.publication_doi or p.pubmed_id or p.pmc_id]
        links = [link for link in study.links if link.link_url and is_persistent(link.link_url)]
        if not papers and not links and not study.doi:
            named = bool(study.publications or study.links)
            yield self.finding(
                "no publication or link has an identifier that people can cite",
                **facts.at("study.publications"),
                fix="write the DOI of the paper, or the address of the deposition",
                level=Level.PRESENT if named else Level.ABSENT,
            )


class SaysHowToCite(Rule):
    """The description says how to cite the dataset.

    What it does
    ------------
    Looks for words about citing in the description and the acknowledgements of the study.

    Why it matters
    --------------
    Users cite what they are asked to cite; where nothing is asked they cite the archive, or nothing.

    Example
    -------
    ``If you use these data, please cite the publication below and the accession.``

    How to fix
    ----------
    Add a sentence to ``study.description`` or ``study.acknowledgements``.

    References
    ----------
    Practice, for the I of MIFA.
    """

    code = "I002"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.INCENTIVES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the words."""
        study = facts.mifa.study
        if not _CITE.search(f"{study.description or ''} {study.acknowledgements or ''}"):
            yield self.finding(
                "nothing says how to cite the dataset",
                **facts.at("study.description"),
                fix="add a sentence: If you use these data, please cite ...",
                level=Level.ABSENT,
            )


class OrcidForAll(Rule):
    """Every author has an ORCID iD.

    What it does
    ------------
    Asks for the ``orcid_id`` of every author of the study. Groups (an author without a first name) need none.

    Why it matters
    --------------
    Names are shared, changed and abbreviated; the ORCID iD takes the credit to the right person.

    Example
    -------
    Nine authors, four of them without an ORCID iD.

    How to fix
    ----------
    Ask for them, or look at https://orcid.org; registering takes a minute.

    References
    ----------
    Practice, for the I of MIFA; the schema has ``orcid_id`` as an optional field.
    """

    code = "I003"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.INCENTIVES
    requires = ("M005",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for identifiers."""
        people = _people(facts)
        without = [(number, author) for number, author in people if not author.orcid_id]
        if without:
            yield _of_authors(self, without, people, "an ORCID iD", "orcid_id", facts)


class RolesGiven(Rule):
    """Every author has a role.

    What it does
    ------------
    Asks for the ``role`` of every author of the study.

    Why it matters
    --------------
    Who annotated, who took the images and who wrote the paper deserve credit for different things.

    Example
    -------
    ``role: [data curation, investigation]``

    How to fix
    ----------
    Write what each did, in words of CRediT where they fit.

    References
    ----------
    Practice, for the I of MIFA; CRediT, https://credit.niso.org.
    """

    code = "I004"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.INCENTIVES
    requires = ("M005",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for roles."""
        people = list(enumerate(facts.mifa.study.authors))
        without = [
            (number, author) for number, author in people if not any(role.strip() for role in author.role)
        ]
        if without:
            yield _of_authors(self, without, people, "a role", "role", facts)


class AffiliationsGiven(Rule):
    """Every author has an organisation, and every organisation a ROR id.

    What it does
    ------------
    Asks for the ``organisation`` of every author of the study, and for its ``ror_id``.

    Why it matters
    --------------
    Institutions count what their people share, by ROR id: each has many names.

    Example
    -------
    ``organisation_name: University of Toronto, ror_id: https://ror.org/03dbr7087``

    How to fix
    ----------
    Look the id up at https://ror.org.

    References
    ----------
    Practice, for the I of MIFA; the schema has ``OrganisationInfo`` with an optional ``ror_id``.
    """

    code = "I005"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.INCENTIVES
    requires = ("M005",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for organisations and their ids."""
        people = list(enumerate(facts.mifa.study.authors))
        without = [(number, author) for number, author in people if not author.organisation]
        if without:
            yield _of_authors(self, without, people, "an organisation", "organisation", facts)
        bare: dict[str, str] = {}
        for number, author in people:
            for at, held in enumerate(author.organisation):
                if not held.ror_id:
                    field = f"study.authors[{number}].organisation[{at}].ror_id"
                    bare.setdefault(held.organisation_name or "an organisation without a name", field)
        if bare:
            yield self.finding(
                f"{counted(len(bare), 'organisation')} without a ROR id: {listed(bare, 3)}",
                **facts.at(next(iter(bare.values()))),
                fix="look them up at https://ror.org",
                level=Level.PRESENT,
                evidence={"organisations": list(bare)},
            )


class GrantsGiven(Rule):
    """Grants have a number and a funder.

    What it does
    ------------
    Reports grants without ``grant_id`` or without ``funder``, and a funding statement that names a grant number where
    no grant is listed.

    Why it matters
    --------------
    Funders find what they paid for by number; a sentence is not found.

    Example
    -------
    ``grant_id: ALTF 1234-567, funder: European Molecular Biology Organization``

    How to fix
    ----------
    List each grant under ``study.grants``.

    References
    ----------
    MIFA schema, ``GrantReference``: grant id and funder (required).
    """

    code = "I006"
    severity = Severity.INFO
    source = Source.MIFA
    letter = Letter.INCENTIVES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at each grant, and for numbers in the statement."""
        study = facts.mifa.study
        for number, grant in enumerate(study.grants):
            missing = [name for name in ("grant_id", "funder") if not getattr(grant, name)]
            if missing:
                yield self.finding(
                    f"grant {grant.grant_id or grant.funder or number + 1} has no {' and no '.join(missing)}",
                    **facts.at(f"study.grants[{number}].{missing[0]}"),
                    fix="write it",
                    level=Level.PRESENT,
                )
        statement = study.funding_statement or ""
        if not study.grants and re.search(r"\b(grant|award|project)\b[^.;]*\d{3,}", statement, re.IGNORECASE):
            yield self.finding(
                "the funding statement names a grant, but no grant is listed",
                **facts.at("study.grants"),
                fix="list it under study.grants with number and funder",
                level=Level.PRESENT,
            )


class ModelsTrained(Rule):
    """The description lists models that were trained with the data.

    What it does
    ------------
    Asks for ``study.ai_models_trained``.

    Why it matters
    --------------
    Whoever needs a model may find one that is ready; whoever compares models must know which have seen the data. It
    also shows what the data were good for.

    Example
    -------
    ``https://bioimage.io/#/?id=10.5281%2Fzenodo.6028097``

    How to fix
    ----------
    List the addresses of models. If there are none yet, waive this rule and say so.

    References
    ----------
    MIFA: AI models trained with the dataset; schema, ``Study.ai_models_trained``.
    """

    code = "I007"
    severity = Severity.INFO
    source = Source.MIFA
    letter = Letter.INCENTIVES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for models."""
        if not facts.mifa.study.ai_models_trained:
            yield self.finding(
                "no model that was trained with the data is listed",
                **facts.at("study.ai_models_trained"),
                fix="list the addresses of models, or waive the rule and say that there are none yet",
                level=Level.ABSENT,
            )


def is_persistent(url: str) -> bool:
    """Tell whether an address holds a DOI or an accession of an image archive."""
    return check_doi(url).ok or bool(ACCESSION.search(url))


ACCESSION = re.compile(
    r"\b(S-(BIAD|BSST|BSMS|BBBC)[A-Z]*\d+|EMPIAR-\d+|BBBC\d{3}|idr\d{4}|zenodo\.org/records?/\d+|figshare\.com/\S*\d{5,})",
    re.IGNORECASE,
)
"""An accession or record of an open image archive, inside an address."""


People = list[tuple[int, Author]]
"""Authors with their place in the study."""


def _people(facts: Facts) -> People:
    return [(n, author) for n, author in enumerate(facts.mifa.study.authors) if author.author_first_name]


def _of_authors(rule: Rule, without: People, people: People, what: str, name: str, facts: Facts) -> Finding:
    shown = listed((author.name or f"author {number + 1}" for number, author in without), 3)
    return rule.finding(
        f"{counted(len(without), 'author')} of {len(people)} without {what}: {shown}",
        **facts.at(f"study.authors[{without[0][0]}].{name}"),
        fix=f"write {name} of every author",
        level=Level.PRESENT if len(without) < len(people) else Level.ABSENT,
        evidence={"authors": [number for number, _ in without]},
    )
