"""Volumes and segmentations of 3D Slicer as a dataset: which belong together, what the segments are, what is kept."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from micrographia import images
from micrographia.dataset.identity import file_checksum
from micrographia.dataset.manifest import image_id, unique_ids
from micrographia.dataset.opening import MASK_TYPE
from micrographia.dataset.origin import Kept, Origin
from micrographia.dataset.scan import walk
from micrographia.dataset.words import meaning, tokens
from micrographia.errors import ExchangeError, ImageError, MicrographiaError
from micrographia.exchange.codes import told
from micrographia.exchange.slicer.segments import CLASS, ENDING, SHOWN, Segment, listed, parsed, raw_segments
from micrographia.exchange.slicer.volumes import LPS
from micrographia.exchange.slicer.writing import PREFIX
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, described, file_table
from micrographia.findings import Finding
from micrographia.images.readers.nrrd import key_values
from micrographia.images.readers.nrrd_segments import LAYER, OFFSET

ENDINGS = (".nrrd", ".nhdr")
LABELS = "masks"
"""Name of the set of a segmentation that has none."""
_OURS = ("Segmentation_ContainedRepresentationNames", "Segmentation_MasterRepresentation", OFFSET)


@dataclass(slots=True)
class _File:
    """A volume or a segmentation, as its header describes it."""

    path: str
    fields: dict[str, Any]
    pairs: dict[str, str]
    image: str = ""
    set: str = ""
    time: str = ""
    layers: int = 1

    @property
    def stem(self) -> str:
        name = PurePosixPath(self.path).name
        return name.removesuffix(ENDING) if name.endswith(ENDING) else name.rsplit(".", 1)[0]

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.path).parent)

    def ours(self, name: str) -> str:
        """Return what an export wrote under a name; empty if nothing."""
        return self.pairs.get(PREFIX + name, "").strip()


@dataclass(slots=True)
class _Set:
    """What the segmentations of one set say of it."""

    number: int
    kinds: Counter[str] = field(default_factory=Counter)
    classes: dict[int, tuple[str, str]] = field(default_factory=dict)
    doubtful: dict[int, tuple[str, str]] = field(default_factory=dict)


def read_folder(source: Source) -> Submission:
    """Return what a folder of 3D Slicer, or one segmentation with its image, says.

    Raises
    ------
    ExchangeError
        If it is an address, or holds no volume that can be read.
    """
    if source.folder is None:
        raise ExchangeError(source.place, "is an address", "Download the files and give their folder")
    reader = _Reader(source.folder, "" if source.is_folder else source.name)
    return reader.submission(Path(source.place).name)


class _Reader:
    def __init__(self, root: Path, only: str) -> None:
        self.root = root
        self.findings: list[Finding] = []
        self.kept: list[Kept] = []
        self.kinds: dict[str, list[str]] = defaultdict(list)
        problems: list[MicrographiaError] = []
        found = [path for path in sorted(walk(root, problems)) if path.lower().endswith(ENDINGS)]
        self.findings += [told("E010", one.problem, path=str(one.path), fix=one.remedy) for one in problems]
        if only:
            found = [path for path in found if path == only or not path.lower().endswith(ENDING)]
        files = [file for path in found if (file := self._file(path)) is not None]
        self.masks = [file for file in files if self._is_mask(file)]
        self.volumes = sorted((file for file in files if file not in self.masks), key=_order)
        if not self.volumes:
            raise ExchangeError(
                root, "holds no volume that can be read", "Save the image beside the segmentation"
            )
        self._name_images()
        for mask in self.masks:
            self._pair(mask)
        if only:
            named = {mask.image for mask in self.masks}
            self.volumes = [file for file in self.volumes if file.image in named]

    def submission(self, name: str) -> Submission:
        """Return all of it."""
        rows = [
            self._row(file, image=file.image, role="image", channel=file.ours("Channel"))
            for file in self.volumes
        ]
        sets: dict[str, _Set] = {}
        for mask in sorted(self.masks, key=_order):
            rows += self._mask_rows(mask, sets)
        sets = dict(sorted(sets.items(), key=lambda item: item[1].number))
        annotations = [_described(name, told_of) for name, told_of in sets.items()]
        for set_name, told_of in sets.items():
            for value, (first, second) in list(told_of.doubtful.items())[:SHOWN]:
                message = f"in the set {set_name} the value {value} is {first!r} in one file and {second!r} in another"
                self.findings.append(told("E009", message, fix="number the segments alike in all files"))
        silent = [
            file.path for file in self.volumes if _has_steps(file) and not file.fields.get("space units")
        ]
        if silent:
            message = f"the unit of the voxel size is not said ({listed(silent)}); 3D Slicer takes it for millimetres"
            fix = "write voxel_size in mifa.yaml"
            self.findings.append(told("E010", message, path=silent[0], field="voxel_size", fix=fix))
        for file in self.volumes + self.masks:
            self._keep(file)
        for what, paths in self.kinds.items():
            self.findings.append(told("E004", f"{what} ({listed(paths)})", path=paths[0]))
        description = described({"annotations": annotations}, name)
        findings = [*self.findings, *description.findings]
        return Submission(
            description,
            file_table(rows),
            Origin("slicer", name, kept=tuple(self.kept)),
            findings,
            self.root,
            brings_files=True,
        )

    def _file(self, path: str) -> _File | None:
        try:
            fields, pairs = key_values(self.root / path)
            image = images.open_image(self.root / path)
            image.close()
        except ImageError as error:
            self.findings.append(
                told("E010", f"{error.problem}; it was passed over", path=path, fix=error.remedy)
            )
            return None
        layers = image.size("C") if path.lower().endswith(ENDING) else 1
        return _File(path, fields, pairs, layers=layers)

    @staticmethod
    def _is_mask(file: _File) -> bool:
        if file.path.lower().endswith(ENDING) or file.ours("Set"):
            return True
        return not file.ours("Image") and meaning(tokens(file.stem)) == "annotation"

    def _name_images(self) -> None:
        """Give volumes the image that an export named, else their own name; channels of one image share it."""
        groups: dict[tuple[str, str, str], list[_File]] = {}
        for file in self.volumes:
            own = file.ours("Image")
            last = file.ours("Time") if own else file.path
            key = (file.folder, own or file.stem, last)
            groups.setdefault(key, []).append(file)
        wanted = []
        for (_, named, time), files in groups.items():
            known = files[0].ours("Image")
            if known and len(files) > 1 and len({file.ours("Channel") for file in files}) < len(files):
                message = f"{len(files)} volumes say that they are the image {named}"
                self.findings.append(told("E012", message, path=files[0].path))
            wanted.append(image_id(f"{named}_t{time}" if known and time else named))
        for name, (key, files) in zip(unique_ids(wanted), groups.items(), strict=True):
            for file in files:
                file.image = name
                file.time = key[2] if files[0].ours("Image") else ""

    def _pair(self, mask: _File) -> None:
        """Find the image of a segmentation: the one it names, the one whose name its own begins with, the only one."""
        mask.set = mask.ours("Set") or LABELS
        named = mask.ours("Image")
        here = [file for file in self.volumes if file.folder == mask.folder]
        if named:
            for file in here:
                if file.ours("Image") == named and file.time == mask.ours("Time"):
                    mask.image = file.image
                    return
        stem = re.sub(
            r"[-_. ]?(label|labels|seg|segmentation|mask|masks)$", "", mask.stem, flags=re.IGNORECASE
        )
        starts = {
            file.image: max(_begin(stem, name) for name in (file.stem, file.ours("Image"))) for file in here
        }
        best = max(starts.values(), default=0)
        found = [image for image, length in starts.items() if length == best]
        if best and len(found) == 1:
            mask.image = found[0]
            rest = stem[best:].strip("-_. ")
            mask.set = mask.ours("Set") or rest or LABELS
        elif len({file.image for file in self.volumes}) == 1:
            mask.image = self.volumes[0].image
        else:
            message = "no volume has the name that this segmentation begins with"
            fix = "name it IMAGE.seg.nrrd after its image, and import again"
            self.findings.append(told("E007", message, path=mask.path, field="files", fix=fix))

    def _mask_rows(self, mask: _File, sets: dict[str, _Set]) -> list[dict[str, Any]]:
        raw = raw_segments(mask.pairs)
        segments = [segment for one in raw if (segment := parsed(one)) is not None]
        if len(segments) < len(raw):
            message = f"{len(raw) - len(segments)} segments have a value or layer that is no number"
            self.findings.append(told("E009", message, path=mask.path))
        values = Counter(segment.value for segment in {(s.layer, s.value): s for s in segments}.values())
        shared = mask.layers > 1 and (max(values.values(), default=0) > 1 and not mask.ours("Set"))
        rows = []
        for layer in range(mask.layers):
            name = f"{mask.set}-layer-{layer + 1}" if shared and layer else mask.set
            entry = sets.setdefault(name, _Set(_number(mask)))
            of_layer = [segment for segment in segments if segment.layer == layer or mask.layers == 1]
            if layer == 0 or shared:
                entry.kinds[mask.ours("Kind") if mask.ours("Set") else "?"] += 1
            _collect(entry, of_layer, exported=bool(mask.ours("Set")))
            member = f"{LAYER}{layer + 1}" if mask.layers > 1 else ""
            cells = {"annotation set": name, "annotation type": MASK_TYPE, "source image": mask.image}
            number = str(layer + 1) if mask.layers > 1 and not shared else ""
            rows.append(self._row(mask, role="annotation", member=member, layer=number, **cells))
        return rows

    def _row(self, file: _File, **cells: str) -> dict[str, Any]:
        size, checksum = file_checksum(self.root / file.path)
        return {"Files": file.path, "size": size, "sha256": checksum, **cells}

    def _keep(self, file: _File) -> None:
        """Keep word for word what has no home: colours, ids and tags of segments, spaces, and other entries."""
        ours = bool(file.ours("Image"))
        raw = raw_segments(file.pairs)
        own = [one for one in raw if not (ours and one.get("ColorAutoGenerated") == "1")]
        segments = [{key: value for key, value in one.items() if key != "Extent"} for one in own]
        passed = re.compile(rf"Segment\d+_|{PREFIX}")
        pairs = {
            key: value for key, value in file.pairs.items() if not passed.match(key) and key not in _OURS
        }
        value: dict[str, Any] = {}
        if segments:
            value["segments"] = segments
            self.kinds["the colours, ids, names and tags of segments"].append(file.path)
        if pairs:
            value["header"] = pairs
            self.kinds["further entries of the header"].append(file.path)
        geometry = _geometry(file.fields)
        if geometry:
            value["geometry"] = geometry
            self.kinds["origin and orientation of the volume"].append(file.path)
        if value:
            self.kept.append(Kept(file.path, value))


def _order(file: _File) -> tuple[str, str, str, int, str]:
    return file.folder, file.ours("Image"), file.ours("Time"), _number(file), file.path


def _number(file: _File) -> int:
    """Return which channel or annotation set an export said that it is; after those that it numbered if it did not."""
    number = file.ours("Number")
    return int(number) if number.isdecimal() and len(number) < 9 else 10**9


def _collect(entry: _Set, segments: Sequence[Segment], *, exported: bool) -> None:
    for segment in segments:
        tagged = dict(segment.tags).get(CLASS)
        if exported and tagged is None:
            continue
        name = segment.name if not exported or segment.named else ""
        said = (name, segment.term)
        first = entry.classes.setdefault(segment.value, said)
        if first[0] != name:
            entry.doubtful.setdefault(segment.value, (first[0], name))


def _described(name: str, entry: _Set) -> dict[str, Any]:
    """Return a set as ``mifa.yaml`` has it; classes only where a value means the same in all files."""
    kinds = [*entry.kinds]
    kind = kinds[0] if len(kinds) == 1 else ""
    if kind == "?":
        kind = "semantic" if entry.classes and not entry.doubtful else ""
    classes = [
        {
            "id": value,
            **({"name": said} if said else {}),
            **({"ontology_id": term} if term else {}),
        }
        for value, (said, term) in entry.classes.items()
    ]
    return {
        "name": name,
        "annotation_type": [MASK_TYPE],
        **({"mask_kind": kind} if kind else {}),
        **({"classes": classes} if classes and not entry.doubtful else {}),
    }


def _has_steps(file: _File) -> bool:
    """Return whether a voxel has a size other than 1, which is how an unknown one is written."""
    directions = [row for row in file.fields.get("space directions", ()) if row is not None]
    return any(abs(float(np.linalg.norm(row)) - 1) > 1e-9 for row in directions)


def _begin(stem: str, name: str) -> int:
    """Return the length of a name that a stem begins with as a whole word; 0 if it does not."""
    if not name or not stem.casefold().startswith(name.casefold()):
        return 0
    rest = stem[len(name) :]
    return len(name) if not rest or rest[0] in "-_. " else 0


def _geometry(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return space, directions and origin as JSON; empty if they are those that an export writes of itself."""
    directions = fields.get("space directions")
    if directions is None:
        return {}
    rows = [np.asarray(row, float) for row in directions if row is not None]
    rows = [row for row in rows if np.isfinite(row).all()]
    origin = np.asarray(fields.get("space origin", [0.0] * 3), float)
    space = str(fields.get("space", LPS))
    if len(rows) != 3 or any(len(row) != 3 for row in rows) or len(origin) != 3:
        return {}
    matrix = np.array(rows)
    plain = space == LPS and not origin.any() and np.array_equal(matrix, np.diag(np.abs(np.diag(matrix))))
    if plain or not np.isfinite(origin).all():
        return {}
    return {"space": space, "space directions": matrix.tolist(), "space origin": origin.tolist()}
