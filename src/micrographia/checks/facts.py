"""The facts about a dataset that rules judge: read once, here, so that no rule reads anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from micrographia.checks.headers import FileFacts, gather_headers, is_mask
from micrographia.checks.rule import Needs
from micrographia.checks.tables import TableFacts, gather_tables
from micrographia.dataset import Dataset, FileRow, open_dataset
from micrographia.dataset.elsewhere import why_absent
from micrographia.dataset.identity import file_checksum
from micrographia.dataset.manifest import NAME as MANIFEST
from micrographia.dataset.manifest import inside
from micrographia.dataset.scan import walk
from micrographia.errors import DatasetError, MicrographiaError
from micrographia.metadata import AnnotationSet, Mifa
from micrographia.work import run

if TYPE_CHECKING:
    from micrographia.checks.pixel_facts import PixelFacts

DESCRIPTION = "mifa.yaml"


@dataclass(frozen=True)
class Facts:
    """What is known about a dataset; picklable.

    Parameters
    ----------
    dataset
        The folder: what is written about it, and the rows of its file list.
    today
        The date that dates are compared with.
    disk
        Path of every file or Zarr group below the folder to its size in bytes; None if nobody looked.
    walk_problems
        What was passed over while looking: links to folders, names that are not UTF-8.
    headers
        Path and member of every row that should hold pixels to what its header says; None if nobody looked.
    tables
        What the annotation tables hold, kind by kind; None if nobody looked.
    checksums
        Path of a listed file to its SHA-256 as computed now; None if nobody computed any.
    pixels
        What the pixel pass found; None if there was none.
    absent
        Why nobody could look at the files, as a clause; empty if they are in the folder.
    """

    dataset: Dataset
    today: date
    disk: Mapping[str, int] | None = None
    walk_problems: tuple[MicrographiaError, ...] = ()
    headers: Mapping[tuple[str, str], FileFacts] | None = None
    tables: TableFacts | None = None
    checksums: Mapping[str, str] | None = None
    pixels: PixelFacts | None = None
    absent: str = ""

    @property
    def mifa(self) -> Mifa:
        """What people wrote about the dataset."""
        return self.dataset.mifa

    @property
    def rows(self) -> tuple[FileRow, ...]:
        """The rows of ``files.tsv``."""
        return self.dataset.rows

    @property
    def depth(self) -> Needs:
        """How far was read, checksums apart."""
        deep = (Needs.PIXELS, Needs.HEADERS, Needs.FILES, Needs.METADATA)
        return next(needs for needs in deep if self.has(needs))

    def has(self, needs: Needs) -> bool:
        """Tell whether what a rule needs has been read."""
        if needs is Needs.METADATA:
            return True
        gathered = {
            Needs.FILES: self.disk,
            Needs.HEADERS: self.headers,
            Needs.PIXELS: self.pixels,
            Needs.CHECKSUMS: self.checksums,
        }
        return gathered[needs] is not None

    def at(self, field: str) -> dict[str, Any]:
        """Return where a metadata field stands, as the keywords of :meth:`Rule.finding`.

        A field that is not written has the line of what it belongs to.
        """
        return {"path": DESCRIPTION, "line": self.dataset.description.line(field), "field": field}

    def row_at(self, row: FileRow) -> dict[str, Any]:
        """Return where a row of the file list stands, as the keywords of :meth:`Rule.finding`."""
        return {"path": MANIFEST, "line": row.line}

    @cached_property
    def annotation_rows(self) -> tuple[FileRow, ...]:
        """The rows of role ``annotation``."""
        return tuple(row for row in self.rows if row.role == "annotation")

    @cached_property
    def mask_rows(self) -> tuple[FileRow, ...]:
        """The rows of annotations that are label images."""
        return tuple(row for row in self.annotation_rows if is_mask(row))

    @cached_property
    def sets(self) -> tuple[tuple[str, AnnotationSet], ...]:
        """The annotation sets of ``mifa.yaml`` with their dotted path, ``annotations[0]``."""
        return tuple((f"annotations[{i}]", described) for i, described in enumerate(self.mifa.annotations))

    def header(self, row: FileRow) -> FileFacts | None:
        """Return what the header of a row's file says; None if it cannot be read or nobody looked."""
        facts = (self.headers or {}).get((row.path, row.member))
        return facts if facts is not None and not facts.problem else None

    @cached_property
    def image_headers(self) -> Mapping[str, FileFacts]:
        """Image id to the header of its first file, for images whose files can all be read."""
        found = {}
        for image in self.dataset.image_ids:
            headers = [self.header(row) for row in self.dataset.image_rows(image)]
            if headers[0] is not None and all(headers):
                found[image] = headers[0]
        return found

    def masked(self) -> Iterator[tuple[FileRow, FileFacts, str, FileFacts]]:
        """Yield row and header of every readable mask with id and header of its readable image."""
        for row in self.mask_rows:
            mask, image = self.header(row), self.image_headers.get(row.source)
            if mask is not None and image is not None:
                yield row, mask, row.source, image

    def on_disk(self, path: str) -> bool:
        """Tell whether a listed path exists: a file, a Zarr group, or something inside a Zarr group."""
        if self.disk is None or path in self.disk:
            return True
        outer = zarr_root(path)
        return outer != path and outer in self.disk and (self.dataset.path / path).is_dir()


