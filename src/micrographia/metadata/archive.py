"""The three YAML documents of the BioImage Archive's MIFA schema, read: Study_*, Annotations_* and Version_*.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from micrographia.errors import MetadataError
from micrographia.metadata.dates import parse_moment
from micrographia.metadata.document import Description, as_mapping
from micrographia.metadata.mifa import AnnotationSet, Mifa
from micrographia.metadata.reading import Reader
from micrographia.metadata.study import Study, Version
from micrographia.metadata.yaml_parsing import read_document

PATTERN = re.compile(r"(study|annotations|version)(?:[_-](.+))?\.ya?ml", re.IGNORECASE)
"""File names of the documents: kind, accession and what follows it."""


@dataclass(slots=True)
class _Documents:
    """The documents of one dataset, each with what stands behind the accession in its name."""

    study: Path | None = None
    annotations: list[tuple[str, Path]] = field(default_factory=list)
    versions: list[tuple[str, Path]] = field(default_factory=list)


def read_archive(source: Path | str | Iterable[Path | str], accession: str | None = None) -> Description:
    """Read a dataset that is described in the archive's three documents.

    Parameters
    ----------
    source
        A folder with the documents, or the files: one ``Study_*.yaml``, any number of ``Annotations_*.yaml`` (each
        an annotation set) and of ``Version_*.yaml``.
    accession
        Which dataset, where the folder holds several: what stands behind ``Study_``.

    Returns
    -------
    Description
        Nothing is lost: unknown fields and values that cannot be read are kept as they are. A set whose types stand
        at its files only gets them too.

    Raises
    ------
    MetadataError
        If there are no such documents, or those of several datasets, or one cannot be read.
    """
    folder, found = _found(source, accession)
    description = Description(Mifa(), path=folder)
    readers: list[Reader] = []

    def read(path: Path) -> Reader:
        readers.append(Reader(path.name))
        return readers[-1]

    mifa = description.mifa
    if found.study is not None:
        mifa.study = read(found.study).record(
            Study, as_mapping(read_document(found.study).root, found.study), "study"
        )
        _licence(mifa.study, readers[-1])
    for suffix, path in found.annotations:
        at = f"annotations[{len(mifa.annotations)}]"
        reader = read(path)
        one = reader.record(AnnotationSet, as_mapping(read_document(path).root, path), at)
        one.name = one.name or suffix or None
        _types_of_files(one, reader, at)
        mifa.annotations.append(one)
    for _, path in found.versions:
        root = as_mapping(read_document(path).root, path)
        mifa.versions.append(read(path).record(Version, root, f"versions[{len(mifa.versions)}]"))
    _in_order(mifa)
    for reader in readers:
        description.findings += reader.findings()
        description.lines |= reader.lines
        description.open_fields += reader.open_fields
    return description


def _found(source: Path | str | Iterable[Path | str], accession: str | None) -> tuple[Path, _Documents]:
    if isinstance(source, str | Path):
        folder = Path(source)
        if not folder.is_dir():
            raise MetadataError(folder, "it is no folder", "Name the folder with Study_*.yaml, or the files")
        files = sorted(path for path in folder.iterdir() if PATTERN.fullmatch(path.name))
    else:
        files = [Path(path) for path in source]
        folder = files[0].parent if files else Path()
        odd = next((path for path in files if not PATTERN.fullmatch(path.name)), None)
        if odd is not None:
            raise MetadataError(
                odd, "its name says not which document it is", "Name it Study_, Annotations_ or Version_"
            )
    if not files:
        raise MetadataError(
            folder, "it holds no Study_, Annotations_ or Version_ documents", "Name another folder"
        )
    keys = sorted({_parts(path)[1] for path in files if _parts(path)[0] == "study"}, key=len, reverse=True)
    if accession is not None and accession not in keys:
        raise MetadataError(
            folder, f"it has no Study_{accession}.yaml", f"It has {', '.join(sorted(keys)) or 'no study'}"
        )
    if accession is None and len(keys) > 1:
        raise MetadataError(
            folder, f"it holds several datasets: {', '.join(sorted(keys))}", "Say which one is meant"
        )
    chosen = accession if accession is not None else (keys[0] if keys else None)
    return folder, _sorted(files, keys, chosen, folder)


def _parts(path: Path) -> tuple[str, str]:
    match = PATTERN.fullmatch(path.name)
    return (match.group(1).lower(), match.group(2) or "") if match else ("", "")


def _sorted(files: list[Path], keys: list[str], chosen: str | None, folder: Path) -> _Documents:
    documents = _Documents()
    for path in files:
        kind, rest = _parts(path)
        key = next((key for key in keys if rest == key or rest.startswith(f"{key}_")), None)
        if chosen is not None and key is not None and key != chosen:
            continue
        suffix = rest[len(key) :].lstrip("_") if key is not None else rest if len(keys) == 0 else ""
        if kind == "study":
            documents.study = path
        elif kind == "annotations":
            documents.annotations.append((suffix, path))
        else:
            documents.versions.append((suffix, path))
    if not (documents.study or documents.annotations or documents.versions):
        raise MetadataError(folder, f"it holds no documents of {chosen}", "Name another accession")
    return documents


def _licence(study: Study, reader: Reader) -> None:
    """Read the schema's word for a licence as the version that the schema says it means."""
    if study.license == "CC_BY":
        study.license = "CC-BY-4.0"
        line = reader.lines.get("study.license", 1)
        message = "CC_BY was read as CC-BY-4.0, which the archive's schema means by it"
        reader.forget("C008", "study.license")
        reader.note("C044", "study.license", line, message, was="CC_BY", read_as="CC-BY-4.0")


def _types_of_files(one: AnnotationSet, reader: Reader, at: str) -> None:
    if one.annotation_type or "annotation_type" in one.unread:
        return
    types = list(dict.fromkeys(kind for record in one.file_metadata for kind in record.annotation_type))
    if types:
        one.annotation_type = types
        line = reader.lines.get(f"{at}.file_metadata", 1)
        message = f"the annotation types stand at the files only; the set got {', '.join(types)}"
        reader.note("C044", f"{at}.annotation_type", line, message, read_as=types)


def _in_order(mifa: Mifa) -> None:
    """Put the oldest version first, where every version says when it was made."""
    moments = [parse_moment(version.timestamp or "") for version in mifa.versions]
    if all(moment.ok for moment in moments):
        order = sorted(range(len(moments)), key=lambda number: moments[number].value)
        mifa.versions = [mifa.versions[number] for number in order]
