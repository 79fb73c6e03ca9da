"""What changed between two versions of a dataset: findings mended and broken, images and annotations changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from micrographia.checks.checking import check
from micrographia.checks.result import Score
from micrographia.dataset import Dataset, FileRow, open_dataset
from micrographia.findings import Finding


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to the images, or to the annotations: names, sorted.

    Parameters
    ----------
    added, removed
        Only in the new, only in the old version.
    changed
        In both, with other checksums.
    rewritten
        In both, in another format; whether the content is the same is for ``micrographia hash`` to say.
    unknown
        In both, but without checksums that could be compared.
    same
        How many are in both, unchanged.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    same: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values."""
        names = ("added", "removed", "changed", "rewritten", "unknown")
        return {name: list(getattr(self, name)) for name in names} | {"same": self.same}


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two versions of a dataset.

    Parameters
    ----------
    old, new
        Their paths.
    mended
        Findings of the old version that the new one does not have.
    broke
        Findings of the new version that the old one did not have.
    still
        Findings of both, as the new version has them.
    images, annotations
        What happened to them.
    scores
        Of the old and of the new version.
    """

    old: str
    new: str
    mended: tuple[Finding, ...]
    broke: tuple[Finding, ...]
    still: tuple[Finding, ...]
    images: Change
    annotations: Change
    scores: tuple[tuple[Score, Score], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values."""
        return {
            "format": "micrographia-diff",
            "format_version": 1,
            "old": self.old,
            "new": self.new,
            "mended": [finding.to_json() for finding in self.mended],
            "broke": [finding.to_json() for finding in self.broke],
            "still": [finding.to_json() for finding in self.still],
            "images": self.images.to_json(),
            "annotations": self.annotations.to_json(),
            "scores": {
                new.letter: {"old": [old.passed, old.applicable], "new": [new.passed, new.applicable]}
                for old, new in self.scores
            },
        }


def diff(
    old: Path | str, new: Path | str, *, pixels: bool = False, workers: int | None = None, quiet: bool = True
) -> Difference:
    """Compare two versions of a dataset.

    Parameters
    ----------
    old, new
        Their folders.
    pixels
        Check the pixels of both, too.
    workers
        Number of workers; None for one a processor.
    quiet
        Show no progress.

    Raises
    ------
    MicrographiaError
        If one of the folders is no dataset.
    """
    sets = open_dataset(old), open_dataset(new)
    before, after = (check(one, pixels=pixels, workers=workers, quiet=quiet) for one in sets)
    mended, broke, still = compare_findings(before.findings, after.findings)
    return Difference(
        str(old),
        str(new),
        mended,
        broke,
        still,
        _compare(_images(sets[0]), _images(sets[1])),
        _compare(_annotations(sets[0]), _annotations(sets[1])),
        tuple(zip(before.scores, after.scores, strict=True)),
    )


def compare_findings(
    old: Iterable[Finding], new: Iterable[Finding]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings that are gone, that are new, and that are still there.

    Two findings are the same if code, file, field and message are; else, of those left, if code, file and field are.
    Lines move, so they do not count.
    """
    gone, fresh = list(old), list(new)
    still: list[Finding] = []
    for identity in (_exactly, _roughly):
        waiting: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
        for finding in gone:
            waiting[identity(finding)].append(finding)
        left = []
        for finding in fresh:
            if waiting[identity(finding)]:
                waiting[identity(finding)].pop(0)
                still.append(finding)
            else:
                left.append(finding)
        fresh = left
        kept = {id(finding) for held in waiting.values() for finding in held}
        gone = [finding for finding in gone if id(finding) in kept]
    position = {id(finding): at for at, finding in enumerate(new)} if isinstance(new, (list, tuple)) else {}
    still.sort(key=lambda finding: position.get(id(finding), 0))
    return tuple(gone), tuple(fresh), tuple(still)


def _exactly(finding: Finding) -> tuple[str, ...]:
    return (finding.code, finding.path, finding.field, finding.message)


def _roughly(finding: Finding) -> tuple[str, ...]:
    return (finding.code, finding.path, finding.field)


Files = Mapping[str, list[FileRow]]


def _images(dataset: Dataset) -> Files:
    return {image: dataset.image_rows(image) for image in dataset.image_ids}


def _annotations(dataset: Dataset) -> Files:
    found: dict[str, list[FileRow]] = defaultdict(list)
    for row in dataset.rows:
        if row.role == "annotation":
            found[
                f"{row.set or row.type} of {row.source}" if row.source else f"{row.set or row.type}"
            ].append(row)
    return found


def _compare(old: Files, new: Files) -> Change:
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in sorted(old.keys() & new.keys()):
        kinds[_kind(old[name], new[name])].append(name)
    return Change(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(kinds["changed"]),
        rewritten=tuple(kinds["rewritten"]),
        unknown=tuple(kinds["unknown"]),
        same=len(kinds["same"]),
    )


def _kind(old: list[FileRow], new: list[FileRow]) -> str:
    sums = [sorted((row.sha256.lower(), row.member) for row in rows) for rows in (old, new)]
    if not all(checksum for held in sums for checksum, _ in held):
        return "unknown"
    if sums[0] == sums[1]:
        return "same"
    return "changed" if {_ending(row) for row in old} == {_ending(row) for row in new} else "rewritten"


def _ending(row: FileRow) -> str:
    return ".zarr" if ".zarr" in row.path.lower() else row.path.lower().rsplit(".", 1)[-1]
