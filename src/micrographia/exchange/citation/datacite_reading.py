"""DataCite JSON, read: documents, and answers of DataCite's web service, whatever their shapes."""

from __future__ import annotations

from typing import Any

from micrographia.exchange.citation.datacite_words import ROLES, SCHEMA_VERSION, UNKNOWNS
from micrographia.exchange.citation.facts import page_of, publisher_of
from micrographia.exchange.citation.reading import Reading, document_of, filled, submission_of
from micrographia.exchange.citation.writing import bare_doi
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.metadata import check_orcid, check_ror, normalise_licence
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import Tokens

PAPERS = frozenset(
    {"IsDescribedBy", "IsSupplementTo", "IsDocumentedBy", "IsCitedBy", "IsReferencedBy", "IsPublishedIn"}
)
TERMS = {"NCBITaxon": "NCBITaxon_", "FBbi": "FBbi_"}


def read_datacite(source: Source, form: str, file: str) -> Submission:
    """Return what a DataCite document says.

    Parameters
    ----------
    source
        A file, an address, or a folder with a file of that name.
    form, file
        Name of the format and of its file.

    Raises
    ------
    ExchangeError
        If it is no JSON object.
    """
    document = document_of(source, file, "DataCite document")
    for name in ("data", "attributes"):
        inner = document.get(name)
        document = inner if isinstance(inner, dict) else document
    reader = _Reader(document)
    return submission_of(source, form, "DataCite", document, reader, reader.values())


