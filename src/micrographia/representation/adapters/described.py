"""A dataset folder of one's own as a study: a row an image, its groups and split, its number of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import MicrographiaError, ProfileError
from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.adapters.wells import placed

ABOUT = About(
    name="dataset",
    title="A dataset folder, as describe and convert make it",
    source="your own dataset",
    licence="that of the dataset",
    files={"files.tsv": "images, masks, groups and split", "mifa.yaml": "what is written about them"},
)
COUNTED = 4000
"""Images up to which objects are counted in the label images if no table lists them."""


def load(folder: Path, count: bool = True) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        A dataset.
    count
        Whether to count the objects of the first annotation set, which reads every label image once.

    Returns
    -------
    Study
        One row an image: ``image``, ``split`` and one column a group (``group:donor`` becomes ``donor``); with label
        images also ``count`` and ``log_count`` (natural logarithm of 1 + count). Wells and plates give layouts as
        baselines.

    Raises
    ------
    ProfileError
        If the folder is no dataset, or holds no image.
    """
    import pandas as pd

    from micrographia.dataset import open_dataset

    try:
        dataset = open_dataset(folder)
    except MicrographiaError as error:
        raise ProfileError(error.path, error.problem, error.remedy) from error
    ids = list(dataset.image_ids)
    if not ids:
        raise ProfileError(folder, "holds no image", "See what describe says about it")
    rows = pd.DataFrame({"image": ids, "split": [dataset.image_split(one) or None for one in ids]})
    groups = pd.DataFrame([dataset.image_groups(one) for one in ids])
    for name in groups.columns:
        if name not in rows.columns:
            rows[str(name)] = [value or None for value in groups[name].fillna("")]
    notes = [f"{len(ids):,} images of {dataset.title}."]
    masks = bool(dataset.annotation_sets)
    if masks and count:
        rows = rows.assign(**_counts(dataset, ids, notes))
    rows, baselines = placed(rows)
    return Study(
        name=dataset.title,
        rows=rows,
        baselines=baselines,
        images=folder,
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum([folder / "files.tsv", folder / "mifa.yaml"], folder),
        masks=masks,
    )


def _counts(dataset: Any, ids: list[str], notes: list[str]) -> dict[str, Any]:
    from micrographia.representation.baselines.images import image_baselines

    if len(ids) > COUNTED:
        notes.append(f"Objects were not counted: there are more than {COUNTED:,} images.")
        return {}
    found = image_baselines(dataset, ["count"], images=ids)["count"]
    number = found.values[:, list(found.names).index("count")] if "count" in found.names else None
    if number is None:
        notes.append("Objects were not counted: the label images give no number.")
        return {}
    return {"count": number, "log_count": np.log1p(number)}
