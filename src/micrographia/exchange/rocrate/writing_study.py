"""The study in a crate: root dataset, people, organisations, grants, papers, links, releases."""

from __future__ import annotations

import re
from typing import Any

from micrographia.exchange.rocrate.crate import Crate, fragment, is_clean_address, ref, refs
from micrographia.exchange.rocrate.terms import ROOT
from micrographia.metadata.licences import licence_by_spdx
from micrographia.metadata.taking import Taker
from micrographia.metadata.trees import Tokens

TRAINED = "AI model trained with the dataset"
"""What a link to a trained model is called in its ``additionalType``."""

Plain = dict[str, Any]
_STUDY: Tokens = ("study",)


def write_study(crate: Crate, taker: Taker) -> None:
    """Write the root dataset with everything that belongs to the study.

    Without a date of release that of the newest version is written, and read as what it is.
    """
    crate.add(ROOT, ["Dataset", "bia:Study"])
    text = {
        name: taker.text((*_STUDY, name)) for name in ("title", "description", "release_date", "accession")
    }
    licence = taker.text((*_STUDY, "license"))
    versions = taker.records(("versions",))
    newest = versions[-1][1].get("timestamp") if versions else None
    published = text["release_date"] or (newest if isinstance(newest, str) else None)
    if text["release_date"] and text["release_date"] == newest:
        crate.additional((*_STUDY, "release_date"), newest)
    crate.put(
        ROOT,
        name=text["title"],
        description=text["description"],
        license=licence_address(licence) if licence else None,
        datePublished=published,
        accessionId=text["accession"],
        doi=taker.text((*_STUDY, "doi")),
        keywords=taker.texts((*_STUDY, "keywords")),
        acknowledgement=taker.text((*_STUDY, "acknowledgements")),
        author=refs(write_people(crate, taker, (*_STUDY, "authors"))),
    )
    funding: list[Any] = refs([_grant(crate, taker, *one) for one in taker.records((*_STUDY, "grants"))])
    statement = taker.text((*_STUDY, "funding_statement"))
    crate.put(
        ROOT,
        funding=[*funding, *([statement] if statement else [])],
        relatedPublication=refs(
            [_publication(crate, taker, *one) for one in taker.records((*_STUDY, "publications"))]
        ),
    )
    links = [_link(crate, taker, *one) for one in taker.records((*_STUDY, "links"))]
    models = [
        _web(crate, "model", url, additionalType=TRAINED)
        for url in taker.texts((*_STUDY, "ai_models_trained"))
    ]
    releases = [_version(crate, taker, *one) for one in versions]
    crate.put(ROOT, seeAlso=refs([*links, *models]), hasVersion=refs(releases))


def licence_address(text: str) -> str:
    """Return the address of a licence; the text itself if it is none that is known."""
    known = licence_by_spdx(text)
    return known.url if known and known.url else text


def write_people(crate: Crate, taker: Taker, path: Tokens) -> list[str]:
    """Write the authors at a path, and return their ids; equal ones are one entity."""
    return [_person(crate, taker, *one) for one in taker.records(path)]


def _person(crate: Crate, taker: Taker, at: Tokens, record: Plain) -> str:
    key, known = crate.once("person", record)
    if known:
        taker.take(at)
        return known
    text = taker.copy(at, "author_first_name", "author_last_name", "email", "orcid_id")
    first, last = text.get("author_first_name"), text.get("author_last_name")
    shown = " ".join(part for part in (first, last) if part)
    orcid = text.get("orcid_id", "")
    wanted = orcid if re.match(r"https://orcid\.org/", orcid) and is_clean_address(orcid) else ""
    name = crate.add(
        _first(crate, wanted, fragment("person", shown, len(crate.nodes))),
        ["Person", "bia:Contributor"],
        name=shown,
        givenName=first,
        familyName=last,
        email=text.get("email"),
        role=taker.texts((*at, "role")),
    )
    if orcid and name != orcid:
        crate.put(name, sameAs=orcid)
    crate.own(at, name)
    crate.put(
        name,
        memberOf=refs([_organisation(crate, taker, *one) for one in taker.records((*at, "organisation"))]),
    )
    return crate.remember(key, name)


