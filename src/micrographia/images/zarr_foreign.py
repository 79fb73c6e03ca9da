"""Remote stores as zarr-python sees them: for codecs that only it can decode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from micrographia.images.zarr_store import Store as OwnStore
from micrographia.remote import Want


class _Foreign(Store):
    """A store that is read through ours, with all that it verifies."""

    supports_writes = False
    supports_deletes = False
    supports_listing = False

    def __init__(self, store: OwnStore) -> None:
        super().__init__(read_only=True)
        self.store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Foreign) and other.store is self.store

    __hash__ = None  # type: ignore[assignment]

    def _read(self, key: str, part: ByteRequest | None) -> bytes | None:
        store = self.store
        if part is None:
            return store.many([Want(key)])[0] if key.rpartition("/")[2] not in _DOCUMENTS else store.read(key)
        if isinstance(part, SuffixByteRequest):
            end = store.ends([key], part.suffix, first=False)[0]
            return None if end is None else end[0]
        if isinstance(part, RangeByteRequest):
            return store.part(key, part.start, part.end - part.start)
        if isinstance(part, OffsetByteRequest):
            size = store.size(key)
            return None if size is None else store.part(key, part.offset, size - part.offset)
        raise NotImplementedError(type(part).__name__)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        data = await asyncio.to_thread(self._read, key, byte_range)
        return None if data is None else prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return list(await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges)))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self.store.size, key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError(key)

    async def delete(self, key: str) -> None:
        raise NotImplementedError(key)

    async def _nothing(self) -> AsyncIterator[str]:
        names: tuple[str, ...] = ()
        for name in names:
            yield name

    def list(self) -> AsyncIterator[str]:
        return self._nothing()

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002
        return self._nothing()

    def list_dir(self, prefix: str) -> AsyncIterator[str]:  # noqa: ARG002
        return self._nothing()


_DOCUMENTS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


def foreign_store(store: OwnStore) -> Any:
    """Return a remote store for zarr-python to read from."""
    return _Foreign(store)
