"""DataCite metadata, schema 4.5, as JSON: what a DOI is registered with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.errors import ExchangeError
from micrographia.exchange.citation.datacite_reading import read_datacite
from micrographia.exchange.citation.datacite_words import (
    KEYS,
    SCHEMA_VERSION,
    UNKNOWN,
    contributor_type,
    file_facts,
    related_type,
    relation,
)
from micrographia.exchange.citation.facts import day_of, page_of, paper_names, publisher_of, year_of
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
from micrographia.metadata import check_ror, normalise_licence
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import Tokens

TITLE = "DataCite"
KNOWN = "known"
TYPES = {"resourceType": "Annotated microscopy images", "resourceTypeGeneral": "Dataset"}
PUBLISHERS = (KNOWN, "BioImage Archive", "Zenodo", "figshare", "Dryad", "EMPIAR", "Image Data Resource")


class DataCite:
    """Reads and writes DataCite JSON; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "datacite"
    title = "DataCite metadata 4.5 as JSON, to register a DOI"
    file = "datacite.json"
    reads = True
    writes = True
    choices = (
        Choice("publisher", PUBLISHERS, "Who publishes the data; known takes it from the accession or DOI"),
    )

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a JSON file that names DataCite's schema."""
        names = source.names("*.json")
        name = "datacite.json" if "datacite.json" in names else source.name
        if name not in names:
            return False
        try:
            return b"datacite.org/schema/kernel-4" in source.data(name)
        except ExchangeError:
            return False

    def read(self, source: Source, /) -> Submission:
        """Return what the document says; one from DataCite's web service is read, too.

        Raises
        ------
        ExchangeError
            If it is no JSON object.
        """
        return read_datacite(source, self.name, self.file)

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write the document."""
        document, findings = datacite_document(submission, options.get("publisher", KNOWN))
        write_json(target, document)
        return findings


def datacite_document(submission: Submission, publisher: str = KNOWN) -> tuple[Plain, list[Finding]]:
    """Return a dataset as DataCite JSON, and what it cannot carry.

    Parameters
    ----------
    submission
        The dataset.
    publisher
        Who publishes it; ``known`` takes it from the accession or the DOI.
    """
    writer = _Writer(submission, TITLE)
    made = writer.document(submission, publisher)
    kept = put_back(made, submission, DataCite.name, TITLE)
    made.setdefault("types", dict(TYPES))
    writer.required(made, "creators", ("study", "authors"))
    writer.required(made, "titles", ("study", "title"))
    writer.required(made, "publicationYear", ("study", "release_date"))
    writer.required(
        made,
        "publisher",
        ("study", "accession"),
        "Choose it: --option publisher=..., or fill in the accession",
    )
    ordered = {key: made[key] for key in (*KEYS, *made) if key in made}
    return ordered, [*writer.findings(), *kept]


class _Writer(Writing):
    def document(self, submission: Submission, publisher: str) -> Plain:
        made: Plain = {}
        study = submission.mifa.study
        authors = self.people((*STUDY, "authors"))
        self.whole((*STUDY, "authors"), len(authors), "it has no name")
        made |= self._identity(study.accession)
        creators = [self._person(author) for author in authors]
        if title := self.text((*STUDY, "title")):
            made["titles"] = [{"title": title}]
        found = publisher_of(study.accession, study.doi) if publisher == KNOWN else publisher
        if found:
            made["publisher"] = {"name": found}
        if year := year_of(submission.mifa):
            made["publicationYear"] = year
        lists = {
            "creators": creators,
            "subjects": self._subjects(),
            "contributors": self._contributors(authors, creators),
            "dates": self._dates(),
            "relatedIdentifiers": self._related(),
            "relatedItems": self._papers(),
            "rightsList": self._rights(),
            "descriptions": self._descriptions(),
            "fundingReferences": self._funding(),
            **file_facts(submission),
        }
        made |= {name: unique(values) for name, values in lists.items() if values and name != "creators"}
        if creators:
            made["creators"] = creators
        made |= self._version(made)
        made["schemaVersion"] = SCHEMA_VERSION
        self.no_files(submission)
        return made

    def _identity(self, accession: Any) -> Plain:
        made: Plain = {}
        doi = bare_doi(self.at((*STUDY, "doi")))
        if doi and "/" in doi and "." not in doi.split("/")[0][3:]:
            made["doi"] = doi
            self.take((*STUDY, "doi"))
        if number := self.text((*STUDY, "accession")):
            made["alternateIdentifiers"] = [
                {"alternateIdentifier": number, "alternateIdentifierType": "accession"}
            ]
        if page := page_of(accession):
            made["url"] = page
        return made

    def _person(self, person: Person) -> Plain:
        made: Plain = {"name": person.sorted_name}
        if person.is_group:
            made["nameType"] = "Organizational"
        else:
            made["nameType"] = "Personal"
            made |= {"givenName": person.first} if person.first else {}
            made |= {"familyName": person.last} if person.last else {}
        if person.orcid:
            made["nameIdentifiers"] = [
                {
                    "nameIdentifier": person.orcid,
                    "nameIdentifierScheme": "ORCID",
                    "schemeUri": "https://orcid.org",
                }
            ]
        places = self._organisations((*person.at, "organisation"))
        if places:
            made["affiliation"] = places
        return made

    def _organisations(self, at: Tokens) -> list[Plain]:
        places = []
        for path, entry in self.records(at):
            name = self.text((*path, "organisation_name"))
            if not name:
                continue
            place: Plain = {"name": name}
            known = check_ror(str(entry.get("ror_id") or ""))
            if known.ok:
                self.take((*path, "ror_id"))
                place |= {
                    "affiliationIdentifier": known.value,
                    "affiliationIdentifierScheme": "ROR",
                    "schemeUri": "https://ror.org",
                }
            places.append(place)
        self.whole(at, len(unique(places)), "it has no name, or occurs twice")
        return unique(places)

    def _contributors(self, authors: list[Person], creators: list[Plain]) -> list[Plain]:
        found, fields = [], []
        for person, made in zip(authors, creators, strict=True):
            if not person.roles:
                continue
            self.take((*person.at, "role"))
            fields.append((*person.at, "role"))
            found += [{**made, "contributorType": contributor_type(role)} for role in person.roles]
        if fields:
            self.tell("E002", "roles were written as types of contributors, which are fewer", *fields)
        named = {person.name for person in authors}
        fields = []
        for at, _ in self.records(("annotations",)):
            people = self.people((*at, "authors"))
            found += [
                {**self._person(person), "contributorType": "DataCurator"}
                for person in people
                if person.name not in named
            ]
            fields += [person.at for person in people]
            for person in people:
                self.take((*person.at, "role"), (*person.at, "organisation"))
        if fields:
            self.tell("E002", "annotators were written as contributors of type DataCurator", *fields)
        return found

    def _subjects(self) -> list[Plain]:
        words = self.texts((*STUDY, "keywords"))
        if len(set(words)) < len(words):
            self.tell("E002", "keywords that occur twice were written once", (*STUDY, "keywords"))
        made: list[Plain] = [{"subject": word} for word in words]
        for kind, name, term, scheme, address in (
            (
                "biosamples",
                ("organism", "scientific_name"),
                ("organism", "ncbi_taxon"),
                "NCBITaxon",
                "NCBITaxon_",
            ),
            (
                "image_acquisitions",
                ("imaging_method", "value"),
                ("imaging_method", "ontology_id"),
                "FBbi",
                "FBbi_",
            ),
        ):
            fields = []
            for at, _ in self.records((kind,)):
                word = self.text((*at, *name))
                if not word:
                    continue
                fields.append((*at, name[0]))
                subject: Plain = {"subject": word, "subjectScheme": scheme}
                known = self.at((*at, *term))
                if isinstance(known, str) and known.startswith(f"{scheme}:"):
                    self.take((*at, *term))
                    number = known.removeprefix(f"{scheme}:")
                    subject["valueUri"] = f"http://purl.obolibrary.org/obo/{address}{number}"
                made.append(subject)
            if fields:
                message = f"{name[0].replace('_', ' ')}s were written as subjects, apart from their {kind}"
                self.tell("E002", message.replace("_", " "), (kind,))
        return made

    def _dates(self) -> list[Plain]:
        made = []
        released = self.at((*STUDY, "release_date"))
        if day_of(released, 1):
            self.take((*STUDY, "release_date"))
            made.append({"date": released, "dateType": "Available"})
        versions = self.records(("versions",))
        if versions and day_of(versions[-1][1].get("timestamp"), 1):
            at, newest = versions[-1]
            self.take((*at, "timestamp"))
            made.append({"date": newest["timestamp"], "dateType": "Updated"})
        return made

    def _version(self, made: Plain) -> Plain:
        versions = self.records(("versions",))
        self.whole(("versions",), min(1, len(versions)), "only the newest version is written")
        if not versions:
            return {}
        at, _ = versions[-1]
        sums = self.copy(at, "content_sha256", "files_sha256")
        listed = [
            {
                "alternateIdentifier": value,
                "alternateIdentifierType": name.replace("_sha256", " SHA-256"),
            }
            for name, value in sums.items()
        ]
        before = self.at((*at, "previous_version"))
        kind = related_type(before)
        if kind:
            self.take((*at, "previous_version"))
            if kind == "DOI" and before != f"https://doi.org/{bare_doi(before)}":
                self.tell("E002", "the version before was written as a DOI", (*at, "previous_version"))
            entry = {
                "relatedIdentifier": bare_doi(before) if kind == "DOI" else before,
                "relatedIdentifierType": kind,
                "relationType": "IsNewVersionOf",
            }
            made["relatedIdentifiers"] = [*made.get("relatedIdentifiers", []), entry]
        more: Plain = {}
        if listed:
            more["alternateIdentifiers"] = [*made.get("alternateIdentifiers", []), *listed]
        number = self.text((*at, "version"))
        return {**more, "version": number} if number else more

    def _related(self) -> list[Plain]:
        made = []
        turned: list[Tokens] = []
        for at, link in self.records((*STUDY, "links")):
            address = link.get("link_url")
            if kind := related_type(address):
                self.take((*at, "link_url"))
                if kind == "DOI" and address != f"https://doi.org/{bare_doi(address)}":
                    turned.append((*at, "link_url"))
                made.append(relation(address, "References"))
        self.whole((*STUDY, "links"), len(unique(made)), "it has no address, or occurs twice")
        models = self.at((*STUDY, "ai_models_trained"))
        listed = models if isinstance(models, list) else []
        kinds = [relation(model, "IsSourceOf") for model in listed if related_type(model)]
        if listed and len(unique(kinds)) == len(listed):
            self.take((*STUDY, "ai_models_trained"))
            if any((doi := bare_doi(model)) and model != f"https://doi.org/{doi}" for model in listed):
                turned.append((*STUDY, "ai_models_trained"))
        if turned:
            self.tell("E002", "addresses of DOIs were written as DOIs", *turned)
        made += kinds
        for at, paper in self.records((*STUDY, "publications")):
            pubmed = str(paper.get("pubmed_id") or "")
            if pubmed.startswith("PMID:") and not self.at((*at, "publication_doi")):
                made.append(
                    {
                        "relatedIdentifier": pubmed.removeprefix("PMID:"),
                        "relatedIdentifierType": "PMID",
                        "relationType": "IsDescribedBy",
                    }
                )
            elif bare_doi(paper.get("publication_doi")):
                made.append(relation(paper["publication_doi"], "IsDescribedBy"))
        return made

    def _papers(self) -> list[Plain]:
        made: list[Plain] = []
        fields: list[Tokens] = []
        for at, paper in self.records((*STUDY, "publications")):
            title, doi = paper.get("publication_title"), bare_doi(paper.get("publication_doi"))
            pubmed = str(paper.get("pubmed_id") or "")
            identifier = (doi, "DOI") if doi else (pubmed.removeprefix("PMID:"), "PMID")
            if not isinstance(title, str):
                continue
            item: Plain = {
                "titles": [{"title": title}],
                "relatedItemType": "JournalArticle",
                "relationType": "IsDescribedBy",
            }
            self.take((*at, "publication_title"))
            if identifier[0] and (doi or pubmed.startswith("PMID:")):
                item["relatedItemIdentifier"] = {
                    "relatedItemIdentifier": identifier[0],
                    "relatedItemIdentifierType": identifier[1],
                }
                self.take((*at, "publication_doi" if doi else "pubmed_id"))
            year = paper.get("publication_year")
            if isinstance(year, str) and year.isascii() and year.isdigit() and len(year) == 4:
                item["publicationYear"] = year
                self.take((*at, "publication_year"))
            authors = paper.get("publication_authors")
            names = paper_names(authors) if isinstance(authors, str) else []
            if names:
                item["creators"] = [{"name": name} for name in names]
                self.take((*at, "publication_authors"))
                fields.append((*at, "publication_authors"))
            made.append(item)
        if fields:
            self.tell("E002", "authors of papers were written one by one", *fields)
        self.whole((*STUDY, "publications"), len(unique(made)), "it has no title, or occurs twice")
        return made

    def _rights(self) -> list[Plain]:
        text = self.text((*STUDY, "license"))
        if not text:
            return []
        known = normalise_licence(text)
        if known is None or known.spdx is None:
            return [{"rights": text}]
        made = {"rights": known.name}
        if known.url:
            made["rightsUri"] = known.url
        return [
            made
            | {
                "rightsIdentifier": known.spdx,
                "rightsIdentifierScheme": "SPDX",
                "schemeUri": "https://spdx.org/licenses/",
            }
        ]

    def _descriptions(self) -> list[Plain]:
        made = []
        if text := self.text((*STUDY, "description")):
            made.append({"description": text, "descriptionType": "Abstract"})
        fields: list[Tokens] = []
        for at, _ in self.records(("annotations",)):
            said = self.copy(at, "name", "annotation_overview", "annotation_method")
            if len(said) > ("name" in said):
                name = said.pop("name", "")
                text = (f"{name}: " if name else "") + " ".join(said.values())
                made.append({"description": text, "descriptionType": "Methods"})
            fields += [(*at, key) for key in ("name", "annotation_overview", "annotation_method")]
        held = [at for at in fields if self.at(at) is not None]
        if held:
            self.tell("E002", "annotations were written as prose, under Methods", *held)
        return made

    def _funding(self) -> list[Plain]:
        made = []
        for at, _ in self.records((*STUDY, "grants")):
            entry = self.copy(at, "grant_id", "funder")
            if not entry:
                continue
            reference = {"funderName": entry.get("funder", UNKNOWN)}
            made.append(reference | ({"awardNumber": entry["grant_id"]} if "grant_id" in entry else {}))
        self.whole((*STUDY, "grants"), len(unique(made)), "it is empty, or occurs twice")
        return made


DATACITE = DataCite()
