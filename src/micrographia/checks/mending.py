"""Edit single lines of ``files.tsv`` and leave every other byte as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from micrographia.dataset.manifest import path_problem, write_whole
from micrographia.errors import DatasetError

Cells = dict[str, str]
Edit = Callable[[Cells], Cells]


@dataclass(frozen=True, slots=True)
class Done:
    """How many lines were edited and removed."""

    edited: int
    removed: int


def edit_lines(path: Path, edits: Mapping[int, Edit], *, remove: Collection[int] = ()) -> Done:
    """Edit and remove lines of a tab-separated file, whole or not at all.

    Parameters
    ----------
    path
        The file; its first line is the header.
    edits
        Line, from 1, to a function from its cells (by column name) to the cells that replace them.
    remove
        Lines to remove.

    Returns
    -------
    Done
        What was done; lines that the edit leaves as they are do not count.

    Raises
    ------
    DatasetError
        If the file cannot be read or written, or cells hold line breaks, so that lines cannot be told apart.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(path, f"cannot be read ({error})", "Save it as UTF-8 text") from error
    lines = text.splitlines(keepends=True)
    header = [name.strip() for name in _cells(lines[0])] if lines else []
    if len(list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))) != len(lines):
        raise DatasetError(path, "has cells with line breaks and was left as it is", "Mend it by hand")
    edited = 0
    for number, edit in edits.items():
        cells = _cells(lines[number - 1])
        before = dict(zip(header, [*cells, *[""] * len(header)], strict=False))
        after = edit(before)
        if after != before:
            lines[number - 1] = _line(
                [after[name] for name in header] + cells[len(header) :], lines[number - 1]
            )
            edited += 1
    kept = [line for number, line in enumerate(lines, 1) if number not in remove]
    if edited or len(kept) != len(lines):
        write_whole(path, "".join(kept))
    return Done(edited, len(lines) - len(kept))


def mended_path(path: str) -> str:
    r"""Return a path with ``/`` only and without ``./`` and ``//``; as it was if that does not make it a safe path.

    Examples
    --------
    >>> mended_path(r".\images\a 1.tif"), mended_path("../a.tif")
    ('images/a 1.tif', '../a.tif')
    """
    mended = "/".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))
    return path if path_problem(mended) else mended


def _cells(line: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter="\t"), [])


def _line(cells: list[str], old: str) -> str:
    ending = old[len(old.rstrip("\r\n")) :]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="").writerow(cells)
    return buffer.getvalue() + ending
