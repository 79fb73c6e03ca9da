"""People, grants and papers as schema.org has them, both ways."""

from __future__ import annotations

from typing import Any

from micrographia.exchange.croissant.rai import records, said
from micrographia.exchange.croissant.terms import Names, Node, nodes, one_or_many, single, text, texts
from micrographia.metadata.taking import Plain


def filled(node: Node) -> Node:
    """Return a node without what is empty."""
    return {key: value for key, value in node.items() if value not in (None, "", [], {})}


def _only(names: Names, node: Node, known: set[str], listed: str = "") -> bool:
    """Whether a node says nothing but these terms, each as one text; one of them may be a list or a node."""
    meant = [names.meant(str(key)) for key in node]
    plain = all(single(held) for key, held in node.items() if names.meant(str(key)) != listed)
    return plain and set(meant) <= known and len(set(meant)) == len(meant)


def creator(author: Plain) -> Node:
    """Return an author as a person; as an organization if there is nothing but the name of a group."""
    first, last = said(author, "author_first_name"), said(author, "author_last_name")
    orcid = said(author, "orcid_id")
    person = bool(first or orcid)
    return filled(
        {
            "@type": "Person" if person else "Organization",
            "name": f"{first} {last}".strip(),
            "givenName": first if person else "",
            "familyName": last if person else "",
            "email": said(author, "email"),
            "identifier": orcid,
            "affiliation": one_or_many(
                [made for one in records(author, "organisation") if (made := _organisation(one))]
            ),
        }
    )


def _organisation(one: Plain) -> Node:
    named = filled(
        {
            "name": said(one, "organisation_name"),
            "address": said(one, "address"),
            "identifier": said(one, "ror_id"),
        }
    )
    return {"@type": "Organization", **named} if named else {}


def author(names: Names, value: Any) -> tuple[Plain, bool]:
    """Return what a creator says as an author of ours, and whether that is all that it says."""
    if not isinstance(value, dict):
        found = text(value)
        return ({"name": found} if found else {}), single(value)
    first, last = text(names.get(value, "givenName")), text(names.get(value, "familyName"))
    named = text(names.get(value, "name"))
    made: Plain = {}
    if first or last:
        made = filled({"author_first_name": first, "author_last_name": last})
    elif named:
        group = names.kind(value) != "Person"
        made = {"author_last_name": named} if group else {"name": named}
    known = {"@type", "name", "givenName", "familyName", "email", "affiliation"}
    email = texts(names.get(value, "email"))
    made |= filled({"email": email[0] if email else ""})
    for key in ("identifier", "@id", "url", "sameAs"):
        ids = texts(value.get("@id") if key == "@id" else names.get(value, key))
        if len(ids) == 1 and "orcid.org/" in ids[0] and "orcid_id" not in made:
            made["orcid_id"] = ids[0]
            known.add(key)
    places = [_place(names, one) for one in nodes(names.get(value, "affiliation"))]
    made |= filled({"organisation": [place for place, _ in places if place]})
    whole = _only(names, value, known, "affiliation") and all(done for _, done in places)
    return made, whole and bool(made)


def _place(names: Names, value: Any) -> tuple[Plain, bool]:
    if not isinstance(value, dict):
        named = text(value)
        return ({"organisation_name": named} if named else {}), single(value)
    found = filled(
        {
            "organisation_name": text(names.get(value, "name")),
            "address": text(names.get(value, "address")),
        }
    )
    known = {"@type", "name", "address"}
    for key in ("identifier", "@id"):
        ids = texts(value.get("@id") if key == "@id" else names.get(value, key))
        if len(ids) == 1 and "ror.org/" in ids[0] and "ror_id" not in found:
            found["ror_id"] = ids[0]
            known.add(key)
    return found, _only(names, value, known)


def funding(grant: Plain) -> Node:
    """Return a grant as schema.org has it."""
    funder = said(grant, "funder")
    return {
        "@type": "MonetaryGrant",
        **filled(
            {
                "identifier": said(grant, "grant_id"),
                "funder": {"@type": "Organization", "name": funder} if funder else None,
            }
        ),
    }


def grant(names: Names, value: Any) -> tuple[Plain, bool]:
    """Return a grant of ours, and whether it says all that the value says."""
    if not isinstance(value, dict):
        found = text(value)
        return ({"grant_id": found} if found else {}), single(value)
    funder = names.get(value, "funder")
    named = text(names.get(funder, "name")) if isinstance(funder, dict) else text(funder)
    made = filled({"grant_id": text(names.get(value, "identifier")), "funder": named})
    whole = _only(names, value, {"@type", "identifier", "funder"}, "funder")
    whole = whole and (_only(names, funder, {"@type", "name"}) if isinstance(funder, dict) else True)
    whole = whole and (funder is None or isinstance(funder, dict) or single(funder))
    return made, whole


def citation(paper: Plain) -> Node:
    """Return a paper as schema.org has it."""
    ids = [said(paper, "publication_doi"), said(paper, "pubmed_id"), said(paper, "pmc_id")]
    return {
        "@type": "ScholarlyArticle",
        **filled(
            {
                "name": said(paper, "publication_title"),
                "author": said(paper, "publication_authors"),
                "datePublished": said(paper, "publication_year"),
                "identifier": one_or_many([one for one in ids if one]),
            }
        ),
    }


def publication(names: Names, value: Any) -> tuple[Plain, bool]:
    """Return a paper of ours, and whether it says all that the value says."""
    if not isinstance(value, dict):
        found = text(value)
        return ({"publication_title": found} if found else {}), single(value)
    made = filled(
        {
            "publication_title": text(names.get(value, "name")),
            "publication_authors": text(names.get(value, "author")),
            "publication_year": text(names.get(value, "datePublished")),
        }
    )
    kinds = {"PMID:": "pubmed_id", "PMC": "pmc_id"}
    for one in texts(names.get(value, "identifier")):
        made.setdefault(
            next((name for start, name in kinds.items() if one.startswith(start)), "publication_doi"), one
        )
    known = {"@type", "name", "author", "datePublished", "identifier"}
    ids = nodes(names.get(value, "identifier"))
    whole = _only(names, value, known, "identifier") and all(single(one) for one in ids)
    return made, whole and len(made) >= len(ids)
