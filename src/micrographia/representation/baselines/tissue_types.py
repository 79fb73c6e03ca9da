"""What the cells of a region are, alone and together with where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from micrographia.annotations.masks.kernels.runs import Array, Ints
from micrographia.representation.baselines.kernels.points import joins
from micrographia.representation.baselines.measured import Measured, joined
from micrographia.representation.baselines.tissue_positions import Region

_UNKNOWN = "no cell with a known type"


def composition(region: Region, names: Sequence[str]) -> Measured:
    """Return the share of each type among cells of known type, entropy (nats), Simpson's index and number of types."""
    full = (*(f"share_{name}" for name in names), "entropy", "simpson", "types")
    known = region.types[region.types >= 0]
    if not len(known):
        return Measured(full, np.full(len(full), np.nan), (_UNKNOWN,))
    share = np.bincount(known, minlength=len(names)) / len(known)
    seen = share[share > 0]
    entropy = float(-(seen * np.log(seen)).sum()) + 0.0
    return Measured(full, np.concatenate([share, [entropy, 1 - (share**2).sum(), len(seen)]]))


def both(region: Region, names: Sequence[str]) -> Measured:
    """Return what types and positions tell together: edges, enrichment, and distances between types."""
    return joined([*edge_types(region, names), type_distances(region, names)])


def edge_types(region: Region, names: Sequence[str]) -> list[Measured]:
    """Return the share of edges of the Delaunay graph that join each pair of types, and their enrichment.

    Enrichment is the number of edges less its mean over its standard deviation when the types are shuffled over the
    cells (join counts under randomisation: Moran 1948, Cliff & Ord 1981), see :func:`join_moments`. It is NaN where the
    SD is 0, as without cells of a type.
    """
    upper = np.triu_indices(len(names))
    pairs = [f"{names[i]}~{names[j]}" for i, j in np.transpose(upper).tolist()]
    shares, scores = tuple(f"edges_{pair}" for pair in pairs), tuple(f"enrichment_{pair}" for pair in pairs)
    nothing = np.full(len(pairs), np.nan)
    edges = region.edges
    if edges is not None:
        a, b = edges
        kept = (region.types[a] >= 0) & (region.types[b] >= 0)
        a, b = a[kept], b[kept]
    if edges is None or not len(a):
        why = ("no edge between cells of known type",)
        return [Measured(shares, nothing, why), Measured(scores, nothing.copy(), why)]
    counts = joins(a, b, region.types, len(names))
    mean, variance = join_moments(a, b, region.types, len(names))
    score = np.full(counts.shape, np.nan)
    spread = variance > 1e-9 * np.maximum(mean, 1)
    score[spread] = (counts[spread] - mean[spread]) / np.sqrt(variance[spread])
    flat = score[upper]
    lacking = ["a type without cells has no enrichment"] if np.isnan(flat).any() else []
    return [Measured(shares, counts[upper] / len(a)), Measured(scores, flat, tuple(lacking))]


def join_moments(a: Ints, b: Ints, types: Ints, count: int) -> tuple[Array, Array]:
    """Return mean and variance of the number of edges between types when these are shuffled over the cells.

    With ``m`` edges, ``w`` pairs of edges that share a cell and the falling factorials of the numbers of cells,
    ``E[J^2] = m p2 + 2 w p3 + (m (m - 1) - 2 w) p4``, where ``p2``, ``p3`` and ``p4`` are the chances that one edge,
    two edges with a common cell, and two without join the types.

    Parameters
    ----------
    a, b
        Ends of the edges, cells of known type only.
    types
        Number of the type of each cell, -1 for unknown.
    count
        Number of types.

    Returns
    -------
    tuple of arrays
        (count, count) each, symmetric.
    """
    known = types >= 0
    n = np.bincount(types[known], minlength=count).astype(np.float64)
    total = n.sum()
    m = float(len(a))
    degree = (np.bincount(a, minlength=len(types)) + np.bincount(b, minlength=len(types))).astype(np.float64)
    w = float((degree * (degree - 1)).sum() / 2)
    falls = [total]
    for step in range(1, 4):
        falls.append(falls[-1] * max(total - step, 1.0))
    two, three, four = falls[1:]
    i, j = n[:, None], n[None, :]
    p2, p3 = 2 * i * j / two, i * j * (i + j - 2) / three
    p4 = 4 * i * (i - 1) * j * (j - 1) / four
    same = np.diag_indices(count)
    p2[same] = n * (n - 1) / two
    p3[same] = n * (n - 1) * (n - 2) / three
    p4[same] = n * (n - 1) * (n - 2) * (n - 3) / four
    mean = m * p2
    square = m * p2 + 2 * w * p3 + (m * (m - 1) - 2 * w) * p4
    return mean, np.maximum(square - mean**2, 0.0)


def type_distances(region: Region, names: Sequence[str]) -> Measured:
    """Return for each pair of types the median distance from a cell of the first to the nearest other of the second."""
    from scipy.spatial import cKDTree

    full = tuple(f"nearest_{other}_from_{name}" for name in names for other in names)
    held = np.full((len(names), len(names)), np.nan)
    order = np.argsort(region.types, kind="stable")
    points, types = region.points[order], region.types[order]
    starts = np.searchsorted(types, np.arange(len(names) + 1))
    known = int(starts[0])
    present = [at for at in range(len(names)) if starts[at] < starts[at + 1]]
    for other in present:
        own = slice(starts[other], starts[other + 1])
        away = cKDTree(points[own]).query(points[known:])[0]
        size = starts[other + 1] - starts[other]
        if size > 1:
            away[own.start - known : own.stop - known] = cKDTree(points[own]).query(points[own], 2)[0][:, 1]
        for name in present:
            if name != other or size > 1:
                held[name, other] = np.median(away[starts[name] - known : starts[name + 1] - known])
    if not present:
        return Measured(full, held.ravel(), (_UNKNOWN,))
    why = ("a type without cells, or with one, has no distance",) if np.isnan(held).any() else ()
    return Measured(full, held.ravel(), why)
