"""``files.tsv``: one row per file member, what it is and to what it belongs.

Columns, all text unless stated; an empty cell means none:

=================  ============================================================================================
``Files``          path relative to the dataset, with ``/``
``member``         HDF5 key, series, scene or page inside the file; empty for the whole file
``image``          image id, for rows of role image
``role``           ``image``, ``annotation``, ``table`` or ``other``
``channel``        name of the channel that this file holds, where channels are split over files
``annotation set`` name of the annotation set in ``mifa.yaml``, for annotations
``annotation type`` a term of the MIFA vocabulary, for annotations
``source image``   id of the image that the annotation belongs to
``split``          ``train``, ``validation``, ``test`` or any other name
``group:NAME``     any number of columns: what the images are grouped by (donor, plate, slide)
``size``           bytes (integer)
``sha256``         checksum of the file; for a Zarr group of its sorted manifest
``layer``          where objects overlap: on which layer of its set a label image lies, from 1
``axes``           what a person decided that the axes are, where the file does not say: ``CYX``
=================  ============================================================================================

Further columns that people add are kept.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from unicodedata import combining, normalize

from micrographia.errors import DatasetError
from micrographia.findings import Finding, Severity
from micrographia.paths import has_link

if TYPE_CHECKING:
    import pandas as pd

NAME = "files.tsv"
COLUMNS = (
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
)
ROLES = ("image", "annotation", "table", "other")
GROUP = "group:"
LARGEST = 2 << 30
"""Bytes above which a ``files.tsv`` is not read."""

_ID = re.compile(r"[^A-Za-z0-9!\-_.*'()]+")


def image_id(text: str) -> str:
    """Return text as an image id: only characters that the archive allows (``A-Za-z0-9!-_.*'()``).

    Examples
    --------
    >>> image_id("Größe 1")
    'Grosse_1'
    """
    plain = normalize("NFKD", text.replace("ß", "ss"))
    cleaned = _ID.sub("_", "".join(letter for letter in plain if not combining(letter))).strip("_.")
    return cleaned or "image"


def unique_ids(wanted: list[str]) -> list[str]:
    """Make ids unique regardless of case by appending ``-2``, ``-3``, ... in order of appearance."""
    seen: set[str] = set()
    result = []
    for name in wanted:
        base, candidate, number = name, name, 1
        while candidate.casefold() in seen:
            number += 1
            candidate = f"{base}-{number}"
        seen.add(candidate.casefold())
        result.append(candidate)
    return result


def path_problem(path: str) -> str:
    """Say why a path from a file may not be followed, or return an empty string if it may.

    A path is relative, with ``/``, and stays inside the dataset.
    """
    if not path:
        return "is empty"
    if any(ord(character) < 32 for character in path):
        return "holds a control character"
    if "\\" in path:
        return "is written with backslashes"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is absolute"
    parts = path.split("/")
    if ".." in parts:
        return "leaves the dataset by .."
    if "." in parts or "" in parts:
        return "holds ./ or //"
    return ""


def inside(root: Path, path: str) -> Path:
    """Return ``root / path``, refusing any path that leaves the dataset, also by a symbolic link.

    Raises
    ------
    DatasetError
        If the path is absolute, climbs out, or resolves to a place outside the dataset.
    """
    problem = path_problem(path)
    if problem:
        raise DatasetError(path, f"path {problem}", "Write it relative to the dataset folder, with /")
    relative = PurePosixPath(path)
    joined = root / relative
    if not has_link(root, relative.parts):
        return joined
    try:
        resolved = joined.resolve()
    except (OSError, RuntimeError) as error:
        raise DatasetError(path, f"cannot be followed ({error})", "Replace the link by the file") from error
    # A link that a person placed to a file is how large folders are shared; a link to a folder elsewhere is not.
    if not resolved.is_relative_to(root.resolve()) and not joined.is_symlink():
        raise DatasetError(path, "leads out of the dataset", "Copy the file into the dataset")
    return joined


def read_manifest(path: Path) -> tuple[pd.DataFrame, list[Finding]]:
    """Read ``files.tsv`` leniently.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple of (DataFrame, list of Finding)
        One row per usable line, with all of :data:`COLUMNS`, group columns, and ``line`` (integer, from 1).
        Rows whose path may not be followed are left out and told as findings ``T001`` to ``T006``.

    Raises
    ------
    DatasetError
        If the file cannot be read as UTF-8 text or has no ``Files`` column.
    """
    rows, header, findings = _rows(path)
    columns = _ordered(list(dict.fromkeys((*header, *COLUMNS))))
    blank = [""] * len(rows)
    texts = {
        name: [cells.get(name, "") for _, cells in rows] if name in header else blank for name in columns
    }
    return table_of(texts, [line for line, _ in rows], _sizes(texts["size"])), findings


def table_of(texts: Mapping[str, Sequence[str]], lines: Sequence[int], sizes: Sequence[int]) -> pd.DataFrame:
    """Return columns of text as a table whose ``size`` and ``line`` are whole numbers.

    Parameters
    ----------
    texts
        Column to its cells, in order; one is ``size``.
    lines, sizes
        Line and bytes of each row; -1 where they are not known.
    """
    import numpy as np
    import pandas as pd

    cells = np.empty((len(lines), len(texts) + 1), object)
    for at, column in enumerate(texts.values()):
        cells[:, at] = column
    frame = pd.DataFrame(cells, columns=_index((*texts, "line")), dtype=object)
    frame.isetitem(list(texts).index("size"), np.asarray(sizes, np.int64))
    frame.isetitem(len(texts), np.asarray(lines, np.int64))
    return frame


@lru_cache(maxsize=64)
def _index(columns: tuple[str, ...]) -> pd.Index[str]:
    import pandas as pd

    return pd.Index(columns)


def _sizes(texts: Sequence[str]) -> list[int]:
    import pandas as pd

    if all(not text or (len(text) < 16 and text.isascii() and text.isdigit()) for text in texts):
        return [int(text or -1) for text in texts]
    sizes: pd.Series[float] = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    return sizes.fillna(-1).astype("int64").tolist()


def write_manifest(path: Path, frame: pd.DataFrame) -> None:
    """Write ``files.tsv`` whole or not at all; columns in the documented order, rows as given."""
    shown = frame.drop(columns=["line"], errors="ignore")
    columns = _ordered(list(shown.columns))
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    values = [shown[name].astype(str).where(shown[name].astype(str) != "-1", "") for name in columns]
    writer.writerows(zip(*values, strict=True))
    write_whole(path, buffer.getvalue())


def write_whole(path: Path, text: str) -> None:
    """Write UTF-8 text beside the target and rename it, so that it appears whole or not at all.

    Raises
    ------
    DatasetError
        If it cannot be written, for instance because the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        remedy = "Free space or choose another folder" if path.parent.is_dir() else "Make its folder first"
        raise DatasetError(path, f"cannot be written ({reason})", remedy) from error


def _ordered(names: list[str]) -> list[str]:
    groups = [name for name in names if name.startswith(GROUP)]
    fixed = list(COLUMNS)
    at = fixed.index("size")
    known = [*fixed[:at], *groups, *fixed[at:]]
    others = [name for name in names if name not in known and name != "line"]
    return [name for name in known if name in names or name in COLUMNS] + others


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str], list[Finding]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter="\t")
    findings: list[Finding] = []
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if "Files" not in header:
            raise DatasetError(path, "has no column Files", "Let `micrographia describe` write it")
        if len(set(header)) != len(header):
            raise DatasetError(path, "names a column twice", "Rename or remove one of them")
        for cells in reader:
            line = reader.line_num
            row = _row(cells, header, line, path.name, findings)
            if row is not None:
                rows.append((line, row))
    except csv.Error as error:
        raise DatasetError(
            path, f"line {reader.line_num} cannot be read ({error})", "Mend that line"
        ) from error
    return rows, header, findings


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, "is larger than 2 GiB", "Is it really a list of files?")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(path, f"is not UTF-8 (byte {error.start})", "Save it as UTF-8 text") from error
    except OSError as error:
        raise DatasetError(path, f"cannot be read ({error.strerror})", "") from error


