"""The patches of one epoch after the other: by number, in turn, in batches, in parts, to be resumed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from micrographia.loading.batching import Patch, collate
from micrographia.loading.blocks import Blocks
from micrographia.loading.cutting import Parts, cut
from micrographia.loading.errors import LoadingError
from micrographia.loading.finishing import Finisher
from micrographia.loading.frames import Frame, LeftOut
from micrographia.loading.normalising import Linear
from micrographia.loading.order import Order
from micrographia.loading.pipeline import Pipeline
from micrographia.loading.planning import Draws
from micrographia.loading.sampling import Material, Options, arrange, draw
from micrographia.work import Progress, cores, stream

if TYPE_CHECKING:
    from micrographia.loading.torch_data import TorchIterable, TorchPatches

Ints = npt.NDArray[np.int64]

STATE_FORMAT = 1


class Patches:
    """The patches of one epoch after the other; :func:`~micrographia.loading.patches` makes them.

    ``len(p)`` is the number of patches of an epoch, ``p[i]`` one of them, ``iter(p)`` goes through them in the order of
    their numbers. Which patches these are follows from the options, the seed and the epoch; the order follows from
    ``cache_bytes``, too. Neither depends on workers, threads, or what was read before.

    It can be pickled, and used after a fork: what is open and decoded stays behind.

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
        self, options: Options, material: Material, finisher: Finisher, left_out: Sequence[LeftOut] = ()
    ) -> None:
        self.options = options
        self.material = material
        self.left_out = tuple(left_out)
        self.epoch = 0
        self.rank, self.world = 0, 1
        self.share = 1
        """How many processes on this machine share the threads and the memory that the options allow."""
        self._finisher = finisher
        self._done, self._from, self._unit = 0, 0, 1
        self._known: dict[int, Linear] = {}
        self._blocks: Blocks | None = None
        self._plan: tuple[int, Draws, Order] | None = None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """What patches are cut from."""
        return self.material.frames

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.options.size))
        return f"<Patches {len(self):,} of {size} from {len(self.frames):,} images, epoch {self.epoch}>"

    # The plan.

    def plan(self) -> tuple[Draws, Order]:
        """Return all draws of this epoch, and the order of those of this shard."""
        if self._plan is None or self._plan[0] != self.epoch:
            draws = draw(self.material, self.options, self.epoch)
            order = arrange(self.material, self.options, self.epoch, draws)
            mine = order.shard(self.rank, self.world, even=self.options.sampling != "grid")
            self._plan = self.epoch, draws, mine
        return self._plan[1], self._plan[2]

    def in_batches(self, size: int) -> Order:
        """Return the order of this epoch and shard when patches come in batches.

        Raises
        ------
        LoadingError
            If a batch has no patches.
        """
        if size < 1:
            raise LoadingError("", f"a batch has {size} patches", "Give 1 or more")
        order = self.plan()[1]
        return order if self.options.sampling == "grid" else order.batches(size)

    def __len__(self) -> int:
        """Return the number of patches of this epoch and shard."""
        return len(self.plan()[1])

    def set_epoch(self, epoch: int) -> None:
        """Go to the beginning of an epoch: each has patches of its own, except with ``sampling="grid"``."""
        self.epoch = int(epoch)
        self._done = self._from = 0

    # Patches.

    def blocks(self) -> Blocks:
        """Return the decoded blocks of this process."""
        if self._blocks is None or self._blocks.process != os.getpid():
            threads = cores() if self.options.threads is None else self.options.threads
            options = self.options
            self._blocks = Blocks(
                self.material.frames,
                self.material.shapes,
                options.normaliser,
                options.cache_bytes // self.share,
                -(-threads // self.share),
                self._known,
                None if options.mapped is None else Path(options.mapped),
            )
        return self._blocks

    def __getitem__(self, index: int) -> Patch:
        """Return one patch of this epoch and shard."""
        draws, order = self.plan()
        if not -len(order) <= index < len(order):
            raise IndexError(f"patch {index} of {len(order)}")
        number = int(order.draws[index])
        return self._finisher(draws, number, self.epoch, self._single(draws, number))

    def some(self, indices: Sequence[int]) -> list[Patch]:
        """Return several patches; a block that two of them need is decoded once."""
        draws, order = self.plan()
        wanted = draws.blocks[order.draws[np.asarray(indices, np.int64)]]
        found, counts = np.unique(wanted, return_counts=True)
        for block in found[counts > 1].tolist():
            self.blocks().ask(int(draws.block_frames[block]), draws.boxes[block])
        return [self[index] for index in indices]

    def _single(self, draws: Draws, number: int) -> Parts:
        blocks = self.blocks()
        frame, block = int(draws.frames[number]), int(draws.blocks[number])
        shape = self.material.shapes[frame]
        z, y, x = draws.starts[number].tolist()
        box = draws.boxes[block]
        if shape.is_whole or blocks.holds(frame, box) or blocks.wanted_again(frame, box):
            found = blocks.ask(frame, box).result()
        else:
            found = blocks.direct(frame, shape.box((z, y, x), (z, y, x)))
        return cut(found, shape, blocks.linear(frame), (z, y, x))

    def stream(self, order: Order) -> Iterator[Patch]:
        """Go through some patches of this epoch, decoding ahead in threads."""
        draws, epoch = self.plan()[0], self.epoch
        for number, parts in Pipeline(self.blocks, draws, order.draws):
            yield self._finisher(draws, number, epoch, parts)

    def __iter__(self) -> Iterator[Patch]:
        """Go through the patches of this epoch; after :meth:`load_state_dict`, through those that are left."""
        order = self.plan()[1]
        self._begin(1)
        for patch in self.stream(order.after(self._done)):
            self._done += 1
            yield patch

    def batches(self, size: int, *, drop_last: bool = False) -> Iterator[Patch]:
        """Go through the patches of this epoch in batches; see :func:`~micrographia.loading.collate`.

        Batches hold the same patches as ``iter(p)`` in an order of their own: each is cut from few blocks, so that
        worker processes that take turns need not decode the same.

        Parameters
        ----------
        size
            Patches a batch; the last may have fewer.
        drop_last
            Leave such a last one out.
        """
        order = self.in_batches(size)
        self._begin(size)
        held: list[Patch] = []
        for patch in self.stream(order.after(self._done)):
            held.append(patch)
            if len(held) == size:
                self._done += size
                yield collate(held)
                held = []
        if held and not drop_last:
            self._done += len(held)
            yield collate(held)

    def _begin(self, unit: int) -> None:
        first, self._from = self._from, 0
        if first and self._unit != unit:
            asked = f"batches of {unit}" if unit > 1 else "single patches"
            was = f"batches of {self._unit}" if self._unit > 1 else "single patches"
            raise LoadingError(
                "", f"{asked} cannot go on where {was} stopped", "Use the same size of a batch"
            )
        self._done, self._unit = first, unit

    # Parts of an epoch, and where it stands.

    def shard(self, rank: int, world: int) -> Self:
        """Return the patches of one of ``world`` processes that train together; together they have all.

        All have equally many, so up to ``world - 1`` patches of an epoch are left out; with ``sampling="grid"`` none
        is, and the first may have one more.

        Raises
        ------
        LoadingError
            If there is no such rank.
        """
        if not 0 <= rank < world:
            raise LoadingError("", f"there is no rank {rank} of {world}", "Give 0 to world - 1")
        mine = object.__new__(type(self))
        mine.__dict__.update(self.__getstate__())
        mine.rank, mine.world = self.rank + self.world * rank, self.world * world
        return mine

    def state_dict(self, done: int | None = None, *, batch: int | None = None) -> dict[str, Any]:
        """Return where the sampler stands: plain numbers and text, fit for a checkpoint.

        Parameters
        ----------
        done
            How many patches of the epoch were used; by default as many as were handed out. Give it where a
            ``DataLoader`` reads ahead.
        batch
            With ``done``: the size of the batches, if they come from :meth:`torch_iterable` with ``batch``.
        """
        return {
            "format": STATE_FORMAT,
            "plan": self._fingerprint(),
            "epoch": self.epoch,
            "done": self._done if done is None else done,
            "batch": self._unit if done is None else (batch or 1),
            "rank": self.rank,
            "world": self.world,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was called: the next ``iter(p)`` or ``batches`` yields what is left.

        Raises
        ------
        LoadingError
            If the state is that of other data, options or shards.
        """
        if state.get("format") != STATE_FORMAT or state.get("plan") != self._fingerprint():
            raise LoadingError(
                self.material.datasets[0],
                "the state is one of other data or other options, so its patches are others",
                "Open the same datasets with the same options",
            )
        if (state["rank"], state["world"]) != (self.rank, self.world):
            raise LoadingError(
                "",
                f"the state is that of rank {state['rank']} of {state['world']}, this is {self.rank} of {self.world}",
                "Begin the epoch anew with set_epoch",
            )
        self.epoch = int(state["epoch"])
        self._from = self._done = int(state["done"])
        self._unit = int(state["batch"])

    def _fingerprint(self) -> str:
        """Return a checksum over all that decides which patches come, and in which order."""
        options = self.options
        said = [
            options.size,
            options.sampling,
            options.weights,
            options.temperature,
            options.object_cap,
            options.jitter,
            options.per_epoch,
            options.seed,
            options.cache_bytes,
            options.mapped is not None,
            [
                (
                    frame.dataset,
                    frame.image_id,
                    frame.time,
                    frame.shape,
                    frame.chunk,
                    shape.zoom,
                    shape.pixel_bytes,
                    shape.crops,
                )
                for frame, shape in zip(self.material.frames, self.material.shapes, strict=True)
            ],
            [len(one) for one in self.material.objects or ()],
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    # Around it.

    def prepare(self, *, quiet: bool = False) -> None:
        """Find the statistics of all images now, and fill the memory-mapped cache if there is one.

        Else both happens when an image is first used, in each worker process anew.

        Parameters
        ----------
        quiet
            Show no progress.
        """
        blocks = self.blocks()
        numbers = range(len(self.frames))
        with Progress("images", len(numbers), quiet=quiet) as progress:
            for outcome in stream(
                blocks.prepare,
                numbers,
                workers=max(1, blocks.threads),
                kind="threads",
                name=lambda number: self.frames[number].image_id,
            ):
                outcome.result()
                progress.advance()

    def close(self) -> None:
        """Close files and forget what was decoded; reading begins anew."""
        if self._blocks is not None and self._blocks.process == os.getpid():
            self._blocks.close()
        self._blocks = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_blocks": None, "_plan": None, "_known": dict(self._known)}

    def torch(self) -> TorchPatches:
        """Return a map-style ``torch.utils.data.Dataset`` of the patches of this epoch and shard.

        Its items are patches with tensors for arrays. They are shuffled already: leave ``shuffle`` of the
        ``DataLoader`` False, then neighbours in memory come together. Where patches hold lists (boxes), give it
        ``collate_fn=loading.collate``.
        """
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
