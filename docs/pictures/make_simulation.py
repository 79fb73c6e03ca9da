"""Make the pictures of docs/simulation.md: ``python docs/pictures/make_simulation.py``."""

from pathlib import Path

import numpy as np
from composing import composite, enlarged, labelled, limits, outlined, save, sheet

from micrographia.simulation import (
    ALL_CHANNELS,
    CHANNELS,
    DNA,
    PHENOTYPES,
    Cells,
    Optics,
    Plate,
    Timelapse,
    Treatment,
    phenotype,
    simulate_field,
    simulate_histology,
    simulate_plate,
)

HERE = Path(__file__).parent
STRENGTHS = (0, 0.35, 0.7, 1)
# four colours on top of each other hide the last one: puncta get a picture of their own below
SHOWN = {"clustered_puncta": (0, 3)}


def field() -> None:
    """Show one field, its truth and its channels."""
    one = simulate_field((400, 440), seed=3, cells=Cells(count=38), channels=ALL_CHANNELS)
    picture = composite(one.image[:3], CHANNELS, limits(one.image[:3]))
    both = outlined(outlined(picture, one.labels["cells"], (255, 255, 255)), one.labels["nuclei"])
    grey = [
        composite(one.image[c : c + 1], [ALL_CHANNELS[c]], limits(one.image[c : c + 1], 1, 99.8))
        for c in range(4)
    ]
    small = [plane[:199, :219] for plane in grey]
    save(
        np.hstack(
            [sheet([[picture, both]]), np.full((400, 3, 3), 255, np.uint8), sheet([small[:2], small[2:]], 2)]
        ),
        HERE / "simulation-field.webp",
    )


def phenotypes() -> None:
    """Show every phenotype by strength."""
    rows = []
    for name in PHENOTYPES:
        row = []
        for strength in STRENGTHS:
            shown = SHOWN.get(name, (0, 1, 2))
            one = simulate_field(
                (150, 190),
                seed=9,
                cells=Cells(count=8),
                channels=ALL_CHANNELS,
                phenotypes=[phenotype(name, strength)],
            )
            image = one.image[list(shown)]
            row.append(
                composite(
                    image,
                    [ALL_CHANNELS[c] for c in shown],
                    [(110, (1300, 1500, 1900, 900)[c]) for c in shown],
                )
            )
        rows.append(row)
    names = [name.replace("_", " ") for name in PHENOTYPES]
    save(
        labelled(sheet(rows, 2), names, [f"strength {s:g}" for s in STRENGTHS]),
        HERE / "simulation-phenotypes.webp",
    )


def stack() -> None:
    """Show three sections through a stack."""
    lens = Optics(
        numerical_aperture=1.2,
        refractive_index=1.33,
        pixel_size=0.2,
        z_step=0.6,
        out_of_focus=0.2,
        background=8,
    )
    one = simulate_field(
        (48, 240, 300), seed=2, cells=Cells(count=26, flatness=0.75, touching=0.3), optics=lens
    )
    shown = limits(one.image)
    nuclei = one.labels["nuclei"]
    across = outlined(enlarged(composite(one.image[:, 24], CHANNELS, shown), 2), enlarged(nuclei[24], 2))
    front = outlined(
        enlarged(composite(one.image[:, :, 120], CHANNELS, shown), 6, 2), enlarged(nuclei[:, 120], 6, 2)
    )
    side = outlined(
        enlarged(composite(one.image[:, :, :, 150], CHANNELS, shown), 6, 2), enlarged(nuclei[:, :, 150], 6, 2)
    ).transpose(1, 0, 2)
    page = np.full((480 + 4 + 288, 600 + 4 + 288, 3), 255, np.uint8)
    page[:480, :600], page[484:, :600], page[:480, 604:] = across, front, side
    save(page, HERE / "simulation-stack.webp")


def movie() -> None:
    """Show cells that move and divide."""
    fast = Timelapse(frames=10, interval=1200, cycle=7, mitosis=1, speed=9)
    one = simulate_field((190, 190), seed=12, cells=Cells(count=7), timelapse=fast)
    frames = [
        outlined(composite(image, CHANNELS, [(110, 1900), (110, 1500), (110, 2200)]), nuclei)
        for image, nuclei in zip(one.image, one.labels["nuclei"], strict=True)
    ]
    save(sheet([frames[:5], frames[5:]], 2), HERE / "simulation-movie.webp")


def plates() -> None:
    """Show two plates of two days."""
    drugs = (
        Treatment("a", (phenotype("larger_nuclei"),), wells=4),
        Treatment("b", (phenotype("rounded_cells"),), wells=4),
    )
    pages = []
    for batch, name in (("monday", "p1"), ("friday", "p2")):
        plate = Plate(name=name, batch=batch, rows=5, columns=7, treatments=drugs)
        wells = [
            composite(f.image, CHANNELS, [(105, 1200), (105, 1300), (105, 1900)])
            for f in simulate_plate(plate, seed=4, shape=(92, 92), channels=CHANNELS)
        ]
        pages.append(sheet([wells[7 * row : 7 * row + 7] for row in range(5)], 1, 40))
    save(sheet([pages], 10), HERE / "simulation-plates.webp")


def tissue() -> None:
    """Show a stained section and nuclei that touch."""
    section = simulate_histology((220, 440), seed=5)
    colour = section.image.transpose(1, 2, 0)
    one = simulate_field((220, 440), seed=8, cells=Cells(count=26, touching=0.4), channels=(DNA,))
    grey = np.repeat((np.clip((one.image[0] - 100.0) / 1200, 0, 1) * 255).astype(np.uint8)[..., None], 3, 2)
    save(sheet([[colour, outlined(grey, one.labels["nuclei"])]]), HERE / "simulation-tissue.webp")


for make in (field, phenotypes, stack, movie, plates, tissue):
    make()
