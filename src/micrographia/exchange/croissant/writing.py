"""A dataset as a Croissant document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from micrographia.errors import MicrographiaError
from micrographia.exchange.codes import told
from micrographia.exchange.croissant.listing import Listing
from micrographia.exchange.croissant.rai import answers
from micrographia.exchange.croissant.record_sets import RecordSets
from micrographia.exchange.croissant.resources import Resources
from micrographia.exchange.croissant.study import READERS, dataset_level, read_dataset_level
from micrographia.exchange.croissant.terms import (
    CONFORMS,
    CONTEXT,
    DESCRIPTION,
    FILES_AT,
    Ids,
    Names,
    Node,
    is_zarr,
    text,
    texts,
)
from micrographia.exchange.remainder import beyond
from micrographia.exchange.submission import Submission, described
from micrographia.findings import Finding
from micrographia.metadata.taking import Plain

NAME = "croissant"
PARTS = ("distribution", "recordSet")
"""Properties whose items are kept one by one."""
_FIRST = ("name", "description", "conformsTo", "license", "url")
_REQUIRED = {
    "name": ("study.title", "write a title"),
    "description": ("study.description", "write a description"),
    "license": ("study.license", "choose a licence"),
    "url": ("study.doi", "write the DOI of the dataset, or its accession, once it is deposited"),
    "creator": ("study.authors", "name the authors"),
    "datePublished": ("study.release_date", "write when it is released"),
}
_RECOMMENDED = {
    "version": ("versions", "add a release with its number, as 1.0.0"),
    "distribution": ("files", "list the files"),
}
_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)([-+][0-9A-Za-z.+-]+)?)?)?")


def compose(submission: Submission, one_by_one: bool, opened: Mapping[str, dict[str, Any]]) -> Node:
    """Return the document of a dataset, without anything that was kept of another.

    Parameters
    ----------
    submission
        What travels.
    one_by_one
        Whether each file with a checksum is a FileObject of its own.
    opened
        Image id to what its files say.
    """
    plain = submission.mifa.plain()
    listing = Listing.of(submission)
    kept = {one.at: one.value for one in submission.origin.kept} if submission.origin.format == NAME else {}
    ids = Ids(_ids(kept))
    resources = Resources(listing, ids, one_by_one, _known(kept))
    record_sets = RecordSets(plain, listing, resources, ids).make(dict(opened))
    level = dataset_level(plain) | answers(plain, listing.splits)
    document: Node = {"@context": CONTEXT, "@type": "sc:Dataset"}
    level["conformsTo"] = list(CONFORMS)
    document |= {name: level[name] for name in _FIRST if name in level}
    document |= {name: value for name, value in level.items() if name not in _FIRST}
    back = described(read_dataset_level(Names(CONTEXT), level)[0])
    rest = beyond(plain, back.mifa.plain())
    document |= {DESCRIPTION: rest} if rest else {}
    document |= {FILES_AT: listing.base} if listing.base else {}
    document |= {"distribution": resources.items} if resources.items else {}
    document |= {"recordSet": record_sets} if record_sets else {}
    return document


def _ids(kept: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    layer = [value for at, value in kept.items() if at.startswith(PARTS)]
    while layer:
        value = layer.pop()
        if isinstance(value, dict):
            found |= {value["@id"]} if isinstance(value.get("@id"), str) else set()
            layer += list(value.values())
        elif isinstance(value, list):
            layer += value
    return found


def _known(kept: Mapping[str, Any]) -> dict[str, str]:
    names = Names(CONTEXT)
    found = {}
    for at, value in kept.items():
        if at.startswith("distribution[") and isinstance(value, dict):
            address, own = text(names.get(value, "contentUrl")), text(value.get("@id"))
            if address and own and names.get(value, "containedIn") is None:
                found[address] = own
    return found


def write(submission: Submission, one_by_one: bool) -> tuple[Node, list[Finding]]:
    """Return the document of a dataset, with what was kept of the one that it was read from, and findings."""
    opened, unopened = _opened(submission)
    document = compose(submission, one_by_one, opened)
    findings = _restore(document, submission)
    for name, (field, fix) in _REQUIRED.items():
        if not document.get(name):
            findings.append(told("E003", f"Croissant requires {name}", field=field, fix=fix))
    for name, (field, fix) in _RECOMMENDED.items():
        if not document.get(name):
            findings.append(told("E010", f"Croissant recommends {name}", field=field, fix=fix))
    version = document.get("version")
    if isinstance(version, str) and not _VERSION.fullmatch(version):
        message = f"Croissant recommends versions as 1.0.0, not {version[:40]!r}"
        findings.append(told("E010", message, fix="number the next release so"))
    if unopened:
        message = f"{len(unopened)} images cannot be opened: their axes, shape and pixel size are not said"
        findings.append(told("E010", message, path=unopened[0], fix="run micrographia check"))
    if any(is_zarr(path) for path in Listing.of(submission).paths):
        message = (
            "Croissant has no type for OME-Zarr: its folders are sets of files, with axes, shape, data type and pixel "
            "size in the record set images; pyramid levels, translations and colours are not said"
        )
        findings.append(told("E002", message, fix="open the pixels with an OME-Zarr reader"))
    return document, findings


def _opened(submission: Submission) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return what the files say of each image, and the images of which none can be opened."""
    if submission.folder is None:
        return {}, []
    dataset = submission.dataset()
    found: dict[str, dict[str, Any]] = {}
    failed = []
    for name in dataset.image_ids:
        try:
            image = dataset.image(name)
        except (MicrographiaError, OSError, ValueError):
            failed.append(name)
            continue
        sizes = [image.scale.get(axis.lower()) for axis in image.axes]
        found[name] = {
            "image axes": str(image.axes),
            "shape": [int(length) for length in image.shape],
            "data type": str(image.dtype),
            "pixel size": [float(size) if size else 1.0 for size in sizes] if any(sizes) else None,
            "pixel unit": [image.units.get(axis.lower()) or "" for axis in image.axes]
            if any(sizes)
            else None,
            "channels": [channel.name for channel in image.channels]
            if any(c.name for c in image.channels)
            else None,
        }
        image.close()
    return found, failed


