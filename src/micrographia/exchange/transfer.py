"""Import and export: recognise, read, write whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from micrographia.dataset import Dataset
from micrographia.errors import ExchangeError
from micrographia.exchange.carrying import carry_files
from micrographia.exchange.form import ExchangeFormat
from micrographia.exchange.registry import find_format, recognise
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Parameters
    ----------
    path
        The file or folder.
    format
        Name of the format.
    findings
        What it cannot carry, what has another form there, and what it lacks.
    """

    path: Path
    format: str
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is missing that the format requires."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def read_submission(source: str | Path | Source, form: str | ExchangeFormat | None = None) -> Submission:
    """Read a description from another community's form.

    Parameters
    ----------
    source
        A file, a folder or an address.
    form
        The format or its name; recognised by default.

    Raises
    ------
    MicrographiaError
        If it does not exist, is of no known format, or cannot be read.

    Examples
    --------
    >>> from micrographia.exchange import read_submission
    >>> read_submission("S-BIAD1492.json").mifa.study.title  # doctest: +SKIP
    'Synthetic images and segmentation masks simulating HL-60 cell nucleus in 3D'
    """
    opened = source if isinstance(source, Source) else Source(source)
    chosen = find_format(form) if isinstance(form, str) else form
    return (chosen or recognise(opened)).read(opened)


def import_submission(
    source: str | Path | Source, folder: Path, form: str | ExchangeFormat | None = None
) -> Submission:
    """Read a description and make it a dataset folder: ``mifa.yaml``, ``files.tsv``, ``origin.json``.

    Parameters
    ----------
    source, form
        As for :func:`read_submission`.
    folder
        The new folder; it appears when it is whole.

    Raises
    ------
    MicrographiaError
        If the folder exists, or the source cannot be read.
    """
    _free(folder)
    submission = read_submission(source, form)
    part = _part(folder)
    try:
        part.mkdir(parents=True)
        if submission.brings_files:
            submission.findings += carry_files(submission, part)[1]
        submission.save(part)
        part.rename(folder)
    except OSError as error:
        raise _unwritten(folder, error) from error
    finally:
        _discard(part)
    return submission


def export(
    dataset: Dataset | Submission,
    form: str | ExchangeFormat,
    out: Path,
    options: Mapping[str, str] | None = None,
) -> Exported:
    """Write a dataset in another community's form.

    Parameters
    ----------
    dataset
        An open dataset, or what was imported.
    form
        The format or its name.
    out
        The new file or folder; a file may be named by the folder that it goes into. It appears when it is whole.
    options
        What was chosen; see :attr:`~micrographia.exchange.form.ExchangeFormat.choices`.

    Returns
    -------
    Exported
        With a finding for every field that the format cannot carry.

    Raises
    ------
    MicrographiaError
        If the output exists, an option is not known, or it cannot be written.
    """
    chosen = find_format(form) if isinstance(form, str) else form
    if not chosen.writes:
        raise ExchangeError("", f"{chosen.name} can be read, not written", "Choose another format")
    submission = dataset if isinstance(dataset, Submission) else Submission.of(dataset)
    given = chosen_options(chosen, options or {})
    goal = out / chosen.file if chosen.file and out.is_dir() else out
    _free(goal)
    part = _part(goal)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        if not chosen.file:
            part.mkdir()
        findings = chosen.write(submission, part, given)
        part.rename(goal)
    except OSError as error:
        raise _unwritten(goal, error) from error
    finally:
        _discard(part)
    return Exported(goal, chosen.name, tuple(findings))


def chosen_options(form: ExchangeFormat, given: Mapping[str, str]) -> dict[str, str]:
    """Return a value for every choice of a format.

    Raises
    ------
    ExchangeError
        If an option or its value is not known.
    """
    known = {choice.name: choice for choice in form.choices}
    for name, value in given.items():
        if name not in known:
            offered = ", ".join(known) or "none"
            raise ExchangeError("", f"{form.name} has no option {name!r}", f"It has {offered}")
        if value not in known[name].values:
            offered = ", ".join(known[name].values)
            raise ExchangeError("", f"{value!r} is no {name} of {form.name}", f"Choose one of {offered}")
    return {name: given.get(name, choice.values[0]) for name, choice in known.items()}


def _free(place: Path) -> None:
    if place.exists():
        raise ExchangeError(place, "exists already", "Choose another name; nothing was overwritten")


def _part(goal: Path) -> Path:
    return goal.with_name(f".{goal.name}.{uuid4().hex[:8]}.partial")


def _discard(part: Path) -> None:
    """Remove what was begun; where nothing can be removed, nothing can have been begun."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    elif part.exists():
        part.unlink()


def _unwritten(goal: Path, error: OSError) -> ExchangeError:
    return ExchangeError(
        goal, f"cannot be written ({error.strerror or error})", "Free space or choose another folder"
    )
