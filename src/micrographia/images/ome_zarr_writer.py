"""Writing OME-Zarr 0.5 and 0.4: pixels, pyramid, labels and metadata, whole or not at all.

An image is read once, cell by cell, and everything else follows from that pass: chunks of all levels, display limits,
content digest, checksums of files. Memory depends on the blocks of the source and the number of threads, not on the
image. The same input gives the same bytes, however many threads there are.

Chunks are one plane of 256 x 256 in shards of up to 32 million pixels; see :mod:`micrographia.images.chunks`. In the
loading benchmark this layout gives the most random 256 x 256 crops a second, and as many crops of 32 x 256 x 256 as
thicker chunks do unless crops are aligned with them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.chunks import Layout, choose_layout
from micrographia.images.codecs import Codec
from micrographia.images.image import Array, Image, canonical
from micrographia.images.ome_zarr_metadata import (
    Version,
    Window,
    array_files,
    group_files,
    image_label,
    label_colors,
    multiscales,
    omero,
)
from micrographia.images.ome_zarr_stream import Observer, PyramidStream
from micrographia.images.pyramid import Level, label_pyramid, stored_pyramid
from micrographia.images.zarr_files import Folder, WrittenFile, replacing
from micrographia.work import cores

LIMITS = (0.001, 0.999)
"""The quantiles of the top level of the pyramid that are shown as black and as white."""

LABEL_NAME = re.compile(r"(?!zarr\.json$)[A-Za-z0-9!_*'()][A-Za-z0-9!_.*'() -]*")

Properties = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LabelSource:
    """A label image that is written with an image.

    Parameters
    ----------
    name
        Of the label image, unique regardless of case.
    image
        Integers, 0 for background; axes of the image without C, of the same size; an axis that it lacks, or that
        has one pixel, is the same all along that of the image.
    properties
        Objects or classes, each a mapping with ``label-value``; a function is called when all pixels were read.
    colors
        Red, green, blue, alpha (0 to 255) for label values; by default every value in ``properties`` has one.
    observe
        Called with region and pixels of every cell, in a fixed order, while the labels are read: what else is to be
        known about them costs no second reading.
    """

    name: str
    image: Image
    properties: Properties | Callable[[], Properties] | None = None
    colors: Mapping[int, Sequence[int]] | None = None
    observe: Observer | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Parameters
    ----------
    path
        The folder or file.
    digest
        The content digest of the image; empty where digests were not wanted.
    label_digests
        That of every label image, by name.
    files
        Every file, relative to a folder and sorted; for a zip the one file.
    nbytes
        Bytes of the files.
    pixel_bytes
        Bytes of the pixels that were read, image and labels, uncompressed.
    levels
        How many levels the pyramid has.
    seconds
        How long it took.
    verified
        Whether level 0 was read back and was equal.
    """

    path: Path
    digest: str
    label_digests: dict[str, str]
    files: tuple[WrittenFile, ...]
    nbytes: int
    pixel_bytes: int
    levels: int
    seconds: float
    verified: bool = False


@dataclass(slots=True)
class _Job:
    """What is known while one image is written."""

    image: Image
    axes: str
    levels: tuple[Level, ...]
    version: Version
    folder: Folder
    name: str
    chunk: Mapping[str, int] | None
    streams: dict[str, PyramidStream] = field(default_factory=dict)


