"""How alike two embeddings of the same things are: linear CKA and Procrustes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.inputs import Array
from micrographia.representation.geometry.measure import Measure, centred, undefined, usable_pair
from micrographia.representation.geometry.products import squared_norm_of_product, triangle

FEW = 2.0
"""With fewer rows than this times the features, plain CKA is called biased."""


def linear_cka(x: npt.ArrayLike, y: npt.ArrayLike, *, debiased: bool = True) -> Measure:
    r"""Return the linear centred kernel alignment of two embeddings.

    Plain: :math:`\|Y^T X\|_F^2 / (\|X^T X\|_F \|Y^T Y\|_F)` of centred features, in [0, 1]. Debiased: each of the
    three Hilbert-Schmidt independence criteria is replaced by its unbiased estimate

    .. math:: \frac{1}{n (n - 3)} \Bigl(\mathrm{tr}\,\tilde K \tilde L
        + \frac{1^T \tilde K 1 \; 1^T \tilde L 1}{(n - 1)(n - 2)} - \frac{2}{n - 2} 1^T \tilde K \tilde L 1\Bigr)

    where :math:`\tilde K` is the matrix of inner products with zeros on the diagonal. It is 0 on average for unrelated
    embeddings, and may be a little below.

    Parameters
    ----------
    x, y
        Features ``(n, d)`` and ``(n, e)`` of the same rows; rows with NaN or infinite features in either are left out.
    debiased
        Whether to use the unbiased estimates.

    Returns
    -------
    Measure
        NaN with a reason if an embedding is constant, or for fewer than 4 rows (debiased). The plain one has a caveat
        when there are few rows for the features: for ``n << d`` it is near 1 for any two embeddings.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.

    Notes
    -----
    Computed from products of features or of rows, whichever are fewer, by blocks; both give the same.

    References
    ----------
    S. Kornblith et al., Similarity of neural network representations revisited, ICML 2019 (linear CKA); L. Song et
    al., Feature selection via dependence maximization, JMLR 13 (2012), 1393, eq. 5 (unbiased estimate); T. Nguyen, M.
    Raghu & S. Kornblith, Do wide and deep networks learn the same things?, ICLR 2021 (its use in CKA).
    """
    a, b, left_out = usable_pair(x, y)
    n = len(a)
    if n < (4 if debiased else 2):
        return undefined(n, f"there are {n} rows; {4 if debiased else 2} are needed", left_out)
    a, b = _scaled(centred(a)), _scaled(centred(b))
    if not a.any() or not b.any():
        return undefined(n, f"the {'first' if not a.any() else 'second'} embedding is constant", left_out)
    cross, own, other = (_dependence(u, v, debiased) for u, v in ((a, b), (a, a), (b, b)))
    if own <= 0 or other <= 0:
        return undefined(
            n, "the unbiased estimate of an embedding's dependence on itself is not positive", left_out
        )
    wide = max(a.shape[1], b.shape[1])
    caveat = ""
    if not debiased and n < FEW * wide:
        caveat = f"{n:,} rows for {wide:,} features: plain CKA is high for unrelated embeddings; use the debiased one"
    return Measure(cross / float(np.sqrt(own * other)), n, left_out, caveat)


def _dependence(x: Array, y: Array, debiased: bool) -> float:
    """Return the criterion of two centred embeddings, up to a factor that cancels."""
    whole = squared_norm_of_product(x, y)
    if not debiased:
        return whole
    # Rows of the centred Gram matrix sum to 0, so without its diagonal they sum to minus the diagonal.
    n = len(x)
    first, second = (np.einsum("ij,ij->i", u, u) for u in (x, y))
    both = float(first @ second)
    return whole - both * n / (n - 2) + float(first.sum() * second.sum()) / ((n - 1) * (n - 2))


def procrustes(x: npt.ArrayLike, y: npt.ArrayLike) -> Measure:
    r"""Return the Procrustes distance of two embeddings, from 0 (the same up to rotation and scale) to 1.

    :math:`1 - \|X^T Y\|_*^2` with centred features of Frobenius norm 1 and the nuclear norm: the squared difference
    that is left after the best rotation and scaling, ``scipy.spatial.procrustes``'s disparity. Numbers of features
    may differ.

    Parameters
    ----------
    x, y
        Features ``(n, d)`` and ``(n, e)`` of the same rows; rows with NaN or infinite features in either are left out.

    Returns
    -------
    Measure
        NaN with a reason if an embedding is constant. Has a caveat when there are few rows for the features: with
        ``n <= d`` rotations fit much of anything.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.

    References
    ----------
    P. H. Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 31 (1966), 1.
    """
    a, b, left_out = usable_pair(x, y)
    n = len(a)
    if n < 2:
        return undefined(n, f"there are {n} rows; 2 are needed", left_out)
    a, b = _scaled(centred(a)), _scaled(centred(b))
    if not a.any() or not b.any():
        return undefined(n, f"the {'first' if not a.any() else 'second'} embedding is constant", left_out)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    # Rotating the features of either changes no singular value, so wide embeddings shrink to n features.
    narrow = [np.asarray(np.linalg.qr(one.T, mode="r")).T if one.shape[1] > n else one for one in (a, b)]
    nuclear = float(np.linalg.svd(narrow[0].T @ narrow[1], compute_uv=False).sum())
    wide = max(a.shape[1], b.shape[1])
    caveat = ""
    if n < FEW * wide:
        caveat = f"{n:,} rows for {wide:,} features: rotations fit unrelated embeddings to each other"
    return Measure(max(0.0, 1.0 - nuclear**2), n, left_out, caveat)


def _scaled(matrix: Array) -> Array:
    """Return a matrix with a largest element of 1, so that no square overflows; zeros stay."""
    largest = float(np.abs(matrix).max(initial=0.0))
    return matrix / largest if largest > 0 else matrix


def singular_values(matrix: Array) -> Array:
    """Return the singular values of ``(n, d)``, largest first, through its triangle where it is long."""
    reduced = triangle(matrix) if len(matrix) > matrix.shape[1] else matrix
    values: Array = np.linalg.svd(reduced, compute_uv=False)
    return values
