"""A dataset becomes a submission: the record, its file lists, and the files."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from micrographia.dataset.origin import Kept
from micrographia.exchange.codes import told
from micrographia.exchange.comparing import differing
from micrographia.exchange.pagetab.encoding import Encoder
from micrographia.exchange.pagetab.list_writing import (
    Line,
    as_json,
    assign,
    entry,
    lines_of,
    merged,
    tsv,
)
from micrographia.exchange.pagetab.lists import ALLOWED
from micrographia.exchange.pagetab.places import FILE_LIST
from micrographia.exchange.pagetab.record import NAME, read_record
from micrographia.exchange.pagetab.tsv import write as write_tsv
from micrographia.exchange.pagetab.uploading import NONE, ZIP, Upload, carry, mode_of, plan
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata.values import quoted

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "study": ("title", "description", "keywords", "license", "authors", "release_date"),
    "biosamples": ("title", "organism", "biological_entity"),
    "specimens": ("title", "sample_preparation"),
    "image_acquisitions": ("title", "imaging_method", "imaging_instrument", "image_acquisition_parameters"),
    "study_components": ("name", "description"),
    "annotations": ("name", "annotation_overview", "annotation_type", "annotation_method"),
}
"""What the archive's templates ask for."""


@dataclass(slots=True)
class Composed:
    """A submission before it is written.

    Parameters
    ----------
    document
        The record, as JSON has it.
    lists
        Name of a file list to its lines.
    uploads
        What is uploaded for each row of the dataset; None where the file is not there.
    findings
        What changed, what is missing, what has no place.
    """

    document: dict[str, Any]
    lists: dict[str, list[Line]]
    uploads: list[Upload | None]
    findings: list[Finding]


def write_submission(submission: Submission, target: Path, options: Mapping[str, str]) -> list[Finding]:
    """Write a submission into an empty folder: the record, its file lists, and the files.

    Raises
    ------
    MicrographiaError
        If files are asked for that are not on this machine, or one cannot be read.
    """
    findings: list[Finding] = []
    rows = [
        {str(key): value for key, value in row.items() if key != "line"}
        for row in submission.files.to_dict("records")
    ]
    mode = mode_of(options["files"], submission.folder, [row["Files"] for row in rows])
    elsewhere = mode == NONE and bool(submission.origin.files)
    uploads = plan(rows, submission.folder, mode, rename=not elsewhere)
    if submission.folder is not None and mode != NONE:
        _carry(rows, uploads, submission.folder, target)
    composed = compose(submission, rows, uploads, options["lists"])
    findings += composed.findings
    if elsewhere:
        bad = sorted({row["Files"] for row in rows if not ALLOWED.fullmatch(row["Files"])})
        if bad:
            what = f"{len(bad):,} paths hold characters that the archive does not allow; the files have them there"
            findings.append(told("E002", what, path=bad[0]))
    folders = sum(upload is not None and upload.kind == "tree" for upload in uploads) if mode == ZIP else 0
    if folders:
        findings.append(
            told("E002", f"{folders:,} folders have no zipped form, as OME-Zarr 0.4; they were copied")
        )
    for name, lines in composed.lists.items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        text = tsv(lines, findings) if name.endswith(".tsv") else as_json(lines)
        place.write_text(text, "utf-8", newline="")
    is_json = options["format"] == "json"
    text = json.dumps(composed.document, ensure_ascii=False, indent=1) + "\n"
    if not is_json:
        text = write_tsv(composed.document, findings)
    name = _free(f"{record_name(composed.document)}.{options['format']}", composed)
    (target / name).write_text(text, "utf-8", newline="")
    return findings


def compose(
    submission: Submission, rows: list[dict[str, Any]], uploads: list[Upload | None], ending: str
) -> Composed:
    """Return the record and the file lists of a submission; sizes in ``rows`` are those of the uploads."""
    findings: list[Finding] = []
    plain = copy.deepcopy(submission.mifa.plain())
    kept = submission.origin.kept if submission.origin.format == NAME else ()
    if submission.origin.format != NAME:
        kinds = Counter(re.sub(r"\[[0-9]+\]", "[]", one.at) for one in submission.origin.kept)
        findings += [
            told(
                "E005",
                f"what {submission.origin.format} had at {quoted(at)} was not written ({count:,} times)",
            )
            for at, count in kinds.items()
        ]
    listed = assign(rows, plain, findings)
    missing = sorted({row["Files"] for row, upload in zip(rows, uploads, strict=True) if upload is None})
    if missing:
        what = f"{len(missing):,} files are not there, as {missing[0]}; they are in no file list"
        findings.append(told("E013", what, field="files", path=missing[0]))
    lines = lines_of(rows, uploads, listed, findings)
    names = {one.at.removesuffix("/list"): one.value for one in kept if one.at.endswith("/list")}
    lists: dict[str, list[Line]] = {}
    taken = {upload.target.casefold() for upload in uploads if upload is not None}
    at_lists: dict[str, str] = {}
    for field, short, held in (
        ("study_components", "component", listed.components),
        ("annotations", "annotations", listed.sets),
    ):
        for number, numbers in held.items():
            at = f"{field}[{number}]"
            ready = merged([lines[one] for one in numbers if one in lines], findings)
            if ready:
                name = _list_name(names.get(at), f"file_list_{short}_{number + 1}", ending, taken)
                lists[name] = ready
                at_lists[at] = name
    encoder = Encoder(plain, kept, at_lists)
    document = encoder.document()
    attached = merged([lines[one] for one in listed.attached if one in lines], findings)
    if attached:
        section = document["section"]
        document["section"] = {
            **{key: value for key, value in section.items() if key != "subsections"},
            "files": [entry(line) for line in attached],
            "subsections": section["subsections"],
        }
    findings += encoder.told()
    findings += _missing(plain, kept, at_lists)
    findings += _unequal(submission, document, findings)
    return Composed(document, lists, uploads, findings)


