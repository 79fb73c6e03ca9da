"""How many dimensions an embedding fills: participation ratio, RankMe, mean cosine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.inputs import as_matrix
from micrographia.representation.geometry.measure import Measure, centred, undefined, usable
from micrographia.representation.geometry.products import squared_norm_of_product
from micrographia.representation.geometry.similarity import singular_values

CAVEAT = "compares runs of one method; ranks no methods"


def participation_ratio(values: npt.ArrayLike) -> Measure:
    r"""Return the participation ratio, an effective number of dimensions.

    :math:`(\sum_k \lambda_k)^2 / \sum_k \lambda_k^2` over the eigenvalues of the covariance: ``d`` if all directions
    vary alike, 1 if one does.

    Parameters
    ----------
    values
        Features ``(n, d)``; rows with NaN or infinite features are left out.

    Returns
    -------
    Measure
        Between 1 and ``min(n - 1, d)``; NaN with a reason if nothing varies. It depends on the scale of the features:
        standardise first.

    References
    ----------
    P. Gao et al., A theory of multineuronal dimensionality, dynamics and measurement, bioRxiv 214262 (2017).
    """
    matrix, left_out = usable(values)
    if len(matrix) < 2:
        return undefined(len(matrix), f"there are {len(matrix)} rows; 2 are needed", left_out)
    matrix = centred(matrix)
    largest = float(np.abs(matrix).max(initial=0.0))
    if not largest:
        return undefined(len(matrix), "no feature varies", left_out)
    matrix /= largest
    trace = float(np.vdot(matrix, matrix))
    return Measure(trace**2 / squared_norm_of_product(matrix, matrix), len(matrix), left_out, CAVEAT)


def rank_me(values: npt.ArrayLike, *, centre: bool = False) -> Measure:
    r"""Return RankMe, the effective rank of an embedding.

    :math:`\exp(-\sum_k p_k \ln p_k)`, :math:`p_k = \sigma_k / \sum_j \sigma_j` over the singular values.

    Parameters
    ----------
    values
        Features ``(n, d)``; rows with NaN or infinite features are left out.
    centre
        Whether to subtract the means of the features first; the published one does not, and a large mean then hides
        the other directions.

    Returns
    -------
    Measure
        Between 1 and ``min(n, d)``; NaN with a reason if all features are 0. Has a caveat when there are fewer rows
        than features, because it cannot exceed the number of rows.

    References
    ----------
    Q. Garrido et al., RankMe: assessing the downstream performance of pretrained self-supervised representations by
    their rank, ICML 2023 (its 1e-7, which keeps logarithms finite, is not needed: p ln p is 0 at 0); O. Roy & M.
    Vetterli, The effective rank, EUSIPCO 2007.
    """
    matrix, left_out = usable(values)
    if not len(matrix):
        return undefined(0, "there are no rows", left_out)
    matrix = centred(matrix) if centre else matrix
    largest = float(np.abs(matrix).max(initial=0.0))
    if not largest:
        return undefined(len(matrix), "no feature varies" if centre else "all features are 0", left_out)
    sigma = singular_values(matrix / largest)
    p = sigma / sigma.sum()
    p = p[p > 0]
    n, d = matrix.shape
    caveat = f"{CAVEAT}; {n:,} rows cannot show more than {n:,} of {d:,} dimensions" if n < d else CAVEAT
    return Measure(float(np.exp(-(p * np.log(p)).sum())), n, left_out, caveat)


def mean_cosine(values: npt.ArrayLike) -> Measure:
    r"""Return the mean cosine over all pairs of rows, without looking at pairs.

    :math:`(\|\sum_i u_i\|^2 - n) / (n (n - 1))` with rows :math:`u_i` of length 1: near 1 if all rows point the same
    way (a cone), near 0 if they do not.

    Parameters
    ----------
    values
        Features ``(n, d)``; rows with NaN or infinite features, or of length 0, are left out.

    Returns
    -------
    Measure
        In [-1 / (n - 1), 1]; NaN with a reason for fewer than 2 rows.

    References
    ----------
    K. Ethayarajh, How contextual are contextualized word representations?, EMNLP 2019 (mean cosine as anisotropy).
    """
    matrix, left_out = usable(values, unit=True)
    n = len(matrix)
    if n < 2:
        return undefined(n, f"{n} rows have a direction; 2 are needed", left_out)
    matrix /= np.abs(matrix).max(axis=1, keepdims=True)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    total = matrix.sum(axis=0)
    value = (float(total @ total) - n) / (n * (n - 1.0))
    return Measure(min(1.0, value), n, left_out, CAVEAT)


def constant_features(values: npt.ArrayLike) -> int:
    """Return how many features have one value in all rows; NaN is a value."""
    matrix = as_matrix(values)
    if not len(matrix):
        return 0
    first = matrix[:1]
    same = np.ones(matrix.shape[1], dtype=bool)
    for start in range(0, len(matrix), 4096):
        block = matrix[start : start + 4096]
        same &= ((block == first) | (np.isnan(block) & np.isnan(first))).all(axis=0)
    return int(same.sum())
