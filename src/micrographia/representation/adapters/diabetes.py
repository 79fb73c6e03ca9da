"""Type 1 diabetes: cells of pancreatic islets by imaging mass cytometry, a table of positions and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.adapters.study import About, Lazy, Study, checksum
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

CELLS = "diabetes_cells.parquet"

ABOUT = About(
    name="diabetes",
    title="Stage of type 1 diabetes from cells of pancreatic islets (Damond et al. 2019, Cell Metabolism)",
    source="github.com/SydneyBioX/spicyR, data/diabetesData.rda, column data exported as Parquet",
    licence="GPL (>= 2) of the package; licence of the original deposit not verified",
    files={CELLS: "one row a cell: imageID, x, y, cellType, case, slide, part, group, stage"},
)

_COLUMNS = {"imageID": "region", "x": "x", "y": "y", "cellType": "type", "case": "donor", "slide": "slide"}
_MORE = {"part": "part", "group": "group", "stage": "stage"}


def load(folder: Path, window: str = "box") -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds the file of :data:`ABOUT`.
    window
        What the cells could have lain in: the bounding ``box`` or the convex ``hull``.

    Returns
    -------
    Study
        120 rows, one an image: ``region``, ``donor``, ``slide``, ``part``, ``group``, ``stage``, ``n_cells``.
        ``cells`` has a row a cell. Candidates, made from the table when first asked for: ``types and positions``,
        ``types only``. Baselines: ``positions only``, ``density``.

    Raises
    ------
    ProfileError
        If the file is not there or lacks a column, or an image has two donors or stages.
    """
    path = ABOUT.file(folder, CELLS)
    cells = _cells(path)
    rows = one_row_a_region(cells, path)
    structure = _Structure(cells, rows, window)
    donors = rows.groupby("stage", observed=True)["donor"].nunique()
    told = ", ".join(f"{stage} {count}" for stage, count in donors.items())
    return Study(
        name="Type 1 diabetes, imaging mass cytometry",
        rows=rows,
        candidates=Lazy(("types and positions", "types only"), structure.candidates, {}),
        baselines=Lazy(("positions only", "density"), structure.baselines, {}),
        cells=cells,
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=[
            f"Each donor has one stage (donors: {told}): donors, not images, are independent.",
            "Types of cells are the authors' own, assigned from the markers of each cell.",
        ],
        sha256=checksum([path], folder),
    )


def _cells(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table: pd.DataFrame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        problem = str(error).splitlines()[0][:120]
        raise ProfileError(path, f"cannot be read as Parquet ({problem})", "Export it again") from error
    names = {**_COLUMNS, **_MORE}
    lacking = next((name for name in names if name not in table.columns), None)
    if lacking is not None:
        raise ProfileError(path, f"has no column {lacking!r}", f"It needs {', '.join(names)}")
    cells = table[list(names)].rename(columns=names)
    return cells.assign(donor=cells["donor"].astype(str))


def one_row_a_region(cells: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return one row a region in the order of their first cells, with what all of its cells share and their number.

    Raises
    ------
    ProfileError
        If a label differs within a region.
    """
    others = [name for name in cells.columns if name not in ("region", "x", "y", "type")]
    grouped = cells.groupby("region", sort=False, observed=True)
    for name in others:
        mixed = grouped[name].nunique(dropna=False)
        if (mixed > 1).any():
            first = mixed.index[(mixed > 1).to_numpy()][0]
            raise ProfileError(path, f"image {first} has several values of {name!r}", "Correct the table")
    rows = grouped[others].first().reset_index()
    return rows.assign(n_cells=grouped.size().to_numpy())


class _Structure:
    """Structural features of regions, made once."""

    def __init__(self, cells: pd.DataFrame, rows: pd.DataFrame, window: str) -> None:
        self._cells, self._rows, self._window = cells, rows, window
        self._made: Mapping[str, Profiles] = {}

    def candidates(self) -> Mapping[str, Profiles]:
        """Return what types tell, alone and with positions."""
        made = self._structure()
        together = [made["types only"], made["positions only"], made["both"]]
        values = np.concatenate([part.values for part in together], axis=1)
        names = tuple(name for part in together for name in part.names)
        source = {**made["both"].source, "kind": "candidate", "of": ["types only", "positions only", "both"]}
        return {
            "types and positions": Profiles(values, self._rows, names, "types and positions", source),
            "types only": replace(
                made["types only"], source={**made["types only"].source, "kind": "candidate"}
            ),
        }

    def baselines(self) -> Mapping[str, Profiles]:
        """Return what positions alone tell."""
        return {name: self._structure()[name] for name in ("positions only", "density")}

    def _structure(self) -> Mapping[str, Profiles]:
        if not self._made:
            from micrographia.representation.baselines.tissue import tissue_structure

            made = tissue_structure(self._cells, region="region", type="type", window=self._window)  # type: ignore[arg-type]
            asked = [str(region) for region in self._rows["region"]]
            for name, part in made.items():
                if [str(region) for region in part.meta["region"]] != asked:
                    raise ProfileError(
                        name, "has other regions than the study", "Leave out regions without cells"
                    )
            self._made = {name: replace(part, meta=self._rows, name=name) for name, part in made.items()}
        return self._made