def write_image(
    target: str | os.PathLike[str],
    image: Image,
    *,
    labels: Sequence[LabelSource] = (),
    version: Version = "0.5",
    name: str | None = None,
    levels: int | None = None,
    chunk: Mapping[str, int] | None = None,
    attributes: Mapping[str, Any] | None = None,
    threads: int | None = None,
    digests: bool = True,
    verify: bool = False,
    overwrite: bool = False,
) -> Written:
    """Write an image with its pyramid and labels as OME-Zarr.

    Parameters
    ----------
    target
        ``NAME.ome.zarr``, a folder, or ``NAME.ozx``, a zip (0.5 only).
    image
        Read once, cell by cell. It is stored with axis C, also if it has none.
    labels
        Label images, halved along the same axes as the image.
    version
        Of OME-Zarr: ``"0.5"`` (Zarr 3, sharded) or ``"0.4"`` (Zarr 2).
    name
        Of the image; by default that of the target without its ending.
    levels
        How many levels the pyramid has, level 0 included; by default see
        :func:`~micrographia.images.pyramid.plan_pyramid`.
    chunk
        Another size of the chunks along ``z``, ``y``, ``x``: powers of two.
    attributes
        More attributes of the image's group, JSON; they stand beside those of OME-Zarr.
    threads
        Number of threads; None for one a processor.
    digests
        Whether pixels and files are hashed while they are written: the hashes that prove a dataset whole and name it.
        Without them writing takes less time and ``digest`` and ``sha256`` are empty.
    verify
        Read back level 0 through another library and compare it with the source, bit for bit.
    overwrite
        Replace an existing target, once the new one is whole.

    Returns
    -------
    Written

    Raises
    ------
    ImageError
        If an image cannot be read, labels do not fit the image, the target exists, or it cannot be written; nothing
        is left of it then and an old target is as it was.
    """
    started = time.perf_counter()
    target = Path(target)
    zipped = target.suffix.lower() == ".ozx"
    _verify_arguments(target, image, labels, version, zipped=zipped, overwrite=overwrite)
    axes = canonical(image.axes + "C")
    count = max(1, cores() if threads is None else threads)
    with replacing(target) as partial:
        partial.mkdir()
        job = _Job(
            image,
            axes,
            stored_pyramid(image, axes, levels),
            version,
            Folder(partial, checksums=digests),
            name or _stem(target),
            chunk,
        )
        _prepare(job, labels)
        alone = count == 1 or all(stream.single for stream in job.streams.values())
        with nullcontext() if alone else ThreadPoolExecutor(count, "ome-zarr") as pool:
            for stream in job.streams.values():
                stream.run(pool, count)
        _describe(job, labels, attributes or {})
        if verify:
            from micrographia.images.ome_zarr_verify import verify_written

            verify_written(partial, target, image, axes, [(source.name, source.image) for source in labels])
        files = tuple(sorted(job.folder.written))
        if zipped:
            from micrographia.images.ome_zarr_zip import pack

            files = (pack(partial, target.name, checksum=digests),)
    return Written(
        target,
        job.streams[""].hasher.hexdigest(),
        {source.name: job.streams[source.name].hasher.hexdigest() for source in labels},
        files,
        sum(file.size for file in files),
        image.nbytes + sum(source.image.nbytes for source in labels),
        len(job.levels),
        time.perf_counter() - started,
        verify,
    )


def _verify_arguments(
    target: Path,
    image: Image,
    labels: Sequence[LabelSource],
    version: str,
    *,
    zipped: bool,
    overwrite: bool,
) -> None:
    if version not in ("0.4", "0.5"):
        raise ValueError(f"OME-Zarr {version} cannot be written: choose 0.4 or 0.5")
    if zipped and version != "0.5":
        raise ImageError(
            target, "a zipped OME-Zarr has version 0.5", "Write a folder, .ome.zarr, or version 0.5"
        )
    if not overwrite and (target.exists() or target.is_symlink()):
        raise ImageError(target, "it exists", "Remove it, choose another name, or allow it to be overwritten")
    seen: set[str] = set()
    for source in labels:
        if not LABEL_NAME.fullmatch(source.name) or source.name.lower() in seen:
            raise ImageError(
                source.image.path,
                f"{source.name!r} cannot be the name of a label image, or is there twice",
                "Use letters, digits and !-_.*'(), not beginning with - or a dot, and differing in more than case",
            )
        seen.add(source.name.lower())
        _verify_label(source, image)


def _verify_label(source: LabelSource, image: Image) -> None:
    label = source.image
    if label.dtype.kind == "f":
        raise ImageError(
            label.path, f"a label image of type {label.dtype}", "Labels are integers: convert them first"
        )
    for axis, size in zip(label.axes, label.shape, strict=True):
        allowed = {1} if axis == "C" else {image.size(axis)} | ({1} if axis in "TZ" else set())
        if size not in allowed:
            raise ImageError(
                label.path,
                f"the label image has {size} pixels along {axis}, its image {image.path} has {image.size(axis)}",
                "A label image has the size of its image and no channels: correct the pairing or resample it",
            )


