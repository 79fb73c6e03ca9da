"""``loading.patches(dataset)``: find out what patches are cut from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from micrographia.dataset import Dataset, open_dataset
from micrographia.loading.batching import Patch
from micrographia.loading.epochs import Patches
from micrographia.loading.errors import LoadingError
from micrographia.loading.finishing import Finisher
from micrographia.loading.frames import Frame, LeftOut, Selection, find_frames, mask_set
from micrographia.loading.geometry import geometry
from micrographia.loading.normalising import normaliser
from micrographia.loading.objects import Objects, find_objects, is_semantic, marked
from micrographia.loading.sampling import SAMPLINGS, Material, Options, Sampling
from micrographia.loading.tables import SAME, Marks, Tables

Source = Dataset | str | PathLike[str]
Augment = Callable[[Patch, np.random.Generator], Patch]

CACHE_BYTES = 512 << 20
"""What decoded blocks may take together, by default."""

REUSE = 2.0
"""How many times the pixels of a block are used, by default."""

SAME_SCALE = 5e-4
"""A frame that is rescaled by less is cut as it is: over a thousand pixels that is half a pixel."""


def patches(
    datasets: Source | Sequence[Source],
    size: Sequence[int] = (256, 256),
    *,
    sampling: Sampling = "random",
    masks: str | bool | None = None,
    boxes: bool = False,
    points: bool = False,
    classes: bool = False,
    split: str | None = None,
    groups: Mapping[str, Sequence[str] | str] | None = None,
    images: Sequence[str] | Sequence[Sequence[str] | None] | None = None,
    channels: Sequence[str] | None = None,
    pixel_size: float | Sequence[float] | None = None,
    object_size: float | None = None,
    normalise: str | tuple[float, float] = "percentile",
    augment: Augment | None = None,
    weights: Sequence[float] | None = None,
    temperature: float | None = None,
    object_cap: float | None = None,
    jitter: float = 0.0,
    per_epoch: int | None = None,
    seed: int = 0,
    reuse: float = REUSE,
    threads: int | None = None,
    cache_bytes: int = CACHE_BYTES,
    mapped: str | PathLike[str] | None = None,
) -> Patches:
    """Cut patches for training out of datasets.

    A patch is a dict: ``image`` (C, [Z,] Y, X) float32; ``mask`` ([Z,] Y, X) int32, ids of objects, 0 is background;
    ``region`` ([Z,] Y, X) bool, where the patch counts: inside the image, annotated, in no ignored object;
    ``dataset``, the number of the dataset; ``image_id``; ``start``, where it begins in the image, in pixels of level 0
    along [Z,] Y, X; ``plane`` and ``time``; ``pixel_size`` in micrometres after rescaling, NaN if unknown. On request
    it has boxes, points and classes, below.

    Parameters
    ----------
    datasets
        A dataset folder, raw or converted, or several, which are mixed.
    size
        Of a patch: (Y, X), or (Z, Y, X). (Y, X) cuts planes out of stacks. What reaches beyond an image is padded with
        0 at the far end.
    sampling
        ``"random"``: uniform over all places in which a patch lies inside its image; images in proportion to their
        size. ``"grid"``: every pixel once, the last patch of a row moved back inside. ``"objects"``: around each
        object. ``"balanced"``: around objects, with every class of a dataset equally often. A patch begins so that
        the middle of its object is in its middle pixel, moved inside the image. Objects are those of the masks, or
        else of the boxes or points.
    masks
        The annotation set; None for the only, else the first set of instances; False for none. Images without a mask
        of this set are left out.
    boxes, points
        Also ``boxes`` (n, 4 or 6: ``[z0] y0 x0 [z1] y1 x1``, half-open, cut at the edges of the patch) and ``points``
        (n, 2 or 3: ``[z] y x``, integers are centres of pixels), in pixels of the patch, with ``box_ids``,
        ``box_classes`` (-1 unknown), ``box_ignore`` and the like for points. From the tables of the dataset; where it
        has none, those of the objects of the mask as far as the patch shows them.
    classes
        Also ``classes`` (n, 2): id and class of the objects in the patch, -1 where it is not known.
    split, groups, images
        Filters: the split; group columns with the values that are wanted; ids of images, with several datasets a list
        (or None) for each.
    channels
        Roles or names of channels, in the order in which models want them; see
        :func:`~micrographia.loading.match_roles`. None for all, as they are. Images that lack one are left out.
    pixel_size
        Rescale so that a pixel of a patch is so many micrometres: a number for Y and X (Z stays as it is), or one an
        axis of ``size``. Images of unknown pixel size are left out.
    object_size
        Rescale, along all axes of ``size``, so that the median object of each image has this diameter in pixels. An
        image without objects is scaled as the median image of its dataset.
    normalise
        ``"none"``, ``"dtype"``, ``"zscore"``, ``"percentile"`` (1 and 99.8 become 0 and 1), or two other percentiles;
        for each image and channel, see :class:`~micrographia.loading.normalising.Normaliser`.
    augment
        Called with a patch and a ``numpy.random.Generator`` that is seeded for this patch, in the thread that asks for
        patches; returns the patch that is handed out. See :mod:`micrographia.loading.hooks` for other libraries.
    weights, temperature
        Shares of the datasets; see :func:`~micrographia.loading.mixing.mixture`.
    object_cap
        No object is in more than so many patches an epoch: exactly, for those around objects; on average over the
        pixels, for random ones. Datasets that are full leave their share to the others.
    jitter
        Move patches around objects at random by up to this share of their size along each axis.
    per_epoch
        Number of patches an epoch. By default as many as the images hold, or one an object.
    seed
        At least 0. Same data, options and seed: same patches.
    reuse
        How many times the pixels of a decoded block are used on average before it is let go, for random patches of
        images that are read in blocks: more decodes less, fewer makes the patches of an epoch less alike.
    threads
        How many decode at once; by default one a processor. 0 for none beside the one that asks.
    cache_bytes
        What decoded blocks may take, at most; worker processes share it. Patches that are cut ahead come on top.
    mapped
        Folder for an uncompressed copy of all that is cut, memory-mapped; made as images are used, kept for the next
        time, and shared by processes. It takes the uncompressed size of the images on disk.

    Returns
    -------
    Patches
        See there for epochs, batches, shards, state, and PyTorch.

    Raises
    ------
    LoadingError
        For options that make no sense or fit no image.
    MicrographiaError
        If a dataset, or a table that is needed, cannot be read.
    """
    single = isinstance(datasets, Dataset | str | PathLike)
    sources: list[Source] = [datasets] if single else list(datasets)  # type: ignore[list-item, arg-type]
    opened = [one if isinstance(one, Dataset) else open_dataset(Path(one)) for one in sources]
    options = Options(
        _size(size),
        sampling,
        normaliser(normalise),
        augment,
        None if weights is None else tuple(float(weight) for weight in weights),
        temperature,
        object_cap,
        jitter,
        per_epoch,
        seed,
        threads,
        cache_bytes,
        None if mapped is None else fspath(mapped),
        boxes,
        points,
        classes,
    )
    _verify(options, opened)
    if not reuse > 0:
        raise LoadingError("", f"reuse={reuse} is not above 0", "Give 1 or more")
    tables = [Tables(one) for one in opened]
    sets = _sets(opened, masks, marks=boxes or points)
    selection = Selection(split, groups, channels)
    workers = None if threads is None else max(1, threads)
    frames, left = find_frames(opened, selection, sets, _images(images, len(opened)), workers)
    frames = [
        replace(frame, ignored=tables[frame.dataset].ignored(frame.image_id, frame.time, sets[frame.dataset]))
        if frame.masked
        else frame
        for frame in frames
    ]
    if pixel_size is not None:
        frames, unknown = _calibrated(frames)
        left += unknown
    objects = None
    if object_size is not None or sampling in ("objects", "balanced"):
        objects = _objects(frames, opened, tables, sets, options)
    zooms = [(1.0, 1.0, 1.0)] * len(frames)
    if pixel_size is not None:
        zooms = [_to_pixel_size(frame, options, pixel_size) for frame in frames]
    elif object_size is not None and objects is not None:
        zooms = _to_object_size(frames, objects, options, object_size, opened)
    shapes = [
        geometry(frame, options.patch, zoom, mapped=mapped is not None, cache_bytes=cache_bytes, reuse=reuse)
        for frame, zoom in zip(frames, zooms, strict=True)
    ]
    material = Material(
        tuple(frames),
        tuple(shapes),
        tuple(str(one.path) for one in opened),
        tuple(objects) if objects is not None and sampling in ("objects", "balanced") else None,
    )
    finisher = Finisher(
        options,
        material,
        _tabled(frames, tables, "boxes") if boxes else {},
        _tabled(frames, tables, "points") if points else {},
        _classes(frames, tables, sets, opened) if boxes or points or classes else {},
    )
    for asked, held, name in ((boxes, finisher.boxes, "boxes"), (points, finisher.points, "points")):
        bare = next(
            (frame for frame in frames if asked and not frame.masked and frame.number not in held), None
        )
        if bare is not None:
            raise LoadingError(
                opened[bare.dataset].path,
                f"has neither {name} nor masks to take them from",
                f"Leave out {name}=True",
            )
    return Patches(options, material, finisher, left)


def _verify(options: Options, datasets: Sequence[Dataset]) -> None:
    """Refuse options that contradict each other."""
    problem = ""
    if not datasets:
        problem = "no dataset is given"
    elif options.sampling not in SAMPLINGS:
        problem = f"sampling={options.sampling!r} is none of {', '.join(SAMPLINGS)}"
    elif options.sampling == "grid" and (
        options.per_epoch is not None
        or options.weights is not None
        or options.temperature is not None
        or options.object_cap is not None
    ):
        problem = "a grid takes every pixel once: per_epoch, weights, temperature and object_cap do not apply"
    elif options.per_epoch is not None and options.per_epoch < 1:
        problem = f"per_epoch={options.per_epoch} is less than 1"
    elif options.object_cap is not None and not options.object_cap > 0:
        problem = f"object_cap={options.object_cap} is not above 0"
    elif not 0 <= options.jitter <= 1:
        problem = f"jitter={options.jitter} is no share of the size, 0 to 1"
    elif options.seed < 0 or options.cache_bytes < 0 or (options.threads or 0) < 0:
        problem = "seed, threads and cache_bytes are at least 0"
    if problem:
        raise LoadingError("", problem, "Correct the options")


def _sets(datasets: Sequence[Dataset], masks: str | bool | None, *, marks: bool) -> list[str]:
    """Return the set of masks of each dataset; where boxes or points will do, masks are loaded if there are any."""
    if masks is None and marks:
        return [mask_set(one, None) if any(map(one.mask_rows, one.image_ids)) else "" for one in datasets]
    return [mask_set(one, masks) for one in datasets]


def _size(size: Sequence[int]) -> tuple[int, ...]:
    found = tuple(int(side) for side in size)
    if len(found) not in (2, 3) or min(found) < 1:
        raise LoadingError("", f"size={tuple(size)} is no size of a patch", "Give (Y, X) or (Z, Y, X)")
    return found


def _images(
    images: Sequence[str] | Sequence[Sequence[str] | None] | None, count: int
) -> list[Sequence[str] | None]:
    """Return the wanted ids of each dataset."""
    if images is None:
        return [None] * count
    if all(isinstance(one, str) for one in images):
        if count == 1:
            return [[str(one) for one in images]]
        raise LoadingError(
            "", f"images= names ids for one dataset, there are {count}", "Give a list of ids for each"
        )
    if len(images) != count:
        raise LoadingError(
            "", f"images= has {len(images)} lists for {count} datasets", "Give one for each, or None"
        )
    return [None if one is None else list(one) for one in images]


def _objects(
    frames: Sequence[Frame],
    datasets: Sequence[Dataset],
    tables: Sequence[Tables],
    sets: Sequence[str],
    options: Options,
) -> list[Objects]:
    """Return the objects of each frame: of masks, or else boxes, or else points."""
    masked = [frame for frame in frames if frame.masked]
    found = dict(
        zip(
            (frame.number for frame in masked),
            find_objects(masked, datasets, tables, sets, flat=options.flat),
            strict=True,
        )
    )
    for frame in frames:
        if not frame.masked:
            held = tables[frame.dataset].boxes(frame.image_id, frame.time, frame.shape[0])
            if not len(held.ids):
                held = tables[frame.dataset].points(frame.image_id, frame.time)
            found[frame.number] = marked(held, frame.shape[0])
    return [found[frame.number] for frame in frames]


def _calibrated(frames: Sequence[Frame]) -> tuple[list[Frame], list[LeftOut]]:
    """Return frames whose pixel size is known, numbered anew, and the images that are left out."""
    known = [frame for frame in frames if not math.isnan(frame.pixel_size)]
    names = dict.fromkeys(frame.key for frame in frames if math.isnan(frame.pixel_size))
    if not known:
        raise LoadingError(
            frames[0].files.root,
            "the pixel size of no image is known, so nothing can be rescaled to one",
            "State voxel_size in mifa.yaml, or use object_size=",
        )
    left = [LeftOut(dataset, name, "its pixel size is not known") for dataset, name in names]
    return [replace(frame, number=number) for number, frame in enumerate(known)], left


def _to_pixel_size(
    frame: Frame, options: Options, pixel_size: float | Sequence[float]
) -> tuple[float, float, float]:
    """Return pixels of a patch in a pixel of a frame."""
    wanted = (
        [math.nan, float(pixel_size), float(pixel_size)]
        if isinstance(pixel_size, int | float)
        else [
            *[math.nan] * (3 - len(options.size)),
            *map(float, pixel_size),
        ]
    )
    if len(wanted) != 3 or not all(math.isnan(step) or 0 < step < math.inf for step in wanted):
        raise LoadingError(
            "", f"pixel_size={pixel_size} is no size of a pixel", "Give micrometres, one an axis of size"
        )
    z, y, x = (
        1.0 if math.isnan(step) else _rounded(own / step)
        for own, step in zip(frame.scale, wanted, strict=True)
    )
    if math.isnan(z):
        raise LoadingError(
            frame.files.root, f"the step along Z of {frame.image_id} is not known", "Give one number"
        )
    return z, y, x


def _to_object_size(
    frames: Sequence[Frame],
    objects: Sequence[Objects],
    options: Options,
    object_size: float,
    datasets: Sequence[Dataset],
) -> list[tuple[float, float, float]]:
    """Return pixels of a patch in a pixel of each frame."""
    if not 0 < object_size < math.inf:
        raise LoadingError("", f"object_size={object_size} is no diameter in pixels", "Give a number above 0")
    medians = np.array([np.median(one.diameters) if len(one) else np.nan for one in objects])
    owners = np.array([frame.dataset for frame in frames])
    for number, dataset in enumerate(datasets):
        mine = owners == number
        if mine.any() and np.isnan(medians[mine]).all():
            raise LoadingError(dataset.path, "has no objects whose size is known", "Use pixel_size=")
        medians[mine & np.isnan(medians)] = np.nanmedian(medians[mine]) if mine.any() else 1.0
    factors = [_rounded(object_size / float(median)) for median in medians]
    return [(1.0 if options.flat else factor, factor, factor) for factor in factors]


def _rounded(zoom: float) -> float:
    return 1.0 if abs(zoom - 1) < SAME_SCALE else zoom


def _tabled(frames: Sequence[Frame], tables: Sequence[Tables], kind: str) -> dict[int, Marks]:
    """Return the boxes or points of all frames of datasets that have a table of them."""
    found = {}
    for frame in frames:
        held = tables[frame.dataset]
        if held.has(kind):
            found[frame.number] = (
                held.boxes(frame.image_id, frame.time, frame.shape[0])
                if kind == "boxes"
                else held.points(frame.image_id, frame.time)
            )
    return found


def _classes(
    frames: Sequence[Frame], tables: Sequence[Tables], sets: Sequence[str], datasets: Sequence[Dataset]
) -> dict[int, Mapping[int, int]]:
    """Return the classes of the objects of all frames with masks."""
    semantic = [is_semantic(one, name) for one, name in zip(datasets, sets, strict=True)]
    return {
        frame.number: SAME
        if semantic[frame.dataset]
        else tables[frame.dataset].classes(frame.image_id, frame.time, sets[frame.dataset])
        for frame in frames
        if frame.masked
    }
