"""Records for tests: of small label images, and of counts alone."""

import numpy as np

from micrographia.segmentation.scoring import PairRecord, score_pair
from segmentation.metrics.oracle import blobs


def counts(truth, predicted, tp):
    """A record that knows its objects only: of n true and m predicted ones tp match at IoU 0.5."""
    return PairRecord(
        {"truth": truth, "predicted": predicted, "tp@0.5": tp, "fp@0.5": predicted - tp, "fn@0.5": truth - tp}
    )


def two_cells():
    """Truth: two 4x4 squares; prediction: the first one exactly, and one pixel far from the second."""
    truth, predicted = np.zeros((12, 12), np.uint8), np.zeros((12, 12), np.uint8)
    truth[1:5, 1:5], truth[7:11, 7:11] = 1, 2
    predicted[1:5, 1:5], predicted[8, 2] = 5, 9
    return truth, predicted


def made(n, seed=0, **options):
    """Records of n made images of different difficulty."""
    rng = np.random.default_rng(seed)
    records = {}
    for place in range(n):
        truth, predicted = blobs(seed + place, (64, 64), int(rng.integers(3, 30)))
        records[f"image-{place:02}"] = score_pair(truth, predicted, **options)
    return records
