"""One file, or one Zarr group, from an address to disk: whole or not at all."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from micrographia.dataset.identity import file_checksum
from micrographia.errors import ExchangeError
from micrographia.images.zarr_listing import listed_files
from micrographia.images.zarr_remote import RemoteFolderStore
from micrographia.remote import MissingError, below, download, shown, size

AT_A_TIME = 4
"""Files of one Zarr group that are fetched at a time."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to fetch.

    Parameters
    ----------
    path
        Where it goes, below the dataset folder.
    address
        Where it is.
    size, sha256
        What it must have; -1 and empty if nobody knows.
    group
        Whether it is a folder of many files.
    """

    path: str
    address: str
    size: int = -1
    sha256: str = ""
    group: bool = False


def job_size(job: Job) -> int:
    """Return how many bytes there are to fetch; -1 if nobody says before."""
    if job.size >= 0 or job.group:
        return job.size
    try:
        return size(job.address)
    except ExchangeError:
        return -1


def bring(job: Job, root: Path) -> int:
    """Fetch a file or group, and return its bytes.

    Raises
    ------
    MicrographiaError
        If it cannot be read or written, or is not what is listed.
    """
    target = root / job.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExchangeError(target, f"cannot be made ({error.strerror})", "Choose another folder") from error
    if not job.group:
        download(job.address, target, size=job.size, sha256=job.sha256)
        return target.stat().st_size
    return _bring_group(job, target)


def _bring_group(job: Job, target: Path) -> int:
    part = target.with_name(f".{target.name}.partial")
    store = RemoteFolderStore(job.address)
    part.mkdir(exist_ok=True)

    def one(named: tuple[str, bool]) -> None:
        name, required = named
        place = part / name
        if place.exists():
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            download(below(job.address, name), place)
        except MissingError:
            if required:
                raise

    with ThreadPoolExecutor(AT_A_TIME, "group") as pool:
        for _ in pool.map(one, listed_files(store)):
            pass
    for folder, _, _ in os.walk(part, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()
    number, checksum = file_checksum(part)
    if job.sha256 and checksum != job.sha256.lower():
        shutil.rmtree(part)
        raise ExchangeError(
            shown(job.address),
            "is not the image that is listed: its SHA-256 is another one",
            "Ask whoever published it",
        )
    part.replace(target)
    return number
