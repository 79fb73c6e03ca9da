"""A fresh ``mifa.yaml``: every field says what it means, with an example; what nobody knows yet is ``"?"``."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from micrographia.metadata.document import from_dict
from micrographia.metadata.fields import Record, Shown, Spec, field_name, fields_of, specs
from micrographia.metadata.mifa import FORMAT, Mifa
from micrographia.metadata.study import Version
from micrographia.metadata.trees import OPEN, empty, nested
from micrographia.metadata.yaml_writing import WIDTH, entry, scalar

FROM_FILES = "from the files"
"""The comment behind a value that was read from the images."""
FROM_LAB = "from your lab file"
"""The comment behind a value that was read from the defaults of the lab."""

_HEAD = """\
# What this dataset is, for the people who will use it. Written by Micrographia, finished by you.
#
#   "?"   a fact that only you know: write it over the question mark, or leave it for later
#   e.g.  an example of what to write
#
# Lines that start with # are notes; a field in such a line is used once the # is gone.
# When you are done:  micrographia check FOLDER
"""


def template(
    values: Mapping[str, Any] | None = None, lab: Mapping[str, Any] | None = None, *, schema: str = ""
) -> str:
    """Return the text of a fresh ``mifa.yaml``.

    Parameters
    ----------
    values
        What is known from the files, in the shape of ``mifa.yaml``; dotted paths (``study.title``) work as names too.
    lab
        What holds for everything that the lab makes, in the same shape: see :func:`micrographia.metadata.defaults`.
    schema
        Address or path of the JSON Schema, for editors; empty for none.

    Returns
    -------
    str
        YAML in which every field has a comment; what is known is filled in and says where it is from.
    """
    known = from_dict(nested(values or {})).mifa.plain()
    defaults = from_dict(nested(lab or {})).mifa.plain()
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines += _HEAD.splitlines()
    for spec in specs(Mifa).values():
        lines.append("")
        if spec.name == "micrographia_format":
            lines += [f"# {spec.meaning}", f"{spec.name}: {FORMAT}"]
        else:
            lines += field_lines(spec, known.get(spec.name), defaults.get(spec.name), 0)
    for key, value in known.items():
        if field_name(Mifa, key) is None:
            lines += ["", *entry(key, value, 0, FROM_FILES)]
    return "\n".join(lines) + "\n"


def field_lines(
    spec: Spec, value: Any, default: Any, indent: int, *, ask: bool = True, said: bool = True
) -> list[str]:
    """Return the lines of a field: its comment, then its value.

    Parameters
    ----------
    spec
        The field.
    value, default
        What is known from the files and from the lab; None for nothing. What the files say counts.
    indent
        Columns before its name.
    ask
        Whether fields that nobody knows are written as ``"?"`` or offered as notes.
    said
        Whether a value says where it is from.
    """
    if empty(value) and empty(default):
        return unknown_lines(spec, indent) if ask else []
    said = said and spec.record is not Version
    note = "" if not said else FROM_LAB if empty(value) else FROM_FILES
    margin = " " * indent
    if spec.record is None:
        return [*_comment(spec, indent), *entry(spec.name, default if empty(value) else value, indent, note)]
    lines = [*_comment(spec, indent), f"{margin}{spec.name}:"]
    if not spec.many:
        known = fields_of(spec.record, value)
        return lines + record_lines(
            spec.record, known, fields_of(spec.record, default), indent + 2, ask=ask, said=said
        )
    records, others = _records(spec.record, value), _records(spec.record, default)
    if not records:
        records, others = [{}] * len(others), others
    elif len(others) > 1 or len(records) > 1:
        others = []
    for number, record in enumerate(records):
        other = others[number] if number < len(others) else {}
        body = record_lines(spec.record, record, other, indent + 4, ask=ask, said=said)
        lines += item_of(body, indent + 2)
    return lines


def record_lines(
    model: type[Record],
    value: Mapping[str, Any],
    default: Mapping[str, Any],
    indent: int,
    *,
    ask: bool = True,
    said: bool = True,
) -> list[str]:
    """Return the lines of the fields of a record."""
    lines: list[str] = []
    for spec in specs(model).values():
        lines += field_lines(spec, value.get(spec.name), default.get(spec.name), indent, ask=ask, said=said)
    for key, item in value.items():
        if key not in specs(model):
            lines += entry(key, item, indent, FROM_FILES if said else "")
    return lines


def _records(model: type[Record], value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else [] if empty(value) else [value]
    return [fields_of(model, item) for item in items]


def unknown_lines(spec: Spec, indent: int) -> list[str]:
    """Return the lines of a field that nobody knows: asked for as ``"?"``, or offered as a note."""
    margin = " " * indent
    if spec.show is Shown.HIDE:
        return []
    if spec.show is Shown.OFFER:
        return [f"{margin}# {line}" if line else f"{margin}#" for line in _offer(spec)]
    comment = _comment(spec, indent)
    if spec.record is None or spec.example is not None:
        return [*comment, f"{margin}{spec.name}: {scalar(OPEN)}"]
    if not spec.many:
        return [*comment, f"{margin}{spec.name}:", *record_lines(spec.record, {}, {}, indent + 2)]
    return [
        *comment,
        f"{margin}{spec.name}:",
        *item_of(record_lines(spec.record, {}, {}, indent + 4), indent + 2),
    ]


def item_of(lines: list[str], indent: int) -> list[str]:
    """Put the dash of a list before the first field; comments before it stay above the dash."""
    first = next(
        (number for number, line in enumerate(lines) if not line.lstrip().startswith("#")), len(lines)
    )
    if first == len(lines):
        return [*lines, f"{' ' * indent}- {{}}"]
    above = [line.removeprefix("  ") for line in lines[:first]]
    return [*above, f"{' ' * indent}- {lines[first].lstrip()}", *lines[first + 1 :]]


def _comment(spec: Spec, indent: int) -> list[str]:
    margin = " " * indent + "# "
    meaning = textwrap.wrap(spec.meaning, WIDTH - len(margin), break_long_words=False, break_on_hyphens=False)
    example = _example(spec)
    if not example:
        return [margin + line for line in meaning]
    if len(meaning) == 1 and len(margin) + len(meaning[0]) + len(example) + 8 <= WIDTH:
        return [f"{margin}{meaning[0]}  e.g. {example}"]
    lines = textwrap.wrap(
        f"e.g. {example}", WIDTH - len(margin), break_long_words=False, break_on_hyphens=False
    )
    return [margin + line for line in (*meaning, *lines)]


def _example(spec: Spec) -> str:
    if spec.example is None:
        return ""
    if isinstance(spec.example, list):
        return "[" + ", ".join(scalar(item) for item in spec.example) + "]"
    return scalar(spec.example)


def _offer(spec: Spec) -> list[str]:
    """Return the lines of a field that is offered, to be written behind ``#``: its meaning, then an example."""
    meaning = textwrap.wrap(spec.meaning, WIDTH - 12, break_long_words=False, break_on_hyphens=False)
    return [*meaning, *entry(spec.name, example_of(spec), 0)]


def example_of(spec: Spec) -> Any:
    """Return an example of a value of a field, as dictionaries, lists and scalars."""
    if spec.record is None:
        example = spec.example
    else:
        shown = {name: inner for name, inner in specs(spec.record).items() if inner.show is not Shown.HIDE}
        example = {
            name: example_of(inner) for name, inner in shown.items() if not inner.many or inner.record is None
        }
    return [example] if spec.many and not isinstance(example, list) else example
