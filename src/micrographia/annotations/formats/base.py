"""What every annotation format is, and what writers share: which fields a format cannot carry is always told."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from micrographia.annotations.codes import finding
from micrographia.annotations.conforming import schema_of
from micrographia.annotations.files import clean
from micrographia.annotations.formats.json_stream import mended
from micrographia.annotations.masks.outlines import polygons_from_labels
from micrographia.annotations.model import Annotations, ClassEntry
from micrographia.annotations.tables import Column
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

ImageShapes = Mapping[str, tuple[int, ...]] | tuple[int, ...]
"""Image id to shape, whose last two numbers are (Y, X); or one shape for all."""


@dataclass(frozen=True)
class ReadOptions:
    """What a reader is told beyond the path.

    Parameters
    ----------
    image
        Id of the image, for formats that do not name it; empty for the name of the file.
    set_name
        Goes into the column ``set``.
    image_shapes
        Sizes, for formats that give coordinates as fractions of the image.
    """

    image: str = ""
    set_name: str = ""
    image_shapes: ImageShapes = field(default_factory=dict)

    def image_of(self, path: Path, *suffixes: str) -> str:
        """Return the image that a file is about: what was said, or the file's name without one of the endings."""
        if self.image:
            return self.image
        name = clean(path.name)
        for suffix in suffixes:
            if name.lower().endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)]
        return clean(path.stem)

    def shape_of(self, image: str) -> tuple[int, int] | None:
        """Return (Y, X) of an image where it is known."""
        shapes = self.image_shapes
        shape = shapes.get(image) if isinstance(shapes, Mapping) else shapes
        return (int(shape[-2]), int(shape[-1])) if shape is not None and len(shape) >= 2 else None


@runtime_checkable
class AnnotationFormat(Protocol):
    """A file format of annotations; also what a plug-in of the kind ``exchange`` is."""

    @property
    def api_version(self) -> int:
        """Version of this protocol, 1."""
        ...

    @property
    def name(self) -> str:
        """What ``read(path, format=...)`` takes."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def extensions(self) -> tuple[str, ...]:
        """Endings of its files, with the dot."""
        ...

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file (or folder) is of this format, by its content; ``head`` are its first bytes."""
        ...

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file.

        Raises
        ------
        AnnotationError
            If it cannot be read.
        """
        ...

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a file, whole or not at all, and return a finding for each field that the format cannot carry.

        Raises
        ------
        AnnotationError
            If nothing can be written.
        """
        ...


def uncarried(
    annotations: Annotations,
    title: str,
    carried: Mapping[str, Collection[str]],
    path: Path,
    *,
    masks: bool = False,
) -> list[Finding]:
    """Return a finding for each table, column and mask that says something and that a format cannot carry.

    Parameters
    ----------
    annotations
        What is to be written.
    title
        Of the format.
    carried
        Kind of table to the columns that the format has a place for.
    path
        File that the findings name.
    masks
        Whether the format can hold label images.
    """
    findings = []
    for kind, table in annotations.tables.items():
        if not len(table):
            continue
        if kind not in carried:
            message = f"{title} has no place for {kind}; {len(table)} rows are not written"
            findings.append(finding("N006", message, path, field=kind, evidence={"rows": len(table)}))
            continue
        for name in table.columns:
            if name in carried[kind]:
                continue
            rows = said(table, str(name), kind)
            if rows:
                message = f"{title} has no place for {name} of {kind}, which {rows} rows state"
                findings.append(
                    finding("N006", message, path, field=f"{kind}.{name}", evidence={"rows": rows})
                )
    if annotations.masks and not masks:
        message = f"{title} has no place for label images; {len(annotations.masks)} are not written"
        findings.append(finding("N006", message, path, field="masks"))
    return findings


def without_depth(annotations: Annotations, title: str, path: Path) -> list[Finding]:
    """Return findings for the extent in Z of boxes, for formats that hold planes only."""
    boxes = annotations.table("boxes")
    solid = int(boxes["z0"].notna().sum())
    message = f"{title} has planes only; {solid} boxes lose their extent in Z"
    return [finding("N006", message, path, field=f"boxes.{name}") for name in ("z0", "z1") if solid]


def said(table: pd.DataFrame, name: str, kind: str) -> int:
    """Return how many rows of a table state something in a column."""
    values = table[name]
    known = {column.name: column for column in schema_of(kind).columns}
    column = known.get(name, Column(name, "integer?", "", ""))
    match column.dtype:
        case "text":
            return int((values != "").sum())
        case "flag":
            return int(values.sum())
        case "integer":
            return int((values != column.default).sum())
        case _:
            return int(values.notna().sum())


