"""A Croissant document as a dataset: ours and others'; nothing that its context names is fetched."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from micrographia.dataset.manifest import image_id, path_problem, unique_ids
from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import ExchangeError
from micrographia.exchange.codes import told
from micrographia.exchange.croissant.record_sets import without_opened
from micrographia.exchange.croissant.references import reference_findings
from micrographia.exchange.croissant.study import read_dataset_level
from micrographia.exchange.croissant.terms import (
    CONFORMS,
    CONTEXT,
    DESCRIPTION,
    FILES_AT,
    TABLE,
    Names,
    Node,
    nodes,
    text,
)
from micrographia.exchange.croissant.writing import NAME, PARTS, compose
from micrographia.exchange.remainder import over
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, described, file_table
from micrographia.findings import Finding
from micrographia.metadata import Description
from micrographia.remote import is_address

Row = dict[str, Any]


def read(source: Source, name: str) -> Submission:
    """Return what a document says.

    Parameters
    ----------
    source
        Where it is.
    name
        Its file name.

    Raises
    ------
    ExchangeError
        If it cannot be read, or holds no dataset.
    """
    held = source.json(name)
    findings: list[Finding] = []
    kept: list[Kept] = []
    document = _dataset_node(held, source, kept)
    names = Names(document.get("@context"))
    findings += _context(document.get("@context"), kept)
    description, whole = _description(names, document, findings)
    rows, base = _files(names, document, findings)
    findings += reference_findings(names, document)
    files = file_table(rows)
    folder = source.folder
    if folder is not None and not any(_there(folder, row) for row in rows[:50]):
        folder = None
    trial = Submission(description, files, Origin(NAME, files=base), folder=folder)
    kept += _left(names, document, trial, whole)
    findings += _kept_findings(kept)
    if names.get(document, "distribution") is None:
        findings.append(told("E010", "the document has no distribution: no file is listed"))
    origin = Origin(
        NAME, source.place if source.remote else source.name or name, base or source.base, tuple(kept)
    )
    return Submission(description, files, origin, [*description.findings, *findings], folder)


def _there(folder: Any, row: Row) -> bool:
    return not path_problem(row["Files"]) and (folder / row["Files"]).exists()


def _dataset_node(held: Any, source: Source, kept: list[Kept]) -> Node:
    outer: Node = {}
    several = held
    if isinstance(held, dict) and isinstance(held.get("@graph"), list):
        outer, several = held, held["@graph"]
    if isinstance(several, dict):
        return several
    items = [one for one in several if isinstance(one, dict)] if isinstance(several, list) else []
    context = outer.get("@context")
    for number, one in enumerate(items):
        if Names(one.get("@context", context)).kind(one) == "Dataset":
            kept += [Kept(f"@graph[{at}]", other) for at, other in enumerate(items) if at != number]
            return {"@context": context, **one} if context is not None else one
    raise ExchangeError(
        source.place, "holds no dataset", "Give a Croissant document: an object of type sc:Dataset"
    )


def _context(context: Any, kept: list[Kept]) -> list[Finding]:
    parts = nodes(context)
    for part in parts:
        for key, value in part.items() if isinstance(part, dict) else ():
            if key not in CONTEXT:
                kept.append(Kept(f"@context.{key}", value))
    remote = [part for part in parts if isinstance(part, str)]
    imported = [part for part in parts if isinstance(part, dict) and "@import" in part]
    if not remote and not imported:
        return []
    shown = remote[0] if remote else str(imported[0]["@import"])
    return [
        told(
            "E011",
            f"the context {shown[:100]!r} was not fetched; the terms of Croissant that are built in were used",
        )
    ]


def _description(names: Names, document: Node, findings: list[Finding]) -> tuple[Description, set[str]]:
    raw, whole = read_dataset_level(names, document)
    description = described(raw)
    rest = names.get(document, DESCRIPTION)
    if isinstance(rest, dict) and set(rest) == {"@value"}:
        rest = rest["@value"]
    if rest is None:
        return description, whole
    if not isinstance(rest, dict):
        findings.append(told("E009", f"{DESCRIPTION} is no object"))
        return description, whole
    # What is written beside our own terms counts only as far as they leave it open: it is compared afterwards.
    return described(over(description.mifa.plain(), rest)), whole if set(rest) <= {"annotations"} else set()


def _files(names: Names, document: Node, findings: list[Finding]) -> tuple[list[Row], str]:
    written = text(names.get(document, FILES_AT)) or ""
    written = written if is_address(written) else ""
    own = _own_list(names, document)
    if own is not None:
        return _own_rows(names, own, findings), written
    rows, base = _their_rows(names, document, findings)
    return rows, base if rows else written


def _own_list(names: Names, document: Node) -> Node | None:
    """Return the record set that is our file list; None in documents of others."""
    sets = [one for one in nodes(names.get(document, "recordSet")) if isinstance(one, dict)]
    return next((one for one in sets if names.get(one, TABLE) == "files"), None)


def _own_rows(names: Names, record_set: Node, findings: list[Finding]) -> list[Row]:
    columns = {
        str(one.get("@id")): text(names.get(one, "name")) or ""
        for one in nodes(names.get(record_set, "field"))
        if isinstance(one, dict)
    }
    rows = []
    for record in nodes(names.get(record_set, "data")):
        row: Row = {
            columns[key]: value
            for key, value in (record.items() if isinstance(record, dict) else ())
            if columns.get(key) and isinstance(value, str | int) and not isinstance(value, bool)
        }
        if not isinstance(row.get("Files"), str):
            findings.append(told("E009", "a record of the file list has no path"))
        elif problem := path_problem(row["Files"]):
            findings.append(told("E006", f"the path {row['Files'][:100]!r} {problem}", field="files"))
        else:
            rows.append(row)
    return rows


_TABLES = ("parquet", "csv", "tab-separated", "json", "arff", "spreadsheet", "excel")


def _their_rows(names: Names, document: Node, findings: list[Finding]) -> tuple[list[Row], str]:
    objects = [
        one
        for one in nodes(names.get(document, "distribution"))
        if isinstance(one, dict)
        and names.kind(one) in ("FileObject", "DataDownload", "MediaObject")
        and names.get(one, "containedIn") is None
        and "git" not in str(names.get(one, "encodingFormat"))
    ]
    addresses = [(one, text(names.get(one, "contentUrl")) or "") for one in objects]
    remote = [address for _, address in addresses if is_address(address)]
    base = _base(remote)
    rows: dict[str, Row] = {}
    for one, address in addresses:
        if remote and not (is_address(address) and address.startswith(base) and base):
            path, problem = address, "is not beside the others"
        else:
            path = unquote(address[len(base) :])
            problem = (
                "is not given"
                if not path
                else "has a query"
                if "?" in path and remote
                else path_problem(path)
            )
        if problem:
            findings.append(told("E006", f"the path {path[:100]!r} {problem}"))
        elif path in rows:
            findings.append(told("E012", f"the file {path[:100]!r} is listed twice"))
        else:
            rows[path] = _row(names, one, path)
    images = [row for row in rows.values() if row["role"] == "image"]
    wanted = [image_id(posixpath.basename(row["Files"]).partition(".")[0]) for row in images]
    for row, name in zip(images, unique_ids(wanted), strict=True):
        row["image"] = name
    return list(rows.values()), base


def _base(addresses: list[str]) -> str:
    plain = [one for one in addresses if not urlsplit(one).query]
    if not plain:
        return ""
    shared = posixpath.commonprefix([one[: one.rindex("/") + 1] for one in plain])
    shared = shared[: shared.rindex("/") + 1] if "/" in shared else ""
    return shared if re.fullmatch(r"\w+://[^/]+/.*", shared) else ""


def _row(names: Names, one: Node, path: str) -> Row:
    formats = str(names.get(one, "encodingFormat")).lower()
    kind = (
        "image" if "image/" in formats else "table" if any(word in formats for word in _TABLES) else "other"
    )
    size = re.fullmatch(r"([0-9]{1,18})( ?B)?", text(names.get(one, "contentSize")) or "")
    digest = (text(names.get(one, "sha256")) or "").lower()
    row: Row = {"Files": path, "role": kind}
    row |= {"size": int(size[1])} if size else {}
    return row | ({"sha256": digest} if re.fullmatch(r"[0-9a-f]{64}", digest) else {})


def _left(names: Names, document: Node, trial: Submission, whole: set[str]) -> list[Kept]:
    """Return what neither was read whole nor would be written again as it is."""
    again = compose(trial, False, {})
    if _own_list(names, document) is not None:
        objects = compose(trial, True, {})
        ids = {
            text(one.get("@id"))
            for one in nodes(names.get(document, "distribution"))
            if isinstance(one, dict)
        }
        again = objects if _matches(objects, ids) > _matches(again, ids) else again
    kept = []
    for key, value in document.items():
        meant = names.meant(str(key))
        if value is not None and key != names.key(document, meant):
            kept.append(Kept(f"@twice.{key}", value))
        elif value is None or meant in ("@context", "@type") or meant in whole or again.get(meant) == value:
            continue
        elif meant in PARTS:
            kept += _parts(names, meant, value, again)
        elif meant == "conformsTo" and set(map(str, nodes(value))) <= {
            *CONFORMS,
            "http://mlcommons.org/croissant/1.0",
        }:
            continue
        elif (meant, type(value)) != (DESCRIPTION, dict):
            kept.append(Kept(meant, value))
    return kept


def _matches(document: Node, ids: set[Any]) -> int:
    return sum(one["@id"] in ids for one in document.get("distribution", []))


def _parts(names: Names, part: str, value: Any, again: Node) -> list[Kept]:
    ours = {one["@id"]: without_opened(one) for one in again.get(part, [])}
    kept = []
    for number, one in enumerate(nodes(value)):
        if isinstance(one, dict) and ours.get(text(one.get("@id")) or "") == without_opened(one):
            continue
        if isinstance(one, dict) and names.get(one, TABLE) == "files":
            continue
        shown = text(one.get("@id")) if isinstance(one, dict) else None
        kept.append(Kept(f"{part}[{shown or number}]", one))
    return kept


def _kept_findings(kept: list[Kept]) -> list[Finding]:
    kinds: dict[str, list[Kept]] = {}
    for one in kept:
        kind = one.at if one.at.startswith("rai:") else re.split(r"[\[.]", one.at)[0]
        kinds.setdefault(kind, []).append(one)
    shown = {
        "@context": "terms of the context",
        "distribution": "entries of distribution",
        "recordSet": "record sets",
    }
    twice = kinds.pop("@twice", [])
    found = [told("E012", f"{len(twice)} properties occur twice, such as {twice[0].at[7:]}")] if twice else []
    return found + [
        told("E004", f"{len(held)} {shown[kind]}" if kind in shown else f"{kind}: {_short(held[0].value)}")
        for kind, held in kinds.items()
    ]


def _short(value: Any) -> str:
    words = str(value)
    return words if len(words) <= 60 else f"{words[:57]}..."
