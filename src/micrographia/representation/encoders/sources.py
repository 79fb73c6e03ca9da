"""The images to embed: those of a dataset, or of any folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.dataset import Dataset, ImageFiles, Mask, open_dataset
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.identity import (
    ImageIdentity,
    combine,
    dataset_files_sha256,
    file_checksum,
    files_sha256,
    identify,
)
from micrographia.dataset.manifest import NAME
from micrographia.dataset.scan import scan
from micrographia.errors import ProfileError
from micrographia.images import Image, open_image
from micrographia.work import stream

RESERVED = frozenset({"image", "split", "set", "layer", "object", "t", "y", "x"})
"""Columns of ours; a group of the same name is called ``group_NAME``."""


@dataclass(frozen=True, slots=True)
class Source:
    """One image, not yet opened: picklable.

    Parameters
    ----------
    id
        Its id in the dataset, or its path in the folder.
    split, groups
        What ``files.tsv`` says; of a folder the name of the subfolder, as group ``folder``.
    files
        Its files in a dataset; None in a folder.
    path, member
        Its file, in a folder.
    """

    id: str
    split: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    files: ImageFiles | None = None
    path: Path = Path()
    member: str = ""

    def image(self) -> Image:
        """Open the image lazily."""
        return self.files.image() if self.files is not None else open_image(self.path, self.member)

    def masks(self) -> list[Mask]:
        """Open its label images; none in a folder."""
        return self.files.masks() if self.files is not None else []


@dataclass(frozen=True)
class Collection:
    """Images to embed, and what identifies them.

    Parameters
    ----------
    path
        The folder.
    sources
        The images, in the order of ``files.tsv`` or by path.
    group_names
        Group columns.
    kinds
        Annotation set to the kind of its masks (``instance``, ``semantic``, ``binary``), where the dataset says so.
    dataset
        The dataset; None for a folder.
    """

    path: Path
    sources: tuple[Source, ...]
    group_names: tuple[str, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)
    dataset: Dataset | None = None

    @property
    def name(self) -> str:
        """The title of the dataset, or the name of the folder."""
        return self.path.resolve().name if self.dataset is None else self.dataset.title

    def identity(self, *, content: bool, workers: int | None = None) -> dict[str, Any]:
        """Return what tells whether the images are the same, wherever they lie: their number and checksums.

        Parameters
        ----------
        content
            Also the checksum of the decoded pixels: as ``mifa.yaml`` has it, else by reading every pixel once.
        workers
            Threads that read.
        """
        told: dict[str, Any] = {"images": len(self.sources)}
        if self.dataset is None:
            listed = [
                (source.path.relative_to(self.path).as_posix(), *file_checksum(source.path))
                for source in self.sources
            ]
            return {**told, "files_sha256": files_sha256(listed)}
        told["files_sha256"] = dataset_files_sha256(self.dataset)
        if content:
            versions = self.dataset.mifa.versions
            written = versions[-1].content_sha256 if versions else None
            told["content_sha256"] = written or _content(self.dataset, workers)
        return told

    def listing_sha256(self) -> str:
        """Return a checksum over the ids, splits and groups of the images, in their order."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update(f"{source.id}\0{source.split}\0{sorted(source.groups.items())}\n".encode())
        return digest.hexdigest()


def collect(place: Dataset | Path | str) -> Collection:
    """Return the images of a dataset, or of a folder without ``mifa.yaml`` and ``files.tsv``.

    Raises
    ------
    MicrographiaError
        If there is no such folder, or no image in it.
    """
    if not isinstance(place, Dataset):
        path = Path(place)
        if not (path / DESCRIPTION).is_file() and not (path / NAME).is_file() and path.is_dir():
            return _folder(path)
        place = open_dataset(path)
    if not place.image_ids:
        raise ProfileError(place.path, "lists no image", "Run: micrographia describe")
    sources = tuple(
        Source(name, place.image_split(name), place.image_groups(name), place.files_of(name))
        for name in place.image_ids
    )
    kinds = {
        described.name: described.mask_kind or "" for described in place.mifa.annotations if described.name
    }
    return Collection(place.path, sources, place.groups, kinds, place)


_CONTENTS: dict[str, str] = {}
"""Stamps of datasets to checksums of their content: twins and ablations embed the same images many times."""


def _content(dataset: Dataset, workers: int | None) -> str:
    """Read in threads, unlike :func:`~micrographia.dataset.identity.content_sha256`: scripts need no guard."""
    stamp = _stamp(dataset)
    if stamp not in _CONTENTS:
        files = [dataset.files_of(name) for name in dataset.image_ids]
        outcomes = stream(_identify, files, kind="threads", workers=workers, name=lambda held: held.id)
        content = combine([outcome.result() for outcome in outcomes], dataset)
        if not stamp:
            return content
        _CONTENTS[stamp] = content
    return _CONTENTS[stamp]


def _stamp(dataset: Dataset) -> str:
    """Return what changes with the description or any file of a dataset; empty where a folder may hide a change."""
    digest = hashlib.sha256((dataset.path / DESCRIPTION).read_bytes() + (dataset.path / NAME).read_bytes())
    for row in dataset.rows:
        path = dataset.locate(row)
        if not path.is_file():
            return ""
        told = path.stat()
        digest.update(f"{path.resolve()}\0{told.st_size}\0{told.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _identify(files: ImageFiles) -> ImageIdentity:
    return identify(files.id, files.image(), files.masks())


def _folder(path: Path) -> Collection:
    found = scan(path)
    images = [item for item in found.items if item.kind == "image" and not item.holder]
    if found.problems:
        first, more = found.problems[0], len(found.problems) - 1
        others = f", and {more} more files that cannot be read" if more else ""
        raise ProfileError(first.path, first.problem, f"Mend or remove it{others}")
    if not images:
        raise ProfileError(path, "holds no image", "Give a dataset or a folder of images")
    sources = tuple(
        Source(
            item.name,
            groups={"folder": Path(item.path).parent.as_posix()},
            path=path / item.path,
            member=item.member,
        )
        for item in images
    )
    return Collection(path, sources, ("folder",))
