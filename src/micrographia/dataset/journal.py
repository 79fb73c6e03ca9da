"""The resume journal of a conversion: what was begun, when, and which images are done."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from micrographia.dataset.opening import ImageFiles
from micrographia.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Done:
    """One image that was converted.

    Parameters
    ----------
    image
        Its id.
    source
        Fingerprint of what it was made from (:func:`fingerprint`).
    pixels, masks
        Content digests.
    files
        Path below the image's folder to size and SHA-256 of every file that was written.
    layers
        Label name to (annotation set, layer).
    bytes_read
        Bytes of decoded pixels.
    """

    image: str
    source: str
    pixels: str
    masks: dict[str, str]
    files: dict[str, tuple[int, str]]
    layers: dict[str, tuple[str, int]]
    bytes_read: int


class Journal:
    """A file of JSON lines beside the unfinished output: a header, then one line an image.

    Parameters
    ----------
    path
        The file.
    header
        What must be the same for a resumed run (format, options); ``started`` is kept from the first run.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.header = header
        self.done: dict[str, Done] = {}

    def begin(self) -> None:
        """Start afresh."""
        self.path.write_text(json.dumps(self.header) + "\n", encoding="utf-8")

    def resume(self) -> None:
        """Read what an interrupted run did; a last line that was cut off is dropped.

        Raises
        ------
        DatasetError
            If the journal is none, or the interrupted run had other options.
        """
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        try:
            header = json.loads(lines[0])
        except (ValueError, IndexError):
            header = None
        if not isinstance(header, dict):
            raise DatasetError(
                self.path, "is no journal of a conversion", "Remove it and the .partial folder"
            )
        for name, value in self.header.items():
            if name != "started" and header.get(name) != value:
                problem = f"the interrupted run had {name} {header.get(name)!r}, this one has {value!r}"
                raise DatasetError(
                    self.path, problem, "Resume with the same options, or remove the .partial folder"
                )
        self.header = header
        kept = [lines[0]]
        for line in lines[1:]:
            try:
                entry = json.loads(line)
            except ValueError:
                break
            if not line.endswith("\n"):
                break
            entry["files"] = {name: (size, checksum) for name, (size, checksum) in entry["files"].items()}
            entry["layers"] = {name: (held, layer) for name, (held, layer) in entry["layers"].items()}
            self.done[entry["image"]] = Done(**entry)
            kept.append(line)
        self.path.write_text("".join(kept), encoding="utf-8")

    def add(self, done: Done) -> None:
        """Note an image as done; on disk when this returns."""
        self.done[done.image] = done
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(done)) + "\n")
            file.flush()
            os.fsync(file.fileno())


def fingerprint(files: ImageFiles) -> str:
    """Return a checksum over what an image is made from: its rows with size and checksum, and a decided voxel size."""
    rows = [
        [row.path, row.member, row.channel, row.set, row.layer, row.axes, row.size, row.sha256]
        for row in (*files.rows, *files.mask_rows)
    ]
    document = [files.id, rows, sorted(files.voxel.items()), sorted(files.units.items())]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()
