"""References inside a document: to nothing, twice the same name, in a circle."""

from __future__ import annotations

from typing import Any

from micrographia.exchange.codes import told
from micrographia.exchange.croissant.terms import Names, Node, nodes
from micrographia.findings import Finding

_FOLLOWED = ("containedIn", "source", "fileObject", "fileSet", "field", "references", "parentField")


def reference_findings(names: Names, document: Node) -> list[Finding]:
    """Return findings about the references between the files, record sets and fields of a document."""
    defined: dict[str, Node] = {}
    twice: list[str] = []
    named: dict[str, list[str]] = {}
    for part in ("distribution", "recordSet"):
        for one in nodes(names.get(document, part)):
            _collect(names, one, defined, twice, named)
    wanted = {target for targets in named.values() for target in targets}
    missing = sorted(wanted - set(defined))
    found = []
    if missing:
        message = f"{len(missing)} references lead to nothing in the document, such as {missing[0][:80]!r}"
        found.append(told("E007", message, fix="correct the @id, or define it"))
    if twice:
        found.append(
            told("E012", f"{len(twice)} identifiers stand for two things, such as {twice[0][:80]!r}")
        )
    circle = _circle({name: [to for to in targets if to in defined] for name, targets in named.items()})
    if circle:
        found.append(told("E008", f"references lead in a circle from {circle[:80]!r}"))
    return found


def _collect(
    names: Names, top: Any, defined: dict[str, Node], twice: list[str], named: dict[str, list[str]]
) -> None:
    stack: list[tuple[Any, str, str]] = [(top, "", "")]
    while stack:
        value, owner, key = stack.pop()
        if isinstance(value, list):
            stack += [(one, owner, key) for one in value]
        if not isinstance(value, dict):
            continue
        own = value.get("@id")
        if isinstance(own, str) and len(value) == 1:
            if key in _FOLLOWED:
                named.setdefault(owner, []).append(own)
            continue
        if isinstance(own, str):
            if own in defined:
                twice.append(own)
            defined.setdefault(own, value)
            owner = own
        for name, held in value.items():
            meant = names.meant(str(name))
            if meant not in ("data", "examples", "@id"):
                stack.append((held, owner, meant))


def _circle(links: dict[str, list[str]]) -> str:
    """Return a name from which references lead back to it; empty if there is none."""
    done: set[str] = set()
    for start in links:
        path: list[tuple[str, int]] = [(start, 0)]
        on_path = {start}
        while path:
            name, at = path[-1]
            targets = links.get(name, [])
            if name in done or at == len(targets):
                path.pop()
                on_path.discard(name)
                done.add(name)
                continue
            path[-1] = (name, at + 1)
            target = targets[at]
            if target in on_path:
                return target
            if target not in done:
                path.append((target, 0))
                on_path.add(target)
    return ""
