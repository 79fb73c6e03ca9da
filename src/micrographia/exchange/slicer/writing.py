"""A dataset as a folder of volumes and segmentations for 3D Slicer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from micrographia.dataset import Dataset, Mask
from micrographia.dataset.manifest import image_id
from micrographia.dataset.opening import MASK_TYPE, FileRow
from micrographia.dataset.tables import OBJECTS, read_tables
from micrographia.errors import ExchangeError
from micrographia.exchange.codes import told
from micrographia.exchange.slicer.labelling import Said, UnfitLabelsError, described, labelled, measured
from micrographia.exchange.slicer.segments import CLASS, ENDING, Segment, listed, shown, term_tag
from micrographia.exchange.slicer.volumes import (
    Geometry,
    geometry_of,
    header,
    placed,
    slabs,
    stored,
    write_volume,
)
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.images import Image
from micrographia.images.readers.nrrd_segments import LAYER, OFFSET, reference
from micrographia.metadata.taking import Taker

PREFIX = "Micrographia_"
"""How the entries of a header begin that are ours; 3D Slicer passes over them."""
REPRESENTATION = "Binary labelmap"


def write_folder(submission: Submission, target: Path, objects: str) -> list[Finding]:
    """Write every image and label image of a dataset.

    Parameters
    ----------
    submission
        A dataset whose files are on this machine.
    target
        An empty folder.
    objects
        ``auto``, ``segments`` or ``classes``.

    Raises
    ------
    MicrographiaError
        If the pixels are elsewhere, or an image cannot be read.
    """
    dataset = submission.dataset()
    if submission.folder is None or not dataset.image_ids:
        problem = "lists no image" if submission.folder is not None else "has no pixels on this machine"
        raise ExchangeError(dataset.path, f"{problem}, and 3D Slicer shows pixels", "Fetch the images first")
    writer = _Writer(submission, dataset, target, objects)
    for image in dataset.image_ids:
        writer.write(image)
    return writer.findings()


Size = tuple[int, int, int]


class _Writer:
    def __init__(self, submission: Submission, dataset: Dataset, target: Path, objects: str) -> None:
        self.dataset = dataset
        self.target = target
        self.objects = objects
        self.taker = Taker(submission.mifa.plain())
        self.origin = submission.origin
        ours = submission.origin.format == "slicer"
        self.kept = {one.at: one.value for one in submission.origin.kept} if ours else {}
        self.restored: set[str] = set()
        self.used: set[str] = set()
        self.written: set[str | None] = set()
        self.notes: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
        self.sets: dict[str, Said] = {}
        self.classes = self._object_classes()

    def write(self, name: str) -> None:
        """Write the channels and time points of one image, and its segmentations."""
        files = self.dataset.files_of(name)
        with files.image() as image:
            geometry, problem = geometry_of(image)
            if problem:
                self._note("E010", problem, name, "voxel_size")
            kept = self._kept_of(self.dataset.original_path(files.rows[0]))
            geometry = placed(geometry, kept.get("geometry"))
            size = (image.size("Z"), image.size("Y"), image.size("X"))
            for t in range(image.size("T")):
                self._channels(files.rows, image, t, size, geometry)
            if image.rgb:
                self._note("E002", "a colour picture is written as three volumes", name, "files")
            if image.size("T") > 1:
                self._note(
                    "E002", "time points are written as volumes, which come back as images", name, "files"
                )
            sets: dict[str, list[Mask]] = defaultdict(list)
            for mask in files.masks():
                sets[mask.set].append(mask)
            for set_name, masks in sets.items():
                self._segmentations(name, set_name, masks, image, size, geometry, alone=len(sets) == 1)
                for mask in masks:
                    mask.image.close()

    def _channels(
        self, rows: Sequence[FileRow], image: Image, t: int, size: Size, geometry: Geometry
    ) -> None:
        count, name = image.size("C"), rows[0].image
        dtype = stored(image.dtype)
        for c in range(count):
            channel = (image.channels[c].name or f"channel {c + 1}") if image.channels and count > 1 else ""
            channel = channel or (f"channel {c + 1}" if count > 1 else "")
            row = rows[c] if len(rows) == count else rows[0]
            pairs = _kept_pairs(self._kept_of(self.dataset.original_path(row)))
            pairs |= {f"{PREFIX}Image": name} | ({f"{PREFIX}Channel": shown(channel)} if channel else {})
            pairs |= {f"{PREFIX}Number": str(c)} if count > 1 else {}
            pairs |= {f"{PREFIX}Time": str(t)} if image.size("T") > 1 else {}
            path = self._path([name, channel, self._time(t, image)], ".nrrd")
            head = header(dtype, size[::-1], geometry, pairs)
            write_volume(path, head, slabs([image], size, dtype, t, c))

    def _segmentations(
        self,
        name: str,
        set_name: str,
        masks: Sequence[Mask],
        image: Image,
        size: Size,
        geometry: Geometry,
        *,
        alone: bool,
    ) -> None:
        said = self._said(name, set_name, masks)
        layers = [mask.image for mask in masks]
        for t in range(image.size("T")):
            try:
                wrong = next(
                    (layer.size("T") for layer in layers if layer.size("T") not in (1, image.size("T"))), 0
                )
                if wrong:
                    raise UnfitLabelsError(f"it has {wrong} time points, its image {image.size('T')}")
                found = labelled([measured(layer, t, size) for layer in layers], said, self.objects)
            except UnfitLabelsError as error:
                for mask in masks:
                    self._note("E013", str(error), mask.rows[0].path, "files")
                return
            if found.joined:
                problem = (
                    "has more objects than segments are made of: each class is one, and ids are not written"
                )
                if self.objects == "classes":
                    problem = "is written with one segment a class, as was asked for; ids are not written"
                self._note("E001", f"the set {set_name} {problem}", name, *self._fields(set_name))
            kind = "semantic" if found.joined else said.kind
            pairs = self._head(found.segments, masks[0].rows[0], set_name, kind, size) | (
                {f"{PREFIX}Time": str(t)} if image.size("T") > 1 else {}
            )
            path = self._path([name, "" if alone else set_name, self._time(t, image)], ENDING)
            head = header(found.dtype, size[::-1], geometry, pairs, len(layers))
            write_volume(path, head, slabs(layers, size, found.dtype, t, 0, found.change))
            self._took(set_name, found.segments, of_classes=said.of_classes)

    def _head(
        self, segments: Sequence[Segment], row: FileRow, set_name: str, kind: str, size: Size
    ) -> dict[str, str]:
        if any(not segment.name.isascii() for segment in segments):
            problem = "names are written in UTF-8, as 3D Slicer does; programs that read ASCII drop letters"
            self._note("E002", problem, set_name)
        pairs = {
            key: value for number, one in enumerate(segments) for key, value in one.pairs(number).items()
        }
        number = self._number(set_name)
        kept = _kept_pairs(self._kept_of(self.dataset.original_path(row)))
        if reference(kept | {OFFSET: "0 0 0"}) != (
            dict.fromkeys("XYZ", 0),
            dict(zip("ZYX", size, strict=True)),
        ):
            kept.pop("Segmentation_ConversionParameters", None)
        return {
            **pairs,
            "Segmentation_ContainedRepresentationNames": f"{REPRESENTATION}|",
            "Segmentation_MasterRepresentation": REPRESENTATION,
            **kept,
            OFFSET: "0 0 0",
            f"{PREFIX}Image": row.source,
            f"{PREFIX}Set": set_name,
            **({} if number is None else {f"{PREFIX}Number": str(number)}),
            f"{PREFIX}Kind": kind,
        }

    def _said(self, name: str, set_name: str, masks: Sequence[Mask]) -> Said:
        if set_name not in self.sets:
            self.sets[set_name] = described(set_name, self.dataset.set_described(set_name))
        kept: dict[tuple[int, int], Mapping[str, str]] = {}
        for mask in masks:
            row = mask.rows[0]
            number = row.member.removeprefix(LAYER)
            layer = int(number) - 1 if row.member.startswith(LAYER) and number.isdecimal() else 0
            for raw in self._kept_of(self.dataset.original_path(row)).get("segments") or []:
                value = str(raw.get("LabelValue", "1"))
                if value.isdecimal() and str(raw.get("Layer", "0")) == str(layer):
                    kept[mask.layer - 1, int(value)] = raw
        return replace(self.sets[set_name], objects=self.classes.get((name, set_name), {}), kept=kept)

    def _object_classes(self) -> dict[tuple[str, str], dict[int, str]]:
        if not self.dataset.table_rows():
            return {}
        tables = read_tables(self.dataset)
        for error in tables.errors:
            self._note("E013", "a table of annotations cannot be read", str(error))
        frame = tables.frames.get(OBJECTS)
        found: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
        if frame is not None:
            named = frame[frame["class_name"] != ""]
            columns = (named[name].tolist() for name in ("image", "set", "label_id", "class_name"))
            for image, set_name, label, of in zip(*columns, strict=True):
                found[image, set_name][label] = of
        return found

    def _kept_of(self, path: str) -> Mapping[str, Any]:
        value = self.kept.get(path)
        if not isinstance(value, dict):
            return {}
        self.restored.add(path)
        return value

    def _path(self, parts: Sequence[str], ending: str) -> Path:
        stem = "_".join(image_id(part) for part in parts if part)[:200]
        number, name = 1, stem
        while f"{name}{ending}".casefold() in self.used:
            number += 1
            name = f"{stem}-{number}"
        self.used.add(f"{name}{ending}".casefold())
        return self.target / f"{name}{ending}"

    @staticmethod
    def _time(t: int, image: Image) -> str:
        last = image.size("T") - 1
        return f"t{t:0{len(str(last))}}" if last else ""

    def _number(self, set_name: str) -> int | None:
        names = [one.name for one in self.dataset.mifa.annotations]
        return names.index(set_name) if set_name in names else None

    def _fields(self, set_name: str) -> list[str]:
        at = f"annotations[{self._number(set_name) or 0}]"
        return [f"{at}.mask_kind", f"{at}.classes"]

    def _took(self, set_name: str, segments: Sequence[Segment], *, of_classes: bool) -> None:
        """Say which fields of a set were written."""
        self.written.add(set_name)
        for number, one in enumerate(self.dataset.mifa.annotations):
            if one.name != set_name:
                continue
            at = ("annotations", number)
            self.taker.take((*at, "name"), (*at, "mask_kind"))
            if [str(kind) for kind in one.annotation_type] == [MASK_TYPE]:
                self.taker.take((*at, "annotation_type"))
            else:
                field = f"annotations[{number}].annotation_type"
                self._note("E002", "sets come back as segmentation masks", set_name, field)
            if of_classes and [entry.plain() for entry in one.classes] != _returning(segments):
                field = f"annotations[{number}].classes"
                self._note(
                    "E002", "classes that cannot be segments as they are come back otherwise", set_name, field
                )
            names = {segment.value: segment.name for segment in segments} if of_classes else {}
            for index, entry in enumerate(one.classes):
                here = (*at, "classes", index)
                if entry.id is None or entry.id not in names:
                    continue
                self.taker.take((*here, "id"))
                if entry.name == names[entry.id]:
                    self.taker.take((*here, "name"))
                if entry.ontology_id and term_tag(entry.ontology_id, ""):
                    self.taker.take((*here, "ontology_id"))
            return

    def _note(self, code: str, problem: str, what: str, *fields: str) -> None:
        self.notes[code, problem, fields].append(what)

    def findings(self) -> list[Finding]:
        """Return what was not written as it is."""
        changed = "images are written as one .nrrd a channel and time point, masks as .seg.nrrd, without other columns"
        found = [told("E002", changed, field="files")]
        missing = [n for n, one in enumerate(self.dataset.mifa.annotations) if one.name not in self.written]
        moved = [
            f"annotations[{n}]"
            for n in range(len(self.dataset.mifa.annotations))
            if missing and n >= missing[0]
        ]
        if moved:
            found.append(told("E002", "sets behind one that has no label images move up", fields=moved))
        known = [one.name for one in self.dataset.mifa.annotations]
        new = sorted(str(name) for name in self.written if name not in known)
        if new:
            first = len(known) - len(missing)
            fresh = [f"annotations[{first + n}]" for n in range(len(new))]
            found.append(
                told("E002", f"sets that nobody described come back as entries ({listed(new)})", fields=fresh)
            )
        for (code, problem, fields), names in self.notes.items():
            unique = [*dict.fromkeys(names)]
            path = unique[0] if code == "E013" else ""
            found.append(told(code, f"{problem} ({listed(unique)})", fields=fields, path=path))
        for pattern, left in self.taker.left().items():
            found.append(told("E001", f"3D Slicer has no place for {pattern}", fields=left))
        others = [row for row in self.dataset.rows if row.role != "image" and row.type != MASK_TYPE]
        for kind, name in dict.fromkeys((row.role, row.type) for row in others):
            paths = [row.path for row in others if (row.role, row.type) == (kind, name)]
            what = name or ("tables" if kind == "table" else "other files")
            count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
            found.append(
                told(
                    "E013", f"{what} have no place in a segmentation ({count})", field="files", path=paths[0]
                )
            )
        lost = [one.at for one in self.origin.kept if one.at not in self.restored]
        if lost:
            found.append(
                told("E005", f"what is kept of the source has no place in 3D Slicer ({listed(lost)})")
            )
        return found


def _kept_pairs(kept: Mapping[str, Any]) -> dict[str, str]:
    said = kept.get("header")
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


def _returning(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return the classes that reading the segments finds."""
    found: dict[int, dict[str, Any]] = {}
    for segment in segments:
        if CLASS in dict(segment.tags):
            said = {"name": segment.name if segment.named else None, "ontology_id": segment.term or None}
            held = {"id": segment.value} | {key: value for key, value in said.items() if value}
            found.setdefault(segment.value, held)
    return [*found.values()]
