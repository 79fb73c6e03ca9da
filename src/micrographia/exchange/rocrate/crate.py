"""A crate as it is written: entities with ids of their own, additional properties, and what an import kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from micrographia.dataset.origin import Kept
from micrographia.exchange.rocrate.context import Context
from micrographia.exchange.rocrate.graph import ENTITY, PROPERTY, TOP
from micrographia.exchange.rocrate.terms import (
    CONTEXT,
    DIALECTS,
    DOCUMENT,
    RENAMED,
    ROOT,
    SPECIFICATION,
    full,
    written_context,
)
from micrographia.metadata.trees import Tokens, dotted, tokens

IDS = "ids"
"""What is kept of ids: the one that this package would choose, to the one that the source has."""
COLUMN = "column"
"""What is kept of columns of the file list: name to ``propertyUrl``."""
OWN_CONTEXT = "terms"
"""Where terms that the source defines itself are kept beside ``@graph``."""
OWN = "micrographia:"
"""How the ``propertyID`` of a field of ours begins."""

Node = dict[str, Any]

_ONE_NAME = ("schema:name", "schema:description")
"""What the dialects call differently, and says one thing alone."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")


def is_clean_address(text: str) -> bool:
    """Whether a text can be an id: an address on the web without a character that JSON-LD forbids there."""
    return _ADDRESS.fullmatch(text) is not None


