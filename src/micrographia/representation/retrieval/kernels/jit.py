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


def counting(function: F) -> F:
    """Compile a loop that sums counts below 2**24 as float32: the order of such sums does not change them."""
    kernel: F = njit(cache=True, nogil=True, fastmath={"reassoc"})(function)
    return kernel
