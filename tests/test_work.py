"""Many tasks: the same outcomes in the same order however they are run, whatever becomes of single ones."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

import work_tasks as tasks
from micrographia.errors import MicrographiaError
from micrographia.work import Progress, TaskError, cores, run, stream

WAYS = {
    "serial": {"kind": "serial"},
    "one": {"workers": 1},
    "threads": {"kind": "threads", "workers": 3},
    "two processes": {"workers": 2},
    "three processes": {"workers": 3},
}
POOLS = {
    "given threads": lambda: ThreadPoolExecutor(2),
    "given processes": lambda: ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")),
}


@pytest.fixture(params=[*WAYS, *POOLS])
def way(request):
    """Every way to run tasks."""
    if request.param in WAYS:
        yield WAYS[request.param]
    else:
        with POOLS[request.param]() as pool:
            yield {"executor": pool, "workers": 2}


@pytest.fixture(params=["two processes", "three processes"])
def processes(request):
    return WAYS[request.param]


def children() -> set[int]:
    """Worker processes of this one; not the tracker that ``multiprocessing`` keeps for the whole session."""
    return {
        child.pid
        for child in psutil.Process().children(recursive=True)
        if "resource_tracker" not in " ".join(child.cmdline())
    }


def test_outcomes_come_in_the_order_of_the_tasks(way):
    outcomes = run(tasks.slow_square, range(30), **way)
    assert [outcome.task for outcome in outcomes] == list(range(30))
    assert [outcome.result() for outcome in outcomes] == [number**2 for number in range(30)]
    assert all(outcome.seconds >= 0.02 for outcome in outcomes[:3])


def test_errors_name_their_input_and_lose_no_other(way):
    outcomes = run(tasks.odd_ones_fail, range(20), **way, name=lambda number: f"image{number}.tif")
    assert [outcome.value for outcome in outcomes] == [None if number % 2 else number for number in range(20)]
    failed = [outcome.error for outcome in outcomes if outcome.error]
    assert [str(error) for error in failed] == [
        f"image{number}.tif: ValueError: {number} is odd" for number in range(1, 20, 2)
    ]
    assert all("in odd_ones_fail" in error.details for error in failed)
    with pytest.raises(TaskError, match=r"image1\.tif"):
        outcomes[1].result()


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (tasks.unreadable, "sample.tif: is truncated. Copy it again"),
        (tasks.out_of_memory, "sample.tif: needs more memory than there is. Use fewer workers"),
        (tasks.leave, "sample.tif: SystemExit: goodbye"),
        (tasks.raise_silent, "sample.tif: SilentError: <exception str() failed>"),
    ],
)
def test_any_error_becomes_an_outcome(way, function, problem):
    (outcome,) = run(function, ["sample.tif"], **way)
    assert str(outcome.error) == problem


@given(st.lists(st.integers()), st.integers(1, 5))
def test_outcomes_do_not_depend_on_the_number_of_workers(numbers, workers):
    def half(number):
        if number % 3 == 0:
            raise ValueError(number)
        return number // 2

    def told(**way):
        outcomes = run(half, numbers, **way)
        return [(outcome.task, outcome.value, str(outcome.error)) for outcome in outcomes]

    assert told(workers=workers, kind="threads") == told(kind="serial")


def test_no_tasks_no_outcomes(way):
    assert run(tasks.square, [], **way) == []


def test_tasks_are_taken_as_they_are_needed(way):
    taken = 0

    def numbers():
        nonlocal taken
        while taken < 1_000_000:
            yield taken
            taken += 1

    outcomes = stream(tasks.square, numbers(), **way)
    for expected in range(5):
        assert next(outcomes).value == expected**2
    assert taken < 5 + 4 * way.get("workers", 1)
    outcomes.close()


def test_a_source_that_fails_loses_no_task_before_it(way):
    def numbers():
        yield from range(5)
        raise OSError("the disk is gone")

    outcomes = stream(tasks.square, numbers(), **way)
    assert [next(outcomes).value for _ in range(5)] == [0, 1, 4, 9, 16]
    with pytest.raises(OSError, match="the disk is gone"):
        next(outcomes)


def test_fewer_than_one_worker_is_refused_at_once():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        stream(tasks.square, [1], workers=0)


def test_closing_ends_the_workers(tmp_path):
    before = children()
    outcomes = stream(tasks.square, range(1000), workers=2)
    assert next(outcomes).value == 0
    assert len(children() - before) == 2
    outcomes.close()
    assert children() <= before


def test_workers_end_with_their_work(processes):
    before = children()
    assert len(run(tasks.square, range(10), **processes)) == 10
    assert children() <= before


def test_a_function_that_cannot_travel_is_refused():
    with pytest.raises(TypeError, match="define it at the top level of a module"):
        run(lambda number: number, [1, 2], workers=2)


def test_a_task_that_cannot_travel_is_its_own_error(processes):
    outcomes = run(
        tasks.whereabouts, [1, threading.Lock(), 3], **processes, name=lambda task: type(task).__name__
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert str(outcomes[1].error).startswith("lock: cannot be sent to a worker process: TypeError")


def test_a_result_that_cannot_travel_is_its_own_error(processes):
    (outcome,) = run(tasks.lock, [7], **processes)
    assert str(outcome.error).startswith("7: its result cannot be sent back: TypeError")


def test_a_result_that_cannot_arrive_is_its_own_error(processes):
    outcomes = run(tasks.mute, range(4), **processes)
    assert [outcome.value for outcome in outcomes] == [0, None, 2, 3]
    assert (
        str(outcomes[1].error)
        == "1: its result cannot be sent back: UnpicklingError: this one cannot be read"
    )


def test_large_tasks_and_results_travel_whole(processes):
    blocks = [bytes([number]) * 3_000_000 for number in range(6)]
    outcomes = run(tasks.echo_size, blocks, **processes, name=lambda block: str(block[0]))
    assert [outcome.result() for outcome in outcomes] == [(len(block), block) for block in blocks]


@pytest.mark.parametrize(
    ("death", "problem"),
    [
        (signal.SIGKILL, "was killed, also when it worked alone, perhaps for lack of memory"),
        (signal.SIGSEGV, "died: segmentation fault"),
        ("exit", "ended with exit status 3"),
    ],
)
def test_a_worker_that_dies_costs_only_its_task(processes, death, problem):
    given = [*range(10), death, *range(11, 30)]
    outcomes = run(tasks.die, given, **processes, name=lambda task: f"task {task}")
    assert [outcome.value for outcome in outcomes if outcome.task is not death] == [
        *range(10),
        *range(11, 30),
    ]
    assert str(outcomes[10].error).startswith(f"task {death}: the process that worked on it {problem}")


def test_every_worker_may_die_many_times():
    given = [number if number % 3 else "exit" for number in range(12)]
    outcomes = run(tasks.die, given, workers=2)
    assert [outcome.value for outcome in outcomes] == [number if number % 3 else None for number in range(12)]


def test_a_killed_task_is_tried_again_alone(tmp_path):
    outcomes = run(tasks.die_in_company, [(tmp_path, number) for number in range(12)], workers=3)
    spans = [outcome.result() for outcome in outcomes]
    assert (tmp_path / "died").exists()
    assert [number for number, _, _ in spans] == list(range(12))
    _, begun, ended = spans[3]
    assert all(other[2] <= begun or other[1] >= ended for other in spans if other[0] != 3)


def test_work_inside_a_worker_is_serial():
    for outcome in run(tasks.nested, [3, 4], workers=2):
        worker, used = outcome.result()
        assert used == [worker] * outcome.task


def test_a_worker_keeps_to_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [outcome.value for outcome in run(tasks.threads_allowed, [1, 2], workers=2)] == ["1", "1"]
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert [outcome.value for outcome in run(tasks.threads_allowed, [1, 2], workers=2)] == ["4", "4"]


def test_a_given_executor_that_breaks_is_one_error():
    with POOLS["given processes"]() as pool, pytest.raises(MicrographiaError, match="the executor broke"):
        run(tasks.die, [1, signal.SIGKILL, 3], executor=pool)


def test_a_given_executor_stays_open():
    with ThreadPoolExecutor(2) as pool:
        run(tasks.square, range(5), executor=pool)
        assert pool.submit(tasks.square, 3).result() == 9


def test_work_may_be_run_from_any_thread():
    found = []
    thread = threading.Thread(target=lambda: found.extend(run(tasks.square, range(5), workers=2)))
    thread.start()
    thread.join(30)
    assert [outcome.value for outcome in found] == [0, 1, 4, 9, 16]


def test_cores_are_those_that_may_be_used():
    assert 1 <= cores() <= (os.cpu_count() or 1)


# A program of its own: what becomes of it and of its workers when it is interrupted or killed.

PROGRAM = """
import sys, time
from pathlib import Path
import work_tasks
from micrographia.work import stream

