"""A small raw folder as a lab would have it: images, masks and a spreadsheet, nothing described."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np

from micrographia.errors import DatasetError, ImageError
from micrographia.simulation.options import DNA, Camera, Cells, Channel, Optics, Timelapse
from micrographia.simulation.plates import Plate, Site, plate_sites, simulate_site
from micrographia.simulation.seeds import Seed, Stream, generator
from micrographia.work import Kind, stream

TABLE = "treatments.csv"
Format = Literal["tiff", "png"]


@dataclass(frozen=True, slots=True)
class _Task:
    """One image to make, in a worker."""

    folder: Path
    site: Site
    seed: Seed
    shape: tuple[int, ...]
    cells: Cells
    channels: tuple[Channel, ...]
    optics: Optics
    camera: Camera
    timelapse: Timelapse | None
    target: Literal["nuclei", "cells"]
    image_format: Format
    mask_format: Format


def simulate_dataset(
    folder: str | Path,
    *,
    seed: Seed = 0,
    plate: Plate | None = None,
    images: int = 12,
    shape: Sequence[int] = (256, 320),
    cells: Cells | None = None,
    channels: Sequence[Channel] = (DNA,),
    optics: Optics | None = None,
    camera: Camera | None = None,
    timelapse: Timelapse | None = None,
    target: Literal["nuclei", "cells"] = "nuclei",
    image_format: Format = "tiff",
    mask_format: Format = "tiff",
    train: float = 0.75,
    workers: int = 1,
    kind: Kind = "processes",
) -> list[dict[str, str]]:
    """Write a folder of simulated images and masks with a spreadsheet.

    ``images/NAME.tif`` (or ``.png``) and ``masks/NAME.tif`` have the same names; TIFFs carry voxel size, axes and
    frame interval as ImageJ writes them. ``treatments.csv`` has one row an image: ``image``, ``plate``, ``batch``,
    ``well``, ``site``, ``treatment``, ``dose``, ``pixel_size_um``, ``split`` (``train`` or ``test``, by well). For a
    time-lapse ``tracks.csv`` has ``image``, ``t``, ``label_id``, ``track_id``, ``parent``.

    Parameters
    ----------
    folder
        Must not exist or be empty. It appears whole or not at all.
    seed
        Same seed and options, same bytes, whatever ``workers``.
    plate
        What the images are of; by default one plate of controls.
    images
        Number of images: the first so many sites of the plate.
    shape, cells, channels, optics, camera, timelapse
        As for ``simulate_field``, but DNA only by default.
    target
        Which objects the masks show.
    image_format, mask_format
        PNG holds single planes of one channel only.
    train
        Share of the wells whose images are for training.
    workers, kind
        As for ``work.stream``.

    Returns
    -------
    list of dict
        The rows of ``treatments.csv``.

    Raises
    ------
    DatasetError
        If the folder exists and is not empty.
    ValueError
        For options that contradict each other.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(folder, "exists and is not an empty folder", "Choose another name or remove it")
    plate = plate or Plate(name="plateA", batch="2024-03-11", rows=4, columns=6)
    sites = plate_sites(plate, seed=seed, channels=len(channels))
    if not 1 <= images <= len(sites):
        raise ValueError(
            f"images must lie in 1 to {len(sites)}, the number of sites of the plate, not {images}"
        )
    if "png" in (image_format, mask_format) and (len(shape) == 3 or timelapse or len(channels) > 1):
        raise ValueError("PNG holds single planes of one channel: choose tiff")
    part = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    common = _Task(
        folder=part,
        site=sites[0],
        seed=seed,
        shape=tuple(shape),
        cells=cells or Cells(),
        channels=tuple(channels),
        optics=optics or Optics(),
        camera=camera or Camera(),
        timelapse=timelapse,
        target=target,
        image_format=image_format,
        mask_format=mask_format,
    )
    rows = _rows(sites[:images], common, train)
    try:
        for name in ("images", "masks"):
            (part / name).mkdir(parents=True)
        tracks: list[list[Any]] = []
        tasks = [replace(common, site=site) for site in sites[:images]]
        for outcome in stream(_make, tasks, workers=workers, kind=kind, name=lambda task: task.site.name):
            tracks.extend(outcome.result())
        write_rows(part / TABLE, rows)
        if timelapse:
            header = ("image", "t", "label_id", "track_id", "parent")
            write_rows(part / "tracks.csv", [dict(zip(header, map(str, row), strict=True)) for row in tracks])
        if folder.exists():
            folder.rmdir()
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return rows


