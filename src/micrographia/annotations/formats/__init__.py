"""Annotation files of other programs: read, write, and tell what a file is by its content.

Each module of this folder is one format; its first table says what it carries. A format from elsewhere is a
plug-in of the kind ``exchange`` that follows :class:`AnnotationFormat`.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from micrographia import plugins
from micrographia.annotations.files import head
from micrographia.annotations.formats.base import AnnotationFormat, ImageShapes, ReadOptions
from micrographia.annotations.formats.cellpose_seg import CellposeSeg
from micrographia.annotations.formats.coco import Coco
from micrographia.annotations.formats.csv_tables import CsvTables
from micrographia.annotations.formats.ctc_tracks import CtcTracks
from micrographia.annotations.formats.geojson import GeoJson
from micrographia.annotations.formats.ilastik import Ilastik
from micrographia.annotations.formats.imagej_roi import ImageJRoi
from micrographia.annotations.formats.label_image import LabelImage
from micrographia.annotations.formats.napari_csv import NapariCsv
from micrographia.annotations.formats.yolo import Yolo
from micrographia.annotations.model import Annotations
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

__all__ = [
    "FORMATS",
    "AnnotationFormat",
    "CellposeSeg",
    "Coco",
    "CsvTables",
    "CtcTracks",
    "GeoJson",
    "Ilastik",
    "ImageJRoi",
    "ImageShapes",
    "LabelImage",
    "NapariCsv",
    "ReadOptions",
    "Yolo",
    "read",
    "sniff",
    "write",
]

FORMATS: dict[str, AnnotationFormat] = {
    known.name: known
    for known in (
        CellposeSeg(),
        ImageJRoi(),
        Ilastik(),
        GeoJson(),
        Coco(),
        NapariCsv(),
        CtcTracks(),
        Yolo(),
        CsvTables(),
        LabelImage(),
    )
}
"""The formats that come with the package, by name, in the order in which a file is tried."""


def _foreign() -> dict[str, AnnotationFormat]:
    """Return the formats of plug-ins; those of the package come before them."""
    made = (plugin() if isinstance(plugin, type) else plugin for plugin in plugins.load("exchange"))
    return {known.name: known for known in made if isinstance(known, AnnotationFormat)}


def sniff(path: str | PathLike[str]) -> str | None:
    """Return the name of the format that a file or folder is in, judged by its content; None if it is none.

    Nothing in the file is run, and only as much is read as telling takes.
    """
    where = Path(path)
    if not where.exists():
        return None
    start = head(where)
    for name, known in FORMATS.items():
        if known.matches(where, start):
            return name
    return next((name for name, known in _foreign().items() if known.matches(where, start)), None)


def read(
    path: str | PathLike[str],
    format: str | AnnotationFormat | None = None,  # noqa: A002 - the word that everybody looks for
    image_shapes: ImageShapes | None = None,
    *,
    image: str = "",
    set_name: str = "",
) -> Annotations:
    """Read annotations from a file or folder of another program.

    Parameters
    ----------
    path
        The file or folder.
    format
        Name of a format (a key of ``FORMATS``), or a format; by default what :func:`sniff` says.
    image_shapes
        Image id to shape, whose last two numbers are (Y, X), or one shape for all: YOLO needs it.
    image
        Id of the image, for files that do not name it; by default their name.
    set_name
        Goes into the column ``set``.

    Returns
    -------
    Annotations
        Coordinates in pixels with integer centres, whatever the origin in the file. Whatever was coerced, left out or
        assumed is in ``findings``.

    Raises
    ------
    AnnotationError
        If the file cannot be read, or is in no known format.
    """
    where = Path(path)
    if not where.exists():
        raise AnnotationError(where, "does not exist")
    known = _known(format or sniff(where), where)
    shapes = image_shapes if image_shapes is not None else {}
    result = known.read(where, ReadOptions(image, set_name, shapes))
    result.format, result.path = known.name, str(where)
    return result


def write(
    annotations: Annotations,
    path: str | PathLike[str],
    format: str | AnnotationFormat,  # noqa: A002 - as in read
) -> list[Finding]:
    """Write annotations in the format of another program, whole or not at all.

    Parameters
    ----------
    annotations
        What to write.
    path
        File to write; a path without an ending is a folder, into which formats of one image a file write one an image.
    format
        Name of a format (a key of ``FORMATS``), or a format with options.

    Returns
    -------
    list of Finding
        One for each field that the format cannot carry, or carries only approximately.

    Raises
    ------
    AnnotationError
        If nothing can be written.
    """
    return _known(format, Path(path)).write(annotations, Path(path))


def _known(wanted: str | AnnotationFormat | None, path: Path) -> AnnotationFormat:
    if wanted is None:
        raise AnnotationError(
            path, "is in no annotation format that is known", f"Known are {', '.join(FORMATS)}"
        )
    if not isinstance(wanted, str):
        return wanted
    known = FORMATS if wanted in FORMATS else FORMATS | _foreign()
    if wanted not in known:
        problem = f"there is no annotation format {wanted!r}"
        raise AnnotationError(path, problem, f"Known are {', '.join(known)}")
    return known[wanted]
