"""Bring a dataset to this machine: record, file list and files, verified, continued where an earlier run ended."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from micrographia.catalogue.archive import Archive, RemoteImage, is_accession
from micrographia.catalogue.transport import Job, bring, job_size
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.elsewhere import description_folder
from micrographia.dataset.folder import ORIGINAL
from micrographia.dataset.locks import alone
from micrographia.dataset.manifest import path_problem
from micrographia.errors import DatasetError, ExchangeError, MicrographiaError
from micrographia.exchange import Submission, read_submission
from micrographia.images.remote import is_zarr
from micrographia.remote import MissingError, below, is_address, last_name, shown
from micrographia.work import Progress

if TYPE_CHECKING:
    import pandas as pd

CONNECTIONS = 4
"""Files that are fetched at a time: archives serve many people."""
SPARE = 64 << 20
"""Bytes of the disk that are left free."""
_BESIDE = ("ro-crate-metadata.json", "croissant.json")
"""Documents that are looked for at an address that has no dataset folder."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a dataset to fetch.

    Parameters
    ----------
    only_annotated
        Only images with annotations, and these.
    images
        At most so many images, the first ones; None for all.
    splits
        Only images of these splits; empty for all.
    files
        Whether files are fetched; else they are read where they are when they are needed.
    ome_zarr
        Fetch images as the archive's OME-Zarr, where it has one.
    """

    only_annotated: bool = False
    images: int | None = None
    splits: tuple[str, ...] = ()
    files: bool = True
    ome_zarr: bool = False

    @property
    def is_part(self) -> bool:
        """Whether some images may be left out."""
        return self.only_annotated or self.images is not None or bool(self.splits)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched.

    Parameters
    ----------
    path
        The dataset folder.
    submission
        What is written, and the files that were chosen.
    files, nbytes
        Number and bytes of the files that are there.
    kept
        How many of them an earlier run had brought.
    left_out
        Rows of the file list that were not chosen.
    """

    path: Path
    submission: Submission
    files: int
    nbytes: int
    kept: int
    left_out: int


def fetch(
    source: str,
    out: Path | None = None,
    *,
    wanted: Wanted | None = None,
    catalogue: str | Path | None = None,
    connections: int = CONNECTIONS,
    quiet: bool = True,
) -> Fetched:
    """Make a dataset folder of a record of an archive, of an address, or of an entry of a catalogue.

    What is fetched gathers in a hidden folder beside ``out``, which becomes ``out`` when all of it is there; after a
    failure or a kill the same call goes on from there.

    Parameters
    ----------
    source
        Accession number (``S-BIAD1492``); address of a dataset folder, RO-Crate or other document that can be
        imported; folder whose files are elsewhere; or id in the catalogue.
    out
        The new folder; named after the source by default.
    wanted
        Which part; all by default.
    catalogue
        Where ids are looked up; the usual place by default.
    connections
        Files at a time.
    quiet
        Show no progress.

    Raises
    ------
    MicrographiaError
        If the source does not exist or cannot be read, the folder exists, the disk has no room, or a file cannot be
        fetched or is not what is listed.
    """
    chosen = wanted or Wanted()
    target = out if out is not None else Path(_name(source))
    if target.exists():
        raise DatasetError(target, "exists already", "Choose another folder; nothing was overwritten")
    submission = find(source, catalogue)
    before = len(submission.files)
    submission.files = choose(submission, chosen)
    if chosen.ome_zarr:
        submission.files, base = as_ome_zarr(submission)
    else:
        base = {}
    staging = target.with_name(f".{target.name}.fetching")
    try:
        staging.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(staging, f"cannot be made ({error.strerror})", "Choose another folder") from error
    with alone(staging / ".lock"):
        _same(staging, f"{source}\n{chosen}")
        jobs = _jobs(submission, base) if chosen.files else []
        files, nbytes, kept = _bring(jobs, staging, connections, quiet=quiet) if jobs else (0, 0, 0)
        submission.folder = None
        submission.save(staging)
        (staging / ".source").unlink(missing_ok=True)
    (staging / ".lock").unlink(missing_ok=True)
    try:
        staging.rename(target)
    except OSError as error:
        raise DatasetError(target, f"cannot be made ({error.strerror})", "Choose another folder") from error
    return Fetched(target, submission, files, nbytes, kept, before - len(submission.files))


