"""CITATION.cff, version 1.2.0: what GitHub, Zenodo and reference managers read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.exchange.citation.cff_reading import MESSAGE, read_cff
from micrographia.exchange.citation.facts import day_of, page_of
from micrographia.exchange.citation.writing import STUDY, Person, Writing, bare_doi, put_back, unique
from micrographia.exchange.form import Choice
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata import licence_by_spdx
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import Tokens
from micrographia.metadata.yaml_writing import document

TITLE = "CITATION.cff"
DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+", re.ASCII)
"""DOIs that the schema of CFF takes."""
ADDRESS = re.compile(r"(https?|s?ftp)://[^\s]+")
KEYS = (
    "cff-version", "message", "type", "title", "abstract", "authors", "contact", "doi", "identifiers", "url",
    "repository", "version", "date-released", "license", "license-url", "keywords", "references",
)  # fmt: skip


class CitationFile:
    """Reads and writes CITATION.cff; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "cff"
    title = "CITATION.cff 1.2.0, as GitHub and Zenodo read it"
    file = "CITATION.cff"
    reads = True
    writes = True
    choices: tuple[Choice, ...] = ()

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a file whose name ends in ``.cff``, or a folder with one."""
        return bool(source.names("*.cff"))

    def read(self, source: Source, /) -> Submission:
        """Return what the file says.

        Raises
        ------
        ExchangeError, MetadataError
            If it is no YAML mapping, or no safe YAML.
        """
        return read_cff(source, self.name, self.file)

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:  # noqa: ARG002
        """Write the file."""
        made, findings = cff_document(submission)
        target.write_bytes(document(made).encode("utf-8", "replace"))
        return findings


def cff_document(submission: Submission) -> tuple[Plain, list[Finding]]:
    """Return a dataset as the mapping that a CITATION.cff holds, and what it cannot carry."""
    writer = _Writer(submission, TITLE)
    made = writer.document()
    kept = put_back(made, submission, CitationFile.name, TITLE)
    made = {"cff-version": "1.2.0", "message": MESSAGE, "type": "dataset"} | made | {"cff-version": "1.2.0"}
    for name in ("title", "authors"):
        writer.required(made, name, (*STUDY, name))
    writer.no_files(submission)
    ordered = {key: made[key] for key in (*KEYS, *made) if key in made}
    return ordered, [*writer.findings(), *kept]


class _Writer(Writing):
    def document(self) -> Plain:
        made: Plain = {}
        for name, field in (("title", "title"), ("abstract", "description")):
            if text := self.text((*STUDY, field)):
                made[name] = text
        if authors := self._authors():
            made["authors"] = authors
        identifiers: list[Plain] = []
        self._doi(made, identifiers)
        accession = self.text((*STUDY, "accession"))
        if accession:
            identifiers.append({"type": "other", "value": accession, "description": "accession"})
            if page := page_of(accession):
                made["url"] = page
        self._version(made, identifiers)
        self._licence(made)
        words = self.texts((*STUDY, "keywords"))
        if len(set(words)) < len(words):
            self.tell("E002", "keywords that occur twice were written once", (*STUDY, "keywords"))
        self._links(identifiers)
        lists: dict[str, list[Any]] = {
            "keywords": words,
            "identifiers": identifiers,
            "references": self._references(),
        }
        return made | {name: unique(values) for name, values in lists.items() if values}

    def _authors(self) -> list[Plain]:
        at = (*STUDY, "authors")
        made = [self._person(person) for person in self.people(at)]
        self.whole(at, len(unique(made)), "it has no name, or occurs twice")
        return unique(made)

    def _person(self, person: Person) -> Plain:
        names = {"family-names": person.last, "given-names": person.first}
        made: Plain = (
            {"name": person.last} if person.is_group else {key: name for key, name in names.items() if name}
        )
        if person.orcid:
            made["orcid"] = person.orcid
        if re.fullmatch(r"\S+@\S+\.\S{2,}", person.email):
            made["email"] = person.email
            self.take((*person.at, "email"))
        places = (*person.at, "organisation")
        held = self.records(places)
        name = self.text((*held[0][0], "organisation_name")) if held and not person.is_group else None
        if name:
            made["affiliation"] = name
        self.whole(places, 1 if name else 0, "it takes one affiliation of a person, and none of a group")
        return made

    def _doi(self, made: Plain, identifiers: list[Plain]) -> None:
        at = (*STUDY, "doi")
        doi = bare_doi(self.at(at))
        if not doi:
            return
        self.take(at)
        if DOI.fullmatch(doi):
            made["doi"] = doi
        else:
            identifiers.append({"type": "other", "value": doi, "description": "DOI"})

    def _version(self, made: Plain, identifiers: list[Plain]) -> None:
        versions = self.records(("versions",))
        self.whole(("versions",), min(1, len(versions)), "only the newest version is written")
        if versions:
            at, newest = versions[-1]
            if number := self.text((*at, "version")):
                made["version"] = number
            for name, words in (("content_sha256", "content SHA-256"), ("files_sha256", "files SHA-256")):
                if value := self.text((*at, name)):
                    identifiers.append({"type": "other", "value": value, "description": words})
            self._date(made, newest, at)
        else:
            self._date(made, {}, ())

    def _date(self, made: Plain, newest: Plain, at: Tokens) -> None:
        released, stamp = self.at((*STUDY, "release_date")), newest.get("timestamp")
        if day := day_of(released):
            made["date-released"] = day
            self.take((*STUDY, "release_date"))
            if day != released:
                self.tell(
                    "E002", "the day of the release was written, without the time", (*STUDY, "release_date")
                )
        elif not released and (day := day_of(stamp)):
            made["date-released"] = day
            self.take((*at, "timestamp"))
            self.tell(
                "E002",
                "the day of the newest version was written as that of the release",
                (*at, "timestamp"),
                (*STUDY, "release_date"),
            )

    def _licence(self, made: Plain) -> None:
        text = self.at((*STUDY, "license"))
        known = licence_by_spdx(text) if isinstance(text, str) else None
        if known is None or known.spdx is None:
            return
        if known.spdx not in UNLISTED:
            made["license"] = known.spdx
        elif ADDRESS.fullmatch(known.url):
            made["license-url"] = known.url
        else:
            return
        self.take((*STUDY, "license"))

    def _links(self, identifiers: list[Plain]) -> None:
        links = []
        for at, link in self.records((*STUDY, "links")):
            address = link.get("link_url")
            if isinstance(address, str) and ADDRESS.fullmatch(address):
                self.take((*at, "link_url"))
                about = self.text((*at, "link_description"))
                links.append({"type": "url", "value": address} | ({"description": about} if about else {}))
        self.whole((*STUDY, "links"), len(unique(links)), "it has no address, or occurs twice")
        at = (*STUDY, "ai_models_trained")
        held = self.at(at)
        models = held if isinstance(held, list) else []
        known = [model for model in models if isinstance(model, str) and ADDRESS.fullmatch(model)]
        if models and len(set(known)) == len(models):
            self.take(at)
        identifiers += links
        identifiers += [
            {"type": "url", "value": model, "description": "model trained with the dataset"}
            for model in known
        ]

    def _references(self) -> list[Plain]:
        made = []
        at = (*STUDY, "publications")
        for path, paper in self.records(at):
            title, authors = paper.get("publication_title"), paper.get("publication_authors")
            if not isinstance(title, str) or not isinstance(authors, str):
                continue
            self.take((*path, "publication_title"), (*path, "publication_authors"))
            entry: Plain = {"type": "article", "title": title, "authors": [{"name": authors}]}
            if year := self.text((*path, "publication_year")):
                entry["year"] = int(year) if re.fullmatch(r"[1-9][0-9]{3}", year, re.ASCII) else year
            doi = bare_doi(paper.get("publication_doi"))
            if DOI.fullmatch(doi):
                entry["doi"] = doi
                self.take((*path, "publication_doi"))
            pmc: Any = paper.get("pmc_id")
            if isinstance(pmc, str) and re.fullmatch(r"PMC[0-9]{7}", pmc):
                entry["pmcid"] = pmc
                self.take((*path, "pmc_id"))
            pubmed = paper.get("pubmed_id")
            if isinstance(pubmed, str) and pubmed.startswith("PMID:"):
                entry["notes"] = self.text((*path, "pubmed_id"))
            made.append(entry)
        self.whole(at, len(unique(made)), "it has no title or no authors, or occurs twice")
        return unique(made)


UNLISTED = frozenset(
    "CC-BY-2.5-AU CC-BY-3.0-AU CC-BY-3.0-DE CC-BY-3.0-IGO CC-BY-3.0-NL CC-BY-NC-3.0-DE CC-BY-NC-ND-3.0-DE "
    "CC-BY-NC-SA-2.0-DE CC-BY-NC-SA-2.0-FR CC-BY-NC-SA-2.0-UK CC-BY-NC-SA-3.0-DE CC-BY-NC-SA-3.0-IGO CC-BY-ND-3.0-DE "
    "CC-BY-SA-3.0-DE CC-BY-SA-3.0-IGO CC-PDM-1.0 CDLA-Permissive-2.0 DL-DE-BY-2.0 DL-DE-ZERO-2.0".split()
)
"""Licences that SPDX has listed since the schema of CFF 1.2.0 was written."""

CITATION_CFF = CitationFile()
