"""Spawned worker processes, one pipe each.

A worker holds one task at a time, so that when one dies it is known what it died of, and the others do not notice.
(``ProcessPoolExecutor`` shares its queues: one death breaks the pool, loses what was under way and tells no culprit.)
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any

from micrographia.errors import MicrographiaError
from micrographia.work.outcomes import Call, Failure, Reply, told

_READY = b"ready"
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TIFFFILE_NUM_THREADS",
)


class Crew:
    """Applies one function to tasks in up to ``count`` processes, each tended by a thread of ours.

    Raises
    ------
    TypeError
        If the function cannot be pickled.
    """

    def __init__(self, function: Callable[[Any], Any], count: int) -> None:
        try:
            self._function = pickle.dumps(function)
        except Exception as error:
            raise TypeError(
                f"{function!r} cannot be sent to worker processes ({error}): define it at the top level of a module"
            ) from error
        self._count = count
        self._tasks: SimpleQueue[tuple[Future[Reply], Any] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._workers: set[_Worker] = set()
        self._starting = threading.Lock()
        self._stopped = False
        self._busy = 0
        self._turn = threading.Condition()
        # Started by one of the threads instead, it would undo that thread's signal mask.
        resource_tracker.ensure_running()
        atexit.register(self.stop)

    def submit(self, task: Any) -> Future[Reply]:
        """Queue a task and return its future reply."""
        future: Future[Reply] = Future()
        self._tasks.put((future, task))
        if len(self._threads) < self._count:
            # Daemons: they must not keep an interrupted program from ending.
            thread = threading.Thread(target=self._tend, name="micrographia", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """Let the workers end once the queue is empty, and wait for it."""
        if (
            sys.is_finalizing()
        ):  # the program ends and has stopped its threads; to wait for them were for ever
            return
        atexit.unregister(self.stop)
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """End the workers whatever they are doing."""
        if sys.is_finalizing():
            return
        with self._starting:
            self._stopped = True
            for worker in self._workers:
                worker.process.terminate()

    def _tend(self) -> None:
        # The processes that this thread starts inherit its mask: Ctrl-C is for the main thread alone to answer.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        post = _Post(self._start)
        for future, task in iter(self._tasks.get, None):
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(self._reply(post, task))
                except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
                    future.set_exception(error)
        post.leave()

    def _reply(self, post: _Post, task: Any) -> Reply:
        """Have a task done, and again without company if its worker was killed, as happens for lack of memory."""
        try:
            payload = pickle.dumps(task)
        except Exception as error:  # noqa: BLE001 - whatever keeps this task from travelling is its own error
            return Reply(failure=told(error, "cannot be sent to a worker process: "))
        with self._turn:
            self._busy += 1
        try:
            answer = post.ask(payload)
        finally:
            with self._turn:
                self._busy -= 1
                self._turn.notify_all()
        if answer == -signal.SIGKILL:
            with self._turn:
                self._turn.wait_for(lambda: self._busy == 0)
                answer = post.ask(payload)
        if isinstance(answer, int):
            return Reply(failure=_death(answer))
        try:
            reply: Reply = pickle.loads(answer)  # noqa: S301 - from our own worker
        except Exception as error:  # noqa: BLE001 - a value may pickle and yet not unpickle
            return Reply(failure=told(error, "its result cannot be sent back: "))
        return reply

    def _start(self) -> _Worker:
        with self._starting:
            if self._stopped:
                raise MicrographiaError("", "the work was stopped")
            try:
                worker = _Worker(self._function)
            except OSError as error:
                problem = f"cannot start a worker process: {error}"
                raise MicrographiaError("", problem, "Use fewer workers") from error
            self._workers = {other for other in self._workers if other.process.is_alive()} | {worker}
        return worker


class _Post:
    """A thread's place for one worker, filled when there is something to do and again when the worker has died."""

    def __init__(self, start: Callable[[], _Worker]) -> None:
        self._start = start
        self._worker: _Worker | None = None

    def ask(self, payload: bytes) -> bytes | int:
        """Return the worker's answer, or the exit status of the process that died of the question."""
        if self._worker is None:
            self._worker = self._start()
            if self._worker.received() != _READY:
                raise MicrographiaError(
                    "",
                    f"a worker process ended while it started, with exit status {self._worker.end()}",
                    "In a script, start the work under: if __name__ == '__main__'",
                )
        self._worker.send(payload)
        answer = self._worker.received()
        if answer is not None:
            return answer
        worker, self._worker = self._worker, None
        return worker.end()

    def leave(self) -> None:
        if self._worker is not None:
            self._worker.end()


class _Worker:
    """One process and our end of its pipe."""

    def __init__(self, function: bytes) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self.process.start()
        # With our copy of its end closed, its death ends every wait on ours.
        theirs.close()

    def send(self, payload: bytes) -> None:
        """Send what it will answer; if it is dead, ``received`` tells."""
        with suppress(OSError):
            self._connection.send_bytes(payload)

    def received(self) -> bytes | None:
        """Wait for its answer; None when it died."""
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self) -> int:
        """Hang up, wait for its end, and return its exit status, negative for a signal."""
        self._connection.close()
        self.process.join(5)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return self.process.exitcode or 0


def _serve(connection: Connection, packed: bytes) -> None:
    """Answer tasks until the pipe is closed; runs in the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_follow_parent, daemon=True).start()
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    call: Call | None = None
    with suppress(EOFError, OSError):
        connection.send_bytes(_READY)
        while True:
            payload = connection.recv_bytes()
            try:
                call = call or Call(pickle.loads(packed))  # noqa: S301 - from our own parent
                task = pickle.loads(payload)  # noqa: S301
            except Exception as error:  # noqa: BLE001 - a module that is not there, or a class that will not unpickle
                reply = Reply(failure=told(error, "cannot be read by a worker process: "))
            else:
                reply = call(task)
            connection.send_bytes(_packed(reply))


def _packed(reply: Reply) -> bytes:
    try:
        return pickle.dumps(reply)
    except Exception as error:  # noqa: BLE001 - whatever keeps the value from travelling
        failure = told(error, "its result cannot be sent back: ")
        return pickle.dumps(Reply(failure=failure, seconds=reply.seconds))


def _follow_parent() -> None:
    """End this process with its parent, even one that was killed and could not say so."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _death(status: int) -> Failure:
    if status == -signal.SIGKILL:
        problem = (
            "the process that worked on it was killed, also when it worked alone, perhaps for lack of memory"
        )
        return Failure("", problem, "Free some memory")
    if status < 0:
        cause = signal.strsignal(-status) or f"signal {-status}"
        return Failure("", f"the process that worked on it died: {cause.lower()}", "The input may be damaged")
    return Failure(
        "", f"the process that worked on it ended with exit status {status}", "The input may be damaged"
    )
