"""Functions that the tests send to worker processes, which import them by name."""

import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path

from micrographia.errors import ImageError
from micrographia.work import stream


def square(number):
    return number * number


def slow_square(number):
    """Take longest for the first tasks, so that later ones finish before them."""
    time.sleep(0.02 * (number < 3))
    return number * number


def odd_ones_fail(number):
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def unreadable(path):
    raise ImageError(path, "is truncated", "Copy it again")


def out_of_memory(_task):
    raise MemoryError


def leave(_task):
    sys.exit("goodbye")


class SilentError(Exception):
    """Cannot be printed and cannot be pickled."""

    def __init__(self):
        super().__init__(threading.Lock())

    def __str__(self):
        raise RuntimeError("no words")


def raise_silent(_task):
    raise SilentError


def lock(_task):
    return threading.Lock()


class Mute:
    """Pickles, and does not unpickle."""

    def __reduce__(self):
        return refuse, ("this one",)


def refuse(what):
    raise pickle.UnpicklingError(f"{what} cannot be read")


def mute(task):
    return Mute() if task == 1 else task


def die(task):
    """End this process in the way that the task says; an integer is a harmless task."""
    if isinstance(task, signal.Signals):
        os.kill(os.getpid(), task)
    if task == "exit":
        os._exit(3)
    return task


def die_in_company(task):
    """Be killed the first time as for lack of memory; write down who worked when.

    ``task`` is (folder, number); number 3 is the one that dies.
    """
    folder, number = task
    started = time.monotonic()
    marker = Path(folder) / "died"
    if number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.03)
    return number, started, time.monotonic()


def nested(number):
    return os.getpid(), [outcome.value for outcome in stream(whereabouts, range(number), workers=2)]


def whereabouts(_task):
    return os.getpid()


def threads_allowed(_task):
    return os.environ.get("OMP_NUM_THREADS")


def sleep_for_ever(folder):
    """Say that it has begun, then work too long."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def echo_size(block):
    return len(block), block[:1] * len(block)
