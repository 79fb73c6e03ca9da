"""What a treatment does to cells: named shifts of their parameters, with a strength from 0 to 1.

A phenotype changes what it names and nothing else. At strength 0 the field is byte for byte that without it; at
matched seeds the same cells lie at the same places whatever the strength. Brightness is kept: texture has mean 1,
and organelles that move keep their light, so that the mean intensity does not give away a phenotype of arrangement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Phenotype:
    """A shift of cell parameters.

    Parameters
    ----------
    name
        What the objects table calls the cells that respond.
    shifts
        By parameter (``population.PARAMETERS``, or ``count`` for the number of cells): the factor at full strength,
        or for parameters that are fractions the value at full strength. Factors apply as ``factor ** strength``,
        fractions move by ``strength`` of the way.
    strength
        0 (nothing) to 1; the dose.
    penetrance
        Share of the cells that respond. ``count`` concerns the field and ignores it.
    description
        One line for people.
    """

    name: str
    shifts: Mapping[str, float]
    strength: float = 1.0
    penetrance: float = 1.0
    description: str = ""

    def __post_init__(self) -> None:
        for field in ("strength", "penetrance"):
            if not 0 <= getattr(self, field) <= 1:
                raise ValueError(
                    f"phenotype {self.name!r}: {field} must lie in 0 to 1, not {getattr(self, field)}"
                )
        for parameter, target in self.shifts.items():
            if not (0 < target < float("inf") or (target == 0 and parameter != "count")):
                raise ValueError(
                    f"phenotype {self.name!r}: the shift of {parameter!r} must be positive, not {target}"
                )

    def at(self, strength: float) -> Phenotype:
        """Return this phenotype at another strength."""
        return replace(self, strength=strength)


def _named(name: str, description: str, **shifts: float) -> Phenotype:
    return Phenotype(name, shifts, description=description)


PHENOTYPES: Mapping[str, Phenotype] = {
    phenotype.name: phenotype
    for phenotype in (
        _named(
            "larger_nuclei",
            "nuclei of 1.8 times the area in cells of the same size",
            nucleus_radius=1.34,
            cell_ratio=1 / 1.34,
        ),
        _named(
            "elongated", "nuclei and cells drawn out, their areas kept", nucleus_aspect=1.7, cell_aspect=2.2
        ),
        _named("fragmented_nuclei", "lobed nuclei that fall into three to five fragments", fragmentation=1.0),
        _named(
            "textured_chromatin",
            "coarse, clumped chromatin of the same mean brightness",
            chromatin_contrast=3.2,
            chromatin_scale=1.5,
        ),
        _named(
            "clustered_puncta", "the same puncta gathered in two or three clusters", puncta_clustering=0.95
        ),
        _named("perinuclear_organelles", "mitochondria and puncta drawn to the nucleus", perinuclear=0.95),
        _named(
            "short_mitochondria",
            "mitochondria broken into short pieces, their light kept",
            mitochondria_length=0.22,
        ),
        _named(
            "rounded_cells", "small, round cell bodies", cell_ratio=0.68, cell_aspect=0.6, cell_roughness=0.3
        ),
        _named(
            "stress_fibres", "actin in fibres instead of the cortex, and brighter", fibres=0.98, membrane=1.5
        ),
        _named("fewer_cells", "three quarters of the cells gone, the others as they were", count=0.25),
    )
}
"""Built-in phenotypes by name, at full strength; ``PHENOTYPES["elongated"].at(0.5)`` is one of half of it."""


def phenotype(name: str, strength: float = 1.0, penetrance: float = 1.0) -> Phenotype:
    """Return a built-in phenotype.

    Parameters
    ----------
    name
        A key of ``PHENOTYPES``.
    strength
        0 to 1.
    penetrance
        Share of the cells that respond.

    Raises
    ------
    ValueError
        For a name that does not exist; the message lists those that do.

    Examples
    --------
    >>> phenotype("larger_nuclei", 0.5).strength
    0.5
    """
    if name not in PHENOTYPES:
        raise ValueError(f"no phenotype {name!r}; there are {', '.join(PHENOTYPES)}")
    return replace(PHENOTYPES[name], strength=strength, penetrance=penetrance)
