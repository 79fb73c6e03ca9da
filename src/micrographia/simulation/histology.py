"""A stained tissue section in transmitted light: nuclei violet, the rest pink, as haematoxylin and eosin show them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from micrographia.simulation import optics as lens
from micrographia.simulation.camera import expose
from micrographia.simulation.field import Field
from micrographia.simulation.options import Camera, Cells, Channel, Nuisance, Optics
from micrographia.simulation.phenotypes import Phenotype
from micrographia.simulation.seeds import Seed, Stream, child, generator

HAEMATOXYLIN = (0.650, 0.704, 0.286)
EOSIN = (0.072, 0.990, 0.105)
"""Optical density in red, green and blue: Ruifrok & Johnston, Analytical and Quantitative Cytology and Histology
23:291, 2001."""
WAVELENGTHS = (0.61, 0.54, 0.46)
WHITE = 6000.0
"""Photons per pixel where there is no tissue."""
SECTION = Optics(background=0.0, out_of_focus=0.06, vignetting=0.04, unevenness=0.02, pixel_size=0.5)
TISSUE = Cells(
    density=0.25,
    touching=0.25,
    gap=0.3,
    nucleus_radius=4.0,
    cell_ratio=1.9,
    parameters={"nucleus_aspect": 1.35, "chromatin_contrast": 0.3, "nucleoli": 0.1},
)
"""A dense tissue."""


def simulate_histology(
    shape: Sequence[int] = (256, 256),
    *,
    seed: Seed = 0,
    cells: Cells = TISSUE,
    phenotypes: Sequence[Phenotype] = (),
    optics: Optics = SECTION,
    stains: tuple[float, float] = (1.0, 1.0),
    name: str = "",
) -> Field:
    """Simulate a section stained with haematoxylin and eosin, in colour.

    Parameters
    ----------
    shape
        (Y, X) in pixels.
    seed
        Same seed and options, same bytes.
    cells, phenotypes, optics
        As for ``simulate_field``; by default a dense tissue (``TISSUE``) at 0.5 micrometers per pixel.
    stains
        Strength of haematoxylin and eosin; they vary between laboratories and days.
    name
        Name of the field in its tables.

    Returns
    -------
    Field
        Axes CYX with C red, green and blue, uint8, ``rgb`` true.

    Notes
    -----
    Light is lost by the law of Beer and Lambert: ``I = white * 10 ** -(h * HAEMATOXYLIN + e * EOSIN)`` with stain
    densities h (nuclei) and e (cytoplasm, borders and fibres between the cells).
    """
    from micrographia.simulation.render import Setting, structures
    from micrographia.simulation.scene import annotate, number, populate
    from micrographia.simulation.textures import fibres, tile

    camera = Camera(quantum_efficiency=0.8, read_noise=2.0, gain=244 / (0.8 * WHITE), offset=0.0, bits=8)
    # the stains are read one by one, so one channel each says which structures are needed
    shown = (
        Channel("haematoxylin", {"nucleus": 1.0}, 0.54),
        Channel("eosin", {"body": 0.7, "membrane": 0.3}, 0.54),
    )
    setting = Setting(
        (1, shape[0], shape[1]), True, cells.flatness, shown, optics, camera, Nuisance(), seed
    )  # fmt: skip
    population = populate(cells, phenotypes, setting)
    nuclei, bodies = np.zeros(setting.shape, np.int32), np.zeros(setting.shape, np.int32)
    light = structures(population, setting, nuclei, bodies)
    found = annotate(nuclei, bodies, population, cells, setting)
    ids = {cell: index for index, cell in enumerate(found, start=1)}
    table = number(nuclei, bodies, population, ids, setting)
    outside = np.exp(-2.0 * lens.blur(light[1, 0], (2.0, 2.0)))
    start = int(child(seed, Stream.TEXTURE).generate_state(1)[0])
    stroma = fibres(tile(), start, shape[0], shape[1], optics.pixel_size)
    haematoxylin = stains[0] * (0.62 * light[0, 0] + 0.05 * light[1, 0])
    eosin = stains[1] * (0.34 * light[1, 0] + 0.16 * light[2, 0] + 0.30 * stroma * outside)
    image = np.zeros((3, *shape), np.uint8)
    pattern = lens.illumination(optics, (shape[0], shape[1]))
    for index, wavelength in enumerate(WAVELENGTHS):
        density = haematoxylin * HAEMATOXYLIN[index] + eosin * EOSIN[index]
        across = lens.psf_sigma(optics, wavelength)[0] / optics.pixel_size
        photons = WHITE * lens.blur(10.0 ** (-density).astype(np.float32), (across, across)) * pattern
        image[index] = expose(photons, camera, generator(seed, Stream.CAMERA, 0, index, 0))
    return Field(
        image=image,
        axes="CYX",
        labels={"nuclei": nuclei[0], "cells": bodies[0]},
        objects=table,
        tracks=None,
        scale={"y": optics.pixel_size, "x": optics.pixel_size},
        channels=("red", "green", "blue"),
        rgb=True,
        name=name,
    )
