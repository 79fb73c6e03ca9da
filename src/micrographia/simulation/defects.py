"""Known defects for raw folders, each in images of its own, so that a checker can be tested for exactly those."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import DatasetError
from micrographia.simulation.folders import TABLE, read_rows, write_picture, write_rows
from micrographia.simulation.seeds import Seed, Stream, generator


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect that was planted.

    Parameters
    ----------
    defect
        Its name, a key of ``DEFECTS``.
    files
        What it is about, relative to the folder: the file that is wrong, or all that belong together. Files that
        were removed are named too.
    detail
        What was done, with figures.
    """

    defect: str
    files: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Defect:
    """A kind of defect.

    Parameters
    ----------
    name
        As in ``DEFECTS``.
    description
        What is wrong and why it matters, in one sentence.
    images
        How many images it uses up.
    plant
        Plants it.
    """

    name: str
    description: str
    images: int
    plant: Callable[[Plot], Planted]


@dataclass(slots=True)
class Picture:
    """A file's pixels with what it says about them."""

    pixels: np.ndarray
    axes: str
    scale: dict[str, float]
    channels: tuple[str, ...] = ()


@dataclass(slots=True)
class Plot:
    """Where one defect goes: its images, the spreadsheet and its own random numbers.

    Parameters
    ----------
    folder
        The raw folder.
    rows
        Rows of the spreadsheet of the images that the defect may use; change them in place.
    table
        All rows; append to it.
    rng
        Random numbers of this defect alone.
    """

    folder: Path
    rows: list[dict[str, str]]
    table: list[dict[str, str]]
    rng: np.random.Generator

    def image(self, row: int = 0) -> str:
        """Return the image's path relative to the folder."""
        return f"images/{self.rows[row]['image']}"

    def mask(self, row: int = 0) -> str:
        """Return its mask's path relative to the folder."""
        stem = Path(self.rows[row]["image"]).stem
        found = sorted(path.name for path in (self.folder / "masks").iterdir() if path.stem == stem)
        if not found:
            raise DatasetError(
                self.folder / "masks", f"there is no mask of {stem}", "Simulate the folder again"
            )
        return f"masks/{found[0]}"

    def read(self, name: str) -> Picture:
        """Read a file of the folder."""
        return read_picture(self.folder / name)

    def write(self, name: str, picture: Picture) -> None:
        """Replace a file of the folder, or add one."""
        path = self.folder / name
        part = path.with_name(f".part{path.suffix}")
        write_picture(part, picture.pixels, picture.axes, picture.scale, picture.channels)
        part.replace(path)

    def remove(self, name: str) -> None:
        """Remove a file of the folder."""
        (self.folder / name).unlink()

    def add(self, row: dict[str, str], stem: str, **changes: str) -> tuple[str, str]:
        """Add a row like another for a new image; return the paths of the new image and mask."""
        image = f"{stem}{Path(row['image']).suffix}"
        mask_suffix = Path(self.mask(self.rows.index(row))).suffix
        self.table.append(row | {"image": image} | changes)
        return f"images/{image}", f"masks/{stem}{mask_suffix}"


def read_picture(path: Path) -> Picture:
    """Read a file that ``write_picture`` wrote, with axes and scale."""
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as file:
            return Picture(np.asarray(file), "YX", {})
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        said: Mapping[str, Any] = file.imagej_metadata or {}
        scale: dict[str, float] = {}
        if said.get("unit"):
            for axis, tag in (("y", "YResolution"), ("x", "XResolution")):
                top, bottom = file.pages.first.tags[tag].value
                scale[axis] = bottom / top
        scale |= {
            axis: float(said[key]) for axis, key in (("z", "spacing"), ("t", "finterval")) if key in said
        }
        pixels, axes = series.asarray(), series.axes
        channels = tuple(
            line.split(" = ", 1)[1] for line in str(said.get("Info", "")).splitlines() if " = " in line
        )
    order = [axis for axis in "TCZYX" if axis in axes]
    return Picture(pixels.transpose([axes.index(axis) for axis in order]), "".join(order), scale, channels)


def plant_defects(folder: str | Path, defects: Sequence[str], *, seed: Seed = 0) -> list[Planted]:
    """Plant defects in a folder that ``simulate_dataset`` wrote.

    Parameters
    ----------
    folder
        Changed in place; its spreadsheet too where images are added.
    defects
        Names in ``DEFECTS``, in the order in which they get their images; one may come several times. No image gets
        two.
    seed
        Chooses the images and all that is random.

    Returns
    -------
    list of Planted
        One for each, in the same order.

    Raises
    ------
    ValueError
        For a name that does not exist, or more defects than there are images.
    DatasetError
        If the folder is not one of ``simulate_dataset``.
    ImageError
        If the defect cannot be told in the format of the files: PNG has no fractions and no voxel size.

    Examples
    --------
    >>> import tempfile
    >>> from micrographia.simulation import simulate_dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = simulate_dataset(folder + "/lab", images=2, shape=(48, 64))
    ...     planted = plant_defects(folder + "/lab", ["empty_mask"])
    >>> planted[0].defect
    'empty_mask'
    """
    from micrographia.simulation.defect_kinds import DEFECTS

    folder = Path(folder)
    unknown = sorted(set(defects) - set(DEFECTS))
    if unknown:
        raise ValueError(f"no defect {', '.join(unknown)}; there are {', '.join(DEFECTS)}")
    if not (folder / TABLE).is_file():
        raise DatasetError(folder, f"has no {TABLE}", "Make the folder with simulate_dataset")
    table = read_rows(folder / TABLE)
    needed = sum(DEFECTS[name].images for name in defects)
    if needed > len(table):
        raise ValueError(f"these defects need {needed} images, the folder has {len(table)}: simulate more")
    order = generator(seed, Stream.DEFECT).permutation(len(table))
    free = [table[index] for index in order]
    planted = []
    for number, name in enumerate(defects):
        rows, free = free[: DEFECTS[name].images], free[DEFECTS[name].images :]
        plot = Plot(folder, rows, table, generator(seed, Stream.DEFECT, number, name))
        planted.append(DEFECTS[name].plant(plot))
    write_rows(folder / TABLE, table)
    return planted