def record_name(document: Mapping[str, Any]) -> str:
    """Return how the file of a record is called: by its accession number, if it has one."""
    accession = str(document.get("accno") or "")
    return accession if re.fullmatch(r"[A-Za-z0-9-]{1,60}", accession) else "submission"


def _carry(rows: list[dict[str, Any]], uploads: list[Upload | None], folder: Path, target: Path) -> None:
    done: dict[str, tuple[int, str]] = {}
    wanted = {upload.target: upload for upload in uploads if upload is not None}
    for path in sorted(wanted, key=len):  # a folder before what lies in it
        done[path] = carry(wanted[path], folder, target)
    for row, upload in zip(rows, uploads, strict=True):
        size, digest = done[upload.target] if upload is not None else (-1, "")
        if digest:
            row["size"], row["sha256"] = size, digest


def _list_name(known: Any, fallback: str, ending: str, taken: set[str]) -> str:
    stem = re.sub(r"\.(json|tsv|txt|xlsx)$", "", known) if isinstance(known, str) else fallback
    fits = ALLOWED.fullmatch(stem) and not re.search(r"(^|/)\.{0,2}(/|$)", stem)
    name, number = f"{stem if fits else fallback}.{ending}", 1
    while name.casefold() in taken:
        name, number = f"{fallback}{f'-{number}' if number > 1 else ''}.{ending}", number + 1
    taken.add(name.casefold())
    return name


def _free(name: str, composed: Composed) -> str:
    taken = {one.casefold() for one in composed.lists}
    taken |= {upload.target.casefold() for upload in composed.uploads if upload is not None}
    while name.casefold() in taken:
        name = f"pagetab-{name}"
    return name


def _missing(plain: dict[str, Any], kept: Sequence[Kept], lists: Mapping[str, str]) -> list[Finding]:
    """Return a finding for each field that the templates ask for."""
    patterns: dict[str, list[str]] = {}
    for name, fields in REQUIRED.items():
        value = plain.get(name)
        records = value if isinstance(value, list) else [value or {}]
        for number, one in enumerate(records):
            at = f"{name}[{number}]" if isinstance(value, list) else name
            for field in fields:
                if isinstance(one, dict) and not one.get(field):
                    patterns.setdefault(f"{name}{'[]' * isinstance(value, list)}.{field}", []).append(
                        f"{at}.{field}"
                    )
        if name not in ("study", "annotations") and not value:
            patterns.setdefault(name, []).append(name)
            patterns = {key: held for key, held in patterns.items() if not key.startswith(f"{name}.")}
        if name == "annotations" and not value:
            patterns = {key: held for key, held in patterns.items() if not key.startswith("annotations")}
    found = [
        told("E003", f"the archive asks for {pattern}", fields=held, fix=f"Fill in {held[0]}")
        for pattern, held in patterns.items()
    ]
    for field, what in (("study_components", "study component"), ("annotations", "annotation set")):
        for number, one in enumerate(plain.get(field, [])):
            at = f"{field}[{number}]"
            if at not in lists:
                held = [
                    piece.value["value"]
                    for piece in kept
                    if piece.at == f"{at}/attributes" and piece.value.get("name") == FILE_LIST
                ]
                which = f"the file list {held[0]} is not at hand" if held else "it has no files"
                called = one.get("name", number + 1) if isinstance(one, dict) else number + 1
                message = f"the archive asks for the files of each {what}; of {quoted(str(called))} {which}"
                found.append(
                    told("E003", message, fix="Put the file list beside the record, or list the files")
                )
    return found


def _unequal(submission: Submission, document: dict[str, Any], findings: list[Finding]) -> list[Finding]:
    """Read the record again, and name what does not come back as it is."""
    back = read_record(document, {}, online=False)
    named = [name for one in findings for name in (one.evidence.get("fields") or [one.field]) if name]
    patterns: dict[str, list[str]] = {}
    for at in differing(submission, back):
        if at.startswith("files") or any(
            at == name or at.startswith((f"{name}.", f"{name}[")) for name in named
        ):
            continue
        patterns.setdefault(re.sub(r"\[[0-9]+\]", "[]", at), []).append(at)
    return [
        told("E002", f"{pattern} does not come back as it is written", fields=held)
        for pattern, held in patterns.items()
    ]
