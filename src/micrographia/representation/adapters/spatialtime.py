"""spatialTIME: cores of a tissue microarray by multiplex immunofluorescence, with what is known of the patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.errors import ProfileError
from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

CELLS, CLINICAL, SUMMARY = "cells.parquet", "clinical.csv", "summary.csv"
CORE, PATIENT = "deidentified_sample", "deidentified_id"

ABOUT = About(
    name="spatialtime",
    title="Cores of a tissue microarray, multiplex immunofluorescence of T cells (spatialTIME)",
    source="cran/spatialTIME, data/*.rda, exported as CSV and Parquet",
    licence="MIT",
    files={
        SUMMARY: "one row a core: numbers and percentages of cells positive for each marker",
        CLINICAL: "one row a core: age, race, sex, status",
        CELLS: "optional, one row a cell of a few cores: XMin to YMax, markers",
    },
)


def load(folder: Path) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds the files of :data:`ABOUT`.

    Returns
    -------
    Study
        229 rows, one a core: ``region``, ``patient``, ``array`` (which microarray), ``age``, ``race``, ``sex``,
        ``status``. Candidate: ``marker percentages``. Baseline: ``density``. ``cells`` has the cells of the few cores
        for which they are published.

    Raises
    ------
    ProfileError
        If a file is not there, lacks a column, or a core is in one table only.
    """
    paths = [ABOUT.file(folder, name) for name in (SUMMARY, CLINICAL)]
    summary, clinical = (_table(path) for path in paths)
    both = summary.merge(clinical, on=[CORE, PATIENT], how="inner", validate="one_to_one")
    if len(both) < len(summary):
        lone = next(core for core in summary[CORE] if core not in set(both[CORE]))
        raise ProfileError(
            paths[1], f"lacks {len(summary) - len(both)} cores, the first {lone}", "Give a row for each"
        )
    rows = both[[CORE, PATIENT, "age", "race", "sex", "status"]].rename(
        columns={CORE: "region", PATIENT: "patient"}
    )
    rows.insert(2, "array", rows["region"].str.extract(r"^(TMA\d+)", expand=False))
    percentages = [name for name in both.columns if name.startswith("% ")]
    density = [name for name in both.columns if name == "Total Cells" or name.startswith("Area Analyzed (mm")]
    cells = ABOUT.optional(folder, CELLS)
    return Study(
        name="spatialTIME",
        rows=rows,
        candidates={
            "marker percentages": _profiles(both, percentages, rows, "marker percentages", "candidate")
        },
        baselines={"density": _profiles(both, density, rows, "density", "density")},
        cells=None if cells is None else _cells(cells),
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=["Single cells are published for a few of the cores only; percentages for all."],
        sha256=checksum([*paths, *([cells] if cells is not None else [])], folder),
    )


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table: pd.DataFrame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ProfileError(path, "cannot be read as a table", str(error).splitlines()[0]) from error
    lacking = next((name for name in (CORE, PATIENT) if name not in table.columns), None)
    if lacking is not None:
        raise ProfileError(path, f"has no column {lacking!r}", "Export it again")
    return table


def _profiles(table: pd.DataFrame, names: list[str], rows: pd.DataFrame, name: str, kind: str) -> Profiles:
    values = table[names].to_numpy(dtype=float)
    return Profiles(values, rows, tuple(names), name, {"file": SUMMARY, "kind": kind})


def _cells(path: Path) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_parquet(path)
    lacking = next(
        (name for name in (CORE, "XMin", "XMax", "YMin", "YMax") if name not in table.columns), None
    )
    if lacking is not None:
        raise ProfileError(path, f"has no column {lacking!r}", "Export it again")
    places = pd.DataFrame(
        {
            "region": table[CORE].astype(str),
            "x": (table["XMin"].astype(float) + table["XMax"].astype(float)) / 2,
            "y": (table["YMin"].astype(float) + table["YMax"].astype(float)) / 2,
        }
    )
    if "Classifier.Label" in table.columns:
        places["type"] = table["Classifier.Label"].astype(str)
    return places
