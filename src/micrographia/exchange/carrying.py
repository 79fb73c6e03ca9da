"""The files of a dataset that go along: hard links where asked for and possible, copies elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from micrographia.dataset.manifest import inside
from micrographia.errors import MicrographiaError
from micrographia.exchange.codes import told
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding


def carry_files(
    submission: Submission, target: Path, how: str = "copy", taken: Collection[str] = ()
) -> tuple[list[str], list[Finding]]:
    """Put the files of a dataset into a folder; a Zarr group goes as the folder that it is.

    Parameters
    ----------
    submission
        What travels.
    target
        The folder.
    how
        ``link`` or ``copy``.
    taken
        Names at the top of the folder that no file may have, in lower case.

    Returns
    -------
    tuple of (list of str, list of Finding)
        The paths that were put there, and a finding ``E013`` that names the first of those that could not be.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    if submission.folder is None:
        message = f"{len(submission.files)} files are not on this machine: none of them goes along"
        return [], [told("E013", message, fix="Fetch the dataset first, or leave its files where they are")]
    done: dict[str, None] = {}
    failed: dict[str, str] = {}
    for path in sorted({str(name) for name in submission.files["Files"]}):
        if any(str(parent) in done for parent in PurePosixPath(path).parents):
            continue  # went along with the folder that it lies in
        try:
            source = inside(submission.folder, path)
        except MicrographiaError as error:
            failed[path] = str(error)
            continue
        if path.split("/")[0].casefold() in taken:
            failed[path] = "has a name that is taken there"
        elif source.is_dir():
            _folder(source, target / path, how)
            done[path] = None
        elif source.is_file():
            _file(source, target / path, how)
            done[path] = None
        else:
            failed[path] = "is not there"
    return list(done), [_told(failed)] if failed else []


def _told(failed: dict[str, str]) -> Finding:
    first, why = next(iter(failed.items()))
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return told("E013", f"{first} {why}{more}", path=first)


def _file(source: Path, goal: Path, how: str) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    if how == "link":
        try:
            os.link(source.resolve(), goal)
            return
        except OSError:  # another disk, or one without hard links
            pass
    shutil.copy2(source, goal)


def _folder(source: Path, goal: Path, how: str) -> None:
    for here, folders, names in os.walk(source):
        folders.sort()
        at = goal / Path(here).relative_to(source)
        at.mkdir(parents=True, exist_ok=True)
        for name in sorted(names):
            _file(Path(here) / name, at / name, how)
