"""The truth of one picture: instance layers, classes, ignored objects and the annotated region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from micrographia.dataset import ImageFiles, Mask
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports.sample import Array
from micrographia.loading.regions import is_region_set


@dataclass(frozen=True, slots=True)
class Source:
    """One image to export: small, handed to a worker.

    Parameters
    ----------
    files
        What opens it, with the masks that are wanted and those of the annotated region.
    set
        The annotation set.
    kind
        ``instance``, ``semantic``, ``binary``, or empty where nobody says.
    split, groups
        As in :class:`Sample`.
    classes
        Object id to number of its category, as tables say it.
    values
        Value of a semantic mask to number of its category.
    ignored
        Ids of objects that are left out.
    channels
        Channels that are wanted; None for all.
    stated
        What people say of the channels.
    label
        Class of the image as a whole; empty if none.
    """

    files: ImageFiles
    set: str
    kind: str
    split: str
    groups: Mapping[str, str]
    classes: Mapping[int, int]
    values: Mapping[int, int]
    ignored: frozenset[int]
    channels: tuple[str, ...] | None
    stated: Mapping[str, str]
    label: str


def truth_of(
    source: Source, masks: list[Mask], read: Callable[[Mask], Array], counts: Counter[str]
) -> tuple[tuple[Array, ...], Mapping[int, int], frozenset[int], Array | None]:
    """Return the instance layers, the classes, the ignored objects and the annotated region of one picture."""
    layers: list[Array] = []
    region: Array | None = None
    classes: dict[int, int] = dict(source.classes)
    for mask in masks:
        values = read(mask)
        if is_region_set(mask.set):
            region = (values != 0) if region is None else region & (values != 0)
            continue
        if values.dtype.kind == "i" and int(values.min(initial=0)) < 0:
            raise LoadingError(
                source.files.id, f"its mask {mask.image.path.name} has negative labels", "Correct it"
            )
        highest = max((int(layer.max(initial=0)) for layer in layers), default=0)
        layers.append(_instances(source, values, highest, classes, counts))
    layers, ignored = _renumbered(layers, classes, source.ignored, counts)
    if len(layers) > 1:
        layers = [layer for layer in layers if layer.any()] or layers[:1]
    held = set(np.unique(np.concatenate([np.unique(layer) for layer in layers])).tolist()) - {0}
    ignored &= held
    taken = layers[0] != 0
    for layer in layers[1:]:
        counts["overlapping pixels"] += int((taken & (layer != 0)).sum())
        taken |= layer != 0
    counts["objects"] += len(held)
    counts["ignored objects"] += len(ignored)
    counts["objects with a class"] += len(held & classes.keys())
    if region is not None and region.all():
        region = None
    counts["pictures annotated in part"] += region is not None
    return tuple(layers), {label: classes[label] for label in held & classes.keys()}, ignored, region


def _instances(
    source: Source, values: Array, highest: int, classes: dict[int, int], counts: Counter[str]
) -> Array:
    """Return labels of objects: those of an instance mask as they are, else the connected parts of each class.

    The latter are numbered from ``highest`` on, which is the largest id of the layers before.
    """
    present = values[values != 0]
    picture = not source.kind and present.size > 0 and int(present.min()) == int(present.max()) == 255
    if source.kind not in ("semantic", "binary") and not picture:
        return values
    from micrographia.annotations import semantic_to_instance

    found, objects = semantic_to_instance(
        values if source.kind == "semantic" else (values != 0).astype(np.uint8)
    )
    counts["pictures without instances"] += 1
    found = np.where(found != 0, found.astype(np.int64) + highest, 0)
    if source.kind == "semantic":
        pairs = zip(objects["label_id"].tolist(), objects["class_id"].tolist(), strict=True)
        if not highest:
            classes.clear()
        classes |= {
            label + highest: source.values[number] for label, number in pairs if number in source.values
        }
    return found


def _renumbered(
    layers: list[Array], classes: dict[int, int], ignored: frozenset[int], counts: Counter[str]
) -> tuple[list[Array], frozenset[int]]:
    """Return layers as int32; objects are numbered anew where ids need more."""
    most = max((int(layer.max(initial=0)) for layer in layers), default=0)
    if most <= np.iinfo(np.int32).max:
        return [layer.astype(np.int32) for layer in layers], ignored
    ids = np.unique(np.concatenate([np.unique(layer) for layer in layers]))
    ids = ids[ids != 0]
    new = {int(label): at for at, label in enumerate(ids.tolist(), 1)}
    old = dict(classes)
    classes.clear()
    classes |= {new[label]: number for label, number in old.items() if label in new}
    counts["pictures numbered anew"] += 1
    made = [np.where(layer != 0, np.searchsorted(ids, layer) + 1, 0).astype(np.int32) for layer in layers]
    return made, frozenset(new[label] for label in ignored if label in new)
