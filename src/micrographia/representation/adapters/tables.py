"""Any table of ready-made features as a study: its trivial parts and its layout are the baselines."""

from __future__ import annotations

from pathlib import Path

from micrographia.representation.adapters.study import Study
from micrographia.representation.adapters.wells import of_rows, placed, trivial
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
    rows, places = placed(profiles.meta)
    return Study(
        name=path.name,
        rows=rows,
        baselines={**of_rows(trivial(profiles), rows), **places},
        source=str(path.name),
        notes=[f"{text}." for text in problems(profiles)],
        sha256=str(profiles.source.get("sha256", "")),
    )
