"""Apply a function to many tasks with processes, threads, one after another, or any given executor."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from micrographia.errors import MicrographiaError
from micrographia.work.outcomes import Call, Outcome, Reply, told
from micrographia.work.progress import Progress

T = TypeVar("T")
R = TypeVar("R")
Kind = Literal["processes", "threads", "serial"]

_AHEAD = 4
"""Tasks under way or finished but not yet fetched, per worker."""


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

    An error is an outcome, and so is a worker process that dies: only the task it worked on is lost, after a second
    try without company if it was killed. Work starts when the first outcome is fetched, and stops when the iterator
    is closed.

    Parameters
    ----------
    function
        Called with one task. For processes it and the tasks must be picklable.
    tasks
        Taken one by one; only a few per worker are under way, so a generator of millions is fine.
    workers
        Number of workers; None for one a processor. 1 runs serially in this process. With ``executor``, how many
        workers to keep busy.
    kind
        ``"processes"`` (spawned), ``"threads"`` (for functions that release the GIL) or ``"serial"``. A worker
        process that streams in its turn does so serially.
    executor
        Any other ``concurrent.futures`` executor, such as ``distributed.Client.get_executor()``; not shut down.
    name
        Names a task in its outcome and its error; usually the path of its input.

    Raises
    ------
    ValueError
        If ``workers`` is less than 1.
    TypeError
        If the function cannot be sent to worker processes.
    MicrographiaError
        If workers cannot be started, or the given executor breaks.
    KeyboardInterrupt
        On Ctrl-C, after what had not started was cancelled and the worker processes were stopped; threads finish
        the task they are at.
    """
    count = cores() if workers is None else workers
    if count < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    if executor is not None:
        return _ordered(_to(executor, function), tasks, count, name)
    if kind == "serial" or count == 1:
        return _serial(function, tasks, name)
    if kind == "threads":
        return _threads(function, tasks, count, name)
    return _processes(function, tasks, count, name)


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


def _serial(
    function: Callable[[T], R], tasks: Iterable[T], name: Callable[[T], str]
) -> Iterator[Outcome[T, R]]:
    call = Call(function)
    for task in tasks:
        yield call(task).to_outcome(task, name(task))


def _threads(
    function: Callable[[T], R], tasks: Iterable[T], count: int, name: Callable[[T], str]
) -> Iterator[Outcome[T, R]]:
    pool = ThreadPoolExecutor(count, "micrographia")
    try:
        yield from _ordered(_to(pool, function), tasks, count, name)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _processes(
    function: Callable[[T], R], tasks: Iterable[T], count: int, name: Callable[[T], str]
) -> Iterator[Outcome[T, R]]:
    from multiprocessing import current_process

    here = current_process()
    # A starting worker imports the main script; if that starts work unguarded, each worker would do all of it again.
    if getattr(here, "_inheriting", False):
        raise MicrographiaError(
            "", "the script starts work while it is imported", "Start it under: if __name__ == '__main__'"
        )
    if here.daemon:
        yield from _serial(function, tasks, name)
        return
    from micrographia.work.processes import Crew

    crew = Crew(function, count)
    try:
        yield from _ordered(crew.submit, tasks, count, name)
    except BaseException:
        crew.stop()
        raise
    finally:
        crew.close()


def _to(pool: Executor, function: Callable[[T], Any]) -> Callable[[T], Future[Reply]]:
    call = Call(function)
    return lambda task: pool.submit(call, task)


def _ordered(
    submit: Callable[[T], Future[Reply]], tasks: Iterable[T], count: int, name: Callable[[T], str]
) -> Iterator[Outcome[T, Any]]:
    """Yield outcomes in order, with a bounded number of tasks taken from their source beforehand."""
    waiting: deque[tuple[T, Future[Reply]]] = deque()
    source = iter(tasks)
    exhausted = False
    broken: Exception | None = None
    try:
        while True:
            while not exhausted and len(waiting) < _AHEAD * count:
                try:
                    task = next(source)
                except StopIteration:
                    exhausted = True
                # As when run serially: first the outcomes of the tasks before it, then the source's own error.
                except Exception as error:  # noqa: BLE001
                    exhausted, broken = True, error
                else:
                    waiting.append((task, submit(task)))
            if not waiting:
                break
            task, future = waiting[0]
            outcome = _reply(future).to_outcome(task, name(task))
            waiting.popleft()
            yield outcome
    finally:
        for _, future in waiting:
            future.cancel()
    if broken is not None:
        raise broken


def _reply(future: Future[Reply]) -> Reply:
    try:
        return future.result()
    except MicrographiaError:
        raise
    except BrokenExecutor as error:
        raise MicrographiaError("", f"the executor broke: {error}", "Start it again") from error
    except Exception as error:  # noqa: BLE001 - a cluster may lose a task in ways of its own
        return Reply(failure=told(error))
