"""JSON-LD of Schema.org, read without fetching a context: by the names that people use."""

from __future__ import annotations

import re
from typing import Any

from micrographia.errors import ExchangeError
from micrographia.exchange.citation.facts import page_of, publisher_of
from micrographia.exchange.citation.reading import Reading, filled, submission_of
from micrographia.exchange.citation.writing import bare_doi
from micrographia.exchange.codes import told
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata import check_orcid, check_pmc, check_ror, check_taxon, normalise_licence
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import Tokens

PREFIX = re.compile(r"^(?:https?://schema\.org/|schema:|sc:)")
CONTEXTS = re.compile(r"https?://(www\.)?schema\.org/?(docs/jsonldcontext\.json(ld)?)?")
SUMS = {"content SHA-256": "content_sha256", "files SHA-256": "files_sha256"}


def read_schemaorg(source: Source, form: str, file: str) -> Submission:
    """Return what the first dataset of a JSON-LD document says.

    Parameters
    ----------
    source
        A file, an address, or a folder with a file of that name.
    form, file
        Name of the format and of its file.

    Raises
    ------
    ExchangeError
        If it is no JSON, or has no dataset.
    """
    held = source.json(file if source.is_folder else "")
    graph = held.get("@graph") if isinstance(held, dict) else held
    nodes = graph if isinstance(graph, list) else [held]
    found = next((node for node in nodes if isinstance(node, dict) and "Dataset" in _types(node)), None)
    if found is None:
        raise ExchangeError(source.place, "has no Dataset of Schema.org", "Is it of another format?")
    context = held.get("@context") if isinstance(held, dict) else found.get("@context")
    document = _bare(found)
    others = [node for node in nodes if node is not found]
    if others:
        document["@graph"] = others
    reader = _Reader(document)
    return submission_of(
        source, form, "Schema.org", document, reader, reader.values(), _foreign(context, source.name)
    )


def _foreign(context: Any, path: str) -> list[Finding]:
    entries = context if isinstance(context, list) else [context]
    odd = [entry for entry in entries if isinstance(entry, str) and not CONTEXTS.fullmatch(entry)]
    return [
        told(
            "E011",
            f"the context {entry[:80]} was not fetched; names were read as those of Schema.org",
            path=path,
        )
        for entry in dict.fromkeys(odd)
    ]


def _types(node: Plain) -> set[str]:
    held = node.get("@type", node.get("type"))
    return {
        PREFIX.sub("", one) for one in (held if isinstance(held, list) else [held]) if isinstance(one, str)
    }


def _bare(value: Any) -> Any:
    """Return a node with the names of Schema.org without prefixes."""
    if isinstance(value, dict):
        found: Plain = {}
        for key, item in value.items():
            found.setdefault(PREFIX.sub("", str(key)), _bare(item))
        return found
    return [_bare(item) for item in value] if isinstance(value, list) else value


