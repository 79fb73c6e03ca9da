"""A PageTab document as sections with attributes, whatever shape its JSON has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from micrographia.exchange.source import DEEPEST
from micrographia.metadata.values import quoted

Json = dict[str, Any]

_SECTION = {"type", "accno", "accNo", "attributes", "subsections", "links", "files"}
_ATTRIBUTE = {"name", "value", "reference", "isReference", "valqual", "nmqual"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A name and a value.

    Parameters
    ----------
    name, value
        As they are written; None for no value.
    reference
        Whether the value is the accession number of a section.
    qualifiers
        What is said of the value or of the name: ``valqual`` and ``nmqual``, where there is any.
    raw
        As it stood in the document.
    """

    name: str
    value: str | None
    reference: bool
    qualifiers: Json
    raw: Json


@dataclass(slots=True)
class Section:
    """A section of a record.

    Parameters
    ----------
    type, accno
        Its type and its accession number; empty if there is none.
    attributes, subsections
        What it holds, in order; rows of a table of sections stand as sections.
    links, files
        As they stand in the document, rows of tables one by one.
    odd
        What has a shape that no record has: where it stood, and what it is.
    raw
        The section as it stood in the document.
    """

    type: str
    accno: str
    attributes: list[Attribute] = field(default_factory=list)
    subsections: list[Section] = field(default_factory=list)
    links: list[Any] = field(default_factory=list)
    files: list[Any] = field(default_factory=list)
    odd: list[tuple[str, Any]] = field(default_factory=list)
    raw: Any = None

    def values(self, name: str) -> list[str]:
        """Return the values of the attributes of a name, whatever its case."""
        return [
            one.value for one in self.attributes if one.value and one.name.strip().lower() == name.lower()
        ]


def too_deep(value: Any, levels: int = DEEPEST) -> bool:
    """Whether dictionaries and lists are nested more than some levels; what holds itself is."""
    layer = [value]
    for _ in range(levels):
        inner: dict[int, Any] = {}
        for one in layer:
            items = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            inner |= {id(item): item for item in items if isinstance(item, dict | list)}
        if not inner:
            return False
        layer = list(inner.values())
    return True


def section_of(raw: Any) -> Section:
    """Return a section of a document; what has another shape is among its :attr:`Section.odd`."""
    if not isinstance(raw, dict):
        return Section("", "", odd=[("section", raw)], raw=raw)
    accno = raw.get("accno", raw.get("accNo"))
    made = Section(scalar(raw.get("type")) or "", scalar(accno) or "", raw=raw)
    made.attributes, odd = attributes_of(raw.get("attributes"))
    made.odd = [("attributes", one) for one in odd]
    for name, target in (("links", made.links), ("files", made.files)):
        rows, odd = flat(raw.get(name))
        target += rows
        made.odd += [(name, one) for one in odd]
    rows, odd = flat(raw.get("subsections"))
    made.odd += [("subsections", one) for one in odd]
    made.subsections = [section_of(row) for row in rows]
    made.odd += [(str(key), value) for key, value in raw.items() if key not in _SECTION]
    return made


def attributes_of(raw: Any) -> tuple[list[Attribute], list[Any]]:
    """Return the attributes of a list, and what in it is no attribute."""
    if raw is None:
        return [], []
    if not isinstance(raw, list):
        return [], [raw]
    found: list[Attribute] = []
    odd: list[Any] = []
    for one in raw:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(name, str) or not name.strip():
            odd.append(one)
            continue
        value = one.get("value")
        if isinstance(value, dict | list):
            odd.append(one)
            continue
        qualifiers = {key: one[key] for key in ("valqual", "nmqual") if one.get(key)}
        qualifiers |= {key: held for key, held in one.items() if key not in _ATTRIBUTE}
        reference = str(one.get("reference", one.get("isReference", False))).lower() == "true"
        found.append(Attribute(scalar(name) or "", scalar(value), reference, qualifiers, one))
    return found, odd


def well_formed(value: Any) -> Any:
    """Return a JSON value whose texts can be written: halves of characters are replaced."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(str(key)): well_formed(item) for key, item in value.items()}
    return value


def scalar(value: Any) -> str | None:
    """Return a text, a number or a truth value as text; None for nothing and for all else."""
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(well_formed(str(value)))


def flat(raw: Any) -> tuple[list[Any], list[Any]]:
    """Return the rows of a list, those of tables inside it one by one, and what is no row."""
    if raw is None:
        return [], []
    if not isinstance(raw, list):
        return [], [raw]
    rows: list[Any] = []
    odd: list[Any] = []
    for one in raw:
        for row in one if isinstance(one, list) else [one]:
            (rows if isinstance(row, dict) else odd).append(row)
    return rows, odd


def attribute(name: str, value: str, **more: Any) -> Json:
    """Return an attribute as a document has it."""
    return {"name": name, "value": value, **more}


def named(section: Section) -> str:
    """Return what to call a section in a message."""
    return f"the section {quoted(section.type)}" if section.type else "a section without a type"
