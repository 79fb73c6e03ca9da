"""Places in a YAML text and the new text for them: what :func:`micrographia.metadata.editing.edit` is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from micrographia.metadata.fields import Record, field_name, fields_of, specs
from micrographia.metadata.reading import is_open
from micrographia.metadata.trees import assign
from micrographia.metadata.yaml_nodes import Mapping as MappingNode
from micrographia.metadata.yaml_nodes import Node, Scalar, Sequence, looks_typed, plain
from micrographia.metadata.yaml_parsing import parse
from micrographia.metadata.yaml_writing import entry, flow, item_lines, scalar, text_block


class Style:
    """Makes the lines of what is new, without comments.

    Every method returns lines of YAML in block style; ``indent`` columns stand before the name or dash.
    """

    asks = False
    """Whether new records hold fields that are still to be filled in."""
    airy = False
    """Whether a blank line stands before a new field of the root."""

    def field(self, model: type[Record] | None, name: str, value: Any, indent: int) -> list[str]:  # noqa: ARG002
        """Return the lines of a new field of a record."""
        return entry(name, value, indent)

    def item(self, model: type[Record] | None, value: Any, indent: int) -> list[str]:  # noqa: ARG002
        """Return the lines of a new item of a list."""
        return item_lines(value, indent)

    def offer(self, model: type[Record] | None, name: str, indent: int) -> list[str]:  # noqa: ARG002
        """Return the lines of a note that offered the field; the new field takes their place."""
        return []


Splice = tuple[int, int, int, str]
"""Start and end in the text, rank among those that start there (the deepest first), and the new text."""


@dataclass(slots=True)
class _Place:
    """A node, and what surrounds it."""

    node: Node
    model: type[Record] | None
    flow: bool
    key: Scalar | None = None
    indent: int = 0


@dataclass(slots=True)
class _Changes:
    replaced: dict[int, tuple[_Place, Any]] = field(default_factory=dict)
    added: dict[int, tuple[_Place, dict[str, Any]]] = field(default_factory=dict)
    appended: dict[int, tuple[_Place, list[Any]]] = field(default_factory=dict)


def edited(
    text: str,
    model: type[Record],
    steps: list[tuple[list[str | int], Any]],
    note: str,
    style: Style,
) -> str | None:
    """Return a text with new values at paths; None if that cannot be done in one go.

    Parameters
    ----------
    text, model
        YAML whose root is a mapping, and the record that it is.
    steps
        Names and indices, with the new value.
    note, style
        Comment behind new scalars, and what makes the lines of what is new.
    """
    document = parse(text)
    text = document.text
    if not isinstance(document.root, MappingNode):
        return None
    changes = _Changes()
    for at, value in steps:
        _find(_Place(document.root, model, document.root.flow), at, value, changes)
    splices: list[Splice] = []
    for place, value in changes.replaced.values():
        _replace(text, place, value, note, style, splices)
    for place, fields in changes.added.values():
        _add(text, place, fields, style, splices)
    for place, items in changes.appended.values():
        _append(text, place, items, style, splices)
    return _spliced(text, splices)


def _spliced(text: str, splices: list[Splice]) -> str | None:
    newline = "\r\n" if "\r\n" in text else "\n"
    made: list[str] = []
    done = 0
    for start, end, _, new in sorted(splices, key=lambda splice: splice[:3]):
        if start < done:
            return None
        made += [text[done:start], new.replace("\n", newline)]
        done = end
    return "".join([*made, text[done:]])


def _find(place: _Place, at: list[str | int], value: Any, changes: _Changes) -> None:
    """Walk down a path and note what must be replaced, added or appended."""
    for number, step in enumerate(at):
        node = place.node
        if id(node) in changes.replaced:
            held, data = changes.replaced[id(node)]
            changes.replaced[id(node)] = held, assign(data, at[number:], value)
            return
        if isinstance(step, str) and isinstance(node, MappingNode):
            found = next((pair for pair in node.entries if _means(place.model, pair[0], step)), None)
            inner = specs(place.model)[step].record if place.model and step in specs(place.model) else None
            if found is None:
                fields = changes.added.setdefault(id(node), (place, {}))[1]
                assign(fields, at[number:], value)
                return
            place = _Place(found[1], inner, _is_flow(place, node), found[0], found[0].column)
        elif isinstance(step, int) and isinstance(node, Sequence):
            if step >= len(node.items):
                items = changes.appended.setdefault(id(node), (place, []))[1]
                assign(items, [step - len(node.items), *at[number + 1 :]], value)
                return
            place = _Place(node.items[step], place.model, _is_flow(place, node), None, node.column)
        elif step == 0 and not _is_nothing(node) and (number + 1 == len(at) or isinstance(node, MappingNode)):
            continue
        else:
            start: Any = fields_of(place.model, plain(node))
            if isinstance(step, int):
                start = [] if _is_nothing(node) else [plain(node)]
            changes.replaced[id(node)] = place, assign(start, at[number:], value)
            return
    changes.replaced[id(place.node)] = place, value


def _means(model: type[Record] | None, key: Scalar, name: str) -> bool:
    return key.text == name or field_name(model, key.text) == name


def _is_flow(place: _Place, node: MappingNode | Sequence) -> bool:
    return place.flow or node.flow


def _is_nothing(node: Node) -> bool:
    return is_open(node) or (isinstance(node, Scalar) and node.is_null)


def _replace(text: str, place: _Place, value: Any, note: str, style: Style, splices: list[Splice]) -> None:
    node = place.node
    same = plain(node) == value and isinstance(plain(node), bool) == isinstance(value, bool)
    if same and not (isinstance(node, Scalar) and looks_typed(node) and isinstance(value, str)):
        return
    if place.flow:
        gap = " " if node.start and text[node.start - 1] == ":" else ""
        splices.append((node.start, node.end, 0, gap + flow(value)))
        return
    if isinstance(node, Sequence) and isinstance(value, list) and value and node.items and not node.alias:
        for number, item in enumerate(node.items[: len(value)]):
            inner = _Place(item, place.model, node.flow, None, node.column)
            _replace(text, inner, value[number], note, style, splices)
        if len(value) < len(node.items):
            _drop(text, node, len(value), splices)
        elif len(value) > len(node.items):
            _append(text, place, value[len(node.items) :], style, splices)
        return
    if isinstance(node, MappingNode) and isinstance(value, Mapping) and not node.alias:
        own = {key.text: (key, item) for key, item in node.entries}
        if own.keys() <= value.keys():
            for name, (key, item) in own.items():
                _replace(
                    text, _Place(item, None, node.flow, key, key.column), value[name], note, style, splices
                )
            new = {name: item for name, item in value.items() if name not in own}
            if new:
                _add(text, place, new, style, splices)
            return
    _rewrite(text, place, value, note, splices)


def _rewrite(text: str, place: _Place, value: Any, note: str, splices: list[Splice]) -> None:
    """Write a value anew behind its name or dash; a comment on its last line stays."""
    node = place.node
    collection = isinstance(value, Mapping | list) and len(value) > 0
    block = text_block(value, place.indent + 2) if isinstance(value, str) else None
    line_end = _line_end(text, node.end)
    rest = text[node.end : line_end]
    behind = f"  # {note}" if note and "#" not in rest else ""
    if not collection and block is None:
        gap = " " if node.start and text[node.start - 1] not in " \t" else ""
        inline = scalar(value) if not isinstance(value, Mapping | list) else flow(value)
        splices.append((node.start, node.end, 0, gap + inline))
        if behind:
            splices.append((line_end, line_end, 0, behind))
        return
    start = node.start
    while start and text[start - 1] in " \t\r\n":
        start -= 1
    if place.key is not None:
        lines = entry("x", value, place.indent, note)
        head = lines[0].strip().removeprefix("x:")
    else:
        lines = item_lines(value, place.indent, note)
        head = lines[0].strip().removeprefix("-")
    shown = rest.rstrip("\r")
    splices.append((start, line_end, 0, "\n".join([head + ("" if "#" in head else shown), *lines[1:]])))


def _add(
    text: str,
    place: _Place,
    fields: dict[str, Any],
    style: Style,
    splices: list[Splice],
) -> None:
    """Add fields at the end of a mapping."""
    node = place.node
    assert isinstance(node, MappingNode)  # noqa: S101
    if place.flow or node.flow:
        new = ", ".join(f"{scalar(key)}: {flow(value)}" for key, value in fields.items())
        splices.append((node.end - 1, node.end - 1, 0, (", " if node.entries else "") + new))
        return
    lines: list[str] = []
    after = _after(text, node.end, node.column)
    for key, value in fields.items():
        written = style.field(place.model, key, value, node.column)
        offered = "".join(f"{line}\n" for line in style.offer(place.model, key, node.column))
        at = text.find(offered, node.start, after) if offered else -1
        if at > 0 and text[at - 1] == "\n":
            splices.append((at, at + len(offered), 0, "".join(f"{line}\n" for line in written)))
        else:
            lines += ["", *written] if node.column == 0 and style.airy else written
    if lines:
        splices.append(_insertion(text, after, -2 * node.column, lines))


def _append(text: str, place: _Place, items: list[Any], style: Style, splices: list[Splice]) -> None:
    """Append items to a list."""
    node = place.node
    assert isinstance(node, Sequence)  # noqa: S101
    if place.flow or node.flow:
        new = ", ".join(flow(item) for item in items)
        splices.append((node.end - 1, node.end - 1, 0, (", " if node.items else "") + new))
        return
    lines = [line for item in items for line in style.item(place.model, item, node.column)]
    after = _after(text, node.end, node.column)
    splices.append(_insertion(text, after, -2 * node.column - 1, lines))


def _drop(text: str, node: Sequence, first: int, splices: list[Splice]) -> None:
    """Delete the items of a list from ``first`` on."""
    if node.flow:
        splices.append((node.items[first - 1].end, node.items[-1].end, 0, ""))
        return
    start = text.rfind("\n", 0, node.items[first].start) + 1
    end = text.find("\n", node.end)
    splices.append((start, len(text) if end < 0 else end + 1, 0, ""))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _after(text: str, at: int, column: int) -> int:
    """Return where new lines of a mapping or list belong that ends at ``at``: behind the notes that follow in it."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end + 1
    following = text[end:].splitlines(keepends=True)
    if column == 0 and all(not line.strip() or line.lstrip().startswith("#") for line in following):
        return len(text)
    content = next((line for line in following if line.strip() and not line.lstrip().startswith("#")), None)
    next_indent = -1 if content is None else len(content) - len(content.lstrip(" "))
    for line in following:
        indent = len(line) - len(line.lstrip(" "))
        if not line.lstrip().startswith("#") or indent < column or indent <= next_indent:
            break
        end += len(line)
    return end


def _insertion(text: str, at: int, rank: int, lines: list[str]) -> Splice:
    whole = "".join(f"{line}\n" for line in lines)
    return at, at, rank, whole if at == 0 or text[at - 1] == "\n" else "\n" + whole
