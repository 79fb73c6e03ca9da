"""What of a dataset is searched as text, field by field, with the other names of what it names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from micrographia.catalogue.entry import Entry
from micrographia.catalogue.words import clean
from micrographia.metadata import find_method, find_organism

FIELDS = ("title", "keywords", "subjects", "people", "description")
"""The fields: ``subjects`` are organisms, methods, annotation types, targets, classes, structures; ``people`` authors,
accessions and where a dataset is kept."""
WEIGHTS = (10.0, 6.0, 4.0, 3.0, 1.0)
"""How much a word counts in each field."""


def texts(entry: Entry) -> tuple[str, ...]:
    """Return the text of each of :data:`FIELDS`."""
    subjects = [*_organisms(entry), *_methods(entry), *entry.entities, *entry.targets, *entry.classes]
    subjects += [word.replace("_", " ") for word in (*entry.types, *entry.roles)]
    subjects += [one.name for one in entry.sets]
    people = [*entry.authors, entry.accession, entry.doi, entry.source, *entry.publications, entry.id]
    told = [entry.description, *(text for one in entry.sets for text in (one.overview, one.method))]
    told += entry.channels
    return tuple(
        clean("\n".join(text for text in field if text))
        for field in ([entry.title], entry.keywords, subjects, dict.fromkeys(people), told)
    )


def _organisms(entry: Entry) -> Iterable[str]:
    return (_names_of_organism(name) for name in entry.organisms)


def _methods(entry: Entry) -> Iterable[str]:
    return (_names_of_method(name) for name in entry.methods)


@lru_cache(maxsize=4096)
def _names_of_organism(name: str) -> str:
    term = find_organism(name)
    return " ".join((term.scientific_name, term.taxon, *term.common_names)) if term else name


@lru_cache(maxsize=4096)
def _names_of_method(name: str) -> str:
    term = find_method(name)
    return " ".join((term.name, term.fbbi, *term.synonyms)) if term else name
