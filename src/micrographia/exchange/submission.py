"""What travels: a description, a file list, and whatever of the source had no home in either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia import metadata
from micrographia.dataset import Dataset
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.manifest import COLUMNS, table_of, write_manifest, write_whole
from micrographia.dataset.manifest import NAME as MANIFEST
from micrographia.dataset.origin import Origin, read_origin, write_origin
from micrographia.findings import Finding
from micrographia.metadata import Description, Mifa

if TYPE_CHECKING:
    import pandas as pd

COMPONENT = "study component"
"""Column of the file list: name of the study component that an image belongs to."""


@dataclass(slots=True)
class Submission:
    """A dataset as it travels between archives: what is written about it, and its files, wherever they are.

    Parameters
    ----------
    description
        What is written, as :func:`micrographia.metadata.from_dict` reads it.
    files
        The file list in the columns of ``files.tsv`` (:data:`~micrographia.dataset.manifest.COLUMNS`, ``size`` int64
        with -1 for unknown), ``line``, and any columns of the source's own.
    origin
        Where it is from, and what had no home in the model.
    findings
        What reading had to say.
    folder
        Where the files are on this machine; None if they are elsewhere.
    brings_files
        Whether a dataset folder that is made of it gets copies of the files.
    """

    description: Description
    files: pd.DataFrame
    origin: Origin = field(default_factory=Origin)
    findings: list[Finding] = field(default_factory=list)
    folder: Path | None = None
    brings_files: bool = False

    @property
    def mifa(self) -> Mifa:
        """What people wrote about the dataset."""
        return self.description.mifa

    @classmethod
    def of(cls, dataset: Dataset) -> Submission:
        """Return an open dataset as what travels.

        Raises
        ------
        DatasetError
            If its ``origin.json`` cannot be read.
        """
        origin = read_origin(dataset.path)
        return cls(dataset.description, dataset.files, origin, list(dataset.findings), dataset.path)

    def dataset(self) -> Dataset:
        """Return it as a dataset whose files need not be there, for rules that judge what is written."""
        path = self.folder or Path(self.mifa.study.accession or self.origin.source or "dataset")
        return Dataset(path, self.description, self.files, self.findings)

    def save(self, folder: Path) -> None:
        """Write ``mifa.yaml``, ``files.tsv`` and ``origin.json`` into a folder that exists.

        Raises
        ------
        DatasetError
            If one cannot be written.
        """
        write_whole(folder / DESCRIPTION, metadata.dump(self.mifa))
        write_manifest(folder / MANIFEST, self.files)
        if not self.origin.is_empty:
            write_origin(folder, self.origin)


def described(values: Mapping[str, Any], name: str = "") -> Description:
    """Return a description of plain values, read as leniently as a ``mifa.yaml``.

    Parameters
    ----------
    values
        Dictionaries, lists and texts under the names of the model.
    name
        Name of the source, for findings.
    """
    return metadata.from_dict(values, name)


def file_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows of a file list as a table with all columns of ``files.tsv``.

    Parameters
    ----------
    rows
        Column name to text; ``size`` may be an integer. Missing columns are empty, columns of their own are kept.
    """
    own = dict.fromkeys(name for row in rows for name in row if name not in (*COLUMNS, "line"))
    texts = {name: [str(row.get(name, "") or "") for row in rows] for name in (*COLUMNS, *own)}
    sizes = [_size(row.get("size")) for row in rows]
    return table_of(texts, range(2, len(rows) + 2), sizes)


def _size(value: Any) -> int:
    text = str(value if value is not None else "").strip()
    return int(text) if text.isdigit() and len(text) < 19 else -1
