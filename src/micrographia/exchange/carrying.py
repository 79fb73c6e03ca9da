"""The files of a dataset beside its crate: hard links where the disk allows, copies elsewhere."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from micrographia.dataset.manifest import inside
from micrographia.errors import MicrographiaError
from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.terms import DOCUMENT, FILE_LIST, MEMBER_LIST
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding

_TAKEN = {
    name.casefold() for name in (DOCUMENT, FILE_LIST, MEMBER_LIST, "mifa.yaml", "files.tsv", "origin.json")
}


def carry(submission: Submission, target: Path, how: str) -> tuple[list[str], list[Finding]]:
    """Put the files of a dataset, and what describes it, beside the crate.

    Parameters
    ----------
    submission
        What travels.
    target
        The folder of the crate.
    how
        ``link`` or ``copy``.

    Returns
    -------
    tuple of (list of str, list of Finding)
        The paths that were put there, and findings ``E013`` for those that could not be.
    """
    if submission.folder is None:
        message = f"{len(submission.files)} files are not on this machine: the crate has none of them"
        fix = "Fetch the dataset first, or leave files=none"
        return [], [told("E013", message, fix=fix)]
    done: dict[str, None] = {}
    failed: dict[str, str] = {}
    for path in sorted({str(name) for name in submission.files["Files"]}):
        if any(str(parent) in done for parent in PurePosixPath(path).parents):
            continue  # went along with the folder that it lies in
        try:
            source = inside(submission.folder, path)
            if path.split("/")[0].casefold() in _TAKEN:
                failed[path] = "has the name of a part of the crate"
            elif source.is_dir():
                _folder(source, target / path, how)
                done[path] = None
            elif source.is_file():
                _file(source, target / path, how)
                done[path] = None
            else:
                failed[path] = "is not there"
        except MicrographiaError as error:
            failed[path] = str(error)
    submission.save(target)
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