def _prepare(job: _Job, labels: Sequence[LabelSource]) -> None:
    """Write the metadata of all arrays and make what will stream their pixels."""
    codec = Codec.for_role(job.image.dtype, labels=False)
    job.streams[""] = _stream(job, job.image, job.axes, job.levels, codec, "")
    axes = job.axes.replace("C", "")
    for source in labels:
        levels = label_pyramid(source.image, axes, job.levels, job.axes)
        dtype = source.image.dtype
        unsigned = np.dtype(f"u{dtype.itemsize}") if dtype.kind == "i" else dtype
        codec = Codec.for_role(unsigned, labels=True)
        job.streams[source.name] = _stream(
            job, source.image, axes, levels, codec, f"labels/{source.name}/", source
        )


def _stream(
    job: _Job,
    image: Image,
    axes: str,
    levels: Sequence[Level],
    codec: Codec,
    path: str,
    source: LabelSource | None = None,
) -> PyramidStream:
    layouts = [_layout(job, image, axes, level.shape) for level in levels]
    for number, (level, layout) in enumerate(zip(levels, layouts, strict=True)):
        for name, data in array_files(
            f"{path}{number}", level.shape, layout, codec, axes, job.version
        ).items():
            job.folder.write(name, data)
    return PyramidStream(
        image,
        axes,
        levels,
        layouts,
        codec,
        job.folder,
        path,
        zarr3=job.version == "0.5",
        labels=source is not None,
        digests=job.folder.checksums,
        observe=None if source is None else source.observe,
    )


def _layout(job: _Job, image: Image, axes: str, shape: tuple[int, ...]) -> Layout:
    return choose_layout(axes, shape, sharded=job.version == "0.5", rgb=image.rgb, chunk=job.chunk)


def _describe(job: _Job, labels: Sequence[LabelSource], attributes: Mapping[str, Any]) -> None:
    """Write the metadata of all groups; the one of the image comes last."""
    documents: dict[str, bytes] = {}
    if labels:
        documents |= group_files("labels", {"labels": [source.name for source in labels]}, job.version)
    for source in labels:
        properties = source.properties() if callable(source.properties) else source.properties
        colors = source.colors
        if colors is None and properties:
            colors = label_colors([row["label-value"] for row in properties])
        axes = job.axes.replace("C", "")
        levels = label_pyramid(source.image, axes, job.levels, job.axes)
        document = multiscales(source.name, axes, job.image, levels, job.version, labels=True)
        document |= image_label(colors, properties, job.version)
        documents |= group_files(f"labels/{source.name}", document, job.version)
    stream = job.streams[""]
    windows = [_window(stream.samples[channel], job.image) for channel in sorted(stream.samples)]
    document = multiscales(job.name, job.axes, job.image, job.levels, job.version, labels=False)
    document |= omero(job.name, job.image, windows, job.version)
    own: dict[str, Any] = {"rgb": True} if job.image.rgb else {}
    if job.image.bits is not None:
        own["bits"] = job.image.bits
    more = {**attributes, "micrographia": own} if own else attributes
    documents |= group_files("", document, job.version, more)
    for name, data in documents.items():
        job.folder.write(name, data)


def _window(samples: Sequence[Array], image: Image) -> Window:
    """Return the display limits of a channel, given some of its pixels."""
    values = np.concatenate(samples)
    if image.rgb and image.dtype == np.uint8:
        return Window(0, 255, 0, 255)
    lowest: float
    highest: float
    if image.dtype.kind == "f":
        values = values[np.isfinite(values)].astype(np.float64)
        if not values.size:
            values = np.zeros(1)
        lowest, highest = float(values.min()), float(values.max())
    else:
        kind = np.iinfo(image.dtype)
        lowest, highest = int(kind.min), int(kind.max)
        if image.bits is not None and kind.min == 0:
            highest = (1 << image.bits) - 1
    order = [round(quantile * (values.size - 1)) for quantile in LIMITS]
    values = np.partition(values, order)
    start, end = (values[at].item() for at in order)
    if end <= start:
        end = start + 1
    return Window(start, end, min(lowest, start), max(highest, end))


def _stem(target: Path) -> str:
    name = target.name
    for ending in (".ome.zarr", ".zarr", ".ozx"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name
