"""Index datasets: find them, read those that changed, in parallel; what is broken is a finding and stops nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from micrographia.catalogue.database import guarded, indexing
from micrographia.catalogue.describing import entry_of
from micrographia.catalogue.entry import Entry, ImageEntry, packed
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.fetching import find as at_address
from micrographia.catalogue.images import pack_images
from micrographia.catalogue.shelf import default_place
from micrographia.catalogue.sources import Place, find_places, record_name
from micrographia.catalogue.store import Known, Store
from micrographia.dataset import open_dataset
from micrographia.dataset.manifest import write_whole
from micrographia.dataset.origin import read_origin
from micrographia.errors import MicrographiaError
from micrographia.exchange import read_submission
from micrographia.findings import Finding, Severity
from micrographia.remote import is_address
from micrographia.work import Progress, cores, stream

BATCH = 256
"""Datasets that are written at a time: what a crash can cost is read again, nothing else is lost."""


@dataclass(slots=True)
class Indexed:
    """What became of a run.

    Parameters
    ----------
    place
        The catalogue.
    added, changed, removed
        Ids of datasets.
    unchanged
        Number of datasets that have not changed.
    gone
        Places of datasets in the catalogue that are no longer there.
    findings
        What could not be read, one finding a source.
    total
        Datasets in the catalogue afterwards.
    """

    place: str
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    gone: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    total: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {"findings": [finding.to_json() for finding in self.findings]}


def index(
    places: Iterable[str | Path] = (),
    *,
    catalogue: str | Path | None = None,
    remove_gone: bool = False,
    rebuild: bool = False,
    headers: bool = True,
    workers: int | None = None,
    quiet: bool = True,
) -> Indexed:
    """Read datasets into a catalogue, or again what has changed.

    Parameters
    ----------
    places
        Folders of datasets, folders that hold some, records in any exchange format, addresses. None at all: the places
        of all runs before.
    catalogue
        The file; None for :func:`~micrographia.catalogue.default_place`.
    remove_gone
        Remove datasets whose source is no longer there.
    rebuild
        Begin a new file, and read all places of all runs before; the old file is kept beside it.
    headers
        Read the headers of images.
    workers
        Processes; None for one a processor.
    quiet
        Show no progress.

    Raises
    ------
    CatalogueError
        If there is nothing to index, or the catalogue cannot be written.

    Examples
    --------
    >>> from micrographia.catalogue import index
    >>> index(["kidney.mifa", "records"]).total  # doctest: +SKIP
    23
    """
    path = catalogue_file(catalogue)
    roots = [_whole(str(place)) for place in places]
    before = remembered(path)
    asked = list(dict.fromkeys([*before, *roots])) if rebuild else roots or before
    if not asked:
        again = indexing(path, *(("--rebuild",) if rebuild else ()), "FOLDER")
        raise CatalogueError(path, "has no places to read", f"Name some: {again}")
    if rebuild:
        _set_aside(path)
    with Store(path, write=True) as store:
        with guarded(path):
            remember(path, list(dict.fromkeys([*before, *roots])))
        result = Indexed(str(path))
        _read(store, result, asked, headers=headers, workers=workers, quiet=quiet)
        _missing(store, result, asked, everything=not roots or rebuild, remove=remove_gone)
        store.keep_columns()
        result.total = store.columns.count
    return result


def add_entries(store: Store, entries: Iterable[tuple[Entry, Sequence[ImageEntry]]]) -> int:
    """Add what is known already, as an archive's list or another catalogue tells it, in batches.

    Parameters
    ----------
    store
        A catalogue open for writing.
    entries
        Datasets, each with its images.

    Returns
    -------
    int
        How many were added or replaced.

    Raises
    ------
    CatalogueError
        If the catalogue cannot be written.
    """
    number = 0
    for batch in _batches(entries):
        with store.writing():
            for entry, images in batch:
                store.put(entry, images, Known("", digest_of(entry, images)))
                number += 1
    store.keep_columns()
    return number


def catalogue_file(catalogue: str | Path | None) -> Path:
    """Return the file of a catalogue that can be written.

    Raises
    ------
    CatalogueError
        If it is an address.
    """
    named = str(catalogue) if catalogue is not None else default_place()
    if is_address(named):
        raise CatalogueError(
            named, "is published and cannot be written", "Index into a file, and publish it: --publish OUT"
        )
    return Path(named).expanduser()


def digest_of(entry: Entry, images: Sequence[ImageEntry]) -> str:
    """Return the checksum of what was taken from a source."""
    digest = hashlib.sha256(packed(entry).encode())
    digest.update(pack_images(images) if images else b"")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: str
    entry: Entry
    images: tuple[ImageEntry, ...] = ()


def _read(
    store: Store, result: Indexed, roots: list[str], *, headers: bool, workers: int | None, quiet: bool
) -> None:
    known = store.known()
    tasks = []
    for place in find_places(roots):
        held = known.get(place.where)
        if place.kind == "missing":
            if not any(_below(where, place.where) for where in known):
                result.findings.append(_finding(place.where, "is not there", "Check the path"))
            continue
        stamp = place.stamp()
        if stamp and held is not None and stamp == held.stamp:
            result.unchanged += 1
        else:
            tasks.append((place, stamp))
    many = len(tasks) > WORTH_PROCESSES
    take = partial(_take, headers=headers, workers=1 if many else workers or cores())
    outcomes = stream(take, tasks, workers=workers if many else 1, name=lambda task: task[0].where)
    with Progress("indexing", len(tasks), quiet=quiet) as progress:
        for batch in _batches(outcomes):
            _write(store, result, batch, known)
            progress.advance(len(batch))


WORTH_PROCESSES = 24
"""Sources from which starting processes pays."""


def _take(task: tuple[Place, str], *, headers: bool, workers: int) -> _Read:
    place, stamp = task
    kind = place.kind
    if kind == "folder":
        dataset = open_dataset(place.where)
        origin = read_origin(dataset.path)
    else:
        submission = at_address(place.where) if kind == "address" else read_submission(place.where)
        dataset, origin = submission.dataset(), submission.origin
        kind = "folder" if submission.folder is not None and kind == "address" else kind
    entry, images = entry_of(
        dataset, origin=origin, place=place.where, kind=kind, headers=headers, workers=workers
    )
    if place.kind != "folder" and not entry.accession:
        entry = replace(entry, id=record_name(place.where) or entry.id)
    return _Read(stamp, entry, tuple(images))


def _write(store: Store, result: Indexed, batch: list[Any], known: dict[str, Known]) -> None:
    named: list[tuple[list[str], str]] = []
    with store.writing():
        for outcome in batch:
            where = outcome.task[0].where
            if outcome.error is not None:
                result.findings.append(_finding(where, outcome.error.problem, outcome.error.remedy))
                continue
            taken: _Read = outcome.value
            held = known.get(where)
            digest = digest_of(taken.entry, taken.images)
            if held is not None and held.digest == digest:
                store.touch(where, taken.stamp)
                result.unchanged += 1
                continue
            try:
                where.encode("utf-8")
            except UnicodeEncodeError:
                result.findings.append(_finding(where, "has a name that is not UTF-8", "Rename it"))
                continue
            entry = store.put(taken.entry, taken.images, Known(taken.stamp, digest))
            named.append((result.changed if held is not None else result.added, entry.id))
    for group, name in named:
        group.append(name)


def _missing(store: Store, result: Indexed, roots: list[str], *, everything: bool, remove: bool) -> None:
    """Find the datasets of these places whose source is no longer there, and remove them if that is asked."""
    for where in store.known():
        below = everything or any(_below(where, root) for root in roots)
        if below and where and not is_address(where) and not Path(where).exists():
            result.gone.append(where)
    if remove and result.gone:
        ids = [store.entries(store.lookup(where))[0].id for where in result.gone]
        with store.writing():
            store.remove(result.gone)
        result.removed, result.gone = ids, []


def _below(where: str, root: str) -> bool:
    return where == root or where.startswith(root.rstrip("/") + "/")


def _finding(path: str, problem: str, remedy: str) -> Finding:
    return Finding("C001", Severity.ERROR, problem, path=path, fix=remedy)


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _whole(place: str) -> str:
    return place if is_address(place) else os.path.abspath(Path(place).expanduser())  # noqa: PTH100


def places_file(path: Path) -> Path:
    """Return the list, beside a catalogue, of the places that it was made from: with it any damage can be mended."""
    return path.with_name(f"{path.name}.places.json")


def remembered(path: Path) -> list[str]:
    """Return the places that a catalogue was made from; none if nothing says so.

    Raises
    ------
    CatalogueError
        If the list is damaged.
    """
    listed = places_file(path)
    try:
        found = json.loads(listed.read_text("utf-8")) if listed.is_file() else []
    except (OSError, ValueError, RecursionError) as error:
        raise CatalogueError(listed, f"cannot be read ({error})", "Remove it, and name the places") from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise CatalogueError(listed, "is no list of places", "Remove it, and name the places")
    return found


def remember(path: Path, places: list[str]) -> None:
    """Write down the places that a catalogue was made from, whole or not at all."""
    if remembered(path) != places:
        try:
            write_whole(places_file(path), json.dumps(places, indent=1) + "\n")
        except MicrographiaError as error:
            raise CatalogueError(error.path, error.problem, error.remedy) from error


def _set_aside(path: Path) -> None:
    """Rename a catalogue, with what belongs to it, so that a new one can be made and nothing is lost."""
    number = 1
    while path.with_name(f"{path.name}.old-{number}").exists():
        number += 1
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{path}.old-{number}{ending}")