def _organisation(crate: Crate, taker: Taker, at: Tokens, record: Plain) -> str:
    key, known = crate.once("organisation", record)
    if known:
        taker.take(at)
        return known
    text = taker.copy(at, "organisation_name", "address", "ror_id")
    ror = text.get("ror_id", "")
    wanted = ror if re.match(r"https://ror\.org/", ror) and is_clean_address(ror) else ""
    name = crate.add(
        _first(crate, wanted, fragment("organisation", text.get("organisation_name"), len(crate.nodes))),
        ["Organization", "bia:Affiliation"],
        name=text.get("organisation_name"),
        address=text.get("address"),
    )
    if ror and name != ror:
        crate.put(name, sameAs=ror)
    crate.own(at, name)
    return crate.remember(key, name)


def _grant(crate: Crate, taker: Taker, at: Tokens, record: Plain) -> str:
    del record
    number = taker.text((*at, "grant_id"))
    funder = taker.text((*at, "funder"))
    body = None
    if funder:
        key, known = crate.once("funder", funder)
        body = known or crate.remember(
            key,
            crate.add(
                fragment("funder", funder, len(crate.nodes)), ["Organization", "bia:FundingBody"], name=funder
            ),
        )
        crate.own((*at, "#funder"), body)
    name = crate.add(
        fragment("grant", number, at_number(at)),
        ["Grant", "bia:Grant"],
        identifier=number,
        funder=ref(body) if body else None,
    )
    crate.own(at, name)
    return name


def _publication(crate: Crate, taker: Taker, at: Tokens, record: Plain) -> str:
    del record
    text = taker.copy(
        at,
        "publication_title",
        "publication_authors",
        "publication_doi",
        "publication_year",
        "pubmed_id",
        "pmc_id",
    )
    doi, year = text.get("publication_doi", ""), text.get("publication_year", "")
    wanted = doi if doi.startswith("https://doi.org/") and is_clean_address(doi) else ""
    name = crate.add(
        _first(crate, wanted, fragment("publication", None, at_number(at))),
        ["ScholarlyArticle", "bia:Publication"],
        name=text.get("publication_title"),
        authorNames=text.get("publication_authors"),
        publicationYear=int(year) if re.fullmatch(r"[1-9][0-9]{3}", year) else year,
        doi=doi,
        pubmedId=text.get("pubmed_id"),
        identifier=text.get("pmc_id"),
    )
    crate.own(at, name)
    return name


def _link(crate: Crate, taker: Taker, at: Tokens, record: Plain) -> str:
    del record
    text = taker.copy(at, "link_url", "link_description", "link_type")
    name = _web(
        crate,
        "link",
        text.get("link_url", ""),
        description=text.get("link_description"),
        additionalType=text.get("link_type"),
    )
    crate.own(at, name)
    return name


def _web(crate: Crate, kind: str, url: str, **properties: Any) -> str:
    wanted = url if is_clean_address(url) else ""
    name = crate.add(
        _first(crate, wanted, fragment(kind, None, len(crate.nodes))),
        ["CreativeWork", "bia:ExternalReference"],
        **properties,
    )
    if name != url:
        crate.put(name, url=url)
    return name


def _version(crate: Crate, taker: Taker, at: Tokens, record: Plain) -> str:
    del record
    text = taker.copy(at, "version", "timestamp", "changes", "previous_version")
    name = crate.add(
        fragment("version", text.get("version"), at_number(at)),
        "CreativeWork",
        name=f"Version {text['version']}" if "version" in text else None,
        version=text.get("version"),
        dateCreated=text.get("timestamp"),
        description=text.get("changes"),
        isBasedOn=text.get("previous_version"),
    )
    crate.own(at, name)
    return name


def at_number(path: Tokens) -> int:
    """Return the number, from 1, of the record that a path leads to."""
    return path[-1] + 1 if isinstance(path[-1], int) else 1


def _first(crate: Crate, wanted: str, otherwise: str) -> str:
    return wanted if wanted and wanted not in crate.nodes else otherwise
