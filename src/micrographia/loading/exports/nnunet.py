"""nnU-Net version 2: ``imagesTr``, ``labelsTr``, ``imagesTs``, ``dataset.json``.

| here | nnU-Net |
|---|---|
| splits train and validation | ``imagesTr/``, ``labelsTr/``; which is which stands in ``splits_final.json`` |
| split test, and others | ``imagesTs/``, ``labelsTs/`` |
| channel | ``NAME_0000.tif``, ``NAME_0001.tif``, ...; (Y, X) or (Z, Y, X), as stored |
| objects | ``NAME.tif``: core 1, border 2; or the class of each pixel |
| ignored objects, outside the annotated region | the label ``ignore``, the highest |
| pixel size of a volume | ``NAME.json``, ``spacing`` along Z, Y, X in micrometres |
| groups | folds of ``splits_final.json``, where there is no validation split: a group is in one fold only |

nnU-Net knows classes, not objects. Objects that may touch are therefore written as cores and borders, from which
``objects_from_core`` makes objects again; ``labels="semantic"`` writes classes.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from micrographia.annotations.codes import finding, listed
from micrographia.findings import Finding
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports.border_core import BORDER, CORE, border_core
from micrographia.loading.exports.files import eight_bits, label_array, write_json, write_tiff
from micrographia.loading.exports.sample import TRAIN, VALIDATION, Array, Part, Plan, Sample, Written

FOLDS = 5
FOLDER = re.compile(r"Dataset\d{3}_\w+")


@dataclass(frozen=True)
class NnUNet:
    """The raw dataset folder of nnU-Net v2.

    Parameters
    ----------
    labels
        ``border-core`` or ``semantic``; ``auto`` for the former unless the dataset's masks are semantic or binary.
    border
        Thickness of borders in pixels.
    """

    labels: Literal["auto", "border-core", "semantic"] = "auto"
    border: int = 1
    api_version: int = 1
    name: str = "nnunet"
    title: str = "nnU-Net"
    volumes: bool = True
    uniform: bool = True
    carries: frozenset[str] = frozenset({"ignored", "region", "classes", "spacing"})
    scaling: str = "none"

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write the channels and the labels of a picture, and the spacing of a volume."""
        trained = sample.split in (TRAIN, VALIDATION)
        images, truth = ("imagesTr", "labelsTr") if trained else ("imagesTs", "labelsTs")
        pixels = sample.pixels if plan.scaling == "none" else eight_bits(sample.pixels, plan.scaling)[0]
        axes = "ZYX" if sample.volume else "YX"
        for at, channel in enumerate(pixels):
            path = root / images / f"{sample.name}_{at:04d}.tif"
            write_tiff(path, channel, axes, spacing=sample.spacing)
        marked, counts = self._marked(sample, plan)
        left_out = sample.left_out()
        marked[left_out] = self._ignore(plan)
        mask = f"{truth}/{sample.name}.tif"
        write_tiff(root / mask, label_array(marked, "uint8"), axes, spacing=sample.spacing)
        known = all(math.isfinite(step) for step in sample.spacing)
        if sample.volume:
            spacing = [float(step) for step in sample.spacing] if known else [1.0, 1.0, 1.0]
            for folder in (images, truth):
                write_json(root / folder / f"{sample.name}.json", {"spacing": spacing})
        data = {
            "name": sample.name,
            "split": sample.split,
            "group": next(iter(sample.groups.values()), "") or sample.image,
            "grouped": bool(sample.groups) or sample.time is not None,
            "volume": sample.volume,
            "channels": ["red", "green", "blue"] if sample.rgb else list(sample.channels),
            "left out": bool(left_out.any()),
            "spacing": known,
            "unnamed": bool(sample.labels().any()) and len(sample.classes) < counts["held"],
        }
        return Written(f"{images}/{sample.name}_0000.tif", mask, data, {"confused": counts["confused"]})

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:
        """Write ``dataset.json`` and ``splits_final.json``."""
        held = [part.data for part in parts]
        trained = [one for one in held if one["split"] in (TRAIN, VALIDATION)]
        if not trained:
            raise LoadingError(plan.name, "has no picture to train on", "Export the split train, too")
        left_out = any(one["left out"] for one in held)
        # Labels must be consecutive, and the last one was reserved before all objects had been seen.
        labels = {"background": 0} | self._names(plan, left_out or any(one["unnamed"] for one in held))
        if left_out:
            labels["ignore"] = self._ignore(plan)
        volume = held[0]["volume"]
        document = {
            "channel_names": {str(at): name for at, name in enumerate(held[0]["channels"])},
            "labels": labels,
            "numTraining": len(trained),
            "file_ending": ".tif",
            "overwrite_image_reader_writer": "Tiff3DIO" if volume else "NaturalImage2DIO",
            "name": plan.title,
            "description": f"{plan.title}; objects as {self._mode(plan)}",
            "licence": plan.about.get("licence") or "unknown",
            "reference": ", ".join(plan.about.get("links") or []),
            "release": plan.about.get("version") or "",
        }
        write_json(root / "dataset.json", document)
        folds = _folds(trained)
        if folds:
            write_json(root / "splits_final.json", folds)
        return self._findings(plan, parts, folds)

    def _mode(self, plan: Plan) -> str:
        if self.labels != "auto":
            return self.labels
        return "semantic" if plan.kind in ("semantic", "binary") else "border-core"

    def _marked(self, sample: Sample, plan: Plan) -> tuple[Array, dict[str, int]]:
        labels = sample.labels()
        ids = np.unique(labels)
        ids = ids[ids != 0]
        if self._mode(plan) == "border-core":
            marked, confused = border_core(labels, self.border)
            return marked.astype(np.int32), {"confused": confused, "held": len(ids)}
        table = np.zeros(int(labels.max(initial=0)) + 1 if len(ids) < 1 << 24 else 0, np.int32)
        for label in ids.tolist():
            table[label] = plan.category(sample.classes.get(label)).number
        return table[labels], {"confused": 0, "held": len(ids)}

    def _names(self, plan: Plan, unnamed: bool) -> dict[str, int]:
        if self._mode(plan) == "border-core":
            return {"core": CORE, "border": BORDER}
        held = [*plan.categories]
        if unnamed and plan.unnamed.number > len(held):
            held.append(plan.unnamed)
        names: dict[str, int] = {}
        for one in held:
            taken = one.name in names or one.name in ("background", "ignore")
            names[f"{one.name} {one.number}" if taken else one.name] = one.number
        return names

    def _ignore(self, plan: Plan) -> int:
        return BORDER + 1 if self._mode(plan) == "border-core" else plan.unnamed.number + 1

    def _findings(self, plan: Plan, parts: Sequence[Part], folds: Sequence[Any]) -> list[Finding]:
        found = []
        mode = self._mode(plan)
        held = [part.data for part in parts]
        classed = sum(part.counts["objects with a class"] for part in parts)
        several = len(plan.categories) > 1
        if mode == "border-core":
            message = "nnU-Net knows no objects: they are written as cores (1) and borders (2)"
            fix = "make objects from predictions with micrographia.loading.exports.objects_from_core"
            found.append(finding("N007", message, plan.name, fix=fix))
            confused = sum(part.counts["confused"] for part in parts)
            if confused:
                message = f"{confused} objects have several parts or touching cores; they come back as others"
                found.append(finding("N007", message, plan.name, evidence={"count": confused}))
            if several and classed:
                message = f"cores and borders have no class; {classed} objects lose theirs"
                found.append(
                    finding(
                        "N006", message, plan.name, field="classes", fix="write classes: --labels semantic"
                    )
                )
        elif plan.kind not in ("semantic", "binary"):
            message = "objects of one class that touch become one: a semantic mask has no objects"
            found.append(finding("N006", message, plan.name, field="objects", fix="--labels border-core"))
        others = sorted({one["split"] for one in held} - {TRAIN, VALIDATION, "test"})
        if others:
            message = f"nnU-Net knows no split {listed(others)}; it lies in imagesTs with the test images"
            found.append(finding("N006", message, plan.name, field="split"))
        if held[0]["volume"] and not all(one["spacing"] for one in held):
            message = "the voxel size of volumes is unknown; spacing 1, 1, 1 is written"
            found.append(finding("N011", message, plan.name, fix="state voxel_size in mifa.yaml"))
        elif not held[0]["volume"] and any(
            one["spacing"] or part.row["y_um"] for one, part in zip(held, parts, strict=True)
        ):
            message = "nnU-Net has no place for the pixel size of planes; it stands in images.csv"
            found.append(finding("N006", message, plan.name, field="spacing"))
        if len({tuple(one["channels"]) for one in held}) > 1:
            message = f"channels are called otherwise in other pictures; dataset.json names those of {held[0]['name']}"
            found.append(finding("N011", message, plan.name, field="channels", fix="choose with --channels"))
        if folds:
            message = (
                f"nnU-Net reads splits_final.json ({len(folds)} folds) from its folder of preprocessed data"
            )
            found.append(
                finding("N001", message, plan.name, field="split", fix="copy it there before training")
            )
        if not FOLDER.fullmatch(plan.name):
            message = "nnU-Net finds datasets by folder names such as Dataset101_Nuclei"
            found.append(finding("N011", message, plan.name, fix="rename the folder"))
        return found


def _folds(held: Sequence[dict[str, Any]]) -> list[dict[str, list[str]]]:
    """Return the folds: the validation split where there is one, else by group; none where nothing tells."""
    names = {split: [one["name"] for one in held if one["split"] == split] for split in (TRAIN, VALIDATION)}
    if names[VALIDATION] and names[TRAIN]:
        return [{"train": names[TRAIN], "val": names[VALIDATION]}]
    groups: dict[str, list[str]] = defaultdict(list)
    for one in held:
        groups[one["group"]].append(one["name"])
    if len(groups) < 2 or not any(one["grouped"] for one in held):
        return []
    count = min(FOLDS, len(groups))
    parts: list[list[str]] = [[] for _ in range(count)]
    for _, members in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        min(parts, key=len).extend(members)
    every = [one["name"] for one in held]
    return [
        {"train": [name for name in every if name not in set(part)], "val": sorted(part)} for part in parts
    ]