def write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write a table as CSV, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table that ``write_rows`` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_picture(
    path: Path, pixels: np.ndarray, axes: str, scale: dict[str, float], channels: Sequence[str] = ()
) -> None:
    """Write pixels as TIFF with what ImageJ says about them, or as PNG, by the ending of the name.

    Parameters
    ----------
    path
        Ends in ``.tif`` or ``.png``.
    pixels
        uint8, uint16 or float32, axes as ``axes``: some of TCZYX.
    axes, scale
        As in ``Field``; without z, y, x or t in ``scale`` nothing is said about it.
    channels
        Names, if there is a C axis.

    Raises
    ------
    ImageError
        For a type or axes that the format cannot hold.
    """
    if path.suffix == ".png":
        from PIL import Image

        if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16):
            raise ImageError(path, f"PNG cannot hold {axes} {pixels.dtype}", "Write TIFF")
        Image.fromarray(pixels).save(path, format="PNG", compress_level=6)
        return
    import tifffile

    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise ImageError(path, f"an ImageJ TIFF cannot hold {pixels.dtype}", "Use uint8, uint16 or float32")
    order = [axis for axis in "TZCYX" if axis in axes]
    metadata: dict[str, Any] = {"axes": "".join(order)}
    if {"y", "x"} <= set(scale):
        metadata["unit"] = "um"
    if "z" in scale:
        metadata["spacing"] = scale["z"]
    if "t" in scale:
        metadata["finterval"] = scale["t"]
    if len(channels) > 1:
        metadata["Info"] = "\n".join(
            f"channel {index} = {name}" for index, name in enumerate(channels, start=1)
        )
        sizes = dict(zip(axes, pixels.shape, strict=True))
        metadata["Labels"] = list(channels) * (sizes.get("T", 1) * sizes.get("Z", 1))
    resolution = (1 / scale["x"], 1 / scale["y"]) if {"y", "x"} <= set(scale) else None
    tifffile.imwrite(
        path,
        pixels.transpose([axes.index(axis) for axis in order]),
        imagej=True,
        resolution=resolution,
        metadata=metadata,
    )


def _rows(sites: Sequence[Site], task: _Task, train: float) -> list[dict[str, str]]:
    wells = sorted({site.well for site in sites})
    order = generator(task.seed, Stream.LAYOUT, "split").permutation(len(wells))
    training = {wells[index] for index in order[: round(train * len(wells))]}
    ending = "tif" if task.image_format == "tiff" else "png"
    return [
        {
            "image": f"{site.name}.{ending}",
            "plate": site.plate,
            "batch": site.batch,
            "well": site.well,
            "site": str(site.site),
            "treatment": site.treatment,
            "dose": f"{site.dose:g}",
            "pixel_size_um": f"{task.optics.pixel_size:g}",
            "split": "train" if site.well in training else "test",
        }
        for site in sites
    ]


def _make(task: _Task) -> list[list[Any]]:
    field = simulate_site(
        task.site,
        seed=task.seed,
        shape=task.shape,
        cells=task.cells,
        channels=task.channels,
        optics=task.optics,
        camera=task.camera,
        timelapse=task.timelapse,
    )
    ending = {"tiff": ".tif", "png": ".png"}
    image, axes = field.image, field.axes
    if len(field.channels) == 1:
        image, axes = image.take(0, axes.index("C")), axes.replace("C", "")
    labels = field.labels[task.target]
    if labels.max(initial=0) > np.iinfo(np.uint16).max:
        raise ValueError(f"{task.site.name}: more than 65,535 objects do not fit into a 16-bit mask")
    name = field.name
    write_picture(
        task.folder / "images" / f"{name}{ending[task.image_format]}",
        image,
        axes,
        field.scale,
        field.channels,
    )
    mask = task.folder / "masks" / f"{name}{ending[task.mask_format]}"
    write_picture(mask, labels.astype(np.uint16), field.label_axes, field.scale)
    if field.tracks is None:
        return []
    image_name = f"{name}{ending[task.image_format]}"
    rows: list[list[Any]] = field.tracks.assign(image=image_name).to_numpy().tolist()
    return rows
