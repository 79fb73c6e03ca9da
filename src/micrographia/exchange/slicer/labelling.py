"""From the label images of a set to segments: measured, named, coloured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrographia.annotations import ObjectAccumulator
from micrographia.exchange.slicer.segments import (
    CLASS,
    LARGEST_VALUE,
    NOWHERE,
    OBJECT_CLASS,
    Extent,
    Segment,
    color_text,
    parsed,
    safe,
    shown,
    term_tag,
    with_ids,
)
from micrographia.exchange.slicer.volumes import slabs
from micrographia.images import Image
from micrographia.images.image import Array
from micrographia.images.ome_zarr_metadata import label_colors
from micrographia.metadata.mifa import AnnotationClass, AnnotationSet

MOST = 1000
"""Objects of an image up to which each becomes a segment."""

Size = tuple[int, int, int]
Raw = Mapping[str, str]


class UnfitLabelsError(ValueError):
    """Labels that no segmentation can hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is known of the labels of a set beyond the pixels.

    Parameters
    ----------
    name
        Of the set.
    kind
        As ``mask_kind``; empty if unknown.
    classes
        Those with an id above 0, by id.
    objects
        Label to the name of the class of the object.
    kept
        Layer (from 0) and value to what a segmentation said that this one goes back to.
    """

    name: str
    kind: str = ""
    classes: Mapping[int, AnnotationClass] = field(default_factory=dict)
    objects: Mapping[int, str] = field(default_factory=dict)
    kept: Mapping[tuple[int, int], Raw] = field(default_factory=dict)

    @property
    def of_classes(self) -> bool:
        """Whether a value stands for a class."""
        return self.kind in ("semantic", "binary") or (not self.kind and bool(self.classes))


@dataclass(frozen=True, slots=True)
class Labelled:
    """The segments of one time point, and how labels become their values.

    Parameters
    ----------
    segments
        In the order of the header.
    dtype
        That holds all values.
    change
        What turns labels into values; None if they are the values.
    joined
        How many objects share a segment with others of their class.
    """

    segments: tuple[Segment, ...]
    dtype: np.dtype[Any]
    change: Callable[[Array], Array] | None
    joined: int


def described(name: str, entry: AnnotationSet | None) -> Said:
    """Return what ``mifa.yaml`` says of a set."""
    if entry is None:
        return Said(name)
    classes = {
        item.id: item for item in entry.classes if item.id is not None and 0 < item.id <= LARGEST_VALUE
    }
    return Said(name, str(entry.mask_kind or ""), classes)


def measured(labels: Image, t: int, size: Size) -> dict[int, Extent]:
    """Return the tight box of every label of one time point: first and last voxel along x, y and z.

    Raises
    ------
    UnfitLabelsError
        If the labels are no integers, of another size, negative, or larger than a segment can have.
    """
    _verify(labels, size)
    flat = labels.size("Z") == 1
    shape = (1, *size[1:]) if flat else size
    objects = ObjectAccumulator(shape, "ZYX", path=labels.path)
    at = 0
    rows = 0
    for slab in slabs([labels], shape, labels.dtype, t):
        objects.add(slab, (at, rows, 0))
        rows += slab.shape[1]
        if rows >= size[1]:
            at, rows = at + slab.shape[0], 0
    table = objects.table()
    ids = table["label_id"].to_numpy(np.int64)
    if len(ids) and (ids.min() < 0 or ids.max() > LARGEST_VALUE):
        raise UnfitLabelsError(
            f"its labels go from {ids.min()} to {ids.max()}; a segment has 1 to {LARGEST_VALUE:,}"
        )
    depth = [np.full(len(ids), 0), np.full(len(ids), size[0])] if flat else [table["z0"], table["z1"]]
    bounds = [table["x0"], table["x1"], table["y0"], table["y1"], *depth]
    columns = [np.asarray(values, np.int64) - index % 2 for index, values in enumerate(bounds)]
    return {
        label: _extent(box) for label, *box in zip(ids.tolist(), *(c.tolist() for c in columns), strict=True)
    }


def labelled(layers: Sequence[Mapping[int, Extent]], said: Said, objects: str) -> Labelled:
    """Return the segments of the layers of a set.

    Parameters
    ----------
    layers
        Label to its box, for each layer.
    said
        What is known of the set.
    objects
        ``segments``, ``classes``, or ``auto``: objects become segments while there are at most :data:`MOST`.
    """
    count = sum(len(layer) for layer in layers)
    if said.of_classes:
        return _plain(with_ids(_class_segments(layers, said)), None, 0)
    if objects == "classes" or (objects == "auto" and count > MOST):
        names = [
            *dict.fromkeys(
                said.objects.get(label) or said.name for layer in layers for label in sorted(layer)
            )
        ]
        values = {
            label: names.index(said.objects.get(label) or said.name) + 1
            for layer in layers
            for label in layer
        }
        return _plain(with_ids(_joined(layers, names, values)), _changer(values), count)
    segments = [
        _object(said, number, label, box)
        for number, layer in enumerate(layers)
        for label, box in layer.items()
    ]
    return _plain(with_ids(segments), None, 0)


def _plain(segments: Sequence[Segment], change: Callable[[Array], Array] | None, joined: int) -> Labelled:
    largest = max((segment.value for segment in segments), default=0)
    return Labelled(tuple(segments), np.min_scalar_type(largest), change, joined)


def _class_segments(layers: Sequence[Mapping[int, Extent]], said: Said) -> list[Segment]:
    """Return a segment for each class and layer that has it; a class that no layer has is on the first."""
    found = []
    for value, entry in said.classes.items():
        holding = [number for number, layer in enumerate(layers) if value in layer] or [0]
        found += [
            _class(said, number, value, entry, layers[number].get(value, NOWHERE)) for number in holding
        ]
    for number, layer in enumerate(layers):
        found += [
            _class(said, number, value, None, box)
            for value, box in layer.items()
            if value not in said.classes
        ]
    return found


def _class(said: Said, layer: int, value: int, entry: AnnotationClass | None, box: Extent) -> Segment:
    name = shown(entry.name or "") if entry else ""
    alone = said.kind == "binary" and len(said.classes) <= 1
    tags = [("Segmentation.Status", "completed")]
    if entry:
        tags.append((CLASS, str(entry.id)))
        term = term_tag(entry.ontology_id or "", name)
        tags += [term] if term else []
    segment = Segment(
        value,
        layer,
        name or (shown(said.name) if alone else shown(f"{said.name} {value}")),
        color_text(label_colors([value])[value]),
        box,
        named=bool(name),
        tags=tuple(tags),
    )
    return _again(segment, said)


def _object(said: Said, layer: int, label: int, box: Extent) -> Segment:
    of = said.objects.get(label, "")
    tags = [("Segmentation.Status", "completed"), *([(OBJECT_CLASS, safe(of))] if safe(of) else [])]
    name = shown(f"{of or said.name} {label}")
    segment = Segment(label, layer, name, color_text(label_colors([label])[label]), box, tags=tuple(tags))
    return _again(segment, said)


def _joined(
    layers: Sequence[Mapping[int, Extent]], names: Sequence[str], values: Mapping[int, int]
) -> list[Segment]:
    found = []
    for number, layer in enumerate(layers):
        for value, name in enumerate(names, 1):
            boxes = [box for label, box in layer.items() if values[label] == value]
            if boxes:
                low, high = np.min(boxes, axis=0).tolist(), np.max(boxes, axis=0).tolist()
                box = _extent([side for pair in zip(low[0::2], high[1::2], strict=True) for side in pair])
                color = color_text(label_colors([value])[value])
                tags = (("Segmentation.Status", "completed"), (CLASS, str(value)))
                found.append(Segment(value, number, shown(name), color, box, named=True, tags=tags))
    return found


def _again(segment: Segment, said: Said) -> Segment:
    """Give a segment back the colour, the id, the tags and the name that it had when it was imported."""
    from dataclasses import replace

    raw = said.kept.get((segment.layer, segment.value))
    before = parsed(raw) if raw is not None else None
    if before is None:
        return segment
    kept_name = before.name if not segment.named or said.kind not in ("semantic", "binary") else segment.name
    return replace(
        segment,
        color=before.color or segment.color,
        colored=before.colored,
        id=before.id,
        name=shown(kept_name),
        named=before.named or segment.named,
        tags=before.tags or segment.tags,
    )


def _changer(values: Mapping[int, int]) -> Callable[[Array], Array]:
    labels = np.array(sorted(values), np.int64)
    goals = np.array([0, *(values[label] for label in labels.tolist())], np.min_scalar_type(len(labels)))

    def change(block: Array) -> Array:
        place = np.searchsorted(labels, block) + 1
        return goals[np.where(block == 0, 0, place)]

    return change


def _verify(labels: Image, size: Size) -> None:
    if labels.dtype.kind not in "ui":
        raise UnfitLabelsError(f"it holds {labels.dtype} where labels are integers")
    if labels.size("C") != 1:
        raise UnfitLabelsError(f"it has {labels.size('C')} channels; a label image has none")
    own = (labels.size("Z"), labels.size("Y"), labels.size("X"))
    if own[1:] != size[1:] or own[0] not in (1, size[0]):
        raise UnfitLabelsError(f"its size is {own} along z, y and x, that of its image {size}")


def _extent(box: Sequence[int]) -> Extent:
    x0, x1, y0, y1, z0, z1 = box
    return x0, x1, y0, y1, z0, z1
