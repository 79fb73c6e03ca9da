"""What is kept of one image: every sum that pooling needs, and its objects; small, and JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.blocks import open_source
from micrographia.segmentation.metrics.boundary import boundary_counts_blockwise
from micrographia.segmentation.metrics.contingency import contingency, contingency_blockwise
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.scoring.objects import Objects, objects_of, sides_of
from micrographia.segmentation.scoring.sums import boundary_sums, near_sums, table_sums

FORMAT = 1
"""Version of the JSON of a record."""


@dataclass(frozen=True, eq=False)
class PairRecord:
    """A prediction beside the truth of one image: all that its scores need.

    Attributes
    ----------
    sums
        What is added up over images, by name (:data:`~micrographia.segmentation.scoring.sums.SUMS` says what each is).
    truth, predicted
        The objects of both; None if they are not kept.
    pixel_size
        Size of a pixel along each axis in micrometres; None if unknown.
    ndim
        2 or 3; 0 if unknown.
    tolerance
        Of the boundary metrics, in pixels of the finest axis; None if they were left out.
    reason
        Why there is no prediction, if there is none; ``sums`` are then those of finding nothing, empty if unknown.
    """

    sums: Mapping[str, float]
    truth: Objects | None = None
    predicted: Objects | None = None
    pixel_size: tuple[float, ...] | None = None
    ndim: int = 0
    tolerance: float | None = None
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is no prediction."""
        return bool(self.reason)

    @property
    def counts(self) -> dict[str, int]:
        """Objects: ``n_truth``, ``n_predicted``, ``tp``, ``fp``, ``fn`` at IoU 0.5, ``merges``, ``splits``."""
        return counted([self.sums])

    def to_json(self) -> dict[str, Any]:
        """Return numbers, lists and texts only, as :meth:`from_json` takes them."""
        return {
            "format": FORMAT,
            "sums": {name: int(v) if float(v).is_integer() else v for name, v in self.sums.items()},
            "truth": None if self.truth is None else self.truth.to_json(),
            "predicted": None if self.predicted is None else self.predicted.to_json(),
            "pixel_size": list(self.pixel_size) if self.pixel_size else None,
            "ndim": self.ndim,
            "tolerance": self.tolerance,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the record that :meth:`to_json` wrote.

        Raises
        ------
        SegmentationError
            If it is none, or of another format.
        """
        if not isinstance(stored, Mapping) or stored.get("format") != FORMAT:
            raise SegmentationError(
                "", "this is no record of scores of this version", "Score the image again"
            )
        try:
            return cls(
                sums={str(name): float(value) for name, value in stored["sums"].items()},
                truth=Objects.from_json(stored["truth"]) if stored["truth"] else None,
                predicted=Objects.from_json(stored["predicted"]) if stored["predicted"] else None,
                pixel_size=tuple(map(float, stored["pixel_size"])) if stored["pixel_size"] else None,
                ndim=int(stored["ndim"]),
                tolerance=stored["tolerance"],
                reason=str(stored["reason"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SegmentationError(
                "", f"a record of scores is damaged: {error!r}", "Score it again"
            ) from error


def counted(sums: Iterable[Mapping[str, float]]) -> dict[str, int]:
    """Return the objects of several images: counts as in :attr:`PairRecord.counts`, added up."""
    listed = list(sums)

    def total(name: str) -> int:
        return round(sum(one.get(name, 0.0) for one in listed))

    n, tp = total("truth"), total("tp@0.5")
    return {
        "n_truth": n,
        "n_predicted": total("predicted"),
        "tp": tp,
        "fp": total("fp@0.5"),
        "fn": n - tp,
        "merges": total("merges"),
        "splits": total("splits"),
    }


def score_pair(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    region: npt.ArrayLike | None = None,
    ignore: Collection[int] = (),
    pixel_size: float | Sequence[float] | None = None,
    boundary: bool = True,
    tolerance: float = 2.0,
    objects: bool = True,
) -> PairRecord:
    """Keep of one image and its prediction all that scores of many images need.

    Parameters
    ----------
    truth, predicted
        Label images, integers ``(Y, X)`` or ``(Z, Y, X)`` of one shape; 0 is background.
    region
        Where the image was annotated, bool of the same shape; None for everywhere.
    ignore
        Ids of truth objects that are not judged.
    pixel_size
        Size of a pixel in micrometres, along each axis or along all; None if unknown.
    boundary
        Whether to compare boundaries.
    tolerance
        Of boundaries, in pixels of the finest axis.
    objects
        Whether to keep single objects, for :func:`~micrographia.segmentation.scoring.failure_by`.

    Returns
    -------
    The record.

    Raises
    ------
    SegmentationError
        If the images do not fit each other or are not label images.
    """
    table = contingency(truth, predicted, region=region, ignore=ignore)
    ours, theirs = np.asarray(truth), np.asarray(predicted)
    sides = sides_of(pixel_size, ours.ndim)
    sums = table_sums(table)
    if boundary:
        sums |= boundary_sums(ours, theirs, table, tolerance, _relative(sides), region, ignore)
    kept: tuple[Objects | None, Objects | None] = (None, None)
    if objects:
        kept = objects_of(table, ours, theirs, sides)
    return PairRecord(
        sums=sums,
        truth=kept[0],
        predicted=kept[1],
        pixel_size=sides,
        ndim=ours.ndim,
        tolerance=float(tolerance) if boundary else None,
    )


def score_blockwise(
    truth: Any,
    predicted: Any,
    *,
    region: Any | None = None,
    ignore: Collection[int] = (),
    pixel_size: float | Sequence[float] | None = None,
    boundary: bool = True,
    tolerance: float = 2.0,
    threads: int | None = None,
    quiet: bool = True,
) -> PairRecord:
    """Keep of an image larger than memory what :func:`score_pair` keeps, but for single objects and tolerant scores.

    Parameters
    ----------
    truth, predicted, region, threads, quiet
        As in :func:`~micrographia.segmentation.metrics.contingency_blockwise`.
    ignore, pixel_size, boundary, tolerance
        As in :func:`score_pair`.

    Raises
    ------
    SegmentationError
        If the images do not fit each other or are not label images.
    """
    shared: dict[str, Any] = {"region": region, "ignore": ignore, "threads": threads, "quiet": quiet}
    table = contingency_blockwise(truth, predicted, **shared)
    ndim = len(open_source(truth, "truth").shape)
    sides = sides_of(pixel_size, ndim)
    sums = table_sums(table)
    if boundary:
        spacing = _relative(sides)
        sums |= near_sums(
            boundary_counts_blockwise(
                truth, predicted, tolerance=tolerance, spacing=spacing, table=table, **shared
            )
        )
    return PairRecord(sums, pixel_size=sides, ndim=ndim, tolerance=float(tolerance) if boundary else None)


def _relative(sides: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Return the size of a pixel along each axis in units of the finest."""
    return None if sides is None else tuple(side / min(sides) for side in sides)


def failed_pair(
    reason: str,
    truth: npt.ArrayLike | None = None,
    *,
    region: npt.ArrayLike | None = None,
    ignore: Collection[int] = (),
    pixel_size: float | Sequence[float] | None = None,
    boundary: bool = True,
    tolerance: float = 2.0,
) -> PairRecord:
    """Keep of an image that no prediction was made for why, and what finding nothing would have scored.

    Parameters
    ----------
    reason
        Why there is no prediction.
    truth
        Label image; None if it cannot be read. Scores can then only leave the image out.
    region, ignore, pixel_size, boundary, tolerance
        As in :func:`score_pair`.

    Raises
    ------
    SegmentationError
        If there is no reason, or the truth is no label image.
    """
    if not reason:
        raise SegmentationError("", "an image failed without a reason", "Say why there is no prediction")
    if truth is None:
        return PairRecord({}, reason=reason)
    nothing = np.zeros(np.shape(truth), np.uint8)
    record = score_pair(
        truth,
        nothing,
        region=region,
        ignore=ignore,
        pixel_size=pixel_size,
        boundary=boundary,
        tolerance=tolerance,
    )
    return replace(record, reason=reason)
