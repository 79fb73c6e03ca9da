"""What the names in a crate mean: its ``@context``, of which nothing is ever fetched."""

from __future__ import annotations

from typing import Any

from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.terms import KNOWN_CONTEXTS, PREFIXES, TERMS, compact, full
from micrographia.findings import Finding

_DEPTH = 12
"""How many definitions that stand on each other are followed."""


class Context:
    """The meaning of names: what the crate defines itself, then what is built in.

    Parameters
    ----------
    written
        The value of ``@context``: an address, a mapping, or a list of these.
    """

    def __init__(self, written: Any) -> None:
        self.findings: list[Finding] = []
        self.own: dict[str, str | None] = {}
        self.foreign: list[Any] = []
        self._vocabulary = PREFIXES["schema"]
        self._known: dict[str, str] = {}
        self._circles: set[str] = set()
        for part in written if isinstance(written, list) else [written]:
            self._add(part)

    def meaning(self, name: str) -> str:
        """Return what a name means, in short (``schema:name``); the name itself if it is defined to mean nothing."""
        if name not in self._known:
            self._known[name] = compact(self._expanded(name, _DEPTH))
        return self._known[name]

    def _add(self, part: Any) -> None:
        if isinstance(part, str):
            if part not in KNOWN_CONTEXTS:
                self._refuse(part)
        elif isinstance(part, dict):
            for name, value in part.items():
                self._define(name, value)
        elif part is not None:
            self.foreign.append(part)
            self.findings.append(told("E009", "a part of @context is neither an address nor a mapping"))

    def _define(self, name: str, value: Any) -> None:
        if name == "@import":
            self._refuse(value)
        elif name == "@vocab":
            self._vocabulary = value if isinstance(value, str) and value else PREFIXES["schema"]
        elif name.startswith("@"):
            if name not in ("@base", "@version", "@language"):
                self.findings.append(told("E009", f"{name} in @context was not followed"))
        else:
            meaning = value.get("@id") if isinstance(value, dict) else value
            if isinstance(value, dict) and any(key in value for key in ("@reverse", "@context")):
                self.findings.append(
                    told("E009", f"the definition of {name!r} in @context was not followed whole")
                )
            if meaning is None or isinstance(meaning, str):
                self.own[name] = meaning
            else:
                self.findings.append(told("E009", f"the definition of {name!r} in @context is no text"))

    def _refuse(self, address: Any) -> None:
        self.foreign.append(address)
        message = (
            f"the context {str(address)[:200]!r} is not fetched; names mean what RO-Crate and the archive say"
        )
        fix = "Write the terms into the crate if they mean something else"
        self.findings.append(told("E011", message, fix=fix))

    def _expanded(self, name: str, depth: int) -> str:
        if depth == 0:
            if not self._circles:
                self.findings.append(told("E008", "terms of @context are defined by each other"))
            self._circles.add(name)
            return name
        if name in self.own:
            meaning = self.own[name]
            if meaning is None:
                return name
            return meaning if meaning == name else self._expanded(meaning, depth - 1)
        prefix, colon, rest = name.partition(":")
        if colon:
            if rest.startswith("//"):
                return name
            if own := self.own.get(prefix):
                return self._expanded(own, depth - 1) + rest
            return full("dct:" + rest if prefix == "dc" else name)
        if name in TERMS:
            return full(TERMS[name])
        return self._vocabulary + name
