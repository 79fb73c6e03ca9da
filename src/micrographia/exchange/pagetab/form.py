"""The exchange format: recognise, read and write PageTab records with their file lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from micrographia.errors import ExchangeError
from micrographia.exchange.form import Choice
from micrographia.exchange.pagetab import tsv
from micrographia.exchange.pagetab.lists import Entry, entries_of
from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.pagetab.record import NAME, assemble, list_names
from micrographia.exchange.pagetab.writing import write_submission
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding

MOST = 200
"""Files of a folder that are looked at."""

_REMOTE = re.compile(r"S-[A-Z]{2,8}[0-9]+(\.pagetab)?(\.json|\.tsv)?")
"""Names of records: such an address need not be asked what it is."""
_INTERFACE = "/api/"
"""Part of addresses below which there are answers, and no files."""
_TSV = re.compile(r"submission[\t\r\n]", re.IGNORECASE)
_JSON = re.compile(r'"(section|accno|attributes)"\s*:')


class PageTab:
    """Reads and writes submissions of BioStudies and the BioImage Archive."""

    api_version = 1
    name = NAME
    title = "a submission of the BioImage Archive or BioStudies: PageTab and file lists, JSON or TSV"
    file = ""
    reads = True
    writes = True
    choices: tuple[Choice, ...] = (
        Choice("format", ("json", "tsv"), "how the record is written"),
        Choice("lists", ("tsv", "json"), "how the file lists are written"),
        Choice(
            "files",
            ("auto", "zip", "folder", "none"),
            "whether files come along: each OME-Zarr zipped, as a folder, or the lists alone; "
            "auto zips where the files are on this machine",
        ),
    )

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a record, or a folder with one."""
        if source.remote and _REMOTE.fullmatch(source.name):
            return True
        return bool(_records(source))

    def read(self, source: Source, /) -> Submission:
        """Return what a record and the file lists beside it say.

        Raises
        ------
        ExchangeError
            If it is no record, or a folder with several.
        """
        name = _one(source) if source.is_folder else source.name
        notes = Notes()
        document = tsv.parse(source.text(name), name, notes) if _is_tsv(source, name) else source.json(name)
        found = assemble(document, _Lists(source, notes), notes, name, online=True)
        folder = source.folder
        paths = found.files["Files"].tolist()
        if folder is not None and paths and all((folder / path).exists() for path in paths):
            found.folder, found.brings_files = folder, True
            found.origin = replace(found.origin, files="")
        if source.remote and _INTERFACE not in source.place:
            found.origin = replace(found.origin, files=source.base)
        return found

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write a submission into an empty folder."""
        return write_submission(submission, target, options)


class _Lists:
    """The file lists that lie beside a record."""

    def __init__(self, source: Source, notes: Notes) -> None:
        self.source, self.notes = source, notes

    def __call__(self, name: str) -> list[Entry] | None:
        candidates = list_names(name)
        if not self.source.remote:
            candidates = [one for one in candidates if self.source.has(one)]
        for one in candidates[:1] if not self.source.remote else candidates:
            try:
                return list(entries_of(self.source.text(one), one, self.notes))
            except ExchangeError as error:
                self.notes.say(
                    "E009", f"the file list was not read: it {error.problem}", path=one, fix=error.remedy
                )
        return None


def _records(source: Source) -> list[str]:
    names = source.names("*.json") + source.names("*.tsv") if source.is_folder else [source.name]
    return [name for name in names[:MOST] if _is_record(source.beginning(name).lstrip())]


def _is_record(head: str) -> bool:
    if head.startswith("{"):
        whole = '"section"' in head or '"submission"' in head
        return whole and _JSON.search(head) is not None and '"@context"' not in head
    return _TSV.match(head) is not None


def _is_tsv(source: Source, name: str) -> bool:
    return _TSV.match(source.beginning(name).lstrip()) is not None


def _one(source: Source) -> str:
    names = _records(source)
    own = [name for name in names if Path(name).stem == Path(source.place).resolve().name]
    if len(names) == 1 or len(own) == 1:
        return own[0] if len(own) == 1 else names[0]
    if not names:
        raise ExchangeError(source.place, "holds no PageTab record", "Give the file of the record")
    shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    raise ExchangeError(source.place, f"holds {len(names)} records: {shown}", "Give the file of one")


PAGETAB = PageTab()
