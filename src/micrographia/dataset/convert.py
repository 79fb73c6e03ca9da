"""Convert a dataset to OME-Zarr: whole or not at all, resumed after a kill, verified, with both checksums."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from micrographia import __version__, images, metadata
from micrographia.annotations import conform, read_table, write_table
from micrographia.dataset.describe import start_time
from micrographia.dataset.folder import DESCRIPTION, Dataset, open_dataset
from micrographia.dataset.identity import ImageIdentity, combine, dataset_files_sha256
from micrographia.dataset.journal import Done, Journal, fingerprint
from micrographia.dataset.locks import alone, together, wait_for_others
from micrographia.dataset.manifest import NAME, write_manifest
from micrographia.dataset.objects import MeasuredMask, collect_objects, part_path
from micrographia.dataset.opening import ImageFiles
from micrographia.dataset.origin import read_origin, write_origin
from micrographia.dataset.outputs import carry_over, converted_rows
from micrographia.dataset.tables import JUDGED, OBJECTS, Tables, read_tables
from micrographia.errors import DatasetError
from micrographia.findings import Finding
from micrographia.work import Progress, TaskError, cores, stream

Version = Literal["0.5", "0.4"]
LEFTOVERS = (".partial.journal", ".partial.workers", ".partial.lock")
"""Endings of the files that lie beside an unfinished output."""

FEW = 16
"""Images up to which one process with threads is faster than starting several."""

LARGE = 256 << 20
"""Decoded bytes from which one image is worth all threads; smaller ones are converted side by side in processes."""


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """How to convert.

    Parameters
    ----------
    version
        Version of OME-Zarr.
    zipped
        Write each image as one file (``.ozx``) instead of a folder.
    verify
        Read every pixel back with another library and compare.
    resume
        Go on with an interrupted conversion.
    overwrite
        Replace an older output, once the new one is whole.
    workers
        Processes, or threads for large images; None for one a processor.
    quiet
        Show no progress.
    """

    version: Version = "0.5"
    zipped: bool = False
    verify: bool = True
    resume: bool = False
    overwrite: bool = False
    workers: int | None = None
    quiet: bool = True


@dataclass(slots=True)
class Converted:
    """What was written."""

    dataset: Dataset
    images: int
    files: int
    bytes_read: int
    bytes_written: int
    seconds: float
    resumed: int
    content_sha256: str
    files_sha256: str
    findings: list[Finding] = field(default_factory=list)


def convert(dataset: Dataset, out: Path, options: ConvertOptions | None = None) -> Converted:
    """Write a dataset as OME-Zarr.

    Parameters
    ----------
    dataset
        The source; it is only read.
    out
        The new folder. It appears when it is whole; until then ``OUT.partial`` and ``OUT.partial.journal`` lie beside
        it, with which a killed run is resumed.
    options
        How.

    Raises
    ------
    DatasetError
        If the output exists already, lies inside the source, the disk is full, or images cannot be converted; the
        message names them, and what was done stays for ``resume``.
    """
    options = options or ConvertOptions()
    began = time.perf_counter()
    if options.resume and out.exists() and not _beside(out, ".partial").exists():
        return _finished(out)
    precheck(dataset, out, options)
    with told_when_full(out), alone(_beside(out, ".partial.lock")):
        wait_for_others(_beside(out, ".partial.workers"))
        partial, journal = _prepare(out, options)
        resumed = len(journal.done)
        (partial / "images").mkdir(parents=True, exist_ok=True)
        _convert_images(dataset, partial, journal, options)
        tables = read_tables(dataset)
        if tables.errors:
            raise tables.errors[0]
        result = _finish(dataset, partial, journal, tables)
        put_in_place(partial, out)
        _remove_leftovers(out)
    done = [journal.done[image] for image in dataset.image_ids]
    return Converted(
        open_dataset(out),
        len(done),
        sum(len(entry.files) for entry in done),
        sum(entry.bytes_read for entry in done),
        sum(size for entry in done for size, _ in entry.files.values()),
        time.perf_counter() - began,
        resumed,
        *result,
        tables.findings,
    )


def _finished(out: Path) -> Converted:
    """Return what there is when the interrupted run had got to its end."""
    done = open_dataset(out)
    _remove_leftovers(out)
    last = done.mifa.versions[-1] if done.mifa.versions else None
    content = last.content_sha256 or "" if last else ""
    files = last.files_sha256 or "" if last else ""
    size = sum(row.size for row in done.rows if row.role == "image")
    count = len(done.image_ids)
    return Converted(done, count, 0, 0, size, 0.0, count, content, files)


@dataclass(frozen=True, slots=True)
class _Task:
    files: ImageFiles
    target: Path
    parts: Path
    lock: Path
    labels: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...]
    version: Version
    verify: bool
    threads: int


def _convert_images(dataset: Dataset, partial: Path, journal: Journal, options: ConvertOptions) -> None:
    workers = options.workers or cores()
    ending = ".ozx" if options.zipped else ".ome.zarr"
    kinds = tuple(
        (
            entry.name,
            str(entry.mask_kind or ""),
            tuple((item.id, item.name or "") for item in entry.classes if item.id is not None),
        )
        for entry in dataset.mifa.annotations
        if entry.name
    )
    waiting = []
    for name in dataset.image_ids:
        files = dataset.files_of(name)
        target = partial / "images" / f"{name}{ending}"
        done = journal.done.get(name)
        if done is not None and done.source == fingerprint(files) and target.exists():
            continue
        lock = partial.with_name(partial.name + ".workers")
        parts = partial.with_name(partial.name + ".objects")
        waiting.append(_Task(files, target, parts, lock, kinds, options.version, options.verify, 1))
    partial.with_name(partial.name + ".objects").mkdir(exist_ok=True)
    large = len(waiting) <= FEW or _first_is_large(waiting)
    if large:
        waiting = [_with_threads(task, workers) for task in waiting]
    failed: list[TaskError] = []
    with Progress("converting", len(waiting), quiet=options.quiet) as progress:
        for outcome in stream(
            _convert_image,
            waiting,
            workers=1 if large else workers,
            name=lambda task: task.files.rows[0].name,
        ):
            if outcome.error is not None:
                failed.append(outcome.error)
                continue
            done = outcome.result()
            journal.add(done)
            progress.advance(size=done.bytes_read)
    if failed:
        shown = "; ".join(str(error) for error in failed[:5]) + ("; ..." if len(failed) > 5 else "")
        raise DatasetError(
            dataset.path,
            f"{len(failed)} of {len(dataset.image_ids)} images cannot be converted: {shown}",
            "Mend them or take their rows out of files.tsv, then run the same command with --resume",
        )


def _convert_image(task: _Task) -> Done:
    files = task.files
    image = files.image()
    told = {name: (kind, classes) for name, kind, classes in task.labels}
    masks = [MeasuredMask(mask, *told.get(mask.set, ("", ()))) for mask in files.masks()]
    with together(task.lock):
        written = images.write_image(
            task.target,
            image,
            labels=[mask.source() for mask in masks],
            version=task.version,
            name=files.id,
            threads=task.threads,
            verify=task.verify,
            overwrite=True,
        )
        collect_objects(files.id, masks, part_path(task.parts, files.id))
    return Done(
        files.id,
        fingerprint(files),
        written.digest,
        dict(written.label_digests),
        {file.path: (file.size, file.sha256) for file in written.files},
        {entry.mask.name: (entry.mask.set, entry.mask.layer) for entry in masks},
        written.pixel_bytes,
    )


def _finish(dataset: Dataset, partial: Path, journal: Journal, tables: Tables) -> tuple[str, str]:
    """Write tables, carry over other files, write ``files.tsv`` and ``mifa.yaml``; return both checksums."""
    done = {image: journal.done[image] for image in dataset.image_ids}
    _remove_strangers(partial / "images", set(done))
    folder = partial / "annotations"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    frames = dict(tables.frames)
    objects = _objects(partial, dataset.image_ids, frames.pop(OBJECTS, None))
    if objects is not None:
        frames[OBJECTS] = objects
    for kind, frame in frames.items():
        write_table(frame, kind, folder / f"{kind}.parquet")
    others = carry_over(dataset, partial)
    frame = converted_rows(dataset, partial, done, sorted(frames), others)
    write_manifest(partial / NAME, frame)
    shutil.copyfile(dataset.path / DESCRIPTION, partial / DESCRIPTION)
    origin = read_origin(dataset.path)
    if not origin.is_empty:  # the files are here now; what had no home in the model is kept
        write_origin(partial, replace(origin, files=""))
    draft = open_dataset(partial)
    identities = [ImageIdentity(entry.image, entry.pixels, entry.masks) for entry in done.values()]
    content, files = combine(identities, draft), dataset_files_sha256(draft)
    header = journal.header
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(header["started"]))
    changes = f"converted to OME-Zarr {header['version']} by micrographia {header['program']}"
    add_version(draft, stamp, changes, content, files)
    return content, files


def _remove_strangers(folder: Path, ids: set[str]) -> None:
    """Remove what a killed run left unfinished, and images that the dataset no longer has."""
    for path in folder.iterdir():
        if path.name.removesuffix(".ozx").removesuffix(".ome.zarr") in ids:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _objects(partial: Path, ids: Iterable[str], said: Any) -> Any:
    """Join the objects that were measured image by image with what people said of them."""
    import pandas as pd

    folder = partial.with_name(partial.name + ".objects")
    parts = [part_path(folder, image) for image in ids]
    measured = [read_table(path)[0] for path in parts if path.is_file()]
    if not measured:
        return said
    frame = pd.concat(measured, ignore_index=True)
    if said is None:
        return frame
    key = ["image", "set", "label_id"]
    own = [name for name in said.columns if name not in frame.columns or name in key]
    judged = [name for name in JUDGED if name in said]
    frame = frame.drop(columns=judged).merge(
        said[list(dict.fromkeys([*key, *judged, *own]))], on=key, how="left"
    )
    return conform(frame, OBJECTS)[0]


def add_version(draft: Dataset, timestamp: str, changes: str, content: str, files: str) -> None:
    """Append a version to ``mifa.yaml`` that says what was done, with both checksums."""
    versions = draft.mifa.versions
    last = (versions[-1].version or "") if versions else ""
    entry = {
        "version": _next_version(last),
        "timestamp": timestamp,
        "changes": changes,
        **({"previous_version": last} if last else {}),
        "content_sha256": content,
        "files_sha256": files,
    }
    metadata.update(draft.path / DESCRIPTION, {f"versions[{len(versions)}]": entry})


def _next_version(last: str) -> str:
    """Return the version after one: its last number plus one, or 1.0 where there is none."""
    head, dot, tail = last.rpartition(".")
    if tail.isdigit():
        return f"{head}{dot}{int(tail) + 1}"
    return f"{last}.1" if last else "1.0"


def precheck(dataset: Dataset, out: Path, options: ConvertOptions) -> None:
    """Raise ``DatasetError`` if the output cannot be where it is asked for."""
    source, target = dataset.path.resolve(), out.resolve()
    if options.zipped and options.version == "0.4":
        raise DatasetError("", "a zipped OME-Zarr has version 0.5", "Leave out --zip or --ome-zarr 0.4")
    if target == source or source.is_relative_to(target):
        raise DatasetError(out, "holds the dataset that it would be made from", "Choose a folder beside it")
    if target.is_relative_to(source):
        raise DatasetError(out, "lies inside the dataset that it is made from", "Choose a folder beside it")
    if out.exists() and not options.overwrite:
        raise DatasetError(out, "exists already", "Choose another folder, or replace it with --overwrite")
    if not dataset.image_ids:
        raise DatasetError(dataset.path / NAME, "lists no image", "Describe the folder again")
    if not out.parent.is_dir():
        problem = "is no folder" if out.parent.exists() else "does not exist"
        raise DatasetError(out.parent, problem, "Make it first")


def _prepare(out: Path, options: ConvertOptions) -> tuple[Path, Journal]:
    partial = _beside(out, ".partial")
    header = {
        "format": 1,
        "program": __version__,
        "version": options.version,
        "zipped": options.zipped,
        "started": start_time(),
    }
    journal = Journal(_beside(out, ".partial.journal"), header)
    if partial.exists() and journal.path.exists():
        if not options.resume:
            raise DatasetError(
                partial, "is an interrupted conversion", "Go on with --resume, or remove the folder"
            )
        journal.resume()
    else:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(_beside(out, ".partial.objects"), ignore_errors=True)
        partial.mkdir()
        journal.begin()
    return partial, journal


def put_in_place(partial: Path, out: Path) -> None:
    """Rename a finished output to its place; an older one goes only after that."""
    old = out.with_name(out.name + ".old")
    if out.exists():
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def told_when_full(out: Path) -> Iterator[None]:
    """Turn an operating-system error while writing into one that says that nothing was lost."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "Free space, then run the same command with --resume; the source and any older output are untouched"
        raise DatasetError(out, f"cannot be written ({reason})", remedy) from error


def _remove_leftovers(out: Path) -> None:
    # The measured objects lie beside the output, not in it: a run killed at its very end must find them again.
    shutil.rmtree(_beside(out, ".partial.objects"), ignore_errors=True)
    for ending in LEFTOVERS:
        _beside(out, ending).unlink(missing_ok=True)


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(out.name + ending)


def _first_is_large(tasks: list[_Task]) -> bool:
    """Tell whether the largest source file is so large that its image is better converted by all threads at once."""
    sizes = [max((row.size for row in task.files.rows), default=0) for task in tasks]
    return max(sizes, default=0) >= LARGE


def _with_threads(task: _Task, threads: int) -> _Task:
    return replace(task, threads=threads)