def _restore(document: Node, submission: Submission) -> list[Finding]:
    kept = submission.origin.kept
    if submission.origin.format != NAME:
        kinds = dict.fromkeys(re.sub(r"\[[^\]]*\]", "[]", one.at) for one in kept)
        return [
            told(
                "E005",
                f"what was kept of {submission.origin.format or 'the source'} as {kind!r} has no place",
            )
            for kind in kinds
        ]
    context = dict(CONTEXT)
    findings = []
    for one in kept:
        if one.at.startswith("@context."):
            context.setdefault(one.at.removeprefix("@context."), one.value)
    document["@context"] = context
    names = Names(context)
    for one in kept:
        part = one.at.partition("[")[0]
        if one.at.startswith("@context"):
            continue
        if part == "conformsTo":
            other = [name for name in texts(one.value) if "mlcommons.org/croissant" not in name]
            document[part] = [*document[part], *other]
        elif part in (DESCRIPTION, FILES_AT) or part.startswith("@"):
            findings.append(told("E005", f"{part} of the document that was read is not written again"))
        elif part in PARTS and one.at != part:
            document.setdefault(part, []).append(one.value)
        elif part not in READERS or _says(names, part, one.value) == _says(names, part, document.get(part)):
            document[part] = one.value
        else:
            message = f"{part} was changed since it was read; what it said then is not written"
            findings.append(told("E005", message))
    return findings


def _says(names: Names, name: str, value: Any) -> Plain:
    found = {} if value is None else READERS[name](names, value)[0]
    return described({"study": found}).mifa.plain()
