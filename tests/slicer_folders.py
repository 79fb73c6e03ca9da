"""Converted datasets of arrays, for tests of what leaves for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.manifest import image_id, write_manifest
from micrographia.exchange import Submission, export, file_table, import_submission, unnamed_differences
from micrographia.findings import Finding
from micrographia.images import ArrayImage, Channel, write_image

Marks = Mapping[str, Any]
UM = {"x": 0.1, "y": 0.1, "z": 0.35}


def made(
    root: Path,
    entries: Mapping[str, tuple[Any, Marks]],
    axes: str,
    scale: Mapping[str, float],
    *,
    kind: str | None = "instance",
    classes: Sequence[Mapping[str, Any]] = (),
    channels: Sequence[str] = (),
) -> Dataset:
    """Write images and label images (set to array, or to a list of one array a layer) and describe them."""
    folder = root / "dataset"
    (folder / "images").mkdir(parents=True)
    (folder / "annotations").mkdir()
    rows: list[dict[str, str]] = []
    names: list[str] = []
    for image, (pixels, marks) in entries.items():
        steps = {axis: step for axis, step in scale.items() if axis.upper() in axes}
        units = {axis: "second" if axis == "t" else "micrometer" for axis in steps}
        said = [Channel(name) for name in channels]
        opened = ArrayImage(pixels, axes, scale=steps, units=units, channels=said)
        write_image(folder / f"images/{image}.ome.zarr", opened, digests=False, threads=1)
        rows.append({"Files": f"images/{image}.ome.zarr", "image": image, "role": "image"})
        for number, (name, arrays) in enumerate(marks.items()):
            layers = arrays if isinstance(arrays, list) else [arrays]
            names += [name] if name not in names else []
            for layer, labels in enumerate(layers, 1):
                more = f".layer{layer}" if layer > 1 else ""
                path = f"annotations/{image}_{image_id(name)[:20]}{number if len(name) > 20 else ''}{more}.ome.zarr"
                plain = axes.replace("C", "")
                picture = ArrayImage(labels, plain, scale=steps, units=units)
                write_image(folder / path, picture, digests=False, threads=1)
                cells = {
                    "annotation set": name,
                    "annotation type": "segmentation_mask",
                    "source image": image,
                }
                layered = {"layer": str(layer)} if len(layers) > 1 else {}
                rows.append({"Files": path, "role": "annotation", **cells, **layered})
    sets = [
        {
            "name": name,
            "annotation_type": ["segmentation_mask"],
            **({"mask_kind": kind} if kind else {}),
            **({"classes": [dict(one) for one in classes]} if classes else {}),
        }
        for name in names
    ]
    text = yaml.safe_dump({"micrographia_format": 1, "study": {"title": "Made"}, "annotations": sets})
    (folder / "mifa.yaml").write_text(text, "utf-8")
    write_manifest(folder / "files.tsv", file_table(rows))
    return open_dataset(folder)


def rows_of(dataset: Dataset, *rows: Mapping[str, str]) -> Dataset:
    """Add rows to ``files.tsv`` and open the dataset anew."""
    old = dataset.files.drop(columns=["line"]).to_dict("records")
    write_manifest(dataset.path / "files.tsv", file_table([*old, *rows]))
    return open_dataset(dataset.path)


def codes(findings: list[Finding] | tuple[Finding, ...]) -> set[str]:
    return {finding.code for finding in findings}


def there_and_back(dataset: Dataset, tmp_path: Path, **options: str) -> tuple[Path, Dataset, list[Finding]]:
    done = export(dataset, "slicer", tmp_path / "out", options)
    back = import_submission(done.path, tmp_path / "back")
    findings = [*done.findings, *back.findings]
    assert unnamed_differences(Submission.of(dataset), back, findings) == []
    return done.path, open_dataset(tmp_path / "back"), findings


def assert_same_pixels(before: Dataset, after: Dataset) -> None:
    assert before.image_ids == after.image_ids
    for image in before.image_ids:
        one, two = before.image(image), after.image(image)
        assert np.array_equal(one.read(), two.read().reshape(one.shape)), image
        marks, found = ({(m.set, m.layer): m.image for m in of.masks(image)} for of in (before, after))
        assert marks.keys() == found.keys()
        for key, labels in marks.items():
            assert np.array_equal(labels.read(), found[key].read().reshape(labels.shape)), key


def blobs(*shape: int, ids: tuple[int, ...] = (1, 2, 3)) -> Any:
    labels = np.zeros(shape, np.min_scalar_type(max(ids, default=0)))
    for number, label in enumerate(ids):
        labels[..., 2 + 5 * number : 5 + 5 * number, 3:9] = label
    return labels
