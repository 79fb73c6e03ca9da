"""The annotation tables of a dataset, whatever format their files have: read, joined to images, digested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from micrographia.annotations import TABLES, read, read_table, table_digest
from micrographia.findings import Finding, Severity
from micrographia.work import TaskError, stream

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.dataset.folder import Dataset
    from micrographia.dataset.opening import FileRow

OBJECTS = "objects"
JUDGED = ("class_id", "class_name", "confidence", "annotator", "ignore", "attributes")
"""Columns of the objects table that people decide; the others follow from the masks."""


@dataclass(slots=True)
class Tables:
    """The tables of a dataset by kind, and what reading them had to say."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    errors: list[TaskError] = field(default_factory=list)


def read_tables(dataset: Dataset) -> Tables:
    """Read all annotation tables of a dataset.

    Rows are joined to images by the source image in ``files.tsv``, else by the id or file name in the table. Rows of
    images that the dataset does not have are left out and told (``T010``).
    """
    import pandas as pd

    rows = dataset.table_rows()
    names = image_names(dataset)
    result = Tables()
    parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    shapes = _Shapes(dataset, names)
    outcomes = stream(
        lambda row: _read(dataset.locate(row), shapes), rows, kind="threads", name=lambda row: row.path
    )
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.error is not None:
            result.errors.append(outcome.error)
            continue
        held, findings = outcome.result()
        result.findings.extend(replace(finding, path=row.path) for finding in findings)
        for kind, whole in held.items():
            frame = whole[whole["set"] == row.member] if row.member else whole
            joined, unknown = _joined(frame, row, names)
            if unknown:
                result.findings.append(_unknown(row, kind, unknown))
            if len(joined):
                parts[kind].append(joined)
    result.frames = {kind: pd.concat(frames, ignore_index=True) for kind, frames in sorted(parts.items())}
    return result


def table_digests(dataset: Dataset) -> dict[str, dict[str, str]]:
    """Return the digests of what the tables say of each image: image id to kind and set to SHA-256.

    Raises
    ------
    TaskError
        If a table cannot be read.
    """
    tables = read_tables(dataset)
    if tables.errors:
        raise tables.errors[0]
    digests: dict[str, dict[str, str]] = defaultdict(dict)
    for kind, frame in tables.frames.items():
        for (image, name), part in frame.groupby(["image", "set"], sort=True):
            said = part.drop(columns=["image", "set"])
            if kind == OBJECTS:
                said = _judged(said)
            if len(said):
                said = said.assign(image="", set="")
                digests[str(image)][f"{kind}/{name}"] = table_digest(said, kind).hex()
    return dict(digests)


def image_names(dataset: Dataset) -> dict[str, str]:
    """Return all names under which a table may speak of an image, in lower case, to its id; no ambiguous ones."""
    owners: dict[str, set[str]] = defaultdict(set)
    for image in dataset.image_ids:
        owners[image.casefold()].add(image)
        for row in dataset.image_rows(image):
            original = dataset.original_path(row)
            for path in (row.path, original):
                name = PurePosixPath(path).name
                for known in (path, name, PurePosixPath(name).stem, name.split(".")[0]):
                    owners[known.casefold()].add(image)
    return {name: next(iter(found)) for name, found in owners.items() if len(found) == 1}


class _Shapes(Mapping[str, tuple[int, ...]]):
    """The (Y, X) of images, opened when a format asks for one of them by any of its names."""

    def __init__(self, dataset: Dataset, names: dict[str, str]) -> None:
        self.dataset = dataset
        self.names = names

    def __getitem__(self, name: str) -> tuple[int, ...]:
        image = self.dataset.image(self.names[name.casefold()])
        return image.size("Y"), image.size("X")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _read(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    if path.suffix == ".parquet" and path.stem in TABLES:
        frame, findings = read_table(path, path.stem)
        return {path.stem: frame}, findings
    found = read(path, image_shapes=shapes)
    return found.tables, found.findings


def _joined(frame: pd.DataFrame, row: FileRow, names: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    said = frame["image"].astype(str)
    if row.source:
        owner = said.where(said == "\0", row.source)
        unknown: list[str] = []
    else:
        owner = said.map(lambda text: _owner(text, names))
        unknown = sorted(set(said[owner == ""]))
    named = frame["set"].where(frame["set"] != "", row.set)
    joined = frame.assign(image=owner, set=named)
    return joined[joined["image"] != ""], unknown


def _owner(text: str, names: dict[str, str]) -> str:
    name = PurePosixPath(text.replace("\\", "/")).name
    for known in (text, name, PurePosixPath(name).stem, name.split(".")[0]):
        if known.casefold() in names:
            return names[known.casefold()]
    return ""


def _judged(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows and columns of an objects table that hold a decision of people."""
    decided = frame["class_id"].notna() | (frame["class_name"] != "") | frame["ignore"].astype(bool)
    decided |= frame["confidence"].notna() | (frame["annotator"] != "")
    kept = [name for name in ("layer", "t", "label_id", *JUDGED) if name in frame.columns]
    return frame.loc[decided, kept]


def _unknown(row: FileRow, kind: str, unknown: list[str]) -> Finding:
    shown = ", ".join(repr(name) for name in unknown[:3]) + (" ..." if len(unknown) > 3 else "")
    images = "1 image" if len(unknown) == 1 else f"{len(unknown)} images"
    return Finding(
        "T010",
        Severity.WARNING,
        f"{kind} of {images} that the dataset does not have: {shown}",
        path=row.path,
        fix="add the images, or correct the names in the table",
        evidence={"images": unknown[:100]},
    )
