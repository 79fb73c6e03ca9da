"""Take fields out of a plain description, and name those that nobody took."""

from __future__ import annotations

from typing import Any

from micrographia.metadata.trees import Tokens, dotted, paths

Plain = dict[str, Any]


class Taker:
    """A plain description whose fields a writer takes one by one; what it leaves can be named.

    Parameters
    ----------
    plain
        As :meth:`~micrographia.metadata.Record.plain` of the whole description returns it.
    """

    def __init__(self, plain: Plain) -> None:
        self.plain = plain
        self.taken: set[Tokens] = {("micrographia_format",)}

    def take(self, *paths: Tokens) -> None:
        """Say that fields, with all below them, were written."""
        self.taken |= set(paths)

    def at(self, path: Tokens) -> Any:
        """Return the value at a path without taking it; None if there is none."""
        value: Any = self.plain
        for step in path:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        return value

    def records(self, path: Tokens) -> list[tuple[Tokens, Plain]]:
        """Return the records of a list that hold something, each with its path."""
        found = self.at(path)
        items = found if isinstance(found, list) else []
        return [
            ((*path, number), item) for number, item in enumerate(items) if isinstance(item, dict) and item
        ]

    def text(self, path: Tokens) -> str | None:
        """Take a text; None if there is none, or something else stands there."""
        value = self.at(path)
        if not isinstance(value, str):
            return None
        self.taken.add(path)
        return value

    def texts(self, path: Tokens) -> list[str]:
        """Take a list of texts; empty if there is none, or something else stands there."""
        value = self.at(path)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return []
        self.taken.add(path)
        return value

    def copy(self, at: Tokens, *names: str) -> Plain:
        """Take texts under the names that they have."""
        return {name: value for name in names if (value := self.text((*at, name))) is not None}

    def left(self) -> dict[str, list[str]]:
        """Return what nobody took: pattern (``annotations[].classes[].name``) to the dotted paths of the fields."""
        left: dict[str, list[str]] = {}
        for at, _ in self.leaves():
            pattern = dotted(step if isinstance(step, str) else "[]" for step in at).replace(".[]", "[]")
            left.setdefault(pattern, []).append(dotted(at))
        return left

    def leaves(self) -> list[tuple[Tokens, Any]]:
        """Return what nobody took, value by value, each with its path."""
        return [
            (at, value)
            for at, value in paths(self.plain)
            if not any(at[: len(at) - cut] in self.taken for cut in range(len(at)))
        ]