class _Reader(Reading):
    def values(self) -> Plain:
        if CONTEXTS.fullmatch(str(self.at(("@context",)))):
            self.take(("@context",))
        self.ignore((), **{"@type": "Dataset"})
        study: Plain = {"title": self.said(("name",)), "description": self.said(("description",))}
        newest: Plain = {}
        study |= self._identity(newest)
        newest["version"] = self.said(("version",))
        study["release_date"] = self.said(("datePublished",))
        newest["timestamp"] = self.said(("dateModified",))
        study["license"] = self._licence(())
        study["keywords"] = self._keywords()
        study["authors"] = self._people(("creator",)) or self._people(("author",))
        self._publisher(study)
        self._funding(study)
        study["publications"] = [
            paper for at, item in self.entries(("citation",)) if (paper := self._paper(at, item))
        ]
        study["links"] = [link for at, item in self.entries(("mentions",)) if (link := self._link(at, item))]
        study["ai_models_trained"] = [
            text
            for at, item in self.entries(("@reverse", "isBasedOn"))
            if isinstance(item, dict)
            and self._of(at, item, "SoftwareApplication")
            and (text := self.said((*at, "url")))
        ]
        made: Plain = {"biosamples": self._organisms(), "image_acquisitions": self._methods()}
        made["annotations"] = [
            entry for at, item in self.entries(("hasPart",)) if (entry := self._set(at, item))
        ]
        if filled(newest):
            made["versions"] = [filled(newest)]
        return {"study": filled(study), **filled(made)}

    def _of(self, at: Tokens, item: Any, *kinds: str) -> bool:
        if isinstance(item, dict) and _types(item) & set(kinds):
            self.take((*at, "@type"))
            return True
        return False

    def _identity(self, newest: Plain) -> Plain:
        found: Plain = {}
        for at, item in [*self.entries(("identifier",)), *self.entries(("@id",)), *self.entries(("sameAs",))]:
            if isinstance(item, str) and (doi := bare_doi(item)):
                address = f"https://doi.org/{doi}"
                if found.setdefault("doi", address) == address:
                    self.take(at)
            elif isinstance(item, dict) and isinstance(item.get("value"), str):
                kind = item.get("propertyID")
                if kind == "accession" and "accession" not in found:
                    found["accession"] = item["value"]
                elif str(kind) in SUMS and SUMS[str(kind)] not in newest:
                    newest[SUMS[str(kind)]] = item["value"]
                elif str(kind).lower() == "doi" and bare_doi(item["value"]) and "doi" not in found:
                    found["doi"] = f"https://doi.org/{bare_doi(item['value'])}"
                else:
                    continue
                self.take(at)
        if page := page_of(found.get("accession")) or found.get("doi"):
            self.ignore((), url=page)
        return found

    def _publisher(self, study: Plain) -> None:
        known = publisher_of(study.get("accession"), study.get("doi"))
        if known:
            self.ignore(("publisher",), **{"@type": "Organization", "name": known})
            catalogue = self.at(("includedInDataCatalog",))
            if isinstance(catalogue, dict) and catalogue.get("name") == known:
                self.take(("includedInDataCatalog",))

    def _licence(self, at: Tokens) -> str:
        for where, item in self.entries((*at, "license")):
            text = item.get("url", item.get("@id")) if isinstance(item, dict) else item
            known = normalise_licence(text) if isinstance(text, str) else None
            if known is not None and known.spdx:
                self.take(where)
                return known.spdx
            if text := self.said(where):
                return text
        return ""

    def _keywords(self) -> list[str]:
        held = self.at(("keywords",))
        if isinstance(held, str):
            self.take(("keywords",))
            return [part.strip() for part in held.split(",") if part.strip()]
        return [
            text
            for at, item in self.entries(("keywords",))
            if (text := self.said((*at, "name")) if isinstance(item, dict) else self.said(at))
        ]

    def _people(self, at: Tokens) -> list[Plain]:
        return [person for where, item in self.entries(at) if (person := self._person(where, item))]

    def _person(self, at: Tokens, item: Any) -> Plain:
        if isinstance(item, str):
            return {"author_last_name": self.said(at)}
        if not isinstance(item, dict):
            return {}
        group = self._of(at, item, "Organization")
        if not group:
            self._of(at, item, "Person")
        first, last = self.said((*at, "givenName")), self.said((*at, "familyName"))
        name = self.said((*at, "name"))
        if not first and not last:
            head, _, tail = name.rpartition(" ")
            first, last = ("", name) if group else (head.strip(), tail)
        person: Plain = {"author_first_name": first, "author_last_name": last}
        for where, text in [
            *self.entries((*at, "@id")),
            *self.entries((*at, "sameAs")),
            *self.entries((*at, "identifier")),
        ]:
            known = check_orcid(text) if isinstance(text, str) else None
            if known is not None and known.ok and person.setdefault("orcid_id", known.value) == known.value:
                self.take(where)
        person["email"] = self.said((*at, "email"))
        places = [
            place for where, held in self.entries((*at, "affiliation")) if (place := self._place(where, held))
        ]
        return filled({**person, "organisation": places})

    def _place(self, at: Tokens, item: Any) -> Plain:
        if isinstance(item, str):
            return {"organisation_name": self.said(at)}
        if not isinstance(item, dict):
            return {}
        self._of(at, item, "Organization")
        place: Plain = {"organisation_name": self.said((*at, "name")), "address": self.said((*at, "address"))}
        for where, text in [*self.entries((*at, "@id")), *self.entries((*at, "sameAs"))]:
            known = check_ror(text) if isinstance(text, str) else None
            if known is not None and known.ok:
                place["ror_id"] = known.value
                self.take(where)
        if "ror_id" not in place:
            place["ror_id"] = self.said((*at, "@id"))
        return filled(place)

    def _funding(self, study: Plain) -> None:
        grants = []
        for at, item in self.entries(("funding",)):
            if not isinstance(item, dict):
                continue
            self._of(at, item, "Grant", "MonetaryGrant")
            number = self.said((*at, "identifier"))
            funder = self.at((*at, "funder"))
            name = self._place((*at, "funder"), funder).get("organisation_name", "")
            if grant := filled({"grant_id": number, "funder": name}):
                grants.append(grant)
            elif "funding_statement" not in study:
                study["funding_statement"] = self.said((*at, "description"))
        for at, item in self.entries(("funder",)):
            name = self._place(at, item).get("organisation_name", "")
            grants += [{"funder": name}] if name and all(one.get("funder") != name for one in grants) else []
        study["grants"] = grants

    def _paper(self, at: Tokens, item: Any) -> Plain:
        if isinstance(item, str):
            text = self.said(at)
            doi = bare_doi(text)
            return {"publication_doi": f"https://doi.org/{doi}"} if doi else {"publication_title": text}
        if not isinstance(item, dict):
            return {}
        self._of(at, item, "ScholarlyArticle", "CreativeWork", "Article")
        authors = [self._named(where, held) for where, held in self.entries((*at, "author"))]
        paper: Plain = {
            "publication_title": self.first(at, "name", "headline"),
            "publication_authors": "; ".join(name for name in authors if name),
            "publication_year": self.said((*at, "datePublished")),
        }
        for where, text in [
            *self.entries((*at, "@id")),
            *self.entries((*at, "sameAs")),
            *self.entries((*at, "identifier")),
        ]:
            if not isinstance(text, str):
                continue
            if doi := bare_doi(text):
                paper.setdefault("publication_doi", f"https://doi.org/{doi}")
            elif check_pmc(text).ok:
                paper.setdefault("pmc_id", check_pmc(text).value)
            elif "pubmed_id" not in paper:
                paper["pubmed_id"] = text
            else:
                continue
            self.take(where)
        return filled(paper)

    def _named(self, at: Tokens, item: Any) -> str:
        if isinstance(item, dict):
            self._of(at, item, "Person", "Organization")
            return self.said((*at, "name"))
        return self.said(at)

    def _link(self, at: Tokens, item: Any) -> Plain:
        if isinstance(item, str):
            return {"link_url": self.said(at)}
        if not self._of(at, item, "CreativeWork", "WebPage", "Thing"):
            return {}
        return filled(
            {
                "link_url": self.said((*at, "url")),
                "link_description": self.said((*at, "name")),
                "link_type": self.said((*at, "additionalType")),
            }
        )

    def _organisms(self) -> list[Plain]:
        made = []
        for at, item in self.entries(("about",)):
            if not self._of(at, item, "Taxon"):
                continue
            known = check_taxon(str(item.get("@id") or ""))
            if known.ok:
                self.take((*at, "@id"))
            names = {
                "scientific_name": self.said((*at, "name")),
                "common_name": self.said((*at, "alternateName")),
                "ncbi_taxon": known.value if known.ok else self.said((*at, "@id")),
            }
            made += [{"organism": filled(names)}] if filled(names) else []
        return made

    def _methods(self) -> list[Plain]:
        made = []
        for at, item in self.entries(("measurementTechnique",)):
            if isinstance(item, dict):
                self._of(at, item, "DefinedTerm")
                method = filled(
                    {"value": self.said((*at, "name")), "ontology_id": self.said((*at, "termCode"))}
                )
                if "ontology_id" in method:
                    self.said((*at, "@id"))
            else:
                method = filled({"value": self.said(at)})
            made += [{"imaging_method": method}] if method else []
        return made

    def _set(self, at: Tokens, item: Any) -> Plain:
        if not self._of(at, item, "Dataset"):
            return {}
        return filled(
            {
                "name": self.said((*at, "name")),
                "annotation_overview": self.said((*at, "description")),
                "annotation_type": self.words((*at, "variableMeasured")),
                "annotation_method": self.said((*at, "measurementTechnique")),
                "annotation_completion_time": self.said((*at, "dateCreated")),
                "authors": self._people((*at, "creator")),
                "license": self._licence(at),
            }
        )
