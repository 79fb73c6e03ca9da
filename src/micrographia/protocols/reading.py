"""Reading protocols: a file, or the name of one that comes along."""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from micrographia.errors import MetadataError, ProtocolError
from micrographia.metadata.yaml_nodes import Mapping, Node, Sequence, plain
from micrographia.metadata.yaml_parsing import parse, read_document
from micrographia.protocols.protocol import Protocol


def included() -> dict[str, str]:
    """Return the protocols that come along: name to title."""
    return {name: load_protocol(name).title for name in _included_names()}


def _included_names() -> list[str]:
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in files(__package__).iterdir()
        if entry.name.endswith(".yaml")
    )


def load_protocol(named: str | os.PathLike[str]) -> Protocol:
    """Read a protocol.

    Parameters
    ----------
    named
        A YAML file, or the name of a protocol that comes along (see :func:`included`).

    Raises
    ------
    ProtocolError
        If there is no such file or protocol, it is no YAML, or it does not say what a protocol must; with the line.
    """
    text = os.fspath(named)
    path = Path(text)
    try:
        if text in _included_names() and not path.is_file():
            place = files(__package__) / f"{text}.yaml"
            root, where = parse(place.read_text("utf-8"), text).root, text
            beside: Callable[[str], str] = lambda name: (files(__package__) / name).read_text("utf-8")  # noqa: E731
        elif not path.is_file():
            raise ProtocolError(text, *_absent(text))
        else:
            root, where = read_document(path).root, text
            beside = lambda name: (path.parent / name).read_text("utf-8-sig")  # noqa: E731
    except MetadataError as error:
        raise ProtocolError(error.path, error.problem, "Correct the YAML") from error
    if not isinstance(root, Mapping):
        raise ProtocolError(where, "is no protocol: it holds no keys", "See docs/probe.md for an example")
    if not any(key.text == "micrographia_protocol" for key, _ in root.entries):
        raise ProtocolError(
            where, "is no protocol: micrographia_protocol: 1 is missing", "See docs/probe.md for an example"
        )
    try:
        return Protocol.model_validate(_with_pairs(plain(root), where, beside))
    except ValidationError as error:
        raise ProtocolError(where, *_told(error, root)) from error


def _with_pairs(document: Any, where: str, beside: Callable[[str], str]) -> Any:
    """Return a protocol with the files that tasks name as ``pairs`` read in, so that its checksum covers them.

    Such a file lies beside the protocol: CSV or TSV, a pair of names in the first two columns of each line.
    """
    tasks = document.get("tasks") if isinstance(document, dict) else None
    for task in tasks if isinstance(tasks, list) else ():
        named = task.get("pairs") if isinstance(task, dict) else None
        if not isinstance(named, str):
            continue
        if PurePosixPath(named).is_absolute() or ".." in PurePosixPath(named).parts or "\\" in named:
            raise ProtocolError(
                where, f"names pairs outside its folder: {named}", "Put the table beside the protocol"
            )
        try:
            text = beside(named)
        except (OSError, UnicodeDecodeError) as error:
            raise ProtocolError(
                where, f"names pairs in {named}, which cannot be read", "Correct its name"
            ) from error
        task["pairs"] = _pairs(text, f"{where}: {named}")
    return document


def _pairs(text: str, where: str) -> list[list[str]]:
    found = []
    lines = text.splitlines()
    reader = csv.reader(lines, delimiter="\t" if lines and "\t" in lines[0] else ",")
    for number, cells in enumerate(reader, 1):
        if not any(cell.strip() for cell in cells):
            continue
        pair = [cell.strip() for cell in cells[:2]]
        if len(pair) < 2 or not all(pair):
            raise ProtocolError(
                where, f"line {number} is no pair of names", "Write two names, with a comma or a tab"
            )
        found.append(pair)
    return found


def _absent(text: str) -> tuple[str, str]:
    names = _included_names()
    close = difflib.get_close_matches(text, names, 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return "there is no such file, nor a protocol of that name", f"{hint}Protocols are {', '.join(names)}"


def _told(error: ValidationError, root: Mapping) -> tuple[str, str]:
    """Return problem and remedy of the first thing that is wrong, with its line."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    line = _line(root, first["loc"])
    where = f"line {line}: " if line else ""
    if first["type"] == "missing":
        return f"{where}{place} is missing", "Add it"
    if first["type"] == "extra_forbidden":
        owner = Protocol
        known = list(owner.model_fields)
        close = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
        hint = f"Did you mean {close[0]}?" if close else "Take it out"
        return f"{where}{place} is no key of a protocol", hint
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}{place + ': ' if place else ''}{message}", "Correct it"


def _line(node: Node, place: tuple[int | str, ...]) -> int:
    """Return the line on which a key or item stands; of the last part that is in the file."""
    line = 0
    for part in place:
        found: Node | None = None
        if isinstance(node, Mapping):
            for key, value in node.merged():
                if key.text == part:
                    found, line = value, key.line
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            found = node.items[part]
            line = found.line
        if found is None:
            break
        node = found
    return line
