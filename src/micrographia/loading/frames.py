"""What patches are cut from: one time point of one image, with its masks, as its headers describe it.

Nothing here reads pixels. A :class:`Frame` is small and picklable: worker processes get frames and open files
themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from micrographia.dataset import Dataset, FileRow, ImageFiles
from micrographia.dataset.elsewhere import address_in
from micrographia.errors import MicrographiaError
from micrographia.images import Image
from micrographia.loading.errors import LoadingError
from micrographia.loading.regions import covers, is_region_set
from micrographia.work import stream

Three = tuple[int, int, int]
Scales = tuple[float, float, float]

MICROMETRES = {
    "picometer": 1e-6,
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "inch": 25400.0,
    "meter": 1e6,
}
"""Micrometres in a unit of length."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One time point of one image.

    Parameters
    ----------
    number
        Its place among the frames of a :class:`~micrographia.loading.Patches`.
    dataset
        Number of its dataset.
    files
        What opens it; of its label images only those that are wanted and those of the annotated region.
    time
        Time point; 0 for an image without time.
    shape
        Z, Y, X; Z is 1 for a plane.
    channels
        Which channels are read, in this order.
    whole
        Whether these are all channels as they are.
    dtype
        Name of the type of its pixels.
    scale
        Size of a pixel along Z, Y, X in micrometres; NaN where it is unknown.
    chunk
        Z, Y, X of what its file decodes at once; a block of several planes or rows where the file has no chunks.
    masked
        Whether it has label images that are wanted.
    mask_bytes
        Bytes that labels and annotated region take for each pixel.
    ignored
        Ids of objects that training and scoring leave out.
    """

    number: int
    dataset: int
    files: ImageFiles
    time: int
    shape: Three
    channels: tuple[int, ...]
    whole: bool
    dtype: str
    scale: Scales
    chunk: Three
    masked: bool
    mask_bytes: int = 0
    ignored: tuple[int, ...] = ()

    @property
    def image_id(self) -> str:
        """Id of the image."""
        return self.files.id

    @property
    def key(self) -> tuple[int, str]:
        """What frames of one image share."""
        return self.dataset, self.files.id

    @property
    def pixel_size(self) -> float:
        """Micrometres a pixel in the plane (the geometric mean of Y and X); NaN where it is unknown."""
        return math.sqrt(self.scale[1] * self.scale[2])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that no patches are cut from, and why."""

    dataset: int
    image_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images are wanted, and what of them; see :func:`~micrographia.loading.patches`."""

    split: str | None = None
    groups: Mapping[str, Sequence[str] | str] | None = None
    channels: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    dataset: int
    files: ImageFiles
    set: str
    channels: tuple[str, ...] | None
    stated: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Header:
    """What is kept of an opened image, or why it is left out."""

    times: int
    frame: Frame | None
    reason: str = ""


def mask_set(dataset: Dataset, wanted: str | bool | None) -> str:
    """Return the name of the annotation set whose masks are wanted; empty for none.

    Parameters
    ----------
    dataset
        The dataset.
    wanted
        Its name; None or True for the only set of masks, else the first that ``mifa.yaml`` does not call semantic or
        binary, else the first; False for none. Sets of the annotated region do not count.

    Raises
    ------
    LoadingError
        If there is none, or none of that name.
    """
    if wanted is False:
        return ""
    rows = [row for name in dataset.image_ids for row in dataset.mask_rows(name)]
    names = [name for name in dict.fromkeys(row.set or "masks" for row in rows) if not is_region_set(name)]
    if isinstance(wanted, str):
        if wanted not in names:
            known = f"It has {', '.join(names)}" if names else "It has no masks: give masks=False"
            raise LoadingError(dataset.path, f"has no masks in an annotation set {wanted!r}", known)
        return wanted
    if not names:
        raise LoadingError(dataset.path, "has no masks", "Give masks=False to load images alone")
    kinds = {name: described.mask_kind for name in names if (described := dataset.set_described(name))}
    return next((name for name in names if kinds.get(name) in (None, "instance")), names[0])


def find_frames(
    datasets: Sequence[Dataset],
    selection: Selection,
    sets: Sequence[str],
    images: Sequence[Sequence[str] | None],
    threads: int | None = None,
) -> tuple[list[Frame], list[LeftOut]]:
    """Open the headers of all images that are wanted.

    Parameters
    ----------
    datasets
        Where they are.
    selection
        Which ones, and what of them.
    sets
        For each dataset the annotation set whose masks are wanted; empty for none.
    images
        For each dataset the ids that are wanted, or None for all.
    threads
        How many headers are read at once; by default one a processor.

    Returns
    -------
    list of Frame
        By dataset, in the order of ``files.tsv``, then by time.
    list of LeftOut
        Images that are wanted but cannot be used: without a mask, with one of another shape, unreadable.

    Raises
    ------
    LoadingError
        If a filter names what a dataset does not have, or nothing is left.
    """
    tasks = [
        task
        for number, dataset in enumerate(datasets)
        for task in _tasks(number, dataset, selection, sets[number], images[number])
    ]
    frames: list[Frame] = []
    left: list[LeftOut] = []
    for task, outcome in zip(
        tasks, stream(_header, tasks, workers=threads, kind="threads", name=_name), strict=True
    ):
        header = outcome.result()
        if header.frame is None:
            left.append(LeftOut(task.dataset, task.files.id, header.reason))
            continue
        frames += [replace(header.frame, number=len(frames) + t, time=t) for t in range(header.times)]
    if not frames:
        why = f": {left[0].image_id}: {left[0].reason}" if left else ""
        where = datasets[0].path if datasets else ""
        raise LoadingError(
            where, f"no image is left to cut patches from{why}", "Choose others with split=, groups=, images="
        )
    return frames, left


def _name(task: _Task) -> str:
    return task.files.id


def _tasks(
    number: int, dataset: Dataset, selection: Selection, named: str, images: Sequence[str] | None
) -> Iterator[_Task]:
    chosen = _chosen(dataset, selection, images)
    stated: Mapping[str, str] = {}
    if selection.channels is not None:
        from micrographia.loading.roles import stated_roles

        stated = stated_roles(dataset.mifa)
    channels = None if selection.channels is None else tuple(selection.channels)
    for name in chosen:
        files = dataset.files_of(name)
        rows = tuple(
            row
            for row in files.mask_rows
            if (named and (row.set or "masks") == named) or covers(row.set, named)
        )
        yield _Task(number, replace(files, mask_rows=rows), named, channels, stated)


def _chosen(dataset: Dataset, selection: Selection, images: Sequence[str] | None) -> list[str]:
    """Return the ids of the images that pass all filters."""
    chosen = list(dataset.image_ids)
    if images is not None:
        wanted = set(images)
        unknown = sorted(wanted - set(chosen))
        if unknown:
            raise LoadingError(
                dataset.path, f"has no image {unknown[0]!r}", "See the column `image` of files.tsv"
            )
        chosen = [name for name in chosen if name in wanted]
    if selection.split is not None:
        splits = {dataset.image_split(name) for name in dataset.image_ids} - {""}
        if selection.split not in splits:
            known = (
                f"It has {', '.join(sorted(splits))}"
                if splits
                else "Make some with: micrographia describe --split"
            )
            raise LoadingError(dataset.path, f"has no split {selection.split!r}", known)
        chosen = [name for name in chosen if dataset.image_split(name) == selection.split]
    for column, values in (selection.groups or {}).items():
        if column not in dataset.groups:
            known = f"It has {', '.join(dataset.groups)}" if dataset.groups else "It has none"
            raise LoadingError(dataset.path, f"has no group column {column!r}", known)
        held = {str(value) for value in ([values] if isinstance(values, str) else values)}
        chosen = [name for name in chosen if dataset.image_groups(name).get(column, "") in held]
    return chosen


def _header(task: _Task) -> _Header:
    try:
        return _look(task)
    except MicrographiaError as error:
        return _Header(0, None, str(error))


def _look(task: _Task) -> _Header:
    with task.files.image() as image:
        shape = image.size("Z"), image.size("Y"), image.size("X")
        channels, whole = _channels(image, task)
        wanted = [row for row in task.files.mask_rows if not is_region_set(row.set)]
        if task.set and not wanted:
            return _Header(0, None, f"has no mask in the annotation set {task.set!r}")
        why, mask_bytes = _fit(task.files, wanted, image, shape)
        if why:
            return _Header(0, None, why)
        frame = Frame(
            0,
            task.dataset,
            task.files,
            0,
            shape,
            channels,
            whole,
            image.dtype.name,
            micrometres(image),
            _chunk(task.files.rows[0], task.files, image),
            bool(task.set),
            mask_bytes + (len(wanted) < len(task.files.mask_rows)),
        )
        return _Header(image.size("T"), frame)


def _channels(image: Image, task: _Task) -> tuple[tuple[int, ...], bool]:
    count = image.size("C")
    if task.channels is None:
        return tuple(range(count)), True
    from micrographia.loading.roles import image_channel_roles, match_roles

    known = image_channel_roles(image, task.stated)
    names = [channel.name for channel in image.channels]
    found = match_roles(
        task.channels, [one.role for one in known], names, path=f"{task.files.root}: {task.files.id}"
    )
    return tuple(found), tuple(found) == tuple(range(count))


def _fit(files: ImageFiles, wanted: Sequence[FileRow], image: Image, shape: Three) -> tuple[str, int]:
    """Return why the masks do not fit the image (empty if they do), and the bytes of a label.

    Objects that are a file each are put together when they are first read, so they are looked at then.
    """
    if not wanted:
        return "", 0
    if len(wanted) > 1 and not all(row.layer or ".zarr/" in row.path for row in wanted):
        return "", 4
    masks = [mask.image for mask in files.masks()]
    found = next((why for mask in masks if (why := misfit(mask, image, shape))), "")
    return found, min(4, max(mask.dtype.itemsize for mask in masks))


def misfit(mask: Image, image: Image, shape: Three) -> str:
    """Return why a label image does not fit an image of that shape (Z, Y, X); empty if it does."""
    size = mask.size("Z"), mask.size("Y"), mask.size("X")
    if size != shape:
        return f"its mask {mask.path.name} is {size} along Z, Y, X, the image {shape}"
    if mask.size("T") not in (1, image.size("T")):
        return f"its mask {mask.path.name} has {mask.size('T')} time points, the image {image.size('T')}"
    if mask.size("C") != 1:
        return f"its mask {mask.path.name} has {mask.size('C')} channels"
    if mask.dtype.kind not in "uib":
        return f"its mask {mask.path.name} holds {mask.dtype} where labels are integers"
    return ""


def micrometres(image: Image) -> Scales:
    """Return the size of a pixel along Z, Y, X in micrometres; NaN where it is unknown."""
    found: list[float] = []
    for axis in "zyx":
        unit = MICROMETRES.get(image.units.get(axis, ""), math.nan)
        found.append(image.scale.get(axis, math.nan) * unit)
    return found[0], found[1], found[2]


def _chunk(row: FileRow, files: ImageFiles, image: Image) -> Three:
    """Return Z, Y, X of what is decoded at once."""
    own: dict[str, Any] = dict(zip(image.axes, image.block_shape, strict=True))
    if image.file_format == "OME-Zarr":
        from micrographia.images.ome_zarr_model import parse_multiscale, read_group
        from micrographia.images.zarr_metadata import read_metadata
        from micrographia.images.zarr_store import open_store

        store = open_store(address_in(files.root, row.path) or files.root / row.path)
        pyramid = parse_multiscale(store, read_group(store, image.member))
        own = dict(zip(pyramid.axes, read_metadata(store, pyramid.paths[0]).chunk, strict=True))
    z, y, x = (min(int(own.get(axis, 1)), image.size(axis)) for axis in "ZYX")
    return z, y, x
