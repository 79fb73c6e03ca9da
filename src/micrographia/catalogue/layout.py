"""How a published catalogue is laid out: Parquet files for range reads, and one small document that names them.

========================  ===================================================================================
``catalogue.json``        which files, how many rows and bytes, and what ranking needs; written last
``datasets-*.parquet``    a row a dataset: all that is filtered, counted and listed; read by column
``records-*.parquet``     a row a dataset: everything known of it, in JSON; small row groups, read by row
``words-*.parquet``       a row a stem and dataset: where it occurs; sorted by stem
``images-*.parquet``      a row an image, sorted by dataset; several files where there are many
========================  ===================================================================================

The star stands for the beginning of the file's checksum: a file never changes, so whoever reads a catalogue while a new
one is published reads one or the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from micrographia.catalogue.columns import NUMBERS, WORDS
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.texts import FIELDS

MANIFEST = "catalogue.json"
KIND, FORMAT = "micrographia catalogue", 1

DATASET_GROUP = 32_768
RECORD_GROUP = 128
WORD_GROUP = 32_768
IMAGE_GROUP = 65_536
"""Rows of a row group: what one range read brings is whole groups of one column."""
IMAGES_A_FILE = 4_000_000

_WHOLE = ("images", "objects", "size", "year")

DATASETS = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("accession", pa.string()),
        pa.field("doi", pa.string()),
        pa.field("date", pa.string()),
        pa.field("place", pa.string()),
        pa.field("content_sha256", pa.string()),
        pa.field("length", pa.int32(), nullable=False),
        *(pa.field(name, pa.int64() if name in _WHOLE else pa.float64()) for name in NUMBERS),
        *(pa.field(f"{name}s", pa.list_(pa.string())) for name in WORDS),
    ]
)
"""Columns of ``datasets-*.parquet``; ``length`` is the number of words in all text fields."""

RECORDS = pa.schema(
    [pa.field("dataset", pa.string(), nullable=False), pa.field("record", pa.string(), nullable=False)]
)

TERMS = pa.schema(
    [
        pa.field("stem", pa.string(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        *(pa.field(name, pa.uint16(), nullable=False) for name in FIELDS),
        pa.field("positions", pa.list_(pa.int32()), nullable=False),
    ]
)
"""Columns of ``words-*.parquet``: how often a stem occurs in each field of the dataset in a row of the datasets, and
where: the number of the field times 2^24 plus the number of the word."""
FIELD_STEP = 1 << 24

IMAGES = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in ("image", "path", "split", "groups")),
        pa.field("size", pa.int64()),
        *(pa.field(name, pa.string()) for name in ("dtype", "channels")),
        *(pa.field(f"size_{axis}", pa.int64()) for axis in "tczyx"),
        *(pa.field(f"voxel_{axis}", pa.float64()) for axis in "zyx"),
    ]
)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a published catalogue.

    Parameters
    ----------
    file
        Its name.
    size, rows
        Bytes and rows.
    sha256
        Its checksum.
    first, last
        Ids of the first and the last dataset in it; empty for files other than those of images.
    """

    file: str
    size: int
    rows: int
    sha256: str
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``catalogue.json`` says.

    Parameters
    ----------
    datasets, records, words
        The three files.
    images
        Those of images, by dataset.
    tokens
        Number of words in all text fields of all datasets.
    """

    datasets: Part
    records: Part
    words: Part
    images: tuple[Part, ...]
    tokens: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """All files."""
        return (self.datasets, self.records, self.words, *self.images)

    def to_text(self) -> str:
        """Return the document."""

        def plain(part: Part) -> dict[str, Any]:
            values = {name: getattr(part, name) for name in Part.__dataclass_fields__}
            return {name: value for name, value in values.items() if value != ""}

        document = {
            "kind": KIND,
            "format_version": FORMAT,
            "datasets": plain(self.datasets),
            "records": plain(self.records),
            "words": plain(self.words),
            "images": [plain(part) for part in self.images],
            "tokens": self.tokens,
        }
        return json.dumps(document, indent=1) + "\n"


def read_layout(text: str | bytes, place: str) -> Manifest:
    """Return what a ``catalogue.json`` says.

    Parameters
    ----------
    text
        What it holds.
    place
        Where it lies, for errors.

    Raises
    ------
    CatalogueError
        If it is damaged, of a newer version, or something else.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(place, f"is no JSON ({error})", "Publish the catalogue again") from error
    if not isinstance(document, Mapping) or document.get("kind") != KIND:
        raise CatalogueError(place, "is not what a published catalogue holds", "Name another place")
    version = document.get("format_version")
    if version != FORMAT:
        raise CatalogueError(
            place,
            f"is of version {version!r}; this program knows {FORMAT}",
            "Update micrographia, or have the catalogue published again",
        )
    try:
        images = tuple(_part(one) for one in document["images"])
        datasets, records, words = (_part(document[name]) for name in ("datasets", "records", "words"))
        manifest = Manifest(datasets, records, words, images, int(document["tokens"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CatalogueError(place, f"is damaged ({error!r})", "Publish the catalogue again") from error
    for part in manifest.parts:
        if "/" in part.file or "\\" in part.file or not part.file.endswith(".parquet"):
            raise CatalogueError(
                place, f"names {part.file!r}, which is not beside it", "Do not use this catalogue"
            )
    return manifest


def _part(values: Mapping[str, Any]) -> Part:
    texts = {name: str(values.get(name, "")) for name in ("file", "sha256", "first", "last")}
    return Part(size=int(values["size"]), rows=int(values["rows"]), **texts)
