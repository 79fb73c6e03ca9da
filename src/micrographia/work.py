"""Run many tasks here or on a cluster: progress, cancel, and errors that name their input.

Everything that works through many files goes through :func:`stream` or :func:`run`. Results come in the order of the
tasks, so they do not depend on the number of workers; a task that fails yields an :class:`Outcome` with its error and
the others go on. Processes are spawned, never forked: readers with threads of their own abort or hang after a fork.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Generic, Literal, TypeVar

from micrographia.errors import MicrographiaError

T = TypeVar("T")
R = TypeVar("R")
Kind = Literal["processes", "threads", "serial"]


class TaskError(MicrographiaError):
    """A task that failed; ``path`` names its input and ``details`` holds the worker's traceback."""

    def __init__(self, path: str, problem: str, remedy: str = "", details: str = "") -> None:
        super().__init__(path, problem, remedy)
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.problem, self.remedy, self.details)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one task: its value, or the error that stopped it."""

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


def cores() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stream(
    function: Callable[[T], R],
    tasks: Iterable[T],
    *,
    workers: int | None = None,
    kind: Kind = "processes",
    executor: Executor | None = None,
    name: Callable[[T], str] = str,
) -> Iterator[Outcome[T, R]]:
    """Apply a function to every task and yield the outcomes in the order of the tasks.

    Parameters
    ----------
    function
        Called with one task. For processes it and the tasks must be picklable.
    tasks
        Taken one by one; only a few per worker are under way, so a generator of millions is fine.
    workers
        Number of workers; None for one a processor. 1 runs serially in this process.
    kind
        ``"processes"`` (spawned), ``"threads"`` (for functions that release the GIL) or ``"serial"``.
    executor
        Any other ``concurrent.futures`` executor, such as ``distributed.Client.get_executor()``; not shut down.
    name
        Names a task in its outcome and its error; usually the path of its input.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after what had not started was cancelled and the workers were stopped.
    """
    count = cores() if workers is None else workers
    if count < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    if executor is not None:
        yield from _pooled(executor, function, tasks, count, name)
    elif kind == "serial" or count == 1:
        for task in tasks:
            yield _outcome(task, name(task), _Call(function)(task))
    elif kind == "threads":
        pool = ThreadPoolExecutor(count, thread_name_prefix="micrographia")
        try:
            yield from _pooled(pool, function, tasks, count, name)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    else:
        yield from _processes(function, tasks, count, name)


def run(
    function: Callable[[T], R],
    tasks: Iterable[T],
    *,
    workers: int | None = None,
    kind: Kind = "processes",
    executor: Executor | None = None,
    name: Callable[[T], str] = str,
    label: str = "",
    quiet: bool = True,
) -> list[Outcome[T, R]]:
    """Apply a function to every task, with a progress bar, and return the outcomes in the order of the tasks.

    See :func:`stream` for the parameters; ``label`` names the work in the progress bar, ``quiet`` hides it.
    """
    listed = list(tasks)
    outcomes = []
    with Progress(label, len(listed), quiet=quiet) as progress:
        for outcome in stream(function, listed, workers=workers, kind=kind, executor=executor, name=name):
            outcomes.append(outcome)
            progress.advance()
    return outcomes


class Progress:
    """A progress bar with count, rate and remaining time on standard error; silent where that is no terminal.

    Parameters
    ----------
    label
        What is being done, in a word or two.
    total
        Number of items, or None when unknown.
    quiet
        Show nothing.
    """

    def __init__(self, label: str, total: int | None = None, *, quiet: bool = False) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.bytes = 0
        self._started = time.perf_counter()
        self._bar: Any = None
        self._quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> Progress:
        self._started = time.perf_counter()
        if not self._quiet:
            self._bar = _rich_bar()
            self._bar.start()
            self._task = self._bar.add_task(self.label, total=self.total, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.perf_counter() - self._started

    def advance(self, items: int = 1, size: int = 0) -> None:
        """Count ``items`` more as done, with ``size`` bytes."""
        self.done += items
        self.bytes += size
        if self._bar is not None:
            self._bar.update(self._task, advance=items, note=self.rate())

    def rate(self) -> str:
        """Return the speed so far, as in ``31 ms each, 1.9 GB/min``."""
        if not self.done:
            return ""
        each = self.seconds / self.done
        text = f"{each:.1f} s each" if each >= 1 else f"{each * 1000:.0f} ms each"
        if self.bytes:
            text += f", {self.bytes / 1e9 / self.seconds * 60:.1f} GB/min"
        return text


@dataclass(frozen=True, slots=True)
class _Reply:
    value: Any
    error: tuple[str, str, str, str] | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Call:
    """Runs in the worker: turns any error into data, so that no exception has to survive pickling."""

    function: Callable[[Any], Any]

    def __call__(self, task: Any) -> _Reply:
        started = time.perf_counter()
        try:
            value = self.function(task)
        except MicrographiaError as error:
            told = (error.path, error.problem, error.remedy, traceback.format_exc())
        except MemoryError:
            told = ("", "needs more memory than there is", "Use fewer workers", traceback.format_exc())
        except Exception as error:  # noqa: BLE001 - the task's input may break any library; the others go on
            told = ("", f"{type(error).__name__}: {error}", "", traceback.format_exc())
        else:
            return _Reply(value, None, time.perf_counter() - started)
        return _Reply(None, told, time.perf_counter() - started)


def _outcome(task: T, name: str, reply: _Reply) -> Outcome[T, Any]:
    if reply.error is None:
        return Outcome(task, name, reply.value, None, reply.seconds)
    path, problem, remedy, details = reply.error
    return Outcome(task, name, None, TaskError(path or name, problem, remedy, details), reply.seconds)


def _pooled(
    pool: Executor, function: Callable[[T], R], tasks: Iterable[T], count: int, name: Callable[[T], str]
) -> Iterator[Outcome[T, R]]:
    call = _Call(function)
    waiting: deque[tuple[T, Future[_Reply]]] = deque()
    source = iter(tasks)
    try:
        while True:
            while len(waiting) < 4 * count:
                try:
                    task = next(source)
                except StopIteration:
                    break
                waiting.append((task, pool.submit(call, task)))
            if not waiting:
                return
            task, future = waiting[0]
            reply = _wait(future)
            waiting.popleft()
            yield _outcome(task, name(task), reply)
    finally:
        for _, future in waiting:
            future.cancel()


def _wait(future: Future[_Reply]) -> _Reply:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except (Exception, CancelledError) as error:  # noqa: BLE001 - a cluster may lose a task in ways of its own
        return _Reply(None, ("", f"{type(error).__name__}: {error}", "", traceback.format_exc()), 0.0)


def _processes(
    function: Callable[[T], R], tasks: Iterable[T], count: int, name: Callable[[T], str]
) -> Iterator[Outcome[T, R]]:
    """Yield from spawned processes; when one dies, find out which task it died of and go on with the others."""
    source = iter(tasks)
    window: deque[T] = deque()
    suspects: deque[T] = deque()

    def remembered() -> Iterator[T]:
        for task in source:
            window.append(task)
            yield task

    while True:
        pool = _spawned(count)
        try:
            for outcome in _pooled(pool, function, remembered(), count, name):
                window.popleft()
                yield outcome
            return
        except BrokenProcessPool:
            suspects.extend(window)
            window.clear()
        except BaseException:
            _stop(pool)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        while suspects:
            yield _alone(function, suspects.popleft(), name)


def _alone(function: Callable[[T], R], task: T, name: Callable[[T], str]) -> Outcome[T, R]:
    pool = _spawned(1)
    try:
        return _outcome(task, name(task), pool.submit(_Call(function), task).result())
    except BrokenProcessPool:
        problem = "the process that worked on this input was killed, perhaps for lack of memory"
        return Outcome(task, name(task), error=TaskError(name(task), problem, "Try it alone with --workers 1"))
    except BaseException:
        _stop(pool)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _spawned(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_quiet_interrupts)


def _quiet_interrupts() -> None:
    # Ctrl-C reaches the whole process group; the parent alone answers it and then stops the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.terminate()


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
