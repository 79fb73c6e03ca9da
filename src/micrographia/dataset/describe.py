"""Describe a lab's folder: pair, harvest what the files say, write ``mifa.yaml`` and ``files.tsv``."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from micrographia import metadata
from micrographia.annotations import TABLES, read, sniff
from micrographia.dataset.build import Merged, TableEntry, checksums, manifest, merge
from micrographia.dataset.flat import flat_items
from micrographia.dataset.folder import DESCRIPTION, Dataset, open_dataset
from micrographia.dataset.groups import (
    assign_splits,
    folder_splits,
    group_values,
    is_table,
    parse_group,
    parse_split,
)
from micrographia.dataset.harvest import Harvest, harvest
from micrographia.dataset.manifest import GROUP, NAME, read_manifest, write_manifest, write_whole
from micrographia.dataset.pages import decide_pages
from micrographia.dataset.pairing import Pairing, pair, role_of, stem_key
from micrographia.dataset.pairs import pair_by_table
from micrographia.dataset.scan import Item, Scan, scan
from micrographia.dataset.tables import image_names
from micrographia.errors import DatasetError, MicrographiaError
from micrographia.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

TYPES = {
    "boxes": "bounding_boxes",
    "polygons": "geometrical_annotations",
    "points": "point_annotations",
    "class_labels": "class_labels",
    "counts": "counts",
    "tracks": "tracks",
    "graph_nodes": "graphs",
    "graph_edges": "graphs",
    "objects": "class_labels",
}
"""Kind of table to the MIFA annotation type under which it is listed."""


@dataclass(frozen=True, slots=True)
class DescribeOptions:
    """How to describe a folder.

    Parameters
    ----------
    channels
        Channel words in file names; ``()`` leaves channels apart, None recognises the usual ones.
    pairs
        A table that says which annotation belongs to which image.
    groups
        ``COLUMN=PATTERN``, see :func:`~micrographia.dataset.groups.group_values`.
    split
        ``train=0.7,test=0.3`` to divide whole groups, ``TABLE.csv:COLUMN`` to take it from a spreadsheet, ``folders``
        to take it from folders named train, validation and test, or None.
    seed
        Draws the split.
    prune
        Take the rows of files that are gone off the list; else they stay, with what people wrote.
    pages
        What the pages of a file are that does not say: ``slices``, ``channels``, ``times``, or None to leave it.
    pixels
        Read the label images to count objects.
    workers
        Processes; None for one a processor.
    quiet
        Show no progress.
    """

    channels: tuple[str, ...] | None = None
    pairs: str | None = None
    groups: Sequence[str] = ()
    split: str | None = None
    seed: int = 0
    prune: bool = False
    pages: str | None = None
    pixels: bool = True
    workers: int | None = None
    quiet: bool = True


@dataclass(slots=True)
class Described:
    """What was found and written."""

    dataset: Dataset
    found: Scan
    pairing: Pairing
    harvest: Harvest
    merged: Merged
    tables: list[TableEntry]
    again: bool
    lab: Path | None = None
    """The file of lab-wide facts that were used, if any."""
    findings: list[Finding] = field(default_factory=list)
    grouped: dict[str, int] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)

    def annotated(self) -> set[str]:
        """Return the ids of the images that something annotates: a mask, or a row of a table."""
        known = {row.source for row in self.dataset.rows if row.role == "annotation" and row.source}
        return known.intersection(self.dataset.image_ids).union(*self.named().values())

    def named(self) -> dict[str, set[str]]:
        """Return the ids of the images that each table of annotations names, by the path of the table."""
        owners = image_names(self.dataset)
        found = {}
        for table in self.tables:
            parts = (PurePosixPath(name.replace("\\", "/")) for name in table.names)
            ids = {owners.get(str(part).casefold()) or owners.get(part.stem.casefold(), "") for part in parts}
            found[table.item.path] = ids - {""} if table.source is None else set()
        return found

    def paths(self) -> dict[str, str]:
        """Return the path of each image, or of its first channel, by its id."""
        return {image: self.dataset.image_rows(image)[0].path for image in self.dataset.image_ids}

    def unpaired(self) -> list[tuple[Item, str]]:
        """Return the annotations without an image and why; not those that ``files.tsv`` has had an image for."""
        owned = {(row.path, row.member) for row in self.dataset.rows if row.source or row.role == "image"}
        return [(item, why) for item, why in self.pairing.unpaired if (item.path, item.member) not in owned]

    def bare(self) -> list[str]:
        """Return the path of each image that nothing annotates."""
        annotated = self.annotated()
        return [
            self.dataset.image_rows(image)[0].name
            for image in self.dataset.image_ids
            if image not in annotated
        ]


def describe(root: Path, options: DescribeOptions | None = None) -> Described:
    """Describe a folder as a lab has it; run again, it keeps what people wrote and follows files that moved.

    Parameters
    ----------
    root
        The folder. Only ``mifa.yaml`` and ``files.tsv`` are written into it.
    options
        How.

    Raises
    ------
    MicrographiaError
        If the folder holds no image that can be read, or one of the two files cannot be written.
    """
    options = options or DescribeOptions()
    found = scan(root, workers=options.workers)
    pairing = _pair(found, options)
    if not pairing.images:
        raise DatasetError(root, "holds no image that can be read", _hint(found))
    tables = _tables(found, pairing)
    paths = [item.path for item in (*found.items, *found.others)]
    known = checksums(root, paths, quiet=options.quiet)
    fresh = manifest(found, pairing, tables, known)
    again = (root / NAME).is_file()
    merged = merge(read_manifest(root / NAME)[0], fresh) if again else Merged(fresh)
    if options.prune:
        kept = merged.frame[~merged.frame["Files"].isin(merged.gone)].reset_index(drop=True)
        merged = replace(merged, frame=kept)
    if options.pages is not None and not decide_pages(root, merged.frame, options.pages):
        raise DatasetError(root, "has no image whose pages are unknown", "Leave out --pages")
    result = Described(_draft(root, merged.frame), found, pairing, Harvest(), merged, tables, again)
    _group(result, options)
    result.harvest = harvest(
        result.dataset, found, workers=options.workers, quiet=options.quiet, pixels=options.pixels
    )
    _write(root, result)
    result.dataset = open_dataset(root)
    return result


def _pair(found: Scan, options: DescribeOptions) -> Pairing:
    items = found.images()
    if options.pairs is not None:
        return pair_by_table(found.root, options.pairs, items)
    result = pair(items, channels=options.channels)
    if result.annotations or result.unpaired:
        return result
    flat = flat_items(found.root, items)
    if not flat:
        return result
    seen = pair(items, channels=options.channels, labels=flat)
    if seen.annotations:
        folders = sorted({str(PurePosixPath(entry.items[0].path).parent) for entry in seen.annotations})
        seen.notes.append(
            f"no name speaks of annotations; by their pixels those in {', '.join(folders)} are label images"
        )
        return seen
    return result


def _tables(found: Scan, pairing: Pairing) -> list[TableEntry]:
    stems: dict[tuple[str, ...], list[int]] = {}
    for index, image in enumerate(pairing.images):
        for key in image.stems:
            stems.setdefault(key, []).append(index)
    shapes = {PurePosixPath(item.path).stem: item.plane() for item in found.images()}
    entries = []
    for item in found.tables():
        named = sniff(found.root / item.path)
        if named is None:
            continue
        try:
            tables = read(found.root / item.path, named, shapes).tables
        except MicrographiaError as error:
            found.problems.append(MicrographiaError(item.path, error.problem, error.remedy))
            continue
        if not tables:
            continue
        held = sorted(tables, key=list(TABLES).index)
        names = frozenset(str(name) for table in tables.values() for name in table["image"].unique())
        sources = stems.get(stem_key(item), [])
        source = sources[0] if len(sources) == 1 and role_of(item) != "image" else None
        entries.append(TableEntry(item, TYPES.get(held[0], "other"), named, source, names))
    return entries


def _hint(found: Scan) -> str:
    if found.problems:
        return f"{len(found.problems)} files could not be read, the first: {found.problems[0]}"
    return "Images are TIFF, PNG, JPEG, HDF5, NRRD, NIfTI, OME-Zarr, NumPy, CZI, ND2, LIF and more"


def _draft(root: Path, frame: pd.DataFrame) -> Dataset:
    written = root / DESCRIPTION
    description = metadata.load(written) if written.is_file() else metadata.empty(written)
    return Dataset(root, description, frame, [])


def _group(result: Described, options: DescribeOptions) -> None:
    frame = result.merged.frame
    dataset = result.dataset
    paths = result.paths()
    for text in options.groups:
        column, pattern = parse_group(text)
        values = group_values(dataset.path, pattern, paths)
        if not values:
            raise DatasetError(
                "", f"--group {text} matches no image", f"A path looks like {next(iter(paths.values()))}"
            )
        _set_column(frame, GROUP + column, values)
        result.grouped[column] = len(set(values.values()))
    if options.split is not None and is_table(options.split):
        stated = group_values(dataset.path, options.split, paths)
        _set_column(frame, "split", stated)
        result.splits = dict(Counter(stated.values()))
    elif options.split == "folders":
        stated = folder_splits(paths)
        if not stated:
            raise DatasetError(
                dataset.path,
                "has no folders named train, validation or test",
                "For example --split train=0.7,test=0.3",
            )
        _set_column(frame, "split", stated)
        result.splits = dict(Counter(stated.values()))
    elif options.split is not None:
        names = [name for name in frame.columns if name.startswith(GROUP)]
        by_image = frame[frame["role"] == "image"].drop_duplicates("image").set_index("image")
        units = {image: [str(by_image.at[image, name]) for name in names] for image in dataset.image_ids}
        splits = assign_splits(units, parse_split(options.split), options.seed)
        _set_column(frame, "split", splits)
        result.splits = dict(Counter(splits.values()))
    result.dataset = Dataset(dataset.path, dataset.description, frame, [])


def _set_column(frame: pd.DataFrame, name: str, values: Mapping[str, str]) -> None:
    """Write a value for each image into its rows and those of its annotations."""
    owner = frame["image"].where(frame["role"] == "image", frame["source image"])
    if name not in frame.columns:
        frame[name] = ""
    new = owner.map(values)
    frame[name] = new.where(new.notna(), frame[name])


def _write(root: Path, result: Described) -> None:
    values = described_values(result)
    written = root / DESCRIPTION
    write_manifest(root / NAME, result.merged.frame)
    if written.is_file():
        metadata.merge(written, values)
    else:
        lab = metadata.defaults()
        write_whole(written, metadata.template(values, lab.values()))
        result.lab = lab.path if lab.values() else None
        result.findings.extend(lab.findings)


def described_values(result: Described) -> dict[str, Any]:
    """Return what the files say, in the shape of ``mifa.yaml``; what they do not say is absent."""
    dataset, facts = result.dataset, result.harvest
    sets = []
    total = len(dataset.image_ids)
    named = result.named()
    for name in dataset.annotation_sets:
        rows = [row for row in dataset.rows if row.role == "annotation" and row.set == name]
        sources = {row.source for row in rows if row.source}
        annotated = len(sources.union(*(named.get(row.path, set()) for row in rows)))
        kind = facts.mask_kind(name)
        entry: dict[str, Any] = {
            "name": name,
            "annotation_type": sorted({row.type for row in rows if row.type}),
        }
        if annotated:
            entry["annotation_coverage"] = {"annotated": annotated, "total": total, "unit": "images"}
        if kind:
            entry["mask_kind"] = kind
        if kind in ("semantic", "binary"):
            entry["classes"] = [{"id": value} for value in facts.values(name)]
        rules = sorted({pairing.rule for pairing in result.pairing.annotations if pairing.set == name})
        if rules:
            entry["source_image_association"] = "; ".join(rules)
        sets.append(entry)
    values: dict[str, Any] = {"annotations": sets}
    if not result.again:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start_time()))
        values["versions"] = [
            {"version": "0.1", "timestamp": stamp, "changes": "first description of the files"}
        ]
    return values


def start_time() -> float:
    """Return the time that is written into outputs: now, or ``SOURCE_DATE_EPOCH`` where it is set."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        return float(fixed) if fixed else time.time()
    except ValueError as error:
        raise MicrographiaError("", f"SOURCE_DATE_EPOCH is {fixed!r}", "It is a number of seconds") from error


def unreadable(result: Described) -> list[Item]:
    """Return the files that could not be read."""
    return [item for item in result.found.others if item.kind == "unreadable"]