class Crate:
    """The entities of a crate in the making.

    Parameters
    ----------
    dialect
        One of :data:`~micrographia.exchange.rocrate.terms.DIALECTS`.
    kept
        What an import of a crate kept; its ids are used again.
    """

    def __init__(self, dialect: str, kept: tuple[Kept, ...] = ()) -> None:
        self.dialect = dialect
        self._kept = kept
        self._ids: dict[str, str] = {}
        for one in kept:
            if one.at == IDS and isinstance(one.value, Mapping):
                self._ids |= {str(key): str(value) for key, value in one.value.items()}
        self.nodes: dict[str, Node] = {}
        self._owners: dict[Tokens, str] = {}
        self._properties: list[Node] = []
        self._written: set[str] = set()
        self._reserved = {
            one.value["@id"]
            for one in kept
            if one.at == ENTITY and isinstance(one.value, Mapping) and isinstance(one.value.get("@id"), str)
        }
        self._records: dict[str, str] = {}
        self.add(DOCUMENT, "CreativeWork", conformsTo=ref(SPECIFICATION), about=ref(ROOT))

    def add(self, wanted: str, types: str | list[str], /, **properties: Any) -> str:
        """Add an entity under an id that is free, leave out what is empty, and return the id."""
        name = self.free(wanted)
        node: Node = {"@id": name, "@type": types}
        self.nodes[name] = node
        self.put(name, **properties)
        return name

    def put(self, name: str, /, **properties: Any) -> None:
        """Add properties to an entity, leaving out what is empty."""
        self.nodes[name] |= {key: value for key, value in properties.items() if value not in (None, [], "")}

    def free(self, wanted: str) -> str:
        """Return an id that no entity has: the wanted one, the one that the source had for it, or a numbered one."""
        candidate, number = wanted, 1
        while not self.is_free(name := self._ids.get(candidate, candidate)):
            number += 1
            candidate = f"{wanted}-{number}"
        return name

    def is_free(self, name: str) -> bool:
        """Whether no entity has an id, and none of the source that is put back will."""
        return name not in self.nodes and name not in self._reserved

    def once(self, kind: str, record: Any) -> tuple[str, str]:
        """Return a key of a record, and the id of the entity that was written for an equal one."""
        key = f"{kind} {json.dumps(record, sort_keys=True, ensure_ascii=False)}"
        return key, self._records.get(key, "")

    def remember(self, key: str, name: str) -> str:
        """Remember the entity of a record under the key from :meth:`once`, and return its id."""
        self._records[key] = name
        return name

    def own(self, path: Tokens, name: str) -> None:
        """Say which entity speaks of the record at a path of the model."""
        self._owners[path] = name

    def owner(self, path: Tokens) -> str:
        """Return the entity that speaks of the record at a path."""
        return self._owners[path]

    @property
    def owners(self) -> dict[Tokens, str]:
        """Path of a record in the model to the entity that speaks of it."""
        return self._owners

    def additional(self, path: Tokens, value: Any) -> None:
        """Write a field that no term fits as an additional property of the entity that speaks of its record."""
        owner = next(
            (cut for cut in range(len(path), 0, -1) if path[:cut] in self._owners),
            0,
        )
        rest = path[owner:]
        self.additional_of(self._owners.get(path[:owner], ROOT), rest, value)

    def additional_of(self, owner: str, path: Tokens, value: Any) -> None:
        """Write an additional property of an entity."""
        node: Node = {
            "@id": self.free(f"#property-{len(self._properties) + 1}"),
            "@type": "PropertyValue",
            "propertyID": OWN + written_path(path),
            "name": dotted(path).replace("_", " "),
            "value": value,
        }
        self._properties.append(node)
        self.nodes[node["@id"]] = node
        self.nodes[owner].setdefault("additionalProperty", []).append(ref(node["@id"]))

    def put_back(self) -> list[str]:
        """Put what an import of a crate kept back where it stood; return the kinds that have no place any more.

        The names of the dialect are given to everything that was written before.
        """
        self.nodes = {name: self._named(node) for name, node in self.nodes.items()}
        self._written = {key for node in self.nodes.values() for key in node}
        here = Context([CONTEXT, self._terms()])
        there = Context([CONTEXT, self._foreign_terms()])
        homeless: list[str] = []
        for one in self._kept:
            if one.at == ENTITY:
                raw = one.value
                name = raw.get("@id") if isinstance(raw, dict) else None
                if not isinstance(name, str) or not name or name in self.nodes:
                    homeless.append("an entity whose @id is taken, or that has none")
                    continue
                self.nodes[name] = {
                    key if key.startswith("@") else self._key(here, key, there.meaning(key)): value
                    for key, value in raw.items()
                }
        for one in self._kept:
            if one.at == PROPERTY and isinstance(one.value, Mapping):
                node = self.nodes.get(str(one.value.get("@id")))
                key = str(one.value.get("property"))
                if node is None:
                    homeless.append(f"the property {key} of an entity that is not written")
                    continue
                meaning = str(one.value.get("meaning"))
                key = self._key(here, key, meaning)
                if meaning in _ONE_NAME and key not in node:
                    key = next((own for own in node if here.meaning(own) == meaning), key)
                node[key] = _joined(node.get(key), one.value.get("value"))
            elif one.at not in (ENTITY, IDS, TOP, COLUMN):
                homeless.append(one.at)
            elif one.at == TOP and isinstance(one.value, Mapping) and "@context" in one.value:
                homeless.append("a context that would have to be fetched")
        return homeless

    def document(self) -> Node:
        """Return the crate as a JSON-LD document: descriptor, root, the rest in the order of writing."""
        last = dict.fromkeys(node["@id"] for node in self._properties)
        order = [DOCUMENT, ROOT, *(name for name in self.nodes if name not in (DOCUMENT, ROOT, *last)), *last]
        beside = [one.value for one in self._kept if one.at == TOP and isinstance(one.value, Mapping)]
        rest = {
            key: value
            for one in beside
            for key, value in one.items()
            if key not in ("@context", OWN_CONTEXT, "@graph")
        }
        graph = [self.nodes[name] for name in order if name in self.nodes]
        return {"@context": [CONTEXT, self._terms()], "@graph": graph, **rest}

    @property
    def columns(self) -> dict[str, str]:
        """Name of a column of the source to what it says."""
        found: dict[str, str] = {}
        for one in self._kept:
            if one.at == COLUMN and isinstance(one.value, Mapping):
                found |= {str(name): str(address) for name, address in one.value.items()}
        return found

    def _terms(self) -> dict[str, Any]:
        """Return the terms that the crate defines: ours, and those of the source under names that are free."""
        own = written_context(self.dialect)
        foreign = self._foreign_terms()
        return own | {key: foreign[key] for key in foreign if key not in own and key not in self._written}

    def _foreign_terms(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in self._kept:
            if (
                one.at == TOP
                and isinstance(one.value, Mapping)
                and isinstance(one.value.get(OWN_CONTEXT), Mapping)
            ):
                found |= one.value[OWN_CONTEXT]
        return found

    @staticmethod
    def _key(here: Context, key: str, meaning: str) -> str:
        return key if here.meaning(key) == meaning else full(meaning)

    def _named(self, node: Node) -> Node:
        if self.dialect != DIALECTS[0]:
            return node
        types = node["@type"] if isinstance(node["@type"], list) else [node["@type"]]
        names: dict[str, str] = {}
        for one in types:
            names |= RENAMED.get(one, {})
        return {names.get(key, key): value for key, value in node.items()}


def ref(name: str) -> Node:
    """Return a reference to an entity."""
    return {"@id": name}


def refs(names: list[str]) -> list[Node]:
    """Return references to entities."""
    return [ref(name) for name in names]


def fragment(kind: str, name: Any, number: int) -> str:
    """Return an id inside the crate: what it is, and its name or number."""
    text = name.strip()[:80] if isinstance(name, str) else ""
    return f"#{kind}-{quote(text, safe='')}" if text else f"#{kind}-{number}"


def written_path(path: Tokens) -> str:
    """Return a path inside a record as text; as JSON if a name in it has dots or brackets."""
    text = dotted(path)
    try:
        if tuple(tokens(text)) == tuple(path):
            return text
    except ValueError:
        pass
    return json.dumps(list(path), ensure_ascii=False)


def read_path(text: str) -> list[str | int] | None:
    """Return the steps of a path that :func:`written_path` wrote, or None if it is none."""
    try:
        if not text.startswith("["):
            return tokens(text)
        steps = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(steps, list) and steps and all(type(step) in (str, int) for step in steps):
        return steps
    return None


def _joined(old: Any, new: Any) -> Any:
    # A single value was there instead of what this package writes; of a list, this package read the rest.
    if old is None or not isinstance(new, list):
        return new
    before = old if isinstance(old, list) else [old]
    return [*before, *new]
