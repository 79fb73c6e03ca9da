"""Small matrix products in one thread: a thread a core each waits for the others longer than the product takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread meanwhile, in the whole process: hold-outs are what runs in parallel.

    Sums then do not depend on the number of processors either.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield
