"""From cells to counts: outlines, light, optics and camera, slab by slab so that working memory stays bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from micrographia.simulation import optics as lens
from micrographia.simulation.camera import expose
from micrographia.simulation.options import STRUCTURES, Camera, Channel, Nuisance, Optics
from micrographia.simulation.organelles import organelles
from micrographia.simulation.paint import paint
from micrographia.simulation.population import Population
from micrographia.simulation.seeds import Seed, Stream, generator
from micrographia.simulation.shapes import Grid, Owners, Shapes, build, nobody, partition
from micrographia.simulation.textures import tile

SLAB = 4_000_000
"""Voxels that are worked on at once."""


@dataclass(frozen=True, slots=True)
class Setting:
    """All that is the same for every frame of a field.

    Parameters
    ----------
    shape
        Planes, Y, X.
    flat
        Whether the field has no Z axis.
    """

    shape: tuple[int, int, int]
    flat: bool
    flatness: float
    channels: tuple[Channel, ...]
    optics: Optics
    camera: Camera
    nuisance: Nuisance
    seed: Seed


def render(
    population: Population,
    setting: Setting,
    frame: int,
    bleaching: float,
    image: np.ndarray,
    nuclei: np.ndarray,
    cells: np.ndarray,
) -> None:
    """Write the image and the labels of one time point into arrays.

    Parameters
    ----------
    population
        The cells.
    setting
        Everything else.
    frame
        Number of the time point: each has its own noise.
    bleaching
        Factor on the light at this time point.
    image
        (C, planes, Y, X), of the camera's type.
    nuclei, cells
        (planes, Y, X) int32; receive the ids of the population.
    """
    shapes = build(population, setting.flatness, flat=setting.flat)
    ids = np.concatenate([np.zeros(1, np.int32), population.ids])
    slabs = _slabs(setting)
    needed = needed_structures(setting.channels)
    kept: np.ndarray | None = None
    coarse: list[np.ndarray] = []
    for first, last in slabs:
        owners = _owners(shapes, setting, first, last)
        nuclei[first:last] = ids[owners.nucleus]
        cells[first:last] = ids[owners.cell]
        light = _light(shapes, setting, first, owners, needed)
        coarse.append(lens.coarsen(light))
        kept = light if len(slabs) == 1 else None
    hazes = _hazes(np.concatenate(coarse, axis=1), setting, needed)
    pattern = lens.illumination(setting.optics, setting.shape[1:])
    halo = max(lens.reach(setting.optics, channel.wavelength) for channel in setting.channels)
    for first, last in slabs:
        low, high = max(0, first - halo), min(setting.shape[0], last + halo)
        light = (
            kept
            if kept is not None
            else _light(shapes, setting, low, _owners(shapes, setting, low, high), needed)
        )
        for number, channel in enumerate(setting.channels):
            sharp = _sharp(light, setting, channel, needed)[first - low : last - low]
            photons = _photons(sharp, hazes[number][first:last], pattern, setting, number, bleaching)
            for plane in range(first, last):
                rng = generator(setting.seed, Stream.CAMERA, frame, number, plane)
                image[number, plane] = expose(photons[plane - first], setting.camera, rng)


def structures(population: Population, setting: Setting, nuclei: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the light of the needed structures of a single plane before optics, and write its labels.

    Returns
    -------
    ndarray
        (structures, 1, Y, X) float32, in the order of ``needed_structures``.
    """
    shapes = build(population, setting.flatness, flat=setting.flat)
    ids = np.concatenate([np.zeros(1, np.int32), population.ids])
    owners = _owners(shapes, setting, 0, setting.shape[0])
    nuclei[...] = ids[owners.nucleus]
    cells[...] = ids[owners.cell]
    return _light(shapes, setting, 0, owners, needed_structures(setting.channels))


def needed_structures(channels: Sequence[Channel]) -> tuple[str, ...]:
    """Return the structures that the channels show, in the order of ``STRUCTURES``."""
    return tuple(
        name for name in STRUCTURES if any(channel.structures.get(name, 0) > 0 for channel in channels)
    )


def _slabs(setting: Setting) -> list[tuple[int, int]]:
    planes, rows, columns = setting.shape
    thick = max(1, SLAB // (rows * columns))
    return [(first, min(first + thick, planes)) for first in range(0, planes, thick)]


def _grid(setting: Setting, origin: int) -> Grid:
    return Grid(setting.flat, origin, setting.optics.z_step, setting.optics.pixel_size)


def _owners(shapes: Shapes, setting: Setting, first: int, last: int) -> Owners:
    owners = nobody((last - first, *setting.shape[1:]))
    partition(shapes, _grid(setting, first), owners)
    return owners


def _light(shapes: Shapes, setting: Setting, first: int, owners: Owners, needed: Sequence[str]) -> np.ndarray:
    """Return the light of these structures before optics, (structures, planes, Y, X) float32."""
    slots = np.array([needed.index(name) if name in needed else -1 for name in STRUCTURES])
    light = np.zeros((len(needed), *owners.cell.shape), np.float32)
    grid = _grid(setting, first)
    if slots[:3].max() >= 0:
        paint(shapes, grid, owners, tile(), slots[:3], light)
    if slots[3:].max() >= 0:
        organelles(shapes, grid, slots[3:], light)
    return light


def _mix(light: np.ndarray, channel: Channel, needed: Sequence[str]) -> np.ndarray:
    total = np.zeros(light.shape[1:], np.float32)
    for name, weight in channel.structures.items():
        if weight > 0:
            total += np.float32(weight) * light[needed.index(name)]
    return total


def _hazes(coarse: np.ndarray, setting: Setting, needed: Sequence[str]) -> list[np.ndarray]:
    return [lens.haze(_mix(coarse, channel, needed), setting.optics) for channel in setting.channels]


def _sharp(light: np.ndarray, setting: Setting, channel: Channel, needed: Sequence[str]) -> np.ndarray:
    """Return the blurred light of one channel, (planes, Y, X) float32."""
    across, along = lens.psf_sigma(setting.optics, channel.wavelength)
    across /= setting.optics.pixel_size
    return lens.blur(_mix(light, channel, needed), (along / setting.optics.z_step, across, across))


def _photons(
    sharp: np.ndarray,
    coarse: np.ndarray,
    pattern: np.ndarray,
    setting: Setting,
    number: int,
    bleaching: float,
) -> np.ndarray:
    optics, channel = setting.optics, setting.channels[number]
    factor = channel.photons * bleaching * setting.nuisance.factors(len(setting.channels))[number]
    light = sharp * np.float32((1 - optics.out_of_focus) * factor)
    light += lens.refine(coarse, setting.shape[1:]) * np.float32(optics.out_of_focus * factor)
    light += np.float32(optics.background * setting.nuisance.background)
    light *= pattern
    return np.maximum(light, 0, out=light)
