"""Schema.org Dataset as JSON-LD: what Google Dataset Search and other harvesters read in a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from micrographia.errors import ExchangeError
from micrographia.exchange.citation.facts import address_of, day_of, page_of, publisher_of
from micrographia.exchange.citation.schemaorg_reading import read_schemaorg
from micrographia.exchange.citation.writing import (
    STUDY,
    Person,
    Writing,
    bare_doi,
    put_back,
    unique,
    write_json,
)
from micrographia.exchange.form import Choice
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata import check_pmc, check_pubmed, check_taxon, normalise_licence
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import Tokens

TITLE = "Schema.org"
CONTEXT = "https://schema.org/"
SHORTEST, LONGEST = 50, 5000
"""Characters of a description that Google Dataset Search asks for."""
OBO = "http://purl.obolibrary.org/obo/"
KEYS = (
    "@context", "@type", "@id", "name", "description", "url", "identifier", "version", "datePublished", "dateModified",
    "license", "keywords", "creator", "publisher", "includedInDataCatalog", "funding", "citation", "about",
    "measurementTechnique", "variableMeasured", "hasPart", "mentions", "@reverse", "distribution",
)  # fmt: skip
CATALOGUES = {
    "BioImage Archive": "https://www.ebi.ac.uk/bioimage-archive/",
    "EMPIAR": "https://www.ebi.ac.uk/empiar/",
}


class SchemaOrg:
    """Reads and writes Schema.org JSON-LD; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "schemaorg"
    title = "Schema.org Dataset as JSON-LD, as Google Dataset Search reads it"
    file = "dataset.jsonld"
    reads = True
    writes = True
    choices: tuple[Choice, ...] = ()

    def matches(self, source: Source, /) -> bool:
        """Return whether it is JSON-LD of Schema.org with a dataset, and neither an RO-Crate nor Croissant."""
        held = [name for pattern in ("*.jsonld", "*.json") for name in source.names(pattern)]
        name = self.file if self.file in held else source.name
        if name not in held:
            return False
        try:
            data = source.data(name)
        except ExchangeError:
            return False
        others = (b"mlcommons.org/croissant", b"w3id.org/ro/crate", b"datacite.org/schema/kernel-4")
        return b"schema.org" in data and b"Dataset" in data and not any(one in data for one in others)

    def read(self, source: Source, /) -> Submission:
        """Return what the document says; no context is fetched.

        Raises
        ------
        ExchangeError
            If it is no JSON, or has no dataset.
        """
        return read_schemaorg(source, self.name, self.file)

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:  # noqa: ARG002
        """Write the document."""
        document, findings = schemaorg_document(submission)
        write_json(target, document)
        return findings


def schemaorg_document(submission: Submission) -> tuple[Plain, list[Finding]]:
    """Return a dataset as JSON-LD of Schema.org, and what it cannot carry."""
    writer = _Writer(submission, TITLE)
    made = writer.document(submission)
    kept = put_back(made, submission, SchemaOrg.name, TITLE)
    writer.required(made, "name", (*STUDY, "title"))
    text = made.get("description")
    if not isinstance(text, str) or len(text) < SHORTEST:
        writer.tell(
            "E003",
            f"Google Dataset Search requires a description of {SHORTEST} characters at least",
            (*STUDY, "description"),
            fix="Say what the images show",
        )
    writer.no_files(submission)
    ordered = {key: made[key] for key in (*KEYS, *made) if key in made}
    return ordered, [*writer.findings(), *kept]


def person_node(person: Person, places: list[Plain]) -> Plain:
    """Return somebody as a node: a person, or an organisation where nothing says that it is one."""
    made: Plain = {"@type": "Organization" if person.is_group else "Person", "name": person.name}
    if person.orcid:
        made["@id"] = person.orcid
    if not person.is_group:
        made |= {"givenName": person.first} if person.first else {}
        made |= {"familyName": person.last} if person.last else {}
    if places:
        made["affiliation"] = places
    return made


