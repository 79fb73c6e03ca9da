"""Slow, plain versions of the metrics, written from their papers over sets of pixels, and pairs to try them on."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from micrographia.segmentation.metrics import Contingency

Labels = npt.NDArray[np.integer]
Pixels = set[tuple[int, ...]]

ELEMENTS = st.sampled_from((0, 0, 1, 2, 3, 9))


@st.composite
def pairs(draw: st.DrawFn, side: int = 7) -> tuple[Labels, Labels]:
    """Two small label images of one shape, (Y, X) or (Z, Y, X), that agree more or less."""
    shape = draw(st.lists(st.integers(1, side), min_size=2, max_size=3))
    truth = draw(arrays(np.int32, shape, elements=ELEMENTS))
    other = draw(arrays(np.int32, shape, elements=ELEMENTS))
    changed = draw(arrays(np.bool_, shape))
    return truth, np.where(changed, other, np.where(truth > 0, truth + 10, 0)).astype(np.int32)


def blobs(seed: int, shape: tuple[int, ...] = (96, 96), count: int = 40) -> tuple[Labels, Labels]:
    """Nearest-centre cells around random points, and the same around moved, lost and added ones."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 1, (count, len(shape))) * shape
    moved = centres[rng.random(count) > 0.15] + rng.normal(0, 2, (1, len(shape)))
    moved = np.concatenate([moved, rng.uniform(0, 1, (4, len(shape))) * shape])
    return cells(shape, centres, 8.0), cells(shape, moved, 7.5)


def cells(shape: tuple[int, ...], centres: npt.NDArray[np.float64], radius: float) -> Labels:
    """Return labels: the number of the nearest centre, 0 where that is further than ``radius``."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    distance = np.linalg.norm(grid[..., None, :] - centres, axis=-1)
    return np.where(distance.min(-1) <= radius, distance.argmin(-1) + 1, 0).astype(np.int32)


def objects(labels: Labels) -> dict[int, Pixels]:
    """Return the pixels of each label, by label."""
    found: dict[int, Pixels] = {}
    for place, label in np.ndenumerate(labels):
        if label:
            found.setdefault(int(label), set()).add(place)
    return found


def iou(a: Pixels, b: Pixels) -> Fraction:
    return Fraction(len(a & b), len(a | b))


def as_pairs(table: Contingency) -> dict[tuple[int, int], int]:
    """Return the overlaps by labels."""
    truth, predicted = table.truth_ids[table.truth_index], table.predicted_ids[table.predicted_index]
    return dict(
        zip(zip(truth.tolist(), predicted.tolist(), strict=True), table.overlaps.tolist(), strict=True)
    )


def dense(truth: dict[int, Pixels], predicted: dict[int, Pixels]) -> npt.NDArray[np.float64]:
    return np.array([[float(iou(a, b)) for b in predicted.values()] for a in truth.values()]).reshape(
        len(truth), len(predicted)
    )


def most_matches(truth: dict[int, Pixels], predicted: dict[int, Pixels], threshold: Fraction) -> int:
    """Return how many pairs of at least this intersection over union an assignment can have."""
    possible = np.array(
        [[iou(a, b) >= threshold and bool(a & b) for b in predicted.values()] for a in truth.values()]
    )
    if not possible.size:
        return 0
    rows, columns = linear_sum_assignment(~possible)
    return int(possible[rows, columns].sum())


def kumar(truth: dict[int, Pixels], predicted: dict[int, Pixels]) -> Fraction:
    """Return algorithm 1 of Kumar et al. 2017, line by line."""
    intersection, union, used = 0, 0, set()
    for pixels in truth.values():
        best = max(sorted(predicted), key=lambda label: iou(pixels, predicted[label]), default=None)
        if best is None or not pixels & predicted[best]:
            union += len(pixels)
            continue
        intersection += len(pixels & predicted[best])
        union += len(pixels | predicted[best])
        used.add(best)
    union += sum(len(pixels) for label, pixels in predicted.items() if label not in used)
    return Fraction(intersection, union)


def aji_plus(truth: dict[int, Pixels], predicted: dict[int, Pixels]) -> float:
    """Return AJI of the assignment with the largest sum of intersection over union."""
    matrix = dense(truth, predicted)
    rows, columns = linear_sum_assignment(-matrix)
    t, p = list(truth.values()), list(predicted.values())
    chosen = [(i, j) for i, j in zip(rows, columns, strict=True) if matrix[i, j] > 0]
    left = [t[i] for i in set(range(len(t))) - {i for i, _ in chosen}]
    left += [p[j] for j in set(range(len(p))) - {j for _, j in chosen}]
    union = sum(len(t[i] | p[j]) for i, j in chosen) + sum(map(len, left))
    return sum(len(t[i] & p[j]) for i, j in chosen) / union


def seg(truth: dict[int, Pixels], predicted: dict[int, Pixels]) -> float:
    """Return SEG: of each true object the Jaccard index with the predicted one that holds its majority."""
    found = [
        next((float(iou(a, b)) for b in predicted.values() if 2 * len(a & b) > len(a)), 0.0)
        for a in truth.values()
    ]
    return sum(found) / len(found)


def object_dice(truth: dict[int, Pixels], predicted: dict[int, Pixels]) -> float:
    """Return the object Dice coefficient of the GlaS challenge."""

    def half(a: dict[int, Pixels], b: dict[int, Pixels]) -> float:
        total, score = sum(map(len, a.values())), 0.0
        for pixels in a.values():
            best = max(
                (b[label] for label in sorted(b)), key=lambda other: len(pixels & other), default=set()
            )
            score += len(pixels) / total * 2 * len(pixels & best) / (len(pixels) + len(best))
        return score

    return (half(truth, predicted) + half(predicted, truth)) / 2
