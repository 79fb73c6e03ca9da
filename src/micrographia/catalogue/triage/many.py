"""Judge many submissions at once, in parallel, in bounded memory; what cannot be read is a row with its reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from sys import intern

from micrographia.catalogue.triage.effort import Efforts, load_efforts
from micrographia.catalogue.triage.judging import How, Task, judge_task
from micrographia.catalogue.triage.letters import LetterOptions
from micrographia.catalogue.triage.record import one_line
from micrographia.catalogue.triage.result import Triage, Triaged
from micrographia.checks.profile import Profile, load_profile
from micrographia.dataset.folder import DESCRIPTION
from micrographia.errors import DatasetError
from micrographia.metadata.files import write_whole
from micrographia.remote import is_address
from micrographia.work import Outcome, Progress, stream

ENDINGS = (".json", ".jsonld", ".tsv", ".yaml", ".yml", ".xml", ".csv", ".txt", ".pagetab")
"""Endings of files of a folder that may be records."""
DEEPEST = 12
"""Folders within folders that are looked into."""
LETTERS = "letters"
"""Folder for letters below the output."""


def triage(
    places: Iterable[str | Path],
    *,
    profile: Profile | str | Path | None = None,
    efforts: Efforts | str | Path | None = None,
    letters: LetterOptions | None = None,
    out: Path | None = None,
    form: str | None = None,
    today: date | None = None,
    workers: int | None = None,
    quiet: bool = True,
) -> Triage:
    """Say what many submissions lack, and write letters to their authors.

    Parameters
    ----------
    places
        Files, folders of records, dataset folders, addresses.
    profile
        Rule set: a profile, the name of a built-in one, or the path of a YAML file; ``mifa`` by default.
    efforts
        Minutes that mending takes: a table, or the path of a YAML file that replaces entries of the built-in one.
    letters
        What a curator adds to letters; None for no letters.
    out
        Folder into which letters are written, below ``letters/``, as ``NAME.txt`` and ``NAME.md``; without it they, and
        the texts of what is lacking, stay in the rows.
    form
        Format of the records; recognised by default.
    today
        Date that dates are compared with.
    workers
        Number of workers; None for one a processor. The result does not depend on it.
    quiet
        Show no progress.

    Returns
    -------
    Triage
        A row for each submission, those that could not be read among them.

    Raises
    ------
    MicrographiaError
        If the profile or the table of efforts is none, a place does not exist, or letters cannot be written.

    Examples
    --------
    >>> from micrographia.catalogue.triage import triage
    >>> [row.name for row in triage(["records/"]).rows]  # doctest: +SKIP
    ['S-BIAD1076', 'S-BIAD1492']
    """
    chosen = profile if isinstance(profile, Profile) else load_profile(profile or "mifa")
    table = efforts if isinstance(efforts, Efforts) else load_efforts(efforts)
    how = How(chosen, table, letters, form, today)
    tasks = list(_tasks(places))
    if not tasks:
        raise DatasetError("", "there is nothing to look at", "Give records, or a folder with some")
    target = _folder(out) if out is not None and letters is not None else None
    rows: list[Triaged] = []
    passed: list[str] = []
    names: dict[str, str] = {}
    taken: set[str] = set()
    # A few records are judged sooner than a worker starts.
    count = 1 if workers is None and len(tasks) < 40 else workers
    work = stream(partial(judge_task, how), tasks, workers=count, name=lambda task: task.place)
    with Progress("records", len(tasks), quiet=quiet) as progress:
        for outcome in work:
            row = _row(outcome)
            if row is None:
                passed.append(outcome.task.place)
            else:
                if target is not None and row.letter:
                    row = _written(row, target, names, taken)
                rows.append(row)
            progress.advance()
    return Triage(tuple(rows), chosen.name, tuple(passed), tuple(names.items()))


def _row(outcome: Outcome[Task, Triaged | None]) -> Triaged | None:
    error = outcome.error
    if error is None:
        return outcome.value
    place = outcome.task.place
    return Triaged(
        place=place,
        name=one_line(re.split(r"[/\\]", place.rstrip("/\\"))[-1]) or one_line(place),
        problem=one_line(error.problem),
        remedy=one_line(error.remedy),
    )


def _tasks(places: Iterable[str | Path]) -> Iterator[Task]:
    for place in places:
        text = str(place)
        path = Path(place)
        if is_address(text) or not path.is_dir() or (path / DESCRIPTION).is_file():
            yield Task(text)
        else:
            yield from _walked(text, DEEPEST)


def _walked(folder: str, levels: int) -> Iterator[Task]:
    try:
        with os.scandir(folder) as entries:
            held = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetError(folder, f"cannot be listed ({error.strerror})", "Check its permissions") from error
    folders = []
    for entry in held:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.path)
        elif entry.name.lower().endswith(ENDINGS):
            yield Task(entry.path, found=True)
    for path in folders:
        if (Path(path) / DESCRIPTION).is_file():
            yield Task(path)
        elif levels and not path.lower().endswith(".zarr"):
            yield from _walked(path, levels - 1)


def _folder(out: Path) -> Path:
    target = out / LETTERS
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(target, f"cannot be made ({error.strerror})", "Choose another folder") from error
    return target


def _written(row: Triaged, target: Path, names: dict[str, str], taken: set[str]) -> Triaged:
    """Write the letter and return the row without its texts: ten thousand letters need not stay in memory."""
    name = _free(row.name, taken)
    write_whole(target / f"{name}.txt", row.letter.encode())
    write_whole(target / f"{name}.md", row.letter_markdown.encode())
    names[row.place] = name
    slim = tuple(
        replace(lack, code=intern(lack.code), what=intern(lack.what), where=intern(lack.where), text="")
        for lack in row.lacks
    )
    return replace(row, letter="", letter_markdown="", lacks=slim)


def _free(name: str, taken: set[str]) -> str:
    base = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "letter"
    chosen, number = base, 2
    while chosen.lower() in taken:
        chosen, number = f"{base}-{number}", number + 1
    taken.add(chosen.lower())
    return chosen