def find(source: str, catalogue: str | Path | None = None) -> Submission:
    """Return what a source says: an accession number, an address, a folder, or an id in the catalogue.

    Raises
    ------
    MicrographiaError
        If there is none, or it cannot be read.
    """
    if is_accession(source):
        return Archive().submission(source)
    if is_address(source):
        return _at(source)
    if Path(source).is_dir():
        found = Submission.of(open_dataset(source))
        if not found.origin.files:
            raise DatasetError(source, "does not say where its files are", "Fetch the record it was made of")
        return found
    from micrographia.catalogue.finding import Catalogue

    with Catalogue(catalogue) as opened:
        entry = opened.show(source)
    if is_accession(entry.accession):
        return Archive().submission(entry.accession)
    if is_address(entry.place):
        return _at(entry.place)
    raise ExchangeError(
        source, f"lies on a machine, at {entry.place or 'a place that nobody told'}", "Open it there"
    )


def _at(address: str) -> Submission:
    """Return what an address says: of a dataset folder, or of a document that can be imported."""
    if re.search(
        r"\.(json|tsv|cff|bib|ya?ml)$", address.split("?")[0], flags=re.IGNORECASE
    ) and not address.endswith("/mifa.yaml"):
        return read_submission(address)
    try:
        return Submission.of(open_dataset(address))
    except DatasetError as error:
        for name in _BESIDE:
            try:
                return read_submission(below(address, name))
            except MissingError:
                continue
        raise ExchangeError(
            shown(address), "has no dataset folder, RO-Crate or Croissant", "Give the address of its document"
        ) from error


def choose(submission: Submission, wanted: Wanted) -> pd.DataFrame:
    """Return the rows of the file list that are wanted: images, and what belongs to them.

    Raises
    ------
    ExchangeError
        If no image fits.
    """
    files = submission.files
    if not wanted.is_part:
        return files
    images = files[files["role"] == "image"]
    ids = list(dict.fromkeys(images["image"]))
    if wanted.splits:
        kept = set(images.loc[images["split"].isin(wanted.splits), "image"])
        ids = [one for one in ids if one in kept]
    if wanted.only_annotated:
        annotated = set(files.loc[files["role"] == "annotation", "source image"])
        ids = [one for one in ids if one in annotated]
    if wanted.images is not None:
        ids = ids[: max(0, wanted.images)]
    if not ids:
        what = "has no image that was asked for"
        raise ExchangeError(submission.origin.source, what, "Ask for less")
    mine = files["image"].isin(ids) & (files["role"] == "image")
    theirs = files["source image"].isin(ids) & (files["role"] == "annotation")
    shared = (files["role"] == "annotation") & (files["source image"] == "") | (files["role"] == "table")
    return files[mine | theirs | shared].reset_index(drop=True)


