"""What the files themselves say: sizes, types, voxel sizes, channels, objects, and what kind of masks they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from micrographia.dataset.folder import Dataset
from micrographia.dataset.groups import offered_groups, offered_split
from micrographia.dataset.opening import ImageFiles
from micrographia.dataset.scan import Scan
from micrographia.dataset.spreadsheets import LARGEST, read_spreadsheet, voxel_sizes
from micrographia.errors import MicrographiaError
from micrographia.work import TaskError, run

FEW_CLASSES = 32
"""A semantic mask has at most so many values over a whole set."""


@dataclass(frozen=True, slots=True)
class ImageHarvest:
    """What one image and its label images say."""

    image: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    rgb: bool
    channels: tuple[str, ...]
    voxel: tuple[tuple[str, str, float, str], ...]
    """Source (``image`` or ``mask``), axis, size, unit."""
    masks: tuple[MaskHarvest, ...]
    file_format: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MaskHarvest:
    """What one label image says: objects (distinct non-zero values), components, and the values where they are few."""

    set: str
    dtype: str
    objects: int
    components: int
    values: tuple[int, ...]
    integral: bool = True


@dataclass(slots=True)
class Harvest:
    """What all files say together."""

    images: list[ImageHarvest] = field(default_factory=list)
    errors: list[TaskError] = field(default_factory=list)
    spreadsheet_voxels: dict[str, dict[str, set[float]]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    """Spreadsheet about the images to its columns that could group them."""
    offered_splits: dict[str, str] = field(default_factory=dict)
    """Spreadsheet about the images to its column that says their split."""

    def mask_kind(self, name: str) -> str | None:
        """Return ``instance``, ``semantic`` or ``binary`` for a set of label images, or None if it is not clear."""
        masks = [mask for image in self.images for mask in image.masks if mask.set == name and mask.objects]
        return _kind(masks)

    def objects(self, name: str | None = None) -> int:
        """Return the number of objects in a set of instance masks (or in all such sets)."""
        sets = {mask.set for image in self.images for mask in image.masks}
        instances = {held for held in sets if name in (None, held) and self.mask_kind(held) == "instance"}
        return sum(mask.objects for image in self.images for mask in image.masks if mask.set in instances)

    def values(self, name: str) -> list[int]:
        """Return the non-zero values that occur in a set, if they are few."""
        return sorted(
            {value for image in self.images for m in image.masks if m.set == name for value in m.values}
        )

    def voxel_conflicts(self) -> list[str]:
        """Say, a sentence each, where file, mask and spreadsheet disagree about a voxel size."""
        return _conflicts(self)

    def summary(self) -> dict[str, object]:
        """Return what there is to say about all images: counters of dimensions, colours, sizes, types and formats."""
        dimensions = Counter(_dimension(image) for image in self.images)
        return {
            "dimensions": dict(dimensions.most_common()),
            "grey": sum(not image.rgb for image in self.images),
            "rgb": sum(image.rgb for image in self.images),
            "sizes": len({(image.axes, image.shape) for image in self.images}),
            "dtypes": dict(Counter(image.dtype for image in self.images).most_common()),
            "mask dtypes": dict(Counter(m.dtype for image in self.images for m in image.masks).most_common()),
            "formats": dict(Counter(image.file_format for image in self.images).most_common()),
            "objects": self.objects(),
            "channels": sorted(
                {name for image in self.images for name in image.channels if name and not image.rgb}
            ),
            "voxel size": any(image.voxel for image in self.images),
        }


def harvest(
    dataset: Dataset, found: Scan, *, workers: int | None = None, quiet: bool = True, pixels: bool = True
) -> Harvest:
    """Open every image and label image once and note what it says.

    Parameters
    ----------
    dataset
        The folder with a manifest.
    found
        What the folder holds, for its spreadsheets.
    workers
        Processes.
    quiet
        Show no progress.
    pixels
        Also read the label images, to count objects and tell instances from classes.
    """
    result = Harvest()
    tasks = [(dataset.files_of(image), pixels) for image in dataset.image_ids]
    few = len(tasks) < 32
    outcomes = run(
        _harvest_image,
        tasks,
        workers=1 if few else workers,
        name=lambda task: task[0].id,
        label="reading",
        quiet=quiet,
    )
    for outcome in outcomes:
        if outcome.error is not None:
            result.errors.append(outcome.error)
        else:
            result.images.append(outcome.result())
    paths = {image: dataset.image_rows(image)[0].path for image in dataset.image_ids}
    for table in found.tables():
        if Path(table.path).suffix.lower() in (".csv", ".tsv", ".xlsx") and table.size <= LARGEST:
            _spreadsheet(found.root, table.path, paths, result)
    return result


def _harvest_image(task: tuple[ImageFiles, bool]) -> ImageHarvest:
    from micrographia.annotations import ObjectAccumulator

    files, pixels = task
    image = files.image()
    voxel = [
        ("image", axis, size, image.units.get(axis, ""))
        for axis, size in image.scale.items()
        if axis in "zyx"
    ]
    masks = []
    for mask in files.masks():
        marks = mask.image
        voxel += [
            ("mask", axis, size, marks.units.get(axis, ""))
            for axis, size in marks.scale.items()
            if axis in "zyx"
        ]
        if not pixels:
            continue
        if marks.dtype.kind == "f" or "C" in marks.axes:
            masks.append(MaskHarvest(mask.set, str(marks.dtype), 0, 0, (), integral=False))
            continue
        accumulator = ObjectAccumulator(marks.shape, marks.axes, path=marks.path)
        for region in marks.blocks():
            accumulator.add(marks.read(region), tuple(part.start for part in region))
        table = accumulator.table()
        values = tuple(int(value) for value in table["label_id"][: FEW_CLASSES + 1])
        kept = values if len(values) <= FEW_CLASSES else ()
        masks.append(
            MaskHarvest(mask.set, str(marks.dtype), len(table), int(table["components"].sum()), kept)
        )
    names = tuple(channel.name for channel in image.channels)
    return ImageHarvest(
        files.id,
        image.axes,
        image.shape,
        str(image.dtype),
        image.rgb,
        names,
        tuple(voxel),
        tuple(masks),
        image.file_format,
        image.notes,
    )


def _kind(masks: list[MaskHarvest]) -> str | None:
    if not masks or not all(mask.integral for mask in masks):
        return None
    values = {value for mask in masks for value in mask.values}
    single = all(mask.objects == 1 for mask in masks)
    scattered = sum(mask.components for mask in masks) > 1.5 * sum(mask.objects for mask in masks)
    if single and len(values) == 1 and (scattered or values & {255}):
        return "binary"
    few = all(mask.values for mask in masks) and len(values) <= FEW_CLASSES
    if few and scattered and len(masks) > 1:
        return "semantic"
    return None if single and len(values) == 1 and len(masks) == 1 else "instance"


def _conflicts(result: Harvest) -> list[str]:
    told = []
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for image in result.images:
        differing: dict[str, list[str]] = defaultdict(list)
        by_axis: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
        for source, axis, size, unit in image.voxel:
            by_axis[axis][source] = (size, unit)
        for axis, sources in by_axis.items():
            if len(sources) == 2 and _differ(sources.values()):
                said = " but ".join(
                    f"the {source} says {size:g} {unit}".strip() for source, (size, unit) in sources.items()
                )
                differing[said].append(axis)
        for said, along in differing.items():
            alike[", ".join(sorted(along, reverse=True)), said].append(image.image)
    for (names, said), images in alike.items():
        more = f" and {len(images) - 1:,} more" if len(images) > 1 else ""
        told.append(f"{images[0]}{more}: size along {names}: {said}")
    stated = {
        (axis, size) for image in result.images for _, axis, size, unit in image.voxel if unit == "micrometer"
    }
    for table, axes in result.spreadsheet_voxels.items():
        differing = defaultdict(list)
        for axis, sizes in axes.items():
            said_by_files = {size for name, size in stated if name == axis}
            for size in sorted(sizes):
                if said_by_files and all(abs(size - other) > 1e-3 * other for other in said_by_files):
                    shown = ", ".join(f"{other:g}" for other in sorted(said_by_files)[:4])
                    said = f"the spreadsheet says {size:g} micrometer, the images {shown}"
                    differing[said].append(axis)
        told += [
            f"{table}: size along {', '.join(sorted(along, reverse=True))}: {said}"
            for said, along in differing.items()
        ]
    return told


def _differ(said: Iterable[tuple[float, str]]) -> bool:
    (one, unit), (other, unit_too) = said
    return abs(one - other) > 1e-3 * max(one, other) or unit != unit_too


def _dimension(image: ImageHarvest) -> str:
    sizes = dict(zip(image.axes, image.shape, strict=True))
    space = "3D" if sizes.get("Z", 1) > 1 else "2D"
    return f"{space} + time" if sizes.get("T", 1) > 1 else space


def _spreadsheet(root: Path, path: str, images: Mapping[str, str], result: Harvest) -> None:
    try:
        frame = read_spreadsheet(root / path)
    except MicrographiaError:
        return  # It is no table of ours to judge: a file with this ending may hold anything.
    sizes = voxel_sizes(frame)
    if sizes:
        result.spreadsheet_voxels[path] = sizes
    columns = offered_groups(frame, images)
    if columns:
        result.offered[path] = columns
    split = offered_split(frame, images)
    if split:
        result.offered_splits[path] = split
