"""One image by one model: predicted, scored, and told in a form that can be kept and sent from any worker."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import MicrographiaError
from micrographia.images import Image, content_digest
from micrographia.metadata.units import micrometers
from micrographia.segmentation.evaluation.cache import entry_key, packed
from micrographia.segmentation.evaluation.targets import Item
from micrographia.segmentation.metrics.errors import SegmentationError


@dataclass(frozen=True)
class Model:
    """Which model, so that any worker can open it.

    Parameters
    ----------
    key
        What tables call it.
    spec
        As :func:`~micrographia.segmentation.models.segmenter` takes it.
    settings
        Chosen by tuning; None for its own.
    sha256
        Of everything that determines its predictions, settings included.
    device, trust
        As for ``segmenter``.
    """

    key: str
    spec: str
    settings: tuple[tuple[str, Any], ...] | None
    sha256: str
    device: str = "auto"
    trust: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One cell of work: an image and a model, and what to measure."""

    model: Model
    item: Item
    boundary: bool = True


@dataclass(frozen=True)
class Done:
    """What became of a task: a record, or the reason why there is none.

    Parameters
    ----------
    image
        Its id.
    record
        As :meth:`PairRecord.to_json` gives it; None if the model or the image failed.
    reason
        Why there is no record.
    labels
        The prediction, packed and as text; empty if it was not kept.
    seconds, peak_bytes, pixels
        What predicting took, and of how many pixels.
    """

    image: str
    record: Mapping[str, Any] | None
    reason: str = ""
    labels: str = ""
    seconds: float = float("nan")
    peak_bytes: int = 0
    pixels: int = 0
    notes: tuple[str, ...] = field(default=())


@lru_cache(maxsize=4)
def opened(model: Model) -> Any:
    """Return a model, ready to predict; each process opens it once."""
    from micrographia.segmentation.models.registry import segmenter

    found: Any = segmenter(model.spec, device=model.device, trust=model.trust)
    return found.with_settings(dict(model.settings)) if model.settings is not None else found


def identify(item: Item) -> str:
    """Return the checksum of an image and its truth: what a record depends on besides the model.

    Raises
    ------
    MicrographiaError
        If the image or its masks cannot be read.
    """
    marks = {
        mask.name: content_digest(mask.image, kind="label", threads=1)
        for mask in item.files.masks()
        if mask.set in (item.set, *item.region_sets)
    }
    image = item.files.image()
    pixels = content_digest(image, threads=1)
    return entry_key(pixels=pixels, marks=marks, ignored=item.ignored, roles=item.roles)


def task_key(task: Task, content: str) -> str:
    """Return the key of a task's entry in the cache."""
    return entry_key(model=task.model.sha256, item=content, boundary=task.boundary)


def predict(task: Task) -> Done:
    """Predict one image and score it. What goes wrong with it is its reason, so that the other images are kept."""
    item = task.item
    try:
        truth, region, notes = read_truth(item)
        image = item.files.image()
        found = _segment(task, image)
        if found.labels.shape != truth.shape:
            raise SegmentationError(
                item.id,
                f"the model returned labels of shape {found.labels.shape}, the truth has {truth.shape}",
                "A model returns one label for every pixel: look at how it rescales or pads",
            )
        from micrographia.segmentation.scoring.records import score_pair

        record = score_pair(
            truth,
            found.labels,
            region=region,
            ignore=item.ignored,
            pixel_size=_sizes(image, truth.ndim),
            boundary=task.boundary,
        )
    except MicrographiaError as error:
        return Done(item.id, None, str(error))
    # A model is code of other people: whatever it raises is the reason for this image and no other.
    except Exception as error:  # noqa: BLE001
        return Done(item.id, None, f"{type(error).__name__}: {error}")
    data = packed(found.labels)
    return Done(
        item.id,
        record.to_json(),
        "",
        "" if data is None else base64.b64encode(data).decode(),
        found.seconds,
        found.peak_bytes,
        int(truth.size),
        notes,
    )


def _segment(task: Task, image: Image) -> Any:
    from micrographia.segmentation.models.running import segment

    return segment(opened(task.model), image, roles=task.item.roles, pixel_size=pixel_size(image))


def read_truth(
    item: Item,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None, tuple[str, ...]]:
    """Return the truth of an image, where it was annotated (None: everywhere), and what is to be said of it.

    Raises
    ------
    MicrographiaError
        If it cannot be read.
    """
    truth: npt.NDArray[Any] | None = None
    region: npt.NDArray[np.bool_] | None = None
    notes: list[str] = []
    further = 0
    for mask in item.files.masks():
        if mask.set == item.set and mask.layer == 1:
            truth = spatial(mask.image)
        elif mask.set == item.set:
            further += 1
        elif mask.set in item.region_sets:
            here = spatial(mask.image) != 0
            region = here if region is None else region | here
    if truth is None:
        raise SegmentationError(
            item.id, f"has no label image of set {item.set!r}", "Annotate it or leave it out"
        )
    if further:
        notes.append(f"objects on {further} further layers (overlapping others) are left out")
    return truth, region, tuple(notes)


def pixels_of(item: Item) -> npt.NDArray[Any]:
    """Return all pixels of an image, ``(C, [Z,] Y, X)``.

    Raises
    ------
    MicrographiaError
        If it cannot be read, or has several time points.
    """
    image = item.files.image()
    if image.size("T") > 1:
        raise SegmentationError(
            item.id, "has several time points", "Evaluate time points as images of their own"
        )
    pixels = np.asarray(image.read(tuple(slice(0, size) for size in image.shape)))
    wanted = [axis for axis in "CZYX" if axis in image.axes and (axis != "Z" or image.size("Z") > 1)]
    pixels = pixels.reshape([image.size(axis) for axis in image.axes if axis in wanted])
    return pixels if "C" in wanted else pixels[np.newaxis]


def spatial(image: Image) -> npt.NDArray[Any]:
    """Return all pixels of a label image as ``(Y, X)`` or ``(Z, Y, X)``; of several time points the first.

    Raises
    ------
    SegmentationError
        If it has several time points: they are images of their own for a model.
    """
    region = tuple(slice(0, size) for size in image.shape)
    pixels = np.asarray(image.read(region))
    keep = [axis for axis in image.axes if axis in "ZYX"]
    for axis in image.axes:
        if axis not in keep and image.size(axis) > 1:
            raise SegmentationError(
                image.path,
                f"a label image with {image.size(axis)} along {axis}",
                "Evaluate time points and channels as images of their own",
            )
    shape = [image.size(axis) for axis in keep if axis != "Z" or image.size("Z") > 1]
    return pixels.reshape(shape)


def _sizes(image: Image, ndim: int) -> tuple[float, ...] | None:
    """Return the micrometres of a pixel along each spatial axis, or None where one is not known."""
    sizes = [micrometers(image.scale.get(axis), image.units.get(axis)) for axis in "zyx"[-ndim:]]
    return tuple(size for size in sizes if size is not None) if None not in sizes else None


def pixel_size(image: Image) -> float | None:
    """Return the width of a pixel in micrometres, or None where the image does not say."""
    return micrometers(image.scale.get("x"), image.units.get("x"))
