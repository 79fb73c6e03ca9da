"""Folders of pictures as datasets that encoders can open, without writing a byte into them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from micrographia import metadata, work
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.identity import file_checksum
from micrographia.dataset.manifest import (
    COLUMNS,
    GROUP,
    NAME,
    image_id,
    unique_ids,
    write_manifest,
    write_whole,
)
from micrographia.errors import DatasetError, ProfileError

if TYPE_CHECKING:
    from micrographia.checks.fields import FieldGroups

DESCRIPTION = "mifa.yaml"
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
MASKS = "labels"


@dataclass(frozen=True)
class Picture:
    """A picture of a folder, with its label image if it has one, and the groups that it belongs to."""

    id: str
    path: Path
    mask: Path | None = None
    groups: Mapping[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A dataset in a temporary folder of links, which goes when this object goes."""

    dataset: Dataset
    folder: Path

    def __post_init__(self) -> None:
        """Remember to remove the folder."""
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def pictures(folder: Path) -> list[Path]:
    """Return the pictures directly in a folder, sorted by name; hidden files are none."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURES and path.is_file() and not path.name.startswith(".")
    )


def is_dataset(folder: Path) -> bool:
    """Tell whether a folder is described already."""
    return (folder / DESCRIPTION).is_file() and (folder / NAME).is_file()


def opened(found: Sequence[Picture], title: str) -> Opened:
    """Return pictures as a dataset in a temporary folder of links to them.

    Parameters
    ----------
    found
        The pictures; their ids must differ regardless of case.
    title
        Title of the study in ``mifa.yaml``.

    Raises
    ------
    ProfileError
        If the folder cannot be made.
    """
    root = Path(tempfile.mkdtemp(prefix="micrographia-study-"))
    columns = sorted({column for one in found for column in (one.groups or {})})
    rows: list[dict[str, Any]] = []
    try:
        for one in found:
            grouped = {f"{GROUP}{column}": (one.groups or {}).get(column, "") for column in columns}
            rows.append(
                _linked(root, "images", one.id, one.path) | {"image": one.id, "role": "image"} | grouped
            )
        for one in found:
            if one.mask is not None:
                grouped = {f"{GROUP}{column}": (one.groups or {}).get(column, "") for column in columns}
                told = {
                    "role": "annotation",
                    "annotation set": MASKS,
                    "annotation type": "segmentation_mask",
                    "source image": one.id,
                }
                rows.append(_linked(root, MASKS, one.id, one.mask) | told | grouped)
        _write(root, rows, columns, title, masks=any(one.mask is not None for one in found))
        return Opened(open_dataset(root), root)
    except OSError as error:
        shutil.rmtree(root, ignore_errors=True)
        raise ProfileError(root, f"cannot be made ({error.strerror})", "Make room there") from error


def _linked(root: Path, kind: str, name: str, path: Path) -> dict[str, Any]:
    place = root / kind / f"{name}{path.suffix.lower()}"
    place.parent.mkdir(exist_ok=True)
    try:
        place.symlink_to(path.resolve())
    except OSError:  # a disk without links
        shutil.copyfile(path, place)
    size, checksum = file_checksum(path)
    return {"Files": PurePosixPath(kind, place.name).as_posix(), "size": size, "sha256": checksum}


def _write(
    root: Path, rows: list[dict[str, Any]], columns: Sequence[str], title: str, *, masks: bool
) -> None:
    import pandas as pd

    names = [*COLUMNS, *(f"{GROUP}{column}" for column in columns)]
    frame = pd.DataFrame([{name: row.get(name, "") for name in names} for row in rows], columns=names)
    write_manifest(root / NAME, frame)
    values: dict[str, Any] = {"study": {"title": title}}
    if masks:
        values["annotations"] = [
            {"name": MASKS, "annotation_type": ["segmentation_mask"], "mask_kind": "instance"}
        ]
    write_whole(root / DESCRIPTION, metadata.template(values))


def fields_of(dataset: Dataset, workers: int | None = None) -> FieldGroups:
    """Look for images that are tiles, crops, copies or neighbours of each other, as ``check --pixels`` does."""
    from micrographia.checks.fields import propose_groups, reference_plane

    facts = {}
    task: Callable[[str], Any] = partial(_measured, dataset)
    for outcome in work.stream(task, list(dataset.image_ids), workers=workers, kind="threads"):
        if outcome.value is None:
            told = "" if outcome.error is None else outcome.error.problem
            raise ProfileError(outcome.name, f"cannot be measured ({told})", "Check the image")
        facts[outcome.task] = outcome.value
    return propose_groups(facts, partial(reference_plane, dataset))


def _measured(dataset: Dataset, image: str) -> Any:
    from micrographia.checks.pixel_facts_image import measure_image

    with dataset.image(image) as held:
        return measure_image(held, image)[0]


def ids_of(paths: Sequence[Path], root: Path) -> list[str]:
    """Return an id for each picture from its path below a folder."""
    return unique_ids(
        [image_id(path.relative_to(root).with_suffix("").as_posix().replace("/", "_")) for path in paths]
    )


def described_groups(folder: Path, column: str) -> dict[str, str]:
    """Return image to group where a folder is a dataset with such a column; empty if not."""
    if not is_dataset(folder):
        return {}
    found: dict[str, str] = {}
    with suppress(DatasetError):
        dataset = open_dataset(folder)
        for image in dataset.image_ids:
            value = dataset.image_groups(image).get(column, "")
            if value:
                found[image] = value
    return found
