"""The trivial part of CellProfiler-like profiles: intensity, density, and what is left without them."""

from __future__ import annotations

import re

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles

_COMPARTMENT = r"(?:Metadata_|Image_|[A-Za-z0-9]+_)?"
INTENSITY = re.compile(_COMPARTMENT + r"(?:Intensity|ImageQuality_\w*Intensity|MeanIntensity)(?:_|$).*")
"""``Cells_Intensity_MeanIntensity_DNA`` and its like."""
DENSITY = re.compile(
    _COMPARTMENT
    + r"(?:Neighbors_(?!AngleBetween).*|Number_Object_Number|Count_.*|Children_.*_Count|AreaOccupied_.*)"
    + r"|(?:Image_|Metadata_)?(?:Count|CellCount|Cell_Count|ObjectCount|Object_Count|NumberOf\w+)(?:_.*)?",
    re.IGNORECASE,
)
"""Counts, neighbours and their distances, numbers of objects and occupied area."""


def intensity_of_profiles(profiles: Profiles) -> Profiles:
    """Return the intensity features of CellProfiler-like profiles (category ``Intensity`` of any compartment).

    Raises
    ------
    ProfileError
        If there is none.
    """
    return _part(profiles, INTENSITY, "intensity", "baseline", keep=True)


def without_intensity(profiles: Profiles) -> Profiles:
    """Return profiles without their intensity features.

    Raises
    ------
    ProfileError
        If nothing else is left.
    """
    return _part(profiles, INTENSITY, "intensity", "candidate", keep=False)


def density_of_profiles(profiles: Profiles) -> Profiles:
    """Return the density proxies of CellProfiler-like profiles.

    These are counts, numbers of neighbours, distances to them, the share of touching outline (category ``Neighbors``
    without the angle between neighbours), running numbers of objects and occupied area.

    Raises
    ------
    ProfileError
        If there is none.
    """
    return _part(profiles, DENSITY, "density", "density", keep=True)


def without_density(profiles: Profiles) -> Profiles:
    """Return profiles without their density proxies.

    Raises
    ------
    ProfileError
        If nothing else is left.
    """
    return _part(profiles, DENSITY, "density", "candidate", keep=False)


def _part(profiles: Profiles, pattern: re.Pattern[str], what: str, kind: str, *, keep: bool) -> Profiles:
    chosen = np.array([bool(pattern.fullmatch(name)) == keep for name in profiles.names], bool)
    if not chosen.any():
        example = ", ".join(profiles.names[:3])
        raise ProfileError(
            profiles.name,
            f"has no {what} feature" if keep else f"has nothing but {what} features",
            f"Its features are called {example}"
            if example
            else "Give features named as CellProfiler names them",
        )
    part = profiles.select(chosen)
    word = what if keep else f"without {what}"
    name = f"{profiles.name}, {word}" if profiles.name else word
    steps = [*profiles.source.get("steps", ()), f"{word}: {part.d} of {profiles.d} features"]
    return Profiles(
        part.values, part.meta, part.names, name, {**profiles.source, "kind": kind, "steps": steps}
    )
