"""The geometry of one embedding in one row of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.copies import count_copies
from micrographia.representation.batch.inputs import as_matrix
from micrographia.representation.geometry.hubness import hubness
from micrographia.representation.geometry.spectrum import (
    constant_features,
    mean_cosine,
    participation_ratio,
    rank_me,
)


def describe(values: npt.ArrayLike, *, k: int = 10, seed: int = 0) -> dict[str, Any]:
    """Return the shape of an embedding.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    k, seed
        Of the hubness.

    Returns
    -------
    dict
        ``participation_ratio``, ``rank_me``, ``mean_cosine`` and ``hubness`` (numbers, None where undefined),
        ``duplicates`` (rows that repeat an earlier row exactly), ``constant`` (features of one value), ``n``, ``d`` and
        ``reason``, what is undefined and why, and which rows were left out.
    """
    matrix = as_matrix(values)
    measures = {
        "participation ratio": participation_ratio(matrix),
        "RankMe": rank_me(matrix),
        "mean cosine": mean_cosine(matrix),
        "hubness": hubness(matrix, k, seed=seed),
    }
    keys = ("participation_ratio", "rank_me", "mean_cosine", "hubness")
    reasons: dict[str, list[str]] = {}
    for name, measure in measures.items():
        if measure.reason:
            reasons.setdefault(measure.reason, []).append(name)
    return {
        **{
            key: measure.value if np.isfinite(measure.value) else None
            for key, measure in zip(keys, measures.values(), strict=True)
        },
        "duplicates": count_copies(matrix),
        "constant": constant_features(matrix),
        "n": len(matrix),
        "d": matrix.shape[1],
        "reason": "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()),
    }
