"""One pass over a pair of label images builds their contingency table, in memory or block by block."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images.image import Image
from micrographia.segmentation.metrics.blocks import BLOCK_PIXELS, count_blocks, open_source
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.matching import Matching, match
from micrographia.segmentation.metrics.table import Contingency
from micrographia.work import cores

__all__ = ["Contingency", "Matching", "contingency", "contingency_blockwise", "match"]


def contingency(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    region: npt.ArrayLike | None = None,
    ignore: Iterable[int] = (),
    threads: int | None = None,
) -> Contingency:
    """Count how the objects of two label images overlap.

    Parameters
    ----------
    truth, predicted
        Labels of one shape, ([Z,] Y, X): integers of any type or booleans, in any memory order; 0 is background, every
        other value one object. The two may have different types. Neither is copied whole.
    region
        Annotated region, of the same shape: booleans, or integers that are not 0 inside. None if all is annotated.
    ignore
        Labels of truth objects that are not judged. A label that does not occur has no effect.
    threads
        How many threads count; the result does not depend on it. None for one for every two million pixels, at most
        one a processor.

    Returns
    -------
    Contingency
        The objects and their overlaps over counted pixels: those in the region and not on a truth object that is
        ignored or lies by more than half outside the region. Its docstring states what becomes of predicted objects
        there.

    Raises
    ------
    SegmentationError
        If the shapes differ, a label is negative or no integer, or there are no pixels.

    Examples
    --------
    >>> table = contingency([[1, 1, 0], [2, 2, 0]], [[5, 5, 5], [0, 7, 0]])
    >>> table.truth_sizes, table.overlaps
    (array([2, 2]), array([2, 1]))
    >>> table.iou
    array([0.66666667, 0.5       ])
    """
    t, p = _labels(truth, "truth"), _labels(predicted, "prediction")
    r = None if region is None else _labels(region, "region")
    _same_shape(t.shape, p.shape, "prediction", "")
    if r is not None:
        _same_shape(t.shape, r.shape, "region", "")
    # Metrics do not depend on the order of the axes, so the one with the longest steps in memory comes first.
    order = sorted(range(t.ndim), key=lambda axis: -abs(t.strides[axis]))
    t, p, r = t.transpose(order), p.transpose(order), None if r is None else r.transpose(order)
    if all(array is None or array.flags.c_contiguous for array in (t, p, r)):
        t, p, r = t.reshape(-1), p.reshape(-1), None if r is None else r.reshape(-1)
    workers = min(cores(), t.size // (BLOCK_PIXELS // 2)) if threads is None else threads
    tally = count_blocks(t, p, r, block=None, target=BLOCK_PIXELS // 4, threads=workers)
    return tally.result(ignore)


def contingency_blockwise(
    truth: Image | Any,
    predicted: Image | Any,
    *,
    region: Image | Any | None = None,
    ignore: Iterable[int] = (),
    threads: int | None = None,
    quiet: bool = True,
) -> Contingency:
    """Count how the objects of two label images that are larger than memory overlap.

    Blocks are read in the threads that count them; what is held at once is, for each thread, one block of about four
    million pixels of each image and the table so far.

    Parameters
    ----------
    truth, predicted
        An :class:`~micrographia.images.Image` of one time point without channels, or anything with ``shape``, ``dtype``
        and ``[slices]`` that gives arrays: a memory map, an array of zarr or h5py. Labels as in :func:`contingency`.
        Blocks follow the chunks of the truth.
    region
        Annotated region in the same form, not 0 inside; None if all of it is annotated.
    ignore
        Labels of truth objects that are not judged.
    threads
        None for one a processor.
    quiet
        False shows progress on a terminal.

    Returns
    -------
    Contingency
        The same as :func:`contingency` gives for the whole arrays.

    Raises
    ------
    SegmentationError
        As :func:`contingency`; also if an image has several channels or time points.
    """
    t, p = open_source(truth, "truth"), open_source(predicted, "prediction")
    r = None if region is None else open_source(region, "region")
    _same_shape(t.shape, p.shape, "prediction", p.path)
    if r is not None:
        _same_shape(t.shape, r.shape, "region", r.path)
    workers = cores() if threads is None else threads
    tally = count_blocks(t, p, r, block=t.block, target=BLOCK_PIXELS, threads=workers, quiet=quiet)
    return tally.result(ignore, p.path or t.path)


def _labels(values: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "uib":
        raise SegmentationError(
            "", f"the {name} holds {array.dtype} where labels are integers", "Store one integer a pixel"
        )
    if array.size == 0 or array.ndim == 0:
        raise SegmentationError("", f"the {name} of shape {array.shape} has no pixels", "Give an image")
    return array


def _same_shape(truth: tuple[int, ...], other: tuple[int, ...], name: str, path: str) -> None:
    if truth != other:
        raise SegmentationError(
            path,
            f"the truth has shape {truth}, the {name} {other}",
            "Bring both to the same pixels; labels are resampled by nearest neighbour",
        )