def as_ome_zarr(submission: Submission) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the file list with the archive's OME-Zarr images in place of originals, and path to address of these.

    Raises
    ------
    ExchangeError
        If the dataset is no record of the archive, or the archive has none of its images as OME-Zarr.
    """
    accession = submission.mifa.study.accession or ""
    if not is_accession(accession):
        raise ExchangeError(submission.origin.source, "is no record of the archive", "Leave out --ome-zarr")
    known = {
        path: one
        for one in Archive().images(accession)
        if one.address and (path := _submitted(one, accession))
    }
    files = submission.files.copy()
    if ORIGINAL not in files.columns:
        files[ORIGINAL] = ""
    places: dict[str, str] = {}
    listed = zip(
        files.index.tolist(),
        files["role"].tolist(),
        files["Files"].tolist(),
        files["image"].tolist(),
        strict=True,
    )
    for at, role, path, image in listed:
        one = known.get(path) if role == "image" else None
        if one is None:
            continue
        new = f"images/{image}.ome.zarr"
        places[new] = one.address
        files.loc[at, ["Files", ORIGINAL, "sha256", "member"]] = [new, path, "", ""]
        files.loc[at, "size"] = -1
    if not places:
        raise ExchangeError(
            accession, "has no image that the archive shows as OME-Zarr", "Leave out --ome-zarr"
        )
    return files, places


def _submitted(image: RemoteImage, accession: str) -> str:
    """Return the path of the file that an image was submitted as; empty if nobody says."""
    path = unquote(image.original.split("?")[0])
    return path.partition(f"/{accession}/")[2] if is_address(path) else path


def _name(source: str) -> str:
    if is_accession(source):
        return source
    name = last_name(source) if is_address(source) else Path(source).name
    return re.sub(r"[^A-Za-z0-9._-]", "_", re.sub(r"\.json$", "", name)).lstrip(".") or "dataset"


def _same(staging: Path, said: str) -> None:
    """Refuse to mix what was begun of something else."""
    note = staging / ".source"
    if note.is_file() and note.read_text("utf-8") != said:
        begun = note.read_text("utf-8").split("\n")[0]
        raise DatasetError(
            staging,
            f"holds what was begun of {begun}, or of another part of it",
            "Go on with that, or remove the folder",
        )
    note.write_text(said, "utf-8")


def _jobs(submission: Submission, places: dict[str, str]) -> list[Job]:
    """Return what is to be fetched: each file once, and Zarr groups whole."""
    base = submission.origin.files
    if not base:
        raise ExchangeError(
            submission.origin.source,
            "does not say where its files are",
            "Fetch its description alone: --metadata-only",
        )
    found: dict[str, Job] = {}
    files = submission.files
    paths: list[str] = files["Files"].tolist()
    for path, size, sha256 in zip(paths, files["size"].tolist(), files["sha256"].tolist(), strict=True):
        if path_problem(path):
            raise DatasetError(path, f"path {path_problem(path)}", "Tell whoever published the dataset")
        outer = _outer_group(path)
        own = outer == path
        job = Job(outer, places.get(path) or below(base, outer), group=_is_group(outer))
        if own:
            job = replace(job, size=int(size), sha256=str(sha256))
        if outer not in found or own:
            found[outer] = job
    return list(found.values())


def _outer_group(path: str) -> str:
    parts = path.split("/")
    ends = (at + 1 for at, part in enumerate(parts) if part.lower().endswith(".zarr"))
    end = next(ends, None)
    return path if end is None else "/".join(parts[:end])


def _is_group(path: str) -> bool:
    return path.lower().endswith(".zarr") and is_zarr(f"http://host/{path}")


def _bring(jobs: Sequence[Job], staging: Path, connections: int, *, quiet: bool) -> tuple[int, int, int]:
    """Fetch all files; return number, bytes, and how many were there already."""
    missing = [job for job in jobs if not (staging / job.path).exists()]
    with ThreadPoolExecutor(max(1, connections), "fetch") as pool:
        sizes = list(pool.map(job_size, missing))
    _room(staging, sum(size for size in sizes if size > 0))
    problems: list[MicrographiaError] = []
    with Progress("fetching", len(jobs), quiet=quiet) as bar:
        bar.advance(len(jobs) - len(missing)) if len(missing) < len(jobs) else None
        pool = ThreadPoolExecutor(max(1, connections), "fetch")
        try:
            futures = {pool.submit(bring, job, staging): job for job in missing}
            for future in as_completed(futures):
                try:
                    bar.advance(1, future.result())
                except MicrographiaError as error:
                    problems.append(error)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if problems:
        more = f", and {len(problems) - 1:,} more files" if len(problems) > 1 else ""
        first = problems[0]
        raise ExchangeError(
            first.path, f"{first.problem}{more}", f"{first.remedy}; run it again: what is there is kept"
        ) from first
    total = sum(_size(staging / job.path) for job in jobs)
    return len(jobs), total, len(jobs) - len(missing)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(child.stat().st_size for child in path.rglob("*") if child.is_file())
    return path.stat().st_size


def _room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise DatasetError(
            folder,
            f"has no room: {needed / 1e9:.1f} GB are to be fetched, {free / 1e9:.1f} GB are free",
            "Free space, choose another disk, or fetch a part: --images N, --only-annotated",
        )


def open_elsewhere(source: str, catalogue: str | Path | None = None) -> Dataset:
    """Open a dataset without fetching its files: they are read where they are when they are needed.

    What is written about it is kept in a folder of the cache.

    Parameters
    ----------
    source, catalogue
        As for :func:`fetch`.

    Raises
    ------
    MicrographiaError
        If there is none, or it cannot be read.
    """
    submission = find(source, catalogue)
    folder = description_folder(submission.origin.source or source, _name(source))
    submission.save(folder)
    return open_dataset(folder)