class _Writer(Writing):
    def document(self, submission: Submission) -> Plain:
        study = submission.mifa.study
        made: Plain = {"@context": CONTEXT, "@type": "Dataset"}
        if text := self.text((*STUDY, "title")):
            made["name"] = text
        self._description(made)
        self._identity(made, submission)
        self._dates(made)
        self._licence(made)
        if words := self.texts((*STUDY, "keywords")):
            made["keywords"] = words
        authors = self._people((*STUDY, "authors"))
        if publisher := publisher_of(study.accession, study.doi):
            made["publisher"] = {"@type": "Organization", "name": publisher}
            if publisher in CATALOGUES:
                made["includedInDataCatalog"] = {
                    "@type": "DataCatalog",
                    "name": publisher,
                    "url": CATALOGUES[publisher],
                }
        lists = {
            "creator": authors,
            "funding": self._funding(),
            "citation": self._papers(),
            "about": self._organisms(),
            "measurementTechnique": self._methods(),
            "hasPart": self._sets(),
            "mentions": self._links(),
            "distribution": _distribution(submission),
        }
        made |= {name: values for name, values in lists.items() if values}
        at = (*STUDY, "ai_models_trained")
        if models := self.texts(at):
            made["@reverse"] = {
                "isBasedOn": [{"@type": "SoftwareApplication", "url": model} for model in models]
            }
        return made

    def _description(self, made: Plain) -> None:
        at = (*STUDY, "description")
        text = self.text(at)
        if text is None:
            return
        if len(text) > LONGEST:
            text = f"{text[: LONGEST - 2].rstrip()} …"
            self.tell("E002", f"the description was cut after {LONGEST} characters, as Google asks", at)
        made["description"] = text

    def _identity(self, made: Plain, submission: Submission) -> None:
        study = submission.mifa.study
        identifiers: list[Any] = []
        if doi := bare_doi(self.at((*STUDY, "doi"))):
            self.take((*STUDY, "doi"))
            made["@id"] = f"https://doi.org/{doi}"
            identifiers.append(made["@id"])
        if accession := self.text((*STUDY, "accession")):
            identifiers.append({"@type": "PropertyValue", "propertyID": "accession", "value": accession})
        if address := page_of(study.accession) or address_of(submission.mifa):
            made["url"] = address
        versions = self.records(("versions",))
        self.whole(("versions",), min(1, len(versions)), "only the newest version is written")
        if versions:
            at, _ = versions[-1]
            if number := self.text((*at, "version")):
                made["version"] = number
            for name, words in (("content_sha256", "content SHA-256"), ("files_sha256", "files SHA-256")):
                if value := self.text((*at, name)):
                    identifiers.append({"@type": "PropertyValue", "propertyID": words, "value": value})
        if identifiers:
            made["identifier"] = identifiers

    def _dates(self, made: Plain) -> None:
        versions = self.records(("versions",))
        places: list[tuple[str, Tokens]] = [("datePublished", (*STUDY, "release_date"))]
        places += [("dateModified", (*versions[-1][0], "timestamp"))] if versions else []
        for name, at in places:
            if day_of(self.at(at), 1):
                made[name] = self.text(at)

    def _licence(self, made: Plain) -> None:
        text = self.text((*STUDY, "license"))
        if text:
            known = normalise_licence(text)
            made["license"] = known.url if known is not None and known.spdx and known.url else text

    def _people(self, at: Tokens) -> list[Plain]:
        people = self.people(at)
        self.whole(at, len(people), "it has no name")
        return [person_node(person, self._places((*person.at, "organisation"))) for person in people]

    def _places(self, at: Tokens) -> list[Plain]:
        places = []
        for path, _ in self.records(at):
            place = self.copy(path, "organisation_name", "address", "ror_id")
            node = {"@type": "Organization"}
            for name, key in (("ror_id", "@id"), ("organisation_name", "name"), ("address", "address")):
                node |= {key: place[name]} if name in place else {}
            if len(node) > 1:
                places.append(node)
        self.whole(at, len(places), "it is empty")
        return places

    def _funding(self) -> list[Plain]:
        made: list[Plain] = []
        for at, _ in self.records((*STUDY, "grants")):
            grant = self.copy(at, "grant_id", "funder")
            node: Plain = {"@type": "Grant"}
            node |= {"identifier": grant["grant_id"]} if "grant_id" in grant else {}
            if "funder" in grant:
                node["funder"] = {"@type": "Organization", "name": grant["funder"]}
            if len(node) > 1:
                made.append(node)
        self.whole((*STUDY, "grants"), len(made), "it is empty")
        if statement := self.text((*STUDY, "funding_statement")):
            made.append({"@type": "Grant", "description": statement})
        return made

    def _papers(self) -> list[Plain]:
        made = []
        at = (*STUDY, "publications")
        for path, _ in self.records(at):
            paper = self.copy(path, "publication_title", "publication_authors", "publication_year")
            for name, check in (("pubmed_id", check_pubmed), ("pmc_id", check_pmc)):
                number = self.at((*path, name))
                if isinstance(number, str) and check(number).value == number:
                    paper[name] = number
                    self.take((*path, name))
            node: Plain = {"@type": "ScholarlyArticle"}
            if doi := bare_doi(self.at((*path, "publication_doi"))):
                self.take((*path, "publication_doi"))
                node["@id"] = f"https://doi.org/{doi}"
            for name, key in (
                ("publication_title", "name"),
                ("publication_authors", "author"),
                ("publication_year", "datePublished"),
            ):
                node |= {key: paper[name]} if name in paper else {}
            if numbers := [paper[name] for name in ("pubmed_id", "pmc_id") if name in paper]:
                node["identifier"] = numbers
            if len(node) > 1:
                made.append(node)
        self.whole(at, len(made), "it has neither title, authors, year nor identifier")
        return made

    def _organisms(self) -> list[Plain]:
        made = []
        for at, _ in self.records(("biosamples",)):
            names = self.copy((*at, "organism"), "scientific_name", "common_name", "ncbi_taxon")
            node: Plain = {"@type": "Taxon"}
            known = check_taxon(names["ncbi_taxon"]) if "ncbi_taxon" in names else None
            if known is not None:
                node["@id"] = known.url or names["ncbi_taxon"]
            node |= {"name": names["scientific_name"]} if "scientific_name" in names else {}
            node |= {"alternateName": names["common_name"]} if "common_name" in names else {}
            if len(node) > 1:
                made.append(node)
        if made:
            self.tell(
                "E002", "organisms were written as subjects, apart from their biosamples", ("biosamples",)
            )
        return unique(made)

    def _methods(self) -> list[Any]:
        made: list[Any] = []
        for at, _ in self.records(("image_acquisitions",)):
            where = (*at, "imaging_method")
            name = self.text((*where, "value"))
            term = self.at((*where, "ontology_id"))
            if not name:
                continue
            if isinstance(term, str) and ":" in term and "/" not in term:
                self.take((*where, "ontology_id"))
                address = OBO + quote(term.replace(":", "_"))
                made.append({"@type": "DefinedTerm", "@id": address, "name": name, "termCode": term})
            else:
                made.append(name)
        if made:
            message = "imaging methods were written apart from their acquisitions"
            self.tell("E002", message, ("image_acquisitions",))
        return unique(made)

    def _sets(self) -> list[Plain]:
        made = []
        at = ("annotations",)
        for path, _ in self.records(at):
            said = self.copy(
                path,
                "name",
                "annotation_overview",
                "annotation_method",
                "license",
                "annotation_completion_time",
            )
            node: Plain = {"@type": "Dataset"}
            for name, key in (
                ("name", "name"),
                ("annotation_overview", "description"),
                ("annotation_method", "measurementTechnique"),
                ("annotation_completion_time", "dateCreated"),
            ):
                node |= {key: said[name]} if name in said else {}
            if "license" in said:
                known = normalise_licence(said["license"])
                node["license"] = (
                    known.url if known is not None and known.spdx and known.url else said["license"]
                )
            if types := self.texts((*path, "annotation_type")):
                node["variableMeasured"] = types
            if people := self._people((*path, "authors")):
                node["creator"] = people
            if len(node) > 1:
                made.append(node)
        self.whole(at, len(made), "nothing is said of them that could be written")
        return made

    def _links(self) -> list[Plain]:
        made = []
        at = (*STUDY, "links")
        for path, _ in self.records(at):
            link = self.copy(path, "link_url", "link_description", "link_type")
            node: Plain = {"@type": "CreativeWork"}
            for name, key in (
                ("link_url", "url"),
                ("link_description", "name"),
                ("link_type", "additionalType"),
            ):
                node |= {key: link[name]} if name in link else {}
            if len(node) > 1:
                made.append(node)
        self.whole(at, len(made), "it is empty")
        return made


def _distribution(submission: Submission) -> list[Plain]:
    base = submission.origin.files
    if not base.startswith(("http://", "https://")) or not len(submission.files):
        return []
    return [{"@type": "DataDownload", "contentUrl": base}]


SCHEMA_ORG = SchemaOrg()
