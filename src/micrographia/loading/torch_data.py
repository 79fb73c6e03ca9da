"""Patches as PyTorch datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from micrographia.loading.batching import Patch, collate

if TYPE_CHECKING:
    from micrographia.loading.epochs import Patches


def tensors(patch: Patch) -> Patch:
    """Return a patch or batch with its arrays as tensors, which share their memory."""
    return {
        key: torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
        for key, value in patch.items()
    }


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
        held: list[Patch] = []
        part = type(order)(order.draws[mine], order.lanes[mine])
        for patch in patches.stream(part):
            if self.batch is None:
                yield tensors(patch)
                continue
            held.append(patch)
            if len(held) == size:
                yield tensors(collate(held))
                held = []
        if held:
            yield tensors(collate(held))
