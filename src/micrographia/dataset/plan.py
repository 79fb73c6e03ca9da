"""What a conversion would write, before it writes anything."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from micrographia import images
from micrographia.dataset.folder import Dataset
from micrographia.dataset.opening import ImageFiles
from micrographia.errors import MicrographiaError
from micrographia.work import cores, run

SAMPLED = 16
"""Images, spread over the dataset, of which blocks are compressed; the others are estimated from their size."""

START = 2.0
"""Seconds until the workers have started."""

PER_FILE = 0.005
"""Seconds of one core that a small file takes: opened, written, synced, verified."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a conversion would write.

    ``pixel_bytes`` are decoded, ``bytes`` on disk; ``free`` is what the disk at ``where`` has.
    """

    images: int
    masks: int
    pixel_bytes: int
    bytes: int
    files: int
    seconds: float
    free: int
    where: str
    unreadable: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the disk has room, with a tenth to spare."""
        return self.free > 1.1 * self.bytes

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return asdict(self) | {"fits": self.fits}


@dataclass(frozen=True, slots=True)
class _Share:
    masks: int
    image_bytes: int
    places: int
    """Pixels of all label images together, of whatever type."""
    label_bytes: int
    """What they take decoded, where they were opened."""
    bytes: int
    files: int
    seconds: float


def make_plan(
    dataset: Dataset,
    out: Path | None = None,
    *,
    version: Literal["0.5", "0.4"] = "0.5",
    zipped: bool = False,
    workers: int | None = None,
) -> Plan:
    """Estimate bytes, files and time of a conversion, and compare with the free space.

    Parameters
    ----------
    dataset
        The source.
    out
        Where it would be written; beside the source by default.
    version, zipped, workers
        As for ``convert``.
    """
    ids = dataset.image_ids
    step = max(1, len(ids) // SAMPLED)
    sampled = set(ids[::step][:SAMPLED])
    tasks = [(dataset.files_of(name), version, name in sampled) for name in ids]
    outcomes = run(_share, tasks, kind="threads", workers=workers, name=lambda task: task[0].rows[0].name)
    shares = [outcome.result() for outcome in outcomes if outcome.error is None]
    measured = [share for share in shares if share.bytes]
    opened = sum(share.places for share in measured) or 1
    width = sum(share.label_bytes for share in measured) / opened

    def decoded(parts: list[_Share]) -> float:
        return sum(share.image_bytes + share.places * width for share in parts)

    factor = decoded(shares) / (decoded(measured) or 1)
    files = sum(share.files for share in shares)
    encoding = sum(share.seconds for share in measured) * factor
    where = (out.parent if out is not None else dataset.path.resolve().parent).resolve()
    while not where.exists():
        where = where.parent
    return Plan(
        images=len(ids),
        masks=sum(share.masks for share in shares),
        pixel_bytes=round(decoded(shares)),
        bytes=round(sum(share.bytes for share in measured) * factor),
        files=len(ids) if zipped else files,
        seconds=START + (encoding + files * PER_FILE) / (workers or cores()),
        free=shutil.disk_usage(where).free,
        where=str(where),
        unreadable=tuple(str(outcome.error) for outcome in outcomes if outcome.error is not None),
    )


def _share(task: tuple[ImageFiles, Literal["0.5", "0.4"], bool]) -> _Share:
    files, version, measure = task
    image = files.image()
    masks = [mask.image for mask in files.masks()] if measure else []
    if not measure:
        # Headers are enough to count: opening the masks could decode files that hold one object each.
        sets = {row.set for row in files.mask_rows}
        places = len(sets) * image.nbytes // image.dtype.itemsize // max(1, image.size("C"))
        counted = images.estimate(image, masks=len(sets), version=version, sample=False)
        return _Share(len(sets), image.nbytes, places, 0, 0, counted.files, 0.0)
    told = images.estimate(image, labels=masks, version=version)
    if told.seconds < 0:
        raise MicrographiaError(image.path, "cannot be estimated")
    places = sum(mask.nbytes // mask.dtype.itemsize for mask in masks)
    held = sum(mask.nbytes for mask in masks)
    return _Share(len(masks), image.nbytes, places, held, told.bytes, told.files, told.seconds)
