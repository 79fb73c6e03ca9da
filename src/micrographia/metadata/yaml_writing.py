"""Plain values as YAML that is a pleasure to edit: few quotes, long prose folded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from micrographia.metadata.yaml_nodes import Scalar, resolve

WIDTH = 100
"""Column at which prose is folded."""

_WORDS_OF_YAML = frozenset({"yes", "no", "on", "off", "=", "<<", "true", "false", "null", "~"})


class OneLine(str):
    """A text that is written on one line, however long it is."""

    __slots__ = ()


def scalar(value: Any) -> str:
    """Return a scalar on one line.

    Parameters
    ----------
    value
        Text, number, truth value or None.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = repr(value)
        return text if resolve(Scalar(text, plain=True)) == value else quoted(text)
    text = str(value)
    return text if _is_plain(text) else quoted(text)


def quoted(text: str) -> str:
    """Return a text in double quotes, on one line, with escapes for what cannot be seen."""
    inside = json.dumps(text, ensure_ascii=False)[1:-1]
    shown = [character if character.isprintable() else _escape(character) for character in inside]
    return f'"{"".join(shown)}"'


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str) -> bool:
    if not text or text != text.strip() or not text.isprintable() or text.lower() in _WORDS_OF_YAML:
        return False
    if (
        text[0] in "-?:,[]{}#&*!|>'\"%@`"
        or text[-1] == ":"
        or ": " in text
        or " #" in text
        or "\ufeff" in text
    ):
        return False
    if re.fullmatch(r"[-+.0-9][-+.0-9:_eExXoOa-fA-FTZ ]*", text):
        return False
    return resolve(Scalar(text, plain=True)) == text


def text_block(text: str, indent: int) -> tuple[str, list[str]] | None:
    """Return a long or many-lined text as the header and the lines of a block; None if it belongs on one line.

    Parameters
    ----------
    text
        The text.
    indent
        Columns before each line of the block.
    """
    margin = " " * indent
    if isinstance(text, OneLine):
        return None
    if "\n" in text:
        lines = text.split("\n")
        header = "|-"
        if lines[-1] == "":
            header = "|"
            lines.pop()
        odd = not lines or not lines[0] or lines[0][0] == " " or not lines[-1]
        if odd or any(
            (line and not line.strip()) or not line.isprintable() or "\ufeff" in line for line in lines
        ):
            return None
        return header, [margin + line if line else "" for line in lines]
    words = text.split(" ")
    if (
        len(text) + indent <= WIDTH
        or len(words) < 2
        or not all(words)
        or not text.isprintable()
        or "\ufeff" in text
    ):
        return None
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) + indent > WIDTH:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return ">-", [margin + line for line in lines]


def flow(value: Any) -> str:
    """Return a value in one line, in brackets, as it stands inside a list or mapping in brackets."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return quoted(value) if isinstance(value, str) else scalar(value)


def entry(key: str, value: Any, indent: int, note: str = "") -> list[str]:
    """Return the lines of a field in a mapping in block style.

    Parameters
    ----------
    key
        Name of the field.
    value
        Dictionaries, lists and scalars.
    indent
        Columns before the name.
    note
        A comment behind every scalar; empty for none.
    """
    margin = " " * indent + scalar(key) + ":"
    behind = f"  # {note}" if note else ""
    if isinstance(value, Mapping) and value:
        return [
            margin,
            *(line for name, item in value.items() for line in entry(str(name), item, indent + 2, note)),
        ]
    if isinstance(value, list | tuple) and value:
        return [margin, *(line for member in value for line in item_lines(member, indent + 2, note))]
    if isinstance(value, Mapping | list | tuple):
        return [f"{margin} {'{}' if isinstance(value, Mapping) else '[]'}{behind}"]
    block = text_block(value, indent + 2) if isinstance(value, str) else None
    if block:
        return [f"{margin} {block[0]}{behind}", *block[1]]
    return [f"{margin} {scalar(value)}{behind}"]


def item_lines(value: Any, indent: int, note: str = "") -> list[str]:
    """Return the lines of an item of a list in block style; ``indent`` columns stand before the dash."""
    margin = " " * indent
    behind = f"  # {note}" if note else ""
    if isinstance(value, Mapping) and value:
        lines = [line for name, item in value.items() for line in entry(str(name), item, indent + 2, note)]
        return [f"{margin}- {lines[0][indent + 2 :]}", *lines[1:]]
    if isinstance(value, list | tuple) and value:
        lines = [line for item in value for line in item_lines(item, indent + 2, note)]
        return [f"{margin}- {lines[0][indent + 2 :]}", *lines[1:]]
    if isinstance(value, Mapping | list | tuple):
        return [f"{margin}- {'{}' if isinstance(value, Mapping) else '[]'}{behind}"]
    block = text_block(value, indent + 2) if isinstance(value, str) else None
    if block:
        return [f"{margin}- {block[0]}{behind}", *block[1]]
    return [f"{margin}- {scalar(value)}{behind}"]


def document(values: Mapping[str, Any]) -> str:
    """Return a mapping as the text of a YAML document."""
    lines = [line for key, value in values.items() for line in entry(str(key), value, 0)]
    return "\n".join(lines) + "\n" if lines else "{}\n"