def zarr_root(path: str) -> str:
    """Return the outermost Zarr group of a path, or the path itself."""
    parts = PurePosixPath(path).parts
    for at, part in enumerate(parts):
        if part.lower().endswith(".zarr"):
            return "/".join(parts[: at + 1])
    return path


def gather(
    dataset: Dataset | Path | str,
    *,
    needs: Needs = Needs.HEADERS,
    checksums: bool = False,
    workers: int | None = None,
    quiet: bool = True,
    today: date | None = None,
) -> Facts:
    """Read what rules judge.

    Parameters
    ----------
    dataset
        An open dataset, or its folder.
    needs
        How far to read: only the metadata, which files there are, their headers, or every pixel. Where the dataset
        was imported and none of its files is in the folder, nothing but the metadata.
    checksums
        Compute the SHA-256 of every listed file.
    workers
        Number of workers; None for one a processor.
    quiet
        Show no progress.
    today
        The date that dates are compared with; by default that of the machine, in UTC.

    Raises
    ------
    DatasetError, MetadataError
        If the folder is no dataset, or ``mifa.yaml`` or ``files.tsv`` cannot be read.
    """
    opened = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
    found: dict[str, Any] = {"dataset": opened, "today": today or datetime.now(UTC).date()}
    found["absent"] = why_absent(opened.path, (row.path for row in opened.rows))
    if found["absent"]:
        return Facts(**found)
    if needs.rank >= Needs.FILES.rank:
        problems: list[MicrographiaError] = []
        found["disk"] = _disk(opened.path, problems)
        found["walk_problems"] = tuple(problems)
    if needs.rank >= Needs.HEADERS.rank:
        found["headers"] = gather_headers(opened, workers=workers, quiet=quiet)
        found["tables"] = gather_tables(opened)
    if checksums:
        found["checksums"] = _checksums(opened, workers=workers, quiet=quiet)
    if needs is Needs.PIXELS:
        from micrographia.checks.pixel_facts import gather_pixels

        found["pixels"] = gather_pixels(opened, workers=workers, quiet=quiet)
    return Facts(**found)


def _disk(root: Path, problems: list[MicrographiaError]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in sorted(walk(root, problems)):
        try:
            sizes[path] = _size(root / path)
        except OSError as error:
            problems.append(
                DatasetError(path, f"cannot be looked at ({error.strerror})", "Check its permissions")
            )
    return sizes


def _size(path: Path) -> int:
    return _folder_size(os.fspath(path)) if path.is_dir() else path.stat().st_size


def _folder_size(folder: str) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += _folder_size(entry.path)
            elif entry.is_file():
                total += entry.stat().st_size
    return total


def _checksums(dataset: Dataset, *, workers: int | None, quiet: bool) -> dict[str, str]:
    """Return the checksums of the listed files that exist and can be read; those that cannot are others' findings."""
    tasks = sorted({(dataset.path, row.path) for row in dataset.rows})
    outcomes = run(
        _checksum, tasks, workers=workers, kind="threads", name=lambda t: t[1], label="checksums", quiet=quiet
    )
    return {outcome.task[1]: outcome.value for outcome in outcomes if outcome.value is not None}


def _checksum(task: tuple[Path, str]) -> str | None:
    root, path = task
    place = inside(root, path)
    return file_checksum(place)[1] if place.exists() else None
