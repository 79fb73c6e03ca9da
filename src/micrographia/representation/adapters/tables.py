"""Any table of ready-made features as a study: its trivial parts and its layout are the baselines."""

from __future__ import annotations

from pathlib import Path

from micrographia.representation.adapters.study import Study
from micrographia.representation.adapters.wells import layouts, of_rows, trivial, with_places
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_problems import problems


def study_of(profiles: Profiles, path: Path) -> Study:
    """Return a study with the rows of a table of features.

    Parameters
    ----------
    profiles
        What was read. A column ``well`` gives the baseline of well positions, ``plate`` beside it that of the layout;
        features with CellProfiler's names give those of intensity, density and cell size.
    path
        Where they come from.
    """
    rows = profiles.meta
    places: dict[str, Profiles] = {}
    if "well" in rows.columns:
        if "row" not in rows.columns and "column" not in rows.columns:
            rows = with_places(rows)
        places = layouts(rows if "plate" in rows.columns else rows.assign(plate="1"))
    return Study(
        name=path.name,
        rows=rows,
        baselines={**of_rows(trivial(profiles), rows), **of_rows(places, rows)},
        source=str(path.name),
        notes=[f"{text}." for text in problems(profiles)],
        sha256=str(profiles.source.get("sha256", "")),
    )
