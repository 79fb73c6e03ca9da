"""Files of an anonymous copy: texts and tables are cleaned, pixels are linked, and what was not cleaned is told."""

from __future__ import annotations

import io
import json
import mmap
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from micrographia.catalogue.anonymous.key import Key
from micrographia.catalogue.anonymous.names import Names
from micrographia.errors import DatasetError

TEXTS = frozenset(
    ".csv .tsv .txt .json .geojson .ndjson .jsonl .xml .yaml .yml .md .rst .svg .ini .cfg .log .html .htm".split()
)
"""Endings of files that are read as text."""
ZARR = frozenset({"zarr.json", ".zattrs", ".zgroup", ".zarray", ".zmetadata"})
"""Files of a Zarr store that are no pixels."""
LARGEST_TEXT = 256 << 20
"""Bytes above which a text or table is not cleaned."""
SEARCHED = 512 << 20
"""Bytes of a file that are searched for names; of a larger one its beginning and its end."""


@dataclass(slots=True)
class Copying:
    """What becomes of the files while they are copied.

    Parameters
    ----------
    names
        What is looked for.
    protected
        Strings that stay as they are.
    key
        Where originals of changed files go.
    linking
        Whether pixels are linked, not copied.
    """

    names: Names
    protected: Sequence[str]
    key: Key
    linking: bool = True
    linked: int = 0
    copied: int = 0
    cleaned: list[str] = field(default_factory=list)
    not_cleaned: list[str] = field(default_factory=list)
    inside: dict[str, list[str]] = field(default_factory=dict)
    """Files that were not cleaned to the names that were seen in them."""
    _needles: list[tuple[str, bytes]] = field(default_factory=list)

    def resource(self, source: Path, target: Path, path: str) -> None:
        """Copy a file, or a Zarr group with all its files.

        Raises
        ------
        DatasetError
            If it cannot be read or written.
        """
        if not source.is_dir():
            self._file(source, target, path)
            return
        for folder, below, names in os.walk(source):
            below.sort()
            for name in sorted(names):
                here = Path(folder) / name
                inner = here.relative_to(source)
                self._file(here, target / inner, f"{path}/{inner.as_posix()}", zarr=True)

    def _file(self, source: Path, target: Path, path: str, *, zarr: bool = False) -> None:
        name = source.name.lower()
        ending = PurePosixPath(name).suffix
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            size = source.stat().st_size
            if (name in ZARR or ending in TEXTS) and size <= LARGEST_TEXT:
                made = self._cleaned_text(source.read_bytes(), as_json=name in ZARR or ending == ".json")
            elif ending == ".parquet" and size <= LARGEST_TEXT:
                made = self._cleaned_table(source.read_bytes(), path)
            else:
                if not zarr:
                    self._not_cleaned(source, path)
                made = None
            if made is None:
                self._pixels(source, target)
                return
            original = source.read_bytes()
            target.write_bytes(made)
            self.copied += 1
            if made != original:
                self.key.keep(path, original, made)
                self.cleaned.append(path)
        except OSError as error:
            raise DatasetError(
                source, f"cannot be copied ({error.strerror or error})", "Free space"
            ) from error

    def _pixels(self, source: Path, target: Path) -> None:
        real = source.resolve()
        if self.linking:
            try:
                os.link(real, target)
            except OSError:
                pass
            else:
                self.linked += 1
                return
        shutil.copyfile(real, target)
        self.copied += 1

    def _cleaned_text(self, data: bytes, *, as_json: bool) -> bytes:
        for encoding in ("utf-8", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if as_json:
                text = self._plain_json(text)
            made = self.names.replace(text, self.protected)
            return data if made == data.decode(encoding) else made.encode(encoding, "replace")
        return data

    def _plain_json(self, text: str) -> str:
        r"""Return JSON with its escapes (``\u00e9``) written out where it hides names, so that they are found."""
        if "\\u" not in text:
            return text
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            return text
        plain = json.dumps(held, ensure_ascii=False, indent=2)
        return plain if self.names.replace(plain, self.protected) != plain else text

    def _cleaned_table(self, data: bytes, path: str) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(io.BytesIO(data))
        except (pa.ArrowException, OSError) as error:
            raise DatasetError(path, f"cannot be read as a table ({error})", "Write it again") from error
        changed = False
        for number, name in enumerate(table.column_names):
            values = table.column(number).to_pylist()
            made = [self._cell(value) for value in values]
            if made != values:
                changed = True
                table = table.set_column(
                    number, table.field(number), pa.array(made, table.schema.field(number).type)
                )
            title = self.names.replace(name, self.protected)
            if title != name:
                changed = True
                table = table.rename_columns([title if one == name else one for one in table.column_names])
        metadata = {
            key: self.names.replace(value.decode("utf-8", "replace"), self.protected).encode()
            for key, value in (table.schema.metadata or {}).items()
        }
        if not changed and metadata == (table.schema.metadata or {}):
            return data
        buffer = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(metadata), buffer)
        return buffer.getvalue()

    def _cell(self, value: Any) -> Any:
        return self.names.replace(value, self.protected) if isinstance(value, str) else value

    def _not_cleaned(self, source: Path, path: str) -> None:
        self.not_cleaned.append(path)
        seen = self._seen(source)
        if seen:
            self.inside[path] = seen

    def _seen(self, source: Path) -> list[str]:
        """Return the names that stand in the bytes of a file, in UTF-8 or UTF-16; packed metadata are not seen."""
        if not self._needles:
            wanted = [text for text in self.names.strings if len(text) > 4]
            self._needles = [
                (text, text.encode(encoding)) for text in wanted for encoding in ("utf-8", "utf-16-le")
            ]
        size = source.stat().st_size
        if not size:
            return []
        found: dict[str, None] = {}
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for start, end in _windows(size):
                for text, needle in self._needles:
                    if text not in found and data.find(needle, start, end) >= 0:
                        found[text] = None
        return list(found)


def _windows(size: int) -> Iterator[tuple[int, int]]:
    if size <= SEARCHED:
        yield 0, size
    else:
        yield 0, SEARCHED // 2
        yield size - SEARCHED // 2, size
