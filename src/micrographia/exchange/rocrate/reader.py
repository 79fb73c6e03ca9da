"""What all parts of reading a crate share: fields of ours in additional properties, and which entity said what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from micrographia.exchange.rocrate.crate import OWN, read_path
from micrographia.exchange.rocrate.graph import Entity, Graph, plain_text
from micrographia.exchange.rocrate.terms import TERMS, compact, full
from micrographia.metadata.trees import Tokens, assign

Plain = dict[str, Any]

DOI = re.compile(r"(https?://(dx\.)?doi\.org/|doi:\s*)?10\.\d{4,9}/\S+", re.IGNORECASE)
"""What a DOI looks like, in any usual spelling."""


class Reader:
    """A crate in the reading.

    Parameters
    ----------
    graph
        Its entities.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.root = graph.root()
        self.values: Plain = {}
        self.ids: dict[Tokens, str] = {}
        self.parts: dict[str, tuple[str, str]] = {}
        """Id of a dataset to the name of its study component and of its annotation set; empty where it is none."""
        self.methods: dict[str, str] = {}
        """Id of an annotation method to the name of its annotation set."""
        self.specimens: dict[str, str] = {}
        """Id of a dataset to that of its specimen."""

    def note(self, path: Tokens, entity: Entity) -> None:
        """Remember which entity speaks of the record at a path of the model."""
        if entity.id:
            self.ids.setdefault(path, entity.id)

    def additional(self, entity: Entity) -> list[tuple[list[str | int], Any]]:
        """Take the fields of ours that stand in additional properties of an entity: path in the record, value."""
        found = []
        for key, number, value in entity.values("schema:additionalProperty"):
            other = self.graph.at(value) if isinstance(value, dict) else None
            said = [plain_text(one) or "" for _, _, one in other.values("schema:propertyID")] if other else []
            path = read_path(said[0].removeprefix(OWN)) if said and said[0].startswith(OWN) else None
            if other is None or path is None or "value" not in other.raw:
                continue
            entity.take(key, number)
            other.touch()
            other.take_all("schema:propertyID", "schema:value", "schema:name")
            found.append((path, other.raw["value"]))
        return found

    def fill(self, record: Plain, entity: Entity) -> None:
        """Add the fields of ours in additional properties of an entity to a record."""
        for path, value in self.additional(entity):
            self.assign(record, path, value)

    def assign(self, record: Plain, path: list[str | int], value: Any) -> None:
        """Set one field of a record; what does not fit into it is told and kept."""
        try:
            assign(record, path, value)
        except (ValueError, TypeError, IndexError):
            self.graph.misfit(path, value)


def term(key: str) -> str:
    """Return what a name that this package writes means, in short."""
    return compact(full(TERMS.get(key, f"schema:{key}")))


def texts_of(entity: Entity, names: Mapping[str, str]) -> Plain:
    """Take texts: field of ours to the name that this package writes."""
    found = {field: entity.text(term(key)) for field, key in names.items()}
    return {field: text for field, text in found.items() if text is not None}


def addresses(entity: Entity, *names: str, pattern: str = "") -> list[tuple[str, int, str]]:
    """Return the texts of a property and the ids that it refers to, which match a pattern, without taking them."""
    found = []
    for key, number, value in entity.values(*names):
        text = plain_text(value)
        if text is None and isinstance(value, dict) and isinstance(value.get("@id"), str):
            text = value["@id"]
        if text is not None and re.search(pattern, text, flags=re.IGNORECASE):
            found.append((key, number, text))
    return found


def identified(
    entity: Entity, pattern: str, names: Iterable[str] = ("schema:sameAs", "schema:identifier")
) -> str | None:
    """Return the id of an entity if it matches, else take the first property that does."""
    if re.search(pattern, entity.id, flags=re.IGNORECASE):
        for key, number, text in addresses(entity, *names):
            if text == entity.id:
                entity.take(key, number)
        return entity.id
    for key, number, text in addresses(entity, *names, pattern=pattern):
        entity.take(key, number)
        return text
    return None
