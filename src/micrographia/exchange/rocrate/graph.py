"""The entities of a crate: found by id, taken property by property, so that what nobody took can be kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from micrographia.dataset.origin import Kept
from micrographia.errors import ExchangeError
from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.context import Context
from micrographia.exchange.rocrate.terms import DOCUMENT, ROOT
from micrographia.findings import Finding

ENTITY, TWICE, PROPERTY, TOP = "entity", "second entity of an id", "property", "document"
"""What a kept piece is: a whole entity, one whose id another has, a property of one, something beside ``@graph``."""


class Entity:
    """One entity, whose properties are taken one by one.

    Parameters
    ----------
    graph
        The crate.
    raw
        What is written.
    name
        Its id; empty for one that stands inside a property of another.
    """

    __slots__ = ("_used", "graph", "id", "raw", "touched", "types")

    def __init__(self, graph: Graph, raw: dict[str, Any], name: str) -> None:
        self.graph, self.raw, self.id = graph, raw, name
        types = raw.get("@type")
        names = [one for one in (types if isinstance(types, list) else [types]) if isinstance(one, str)]
        self.types = frozenset(graph.context.meaning(one) for one in names)
        self.touched = False
        self._used: dict[str, set[int]] = {}

    def has_type(self, *names: str) -> bool:
        """Whether it is of one of the types (``bia:Study``)."""
        return not self.types.isdisjoint(names)

    def touch(self) -> None:
        """Say that the entity has a home, whatever of its properties has none."""
        self.touched = True

    def values(self, *names: str) -> Iterator[tuple[str, int, Any]]:
        """Yield key, number and value of properties, without taking them; null is nothing."""
        for key, value in self.raw.items():
            if key.startswith("@") or self.graph.context.meaning(key) not in names:
                continue
            for number, item in enumerate(value if isinstance(value, list) else [value]):
                if item is not None:
                    yield key, number, item

    def has(self, *names: str) -> bool:
        """Whether a property has a value."""
        return next(self.values(*names), None) is not None

    def take(self, key: str, number: int) -> None:
        """Say that a value has a home."""
        self.touched = True
        self._used.setdefault(key, set()).add(number)

    def text(self, *names: str) -> str | None:
        """Take the first value of a property that is a text or a number; further ones stay."""
        for key, number, value in self.values(*names):
            found = plain_text(value)
            if found is not None:
                self.take(key, number)
                return found
        return None

    def texts(self, *names: str) -> list[str]:
        """Take all values of a property that are texts or numbers."""
        found = []
        for key, number, value in self.values(*names):
            text = plain_text(value)
            if text is not None:
                self.take(key, number)
                found.append(text)
        return found

    def taken(self) -> set[tuple[str, int]]:
        """Return key and number of the values that have a home."""
        return {(key, number) for key, numbers in self._used.items() for number in numbers}

    def take_all(self, *names: str) -> None:
        """Take all values of properties."""
        for key, number, _ in self.values(*names):
            self.take(key, number)

    def drop(self, name: str, *texts: str) -> None:
        """Take the values of a property that say what is known anyway."""
        for key, number, value in self.values(name):
            if plain_text(value) in texts:
                self.take(key, number)

    def entities(self, *names: str, types: Iterable[str] = (), most: int | None = None) -> list[Entity]:
        """Take the entities that a property refers to, or that stand in it.

        Parameters
        ----------
        names
            The property.
        types
            Types of which one is asked for; all are taken if there are none.
        most
            How many are taken; None for all.
        """
        found: list[Entity] = []
        wanted = tuple(types)
        for key, number, value in self.values(*names):
            if not isinstance(value, dict) or "@value" in value:
                continue
            if most is not None and len(found) >= most:
                break
            other = self.graph.at(value)
            if other is None:
                self.graph.dangling(self, key, value)
            elif not wanted or other.has_type(*wanted):
                self.take(key, number)
                other.touch()
                found.append(other)
        return found

    def left(self) -> Iterator[tuple[str, Any]]:
        """Yield the properties, or the values of them, that nobody took."""
        for key, value in self.raw.items():
            if key in ("@id", "@type", "@context"):
                continue
            if not isinstance(value, list):
                if value is not None and 0 not in self._used.get(key, ()):
                    yield key, value
                continue
            rest = [
                item
                for number, item in enumerate(value)
                if item is not None and number not in self._used.get(key, ())
            ]
            if rest:
                yield key, rest


class Graph:
    """The entities of a crate.

    Parameters
    ----------
    document
        What the JSON document holds.
    place
        Its name, for messages.

    Raises
    ------
    ExchangeError
        If there is no ``@graph`` to read.
    """

    def __init__(self, document: Any, place: str) -> None:
        remedy = "Give the ro-crate-metadata.json of a crate"
        if not isinstance(document, dict) or "@graph" not in document:
            raise ExchangeError(place, "has no @graph: it is no RO-Crate", remedy)
        document = _clean(document)
        self.findings: list[Finding] = []
        self.kept: list[Kept] = []
        self.context = Context(document.get("@context"))
        self.written_context = document.get("@context")
        self.entities: dict[str, Entity] = {}
        self._inner: list[Entity] = []
        self._inner_of: dict[int, Entity] = {}
        self._dangling: dict[str, set[str]] = {}
        self._usual: dict[int, str] = {}
        graph = document["@graph"]
        if isinstance(graph, dict):
            self._told("E009", "@graph is one entity, not a list; it was read as a list of one")
            graph = [graph]
        if not isinstance(graph, list):
            raise ExchangeError(place, "has a @graph that is no list: it is no RO-Crate", remedy)
        for key, value in document.items():
            if key not in ("@context", "@graph"):
                self.kept.append(Kept(TOP, {key: value}))
        self._collect(graph)

    def _collect(self, graph: list[Any]) -> None:
        counts = dict.fromkeys(("shape", "none", "other", "twice"), 0)
        for raw in graph:
            if not isinstance(raw, dict):
                counts["shape"] += 1
                self.kept.append(Kept(ENTITY, raw))
                continue
            name = raw.get("@id")
            if name is None or name == "":
                counts["none"] += 1
                entity = Entity(self, raw, "")
                self._inner.append(entity)
                continue
            if not isinstance(name, str):
                counts["other"] += 1
                name = plain_text(name) or f"_:{len(self.entities)}"
            if _same(name) in self.entities:
                counts["twice"] += 1
                self.kept.append(Kept(TWICE, raw))
                continue
            self.entities[_same(name)] = Entity(self, raw, name)
        for code, kind, message in (
            ("E009", "shape", "entries of @graph are no entities"),
            ("E009", "none", "entities of @graph have no @id"),
            ("E009", "other", "entities of @graph have an @id that is no text; it was read as one"),
            ("E012", "twice", "entities of @graph have an @id that another has"),
        ):
            if counts[kind]:
                self._told(code, f"{counts[kind]} {message}")

    def _told(self, code: str, message: str) -> None:
        self.findings.append(told(code, message))

    def at(self, reference: Any) -> Entity | None:
        """Return the entity that ``{"@id": ...}`` refers to, or that stands in its place; None if there is none."""
        name = reference.get("@id") if isinstance(reference, dict) else None
        if isinstance(name, str | int | float) and _same(str(name)) in self.entities:
            return self.entities[_same(str(name))]
        if isinstance(reference, dict) and any(not key.startswith("@") for key in reference):
            if id(reference) not in self._inner_of:
                self._inner_of[id(reference)] = Entity(self, reference, name if isinstance(name, str) else "")
                self._inner.append(self._inner_of[id(reference)])
            return self._inner_of[id(reference)]
        return None

    def by_id(self, name: str) -> Entity | None:
        """Return the entity of an id, or None."""
        return self.entities.get(_same(name))

    def of_type(self, *types: str) -> list[Entity]:
        """Return the entities of a type, in the order in which they are written."""
        everything = [
            *self.entities.values(),
            *(one for one in self._inner if id(one.raw) not in self._inner_of),
        ]
        return [one for one in everything if one.has_type(*types)]

    def dangling(self, entity: Entity, key: str, value: dict[str, Any]) -> None:
        """Remember a reference to an entity that is not there; an address on the web is something by itself."""
        if not re.match(r"https?://", str(value.get("@id"))):
            self._dangling.setdefault(key, set()).add(f"{entity.id} -> {value.get('@id')}")

    def dangling_cell(self, column: str, name: str) -> None:
        """Remember that a cell of a file list refers to an entity that is not there."""
        self._dangling.setdefault(f"column {column}", set()).add(name)

    def misfit(self, path: Iterable[str | int], value: Any) -> None:
        """Keep an additional property of ours that fits nowhere."""
        self._told("E009", "an additional property says something that does not fit into its record")
        self.kept.append(Kept("additional property", {"path": list(path), "value": value}))

    def root(self) -> Entity | None:
        """Return the entity that the crate is about, and take its descriptor; None if there is none."""
        descriptor = self._descriptor()
        root = None
        if descriptor is not None:
            descriptor.touch()
            self._usual[id(descriptor)] = DOCUMENT
            found = descriptor.entities("schema:about")
            root = found[0] if found else None
            for key, number, value in descriptor.values("dct:conformsTo"):
                if isinstance(value, dict) and str(value.get("@id", "")).startswith(
                    "https://w3id.org/ro/crate/"
                ):
                    descriptor.take(key, number)
        else:
            self._told("E010", f"no entity describes the crate ({DOCUMENT})")
        if root is None:
            studies = self.of_type("bia:Study")
            root = self.by_id(ROOT) or (studies[0] if studies else None) or self._only_whole()
            if root is not None:
                self._told("E010", "nothing says which entity the crate is about; it was found by its kind")
        if root is None:
            self._told("E010", "the crate is about nothing: it has no root dataset")
        else:
            root.touch()
            self._usual[id(root)] = ROOT
        return root

    def _descriptor(self) -> Entity | None:
        for name, entity in self.entities.items():
            last = name.rsplit("/", 1)[-1]
            if last.endswith((DOCUMENT, DOCUMENT + "ld")) and entity.has("schema:about"):
                return entity
        return None

    def _only_whole(self) -> Entity | None:
        datasets = self.of_type("schema:Dataset")
        parts = {
            value.get("@id")
            for one in datasets
            for _, _, value in one.values("schema:hasPart")
            if isinstance(value, dict)
        }
        whole = [one for one in datasets if one.id not in parts]
        return whole[0] if len(whole) == 1 else None

    def finish(self) -> tuple[list[Kept], list[Finding]]:
        """Return what nobody took, and what there is to say: one finding for each kind of it."""
        homeless: dict[str, int] = {}
        for entity in [*self.entities.values(), *self._inner]:
            shown = (
                "/".join(sorted({one.rsplit(":", 1)[-1] for one in entity.types})) or "entity without type"
            )
            inside = id(entity.raw) in self._inner_of
            if not entity.touched:
                if not inside:
                    self.kept.append(Kept(ENTITY, entity.raw))
                    homeless[shown] = homeless.get(shown, 0) + 1
                continue
            for key, value in entity.left():
                meaning = self.context.meaning(key)
                name = self._usual.get(id(entity), entity.id)
                piece = {"@id": name, "property": key, "meaning": meaning, "value": value}
                self.kept.append(Kept(PROPERTY, piece))
                homeless[f"{shown}.{key}"] = homeless.get(f"{shown}.{key}", 0) + 1
        for kind, count in homeless.items():
            self._told("E004", f"{kind} has no home in the model ({count} times)")
        for key, references in self._dangling.items():
            first = min(references)[:200]
            self._told("E007", f"{key} refers to {len(references)} entities that are not there, as {first}")
        for value in self.context.foreign:
            self.kept.append(Kept(TOP, {"@context": value}))
        return self.kept, [*self.context.findings, *self.findings]


def plain_text(value: Any) -> str | None:
    """Return a text, a number or the value of ``{"@value": ...}`` as text; None for anything else."""
    if isinstance(value, dict) and "@value" in value:
        value = value["@value"]
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _same(name: str) -> str:
    return name if name == ROOT else name.removeprefix("./")


def _clean(value: Any) -> Any:
    """Replace what JSON allows and no file can hold: halves of characters, numbers without end."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-8", "replace").decode("utf-8") if _broken(value) else value
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
