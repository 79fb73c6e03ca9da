"""One simulated field of view with everything that is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from micrographia.simulation.options import (
    CHANNELS,
    Camera,
    Cells,
    Channel,
    Nuisance,
    Optics,
    Timelapse,
)
from micrographia.simulation.phenotypes import Phenotype
from micrographia.simulation.seeds import Seed

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.simulation.plates import Site
    from micrographia.simulation.population import Population
    from micrographia.simulation.render import Setting


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A simulated image and its truth.

    Parameters
    ----------
    image
        Counts, uint8 or uint16, with these ``axes``.
    axes
        Some of ``TCZYX``, in this order; C is always there.
    labels
        ``nuclei`` and ``cells``: int32 with ``label_axes``, 0 background. A nucleus has the number of its cell.
    objects
        One row an annotated cell (and time point ``t``): ``label_id``, ``phenotype``; for ``nucleus_`` and ``cell_``
        the ``area`` (pixels, or voxels), the centroid ``y``, ``x`` and in stacks ``z`` (pixel centres are integers;
        NaN where the nucleus is not in the field), whether it is ``touching`` another and ``at_border``; then the
        parameters of the cell, by the names and units of ``population.PARAMETERS``.
    tracks
        For a time-lapse one row an object and time point: ``image``, ``t``, ``label_id``, ``track_id`` (equal to
        ``label_id``), ``parent`` (0 for none). A cell that comes back into the field gets a new track.
    scale
        Micrometers per pixel for z, y and x, seconds for t.
    channels
        Names, in the order of C.
    rgb
        Whether C are red, green and blue of one colour picture.
    name
        As in the ``image`` columns.
    site
        Where on which plate it was taken, if it was.
    """

    image: np.ndarray
    axes: str
    labels: dict[str, np.ndarray]
    objects: pd.DataFrame
    tracks: pd.DataFrame | None
    scale: dict[str, float]
    channels: tuple[str, ...]
    rgb: bool = False
    name: str = ""
    site: Site | None = None

    @property
    def label_axes(self) -> str:
        """Axes of the labels: those of the image without C."""
        return self.axes.replace("C", "")


def simulate_field(
    shape: Sequence[int] = (512, 512),
    *,
    seed: Seed = 0,
    cells: Cells | None = None,
    phenotypes: Sequence[Phenotype] = (),
    channels: Sequence[Channel] = CHANNELS,
    optics: Optics | None = None,
    camera: Camera | None = None,
    nuisance: Nuisance | None = None,
    timelapse: Timelapse | None = None,
    name: str = "",
) -> Field:
    """Simulate one field of view in fluorescence.

    Parameters
    ----------
    shape
        (Y, X) for a single plane into which the whole height of the cells shines, (Z, Y, X) for a stack.
    seed
        Same seed and options, same bytes, whatever else is simulated and by how many workers.
    cells, phenotypes, channels, optics, camera, nuisance
        See their classes. What is None has the default of its class.
    timelapse
        Makes a time series.
    name
        Name of the field in its tables.

    Returns
    -------
    Field
        With axes CYX or CZYX, and T before them for a time series.

    Raises
    ------
    ValueError
        For options that contradict each other: more nuclei than fit, or a phenotype that no channel shows.

    Examples
    --------
    >>> field = simulate_field((96, 128), seed=1, cells=Cells(count=3))
    >>> field.image.shape, field.axes, field.channels
    ((3, 96, 128), 'CYX', ('DNA', 'actin', 'mitochondria'))
    """
    from micrographia.simulation.render import Setting
    from micrographia.simulation.scene import check_visible, populate

    cells = cells or Cells()
    optics = optics or Optics()
    nuisance = nuisance or Nuisance()
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(f"shape must be (Y, X) or (Z, Y, X), not {tuple(shape)}")
    if not channels:
        raise ValueError("there must be at least one channel")
    if len(nuisance.factors(len(channels))) != len(channels):
        raise ValueError(
            f"nuisance.intensity has {len(nuisance.factors(0))} factors for {len(channels)} channels"
        )
    check_visible(phenotypes, channels)
    flat = len(shape) == 2
    setting = Setting(
        shape=(1, *shape) if flat else tuple(shape),  # type: ignore[arg-type]
        flat=flat,
        flatness=cells.flatness,
        channels=tuple(channels),
        optics=replace(optics, defocus=optics.defocus + nuisance.defocus),
        camera=camera or Camera(),
        nuisance=nuisance,
        seed=seed,
    )
    population = populate(cells, phenotypes, setting)
    if timelapse is None:
        return _still(population, cells, setting, name)
    return _movie(population, cells, timelapse, setting, name)


