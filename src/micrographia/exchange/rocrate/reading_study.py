"""Read the study of a crate: root dataset, people, organisations, grants, papers, links, releases."""

from __future__ import annotations

import re

from micrographia.exchange.rocrate.graph import Entity, plain_text
from micrographia.exchange.rocrate.reader import DOI, Plain, Reader, addresses, identified, term, texts_of
from micrographia.exchange.rocrate.writing_study import TRAINED
from micrographia.metadata.licences import normalise_licence
from micrographia.metadata.trees import Tokens

_ORCID, _ROR = r"orcid\.org/\d{4}-", r"ror\.org/0"
_PMC = r"^PMC\d+$"


def read_study(reader: Reader, root: Entity) -> None:
    """Read everything that the root dataset says of the study."""
    study: Plain = texts_of(
        root,
        {
            "title": "name",
            "description": "description",
            "release_date": "datePublished",
            "acknowledgements": "acknowledgement",
        },
    )
    study["license"] = read_licence(reader, root)
    study["keywords"] = _keywords(root)
    _identifiers(root, study)
    study["authors"] = read_people(reader, root, ("study", "authors"))
    _funding(reader, root, study)
    study["publications"] = _publications(reader, root)
    _links(reader, root, study)
    reader.values["study"] = {name: value for name, value in study.items() if value not in (None, [])}
    reader.values["versions"] = _versions(reader, root)


def read_licence(reader: Reader, entity: Entity) -> str | None:
    """Take the first licence of a dataset: a text, an address, or an entity with an address or a name."""
    for key, number, value in entity.values("schema:license"):
        text = plain_text(value)
        if text is None and isinstance(value, dict):
            name = value.get("@id")
            other = reader.graph.at(value)
            text = name if isinstance(name, str) and re.match(r"https?://", name) else None
            if other is not None:
                known = [plain_text(one) for _, _, one in other.values("schema:url", "schema:name")]
                text = text or next((one for one in known if one), None)
        if text is not None:
            entity.take(key, number)
            licence = normalise_licence(text) if "://" in text else None
            return licence.spdx if licence and licence.spdx else text
    return None


def _keywords(root: Entity) -> list[str]:
    found = root.texts("schema:keywords")
    if len(found) == 1 and not isinstance(root.raw.get("keywords", root.raw.get("keyword")), list):
        return [part.strip() for part in found[0].split(",") if part.strip()]
    return found


def _identifiers(root: Entity, study: Plain) -> None:
    for key, number, text in addresses(root, "schema:identifier"):
        field = "doi" if key == "doi" or (key != "accessionId" and DOI.fullmatch(text)) else "accession"
        if field not in study and text:
            study[field] = text
            root.take(key, number)


def read_people(reader: Reader, entity: Entity, path: Tokens) -> list[Plain | str]:
    """Read the authors of a dataset: entities, texts, or references that are ORCIDs."""
    found: list[Plain | str] = []
    for key, number, value in entity.values("schema:author"):
        text = plain_text(value)
        if text is not None:
            found.append(text)
        elif isinstance(value, dict):
            other = reader.graph.at(value)
            if other is None:
                reader.graph.dangling(entity, key, value)
                if not re.search(_ORCID, str(value.get("@id"))):
                    continue
                found.append({"orcid_id": value["@id"]})
            else:
                reader.note((*path, len(found)), other)
                found.append(_person(reader, other, (*path, len(found))))
        else:
            continue
        entity.take(key, number)
    return found


def _person(reader: Reader, entity: Entity, path: Tokens) -> Plain:
    entity.touch()
    person = texts_of(
        entity, {"author_first_name": "givenName", "author_last_name": "familyName", "email": "contactEmail"}
    )
    parts = [person[name] for name in ("author_first_name", "author_last_name") if name in person]
    if parts:
        entity.drop("schema:name", " ".join(parts))
    elif shown := entity.text("schema:name"):
        whole = entity.has_type("schema:Organization") and not entity.has_type("schema:Person")
        person["author_last_name" if whole else "name"] = shown
    orcid = identified(entity, _ORCID) or entity.text("schema:sameAs")
    if orcid:
        person["orcid_id"] = orcid
    person["role"] = entity.texts("bia:role")
    person["organisation"] = _organisations(reader, entity, (*path, "organisation"))
    reader.fill(person, entity)
    return {name: value for name, value in person.items() if value not in (None, [])}


