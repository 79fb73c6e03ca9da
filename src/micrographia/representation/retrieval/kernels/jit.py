"""How kernels are compiled: cached on disk, without the GIL, dividing as NumPy does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function with numba when it is first called."""
    kernel: F = njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


def summing(function: F) -> F:
    """Compile a loop whose sums may be taken in another order, always the same: vectorised."""
    kernel: F = njit(cache=True, nogil=True, fastmath={"reassoc"})(function)
    return kernel
