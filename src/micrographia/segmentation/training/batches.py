"""Batches for the network: patches with their targets, made ahead in a thread while the network learns."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading import Patches
from micrographia.segmentation.training.targets import targets

AHEAD = 4
"""Batches that are made ahead."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from.

    Parameters
    ----------
    image
        float32 (n, C, [Z,] Y, X).
    wanted
        float32 (n, 3, [Z,] Y, X).
    region
        bool (n, [Z,] Y, X).
    """

    image: npt.NDArray[np.float32]
    wanted: npt.NDArray[np.float32]
    region: npt.NDArray[np.bool_]


def batches(
    patches: Patches, epoch: int, size: int, spacing: tuple[float, ...] | None = None
) -> Generator[Batch]:
    """Yield the batches of an epoch, in an order that follows from the seed and the epoch.

    An error while reading is raised where the batch would have come. Closing the iterator ends the thread.
    """
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
    over = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not over.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def produce() -> None:
        try:
            patches.set_epoch(epoch)
            for found in patches.batches(size):
                if over.is_set():
                    return
                put(_batch(found, spacing))
        # Whatever went wrong belongs to the thread that waits for the batch.
        except BaseException as error:  # noqa: BLE001
            put(error)
        else:
            put(None)

    thread = threading.Thread(target=produce, name="batches", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
        thread.join()


def _batch(found: dict[str, Any], spacing: tuple[float, ...] | None) -> Batch:
    wanted = np.stack([targets(mask, spacing) for mask in found["mask"]])
    return Batch(found["image"], wanted, found["region"])
