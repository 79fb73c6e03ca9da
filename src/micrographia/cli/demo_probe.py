"""The second half of the demonstration: a simulated plate, and what simple features tell about its treatments."""

from __future__ import annotations

from pathlib import Path

WELLS, SHAPE = 8, (192, 192)

TOLD = (
    "compound A draws nuclei out",
    "compound B clumps their chromatin",
    "compound C only kills cells: fewer of them, nothing else",
)


def simulate_screen(folder: Path, seed: int) -> None:
    """Write a plate of three compounds and DMSO with label images: two change nuclei, one only their number.

    Parameters
    ----------
    folder
        Must not exist or be empty.
    seed
        Draws everything.
    """
    from micrographia.simulation import Plate, Treatment, phenotype, simulate_dataset

    treatments = (
        Treatment("compound A", (phenotype("elongated"),), wells=WELLS),
        Treatment("compound B", (phenotype("textured_chromatin"),), wells=WELLS),
        Treatment("compound C", wells=WELLS, density=0.5),
    )
    plate = Plate("screen", rows=4, columns=8, treatments=treatments)
    simulate_dataset(folder, seed=seed, plate=plate, images=4 * WELLS, shape=SHAPE)
