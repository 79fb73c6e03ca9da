"""YAML read in bounded time and memory: nothing executed, nothing guessed, one error with its line.

The text is parsed by libyaml into events; the nodes are built here, so that limits on size, depth and aliases hold
before anything grows, scalars keep the characters that were written, and an editor can change one place of the text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from micrographia.errors import MetadataError
from micrographia.metadata.yaml_nodes import Mapping, Node, Scalar, Sequence

MAX_BYTES = 20_000_000
"""Largest file that is read."""
MAX_NODES = 1_000_000
"""Most values in a file, each alias counted as what it stands for, and long texts once for every 64 characters."""
MAX_DEPTH = 60
"""Deepest nesting."""
MAX_REPAIRS = 200
"""Most unquoted question marks that are put right while reading."""

_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
_CORE_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")
}


@dataclass(slots=True)
class Document:
    """A YAML text and its root; ``repaired`` are the lines on which an unquoted ``?`` was put into quotes."""

    text: str
    root: Node | None
    repaired: list[int]
    bom: bool = False


def read_text(path: Path) -> tuple[str, bool]:
    """Return the text of a file and whether it starts with a byte order mark.

    Raises
    ------
    MetadataError
        If it cannot be read, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise MetadataError(
            path, "there is no such file", "Make one with: micrographia describe FOLDER"
        ) from error
    except IsADirectoryError as error:
        raise MetadataError(path, "this is a folder, not a file", "Name the mifa.yaml inside it") from error
    except OSError as error:
        raise MetadataError(
            path, f"it cannot be read: {error.strerror}", "Look at its permissions"
        ) from error
    if len(data) > MAX_BYTES:
        raise MetadataError(
            path,
            f"it is larger than {MAX_BYTES // 1_000_000} MB, too large for a description",
            "Keep what holds for single files in files.tsv",
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MetadataError(path, "it is written in UTF-16", "Save it as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MetadataError(path, f"line {line} is not UTF-8", "Save the file as UTF-8") from error
    return text.removeprefix("\ufeff"), text.startswith("\ufeff")


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    MetadataError
        If it cannot be read or is no safe YAML.
    """
    text, bom = read_text(path)
    document = parse(text, path)
    document.bom = bom
    return document


def parse(text: str, path: Path | str = "") -> Document:
    """Parse a YAML text.

    Raises
    ------
    MetadataError
        With the line and a remedy, if it is no YAML, holds several documents or tags, or grows beyond the limits.
    """
    repaired: list[int] = []
    spent = 0
    while True:
        try:
            return Document(text, _Composer(text, path).compose(), repaired)
        except yaml.MarkedYAMLError as error:
            mark: Any = error.problem_mark
            at = int(mark.index) if mark else 0
            spent += at
            asked = (error.problem or "").startswith("mapping keys are not allowed") and text[
                at : at + 1
            ] == "?"
            if mark is None or not asked or len(repaired) >= MAX_REPAIRS or spent > 2 * MAX_BYTES:
                raise _told(error, text, path) from error
            line_end = re.compile(r"[ \t]+#|[ \t]*(?:\r?\n|$)").search(text, at)
            end = line_end.start() if line_end else len(text)
            text = text[:at] + json.dumps(text[at:end], ensure_ascii=False) + text[end:]
            repaired.append(mark.line + 1)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, int(error.position or 0)) + 1
            raise MetadataError(
                path,
                f"line {line} holds a control character",
                "Delete it, or write it as an escape in quotes",
            ) from error


_HINTS = (
    (
        "cannot start any token",
        "A value that starts with a special character, or a tab, must stand in quotes",
    ),
    (
        "mapping values are not allowed",
        "A text that holds a colon and a space must stand in quotes; look at the indent too",
    ),
    ("expected <block end>", "The indent of this line fits neither the line above nor the one it belongs to"),
    (
        "did not find expected key",
        "The indent of this line fits neither the line above nor the one it belongs to",
    ),
    (
        "did not find expected '-'",
        "The indent of this line fits neither the line above nor the one it belongs to",
    ),
    ("unexpected end of stream", "A quote or bracket is not closed"),
    ("could not find expected ':'", "A name must be followed by a colon and a space"),
    (
        "undefined alias",
        "The name after * is not defined in the file; a text that starts with * must stand in quotes",
    ),
)


def _told(error: yaml.MarkedYAMLError, text: str, path: Path | str) -> MetadataError:
    problem = error.problem or "this is not YAML"
    unclosed = "end of stream" in problem
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    line = min(mark.line, text.count("\n")) + 1 if mark else 1
    remedy = next((hint for part, hint in _HINTS if part in problem), "Look at this line and the one above")
    return MetadataError(path, f"line {line} is not valid YAML: {problem}", remedy)


class _Composer:
    def __init__(self, text: str, path: Path | str) -> None:
        self.text = text
        self.path = path
        self.stack: list[Sequence | Mapping] = []
        self.keys: list[Scalar | None] = []
        self.names: list[str | None] = []
        self.anchors: dict[str, Node | None] = {}
        self.nodes = 0
        self.root: Node | None = None
        self.documents = 0

    def refuse(self, mark: Any, problem: str, remedy: str) -> MetadataError:
        return MetadataError(self.path, f"line {mark.line + 1}: {problem}", remedy)

    def compose(self) -> Node | None:
        for event in yaml.parse(self.text, Loader=_LOADER):
            mark: Any = event.start_mark
            if isinstance(event, yaml.ScalarEvent):
                self.tag(event.tag, mark)
                plain = not event.style and event.tag is None
                end: Any = event.end_mark
                node = Scalar(event.value, plain, mark.line + 1, mark.column, mark.index, end.index)
                if event.style in ("|", ">"):
                    node.end = node.start + len(self.text[node.start : node.end].rstrip())
                self.anchor(event.anchor, node)
                self.add(node, mark)
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                self.open(event, mark)
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self.close(event.end_mark)
            elif isinstance(event, yaml.AliasEvent):
                self.add(self.alias(event, mark), mark)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise self.refuse(
                        mark, "a second YAML document starts here", "Keep one document to a file"
                    )
        return self.root

    def tag(self, tag: str | None, mark: Any) -> None:
        if tag is not None and tag not in _CORE_TAGS and tag != "!":
            shown = tag.replace("tag:yaml.org,2002:", "!!")[:60]
            raise self.refuse(mark, f"the tag {shown} is not allowed in a description", "Delete the tag")

    def anchor(self, name: str | None, node: Node | None) -> None:
        if name is not None:
            self.anchors[name] = node

    def open(self, event: Any, mark: Any) -> None:
        self.tag(event.tag, mark)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(
                mark, f"it is nested deeper than {MAX_DEPTH} levels", "A description is flatter than that"
            )
        kind = Sequence if isinstance(event, yaml.SequenceStartEvent) else Mapping
        node = kind(
            line=mark.line + 1,
            column=mark.column,
            start=mark.index,
            end=event.end_mark.index,
            flow=bool(event.flow_style),
        )
        self.anchor(event.anchor, None)
        self.names.append(event.anchor)
        self.stack.append(node)
        self.keys.append(None)

    def close(self, end: Any) -> None:
        node = self.stack.pop()
        self.keys.pop()
        self.anchor(self.names.pop(), node)
        if node.flow:
            node.end = end.index
        self.add(node, end, counted=True)

    def alias(self, event: Any, mark: Any) -> Node:
        if event.anchor not in self.anchors:
            raise self.refuse(
                mark, f"*{event.anchor} stands for nothing", "Put a text that starts with * into quotes"
            )
        target = self.anchors[event.anchor]
        if target is None:
            raise self.refuse(mark, f"*{event.anchor} contains itself", "Write out what is meant")
        place = {"line": mark.line + 1, "start": mark.index, "end": event.end_mark.index}
        if isinstance(target, Scalar):
            return replace(target, **place)
        return replace(target, alias=True, flow=False, **place)

    def add(self, node: Node, mark: Any, *, counted: bool = False) -> None:
        weight = 1 + len(node.text) // 64 if isinstance(node, Scalar) else node.weight
        height = 0 if isinstance(node, Scalar) else node.height
        self.nodes += 1 if counted else weight
        if self.nodes > MAX_NODES:
            raise self.refuse(
                mark,
                f"it holds more than {MAX_NODES:,} values, each alias (*) counted as what it stands for",
                "Keep what holds for single files in files.tsv",
            )
        if len(self.stack) + height > MAX_DEPTH:
            raise self.refuse(
                mark, f"it is nested deeper than {MAX_DEPTH} levels", "A description is flatter than that"
            )
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.weight += weight
        parent.height = max(parent.height, height + 1)
        if isinstance(parent, Sequence):
            parent.items.append(node)
        else:
            key = self.keys[-1]
            if key is None:
                if not isinstance(node, Scalar):
                    raise self.refuse(
                        mark, "a list or mapping cannot be the name of a field", "Name the field in words"
                    )
                self.keys[-1] = node
                if not parent.entries:
                    parent.column, parent.line = node.column, node.line
            else:
                parent.entries.append((key, node))
                self.keys[-1] = None
        if not parent.flow:
            parent.end = max(parent.end, node.end)
