"""BBBC021: compounds of known mechanism on MCF-7 cells, profiles of CellProfiler, one row a well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia.errors import ProfileError
from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.adapters.wells import layouts, of_rows, parts, trivial, with_places
from micrographia.representation.preprocessing import pipeline
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import align, read_profiles

if TYPE_CHECKING:
    import pandas as pd

PROFILES = "BBBC021_feature_selected_mad_robustize.csv"
RAW = "ljosa_jbiomolscreen_2013_per_well_mean.csv.gz"
IMAGES = "BBBC021_v1_image.csv.gz"

ABOUT = About(
    name="bbbc021",
    title="Mechanism of action of compounds on MCF-7 cells (BBBC021, Ljosa et al. 2013)",
    source=(
        "github.com/broadinstitute/BBBC021_Morpheus_Exercise (profiles) and github.com/cytomining/cytominergallery, "
        "inst/extdata (means of wells, list of images); images: Broad Bioimage Benchmark Collection BBBC021v1"
    ),
    licence="MIT (profiles), BSD (means of wells); licence of the images not verified",
    files={
        PROFILES: "profiles after feature selection, robust z-scores over all wells",
        RAW: "optional, mean of each feature of each well: intensity and density baselines",
        IMAGES: "optional, list of images: how many a well has",
    },
)


def load(folder: Path, clip: float | None = 20.0) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds the files of :data:`ABOUT`.
    clip
        Profiles and baselines are cut at this many robust z-scores and its negative, because single wells reach
        beyond 100; None leaves them.

    Returns
    -------
    Study
        632 rows, one a well: ``plate``, ``week``, ``well``, ``row``, ``column``, ``compound``, ``concentration``
        (micromolar), ``moa`` (DMSO for the controls), ``images`` and ``cells_per_image`` (a proxy, see the notes).
        Candidates: ``profiles``, ``without intensity``, ``without intensity and density``. Baselines, with the same
        normalisation as the profiles: ``intensity``, ``density``, ``cell size``; ``well position``, ``plate``,
        ``plate layout``.

    Raises
    ------
    ProfileError
        If the profiles are not there or lack a column, or the files do not hold the same wells.
    """
    path = ABOUT.file(folder, PROFILES, f"{PROFILES}.gz")
    held = read_profiles(path)
    rows = _rows(held)
    read = [path]
    notes = [
        "The profiles are published as robust z-scores over all wells of all plates, not plate by plate.",
        "DMSO wells are controls: they may fit a transform and are not scored.",
    ]
    held = _clipped(held, clip)
    if "Cells_Parent_Nuclei" in held.names:
        notes.append(
            "The profiles hold Cells_Parent_Nuclei, a mean running number of nuclei: it tells how many cells there are."
        )
    raw_path = ABOUT.optional(folder, RAW, RAW.removesuffix(".gz"))
    if raw_path is None:
        notes.append(
            "The means of wells are not there: intensity and density are those of the selected features."
        )
        baselines = trivial(held)
    else:
        read.append(raw_path)
        _, raw = align(held, read_profiles(raw_path), on=["Plate", "Well"])
        rows = _with_cells(rows, raw, notes)
        normal = pipeline([{"robust_z": {"on": "train"}}]).apply(raw).profiles
        baselines = trivial(_clipped(normal, clip))
        notes.append(
            f"Baselines are {baselines['intensity'].d} intensity and {baselines['density'].d} density features "
            "(neighbours, running numbers of objects) of the unselected means of wells, normalised as the profiles are."
        )
    images_path = ABOUT.optional(folder, IMAGES, IMAGES.removesuffix(".gz"))
    if images_path is not None:
        read.append(images_path)
        rows = _with_images(rows, images_path)
    rows = with_places(rows)
    return Study(
        name="BBBC021",
        rows=rows,
        candidates=of_rows(parts(held), rows),
        baselines={**of_rows(baselines, rows), **layouts(rows)},
        controls=(rows["moa"] == "DMSO").to_numpy(dtype=bool),
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum(read, folder),
    )


def _rows(held: Profiles) -> pd.DataFrame:
    names = {
        "Plate": "plate",
        "Well": "well",
        "Compound": "compound",
        "Concentration": "concentration",
        "moa": "moa",
    }
    for name in names:
        held.column(name)  # says which one is not there
    rows = held.meta.rename(columns=names)
    rows.insert(1, "week", rows["plate"].str.split("_").str[0])
    return rows


def _clipped(held: Profiles, clip: float | None) -> Profiles:
    return held if clip is None else pipeline([{"clip": clip}]).apply(held).profiles


def _with_cells(rows: pd.DataFrame, raw: Profiles, notes: list[str]) -> pd.DataFrame:
    """Add how many cells an image of each well has, from the mean running number of its nuclei."""
    name = "Nuclei_Number_Object_Number"
    if name not in raw.names:
        return rows
    notes.append(
        "cells_per_image is a declared proxy: no counts are published. Nuclei of an image are numbered from 1, so "
        "their mean number is about (n + 1) / 2, weighted by cells; 2 mean - 1 is taken for n."
    )
    return rows.assign(cells_per_image=2 * raw.values[:, raw.names.index(name)] - 1)


def _with_images(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    import pandas as pd

    table: Any = pd.read_csv(path, dtype=str)
    keys = ["Image_Metadata_Plate_DAPI", "Image_Metadata_Well_DAPI"]
    if not set(keys) <= set(table.columns):
        raise ProfileError(
            path, f"lacks the columns {' and '.join(keys)}", "Take the published list of images"
        )
    counts = table.groupby(keys).size()
    found = counts.reindex(pd.MultiIndex.from_frame(rows[["plate", "well"]]))
    return rows.assign(images=found.to_numpy(dtype=float))
