"""What the headers of a dataset's files say, without reading pixels: one pass, files side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from micrographia.checks.zarr_issues import ZarrFacts, read_zarr
from micrographia.dataset import Dataset, FileRow
from micrographia.dataset.manifest import inside
from micrographia.dataset.opening import MASK_TYPE, open_member
from micrographia.errors import MicrographiaError
from micrographia.images import Image
from micrographia.work import Kind, cores, run

OME_ZARR = "OME-Zarr"

Task = tuple[Path, list[tuple[str, str, str, bool]]]
"""The dataset, and the members of its files whose headers are read together."""

WORTH_PROCESSES = 4000, 4
"""Headers and workers from which starting processes pays: threads take turns, because the interpreter does the work."""

_BATCH = 64


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the header of one file member says.

    Parameters
    ----------
    path, member
        As ``files.tsv`` lists them.
    axes, shape, dtype
        Axes are a subset of ``TCZYX`` in this order; ``dtype`` is the name of the NumPy type.
    scale, units
        Size of a pixel along ``t``, ``z``, ``y``, ``x``, where known, and its UDUNITS name, where known.
    channels
        Names of the channels; empty if the file names none.
    rgb
        Whether C is red, green and blue of one colour picture.
    file_format, compression, bits, block_shape
        As :class:`~micrographia.images.Image` has them.
    notes
        What the reader had to say.
    zarr
        What an OME-Zarr image says of itself beyond that; None for other formats.
    problem, remedy
        Why the header cannot be read, and what to do; empty if it can.
    """

    path: str
    member: str = ""
    axes: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    scale: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    rgb: bool = False
    file_format: str = ""
    compression: str = ""
    bits: int | None = None
    block_shape: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    zarr: ZarrFacts | None = None
    problem: str = ""
    remedy: str = ""

    @property
    def name(self) -> str:
        """Path and member, as people are shown it."""
        return f"{self.path}:{self.member}" if self.member else self.path

    def size(self, axis: str) -> int:
        """Return the size along an axis; 1 if there is no such axis."""
        at = self.axes.find(axis)
        return self.shape[at] if at >= 0 else 1

    @property
    def sizes(self) -> str:
        """Axes with sizes, as people are shown them: ``Z64 Y512 X512``."""
        return " ".join(f"{axis}{size}" for axis, size in zip(self.axes, self.shape, strict=True))


def gather_headers(
    dataset: Dataset, *, workers: int | None = None, quiet: bool = True
) -> dict[tuple[str, str], FileFacts]:
    """Read the header of every row that should hold pixels.

    Returns
    -------
    dict
        Path and member to what the header says, in the order of ``files.tsv``; a file that cannot be read is there with
        its ``problem``.
    """
    rows = (row for row in dataset.rows if row.role == "image" or is_mask(row))
    wanted = list(dict.fromkeys((row.path, row.member, row.axes, is_mask(row)) for row in rows))
    batches = [(dataset.path, wanted[at : at + _BATCH]) for at in range(0, len(wanted), _BATCH)]
    worth = all(a >= b for a, b in zip((len(wanted), workers or cores()), WORTH_PROCESSES, strict=True))
    kind: Kind = "processes" if worth else "threads"
    outcomes = run(
        read_headers,
        batches,
        workers=workers,
        kind=kind,
        name=_batch_name,
        label="reading headers",
        quiet=quiet,
    )
    return {(facts.path, facts.member): facts for outcome in outcomes for facts in outcome.result()}


def _batch_name(task: Task) -> str:
    return task[1][0][0]


def is_mask(row: FileRow) -> bool:
    """Tell whether a row is a label image."""
    return row.role == "annotation" and row.type == MASK_TYPE


def read_headers(task: Task) -> list[FileFacts]:
    """Read the headers of some members: path, member, decided axes, and whether it should be a label image."""
    root, members = task
    return [_read(root, path, member, axes, label=label) for path, member, axes, label in members]


def _read(root: Path, path: str, member: str, axes: str, *, label: bool) -> FileFacts:
    try:
        with open_member(root, path, member, axes) as image:
            facts = of_image(image, path, member)
        if facts.file_format != OME_ZARR:
            return facts
        return replace(facts, zarr=read_zarr(inside(root, path), image.member, label=label))
    except MicrographiaError as error:
        return FileFacts(path, member, problem=error.problem, remedy=error.remedy)


def of_image(image: Image, path: str, member: str = "") -> FileFacts:
    """Return what the header of an open image says, under the path that ``files.tsv`` gives it."""
    return FileFacts(
        path,
        member,
        image.axes,
        image.shape,
        image.dtype.name,
        dict(image.scale),
        dict(image.units),
        tuple(channel.name for channel in image.channels) if not image.rgb else (),
        image.rgb,
        image.file_format,
        image.compression,
        image.bits,
        image.block_shape,
        image.notes,
    )