def _row(
    cells: list[str], header: list[str], line: int, name: str, findings: list[Finding]
) -> dict[str, str] | None:
    def tell(code: str, severity: Severity, message: str, fix: str) -> None:
        findings.append(Finding(code, severity, message, path=name, line=line, fix=fix))

    if not any(cell.strip() for cell in cells):
        tell("T001", Severity.WARNING, "the line is blank", "remove it")
        return None
    if len(cells) != len(header):
        message = f"the line has {len(cells)} cells, the header {len(header)}"
        tell("T002", Severity.ERROR, message, "give it as many cells as the header")
        cells = [*cells, *[""] * len(header)][: len(header)]
    row = {key: cell.strip() for key, cell in zip(header, cells, strict=True)}
    problem = path_problem(row["Files"])
    if problem in ("holds ./ or //", "is written with backslashes"):
        mended = "/".join(p for p in row["Files"].replace("\\", "/").split("/") if p not in ("", "."))
        if not path_problem(mended):
            tell("T003", Severity.WARNING, f"the path {row['Files']!r} {problem}", f"write {mended}")
            row["Files"], problem = mended, ""
    if problem:
        tell(
            "T004",
            Severity.ERROR,
            f"the path {row['Files']!r} {problem}",
            "write it relative to the dataset, with /",
        )
        return None
    role = row.get("role", "").lower()
    if role not in ROLES:
        message = f"the role {row.get('role', '')!r} is not one of {', '.join(ROLES)}"
        tell("T005", Severity.ERROR, message, "write one of them")
        role = "annotation" if row.get("annotation set") or row.get("annotation type") else "other"
    row["role"] = role
    size = row.get("size", "")
    if size and not size.isdigit():
        tell(
            "T006",
            Severity.WARNING,
            f"the size {size!r} is not a whole number of bytes",
            "run describe again",
        )
    return row
