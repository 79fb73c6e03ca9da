"""Changes single places of a YAML text: every other character, comment and blank line stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from micrographia.errors import MetadataError
from micrographia.metadata.fields import Record, field_name, fields_of, specs
from micrographia.metadata.splicing import Style, edited
from micrographia.metadata.trees import dotted, empty, nothing, tokens
from micrographia.metadata.yaml_nodes import Mapping as MappingNode
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse
from micrographia.metadata.yaml_writing import OneLine


class KeyedError(ValueError):
    """A path with an index into records that are written as a mapping of names."""


def edit(
    text: str,
    model: type[Record],
    values: Mapping[str, Any],
    *,
    path: str = "",
    note: str = "",
    style: Style | None = None,
) -> str:
    """Return a YAML text with new values at dotted paths.

    Parameters
    ----------
    text
        YAML whose root is a mapping.
    model
        The record that the root is; fields are found under every name that is read.
    values
        Dotted path (``study.title``, ``annotations[0].name``) to value. Fields and records that are not there are
        made; the index after the last adds to a list.
    path
        Name of the file, for errors.
    note
        Comment behind scalars that replace a value which has none.
    style
        Makes the lines of what is new.

    Raises
    ------
    MetadataError
        If the text is no YAML mapping, or cannot be changed without changing more than was asked for.
    ValueError
        If a path is not well-formed or leaves a gap in a list.
    """
    style = style or Style()
    steps = [(tokens(at), value) for at, value in values.items()]
    wanted = plain(_root(text, path))
    for at, value in steps:
        try:
            assign_by_name(wanted, model, at, value)
        except KeyedError as error:
            raise MetadataError(
                path, f"{dotted(at)} cannot be changed: {error}", "Write a list first"
            ) from error
    settled = _filled if style.asks else lambda data: data
    one_line = [(at, _on_one_line(value)) for at, value in steps]
    for turns in ([steps], [[step] for step in steps], [[step] for step in one_line]):
        made = text
        for turn in turns:
            made = (edited(made, model, turn, note, style) if _read(made) is not None else None) or made
        if settled(_read(made)) == settled(wanted):
            return made
    names = ", ".join(list(values)[:3])
    remedy = "Write it by hand; anchors (&), aliases (*) and brackets over several lines are in the way"
    raise MetadataError(path, f"{names} cannot be changed without touching other fields", remedy)


def rename(text: str, renamed: Mapping[int, tuple[str, str]]) -> str:
    """Return a YAML text with other names of fields; ``renamed`` is the line to the old and the new name."""
    lines = text.split("\n")
    for line, (old, new) in renamed.items():
        match = re.match(rf"^(\s*(?:-\s+)*)([\"']?){re.escape(old)}\2(?=\s*:)", lines[line - 1])
        if match:
            lines[line - 1] = match[1] + new + lines[line - 1][match.end() :]
    return "\n".join(lines)


def _root(text: str, path: str) -> MappingNode:
    root = parse(text, path).root
    if not isinstance(root, MappingNode):
        raise MetadataError(path, "it is not a mapping of field names to values", "Start from a fresh one")
    return root


def assign_by_name(data: Any, model: type[Record] | None, at: list[str | int], value: Any) -> Any:
    """Return plain ``data`` with a value at a path whose names may be written in another spelling in ``data``."""
    if not at:
        return value
    step, rest = at[0], at[1:]
    if isinstance(step, int):
        if not isinstance(data, list):
            if step == 0 and rest and isinstance(data, dict):
                if model and model.key_field and data and not any(field_name(model, key) for key in data):
                    raise KeyedError(f"it stands in a mapping by {model.key_field}, not in a list")
                return assign_by_name(data, model, rest, value)
            if step == 0 and not rest:
                return [value] if nothing(data) else value
            data = [] if nothing(data) else [data]
        if step > len(data):
            raise ValueError(f"index {step} leaves a gap: the list has {len(data)} entries")
        if step == len(data):
            data.append(None)
        data[step] = assign_by_name(data[step], model, rest, value)
        return data
    fields: dict[str, Any] = data if isinstance(data, dict) else fields_of(model, data)
    key = next((key for key in fields if key == step or (model and field_name(model, key) == step)), step)
    inner = specs(model)[step].record if model and step in specs(model) else None
    fields[key] = assign_by_name(fields.get(key), inner, rest, value)
    return fields


def _on_one_line(value: Any) -> Any:
    """Return a value whose texts are written on one line each: a block would swallow notes that stand below it."""
    if isinstance(value, Mapping):
        return {key: _on_one_line(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_on_one_line(item) for item in value]
    return OneLine(value) if isinstance(value, str) else value


def _read(text: str) -> Any:
    """Return what a text says; None if it is no YAML any more."""
    try:
        return plain(parse(text).root)
    except MetadataError:
        return None


def _filled(data: Any) -> Any:
    """Return plain data without what is still to be filled in."""
    if isinstance(data, dict):
        return {
            key: item for key, item in ((key, _filled(item)) for key, item in data.items()) if not empty(item)
        }
    return [_filled(item) for item in data if not empty(item)] if isinstance(data, list) else data
