"""Tracks of the Cell Tracking Challenge: `man_track.txt` or `res_track.txt`, a line `L B E P` a track.

| line | here |
|---|---|
| L, the label of the track in the label images | `track_id` and `label_id` |
| B, E: first and last time point | a row in `tracks` for each time point |
| P: the track it came from, or 0 | `parent` |

The label images are files of their own. Positions, classes, names, confidence, annotators, sets, ignore and
attributes have no place; a track with gaps, or whose label is not its number, is written with a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from micrographia.annotations.codes import finding, listed
from micrographia.annotations.files import read_text, write_text
from micrographia.annotations.formats.base import ReadOptions, file_name, one_image, split_images, uncarried
from micrographia.annotations.model import Annotations
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

CARRIED = {"tracks": ("image", "t", "label_id", "track_id", "parent")}
MAX_ROWS = 10_000_000


@dataclass(frozen=True)
class CtcTracks:
    """Tracks of the Cell Tracking Challenge."""

    api_version: int = 1
    name: str = "ctc"
    title: str = "Cell Tracking Challenge"
    extensions: tuple[str, ...] = (".txt",)

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file has lines of four integers, the second not above the third."""
        lines = head.decode("ascii", errors="replace").splitlines()
        lines = [line for line in (lines if len(head) < 65536 else lines[:-1]) if line.strip()]
        if path.is_dir() or not lines:
            return False
        rows = [_row(line) for line in lines]
        return all(row is not None and row[1] <= row[2] for row in rows)

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file; see the table above."""
        text, _ = read_text(path)
        result = Annotations()
        rows: list[tuple[int, int, int, int]] = []
        bad: list[int] = []
        for number, line in enumerate(text.splitlines(), 1):
            row = _row(line)
            if row is not None and row[1] <= row[2]:
                rows.append(row)
            elif line.strip():
                bad.append(number)
        if bad and not rows:
            raise AnnotationError(path, "has no line of four integers L B E P", "Is it man_track.txt?")
        if bad:
            message = f"{len(bad)} lines are not four integers L B E P with B not above E"
            result.findings.append(finding("N003", message, path, line=bad[0], evidence={"lines": bad[:20]}))
        tracks = np.array(rows, np.int64).reshape(-1, 4)
        if len(np.unique(tracks[:, 0])) < len(tracks):
            result.findings.append(finding("N010", "tracks occur twice; all their lines are kept", path))
        lengths = [int(end) - int(begin) + 1 for begin, end in tracks[:, 1:3].tolist()]
        if sum(lengths) > MAX_ROWS:
            raise AnnotationError(
                path, f"claims {sum(lengths):,} rows of tracks; at most {MAX_ROWS:,} are read"
            )
        repeated = np.repeat(tracks, lengths, axis=0)
        steps = np.concatenate([np.arange(length) for length in lengths] or [np.empty(0, np.int64)])
        frame = pd.DataFrame(
            {"t": repeated[:, 1] + steps, "label_id": repeated[:, 0], "track_id": repeated[:, 0]}
        )
        frame["parent"] = pd.Series(repeated[:, 3], dtype="Int64").where(repeated[:, 3] != 0)
        frame["image"], frame["set"] = _image(path, options), options.set_name
        result.add("tracks", frame, path)
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a file, or a folder of `IMAGE_man_track.txt`; see the table above."""
        if not path.suffix:
            return [
                note
                for image, part in split_images(annotations)
                for note in self.write(part, path / f"{file_name(image)}_man_track.txt")
            ]
        one_image(annotations, self.title, path)
        findings = uncarried(annotations, self.title, CARRIED, path)
        lines, gaps, renamed = [], [], []
        for track, rows in annotations.table("tracks").groupby("track_id", sort=True):
            first, last = int(rows["t"].min()), int(rows["t"].max())
            parents = rows["parent"].dropna()
            lines.append(f"{track} {first} {last} {int(parents.iloc[0]) if len(parents) else 0}\n")
            if rows["t"].nunique() <= last - first:
                gaps.append(str(track))
            if (rows["label_id"].dropna() != track).any():
                renamed.append(str(track))
        for found, what in (
            (gaps, "have gaps, which are filled"),
            (renamed, "have labels other than their number"),
        ):
            if found:
                message = f"{len(found)} tracks {what}: {listed(found)}"
                findings.append(finding("N006", message, path, field="tracks"))
        write_text(path, "".join(lines))
        return findings


def _row(line: str) -> tuple[int, int, int, int] | None:
    words = line.split()
    if len(words) != 4 or not all(word.isdecimal() and len(word) < 18 for word in words):
        return None
    label, begin, end, parent = (int(word) for word in words)
    return label, begin, end, parent


def _image(path: Path, options: ReadOptions) -> str:
    name = options.image_of(path, "_man_track.txt", "_res_track.txt", ".txt")
    # Its usual place is 01_GT/TRA/man_track.txt, next to the image 01.
    if not options.image and name in ("man_track", "res_track"):
        folder = path.absolute().parent
        folder = folder.parent if folder.name.upper() == "TRA" else folder
        return folder.name.removesuffix("_GT").removesuffix("_RES") or name
    return name
