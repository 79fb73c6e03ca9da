"""Small matrix products in one thread: a thread a core each waits for the others longer than the product takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread meanwhile, in the whole process: hold-outs are what runs in parallel.

    Sums then do not depend on the number of processors either. Of several threads that ask at once, the first decides.
    """
    with threadpool_limits(1, user_api="blas"):
        yield