def main(folder):
    outcomes = stream(work_tasks.{function}, [folder] * 100, workers=2)
    try:
        for outcome in outcomes:
            {body}
    except KeyboardInterrupt:
        {caught}

if __name__ == "__main__":
    main(sys.argv[1])
"""


@contextmanager
def program(folder: Path, function: str, body: str, caught: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program in a process group of its own, wait until two workers are at work, kill what is left."""
    script = folder / "program.py"
    script.write_text(PROGRAM.format(function=function, body=body, caught=caught))
    work = folder / "work"
    work.mkdir()
    running = subprocess.Popen(
        [sys.executable, script, work],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    try:
        deadline = time.monotonic() + 60
        while len(list(work.iterdir())) < 2 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        yield running
    finally:
        for process in family(running.pid):
            process.kill()
        running.communicate()


def family(group: int) -> list[psutil.Process]:
    """Return the living processes of a process group."""
    return [
        process
        for process in psutil.process_iter()
        if is_of(process, group) and process.status() != psutil.STATUS_ZOMBIE
    ]


def is_of(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group
    except ProcessLookupError:
        return False


def wait_until_gone(group: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 5
    while family(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return family(group)


@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "parent only"])
@pytest.mark.parametrize(
    ("caught", "status"), [("sys.exit(130)", 130), ("raise", -signal.SIGINT)], ids=["caught", "uncaught"]
)
def test_ctrl_c_ends_all_within_seconds(tmp_path, whole_group, caught, status):
    with program(tmp_path, "sleep_for_ever", "pass", caught) as running:
        (os.killpg if whole_group else os.kill)(running.pid, signal.SIGINT)
        _, stderr = running.communicate(timeout=10)
        assert running.returncode == status
        assert wait_until_gone(running.pid) == []
        assert stderr.count("Traceback") == (caught == "raise")


def test_ctrl_c_while_an_outcome_is_used_ends_all_within_seconds(tmp_path):
    body = "Path(sys.argv[1], 'used').touch(); Path(sys.argv[1], 'more').touch(); time.sleep(600)"
    with program(tmp_path, "whereabouts", body, "raise") as running:
        os.killpg(running.pid, signal.SIGINT)
        _, stderr = running.communicate(timeout=10)
        assert running.returncode == -signal.SIGINT
        assert stderr.count("Traceback") == 1
        assert wait_until_gone(running.pid) == []


@pytest.mark.parametrize("signalled", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_killed_parent(tmp_path, signalled):
    with program(tmp_path, "sleep_for_ever", "pass", "raise") as running:
        assert len(family(running.pid)) >= 3
        running.send_signal(signalled)
        running.wait(10)
        assert wait_until_gone(running.pid) == []


def test_a_script_without_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import work_tasks\nfrom micrographia.work import run\nrun(work_tasks.square, [1, 2], workers=2)\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "a worker process ended while it started" in last
    assert "if __name__ == '__main__'" in last


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_count_and_rate_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress("reading [a]", 3) as progress:
        for _ in range(3):
            progress.advance(size=1_000_000)
    shown = sys.stderr.getvalue()
    assert "reading [a]" in shown
    assert "3/3" in shown
    assert "ms each" in shown
    assert "GB/min" in shown


def test_progress_is_silent_elsewhere(capsys):
    assert len(run(tasks.square, range(3), kind="serial", label="reading", quiet=False)) == 3
    assert capsys.readouterr() == ("", "")


def test_progress_counts_and_times(monkeypatch):
    clock = iter([100.0, 100.0, 104.0, 109.0])
    monkeypatch.setattr("micrographia.work.progress.time.perf_counter", lambda: next(clock))
    with Progress("", 2, quiet=True) as progress:
        assert progress.rate() == ""
        progress.advance(2, size=3_000_000_000)
        assert progress.rate() == "2.0 s each, 45.0 GB/min"
        assert progress.seconds == 9
