"""Hidden groups: images that are copies, tiles, crops or neighbours of each other although nothing says so.

A random split over such images leaks: a model is tested on what it has seen. Each kind of link has its own test and
its own null, which says how many links are expected by chance; links make groups, proposed as a column
``group:field``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from micrographia.checks.duplicates import identical, near_identical
from micrographia.checks.fields_links import Kind, Link, connected
from micrographia.checks.fields_neighbours import find_neighbours
from micrographia.checks.fields_overlap import find_overlaps
from micrographia.checks.fields_planes import PlaneCache, Planes, reference_plane
from micrographia.checks.fields_slides import Slides, find_slides
from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.checks.seams import SeamCount, find_seams, pooled
from micrographia.dataset import Dataset
from micrographia.dataset.manifest import GROUP, NAME, read_manifest, write_manifest
from micrographia.errors import DatasetError

__all__ = [
    "COLUMN",
    "FieldGroups",
    "Kind",
    "Link",
    "propose_groups",
    "reference_plane",
    "write_groups",
]

COLUMN = "field"
"""Name of the proposed group column, without ``group:``."""


@dataclass(frozen=True)
class FieldGroups:
    """Groups of images that belong together, with the evidence.

    Parameters
    ----------
    column
        Image id to group, for images that are linked to another; the group is named after its first image.
    links
        One entry a pair and kind. Links of kind ``same slide`` are weak and make no groups.
    seams
        Seams against the null, a row a frame size.
    thresholds
        Least correlation of a seam, for each way in which edges may fit, after calibration against the null.
    null_counts
        Kind of link to how often pairs that cannot belong together passed the same test.
    false_alarm_rate
        Share of the seams that is expected to be chance; 0 where no null pair passed, NaN without seams.
    false_alarm_bound
        Upper end of its one-sided 95% interval.
    slides
        What the colours of stain and background say; None without colour pictures.
    notes
        What was not looked at, and why.
    """

    column: Mapping[str, str]
    links: tuple[Link, ...]
    seams: tuple[SeamCount, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    null_counts: Mapping[str, int] = field(default_factory=dict)
    false_alarm_rate: float = math.nan
    false_alarm_bound: float = math.nan
    slides: Slides | None = None
    notes: tuple[str, ...] = ()

    def groups(self) -> dict[str, list[str]]:
        """Return group to its images."""
        found: dict[str, list[str]] = {}
        for image, group in self.column.items():
            found.setdefault(group, []).append(image)
        return found

    def links_between(self, first: str, second: str) -> list[Link]:
        """Return what links two images directly."""
        return [link for link in self.links if {link.first, link.second} == {first, second}]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; NaN becomes None."""
        return {
            "groups": self.groups(),
            "links": [link.to_json() for link in self.links],
            "seams": [count.to_json() for count in self.seams],
            "thresholds": dict(self.thresholds),
            "null_counts": dict(self.null_counts),
            "false_alarm_rate": None if math.isnan(self.false_alarm_rate) else self.false_alarm_rate,
            "false_alarm_bound": None if math.isnan(self.false_alarm_bound) else self.false_alarm_bound,
            "notes": list(self.notes),
        }


def propose_groups(facts: Mapping[str, ImageFacts], planes: Planes | None = None) -> FieldGroups:
    """Propose which images belong together.

    Parameters
    ----------
    facts
        Image id to what its pixels are.
    planes
        Fetches the plane of an image for pairs that seem to belong together, as :func:`reference_plane` does; None
        looks only for what the facts alone can tell: equal pixels, seams, and the colours of stain.

    Returns
    -------
    FieldGroups
        The same for the same facts, whatever their order of reading.
    """
    notes: list[str] = []
    links: list[Link] = []
    null: dict[str, int] = {}
    alone = dict(facts)
    for first, *copies in identical(facts):
        links.extend(Link(Kind.IDENTICAL, first, copy) for copy in copies)
        for copy in copies:
            del alone[copy]
    close: set[tuple[str, str]] = set()
    if planes is not None:
        fetch = PlaneCache(planes)
        near = near_identical(alone, fetch)
        _note(notes, near.passed_over, "copies")
        links.extend(near.links)
        close.update(link.pair for link in near.links)
        for second in {link.second for link in near.links}:
            alone.pop(second, None)
    seams = find_seams(alone, close)
    links.extend(seams.links)
    null[Kind.SEAM] = sum(count.null for count in seams.counts)
    if planes is not None:
        touching = close | {link.pair for link in seams.links}
        overlaps = find_overlaps(alone, fetch, touching)
        links.extend(overlaps.links)
        null[Kind.OVERLAP] = overlaps.null
        _note(notes, overlaps.passed_over, "overlaps")
        touching |= {link.pair for link in overlaps.links}
        neighbours = find_neighbours(alone, fetch, touching)
        links.extend(neighbours.links)
        null[Kind.NEIGHBOUR] = neighbours.null
        _note(notes, neighbours.passed_over, "neighbouring slices")
        notes.extend(f"{name}: {reason}" for name, reason in fetch.failed.items())
    slides = find_slides(alone, [link.pair for link in links if link.kind is not Kind.IDENTICAL])
    together = pooled(seams.counts)
    total = len(seams.links)
    return FieldGroups(
        _column(facts, links),
        (*links, *slides.links),
        seams.counts,
        seams.thresholds,
        {str(kind): number for kind, number in null.items()},
        together.expected_false / total if total else math.nan,
        together.expected_false_bound / total if total else math.nan,
        slides if any(one.stain is not None for one in facts.values()) else None,
        tuple(notes),
    )


def write_groups(dataset: Dataset, groups: FieldGroups, column: str = COLUMN) -> int:
    """Write the proposed groups into ``files.tsv`` as the column ``group:COLUMN``; everything else is kept.

    Every image gets a value: one that is linked to no other is a group of its own.

    Parameters
    ----------
    dataset
        The dataset; open it again to see the column.
    groups
        What :func:`propose_groups` returned.
    column
        Name of the column, without ``group:``.

    Returns
    -------
    int
        Number of groups with more than one image.

    Raises
    ------
    DatasetError
        If there is such a column already, or the file cannot be written.
    """
    path = dataset.path / NAME
    frame, _ = read_manifest(path)
    name = f"{GROUP}{column}"
    if name in frame.columns and frame[name].astype(str).str.strip().any():
        raise DatasetError(path, f"has a column {name} already", "Remove or rename it to have one proposed")
    values = []
    for role, image, source in zip(frame["role"], frame["image"], frame["source image"], strict=True):
        of = image if role == "image" else source if role == "annotation" else ""
        values.append(groups.column.get(of, of))
    frame[name] = values
    write_manifest(path, frame)
    return len(groups.groups())


def _column(facts: Mapping[str, ImageFacts], links: list[Link]) -> dict[str, str]:
    parts = connected(facts, (link.pair for link in links))
    return {image: f"field-{_short(part[0])}" for part in parts if len(part) > 1 for image in part}


def _short(image: str) -> str:
    """Return a name for the group of an image that does not change when other images come or go."""
    return hashlib.sha256(image.encode()).hexdigest()[:10] if len(image) > 40 else image


def _note(notes: list[str], number: int, what: str) -> None:
    if number:
        notes.append(
            f"{number:,} pairs that are alike were not compared in full for {what}: there are too many"
        )
