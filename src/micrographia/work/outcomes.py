"""What becomes of a task: a value or an error, always as data, so that no exception has to survive a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from traceback import TracebackException
from typing import Any, Generic, TypeVar

from micrographia.errors import MicrographiaError

T = TypeVar("T")
R = TypeVar("R")


class TaskError(MicrographiaError):
    """A task that failed; ``path`` names its input and ``details`` holds the worker's traceback."""

    def __init__(self, path: str, problem: str, remedy: str = "", details: str = "") -> None:
        super().__init__(path, problem, remedy)
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.problem, self.remedy, self.details)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one task: its value, or the error that stopped it.

    Parameters
    ----------
    task
        The task as it was given.
    name
        Its name; usually the path of its input.
    value
        What the function returned; None if it failed.
    error
        Why it failed; None if it did not.
    seconds
        How long the function ran.
    """

    task: T
    name: str
    value: R | None = None
    error: TaskError | None = None
    seconds: float = 0.0

    def result(self) -> R:
        """Return the value, or raise the task's error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task failed; ``path`` is empty where only the task's name can tell."""

    path: str
    problem: str
    remedy: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker sends back: picklable if the value is."""

    value: Any = None
    failure: Failure | None = None
    seconds: float = 0.0

    def to_outcome(self, task: T, name: str) -> Outcome[T, Any]:
        """Return the outcome of ``task``, with an error that names its input."""
        told = self.failure
        error = (
            None if told is None else TaskError(told.path or name, told.problem, told.remedy, told.details)
        )
        return Outcome(task, name, self.value, error, self.seconds)


@dataclass(frozen=True, slots=True)
class Call:
    """Applies a function to one task, in whichever thread or process, and turns any error into data."""

    function: Callable[[Any], Any]

    def __call__(self, task: Any) -> Reply:
        """Return the function's value for ``task``, or why it has none."""
        started = time.perf_counter()
        try:
            value = self.function(task)
        # A library that meets strange input may raise anything, or ask to leave; the other tasks go on.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return Reply(failure=told(error), seconds=time.perf_counter() - started)
        return Reply(value, seconds=time.perf_counter() - started)


def told(error: BaseException, prefix: str = "") -> Failure:
    """Return an error as data, even one that cannot be pickled or printed."""
    trace = TracebackException.from_exception(error)
    details = "".join(trace.format())
    if isinstance(error, MicrographiaError):
        return Failure(error.path, error.problem, error.remedy, details)
    if isinstance(error, MemoryError):
        return Failure("", "needs more memory than there is", "Use fewer workers", details)
    message = " ".join(str(trace).split())
    kind = type(error).__name__
    return Failure("", prefix + (f"{kind}: {message}" if message else kind), details=details)
