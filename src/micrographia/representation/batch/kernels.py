"""Compiled loops of the metrics over neighbours and distances; they hold no lock, so threads run them side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels.jit import kernel

Array = npt.NDArray[Any]


@kernel
def simpson_rows(
    first: int,
    indices: Array,
    distances: Array,
    codes: Array,
    n_labels: int,
    perplexity: float,
    tolerance: float,
    most: int,
    simpson: Array,
) -> None:
    """Write Simpson's index of the labels around each row, for several labelings.

    Parameters
    ----------
    first
        The number of the first row of the block.
    indices, distances
        Neighbours of the block's rows ``(m, k)``; -1 is none.
    codes
        Labelings of all rows ``(n, labelings)``; -1 is none, in all of them or in none.
    n_labels
        Number of labels.
    perplexity, tolerance
        Perplexity of the weights, and how near its logarithm must be met.
    most
        How many neighbours with a label are looked at.
    simpson
        Written ``(m, labelings)``: sum over labels of the squared weight of the label; NaN where not more neighbours
        have a label than the perplexity.
    """
    m, k = indices.shape
    weights = np.empty(k)
    gaps = np.empty(k)
    kept = np.empty(k, np.int64)
    labelings = codes.shape[1]
    shares = np.zeros((labelings, n_labels))
    goal = np.log(perplexity)
    for row in range(m):
        count = 0
        nearest = np.inf
        for at in range(k):
            other = indices[row, at]
            if (
                other < 0
                or other == first + row
                or codes[other, 0] < 0
                or not np.isfinite(distances[row, at])
            ):
                continue
            kept[count] = other
            gaps[count] = distances[row, at]
            nearest = min(nearest, gaps[count])
            count += 1
            if count == most:
                break
        if count <= perplexity or codes[first + row, 0] < 0:
            simpson[row] = np.nan
            continue
        # Weights do not change when all distances shrink by the nearest, and then they cannot all underflow.
        for at in range(count):
            gaps[at] -= nearest
        beta, low, high = 1.0, -np.inf, np.inf
        total = 0.0
        # 50 steps are usual; far more are taken only for distances of extreme scale, which 50 doublings do not reach.
        for _ in range(2000):
            total = 0.0
            moment = 0.0
            for at in range(count):
                weights[at] = np.exp(-gaps[at] * beta)
                total += weights[at]
                moment += gaps[at] * weights[at]
            surplus = np.log(total) + beta * moment / total - goal
            if abs(surplus) < tolerance:
                break
            if surplus > 0:
                # Only what is exactly as near as the nearest is left: copies; no weight can tell them apart.
                if moment == 0.0:
                    break
                low = beta
                beta = (beta + high) / 2 if np.isfinite(high) else beta * 2
            else:
                high = beta
                beta = (beta + low) / 2 if np.isfinite(low) else beta / 2
        for at in range(count):
            weight = weights[at] / total
            for labeling in range(labelings):
                shares[labeling, codes[kept[at], labeling]] += weight
        for labeling in range(labelings):
            index = 0.0
            for at in range(count):
                label = codes[kept[at], labeling]
                index += shares[labeling, label] * shares[labeling, label]
                shares[labeling, label] = 0.0
            simpson[row, labeling] = index


@kernel
def add_distances(
    products: Array,
    row_norms: Array,
    column_norms: Array,
    rows: Array,
    columns: Array,
    row_copies: Array,
    column_copies: Array,
    codes: Array,
    euclidean: bool,
    sums: Array,
) -> None:
    """Add the distances of each row of a block to all columns of a block, by the label of the column.

    Parameters
    ----------
    products
        Inner products ``(m, c)``; overwritten with the distances.
    row_norms, column_norms
        Squared norms ``(m,)`` and ``(c,)``, float64.
    rows, columns
        Features ``(m, d)`` and ``(c, d)``, to measure short distances again, which the products give too roughly.
    row_copies, column_copies
        Numbers that rows share exactly when they are copies of each other.
    codes
        Labels of the columns ``(c,)``.
    euclidean
        Euclidean distance; else 1 minus the product.
    sums
        Added to ``(m, labels)``, float64.
    """
    m, c = products.shape
    rough = 1e-4 if products.itemsize == 4 else 1e-10
    for i in range(m):
        for j in range(c):
            if row_copies[i] == column_copies[j]:
                products[i, j] = 0.0
                continue
            if euclidean:
                both = row_norms[i] + column_norms[j]
                squared = both - 2.0 * products[i, j]
                if squared < rough * both:
                    squared = 0.0
                    for at in range(rows.shape[1]):
                        gap = float(rows[i, at]) - float(columns[j, at])
                        squared += gap * gap
                far = np.sqrt(squared)
            else:
                far = 1.0 - products[i, j]
            sums[i, codes[j]] += far
            products[i, j] = far


@kernel
def add_to_columns(distances: Array, codes: Array, sums: Array) -> None:
    """Add the distances of a block ``(m, c)`` to its columns, by the label of the row.

    Parameters
    ----------
    distances
        Distances ``(m, c)``.
    codes
        Labels of the rows ``(m,)``.
    sums
        Added to ``(c, labels)``, float64.
    """
    m, c = distances.shape
    scratch = np.zeros((sums.shape[1], c))
    for i in range(m):
        row, into = distances[i], scratch[codes[i]]
        for j in range(c):
            into[j] += row[j]
    for j in range(c):
        for label in range(sums.shape[1]):
            sums[j, label] += scratch[label, j]


@kernel
def silhouette_rows(sums: Array, codes: Array, sizes: Array, out: Array) -> None:
    """Write the silhouette of each row of a block from its summed distances.

    Parameters
    ----------
    sums
        Sum of the distances to the rows of each label ``(m, labels)``.
    codes
        Labels of the rows ``(m,)``.
    sizes
        Rows of each label ``(labels,)``.
    out
        Written ``(m,)``; NaN for a label of a single row.
    """
    m, labels = sums.shape
    for i in range(m):
        own = codes[i]
        if sizes[own] < 2:
            out[i] = np.nan
            continue
        within = sums[i, own] / (sizes[own] - 1)
        other = np.inf
        for label in range(labels):
            if label != own:
                other = min(other, sums[i, label] / sizes[label])
        larger = max(within, other)
        out[i] = 0.0 if within == other else (other - within) / larger


@kernel
def hash_rows(words: Array, out: Array) -> None:
    """Write a 64-bit number for each row of words (uint64 ``(n, w)``), the same for equal rows."""
    multiplier = np.uint64(0x9E3779B185EBCA87)
    shift = np.uint64(29)
    for i in range(words.shape[0]):
        state = np.uint64(0x27D4EB2F165667C5)
        for at in range(words.shape[1]):
            state = (state ^ words[i, at]) * multiplier
            state ^= state >> shift
        out[i] = state


@kernel
def count_kinds(indices: Array, biology: Array, centre: Array, k: int, counts: Array) -> None:
    """Count same and other biology and centre among the nearest ``k`` of each row.

    Parameters
    ----------
    indices
        Neighbours ``(n, width)``, nearest first; -1 is none.
    biology, centre
        Labels ``(n,)``; -1 is none.
    k
        How many neighbours with labels are looked at.
    counts
        Written ``(n, 4)``: SS, SO, OS, OO.
    """
    n, width = indices.shape
    for row in range(n):
        if biology[row] < 0 or centre[row] < 0:
            continue
        seen = 0
        for at in range(width):
            other = indices[row, at]
            if other < 0 or other == row or biology[other] < 0 or centre[other] < 0:
                continue
            kind = (0 if biology[other] == biology[row] else 2) + (0 if centre[other] == centre[row] else 1)
            counts[row, kind] += 1
            seen += 1
            if seen == k:
                break


@kernel
def follow_circle(members: Array, keys: Array, indices: Array, distances: Array) -> None:
    """Give each of some copies the next ones on a circle that share no key with it, if there are enough.

    Parameters
    ----------
    members
        Rows that are copies of each other, in random order ``(m,)``.
    keys
        Labels of all rows ``(n, keys)``; rows that share one are not each other's neighbours.
    indices, distances
        Neighbours of all rows ``(n, k)``: written with copies and 0 where a row finds ``k`` of them.
    """
    m, k = len(members), indices.shape[1]
    found = np.empty(k, np.int64)
    for at in range(m):
        row = members[at]
        if not np.isfinite(distances[row]).all():
            continue
        count = 0
        for step in range(1, m):
            other = members[(at + step) % m]
            apart = True
            for key in range(keys.shape[1]):
                if keys[row, key] == keys[other, key]:
                    apart = False
            if apart:
                found[count] = other
                count += 1
                if count == k:
                    indices[row] = found
                    distances[row] = 0.0
                    break
