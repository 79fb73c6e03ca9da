"""CITATION.cff, read."""

from __future__ import annotations

from typing import Any

from micrographia.errors import ExchangeError
from micrographia.exchange.citation.facts import page_of
from micrographia.exchange.citation.reading import Reading, filled, submission_of
from micrographia.exchange.citation.writing import bare_doi
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.metadata import check_orcid, normalise_licence
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import Tokens
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse

MESSAGE = "If you use this dataset, please cite it with these data."
MODEL = "model trained with the dataset"
SUMS = {"content SHA-256": "content_sha256", "files SHA-256": "files_sha256"}


def read_cff(source: Source, form: str, file: str) -> Submission:
    """Return what a CITATION.cff says.

    Parameters
    ----------
    source
        A file, an address, or a folder with a ``.cff``.
    form, file
        Name of the format and of its file.

    Raises
    ------
    ExchangeError, MetadataError
        If it is no YAML mapping, or no safe YAML.
    """
    names = source.names("*.cff")
    name = file if file in names or not names else names[0]
    document = plain(parse(source.text(name if source.is_folder else ""), source.place).root)
    if not isinstance(document, dict):
        raise ExchangeError(source.place, "is no CITATION.cff: it is not a mapping", "Save it again")
    document = {str(key): value for key, value in document.items()}
    reader = _Reader(document)
    return submission_of(source, form, "CITATION.cff", document, reader, reader.values())


class _Reader(Reading):
    def values(self) -> Plain:
        self.ignore((), message=MESSAGE, type="dataset")
        if str(self.at(("cff-version",))).startswith("1."):
            self.take(("cff-version",))
        study: Plain = {"title": self.said(("title",)), "description": self.said(("abstract",))}
        study["authors"] = [
            person for at, item in self.entries(("authors",)) if (person := self._person(at, item))
        ]
        if doi := bare_doi(self.at(("doi",))):
            study["doi"] = f"https://doi.org/{doi}"
            self.take(("doi",))
        newest: Plain = {"version": self.said(("version",))}
        study |= self._identifiers(study, newest)
        if page := page_of(study.get("accession")):
            self.ignore((), url=page)
        study["release_date"] = self.said(("date-released",))
        study["license"] = self._licence()
        study["keywords"] = self.words(("keywords",))
        study["publications"] = self._references()
        versions = {"versions": [filled(newest)]} if filled(newest) else {}
        return {"study": filled(study), **versions}

    def _person(self, at: Tokens, item: Any) -> Plain:
        if isinstance(item, str):
            return {"author_last_name": self.said(at)}
        if not isinstance(item, dict):
            return {}
        last = " ".join(
            text
            for name in ("name-particle", "family-names", "name-suffix", "name")
            if (text := self.said((*at, name)))
        )
        person: Plain = {"author_first_name": self.said((*at, "given-names")), "author_last_name": last}
        known = check_orcid(str(item.get("orcid") or ""))
        if known.ok:
            person["orcid_id"] = known.value
            self.take((*at, "orcid"))
        person["email"] = self.said((*at, "email"))
        person["organisation"] = [{"organisation_name": text} for text in self.words((*at, "affiliation"))]
        return filled(person)

    def _identifiers(self, study: Plain, newest: Plain) -> Plain:
        found: Plain = {"links": [], "ai_models_trained": []}
        for at, item in self.entries(("identifiers",)):
            if not isinstance(item, dict) or not isinstance(item.get("value"), str):
                continue
            kind, value, about = item.get("type"), item["value"], item.get("description")
            if kind == "url" and about == MODEL:
                found["ai_models_trained"].append(value)
            elif kind == "url" and isinstance(about, str | None):
                found["links"].append(filled({"link_url": value, "link_description": about}))
            elif kind == "other" and about == "accession" and "accession" not in found:
                found["accession"] = value
            elif kind == "other" and about in SUMS and SUMS[str(about)] not in newest:
                newest[SUMS[str(about)]] = value
            elif bare_doi(value) and "doi" not in study and "doi" not in found and about in (None, "DOI"):
                found["doi"] = f"https://doi.org/{bare_doi(value)}"
            else:
                continue
            self.take(at)
        return found

    def _licence(self) -> str:
        for name in ("license", "license-url"):
            held = self.at((name,))
            text = held[0] if isinstance(held, list) and len(held) == 1 else held
            known = normalise_licence(text) if isinstance(text, str) else None
            if known is not None and known.spdx:
                self.take((name,))
                return known.spdx
        return self.said(("license",))

    def _references(self) -> list[Plain]:
        papers = []
        for at, item in self.entries(("references",)):
            if not isinstance(item, dict) or item.get("type") != "article":
                continue
            names = [
                name for where, held in self.entries((*at, "authors")) if (name := self._name(where, held))
            ]
            paper: Plain = {
                "publication_title": self.said((*at, "title")),
                "publication_authors": "; ".join(names),
                "publication_year": self.said((*at, "year")),
                "pmc_id": self.said((*at, "pmcid")),
            }
            if doi := bare_doi(item.get("doi")):
                paper["publication_doi"] = f"https://doi.org/{doi}"
                self.take((*at, "doi"))
            if str(item.get("notes") or "").startswith("PMID:"):
                paper["pubmed_id"] = self.said((*at, "notes"))
            self.take((*at, "type"))
            papers.append(filled(paper))
        return papers

    def _name(self, at: Tokens, item: Any) -> str:
        if isinstance(item, dict):
            names = [self.said((*at, name)) for name in ("family-names", "given-names")]
            return self.said((*at, "name")) or ", ".join(name for name in names if name)
        return self.said(at)