def _organisations(reader: Reader, entity: Entity, path: Tokens) -> list[Plain]:
    found: list[Plain] = []
    for key, number, value in entity.values("schema:memberOf"):
        text = plain_text(value)
        if text is not None:
            found.append({"organisation_name": text})
        elif isinstance(value, dict):
            other = reader.graph.at(value)
            if other is None:
                reader.graph.dangling(entity, key, value)
                if not re.search(_ROR, str(value.get("@id"))):
                    continue
                found.append({"ror_id": value["@id"]})
            else:
                other.touch()
                reader.note((*path, len(found)), other)
                record = texts_of(other, {"organisation_name": "name", "address": "address"})
                ror = identified(other, _ROR) or other.text("schema:sameAs")
                if ror:
                    record["ror_id"] = ror
                reader.fill(record, other)
                found.append(record)
        else:
            continue
        entity.take(key, number)
    return found


def _funding(reader: Reader, root: Entity, study: Plain) -> None:
    grants: list[Plain] = []
    for other in root.entities("schema:funding", types=("schema:Grant", "schema:MonetaryGrant", "bia:Grant")):
        grant: Plain = {}
        path: Tokens = ("study", "grants", len(grants))
        reader.note(path, other)
        if number := other.text("schema:identifier"):
            grant["grant_id"] = number
        for body in other.entities("schema:funder", most=1):
            reader.note((*path, "#funder"), body)
            grant["funder"] = body.text("schema:name") or body.id
        if "funder" not in grant and (funder := other.text("schema:funder")):
            grant["funder"] = funder
        reader.fill(grant, other)
        grants.append(grant)
    grants += [{"funder": body.text("schema:name") or body.id} for body in root.entities("schema:funder")]
    study["funding_statement"] = root.text("schema:funding", "schema:funder")
    study["grants"] = grants


def _publications(reader: Reader, root: Entity) -> list[Plain]:
    found: list[Plain] = []
    named = root.entities("bia:relatedPublication")
    seen = {id(one) for one in named}
    for other in [*named, *(one for one in reader.graph.of_type("bia:Publication") if id(one) not in seen)]:
        other.touch()
        path = ("study", "publications", len(found))
        reader.note(path, other)
        record = texts_of(
            other,
            {
                "publication_title": "name",
                "publication_authors": "authorNames",
                "publication_year": "publicationYear",
                "pubmed_id": "pubmedId",
            },
        )
        for key, number, text in addresses(other, "schema:identifier"):
            field = "publication_doi" if key == "doi" or DOI.fullmatch(text) else "pmc_id"
            if field not in record and (field != "pmc_id" or key == "identifier"):
                other.take(key, number)
                record[field] = text
        if "publication_doi" not in record and DOI.fullmatch(other.id):
            record["publication_doi"] = other.id
        reader.fill(record, other)
        found.append(record)
    for key, number, text in addresses(root, "bia:relatedPublication"):
        if (key, number) not in root.taken():
            found.append({"publication_doi" if DOI.fullmatch(text) else "publication_title": text})
            root.take(key, number)
    return found


def _links(reader: Reader, root: Entity, study: Plain) -> None:
    links: list[Plain] = []
    models: list[str] = []
    named = root.entities("rdfs:seeAlso")
    seen = {id(one) for one in named}
    for other in [
        *named,
        *(one for one in reader.graph.of_type("bia:ExternalReference") if id(one) not in seen),
    ]:
        other.touch()
        record = texts_of(
            other, {"link_url": "url", "link_description": "description", "link_type": "additionalType"}
        )
        if "link_url" not in record and re.match(r"[a-z0-9+.-]+://", other.id, flags=re.IGNORECASE):
            record["link_url"] = other.id
        if set(record) == {"link_url", "link_type"} and record["link_type"] == TRAINED:
            models.append(record["link_url"])
            reader.note(("study", "#model", len(models)), other)
            continue
        reader.note(("study", "links", len(links)), other)
        reader.fill(record, other)
        links.append(record)
    for key, number, text in addresses(root, "rdfs:seeAlso", pattern="://"):
        if (key, number) not in root.taken():
            root.take(key, number)
            links.append({"link_url": text})
    study["links"], study["ai_models_trained"] = links, models


def _versions(reader: Reader, root: Entity) -> list[Plain]:
    found: list[Plain] = []
    for other in root.entities("dct:hasVersion"):
        reader.note(("versions", len(found)), other)
        record = texts_of(
            other,
            {
                "version": "version",
                "timestamp": "dateCreated",
                "changes": "description",
                "previous_version": "isBasedOn",
            },
        )
        other.drop("schema:name", f"Version {record.get('version')}")
        reader.fill(record, other)
        found.append(record)
    if not found and (version := root.text(term("version"))):
        found.append({"version": version})
    return found