def outlined(annotations: Annotations, title: str, path: Path) -> tuple[Annotations, list[Finding]]:
    """Return annotations with the objects of their masks as polygons, for formats that hold only outlines.

    Of an instance mask each label becomes an object; of a semantic one, all pixels of a class.
    """
    if not annotations.masks:
        return annotations, []
    result = Annotations(
        dict(annotations.tables), {}, annotations.classes, annotations.sizes, annotations.about
    )
    held = {
        (image, set_name)
        for image, set_name in annotations.table("polygons")[["image", "set"]].itertuples(index=False)
    }
    written = 0
    for key, mask in annotations.masks.items():
        if mask.kind == "annotated_region" or (key.image, key.set) in held:
            continue
        rings = polygons_from_labels(mask.labels, image=key.image, set_name=key.set)
        if mask.kind == "semantic":
            rings["class_id"] = rings["object_id"].astype("Int64")
        result.add("polygons", _with_classes(rings, annotations.table("objects")))
        written += 1
    findings = []
    if written:
        message = (
            f"{title} has no label images; {written} were written as outlines along the edges of their pixels"
        )
        findings.append(finding("N001", message, path, field="masks"))
    lost = len(annotations.masks) - written
    if lost:
        message = f"{lost} label images were not written: regions, or masks whose outlines are there already"
        findings.append(finding("N006", message, path, field="masks"))
    result.tables.pop("objects", None)
    return result, findings


def _with_classes(rings: pd.DataFrame, objects: pd.DataFrame) -> pd.DataFrame:
    if not len(objects):
        return rings
    names = ["class_id", "class_name", "confidence", "annotator", "ignore", "attributes"]
    keys = ["image", "set", "label_id"]
    known = objects.drop_duplicates(keys)[keys + names].rename(columns={"label_id": "object_id"})
    merged = rings.drop(columns=names).merge(known, how="left", on=["image", "set", "object_id"])
    merged["class_id"] = merged["class_id"].fillna(rings["class_id"])
    return merged


def one_image(annotations: Annotations, title: str, path: Path) -> str:
    """Return the only image of annotations for a format that holds one a file.

    Raises
    ------
    AnnotationError
        If there are several.
    """
    images = annotations.images
    if len(images) > 1:
        raise AnnotationError(
            path,
            f"{title} holds one image a file, and these annotations are about {len(images)}",
            "Give a folder: a path without an ending",
        )
    return images[0] if images else ""


def split_images(annotations: Annotations) -> Iterator[tuple[str, Annotations]]:
    """Yield each image with the annotations that are about it."""
    for image in annotations.images:
        tables = {kind: table[table["image"] == image] for kind, table in annotations.tables.items()}
        yield (
            image,
            Annotations(
                {kind: table.reset_index(drop=True) for kind, table in tables.items() if len(table)},
                {key: mask for key, mask in annotations.masks.items() if key.image == image},
                annotations.classes,
                {name: size for name, size in annotations.sizes.items() if name == image},
                annotations.about,
            ),
        )


def file_name(image: str) -> str:
    """Return an image id as a file name without folders; characters that file systems refuse become ``_``."""
    kept = "".join(letter if letter.isprintable() and letter not in '/\\:*?"<>|' else "_" for letter in image)
    kept = kept.strip(". ") or "image"
    while len(kept.encode("utf-8", errors="replace")) > 200:
        kept = kept[:-1]
    return kept


def attributes_text(attributes: Mapping[str, Any]) -> str:
    """Return what a source says beyond the columns as the column ``attributes`` holds it."""
    return json.dumps(dict(attributes), sort_keys=True, ensure_ascii=False) if attributes else ""


def attributes_of(text: str) -> dict[str, Any]:
    """Return the content of the column ``attributes``; empty if it is no JSON object."""
    try:
        value = mended(json.loads(text)) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class ClassBook:
    """Numbers for classes, for formats that want one for each.

    Parameters
    ----------
    annotations
        Their class list and the classes that their tables name.
    first
        The first number to give.
    """

    def __init__(self, annotations: Annotations, first: int = 1) -> None:
        self.entries: dict[int, ClassEntry] = {}
        self.unnamed: int | None = None
        self._by_name: dict[str, int] = {}
        self._next = first
        for entry in annotations.classes:
            if entry.id is not None:
                self._enter(entry.id, entry)
        for entry in annotations.classes:
            if entry.id is None and entry.name not in self._by_name:
                self._enter(self._free(), entry)

    def number(self, class_id: Any, name: str) -> int:
        """Return the number of a class; one without id and name gets a number of its own."""
        if class_id is not None and not pd.isna(class_id):
            number = int(class_id)
            if number not in self.entries or (name and not self.entries[number].name):
                self._enter(number, ClassEntry(number, name))
            return number
        if name:
            if name not in self._by_name:
                self._enter(self._free(), ClassEntry(None, name))
            return self._by_name[name]
        if self.unnamed is None:
            self.unnamed = self._free()
            self._enter(self.unnamed, ClassEntry(None, "object"))
        return self.unnamed

    def _enter(self, number: int, entry: ClassEntry) -> None:
        self.entries[number] = entry
        self._by_name.setdefault(entry.name, number)

    def _free(self) -> int:
        while self._next in self.entries:
            self._next += 1
        return self._next
