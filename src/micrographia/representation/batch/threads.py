"""Run a kernel over parts of an array in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from micrographia.work import cores


@contextmanager
def over_parts(workers: int | None) -> Iterator[Callable[[Callable[[slice], None], int], None]]:
    """Yield ``apply(function, n)``, which calls ``function`` with slices that make up ``range(n)``, in threads.

    Parameters
    ----------
    workers
        Threads; None for one a processor.
    """
    count = max(1, cores() if workers is None else workers)
    with ThreadPoolExecutor(count, "metrics") as pool:

        def apply(function: Callable[[slice], None], n: int) -> None:
            step = max(1, -(-n // count))
            parts = [slice(start, min(start + step, n)) for start in range(0, n, step)]
            if len(parts) == 1:
                function(parts[0])
                return
            for done in [pool.submit(function, part) for part in parts]:
                done.result()

        yield apply
