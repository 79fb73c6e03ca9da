"""Small datasets of any shape for tests of what training needs: pixels, masks, channels, splits, groups, metadata."""

import csv
import json

import numpy as np
import pandas as pd
import tifffile

from micrographia.annotations import write_table
from micrographia.annotations.conforming import conform
from micrographia.dataset import open_dataset


def blobs(rng, shape=(40, 52), count=5):
    """Return labels of rectangles that do not overlap, some of them touching, with gaps in their numbers."""
    labels = np.zeros(shape, np.uint16)
    for number in range(count):
        start = [int(rng.integers(0, size - 8)) for size in shape]
        part = tuple(slice(at, at + int(rng.integers(3, 9))) for at in start)
        labels[part][labels[part] == 0] = 3 * number + 2
    return labels


def training_set(
    folder, images, masks=None, *, axes="YX", names=(), splits=None, groups=None, mifa=None, objects=None, region=None,
    scale=None, classes=None,
):  # fmt: skip
    """Write a described raw dataset and return it opened.

    ``images``: id to pixels. ``masks``: id to labels, of the set ``masks``. ``splits``: id to split. ``groups``: column
    to id to value. ``objects``: rows of the objects table. ``region``: id to the annotated region. ``classes``: id to
    class label of the image. ``mifa``: what the description says beyond a title.
    """
    for name in ("images", "masks", "annotated_region", "annotations"):
        (folder / name).mkdir(parents=True)
    groups = groups or {}
    rows = []
    for name, pixels in images.items():
        path = f"images/{name}.tif"
        metadata = {"axes": axes} | ({"Channel": {"Name": list(names)}} if names else {})
        for axis, step in (scale or {}).items():
            metadata |= {f"PhysicalSize{axis.upper()}": step, f"PhysicalSize{axis.upper()}Unit": "µm"}
        rgb = axes.endswith("S")
        tifffile.imwrite(
            folder / path, pixels, ome=not rgb, photometric="rgb" if rgb else "minisblack",
            metadata=None if rgb else metadata,
        )  # fmt: skip
        row = {"Files": path, "image": name, "role": "image", "split": (splits or {}).get(name, "")}
        rows.append(row | {f"group:{column}": held[name] for column, held in groups.items()})
    for kind, held in (("masks", masks or {}), ("annotated_region", region or {})):
        for name, labels in held.items():
            path = f"{kind}/{name}.tif"
            tifffile.imwrite(folder / path, labels, ome=True, metadata={"axes": "ZYX"[-labels.ndim :]})
            told = {"annotation set": kind, "annotation type": "segmentation_mask", "source image": name}
            rows.append({"Files": path, "role": "annotation"} | told)
    if objects:
        write_table(
            conform(pd.DataFrame(objects), "objects")[0], "objects", folder / "annotations/objects.parquet"
        )
        rows.append({"Files": "annotations/objects.parquet", "role": "table"})
    if classes:
        table = [{"image": name, "set": "class", "class_name": label} for name, label in classes.items()]
        write_table(
            conform(pd.DataFrame(table), "class_labels")[0],
            "class_labels",
            folder / "annotations/class_labels.parquet",
        )
        told = {"annotation set": "class", "annotation type": "class_labels"}
        rows.append({"Files": "annotations/class_labels.parquet", "role": "annotation"} | told)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "files.tsv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter="\t", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    described = {"micrographia_format": 1, "study": {"title": "Blobs", "license": "CC-BY-4.0"}} | (mifa or {})
    (folder / "mifa.yaml").write_text(json.dumps(described), "utf-8")  # JSON is YAML
    return open_dataset(folder)
