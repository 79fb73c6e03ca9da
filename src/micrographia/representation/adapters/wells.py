"""What all studies of plates share: places of wells, zero-pixel competitors, parts of CellProfiler's features."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.baselines.measurements import (
    density_of_profiles,
    intensity_of_profiles,
    without_density,
    without_intensity,
)
from micrographia.representation.baselines.plate_layout import layout, well_place
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

SIZE = re.compile(
    r"(?:\w+_)?AreaShape_(?:Area|ConvexArea|FilledArea|BoundingBoxArea|EquivalentDiameter|MajorAxisLength|MinorAxisLength"
    r"|MaxFeretDiameter|MinFeretDiameter|MaximumRadius|MeanRadius|MedianRadius|Perimeter)"
)
"""Features of CellProfiler that are the size of an object."""

LAYOUT_NAMES = {"well position": "well position", "plate": "plate", "plate and position": "plate layout"}
"""Zero-pixel competitors to what a protocol calls them."""


def with_places(rows: pd.DataFrame, well: str = "well") -> pd.DataFrame:
    """Return rows with the row and column of each well as numbers from 1; missing where the text names no well."""
    import pandas as pd

    known = {text: well_place(text) for text in rows[well].dropna().unique()}
    places = [known.get(text) for text in rows[well]]
    return rows.assign(
        row=pd.array([None if place is None else place[0] for place in places], dtype="Int64"),
        column=pd.array([None if place is None else place[1] for place in places], dtype="Int64"),
    )


def layouts(rows: pd.DataFrame) -> dict[str, Profiles]:
    """Return competitors that have seen no pixel: the place of the well; of several plates the plate, and both."""
    told = rows if rows["plate"].nunique() > 1 else rows[["well"]]
    return {
        LAYOUT_NAMES[name]: replace(profiles, name=LAYOUT_NAMES[name], meta=rows)
        for name, profiles in layout(told).items()
        if name in LAYOUT_NAMES
    }


def placed(rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Profiles]]:
    """Return rows with the places of their wells, and the layouts as competitors; none without wells."""
    if "well" not in rows.columns or not rows["well"].notna().any():
        return rows, {}
    if "row" not in rows.columns and "column" not in rows.columns:
        rows = with_places(rows)
    held = layouts(rows if "plate" in rows.columns else rows.assign(plate="1"))
    return rows, of_rows(held, rows)


def parts(profiles: Profiles) -> dict[str, Profiles]:
    """Return profiles with and without their trivial parts, as candidates; a part that is the same is left out."""
    found = {"profiles": replace(profiles, name="profiles")}
    held = profiles
    for name, step in (
        ("without intensity", without_intensity),
        ("without intensity and density", without_density),
    ):
        try:
            less = step(held)
        except ProfileError:
            break  # nothing but such features: there is no such candidate
        if less.d < held.d:
            found[name] = replace(less, name=name)
        held = less
    return found


def trivial(profiles: Profiles) -> dict[str, Profiles]:
    """Return the intensity and density features, and those of size, that CellProfiler-like profiles hold."""
    found: dict[str, Profiles] = {}
    for name, part in (("intensity", intensity_of_profiles), ("density", density_of_profiles)):
        try:
            found[name] = replace(part(profiles), name=name)
        except ProfileError:
            continue  # the profiles hold no such feature: there is no such baseline
    size = np.array([bool(SIZE.fullmatch(name)) for name in profiles.names], dtype=bool)
    if size.any():
        held = profiles.select(size)
        found["cell size"] = replace(held, name="cell size", source={**held.source, "kind": "baseline"})
    return found


def of_rows(held: Mapping[str, Profiles], rows: pd.DataFrame) -> dict[str, Profiles]:
    """Return profiles with the metadata of the study."""
    return {name: replace(profiles, meta=rows) for name, profiles in held.items()}
