"""Patches for training: ``loading.patches(dataset)``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from micrographia.dataset import Dataset, open_dataset
from micrographia.loading import order as ordering
from micrographia.loading.batching import Patch, collate
from micrographia.loading.blocks import Blocks
from micrographia.loading.cutting import Parts, cut
from micrographia.loading.errors import LoadingError
from micrographia.loading.frames import Frame, LeftOut, Selection, Three, find_frames
from micrographia.loading.geometry import Geometry, geometry
from micrographia.loading.mixing import capped, mixture
from micrographia.loading.normalising import Linear, Normaliser, normaliser
from micrographia.loading.order import Order
from micrographia.loading.pipeline import Pipeline
from micrographia.loading.planning import Draws, grid_starts, in_blocks, random_starts, shares
from micrographia.work import cores

if TYPE_CHECKING:
    from micrographia.loading.torch_data import TorchIterable, TorchPatches

Sampling = Literal["random", "grid", "objects", "balanced"]
Augment = Callable[[Patch, np.random.Generator], Patch]
Source = Dataset | str | Path
Ints = npt.NDArray[np.int64]

CACHE_BYTES = 512 << 20
"""What decoded blocks may take together."""


@dataclass(frozen=True, slots=True)
class Options:
    """How patches are drawn; see :func:`patches`."""

    size: tuple[int, ...]
    sampling: Sampling
    normaliser: Normaliser
    augment: Augment | None
    weights: tuple[float, ...] | None
    temperature: float | None
    object_cap: float | None
    per_epoch: int | None
    seed: int
    threads: int | None
    cache_bytes: int

    @property
    def patch(self) -> Three:
        """Z, Y, X."""
        z, y, x = (1,) * (3 - len(self.size)) + self.size
        return z, y, x


class Patches:
    """The patches of one epoch after the other; made by :func:`patches`.

    ``len(p)`` is the number of patches of an epoch, ``p[i]`` one of them, ``iter(p)`` goes through them in the order
    of their numbers. Which patches these are follows from the options, the seed and the epoch, not from workers or
    threads.

    Attributes
    ----------
    frames
        What patches are cut from: one time point of one image each.
    left_out
        Images that were chosen but cannot be used, and why.
    epoch
        Number of the epoch, from 0.
    """

    def __init__(
        self,
        options: Options,
        frames: Sequence[Frame],
        left_out: Sequence[LeftOut],
        shapes: Sequence[Geometry],
        paths: Sequence[str],
    ) -> None:
        self.options = options
        self.frames = tuple(frames)
        self.left_out = tuple(left_out)
        self.shapes = tuple(shapes)
        self.paths = tuple(paths)
        self.epoch = 0
        self.rank, self.world = 0, 1
        self.share = 1
        self.done = 0
        self.resume = 0
        self._known: dict[int, Linear] = {}
        self._blocks: Blocks | None = None
        self._plan: tuple[int, Draws, Order] | None = None

    # The plan.

    def plan(self) -> tuple[Draws, Order]:
        """Return the draws of this epoch, and the order of those of this shard."""
        if self._plan is None or self._plan[0] != self.epoch:
            draws = self._draw()
            whole = self._order(draws)
            mine = whole.shard(self.rank, self.world, even=self.options.sampling != "grid")
            self._plan = self.epoch, draws, mine
        return self._plan[1], self._plan[2]

    def _random(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, self.epoch, purpose])

    def _draw(self) -> Draws:
        if self.options.sampling == "grid":
            starts = [grid_starts(shape) for shape in self.shapes]
        else:
            random = self._random(0)
            counts = self._counts(random)
            starts = [
                random_starts(shape, int(count), random) if count else np.zeros((0, 3), np.int64)
                for shape, count in zip(self.shapes, counts, strict=True)
            ]
        frames = np.repeat(np.arange(len(starts)), [len(part) for part in starts])
        joined = np.concatenate(starts)
        return in_blocks(self.shapes, frames, joined, np.full(len(joined), -1, np.int64))

    def _counts(self, random: np.random.Generator) -> Ints:
        """Return how many patches each frame gives."""
        amounts = np.array([shape.patches for shape in self.shapes])
        owners = np.array([frame.dataset for frame in self.frames])
        held = np.bincount(owners, amounts, minlength=len(self.paths)).astype(np.float64)
        total = self.options.per_epoch or max(1, round(float(held.sum())))
        share = mixture(held.tolist(), weights=self.options.weights, temperature=self.options.temperature)
        most = (
            np.full(len(held), np.inf) if self.options.object_cap is None else held * self.options.object_cap
        )
        given = capped(total, share, most)
        weights = given[owners] * amounts / held[owners]
        return shares(max(1, round(float(given.sum()))), weights, random)

    def _order(self, draws: Draws) -> Order:
        if self.options.sampling == "grid":
            return ordering.in_turn(len(draws))
        sizes = np.array(
            [
                np.prod([part.stop - part.start for part in box]) * self.shapes[frame].pixel_bytes
                for frame, box in zip(draws.block_frames.tolist(), draws.boxes, strict=True)
            ],
            np.int64,
        )
        return ordering.shuffled(draws.blocks, sizes, self.options.cache_bytes, self._random(1))

    def __len__(self) -> int:
        """Return the number of patches of this epoch and shard."""
        return len(self.plan()[1])

    def set_epoch(self, epoch: int) -> None:
        """Go on with another epoch: other patches, except with ``sampling="grid"``."""
        self.epoch = int(epoch)
        self.done = self.resume = 0

    # Patches.

    def blocks(self) -> Blocks:
        """Return the decoded blocks of this process."""
        if self._blocks is None or self._blocks.process != os.getpid():
            threads = cores() if self.options.threads is None else self.options.threads
            self._blocks = Blocks(
                self.frames,
                self.shapes,
                self.options.normaliser,
                self.options.cache_bytes // self.share,
                -(-threads // self.share),
                self._known,
            )
        return self._blocks

    def __getitem__(self, index: int) -> Patch:
        """Return one patch of this epoch and shard."""
        draws, order = self.plan()
        if not -len(order) <= index < len(order):
            raise IndexError(f"patch {index} of {len(order)}")
        draw = int(order.draws[index])
        return self._finished(draws, draw, self._single(draws, draw))

    def _single(self, draws: Draws, draw: int) -> Parts:
        blocks = self.blocks()
        frame, block = int(draws.frames[draw]), int(draws.blocks[draw])
        shape = self.shapes[frame]
        z, y, x = draws.starts[draw].tolist()
        box = draws.boxes[block]
        if shape.is_whole or blocks.holds(frame, box) or blocks.wanted_again(frame, box):
            found = blocks.ask(frame, box).result()
        else:
            found = blocks.direct(frame, shape.box((z, y, x), (z, y, x)))
        return cut(found, shape, blocks.linear(frame), (z, y, x))

    def _finished(self, draws: Draws, draw: int, parts: Parts) -> Patch:
        image, mask, region = parts
        frame = self.frames[int(draws.frames[draw])]
        start = draws.starts[draw]
        flat = len(self.options.size) == 2
        patch: Patch = {"image": image[:, 0] if flat else image}
        if mask is not None:
            patch["mask"] = mask[0] if flat else mask
        patch["region"] = region[0] if flat else region
        zoom = self.shapes[frame.number].zoom
        patch |= {
            "dataset": frame.dataset,
            "image_id": frame.image_id,
            "start": start[3 - len(self.options.size) :].copy(),
            "plane": int(start[0]),
            "time": frame.time,
            "pixel_size": frame.pixel_size / float(np.sqrt(zoom[1] * zoom[2])),
        }
        if self.options.augment is not None:
            random = np.random.default_rng([self.options.seed, self.epoch, 2, draw])
            patch = self.options.augment(patch, random)
        return patch

    def _stream(self, order: Order, first: int = 0) -> Iterator[Patch]:
        draws, _ = self.plan()
        for draw, parts in Pipeline(self.blocks, draws, order.draws[first:]):
            yield self._finished(draws, draw, parts)

    def __iter__(self) -> Iterator[Patch]:
        """Go through the patches of this epoch; after :meth:`load_state_dict`, through those that are left."""
        first, self.resume = self.resume, 0
        self.done = first
        for patch in self._stream(self.plan()[1], first):
            self.done += 1
            yield patch

    def batches(self, size: int, *, drop_last: bool = False) -> Iterator[Patch]:
        """Go through the patches of this epoch in batches; see :func:`~micrographia.loading.collate`.

        Batches hold the same patches as ``iter(p)`` in an order of their own, so that worker processes that take
        turns need not decode the same blocks.

        Parameters
        ----------
        size
            Patches a batch.
        drop_last
            Leave out a last batch of fewer patches.
        """
        order = self.batched(size)
        first, self.resume = self.resume, 0
        self.done = first
        held: list[Patch] = []
        for patch in self._stream(order, first):
            held.append(patch)
            if len(held) == size:
                self.done += size
                yield collate(held)
                held = []
        if held and not drop_last:
            self.done += len(held)
            yield collate(held)

    def batched(self, size: int) -> Order:
        """Return the order of this epoch and shard in batches."""
        if size < 1:
            raise LoadingError("", f"a batch of {size} patches", "Give 1 or more")
        order = self.plan()[1]
        return order if self.options.sampling == "grid" else order.batches(size)

    # Parts of an epoch.

    def shard(self, rank: int, world: int) -> Self:
        """Return the patches of one of ``world`` processes that train together; together they have all.

        All have equally many, so up to ``world - 1`` patches of an epoch are left out; with ``sampling="grid"`` none
        is, and the first may have one more.
        """
        if not 0 <= rank < world:
            raise LoadingError("", f"there is no rank {rank} of {world}", "Give 0 to world - 1")
        mine = self._twin()
        mine.rank, mine.world = self.rank + self.world * rank, self.world * world
        return mine

    def _twin(self) -> Self:
        mine = object.__new__(type(self))
        mine.__setstate__(self.__getstate__())
        return mine

    def close(self) -> None:
        """Close files and forget what was decoded; a later read begins anew."""
        if self._blocks is not None and self._blocks.process == os.getpid():
            self._blocks.close()
        self._blocks = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_blocks": None, "_plan": None, "_known": dict(self._known)}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)

    def torch(self) -> TorchPatches:
        """Return a map-style ``torch.utils.data.Dataset`` of the patches of this epoch and shard."""
        from micrographia.loading.torch_data import TorchPatches

        return TorchPatches(self)

    def torch_iterable(self, batch: int | None = None) -> TorchIterable:
        """Return a ``torch.utils.data.IterableDataset`` whose worker processes share the patches among them.

        Parameters
        ----------
        batch
            Yield whole batches of so many patches, for a ``DataLoader`` with ``batch_size=None``: then workers do
            not decode the same blocks, and the batches are the same whatever the number of workers.
        """
        from micrographia.loading.torch_data import TorchIterable

        return TorchIterable(self, batch)


def patches(
    datasets: Source | Sequence[Source],
    size: Sequence[int] = (256, 256),
    *,
    sampling: Sampling = "random",
    masks: str | bool | None = None,
    split: str | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    images: Sequence[str] | Sequence[Sequence[str] | None] | None = None,
    channels: Sequence[str] | None = None,
    normalise: str | tuple[float, float] = "percentile",
    augment: Augment | None = None,
    weights: Sequence[float] | None = None,
    temperature: float | None = None,
    object_cap: float | None = None,
    per_epoch: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    cache_bytes: int = CACHE_BYTES,
) -> Patches:
    """Cut patches out of datasets."""
    sources = [datasets] if isinstance(datasets, Dataset | str | Path) else list(datasets)
    opened = [one if isinstance(one, Dataset) else open_dataset(one) for one in sources]
    options = Options(
        _size(size),
        sampling,
        normaliser(normalise),
        augment,
        None if weights is None else tuple(weights),
        temperature,
        object_cap,
        per_epoch,
        seed,
        threads,
        cache_bytes,
    )
    selection = Selection(split, groups, None, masks, channels)
    frames, left = find_frames(
        opened, selection, _images(images, len(opened)), None if threads is None else max(1, threads)
    )
    shapes = [geometry(frame, options.patch) for frame in frames]
    return Patches(options, frames, left, shapes, [str(one.path) for one in opened])


def _size(size: Sequence[int]) -> tuple[int, ...]:
    found = tuple(int(side) for side in size)
    if len(found) not in (2, 3) or min(found) < 1:
        raise LoadingError("", f"size={tuple(size)} is no size of a patch", "Give (Y, X) or (Z, Y, X)")
    return found


def _images(
    images: Sequence[str] | Sequence[Sequence[str] | None] | None, count: int
) -> list[Sequence[str] | None]:
    """Return the wanted ids of each dataset."""
    if images is None:
        return [None] * count
    if all(isinstance(one, str) for one in images):
        if count == 1:
            return [[str(one) for one in images]]
        raise LoadingError(
            "", f"images= names ids for one dataset, there are {count}", "Give a list of ids for each"
        )
    if len(images) != count:
        raise LoadingError(
            "", f"images= has {len(images)} lists for {count} datasets", "Give one for each, or None"
        )
    return [None if one is None else list(one) for one in images]
