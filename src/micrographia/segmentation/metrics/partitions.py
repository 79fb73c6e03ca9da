"""Distances of partitions: how the two label images cut the same pixels, whatever the objects are called."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from micrographia.segmentation.metrics.table import Contingency, Ints

NAN = float("nan")


class AdaptedRand(NamedTuple):
    """Adapted Rand error and what it is made of; see :func:`adapted_rand`."""

    error: float
    precision: float
    recall: float


def adapted_rand(table: Contingency) -> AdaptedRand:
    r"""Return the adapted Rand error over the foreground of the truth.

    .. math:: ARE = 1 - \frac{2 P R}{P + R}, \quad P = \frac{\sum_{ij} n_{ij}^2 + c}{\sum_j b_j^2 + c}, \quad
        R = \frac{\sum_{ij} n_{ij}^2 + c}{\sum_i a_i^2}

    Only pixels of true objects are looked at: :math:`n_{ij}` of them are in true object i and predicted object j,
    :math:`a_i = |G_i|`, :math:`b_j = \sum_i n_{ij}`, and c have no prediction. Each of those c is a segment of its own,
    as the source has it; taken for one giant segment they would join all objects that are missed. What is predicted on
    the background of the truth has no effect: read it together with a score that sees false positives.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.

    Returns
    -------
    AdaptedRand
        Error (0 is perfect), precision, recall, 0 to 1 each. NaN if there is no true object though some are predicted;
        if there is nothing and nothing is predicted the error is 0, the others 1.

    Notes
    -----
    Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for connectomics, Frontiers in
    Neuroanatomy 9, 2015, and the evaluation code of its SNEMI3D challenge.
    """
    if table.empty:
        return AdaptedRand(0.0, 1.0, 1.0)
    both, truth, predicted = adapted_rand_sums(table)
    if not truth:
        return AdaptedRand(NAN, NAN, NAN)
    return AdaptedRand(1 - 2 * both / (truth + predicted), both / predicted, both / truth)


def adapted_rand_sums(table: Contingency) -> tuple[int, int, int]:
    """Return the sums over pairs, true objects and predicted objects of :func:`adapted_rand`, exact.

    Summed over images they give the error of all images taken as one.
    """
    missed = int(table.truth_on_background.sum())
    inside = table.predicted_sizes - table.predicted_on_background
    both = _squares(table.overlaps) + missed
    return both, _squares(table.truth_sizes), _squares(inside) + missed


def _squares(values: Ints) -> int:
    """Return the sum of the squares, exact however large."""
    if values.size and float(values.astype(np.float64) @ values) >= 2.0**62:
        return sum(value * value for value in values.tolist())
    return int(values @ values)


class VariationOfInformation(NamedTuple):
    """Variation of information and its two parts, in bits; see :func:`variation_of_information`."""

    total: float
    split: float
    merge: float


def variation_of_information(table: Contingency, *, background: bool = False) -> VariationOfInformation:
    r"""Return the variation of information, split in what is cut too much and what is joined.

    .. math:: VI = H(P | T) + H(T | P), \quad
        H(P | T) = -\sum_{ij} \frac{n_{ij}}{N} \log_2 \frac{n_{ij}}{a_i}, \quad
        H(T | P) = -\sum_{ij} \frac{n_{ij}}{N} \log_2 \frac{n_{ij}}{b_j}

    The first grows where a true object is split among predicted ones, the second where a predicted object merges true
    ones.

    Parameters
    ----------
    table
        From :func:`~micrographia.segmentation.metrics.contingency`.
    background
        False: over the N pixels of true objects; what is not predicted there is one segment (as CREMI scores it, and
        scikit-image with ``ignore_labels=(0,)``), and what is predicted elsewhere has no effect. True: over all counted
        pixels, the background being a segment on both sides; then it is a metric of partitions and symmetric.

    Returns
    -------
    VariationOfInformation
        Total, split, merge in bits, 0 or more; 0 is perfect. NaN if there is no true object though some are predicted,
        unless the background counts; 0 if there is nothing and nothing is predicted.

    Notes
    -----
    Meilă, Comparing clusterings: an information based distance, Journal of Multivariate Analysis 98, 2007; in
    microscopy Nunez-Iglesias et al., Machine learning of hierarchical clustering to segment 2D and 3D images, PLoS ONE
    8, 2013.
    """
    if table.empty:
        return VariationOfInformation(0.0, 0.0, 0.0)
    split, merge, pixels = variation_of_information_sums(table, background=background)
    if not pixels:
        return VariationOfInformation(NAN, NAN, NAN)
    return VariationOfInformation((split + merge) / pixels, split / pixels, merge / pixels)


def variation_of_information_sums(
    table: Contingency, *, background: bool = False
) -> tuple[float, float, int]:
    """Return split and merge of :func:`variation_of_information` times its pixels, and these pixels.

    Summed over images they give the mean over pixels.
    """
    missed = table.truth_on_background
    rows, columns = table.truth_sizes, table.predicted_sizes - table.predicted_on_background
    cells = [table.overlaps, missed]
    unpredicted = int(missed.sum())
    if background:
        false = table.predicted_on_background
        rest = table.n_pixels - int(table.truth_sizes.sum()) - int(false.sum())
        cells += [false, np.array([rest])]
        rows = np.append(rows, rest + int(false.sum()))
        columns = table.predicted_sizes
        unpredicted += rest
    columns = np.append(columns, unpredicted)
    joint = sum(map(_x_log_x, cells))
    pixels = int(rows.sum())
    return max(_x_log_x(rows) - joint, 0.0), max(_x_log_x(columns) - joint, 0.0), pixels


def _x_log_x(values: Ints) -> float:
    present = values[values > 0].astype(np.float64)
    return float((present * np.log2(present)).sum())
