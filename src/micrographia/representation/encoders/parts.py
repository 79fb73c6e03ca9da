"""What an unfinished embedding keeps beside its output, so that a killed run goes on: features by parts, a journal."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia.annotations.files import replaced
from micrographia.dataset.locks import alone
from micrographia.errors import AnnotationError, DatasetError, ProfileError
from micrographia.representation.encoders.resample import Floats

if TYPE_CHECKING:
    import pandas as pd

GROUP_BYTES = 64 << 20
"""About how many bytes of features a row group of the output has."""
_KEY = b"micrographia"


class Parts:
    """Features of an embedding under way, in a folder beside the output.

    Parameters
    ----------
    folder
        ``.NAME.parts`` beside the output.
    settings
        What must be the same for a run that goes on.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings = json.loads(json.dumps(settings, sort_keys=True))
        self.files: list[Path] = []
        self.chunks = 0
        self.rows = 0
        self._journal = folder / "journal.jsonl"

    def begin(self, *, afresh: bool = False) -> None:
        """Go on with what an interrupted run left, or start; a part that is not whole is done again.

        Raises
        ------
        ProfileError
            If the interrupted run had other settings.
        """
        if afresh and self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = self._journal.read_text("utf-8").splitlines(keepends=True) if self._journal.exists() else []
        header = _read(lines[0]) if lines else None
        if header is None:
            self._journal.write_text(json.dumps(self.settings, sort_keys=True) + "\n", "utf-8")
            return
        _compare(self.folder, header, self.settings)
        kept = lines[:1]
        for line in lines[1:]:
            entry = _read(line)
            path = self.folder / f"part-{len(self.files):05}.npy"
            if entry is None or not path.is_file() or _checksum(path) != entry["sha256"]:
                break
            self.files.append(path)
            self.chunks, self.rows = entry["chunks"], entry["rows"]
            kept.append(line)
        self._journal.write_text("".join(kept), "utf-8")

    def add(self, values: Floats, chunks: int) -> None:
        """Keep the features of some rows; on disk when this returns.

        Parameters
        ----------
        values
            float32 ``(n, d)``.
        chunks
            How many chunks of the work are done with it, from the beginning.
        """
        path = self.folder / f"part-{len(self.files):05}.npy"
        with replaced(path) as temporary, temporary.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        self.files.append(path)
        self.chunks = chunks
        self.rows += len(values)
        entry = {"chunks": chunks, "rows": self.rows, "sha256": _checksum(path)}
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def values(self) -> Iterator[Floats]:
        """Yield the features, part by part."""
        for path in self.files:
            yield np.load(path, allow_pickle=False)

    def remove(self) -> None:
        """Remove the folder; the output is whole."""
        with suppress(OSError):
            shutil.rmtree(self.folder)


@contextmanager
def only_run(folder: Path, out: Path) -> Iterator[None]:
    """Refuse a second run into the same output at the same time.

    Raises
    ------
    ProfileError
        If there is one, or the folder of the output cannot be written to.
    """
    lock = folder.with_name(f"{folder.name}.lock")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with alone(lock):
            yield
            lock.unlink(missing_ok=True)
    except DatasetError as error:
        if error.path != str(lock):
            raise
        raise ProfileError(out, "another run is writing it", "Wait until it has ended") from error


def write_parquet(
    path: Path, name: str, meta: pd.DataFrame, names: tuple[str, ...], source: Mapping[str, Any], parts: Parts
) -> None:
    """Write profiles as ``write_profiles`` does, but part by part; whole or not at all.

    Raises
    ------
    ProfileError
        If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {f"Metadata_{column}": pa.array(meta[column], from_pandas=True) for column in meta}
    fields = [pa.field(column, array.type) for column, array in columns.items()]
    fields += [pa.field(feature, pa.float32()) for feature in names]
    note = {"profiles": 1, "name": name, "source": source}
    schema = pa.schema(fields, {_KEY: json.dumps(note, sort_keys=True).encode()})
    if parts.rows != len(meta):
        raise ProfileError(
            path, f"{parts.rows:,} of {len(meta):,} rows are there", "Start afresh with --overwrite"
        )
    size = max(1, GROUP_BYTES // (4 * max(1, len(names))))
    try:
        with replaced(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            start = 0
            for values in _regrouped(parts.values(), size):
                arrays = [array[start : start + len(values)] for array in columns.values()]
                arrays += [pa.array(np.ascontiguousarray(column)) for column in values.T]
                writer.write_table(pa.table(arrays, schema=schema), row_group_size=size)
                start += len(values)
    except AnnotationError as error:
        raise ProfileError(error.path, error.problem, error.remedy) from error


def written_source(path: Path) -> dict[str, Any]:
    """Return the provenance that a file of profiles was written with; empty if it does not say."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = _read((pq.read_schema(path).metadata or {}).get(_KEY, b"{}").decode())
    except (pa.ArrowException, OSError, ValueError):
        return {}
    source = told.get("source") if told else None
    return source if isinstance(source, dict) else {}


def settings_sha256(settings: Mapping[str, Any]) -> str:
    """Return the checksum of settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _regrouped(parts: Iterator[Floats], size: int) -> Iterator[Floats]:
    """Yield rows in groups of exactly ``size``, but for the last."""
    held: list[Floats] = []
    rows = 0
    for values in parts:
        held.append(values)
        rows += len(values)
        while rows >= size:
            together = np.concatenate(held)
            yield together[:size]
            held, rows = [together[size:]], rows - size
    if rows:
        yield np.concatenate(held)


def _compare(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            shown = [json.dumps(held.get(key))[:80] for held in (before, now)]
            raise ProfileError(
                folder,
                f"an interrupted run had {key} {shown[0]}, this one has {shown[1]}",
                "Give the same settings, or start afresh with --overwrite",
            )


def _read(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
