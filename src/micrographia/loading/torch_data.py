"""Patches as PyTorch datasets."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from micrographia.loading import lending
from micrographia.loading.batching import Patch, collate
from micrographia.loading.lending import Lender, tensors

if TYPE_CHECKING:
    from micrographia.loading.epochs import Patches


class TorchPatches(Dataset[Patch]):
    """The patches of an epoch, by number: see :meth:`~micrographia.loading.Patches.torch`."""

    def __init__(self, patches: Patches) -> None:
        self.patches = patches

    def __len__(self) -> int:
        """Return the number of patches of this epoch and shard."""
        return len(self.patches)

    def __getitem__(self, index: int) -> Patch:
        """Return one patch, its arrays as tensors."""
        self._settle()
        return tensors(self.patches[index])

    def __getitems__(self, indices: Sequence[int]) -> list[Patch]:
        """Return the patches of a batch: what a ``DataLoader`` asks for."""
        self._settle()
        return [tensors(patch) for patch in self.patches.some(indices)]

    def set_epoch(self, epoch: int) -> None:
        """Go on with another epoch; workers that persist do not learn of it, so let them end."""
        self.patches.set_epoch(epoch)

    def _settle(self) -> None:
        info = get_worker_info()
        if info is not None:
            self.patches.share = info.num_workers


class TorchIterable(IterableDataset[Patch]):
    """The patches of an epoch, one after the other: see :meth:`~micrographia.loading.Patches.torch_iterable`.

    The epoch is shared with worker processes, also those that persist.
    """

    def __init__(self, patches: Patches, batch: int | None = None) -> None:
        self.patches = patches
        self.batch = batch
        self.clock = torch.tensor([patches.epoch, patches._from])
        self.clock.share_memory_()  # type: ignore[no-untyped-call]
        self.name = uuid4().hex
        self._lender: Lender | None = None
        weakref.finalize(self, lending.close, self.name).atexit = False

    def __len__(self) -> int:
        """Return the number of patches of this epoch and shard that are left, or of batches."""
        left = len(self.patches) - int(self.clock[1])
        return left if self.batch is None else -(-left // self.batch)

    def set_epoch(self, epoch: int) -> None:
        """Go on with another epoch."""
        self.patches.set_epoch(epoch)
        self.clock[0], self.clock[1] = epoch, 0

    def __iter__(self) -> Iterator[Patch]:
        patches: Any = self.patches
        epoch, first = self.clock.tolist()
        if patches.epoch != epoch:
            patches.set_epoch(epoch)
        info = get_worker_info()
        rank, count = (0, 1) if info is None else (info.id, info.num_workers)
        patches.share = count
        size = self.batch or 1
        order = patches.in_batches(size)
        runs = (np.arange(len(order)) - first) // size
        mine = (np.arange(len(order)) >= first) & (runs % count == rank)
        # It lives as long as the worker: what it lent is perhaps not yet received when an epoch ends.
        if info is not None and self._lender is None:
            self._lender = Lender(self.name, rank)
        lender = self._lender
        held: list[Patch] = []
        part = type(order)(order.draws[mine], order.lanes[mine])
        for patch in patches.stream(part):
            if self.batch is None:
                yield tensors(patch)
                continue
            held.append(patch)
            if len(held) == size:
                yield tensors(collate(held)) if lender is None else lender.batch(held)
                held = []
        if held:
            yield tensors(collate(held)) if lender is None else lender.batch(held)
