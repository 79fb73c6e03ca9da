"""What an adapter makes of a folder: rows, candidates, baselines, and where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.dataset.identity import file_checksum
from micrographia.errors import MicrographiaError, ProfileError
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class Lazy(Mapping[str, Profiles]):
    """Profiles by name, of which some are made when they are first asked for: an audit needs none of them."""

    def __init__(
        self, names: Sequence[str], make: Callable[[], Mapping[str, Profiles]], ready: Mapping[str, Profiles]
    ) -> None:
        self._names = tuple(names)
        self._make = make
        self._ready = dict(ready)

    def __getitem__(self, name: str) -> Profiles:
        if name not in self._ready and name in self._names:
            self._ready |= {one: made for one, made in self._make().items() if one in self._names}
        return self._ready[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._ready, *self._names)))

    def __len__(self) -> int:
        return len(set(self._ready) | set(self._names))

    def __contains__(self, name: object) -> bool:
        return name in self._ready or name in self._names


@dataclass(eq=False)
class Study:
    """Data that can be evaluated.

    Attributes
    ----------
    name
        What a report calls it.
    rows
        Metadata, ``n`` rows counted from 0: labels, groups, places.
    candidates
        Representations that come with the data, ``n`` rows each, in the same order.
    baselines
        Trivial competitors that come with the data; ``source["kind"]`` is ``baseline``, ``density`` or ``layout``.
    controls
        Rows of the control group, ``(n,)``: transforms may be fitted on them, then they are never scored.
    images
        Folder of images for encoders; the column ``image`` of ``rows`` has their ids. None without images.
    cells
        A table of cells with the columns ``region``, ``x``, ``y`` and perhaps ``type``; None without.
    source, licence
        Where the data come from, and what allows their use.
    notes
        What a reader must know: what is a proxy, what was joined, what is missing.
    sha256
        Checksum of the names and checksums of the files that were read.
    masks
        Whether the images have label images.
    kept
        What must live as long as the study: the temporary folder of ``images``.
    """

    name: str
    rows: pd.DataFrame
    candidates: Mapping[str, Profiles] = field(default_factory=dict)
    baselines: Mapping[str, Profiles] = field(default_factory=dict)
    controls: Mask | None = None
    images: Path | None = None
    cells: pd.DataFrame | None = None
    source: str = ""
    licence: str = ""
    notes: list[str] = field(default_factory=list)
    sha256: str = ""
    masks: bool = False
    kept: Any = None

    def __post_init__(self) -> None:
        """Check that everything has the same rows.

        Raises
        ------
        ProfileError
            If profiles or the controls have another number of rows.
        """
        self.rows = self.rows.reset_index(drop=True)
        n = len(self.rows)
        if self.controls is None:
            self.controls = np.zeros(n, dtype=bool)
        self.controls = np.asarray(self.controls, dtype=bool)
        if self.controls.shape != (n,):
            raise ProfileError(
                self.name, f"has {n:,} rows and {len(self.controls):,} controls", "Give one a row"
            )
        for held in (self.candidates, self.baselines):
            for name, profiles in held.items() if not isinstance(held, Lazy) else ():
                if profiles.n != n:
                    raise ProfileError(
                        self.name,
                        f"has {n:,} rows, and {name!r} {profiles.n:,}",
                        "Give both in the same order",
                    )


@dataclass(frozen=True)
class About:
    """What an adapter reads.

    Attributes
    ----------
    name
        What a protocol calls it.
    title
        One line.
    source
        Where the data come from: repository, accession, paper.
    licence
        As the source states it.
    files
        What the folder holds: path or pattern to what it is.
    """

    name: str
    title: str
    source: str
    licence: str
    files: Mapping[str, str]

    def lacking(self, folder: Path, what: str) -> ProfileError:
        """Return the error for a folder without something that is needed."""
        wanted = "; ".join(f"{path}: {meaning}" for path, meaning in self.files.items())
        return ProfileError(
            folder,
            f"lacks {what}, which {self.name} needs",
            f"It comes from {self.source} ({self.licence}). The folder holds {wanted}",
        )

    def file(self, folder: Path, *names: str) -> Path:
        """Return the first of some files that is there.

        Raises
        ------
        ProfileError
            If none is, with where it comes from.
        """
        for name in names:
            if (folder / name).is_file():
                return folder / name
        raise self.lacking(folder, names[0])

    def optional(self, folder: Path, *names: str) -> Path | None:
        """Return the first of some files that is there, or None."""
        return next((folder / name for name in names if (folder / name).is_file()), None)


def checksum(files: Sequence[Path], folder: Path) -> str:
    """Return the SHA-256 over name and checksum of each file, sorted by name.

    Raises
    ------
    ProfileError
        If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        try:
            size, held = file_checksum(path)
        except MicrographiaError as error:
            raise ProfileError(error.path, error.problem, error.remedy) from error
        digest.update(f"{path.relative_to(folder).as_posix()}\0{size}\0{held}\n".encode())
    return digest.hexdigest()
