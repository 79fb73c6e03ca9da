"""Make an anonymous copy of a dataset, whole or not at all, and say what it does not hide."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pandas as pd

from micrographia import checks, metadata
from micrographia.catalogue.anonymous.description import REASON, REMOVED, anonymous_description
from micrographia.catalogue.anonymous.files import TEXTS, ZARR, Copying
from micrographia.catalogue.anonymous.key import Key, write_key
from micrographia.catalogue.anonymous.names import Names
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.identity import file_checksum
from micrographia.dataset.manifest import NAME as MANIFEST
from micrographia.dataset.manifest import write_manifest, write_whole
from micrographia.dataset.origin import NAME as ORIGIN
from micrographia.errors import DatasetError
from micrographia.findings import Finding, Severity
from micrographia.metadata import Mifa, Waiver

FIXED = (
    "Files",
    "member",
    "image",
    "source image",
    "annotation set",
    "size",
    "sha256",
    "line",
    "role",
    "annotation type",
)
"""Columns of ``files.tsv`` by which files are found; they are told, not changed."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """An anonymous copy that was made.

    Parameters
    ----------
    path, key
        The copy, and the file that restores it.
    findings
        What it does not hide, and what was left out.
    replaced
        What was found in texts, to what stands in its place.
    linked, copied
        How many files share their bytes with the original, and how many do not.
    cleaned
        Files in which something was replaced.
    report
        What the rules say of the copy.
    """

    path: Path
    key: Path
    findings: tuple[Finding, ...]
    replaced: dict[str, str]
    linked: int
    copied: int
    cleaned: tuple[str, ...]
    report: checks.Report


def anonymise(dataset: Dataset, out: Path, key: Path | None = None, *, linking: bool = True) -> Anonymous:
    """Copy a dataset for reviewers: without authors, and with their names replaced in texts, tables and metadata.

    Only ``mifa.yaml``, ``files.tsv`` and the files that it lists are copied. Rules that ask for what was left out are
    waived in the copy, with that reason.

    Parameters
    ----------
    dataset
        The dataset.
    out
        The new folder; it appears when it is whole.
    key
        The file that restores it; ``OUT.key.json`` beside the copy by default.
    linking
        Whether pixels share their bytes with the original (hard links) where the disk allows it: who changes a pixel in
        the copy then changes it in the original.

    Raises
    ------
    MicrographiaError
        If the folder or the key exists already, the key lies inside the copy, or a file cannot be read or written.
    """
    key = key or out.with_name(f"{out.name}.key.json")
    for place in (out, key):
        if place.exists():
            raise DatasetError(place, "exists already", "Choose another name; nothing was overwritten")
    if key.resolve().is_relative_to(out.resolve()):
        raise DatasetError(key, "lies inside the copy", "Choose a place that reviewers do not get")
    if out.resolve().is_relative_to(dataset.path.resolve()):
        raise DatasetError(out, "lies inside the dataset", "Choose a folder beside it")
    names = Names.of(dataset.mifa)
    held = _held(dataset)
    protected = sorted({text for text in held if names.found_in(text)}, key=len, reverse=True)
    part = out.with_name(f".{out.name}.{uuid4().hex[:8]}.partial")
    work = Copying(names, protected, Key(dataset.title), linking)
    try:
        part.mkdir(parents=True)
        listed = {row.path: row for row in dataset.rows}
        for path, row in listed.items():
            # Label images lie inside the group of their image.
            if not _inside_another(path, listed):
                work.resource(dataset.locate(row), part / path, path)
        mifa, left, changed = anonymous_description(dataset.mifa, names, protected)
        files, columns = _files(dataset, names, protected, part, work.cleaned)
        write_manifest(part / MANIFEST, files)
        report = _described(part, mifa)
        _keep_originals(dataset, part, work.key)
        findings = [*_findings(dataset, names, protected, work, left), *_left_over(part, names, protected)]
        if changed or columns or work.cleaned:
            findings.append(_replaced(names, [*changed, *columns, *work.cleaned]))
        write_key(key, work.key)
        part.rename(out)
    except OSError as error:
        key.unlink(missing_ok=True)
        raise DatasetError(out, f"cannot be written ({error.strerror or error})", "Free space") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Anonymous(
        out, key, tuple(findings), dict(names.replaced), work.linked, work.copied, tuple(work.cleaned), report
    )


def _inside_another(path: str, listed: Mapping[str, object]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:end]) in listed for end in range(1, len(parts)))


def _held(dataset: Dataset) -> set[str]:
    """Return the strings by which files, images and annotation sets are found."""
    found: set[str] = set()
    for row in dataset.rows:
        found |= {
            row.path,
            row.member,
            row.image,
            row.source,
            row.set,
            Path(row.path).name,
            Path(row.path).stem,
        }
    for described in dataset.mifa.annotations:
        found.add(described.name or "")
        for entry in described.file_metadata:
            found |= {entry.annotation_id or "", entry.source_image_id or ""}
    return found - {""}


def _files(
    dataset: Dataset, names: Names, protected: Sequence[str], part: Path, cleaned: Iterable[str]
) -> tuple[pd.DataFrame, list[str]]:
    frame = dataset.files.copy()
    columns = []
    for name in [str(column) for column in frame.columns]:
        if name in FIXED:
            continue
        values = [names.replace(str(value), protected) for value in frame[name]]
        if values != [str(value) for value in frame[name]]:
            columns.append(f"files.{name}")
            frame[name] = pd.Series(values, index=frame.index, dtype=object)
    frame = frame.rename(columns={name: names.replace(str(name), protected) for name in frame.columns})
    touched = {
        path
        for path in frame["Files"].astype(str)
        for one in cleaned
        if one == path or one.startswith(f"{path}/")
    }
    for path in sorted(touched):
        size, checksum = file_checksum(part / path)
        here = frame["Files"] == path
        frame.loc[here & (frame["size"] >= 0), "size"] = size
        frame.loc[here & (frame["sha256"] != ""), "sha256"] = checksum
    return frame, columns


def _described(part: Path, mifa: Mifa) -> checks.Report:
    """Write ``mifa.yaml``, waive the rules that ask for what was left out, and return what the rules say."""
    write_whole(part / DESCRIPTION, metadata.dump(mifa))
    removed = (*REMOVED, *(f"annotations[{number}].authors" for number in range(len(mifa.annotations))))
    report = checks.check(open_dataset(part), workers=1, quiet=True)
    codes = {
        finding.code
        for finding in report.findings
        if any(
            finding.field == name or finding.field.startswith((f"{name}.", f"{name}[")) for name in removed
        )
    }
    if codes:
        known = {waiver.code for waiver in mifa.waivers if not waiver.path}
        mifa.waivers += [Waiver(code=code, reason=REASON) for code in sorted(codes - known)]
        write_whole(part / DESCRIPTION, metadata.dump(mifa))
        report = checks.check(open_dataset(part), workers=1, quiet=True)
    return report


def _keep_originals(dataset: Dataset, part: Path, key: Key) -> None:
    for name in (DESCRIPTION, MANIFEST, ORIGIN):
        original = dataset.path / name
        if original.is_file():
            made = part / name
            key.keep(name, original.read_bytes(), made.read_bytes() if made.is_file() else None)


def _findings(
    dataset: Dataset, names: Names, protected: Sequence[str], work: Copying, left: Sequence[str]
) -> list[Finding]:
    found = []
    if protected:
        message = (
            f"names stand in {len(protected)} names of files, images or annotation sets, which were kept"
        )
        fix = "Rename them, describe the dataset again, and make the copy anew"
        found.append(
            Finding(
                "R001", Severity.ERROR, message, path=MANIFEST, fix=fix, evidence={"names": list(protected)}
            )
        )
    for path, seen in work.inside.items():
        message = f"it was not cleaned and holds {', '.join(seen[:3])}{' and more' if len(seen) > 3 else ''}"
        fix = "Save it without its metadata, or convert the dataset to OME-Zarr first"
        found.append(Finding("R002", Severity.ERROR, message, path=path, fix=fix, evidence={"strings": seen}))
    if work.not_cleaned:
        kinds = sorted({Path(path).suffix or "no ending" for path in work.not_cleaned})
        message = (
            f"{len(work.not_cleaned)} files ({', '.join(kinds)}) were not cleaned: names were looked for in their "
            "bytes, but packed metadata inside them can name people"
        )
        fix = "Convert the dataset to OME-Zarr first, whose metadata are cleaned"
        found.append(
            Finding("R003", Severity.WARNING, message, fix=fix, evidence={"files": list(work.not_cleaned)})
        )
    if names.short:
        listed = ", ".join(dict.fromkeys(names.short))
        message = f"family names shorter than three letters were looked for only with first names: {listed}"
        found.append(Finding("R004", Severity.WARNING, message, fix="Search the copy for them"))
    beside = _beside(dataset)
    if beside:
        message = f"not copied, because files.tsv does not list them: {', '.join(beside[:6])}"
        more = f" and {len(beside) - 6} more" if len(beside) > 6 else ""
        found.append(Finding("R005", Severity.INFO, message + more, evidence={"files": beside}))
    if left:
        heads = list(dict.fromkeys(".".join(re.sub(r"\[[0-9]+\]", "", at).split(".")[:2]) for at in left))
        message = f"left out of mifa.yaml: {', '.join(heads)}"
        found.append(
            Finding("R006", Severity.INFO, message, path=DESCRIPTION, evidence={"fields": list(left)})
        )
    return found


def _beside(dataset: Dataset) -> list[str]:
    listed = {row.path.split("/")[0] for row in dataset.rows} | {DESCRIPTION, MANIFEST}
    return sorted(entry.name for entry in dataset.path.iterdir() if entry.name not in listed)


def _left_over(part: Path, names: Names, protected: Sequence[str]) -> list[Finding]:
    """Search all texts of the copy once more for what identifies people."""
    found = []
    for path in sorted(part.rglob("*")):
        if not path.is_file() or not (path.name in ZARR or path.suffix.lower() in TEXTS):
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        for kept in protected:
            text = text.replace(kept, "")
        seen = names.found_in(text)
        if seen:
            message = f"it still holds {', '.join(seen[:3])}"
            found.append(Finding("R007", Severity.ERROR, message, path=path.relative_to(part).as_posix()))
    return found


def _replaced(names: Names, places: Sequence[str]) -> Finding:
    shown = [f"{old} -> {new}" for old, new in list(names.replaced.items())[:6]]
    more = f" and {len(names.replaced) - 6} more" if len(names.replaced) > 6 else ""
    message = f"replaced in {len(places)} places: {'; '.join(shown)}{more}"
    evidence = {"replaced": dict(names.replaced), "places": list(places)}
    return Finding(
        "R008", Severity.INFO, message, fix="Look whether a word was taken for a name", evidence=evidence
    )
