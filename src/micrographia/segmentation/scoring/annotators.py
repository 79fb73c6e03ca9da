"""Who annotated what: images of a dataset that several people annotated, as a label image each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.dataset import Dataset

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Opinion:
    """What one annotator drew on one image.

    Attributes
    ----------
    set
        The annotation set that it is in.
    labels
        Layer to the labels of this annotator; None for all labels of the set.
    ignore
        Labels that the annotator marked to be ignored.
    """

    set: str
    labels: Mapping[int, tuple[int, ...]] | None
    ignore: tuple[int, ...] = ()


@dataclass(frozen=True)
class Annotators:
    """The annotators of a dataset.

    An annotator is who the column ``annotator`` of the objects table names, or, for a set whose objects name nobody,
    the set. Several people in one set are repeated annotation, and so are different people in sets that describe the
    same target. Sets of different targets (nuclei, cells) or of targets that nobody described are not, nor is the work
    of one person in two sets, unless the sets are asked for.

    Parameters
    ----------
    dataset
        The dataset.
    sets
        Annotation sets of the same objects by different people, or by one person twice; None to find them.
    like
        Where sets are to be found: only those of the same objects as this set; empty for the only ones there are.
    """

    dataset: Dataset
    sets: tuple[str, ...] | None = None
    like: str = ""
    left_out: dict[str, str] = field(default_factory=dict, compare=False)
    """Image to why nobody knows who annotated what in it; filled when :attr:`opinions` are read."""

    @cached_property
    def opinions(self) -> Mapping[str, Mapping[str, Opinion]]:
        """Image to annotator to what is theirs; only images with two annotators or more.

        Raises
        ------
        SegmentationError
            If a set does not exist, or objects of several targets were annotated repeatedly.
        """
        objects = self._objects()
        held = {
            image: sorted({row.set or "masks" for row in self.dataset.mask_rows(image)})
            for image in self.dataset.image_ids
        }
        repeated = []
        for together in self._together({name for names in held.values() for name in names}, objects):
            left_out: dict[str, str] = {}
            found: dict[str, Mapping[str, Opinion]] = {}
            for image, names in held.items():
                opinions: dict[str, Opinion] = {}
                for name in names:
                    if name in together:
                        self._add(opinions, left_out, image, name, objects.get((image, name)))
                if len(opinions) > 1 and image not in left_out:
                    found[image] = opinions
            if found:
                repeated.append((together, found, left_out))
        if len(repeated) > 1:
            raise SegmentationError(
                self.dataset.path,
                "different objects were annotated by several people: "
                + "; ".join(", ".join(sorted(together)) for together, _, _ in repeated),
                "Name the sets of the objects that are meant",
            )
        if not repeated:
            return {}
        _, chosen, unclear = repeated[0]
        self.left_out.update(unclear)
        return chosen

    def labels(self, image: str) -> dict[str, Array]:
        """Return the label image of each annotator of an image, integers ``([Z,] Y, X)``.

        Where objects of one annotator overlap, those of the first layer are on top.

        Raises
        ------
        SegmentationError
            If the image has not two annotators, or is a time-lapse.
        MicrographiaError
            If a file cannot be read.
        """
        if image not in self.opinions:
            raise SegmentationError(
                self.dataset.path, f"image {image} has no two annotators", self.left_out.get(image, "")
            )
        layers: dict[str, list[tuple[int, Array]]] = defaultdict(list)
        wanted = {opinion.set for opinion in self.opinions[image].values()}
        for mask in self.dataset.masks(image):
            if mask.set in wanted:
                layers[mask.set].append((mask.layer, _pixels(mask.image, image)))
        return {who: _drawn(layers[opinion.set], opinion) for who, opinion in self.opinions[image].items()}

    def ignored(self, image: str) -> dict[str, tuple[int, ...]]:
        """Return the labels that each annotator of an image marked to be ignored."""
        return {who: opinion.ignore for who, opinion in self.opinions[image].items()}

    def _objects(self) -> dict[tuple[str, str], pd.DataFrame]:
        from micrographia.dataset.tables import OBJECTS, read_tables

        tables = read_tables(self.dataset)
        if tables.errors:
            raise tables.errors[0]
        frame = tables.frames.get(OBJECTS)
        if frame is None:
            return {}
        return {(str(image), str(name)): part for (image, name), part in frame.groupby(["image", "set"])}

    def _together(self, there: set[str], objects: Mapping[tuple[str, str], pd.DataFrame]) -> list[set[str]]:
        """Return which sets hold the same objects."""
        lost = sorted({*(self.sets or ()), *filter(None, [self.like])} - there)
        if lost:
            raise SegmentationError(
                self.dataset.path,
                f"has no annotation set {lost[0]!r}",
                f"There are {', '.join(sorted(there))}",
            )
        if self.sets is not None:
            return [set(self.sets)]
        found: dict[str, set[str]] = defaultdict(set)
        for name in sorted({name for (_, name), part in objects.items() if (part["annotator"] != "").any()}):
            described = self.dataset.set_described(name)
            if name not in there or (described and described.mask_kind not in (None, "instance")):
                continue
            target = described.target if described else None
            key = repr(target.model_dump()) if target is not None and target.object else f"set {name}"
            found[key].add(name)
        return [names for names in found.values() if not self.like or self.like in names]

    def _add(
        self,
        opinions: dict[str, Opinion],
        left_out: dict[str, str],
        image: str,
        name: str,
        table: pd.DataFrame | None,
    ) -> None:
        ignore = () if table is None else _ids(table[table["ignore"].astype(bool)])
        who = [] if table is None else sorted(set(table["annotator"]))
        if table is None or who in ([], [""]):
            if self.sets is not None:
                opinions[name] = Opinion(name, None, ignore)
            return
        if "" in who:
            nobody = int((table["annotator"] == "").sum())
            left_out[image] = f"{nobody} objects of set {name} name no annotator, others do"
            return
        for one in who:
            own = table[table["annotator"] == one]
            by_layer = {int(layer): _ids(part) for layer, part in own.groupby("layer")}
            if one not in opinions or self.sets is not None:
                key = f"{one} ({name})" if one in opinions else one
                opinions[key] = Opinion(name, by_layer, tuple(sorted(set(ignore) & set(_ids(own)))))


def _ids(table: pd.DataFrame) -> tuple[int, ...]:
    return tuple(sorted(int(label) for label in table["label_id"]))


def _pixels(image: Any, name: str) -> Array:
    from micrographia.annotations.masks.blocks import as_image, read_block

    source = as_image(image)
    if source.size("T") > 1:
        raise SegmentationError(
            name, "a time-lapse has an image a time point", "Score its time points one by one"
        )
    block = read_block(source, 0 if "T" in source.axes else None)
    return block if "Z" in source.axes else block[0]


def _drawn(layers: Sequence[tuple[int, Array]], opinion: Opinion) -> Array:
    dtype = np.result_type(*(labels.dtype for _, labels in layers))
    out = np.zeros(layers[0][1].shape, dtype)
    for layer, labels in sorted(layers, key=lambda one: -one[0]):
        own = labels != 0
        if opinion.labels is not None:
            own = np.isin(labels, opinion.labels.get(layer, ()))
        out[own] = labels[own]
    return out
