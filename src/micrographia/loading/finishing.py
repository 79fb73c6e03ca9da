"""From what was cut to the patch that is handed out: where it is from, its marks, augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from micrographia.loading.batching import Patch
from micrographia.loading.cutting import Parts
from micrographia.loading.marking import cut_boxes, cut_points, listed, measured
from micrographia.loading.planning import Draws
from micrographia.loading.sampling import Material, Options, generator
from micrographia.loading.tables import UNKNOWN, Marks

AUGMENTING = 2
"""Purpose of the chance that augmentation gets."""


@dataclass(frozen=True, slots=True)
class Finisher:
    """Makes patches of what was cut.

    Parameters
    ----------
    options, material
        Of the patches.
    boxes, points
        By frame, where tables have them; the others are measured in the mask.
    classes
        By frame, the class of each object of its mask.
    """

    options: Options
    material: Material
    boxes: Mapping[int, Marks] = field(default_factory=dict)
    points: Mapping[int, Marks] = field(default_factory=dict)
    classes: Mapping[int, Mapping[int, int]] = field(default_factory=dict)

    def __call__(self, draws: Draws, number: int, epoch: int, parts: Parts) -> Patch:
        """Return the patch of a draw."""
        image, mask, region = parts
        frame = self.material.frames[int(draws.frames[number])]
        shape = self.material.shapes[frame.number]
        start = draws.starts[number]
        flat = self.options.flat
        patch: Patch = {"image": image[:, 0] if flat else image}
        if mask is not None:
            patch["mask"] = mask[0] if flat else mask
        patch["region"] = region[0] if flat else region
        patch |= {
            "dataset": frame.dataset,
            "image_id": frame.image_id,
            "start": start[3 - len(self.options.size) :].copy(),
            "plane": int(start[0]) if flat else 0,
            "time": frame.time,
            "pixel_size": frame.pixel_size / float(np.sqrt(shape.zoom[1] * shape.zoom[2])),
        }
        if self.options.sampling in ("objects", "balanced"):
            patch["object"] = int(draws.objects[number])
        if self.options.boxes or self.options.points:
            patch |= self._marks(frame.number, start, parts)
        if self.options.classes and mask is not None:
            known = self.classes.get(frame.number, {})
            ids = [one for one in np.unique(mask).tolist() if one]
            patch["classes"] = np.array([(one, known.get(one, UNKNOWN)) for one in ids], np.int64).reshape(
                -1, 2
            )
        if self.options.augment is not None:
            patch = self.options.augment(patch, generator(self.options, epoch, AUGMENTING, number))
        return patch

    def _marks(self, frame: int, start: np.ndarray, parts: Parts) -> Patch:
        shape, flat = self.material.shapes[frame], self.options.flat
        boxes, points = self.boxes.get(frame), self.points.get(frame)
        mask = parts[1]
        around = mean = None
        if mask is not None and (boxes is None or points is None):
            known = self.classes.get(frame, {})
            around, mean = measured(mask, known, self.material.frames[frame].ignored)
        found: Patch = {}
        if self.options.boxes:
            around = around if boxes is None else cut_boxes(boxes, shape, start)
            if around is not None:
                found |= listed("boxes", around, flat=flat)
        if self.options.points:
            mean = mean if points is None else cut_points(points, shape, start)
            if mean is not None:
                found |= listed("points", mean, flat=flat)
        return found
