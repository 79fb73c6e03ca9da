"""Decoded blocks that are kept for a while, because the next region is likely to need them again.

Strips, tiles and pictures can only be decoded whole; reading a picture by regions would decode it once a region.
One small cache serves the whole process, so memory does not grow with the number of open images.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from micrographia.images.image import Array

CAPACITY = 48 << 20
"""Bytes that all blocks of the process take together, apart from one that is larger than this."""


class _Blocks:
    """The least recently used blocks, oldest first."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.blocks: OrderedDict[tuple[int, Hashable], Array] = OrderedDict()
        self.nbytes = 0
        self.large: weakref.ref[BlockOwner] | None = None
        self.owners = 0

    def owner(self) -> int:
        with self.lock:
            self.owners += 1
            return self.owners

    def get(self, place: tuple[int, Hashable]) -> Array | None:
        with self.lock:
            block = self.blocks.get(place)
            if block is not None:
                self.blocks.move_to_end(place)
            return block

    def put(self, place: tuple[int, Hashable], block: Array) -> None:
        with self.lock:
            old = self.blocks.pop(place, None)
            self.blocks[place] = block
            self.nbytes += block.nbytes - (0 if old is None else old.nbytes)
            while self.nbytes > CAPACITY:
                self.nbytes -= self.blocks.popitem(last=False)[1].nbytes


_BLOCKS = _Blocks()
os.register_at_fork(after_in_child=_BLOCKS.renew)


class BlockOwner:
    """Something that decodes blocks; what it decoded is forgotten when it is closed, pickled or collected."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Decode anew from here on; what was kept under the old name ages out."""
        self._name = _BLOCKS.owner()
        self._large: tuple[Hashable, Array] | None = None

    def block(self, key: Hashable, make: Callable[[], Array]) -> Array:
        """Return the block under ``key``, made by ``make`` if it is not there; the caller must not change it."""
        large = self._large
        if large is not None and large[0] == key:
            return large[1]
        block = _BLOCKS.get((self._name, key))
        if block is None:
            block = make()
            self.keep(key, block)
        return block

    def kept(self, key: Hashable) -> Array | None:
        """Return the block under ``key`` if it is there; the caller must not change it."""
        return _BLOCKS.get((self._name, key))

    def keep(self, key: Hashable, block: Array) -> None:
        """Keep a block under ``key``; nobody may change it from here on."""
        block.flags.writeable = False
        if block.nbytes <= CAPACITY:
            _BLOCKS.put((self._name, key), block)
            return
        last = _BLOCKS.large() if _BLOCKS.large is not None else None
        if last is not None:
            last._large = None
        self._large = (key, block)
        _BLOCKS.large = weakref.ref(self)

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.forget()
