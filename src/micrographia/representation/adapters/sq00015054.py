"""SQ00015054: one plate of the LINCS Cell Painting screen on A549 cells, one row a well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.adapters.wells import SIZE, layouts, of_rows, parts, trivial, with_places
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import read_profiles

if TYPE_CHECKING:
    import pandas as pd

PROFILES = "SQ00015054_normalized_feature_select.csv.gz"

ABOUT = About(
    name="sq00015054",
    title="Compounds on A549 cells, one plate of Cell Painting (LINCS SQ00015054)",
    source="github.com/cytomining/cytominer-eval, cytominer_eval/example_data/compound (LINCS Cell Painting)",
    licence="BSD-3-Clause",
    files={PROFILES: "profiles, normalised and feature selected"},
)


def load(folder: Path) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds the file of :data:`ABOUT`.

    Returns
    -------
    Study
        384 rows, one a well: ``plate``, ``well``, ``row``, ``column``, ``compound`` (the sample, DMSO for the
        controls), ``dose`` (mmol/l), ``compound_dose``, ``moa`` and ``target`` (missing stays missing). Candidates:
        ``profiles``, ``without intensity``. Baselines: ``intensity``, ``density`` (a declared proxy), ``well
        position``.

    Raises
    ------
    ProfileError
        If the file is not there, or lacks a column.
    """
    path = ABOUT.file(folder, PROFILES, PROFILES.removesuffix(".gz"))
    held = read_profiles(path)
    rows = with_places(_rows(held))
    unknown = int(rows["moa"].isna().sum())
    controls = (rows["compound"] == "DMSO").to_numpy(dtype=bool)
    of_controls = int(rows["moa"].isna()[controls].sum())
    notes = [
        f"The mechanism is missing in {unknown} of {len(rows)} wells, {of_controls} of them DMSO: missing is no group.",
        "One plate: what holds for it may not hold for another, and a well position is confounded with its compound.",
        "DMSO wells are controls: they may fit a transform and are not scored.",
    ]
    baselines = trivial(held)
    if "density" not in baselines:
        baselines["density"] = _proxy(held)
        notes.append(
            "density is a weak, declared proxy: no counts and no distances are published, so the sizes of cells and "
            "nuclei and the angle between neighbours stand in for them."
        )
    return Study(
        name="SQ00015054",
        rows=rows,
        candidates=of_rows(parts(held), rows),
        baselines={**of_rows(baselines, rows), **layouts(rows)},
        controls=controls,
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum([path], folder),
    )


def _rows(held: Profiles) -> pd.DataFrame:
    names = {
        "Plate": "plate",
        "Well": "well",
        "broad_sample": "compound",
        "mmoles_per_liter": "dose",
        "moa": "moa",
        "target": "target",
        "cell_id": "cell_line",
    }
    for name in names:
        held.column(name)
    rows = held.meta[list(names)].rename(columns=names)
    told = [f"{compound} {dose:g}" for compound, dose in zip(rows["compound"], rows["dose"], strict=True)]
    return rows.assign(compound_dose=told)


def _proxy(held: Profiles) -> Profiles:
    chosen = [bool(SIZE.fullmatch(name)) or "_Neighbors_" in name for name in held.names]
    part = held.select(np.array(chosen, dtype=bool))
    source = {**part.source, "kind": "density", "proxy": "sizes of objects and angles between neighbours"}
    return replace(part, name="density", source=source)