class _Reader(Reading):
    def values(self) -> Plain:
        self.ignore((), schemaVersion=SCHEMA_VERSION)
        self.ignore(("types",), resourceType="Annotated microscopy images", resourceTypeGeneral="Dataset")
        study: Plain = {"title": self._title(), "authors": self._authors()}
        study |= self._identity()
        study["license"] = self._licence()
        study["description"] = self._abstract()
        study["grants"] = self._grants()
        newest: Plain = {}
        study |= self._related(newest)
        self._dates(study, newest)
        self._sums(newest)
        newest["version"] = self.said(("version",))
        made: Plain = self._subjects()
        study["keywords"] = made.pop("keywords")
        if filled(newest):
            made["versions"] = [filled(newest)]
        return {"study": filled(study), **filled(made)}

    def _title(self) -> str:
        for at, item in self.entries(("titles",)):
            if isinstance(item, str):
                return self.said(at)
            if isinstance(item, dict) and not item.get("titleType"):
                return self.said((*at, "title"))
        return ""

    def _identity(self) -> Plain:
        found: Plain = {}
        if doi := bare_doi(self.at(("doi",))):
            self.take(("doi",))
            found["doi"] = f"https://doi.org/{doi}"
        for at, item in self.entries(("alternateIdentifiers",)):
            if isinstance(item, dict) and item.get("alternateIdentifierType") == "accession":
                found.setdefault("accession", self.said((*at, "alternateIdentifier")))
                self.take(at)
        if page := page_of(found.get("accession")):
            self.ignore((), url=page)
        derived = publisher_of(found.get("accession"), found.get("doi"))
        if derived:
            self.ignore((), publisher=derived)
            self.ignore(("publisher",), name=derived)
        return found

    def _sums(self, newest: Plain) -> None:
        names = {"content SHA-256": "content_sha256", "files SHA-256": "files_sha256"}
        for at, item in self.entries(("alternateIdentifiers",)):
            kind = names.get(str(item.get("alternateIdentifierType"))) if isinstance(item, dict) else None
            if kind and kind not in newest:
                newest[kind] = self.said((*at, "alternateIdentifier"))
                self.take(at)

    def _authors(self) -> list[Plain]:
        authors, names = [], {}
        for at, item in self.entries(("creators",)):
            person = self._person(at, item)
            if person:
                authors.append(person)
                names[_name(item)] = person
        for at, item in self.entries(("contributors",)):
            role = ROLES.get(str(item.get("contributorType"))) if isinstance(item, dict) else None
            known = names.get(_name(item))
            if role and known is not None:
                known.setdefault("role", [])
                known["role"] += [role] if role not in known["role"] else []
                self.take(at)
        return authors

    def _person(self, at: Tokens, item: Any) -> Plain:
        if isinstance(item, str):
            return _split(self.said(at))
        if not isinstance(item, dict):
            return {}
        first, last = self.said((*at, "givenName")), self.said((*at, "familyName"))
        name = self.said((*at, "name"))
        kind = self.said((*at, "nameType"))
        if not first and not last:
            person = {"author_last_name": name} if kind == "Organizational" else _split(name)
        else:
            person = {"author_first_name": first, "author_last_name": last}
        for where, entry in self.entries((*at, "nameIdentifiers")):
            text = entry.get("nameIdentifier") if isinstance(entry, dict) else entry
            known = check_orcid(text) if isinstance(text, str) else None
            if known is not None and known.ok and "orcid_id" not in person:
                person["orcid_id"] = known.value
                self.take(where)
        places = []
        for where, entry in self.entries((*at, "affiliation")):
            place = self._place(where, entry)
            places += [place] if place else []
        return filled({**person, "organisation": places})

    def _place(self, at: Tokens, entry: Any) -> Plain:
        if isinstance(entry, str):
            return {"organisation_name": self.said(at)}
        if not isinstance(entry, dict):
            return {}
        place = {"organisation_name": self.said((*at, "name"))}
        text = entry.get("affiliationIdentifier")
        known = check_ror(text) if isinstance(text, str) else None
        if known is not None and known.ok:
            place["ror_id"] = known.value
            self.take(
                (*at, "affiliationIdentifier"), (*at, "affiliationIdentifierScheme"), (*at, "schemeUri")
            )
        return filled(place)

    def _subjects(self) -> Plain:
        made: Plain = {"keywords": [], "biosamples": [], "image_acquisitions": []}
        for at, item in self.entries(("subjects",)):
            if isinstance(item, str):
                made["keywords"].append(self.said(at))
                continue
            scheme = item.get("subjectScheme") if isinstance(item, dict) else ""
            if scheme in TERMS:
                word, address = self.said((*at, "subject")), str(item.get("valueUri") or "")
                term = address.rpartition("/")[2].replace("_", ":")
                if TERMS[scheme] in address:
                    self.take((*at, "valueUri"))
                else:
                    term = ""
                self.take((*at, "subjectScheme"))
                if scheme == "NCBITaxon":
                    made["biosamples"].append(
                        {"organism": filled({"scientific_name": word, "ncbi_taxon": term})}
                    )
                else:
                    method = filled({"value": word, "ontology_id": term})
                    made["image_acquisitions"].append({"imaging_method": method})
            elif isinstance(item, dict) and (word := self.said((*at, "subject"))):
                made["keywords"].append(word)
        return made

    def _dates(self, study: Plain, newest: Plain) -> None:
        for kinds, held, name in (
            (("Available", "Issued"), study, "release_date"),
            (("Updated",), newest, "timestamp"),
        ):
            for kind in kinds:
                for at, item in self.entries(("dates",)):
                    if isinstance(item, dict) and item.get("dateType") == kind and not held.get(name):
                        held[name] = self.said((*at, "date"))
                        self.take((*at, "dateType"))
        year = str(self.at(("publicationYear",)) or "")
        known = [str(held)[:4] for held in (study.get("release_date"), newest.get("timestamp")) if held]
        if year and year in known:
            self.take(("publicationYear",))
        elif not study.get("release_date"):
            study["release_date"] = self.said(("publicationYear",))

    def _licence(self) -> str:
        for at, item in self.entries(("rightsList",)):
            if isinstance(item, str):
                return self.said(at)
            if not isinstance(item, dict):
                continue
            for name in ("rightsIdentifier", "rightsUri", "rights"):
                text = item.get(name)
                known = normalise_licence(text) if isinstance(text, str) else None
                if known is not None and known.spdx:
                    self.take(at)
                    return known.spdx
            if text := self.said((*at, "rights")):
                return text
        return ""

    def _abstract(self) -> str:
        for at, item in self.entries(("descriptions",)):
            if isinstance(item, dict) and item.get("descriptionType", "Abstract") == "Abstract":
                text = self.said((*at, "description"))
                self.take((*at, "descriptionType"))
                return text
        return ""

    def _grants(self) -> list[Plain]:
        grants = []
        for at, item in self.entries(("fundingReferences",)):
            if not isinstance(item, dict):
                continue
            funder, number = self.said((*at, "funderName")), self.said((*at, "awardNumber"))
            bare = funder.strip("()")
            grant = filled({"grant_id": number, "funder": "" if bare in UNKNOWNS else funder})
            grants += [grant] if grant else []
        return grants

    def _related(self, newest: Plain) -> Plain:
        made: Plain = {"publications": [], "links": [], "ai_models_trained": []}
        known = set()
        for at, item in self.entries(("relatedItems",)):
            if isinstance(item, dict) and item.get("relationType") in PAPERS:
                paper, identifier = self._paper(at)
                known.add(identifier)
                made["publications"] += [paper] if paper else []
        for at, item in self.entries(("relatedIdentifiers",)):
            if not isinstance(item, dict):
                continue
            relation, text = item.get("relationType"), item.get("relatedIdentifier")
            if not isinstance(text, str):
                continue
            if relation in PAPERS and (text in known or item.get("relatedIdentifierType") in ("DOI", "PMID")):
                if text not in known:
                    made["publications"].append(filled(_identified(text)))
                known.add(text)
                self.take(at)
            elif relation in ("References", "IsSourceOf", "IsNewVersionOf"):
                doi = bare_doi(text) if item.get("relatedIdentifierType") == "DOI" else ""
                address = f"https://doi.org/{doi}" if doi else text
                if relation == "References":
                    made["links"].append({"link_url": address})
                elif relation == "IsSourceOf":
                    made["ai_models_trained"].append(address)
                elif "previous_version" not in newest:
                    newest["previous_version"] = address
                else:
                    continue
                self.take((*at, "relationType"), (*at, "relatedIdentifier"), (*at, "relatedIdentifierType"))
        return made

    def _paper(self, at: Tokens) -> tuple[Plain, str]:
        title = next(
            (text for where, _ in self.entries((*at, "titles")) if (text := self.said((*where, "title")))), ""
        )
        where = (*at, "relatedItemIdentifier")
        identifier = self.first(where, "relatedItemIdentifier")
        if identifier:
            self.take(where)
        people = [
            name for place, _ in self.entries((*at, "creators")) if (name := self.said((*place, "name")))
        ]
        self.take((*at, "relationType"), (*at, "relatedItemType"))
        paper = {
            "publication_title": title,
            "publication_authors": "; ".join(people),
            "publication_year": self.said((*at, "publicationYear")),
            **_identified(identifier),
        }
        return filled(paper), identifier


def _identified(text: str) -> Plain:
    if doi := bare_doi(text):
        return {"publication_doi": f"https://doi.org/{doi}"}
    return {"pubmed_id": f"PMID:{text}"} if text.isdigit() else {"publication_doi": text}


def _name(item: Any) -> str:
    if isinstance(item, dict):
        return str(item.get("name") or "")
    return item if isinstance(item, str) else ""


def _split(name: str) -> Plain:
    last, comma, first = name.partition(",")
    if comma and first.strip() and "," not in first:
        return {"author_first_name": first.strip(), "author_last_name": last.strip()}
    return filled({"author_last_name": name})
