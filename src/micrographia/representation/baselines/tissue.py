"""Structural baselines of tissue: what a table of cells tells of each region, without any pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia import work
from micrographia.annotations.masks.kernels.runs import Array, Ints
from micrographia.errors import ProfileError
from micrographia.representation.baselines import tissue_positions, tissue_types
from micrographia.representation.baselines.measured import Measured, tabled
from micrographia.representation.baselines.tissue_positions import Region, Window
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

MOST_TYPES = 64
"""Types up to which their pairs are counted."""
FARTHEST = 1e60
"""Positions farther out than this have powers that no number holds; they are none."""
MULTIPLES = (0.5, 1.0, 2.0, 4.0)
"""Radii in spacings, where none are given."""

NAMES = {
    "density": "number of cells, area, cells per area",
    "positions only": "nearest distances, Ripley's L, degrees of the Delaunay and k-nearest graphs",
    "types only": "share of each cell type, entropy",
    "both": "which types neighbour each other, and how far they are apart",
}
"""The structural baselines, with a line on each."""


def tissue_structure(
    cells: pd.DataFrame,
    *,
    region: str,
    x: str = "x",
    y: str = "y",
    type: str | None = None,  # noqa: A002 - what the column holds
    radii: Sequence[float] | None = None,
    neighbours: int = 6,
    window: Window = "box",
    workers: int | None = None,
) -> dict[str, Profiles]:
    """Return structural features of each region of a table of cells.

    Parameters
    ----------
    cells
        One row a cell.
    region, x, y, type
        Columns: the region (an image, a tissue core), the position, the type of the cell if there is one. A cell
        without a region or a finite position is left out and counted in ``source``; one without a type counts as a
        position.
    radii
        For Ripley's L, in the unit of the positions, the same for all regions; by default 0.5, 1, 2 and 4 times the
        median over regions of ``1 / sqrt(density)``, to two digits.
    neighbours
        k of the k-nearest graph.
    window
        What the cells could have lain in: the bounding ``box`` (a rectangular image) or the convex ``hull`` (a core).
    workers
        Threads; None for one a processor. The result does not depend on it.

    Returns
    -------
    dict of Profiles
        ``density`` (kind ``density``), ``positions only``, and with types ``types only`` and ``both`` (kind
        ``baseline``). Rows are regions in the order in which they first occur; ``meta`` holds the region and every
        column that is constant within all regions. NaN has a reason in ``source["undefined"]``.

    Raises
    ------
    ProfileError
        If a column is missing or holds no numbers, no cell has a region and a position, there are more than 64 types,
        or an option is out of range.
    """
    table = _Table(cells, region, x, y, type)
    asked = _radii(radii, table)
    if not 1 <= neighbours <= 64:
        raise ProfileError("", f"a graph of the {neighbours} nearest cannot be made", "Ask for 1 to 64")
    if window not in ("box", "hull"):
        raise ProfileError("", f"there is no window {window!r}", "Take box or hull")

    def measure(at: int) -> dict[str, Measured]:
        held = table.region(at)
        found = {
            "density": tissue_positions.density(held),
            "positions only": tissue_positions.positions(held, asked, neighbours, window),
        }
        if type is not None:
            found["types only"] = tissue_types.composition(held, table.type_names)
            found["both"] = tissue_types.both(held, table.type_names)
        return found

    outcomes = work.run(measure, range(len(table.names)), workers=workers, kind="threads")
    measured = [outcome.result() for outcome in outcomes]
    source: dict[str, Any] = {
        "positions": [x, y],
        "region": region,
        "cells": int(table.kept.sum()),
        "cells_left_out": int((~table.kept).sum()),
        "pixels": False,
    }
    more: dict[str, dict[str, Any]] = {
        "positions only": {
            "radii": [float(radius) for radius in asked],
            "edge_correction": f"translation, window {window}",
            "neighbours": neighbours,
        },
        "types only": {"type": type},
        "both": {"type": type, "expectation": "types shuffled over the cells of a region, exact moments"},
    }
    meta = table.meta()
    called = [str(name) for name in table.names]
    return {
        name: tabled(
            [held[name] for held in measured],
            called,
            meta,
            name,
            {**source, **more.get(name, {}), "kind": "density" if name == "density" else "baseline"},
        )
        for name in measured[0]
    }


class _Table:
    """A table of cells, region by region."""

    def __init__(self, cells: pd.DataFrame, region: str, x: str, y: str, type_: str | None) -> None:
        import pandas as pd

        for column in (region, x, y, *([type_] if type_ is not None else [])):
            if column not in cells.columns:
                known = ", ".join(str(name) for name in cells.columns[:20])
                raise ProfileError("", f"the table of cells has no column {column!r}", f"Columns are {known}")
        place = [self._numbers(cells, column) for column in (x, y)]
        codes, names = pd.factorize(cells[region])
        self.kept = (codes >= 0) & (np.abs(place[0]) < FARTHEST) & (np.abs(place[1]) < FARTHEST)
        named = codes >= 0
        if not self.kept.any():
            raise ProfileError("", "no cell has a region and a position", "Look at the columns named")
        self.cells = cells
        self.column = region
        self.names = list(names)
        self._named, self._codes = named, codes
        kept = np.flatnonzero(self.kept)
        order = kept[np.argsort(codes[kept], kind="stable")]
        self._x, self._y = place[0][order], place[1][order]
        self._starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
        self.type_names: list[str] = []
        types: Ints = np.full(len(cells), -1, np.int64)
        if type_ is not None:
            texts = cells[type_].astype(object).where(cells[type_].notna(), None)
            self.type_names = sorted({str(value) for value in texts.unique() if value is not None})
            if not self.type_names:
                raise ProfileError("", f"column {type_!r} names no type of cell", "Leave out the type")
            if len(self.type_names) > MOST_TYPES:
                raise ProfileError(
                    "",
                    f"column {type_!r} holds {len(self.type_names):,} types of cell; their pairs are too many",
                    f"Group them into at most {MOST_TYPES}",
                )
            number = {name: at for at, name in enumerate(self.type_names)}
            held, values = pd.factorize(texts)
            mapped = np.array([number[str(value)] for value in values] + [-1], np.int64)
            types = mapped[held]
        self._types = types[order]

    @staticmethod
    def _numbers(cells: pd.DataFrame, column: str) -> Array:
        import pandas as pd

        if not pd.api.types.is_numeric_dtype(cells[column]):
            raise ProfileError("", f"column {column!r} holds no numbers", "Positions are numbers")
        return cells[column].to_numpy(dtype=np.float64, na_value=np.nan)

    def region(self, at: int) -> Region:
        """Return the cells of a region."""
        part = slice(self._starts[at], self._starts[at + 1])
        return Region(self._x[part], self._y[part], self._types[part])

    def spacing(self) -> float:
        """Return the median over regions of one over the root of their density; NaN if none has an area."""
        found = []
        for at in range(len(self.names)):
            held = self.region(at)
            if len(held) > 2:
                width, height = held.box
                found.append(np.sqrt(width * height / len(held)))
        return float(np.median(found)) if found else float("nan")

    def meta(self) -> pd.DataFrame:
        """Return the regions and what is constant within each."""
        import pandas as pd

        rows = np.flatnonzero(self._named)
        codes = self._codes[rows]
        first = rows[np.unique(codes, return_index=True)[1]]
        meta: dict[str, Any] = {self.column: self.names}
        for name in self.cells.columns:
            values = pd.factorize(self.cells[name])[0]
            if name != self.column and (values[rows] == values[first][codes]).all():
                meta[str(name)] = self.cells[name].iloc[first].to_numpy()
        return pd.DataFrame(meta)


def _radii(radii: Sequence[float] | None, table: _Table) -> list[float]:
    if radii is None:
        spacing = table.spacing()
        if not (np.isfinite(spacing) and spacing > 0):
            spacing = 1.0
        return [float(f"{spacing * multiple:.2g}") for multiple in MULTIPLES]
    asked = sorted(float(radius) for radius in radii)
    if not asked or not all(np.isfinite(radius) and radius > 0 for radius in asked):
        raise ProfileError("", f"radii {list(radii)} are not positive numbers", "Give distances")
    if len(set(asked)) < len(asked):
        raise ProfileError("", f"radii {list(radii)} hold one twice", "Give each once")
    return asked
