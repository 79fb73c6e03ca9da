"""A dataset folder as one object: what is written about it, its files, its pixels and its annotations."""

from __future__ import annotations

from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia import metadata
from micrographia.dataset.elsewhere import folder_of, local_file
from micrographia.dataset.manifest import GROUP, NAME, read_manifest
from micrographia.dataset.opening import MASK_TYPE, FileRow, ImageFiles, Mask, open_row
from micrographia.errors import DatasetError, command_line
from micrographia.findings import Finding
from micrographia.images import Image
from micrographia.images.files import address_of

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "mifa.yaml"
OBJECTS_FILE = "annotations/objects.parquet"
"""The objects of the label images of a converted dataset, with what people said of each."""
ORIGINAL = "original"
"""Column of ``files.tsv`` that keeps the path that a file had before conversion."""


class Dataset:
    """A folder with ``mifa.yaml`` and ``files.tsv``, raw or converted.

    Make one with :func:`open_dataset`. Nothing but these two files is read before it is asked for.

    Parameters
    ----------
    path
        The folder.
    description
        What ``mifa.yaml`` says.
    files
        The rows of ``files.tsv``, as :func:`~micrographia.dataset.manifest.read_manifest` returns them.
    findings
        What reading both had to say.
    """

    def __init__(
        self, path: Path, description: metadata.Description, files: pd.DataFrame, findings: list[Finding]
    ) -> None:
        self.path = path
        self.description = description
        self.files = files
        self.findings = findings

    @property
    def mifa(self) -> metadata.Mifa:
        """What people wrote about the dataset."""
        return self.description.mifa

    @property
    def title(self) -> str:
        """The title of the study; the name of the folder while there is none."""
        return self.mifa.study.title or self.path.resolve().name

    @cached_property
    def rows(self) -> tuple[FileRow, ...]:
        """All rows of ``files.tsv``."""
        return tuple(_file_rows(self.files))

    @cached_property
    def image_ids(self) -> tuple[str, ...]:
        """Ids of the images, in the order of ``files.tsv``."""
        return tuple(self._image_rows)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the group columns, without ``group:``."""
        return tuple(name[len(GROUP) :] for name in self.files.columns if name.startswith(GROUP))

    @cached_property
    def annotation_sets(self) -> tuple[str, ...]:
        """Names of the annotation sets that ``files.tsv`` names, in its order."""
        return tuple(dict.fromkeys(row.set for row in self.rows if row.role == "annotation" and row.set))

    @cached_property
    def _image_rows(self) -> dict[str, list[FileRow]]:
        found: dict[str, list[FileRow]] = {}
        for row in self.rows:
            if row.role == "image" and row.image:
                found.setdefault(row.image, []).append(row)
        return found

    @cached_property
    def _annotation_rows(self) -> dict[str, list[FileRow]]:
        found: dict[str, list[FileRow]] = {}
        for row in self.rows:
            if row.role == "annotation":
                found.setdefault(row.source, []).append(row)
        return found

    def image_rows(self, image: str) -> list[FileRow]:
        """Return the rows that make up an image: one, or one a channel.

        Raises
        ------
        DatasetError
            If there is no such image.
        """
        if image not in self._image_rows:
            raise DatasetError(self.path / NAME, f"names no image {image!r}", "See the column `image`")
        return self._image_rows[image]

    def annotation_rows(self, image: str) -> list[FileRow]:
        """Return the rows of the annotations of an image, of all kinds."""
        return self._annotation_rows.get(image, [])

    def locate(self, row: FileRow) -> Path:
        """Return the file of a row; a verified copy if it is not in the folder but at an address.

        Raises
        ------
        DatasetError, ExchangeError
            If its path leaves the dataset, or it cannot be read from its address.
        """
        return local_file(self.path, row.path, row.size, row.sha256)

    def original_path(self, row: FileRow) -> str:
        """Return the path that a file had before conversion; its path where it was not converted."""
        return self._originals.get(row.line, "") or row.path

    @cached_property
    def _originals(self) -> dict[int, str]:
        if ORIGINAL not in self.files.columns:
            return {}
        return dict(zip(self.files["line"], self.files[ORIGINAL].astype(str), strict=True))

    def open(self, row: FileRow) -> Image:
        """Open the image or label image of one row, as its file has it."""
        return open_row(self.path, row)

    def image(self, image: str) -> Image:
        """Open an image lazily: channels that are split over files are one, and a voxel size that people decided holds.

        Raises
        ------
        DatasetError, ImageError
            If there is no such image, or a file cannot be read.
        """
        return self.files_of(image).image()

    def masks(self, image: str) -> list[Mask]:
        """Open the label images of an image, set by set and layer by layer.

        Objects that have a file each are put together here, overlapping ones on further layers.

        Raises
        ------
        DatasetError, ImageError, AnnotationError
            If a file cannot be read.
        """
        return self.files_of(image).masks()

    def files_of(self, image: str) -> ImageFiles:
        """Return the files of an image: what to hand to a worker that is to open it.

        Raises
        ------
        DatasetError
            If there is no such image.
        """
        decided = self.mifa.voxel_size
        voxel = {axis: size for axis in "zyx" if decided is not None and (size := getattr(decided, axis))}
        units = dict.fromkeys(voxel, decided.unit) if decided is not None and decided.unit else {}
        return ImageFiles(
            self.path, image, tuple(self.image_rows(image)), tuple(self.mask_rows(image)), voxel, units
        )

    def mask_rows(self, image: str) -> list[FileRow]:
        """Return the rows of the label images of an image."""
        return [row for row in self.annotation_rows(image) if row.type == MASK_TYPE]

    def table_rows(self) -> list[FileRow]:
        """Return the rows of annotations that are tables (boxes, points, polygons, ...), whatever their format."""
        return [
            row
            for row in self.rows
            if (row.role == "annotation" and row.type != MASK_TYPE)
            or (row.role == "table" and row.path == OBJECTS_FILE)
        ]

    def image_groups(self, image: str) -> dict[str, str]:
        """Return the groups of an image: column name without ``group:`` to value."""
        return dict(self.image_rows(image)[0].groups)

    def image_split(self, image: str) -> str:
        """Return the split of an image; empty if it has none."""
        return self.image_rows(image)[0].split

    def set_described(self, name: str) -> metadata.AnnotationSet | None:
        """Return what ``mifa.yaml`` says of an annotation set, or None."""
        for described in self.mifa.annotations:
            if described.name == name:
                return described
        return None


def open_dataset(path: Path | str) -> Dataset:
    """Open a dataset folder.

    Parameters
    ----------
    path
        A folder with ``mifa.yaml`` and ``files.tsv``, as ``describe`` and ``convert`` write them, or the address of
        one: its description is read now, its files when they are needed.

    Raises
    ------
    DatasetError, MetadataError, ExchangeError
        If the folder is no dataset, or one of the two files cannot be read.
    """
    address = address_of(path)
    root = folder_of(address) if address else Path(path)
    if not root.is_dir():
        problem = "is no folder" if root.exists() else "does not exist"
        raise DatasetError(root, problem, "Give the folder of a dataset")
    for needed in (DESCRIPTION, NAME):
        if not (root / needed).is_file():
            raise DatasetError(root, f"has no {needed}", f"Make one with: {command_line('describe', root)}")
    description = metadata.load(root / DESCRIPTION)
    files, findings = read_manifest(root / NAME)
    return Dataset(root, description, files, [*description.findings, *findings])


_CELLS = (
    "Files",
    "member",
    "image",
    "role",
    "channel",
    "annotation set",
    "annotation type",
    "source image",
    "split",
    "size",
    "sha256",
    "line",
)
"""Columns in the order of the fields of a :class:`FileRow`."""


def _file_rows(frame: pd.DataFrame) -> list[FileRow]:
    groups = [name for name in frame.columns if name.startswith(GROUP)]
    own = [frame[name] if name in frame.columns else [""] * len(frame) for name in ("layer", "axes")]
    cells: list[list[Any]] = [frame[name].tolist() for name in _CELLS]
    grouped = zip(*(frame[name] for name in groups), strict=True) if groups else repeat((), len(frame))
    names = [name[len(GROUP) :] for name in groups]
    cells += [[str(cell) for cell in column] for column in own]
    cells += [[dict(zip(names, held, strict=True)) for held in grouped]]
    return [FileRow(*row) for row in zip(*cells, strict=True)]
