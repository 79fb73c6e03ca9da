"""``mifa.yaml`` as an object: what it says, what reading it had to say, where everything stands."""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.errors import MetadataError
from micrographia.findings import Finding
from micrographia.metadata.fields import Record, as_plain, field_name
from micrographia.metadata.mifa import FORMAT, Mifa
from micrographia.metadata.reading import Reader
from micrographia.metadata.trees import dotted, paths
from micrographia.metadata.yaml_nodes import Mapping, Node, Scalar, from_plain
from micrographia.metadata.yaml_parsing import read_document


@dataclass(slots=True)
class Description:
    """What was read of a dataset's description.

    Parameters
    ----------
    mifa
        What it says.
    findings
        Every coercion, everything unknown or not valid, with the line.
    lines
        Dotted path of a field (``annotations[0].annotation_type``) to its line, counted from 1.
    open_fields
        Dotted paths of the fields that are still ``"?"``.
    path
        The file or folder that was read.
    """

    mifa: Mifa
    findings: list[Finding] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    open_fields: list[str] = field(default_factory=list)
    path: Path = Path()

    def line(self, at: str) -> int | None:
        """Return the line of a field, or of what it belongs to where it is not written."""
        while at and at not in self.lines:
            at = at[: max(at.rfind("."), at.rfind("["), 0)]
        return self.lines.get(at)

    @property
    def filled_fields(self) -> list[str]:
        """Dotted paths of the fields that hold a value; a list of texts counts once."""
        return [dotted(at) for at, _ in paths(self.mifa.plain())]


def load(path: Path | str) -> Description:
    """Read a ``mifa.yaml``, leniently.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Description
        With a finding for every coercion. Values that are not valid are kept as they are written, where possible.

    Raises
    ------
    MetadataError
        If the file cannot be read, is no YAML mapping or no safe YAML, or was written by a newer version.
    """
    path = Path(path)
    document = read_document(path)
    root = as_mapping(document.root, path)
    reader = Reader(path.name)
    for line in document.repaired:
        message = "a question mark without quotes was read as not filled in"
        reader.note("C021", f"line {line}", line, message, fix='Write "?" in quotes')
    return describe(root, reader, path)


def from_dict(values: AbstractMapping[str, Any], path: Path | str = "") -> Description:
    """Read a description from dictionaries and lists, as leniently as a file.

    Parameters
    ----------
    values
        What ``mifa.yaml`` would hold.
    path
        Name that the findings carry.
    """
    node = from_plain({"micrographia_format": FORMAT, **as_plain(values)})
    path = Path(path)
    return describe(as_mapping(node, path), Reader(path.name), path)


def empty(path: Path | str = "") -> Description:
    """Return the description of a dataset that nobody has described yet."""
    return Description(Mifa(), path=Path(path))


def as_mapping(node: Node | None, path: Path | str) -> Mapping:
    """Return the root of a document.

    Raises
    ------
    MetadataError
        If it is empty or no mapping.
    """
    if isinstance(node, Mapping):
        return node
    remedy = "Start from a fresh one: micrographia describe FOLDER"
    if node is None or (isinstance(node, Scalar) and node.is_null):
        raise MetadataError(path, "it is empty", remedy)
    found = "a list" if not isinstance(node, Scalar) else "a single text"
    raise MetadataError(path, f"it is {found}, not a mapping of field names to values", remedy)


def describe(root: Mapping, reader: Reader, path: Path) -> Description:
    """Read the root of a description.

    Raises
    ------
    MetadataError
        If it was written by a newer version.
    """
    written = next(
        (key for key, _ in root.merged() if field_name(Mifa, key.text) == "micrographia_format"), None
    )
    if written is None:
        message = f"micrographia_format is not given; {FORMAT} was assumed"
        reader.note(
            "C022", "micrographia_format", root.line, message, fix=f"Write micrographia_format: {FORMAT}"
        )
    mifa = reader.record(Mifa, root)
    if "micrographia_format" in mifa.unread or not 1 <= mifa.micrographia_format <= FORMAT:
        found = mifa.unread.get("micrographia_format", mifa.micrographia_format)
        newer = isinstance(found, int) and found > FORMAT
        raise MetadataError(
            path,
            f"line {written.line if written else 1}: micrographia_format is {found!r}; this version reads {FORMAT}",
            "Install a newer version of micrographia" if newer else f"Write micrographia_format: {FORMAT}",
        )
    return Description(mifa, reader.findings(), reader.lines, reader.open_fields, path)


def value_at(mifa: Record, at: str) -> Any:
    """Return the value at a dotted path of a description: a record, a list, a scalar, or None if there is none."""
    value: Any = mifa
    for name, number in re.findall(r"([^.\[\]]+)|\[([0-9]+)\]", at):
        if number:
            value = value[int(number)] if isinstance(value, list) and int(number) < len(value) else None
        elif isinstance(value, Record):
            value = (
                getattr(value, name, None) if name in type(value).model_fields else value.unknown.get(name)
            )
        elif isinstance(value, AbstractMapping):
            value = value.get(name)
        else:
            return None
    return value
