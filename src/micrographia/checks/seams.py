"""Find images that are neighbouring tiles of one field: an edge of one continues in an edge of the other.

The outermost lines of pixels of two touching tiles are as alike as two neighbouring lines inside either. So for every
pair, the right edge of one is correlated with the left edge of the other (and bottom with top), and a pair counts when

- the correlation is high, and
- what is left after a straight line was fitted is no larger than between neighbouring lines inside the tiles, and
- so is the step in brightness (or the correlation is higher still: tiles whose brightness was rescaled one by one).

Where noise hides a seam, the same is asked of edges that were smoothed along their length.

The same is done with edges that cannot touch: one of them reversed, or the same side of both images. These null pairs
have the edges' own smoothness, contrast and objects, and tell how many of the seams are chance. The least correlation
asked for is raised until that share is small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks.fields_links import Kind, Link, least_of
from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.checks.seams_edges import BLOCK, NOTHING, Edges, Judged, candidates, edges_of, judge

Array = npt.NDArray[Any]

LEAST = 0.95
"""Least correlation of two edges."""
_GRID = (LEAST, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.999)
_OPPOSITE = (("right", "left"), ("bottom", "top"))
MODES = ("touching", "smoothed", "rescaled", "gap", "overlap")


@dataclass(frozen=True, slots=True)
class SeamCount:
    """Seams among the images of one frame size, against the null.

    Parameters
    ----------
    frame
        Rows x columns, or ``mixed`` for pairs of different size.
    images
        How many there are.
    compared
        Pairs of edges that were compared.
    seams, joined
        Pairs that count as seams, and images that have at least one.
    null_compared, null
        Pairs of edges that cannot touch, and those among them that would have counted.
    plain, plain_joined, plain_flipped
        By correlation above 0.95 alone: pairs, images, and pairs with one edge reversed (as many were compared). Pairs
        that are alike only in what is common to all images, such as uneven light, are left out.
    """

    frame: str
    images: int
    compared: int
    seams: int
    joined: int
    null_compared: int
    null: int
    plain: int
    plain_joined: int
    plain_flipped: int

    @property
    def expected_false(self) -> float:
        """How many of the seams are expected to be chance."""
        return self.null * self.compared / self.null_compared if self.null_compared else 0.0

    @property
    def expected_false_bound(self) -> float:
        """Upper end of a 95% interval of :attr:`expected_false` (one-sided, Poisson)."""
        if not self.null_compared:
            return 0.0
        from scipy.special import gammaincinv

        return float(gammaincinv(self.null + 1, 0.95)) * self.compared / self.null_compared

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {
            "expected_false": round(self.expected_false, 3),
            "expected_false_bound": round(self.expected_false_bound, 3),
        }


def pooled(counts: Sequence[SeamCount]) -> SeamCount:
    """Return the counts of all frame sizes together."""
    summed = [sum(getattr(count, field.name) for count in counts) for field in fields(SeamCount)[1:]]
    return SeamCount("all", *summed)


@dataclass(frozen=True)
class Seams:
    """What :func:`find_seams` found.

    Parameters
    ----------
    links
        One a pair of images, with its evidence.
    counts
        One row a frame size.
    thresholds
        Least correlation a mode of :data:`MODES`, after calibration.
    """

    links: tuple[Link, ...]
    counts: tuple[SeamCount, ...]
    thresholds: Mapping[str, float]


@dataclass(slots=True)
class _Pairs:
    """Judged pairs of edges of one comparison, as (first, second) image and what was found."""

    null: bool
    flipped: bool
    a: Edges
    b: Edges
    judged: Judged

    def names(self, at: int) -> tuple[str, str]:
        """Return the two ids of an entry."""
        return self.a.names[int(self.judged.first[at])], self.b.names[int(self.judged.second[at])]


def find_seams(images: Mapping[str, ImageFacts], skip: Collection[tuple[str, str]] = ()) -> Seams:
    """Find seams between images.

    Parameters
    ----------
    images
        Image id to facts; images without prints are passed over.
    skip
        Sorted pairs of ids that are left out on both sides of the comparison: copies of each other have equal edges.

    Returns
    -------
    Seams
        A right and a left (bottom and top) edge that are each other's best match make at most one seam.
    """
    left_out = set(skip)
    compared: dict[str, int] = {}
    null_compared: dict[str, int] = {}
    found: list[_Pairs] = []
    for edges in _classes(images):
        for first, second in _OPPOSITE:
            for a, b, null, flipped in _comparisons(edges, first, second):
                pairs = _compare(a, b, null=null, flipped=flipped, left_out=left_out)
                found.append(pairs)
                _tally(images, a, b, null_compared if null else compared)
    thresholds = _calibrate(found, sum(compared.values()), sum(null_compared.values()))
    kept = [(pairs, _kept(pairs, thresholds)) for pairs in found]
    links = tuple(link for pairs, mask in kept if not pairs.null for link in _links(pairs, mask))
    return Seams(links, _counts(images, kept, compared, null_compared), thresholds)


def _classes(images: Mapping[str, ImageFacts]) -> Iterator[dict[str, Edges]]:
    """Yield the edges of images whose edges have one length and the same channels: both sides of one direction."""
    classes: dict[tuple[Any, ...], list[str]] = {}
    for name, facts in images.items():
        if facts.prints is None:
            continue
        for sides in _OPPOSITE:
            lines = facts.prints.edges[sides[0]]
            length = facts.prints.shape[0 if sides[0] == "right" else 1]
            classes.setdefault((sides, facts.rgb, len(lines), length), []).append(name)
    for (sides, *_), names in sorted(classes.items(), key=lambda item: repr(item[0])):
        if len(names) > 1:
            prints = [images[name].prints for name in names]
            yield {side: edges_of(side, names, [p for p in prints if p is not None]) for side in sides}


def _comparisons(
    edges: dict[str, Edges], first: str, second: str
) -> Iterator[tuple[Edges, Edges, bool, bool]]:
    """Yield pairs of sides, whether they cannot touch, and whether that is because one is reversed."""
    if first not in edges:
        return
    a, b = edges[first], edges[second]
    yield a, b, False, False
    yield a, b.reversed(), True, True
    yield a, a, True, False
    yield b, b, True, False


def _compare(a: Edges, b: Edges, *, null: bool, flipped: bool, left_out: set[tuple[str, str]]) -> _Pairs:
    place = {name: at for at, name in enumerate(a.names)}
    pairs = [(place[x], place[y]) for x, y in left_out if x in place and y in place]
    coded = np.array([x * len(place) + y for i, j in pairs for x, y in ((i, j), (j, i))], np.int64)
    parts: list[Judged] = []
    for start in range(0, len(a.names), BLOCK):
        i, j, alike = candidates(a, b, slice(start, start + BLOCK))
        allowed = ~np.isin(i * len(place) + j, coded)
        judged = judge(a, b, i[allowed], j[allowed], alike[allowed], LEAST)
        parts.append(judged.where((judged.mode != NOTHING) | (judged.plain >= LEAST)))
    return _Pairs(null, flipped, a, b, Judged.joined(parts).mutual())


def _calibrate(found: Sequence[_Pairs], compared: int, null_compared: int) -> dict[str, float]:
    """Return the least correlation a mode: the lowest at which few enough of the seams are expected to be chance."""
    weight = compared / max(1, null_compared)
    return {
        mode: least_of(
            _correlations(found, mode, null=False), _correlations(found, mode, null=True), weight, _GRID
        )
        for mode in MODES
    }


def _correlations(found: Sequence[_Pairs], mode: str, *, null: bool) -> Array:
    parts = [pairs.judged.r[pairs.judged.mode == MODES.index(mode)] for pairs in found if pairs.null == null]
    return np.concatenate(parts) if parts else np.zeros(0)


def _kept(pairs: _Pairs, thresholds: Mapping[str, float]) -> Array:
    least = np.array([*(thresholds[mode] for mode in MODES), 2.0])
    return pairs.judged.r >= least[pairs.judged.mode]


def _links(pairs: _Pairs, mask: Array) -> Iterator[Link]:
    judged = pairs.judged
    for at in np.flatnonzero(mask).tolist():
        mode = MODES[judged.mode[at]]
        evidence = {
            "edge": f"{pairs.a.side} of the first",
            "correlation": round(float(judged.r[at]), 4),
            "residual": round(float(judged.residual[at]), 2),
            "step": round(float(judged.step[at]), 2),
            "how": mode,
            "pixels": int(judged.offset[at]),
        }
        yield Link(Kind.SEAM, *pairs.names(at), evidence)


def _counts(
    images: Mapping[str, ImageFacts],
    kept: Sequence[tuple[_Pairs, Array]],
    compared: Mapping[str, int],
    null_compared: Mapping[str, int],
) -> tuple[SeamCount, ...]:
    sizes: dict[str, int] = {}
    for facts in images.values():
        if facts.prints is not None:
            frame = _frame(facts)
            sizes[frame] = sizes.get(frame, 0) + 1
    totals = {frame: dict.fromkeys(("seams", "null", "plain", "plain_flipped"), 0) for frame in compared}
    joined: dict[str, set[str]] = {frame: set() for frame in compared}
    plain_joined: dict[str, set[str]] = {frame: set() for frame in compared}
    for pairs, mask in kept:
        plain = pairs.judged.plain
        for at in np.flatnonzero(mask | (plain >= LEAST)).tolist():
            first, second = pairs.names(at)
            frame = _common(images, first, second)
            total = totals[frame]
            if mask[at]:
                total["null" if pairs.null else "seams"] += 1
                joined[frame].update(() if pairs.null else (first, second))
            if plain[at] >= LEAST and pairs.flipped:
                total["plain_flipped"] += 1
            elif plain[at] >= LEAST and not pairs.null:
                total["plain"] += 1
                plain_joined[frame].update((first, second))
    return tuple(
        SeamCount(
            frame,
            sizes.get(frame, 0),
            compared[frame],
            totals[frame]["seams"],
            len(joined[frame]),
            null_compared.get(frame, 0),
            totals[frame]["null"],
            totals[frame]["plain"],
            len(plain_joined[frame]),
            totals[frame]["plain_flipped"],
        )
        for frame in sorted(compared)
    )


def _tally(images: Mapping[str, ImageFacts], a: Edges, b: Edges, into: dict[str, int]) -> None:
    """Count the pairs of edges that a comparison holds, by frame."""
    same = a.side == b.side
    sizes: dict[str, int] = {}
    for name in a.names:
        frame = _frame(images[name])
        sizes[frame] = sizes.get(frame, 0) + 1
    number = len(a.names)
    rest = number * (number - 1)
    for frame, size in sizes.items():
        pairs = size * (size - 1)
        rest -= pairs
        into[frame] = into.get(frame, 0) + (pairs // 2 if same else pairs)
    if rest:
        into["mixed"] = into.get("mixed", 0) + (rest // 2 if same else rest)


def _frame(facts: ImageFacts) -> str:
    shape = facts.prints.shape if facts.prints is not None else facts.shape[-2:]
    return f"{shape[0]}x{shape[1]}{' rgb' if facts.rgb else ''}"


def _common(images: Mapping[str, ImageFacts], first: str, second: str) -> str:
    one, other = _frame(images[first]), _frame(images[second])
    return one if one == other else "mixed"