def _empty(setting: Setting, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kind = np.uint8 if setting.camera.bits <= 8 else np.uint16
    image = np.zeros((frames, len(setting.channels), *setting.shape), kind)
    return image, np.zeros((frames, *setting.shape), np.int32), np.zeros((frames, *setting.shape), np.int32)


def _still(population: Population, cells: Cells, setting: Setting, name: str) -> Field:
    from micrographia.simulation.render import render
    from micrographia.simulation.scene import annotate, number

    image, nuclei, bodies = _empty(setting, 1)
    render(population, setting, 0, 1.0, image[0], nuclei[0], bodies[0])
    found = annotate(nuclei[0], bodies[0], population, cells, setting)
    ids = {cell: index for index, cell in enumerate(found, start=1)}
    table = number(nuclei[0], bodies[0], population, ids, setting)
    return _field(image, nuclei, bodies, table, None, setting, None, name)


def _movie(population: Population, cells: Cells, timelapse: Timelapse, setting: Setting, name: str) -> Field:
    import pandas as pd

    from micrographia.simulation.motion import frames
    from micrographia.simulation.render import render
    from micrographia.simulation.scene import annotate, extent, number

    image, nuclei, bodies = _empty(setting, timelapse.frames)
    tables, tracks = [], []
    current: dict[int, int] = {}
    parents: dict[int, int] = {}
    for t, frame in enumerate(frames(population, cells, timelapse, extent(cells, setting), setting.seed)):
        living = frame.population
        render(living, setting, t, (1 - timelapse.bleaching) ** t, image[t], nuclei[t], bodies[t])
        before, current = current, {}
        for cell in annotate(nuclei[t], bodies[t], living, cells, setting):
            current[cell] = before.get(cell, len(parents) + 1)
            if cell not in before:
                parents[current[cell]] = before.get(frame.mothers.get(cell, 0), 0)
        table = number(nuclei[t], bodies[t], living, current, setting)
        dividing = dict(zip(living.ids.tolist(), frame.dividing.tolist(), strict=True))
        by_track = {track: dividing[cell] for cell, track in current.items()}
        table.insert(0, "t", t)
        table.insert(3, "dividing", [by_track[label] for label in table["label_id"]])
        tables.append(table)
        tracks.append(_track_rows(table, parents, name))
    merged = pd.concat(tables, ignore_index=True), pd.concat(tracks, ignore_index=True)
    return _field(image, nuclei, bodies, *merged, setting, timelapse, name)


def _track_rows(table: pd.DataFrame, parents: dict[int, int], name: str) -> pd.DataFrame:
    rows = table[["t", "label_id"]].copy()
    rows.insert(0, "image", name)
    rows["track_id"] = rows["label_id"]
    rows["parent"] = [parents[track] for track in rows["label_id"]]
    return rows


def _field(
    image: np.ndarray, nuclei: np.ndarray, bodies: np.ndarray, table: pd.DataFrame, tracks: pd.DataFrame | None,
    setting: Setting, timelapse: Timelapse | None, name: str,
) -> Field:  # fmt: skip
    axes = "TCZYX"
    scale = {"y": setting.optics.pixel_size, "x": setting.optics.pixel_size}
    if setting.flat:
        image, nuclei, bodies, axes = image[:, :, 0], nuclei[:, 0], bodies[:, 0], "TCYX"
    else:
        scale = {"z": setting.optics.z_step} | scale
    if timelapse is None:
        image, nuclei, bodies, axes = image[0], nuclei[0], bodies[0], axes[1:]
    else:
        scale = {"t": timelapse.interval} | scale
    return Field(
        image=image,
        axes=axes,
        labels={"nuclei": nuclei, "cells": bodies},
        objects=table,
        tracks=tracks,
        scale=scale,
        channels=tuple(channel.name for channel in setting.channels),
        name=name,
    )
