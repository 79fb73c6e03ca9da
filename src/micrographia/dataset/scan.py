"""Find the files of a lab's folder and what their headers say, without following anything out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from micrographia import images
from micrographia.dataset.opening import LABELS_IN_ARRAYS, held_labels
from micrographia.errors import MicrographiaError
from micrographia.work import stream

Kind = Literal["image", "table", "text", "unreadable"]

IMAGE_SUFFIXES = frozenset(
    ".tif .tiff .btf .png .jpg .jpeg .bmp .gif .webp .h5 .hdf5 .hdf .nrrd .nhdr .nii .npy .zarr .ozx .czi .nd2 .lif "
    ".lsm .stk .svs .ims .oib .oif .vsi .dv .scn .ndpi".split()
)
TABLE_SUFFIXES = frozenset(".csv .tsv .json .geojson .zip .roi .parquet .xlsx .xml".split())
TEXT_SUFFIXES = frozenset(".txt .md .rst .pdf .html .yaml .yml .log .docx .doc .toml .ini .cfg".split())
OURS = frozenset({"mifa.yaml", "files.tsv", "origin.json", "card.html", "badge.svg"})
HIDDEN = (".", "__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Item:
    """One member of one file, as its header describes it.

    ``path`` is relative to the folder, with ``/``; ``axes`` and ``shape`` are empty where there are no pixels.
    ``holder`` is the name of the OME-Zarr image that holds it as one of its labels.
    """

    path: str
    kind: Kind
    size: int
    member: str = ""
    axes: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    holder: str = ""

    @property
    def name(self) -> str:
        """Path and member, as people are shown it."""
        return f"{self.path}:{self.member}" if self.member else self.path

    def plane(self) -> tuple[int, ...]:
        """Return the sizes along Z, Y and X, without Z where it is 1."""
        sizes = dict(zip(self.axes, self.shape, strict=True))
        return tuple(
            sizes[axis] for axis in "ZYX" if sizes.get(axis, 1) > 1 or (axis != "Z" and axis in sizes)
        )


@dataclass(slots=True)
class Scan:
    """What a folder holds: items with pixels, tables, other files, and what could not be read and why."""

    root: Path
    items: list[Item] = field(default_factory=list)
    others: list[Item] = field(default_factory=list)
    problems: list[MicrographiaError] = field(default_factory=list)

    def images(self) -> list[Item]:
        """Return the items that hold pixels."""
        return [item for item in self.items if item.kind == "image"]

    def tables(self) -> list[Item]:
        """Return the items that may hold annotations or metadata in a table."""
        return [item for item in self.items if item.kind == "table"]


def scan(root: Path, *, workers: int | None = None) -> Scan:
    """Walk a folder and read the header of every file that may hold an image.

    Parameters
    ----------
    root
        The folder. Hidden files, our own files and links that lead out of the folder are passed over.
    workers
        Threads that read headers.

    Returns
    -------
    Scan
        Items sorted by path; files that cannot be read are among ``problems``.

    Raises
    ------
    MicrographiaError
        If the folder does not exist.
    """
    result = Scan(root)
    found = sorted(walk(root, result.problems))
    for outcome in stream(
        _probe, [(root, path) for path in found], kind="threads", workers=workers, name=lambda t: t[1]
    ):
        if outcome.error is not None:
            result.problems.append(outcome.error)
            path = root / outcome.name
            result.others.append(Item(outcome.name, "unreadable", _size(path)))
            continue
        items, problems = outcome.result()
        result.problems.extend(problems)
        for item in items:
            (result.items if item.kind in ("image", "table") else result.others).append(item)
    return result


def walk(root: Path, problems: list[MicrographiaError]) -> Iterator[str]:
    """Yield the paths of all files below a folder, relative, with ``/``; a Zarr group counts as one file.

    Links to folders are not followed: they may lead out of the dataset, or round in a circle.
    """
    if not root.is_dir():
        problem = "is no folder" if root.exists() else "does not exist"
        raise MicrographiaError(root, problem, "Give the folder that holds the images")
    for folder, below, names in os.walk(root, onerror=lambda error: problems.append(_unlistable(error))):
        here = Path(folder)
        relative = here.relative_to(root)
        links = [relative / name for name in below if (here / name).is_symlink()]
        passed = "is a link to a folder and was passed over"
        problems.extend(MicrographiaError(link, passed, "Copy the folder") for link in links)
        below[:] = sorted(n for n in below if not n.startswith(HIDDEN) and not (here / n).is_symlink())
        zarrs = [name for name in below if name.lower().endswith(".zarr")]
        below[:] = [name for name in below if name not in zarrs]
        for name in [*zarrs, *names]:
            path = (relative / name).as_posix()
            if name.startswith(HIDDEN) or (path in OURS):
                continue
            if name not in zarrs and (here / name).exists() and not (here / name).is_file():
                problems.append(
                    MicrographiaError(path, "is a pipe, socket or device and was passed over", "Remove it")
                )
                continue
            try:
                path.encode()
            except UnicodeEncodeError:
                shown = path.encode(errors="surrogateescape").decode("latin-1")
                problems.append(MicrographiaError(shown, "has a name that is not UTF-8", "Rename the file"))
                continue
            yield path


def _probe(task: tuple[Path, str]) -> tuple[list[Item], list[MicrographiaError]]:
    root, path = task
    full = root / path
    suffix = full.suffix.lower()
    if full.is_symlink() and not full.exists():
        raise MicrographiaError(path, "is a link to nothing", "Remove it or bring the file back")
    size = _size(full)
    if path.lower().endswith(LABELS_IN_ARRAYS):
        labels = held_labels(full)
        return [Item(path, "image", size, "", held.axes, held.shape, str(held.dtype)) for held in labels], []
    if suffix in IMAGE_SUFFIXES or path.lower().endswith((".nii.gz", ".zarr.zip")):
        items = [Item(path, "image", size, m.name, m.axes, m.shape, m.dtype) for m in images.members(full)]
        return _with_labels(full, items) if suffix in (".zarr", ".ozx", ".zip") else (items, [])
    if suffix in TABLE_SUFFIXES:
        return [Item(path, "table", size)], []
    return [Item(path, "table" if suffix == ".txt" else "text", size)], []


def _with_labels(full: Path, items: list[Item]) -> tuple[list[Item], list[MicrographiaError]]:
    """Add the label images that OME-Zarr images hold; of a folder they are paths, of a zip members."""
    found = list(items)
    problems = []
    for item in items:
        try:
            for name in images.label_names(full, item.member):
                held = images.open_label(full, name, item.member)
                inner = "/".join(part for part in (item.member, "labels", name) if part)
                place = (f"{item.path}/{inner}", "") if full.is_dir() else (item.path, inner)
                said = (held.axes, held.shape, str(held.dtype))
                found.append(Item(place[0], "image", item.size, place[1], *said, holder=item.name))
        except MicrographiaError as error:
            problems.append(error)
    return found, problems


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(_size(child) for child in path.iterdir())
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _unlistable(error: OSError) -> MicrographiaError:
    return MicrographiaError(
        error.filename or "", f"cannot be listed ({error.strerror})", "Check its permissions"
    )
