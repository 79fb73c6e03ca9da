"""YAML as nodes that know where they stand in the text: scalars, lists and mappings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Scalar:
    """A scalar: its text, whether it was written without quotes, and where it stands (``line`` from 1)."""

    text: str
    plain: bool = False
    line: int = 0
    column: int = 0
    start: int = 0
    end: int = 0

    @property
    def is_null(self) -> bool:
        """Whether it is empty or ``null``."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def is_open(self) -> bool:
        """Whether it says that a person has not filled it in."""
        return self.text == "?" or self.text.startswith("? ")


@dataclass(slots=True)
class Sequence:
    """A list; ``end`` is where its last item ends, ``alias`` whether it stands elsewhere in the text."""

    items: list[Node] = field(default_factory=list)
    line: int = 0
    column: int = 0
    start: int = 0
    end: int = 0
    flow: bool = False
    alias: bool = False
    weight: int = 1
    height: int = 1


@dataclass(slots=True)
class Mapping:
    """A mapping as pairs, in the order of the text; a name may occur twice."""

    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    line: int = 0
    column: int = 0
    start: int = 0
    end: int = 0
    flow: bool = False
    alias: bool = False
    weight: int = 1
    height: int = 1

    def merged(self) -> Iterator[tuple[Scalar, Node]]:
        """Yield the pairs, those of a ``<<`` merge after those that are written here."""
        names = {key.text for key, _ in self.entries}
        later: list[Mapping] = []
        for key, value in self.entries:
            if key.text == "<<" and key.plain and isinstance(value, Mapping):
                later.append(value)
            elif key.text == "<<" and key.plain and isinstance(value, Sequence):
                later.extend(item for item in value.items if isinstance(item, Mapping))
            else:
                yield key, value
        for other in later:
            for key, value in other.merged():
                if key.text not in names:
                    names.add(key.text)
                    yield key, value


Node = Scalar | Sequence | Mapping


def resolve(scalar: Scalar) -> Any:
    """Return the value of a scalar; a number that would not be written back as it stands stays text."""
    text = scalar.text
    if not scalar.plain:
        return text
    if scalar.is_null:
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"-?[0-9]{1,18}", text) and str(int(text)) == text:
        return int(text)
    if (
        re.fullmatch(r"-?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?|-?[0-9]+e[-+][0-9]+", text)
        and str(float(text)) == text
    ):
        return float(text)
    return text


def looks_typed(scalar: Scalar) -> bool:
    """Whether another reader of YAML may take a scalar for a number or truth value, so that it should be quoted."""
    if not scalar.plain:
        return False
    number = r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
    return not isinstance(resolve(scalar), str) or bool(re.fullmatch(number, scalar.text))


def plain(node: Node | None) -> Any:
    """Return a node as dictionaries, lists and scalars; of a name that occurs twice, the first counts."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return resolve(node)
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    found: dict[str, Any] = {}
    for key, value in node.merged():
        if key.text not in found:
            found[key.text] = plain(value)
    return found


def from_plain(value: Any, line: int = 0) -> Node:
    """Return dictionaries, lists and scalars as nodes."""
    if isinstance(value, dict):
        return Mapping(
            [(Scalar(str(key), line=line), from_plain(item, line)) for key, item in value.items()], line
        )
    if isinstance(value, list | tuple):
        return Sequence([from_plain(item, line) for item in value], line)
    if value is None or isinstance(value, bool | int | float):
        return Scalar(
            "" if value is None else str(value).lower() if isinstance(value, bool) else str(value), True, line
        )
    return Scalar(str(value), line=line)
