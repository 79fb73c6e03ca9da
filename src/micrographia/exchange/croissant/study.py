"""What Croissant says of a dataset as a whole, both ways: who, what, when, licence, how to cite."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from micrographia.exchange.citation.bibtex import bibtex_of
from micrographia.exchange.citation.facts import day_of, page_of, publisher_of
from micrographia.exchange.croissant import people
from micrographia.exchange.croissant.rai import records, said
from micrographia.exchange.croissant.terms import Names, Node, nodes, one_or_many, single, text, texts
from micrographia.exchange.submission import described
from micrographia.metadata import normalise_licence
from micrographia.metadata.taking import Plain

_CITED = ("title", "authors", "doi", "accession", "release_date")
_ARCHIVES = {
    "BioImage Archive": "https://www.ebi.ac.uk/bioimage-archive/",
    "BioStudies": "https://www.ebi.ac.uk/biostudies/",
}


def dataset_level(plain: Plain) -> Node:
    """Return the properties of a dataset that a description gives, without those about files.

    Parameters
    ----------
    plain
        The description; values of a wrong type are passed over.
    """
    held = plain.get("study")
    study: Plain = held if isinstance(held, dict) else {}
    doi, accession = said(study, "doi"), said(study, "accession")
    page = page_of(accession)
    versions = records(plain, "versions")
    last = versions[-1] if versions else {}
    methods = [said(one, "imaging_method", "value") for one in records(plain, "image_acquisitions")]
    return people.filled(
        {
            "name": said(study, "title"),
            "description": said(study, "description"),
            "license": one_or_many(_licences(study, plain)),
            "url": doi or page,
            "identifier": one_or_many([one for one in (doi, accession) if one]),
            "sameAs": page if doi else "",
            "keywords": texts(study.get("keywords")),
            "creator": [people.creator(one) for one in records(study, "authors")],
            "publisher": _publisher(publisher_of(accession, doi)),
            "datePublished": _day(said(study, "release_date")),
            "dateModified": _day(said(last, "timestamp")),
            "version": said(last, "version"),
            "citeAs": cite(study, versions),
            "citation": [people.citation(one) for one in records(study, "publications")],
            "funding": [people.funding(one) for one in records(study, "grants")],
            "measurementTechnique": one_or_many([*dict.fromkeys(filter(None, methods))]),
        }
    )


def _licences(study: Plain, plain: Plain) -> list[str]:
    written = [said(study, "license"), *(said(one, "license") for one in records(plain, "annotations"))]
    found = [(normalise_licence(one), one) for one in written if one]
    return [*dict.fromkeys(licence.url if licence and licence.spdx else one for licence, one in found)]


def _publisher(name: str) -> Node | None:
    if not name:
        return None
    return people.filled({"@type": "Organization", "name": name, "url": _ARCHIVES.get(name)})


def _day(written: str) -> str:
    found = day_of(written) or day_of(written, 2) or day_of(written, 1)
    return found if re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", found) and found >= "0001" else ""


def cite(study: Plain, versions: list[Plain]) -> str:
    """Return how to cite the dataset, in BibTeX; empty without a title."""
    if not said(study, "title"):
        return ""
    cited = {name: study[name] for name in _CITED if name in study}
    return bibtex_of(described({"study": cited, "versions": versions[-1:]}).mifa).strip()


def _texts_of(name: str) -> Callable[[Names, Any], tuple[Plain, bool]]:
    def read(_: Names, value: Any) -> tuple[Plain, bool]:
        found = texts(value)
        return ({name: found[0]} if found else {}), single(value)

    return read


def _many(
    name: str, one: Callable[[Names, Any], tuple[Plain, bool]]
) -> Callable[[Names, Any], tuple[Plain, bool]]:
    def read(names: Names, value: Any) -> tuple[Plain, bool]:
        found = [one(names, item) for item in nodes(value)]
        made = [item for item, _ in found if item]
        return ({name: made} if made else {}), all(whole for _, whole in found)

    return read


def _keywords(_: Names, value: Any) -> tuple[Plain, bool]:
    found = texts(value)
    if isinstance(value, str):
        found = [word.strip() for word in value.split(",") if word.strip()]
    whole = isinstance(value, str) or all(single(one) for one in nodes(value))
    return ({"keywords": found} if found else {}), whole


def _licence(names: Names, value: Any) -> tuple[Plain, bool]:
    first, *rest = [*nodes(value), None]
    if isinstance(first, dict):
        address, named = (
            text(names.get(first, "url")) or text(first.get("@id")),
            text(names.get(first, "name")),
        )
        chosen = next((one for one in (address, named) if one and normalise_licence(one)), named or address)
        return ({"license": chosen} if chosen else {}), False
    found = text(first)
    return ({"license": found} if found else {}), single(first) and rest == [None]


def _identifier(_: Names, value: Any) -> tuple[Plain, bool]:
    made: Plain = {}
    for one in texts(value):
        made.setdefault("doi" if re.search(r"\b10\.[0-9]{4,9}/", one) else "accession", one)
    return made, bool(made) and len(made) == len(nodes(value)) and all(single(one) for one in nodes(value))


def _address(_: Names, value: Any) -> tuple[Plain, bool]:
    found = texts(value)
    named = [one for one in found if re.match(r"https?://(dx\.)?doi\.org/10\.", one)]
    return ({"doi": named[0]} if named else {}), bool(named) and single(value)


READERS: dict[str, Callable[[Names, Any], tuple[Plain, bool]]] = {
    "name": _texts_of("title"),
    "description": _texts_of("description"),
    "license": _licence,
    "url": _address,
    "identifier": _identifier,
    "keywords": _keywords,
    "creator": _many("authors", people.author),
    "datePublished": _texts_of("release_date"),
    "citation": _many("publications", people.publication),
    "funding": _many("grants", people.grant),
}
"""Property to what reads it into fields of the study, and says whether that was all."""


def read_dataset_level(names: Names, document: Node) -> tuple[Plain, set[str]]:
    """Return a description, as far as the properties of a dataset give one, and the properties that were read whole.

    Parameters
    ----------
    names
        What the keys mean.
    document
        The node of the dataset.
    """
    study: Plain = {}
    whole: set[str] = set()
    for name, read in READERS.items():
        value = names.get(document, name)
        if value is None:
            continue
        found, done = read(names, value)
        study = {**found, **study} if name == "url" else {**study, **found}
        if done:
            whole.add(name)
    plain: Plain = {"study": study} if study else {}
    version = names.get(document, "version")
    if isinstance(version, str | int | float) and not isinstance(version, bool):
        when = names.get(document, "dateModified")
        changed = text(when) if single(when) else None
        plain["versions"] = [people.filled({"version": str(version), "timestamp": changed})]
        whole |= {"version", "dateModified"} if changed else {"version"}
    annotated = people.filled(
        {
            "annotation_method": "\n\n".join(texts(names.get(document, "rai:dataAnnotationProtocol"))),
            "annotation_confidence_level": "\n".join(
                texts(names.get(document, "rai:dataAnnotationAnalysis"))
            ),
            "annotators": texts(names.get(document, "rai:annotatorDemographics")),
        }
    )
    if annotated:
        plain["annotations"] = [annotated]
    return plain, whole
