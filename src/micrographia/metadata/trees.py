"""Dictionaries, lists and scalars, and dotted paths into them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

OPEN = "?"
"""What stands in place of a value that a person has to fill in."""

Tokens = tuple[str | int, ...]
"""Names and indices that lead to a value."""


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping in which dotted paths (``annotations[0].name``) became dictionaries and lists."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        assign(found, tokens(path), value)
    return found


def tokens(path: str) -> list[str | int]:
    """Return the names and indices of a dotted path.

    Raises
    ------
    ValueError
        If the path is not well-formed.
    """
    if not re.fullmatch(r"[^.\[\]]+(\[[0-9]{1,9}\])*(\.[^.\[\]]+(\[[0-9]{1,9}\])*)*", path):
        raise ValueError(f"{path!r} is no path of a field, as study.title or annotations[0].name")
    return [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[([0-9]+)\]", path)]


def dotted(path: Iterable[str | int]) -> str:
    """Return names and indices as a dotted path."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return shown.removeprefix(".")


def assign(data: Any, path: list[str | int], value: Any) -> Any:
    """Return ``data`` with ``value`` at ``path``; dictionaries and lists on the way are made.

    Raises
    ------
    ValueError
        If an index leaves a gap in a list.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = data if isinstance(data, list) else []
        if step > len(items):
            raise ValueError(f"index {step} leaves a gap: the list has {len(items)} entries")
        if step == len(items):
            items.append(None)
        items[step] = assign(items[step], rest, value)
        return items
    fields = data if isinstance(data, dict) else {}
    fields[step] = assign(fields.get(step), rest, value)
    return fields


def empty(value: Any) -> bool:
    """Whether there is nothing in a value."""
    if isinstance(value, Mapping):
        return all(empty(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(empty(item) for item in value)
    return value is None or value in ("", OPEN)


def nothing(value: Any) -> bool:
    """Whether a plain value says that nobody has filled it in."""
    return value is None or (isinstance(value, str) and (value == OPEN or value.startswith(f"{OPEN} ")))


def value_in(record: dict[str, Any], path: str) -> Any:
    """Return the value at a column's path in a plain record, or None."""
    value: Any = record
    for step in tokens(path):
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def paths(value: Any, at: Tokens = ()) -> list[tuple[Tokens, Any]]:
    """Return the values inside dictionaries and lists with the names and indices that lead there.

    A list of scalars is one value; so is an empty dictionary or list.
    """
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in paths(item, (*at, str(key)))]
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [leaf for number, item in enumerate(value) for leaf in paths(item, (*at, number))]
    return [(at, value)] if at else []
