"""What the benchmarks share: environments of other programs, memory of a process tree, the machine's description."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench"


def environment(name: str, packages: Sequence[str]) -> Path:
    """Return the Python of a virtual environment with these packages, made where it is missing or out of date.

    The newest Python that is found is taken, because that is where other programs are newest and fastest.
    """
    folder = BENCH / f"env-{name}"
    python = folder / "bin" / "python"
    base = newest_python()
    wanted = json.dumps([base, *sorted(packages)])
    mark = folder / "packages.json"
    if mark.exists() and mark.read_text() == wanted:
        return python
    print(f"installing {' '.join(packages)} ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    BENCH.mkdir(exist_ok=True)
    subprocess.run([base, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *packages], check=True, stderr=subprocess.DEVNULL)
    mark.write_text(wanted)
    return python


def newest_python() -> str:
    """Return ``$MICROGRAPHIA_BENCH_PYTHON``, else the newest Python from 3.12 on that runs, else this one."""
    asked = os.environ.get("MICROGRAPHIA_BENCH_PYTHON")
    if asked:
        return asked
    for name in ("python3.13", "python3.12"):
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", "import venv, ssl"], capture_output=True).returncode == 0:
            return found
    return sys.executable


def measure(
    python: str | Path, script: Path, task: str, arguments: Mapping[str, Any], *, timeout: float = 3600
) -> dict[str, Any]:
    """Run one task of a script in its own process tree.

    The process prints ``ready`` when its imports are done, waits for a line, works, and prints a line of JSON.

    Returns
    -------
    dict
        What the process printed, with ``seconds``, and ``peak_mb``: the largest proportional set size of the
        process tree above that when it was ready. With ``error`` if it failed.
    """
    command = [str(python), str(script), "--task", task, json.dumps(dict(arguments))]
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
    reader.start()
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            if line.strip() == "ready":
                break
        watch = Watch(process.pid)
        watch.start()
        process.stdin.write("go\n")
        process.stdin.flush()
        last = ""
        for line in process.stdout:
            last = line
        process.wait()
        peak = watch.stop()
    except BrokenPipeError:
        process.wait()
        return {"error": "".join(errors[-3:]).strip() or "it ended before it was ready"}
    finally:
        timer.cancel()
    reader.join(1)
    try:
        result: dict[str, Any] = json.loads(last)
    except ValueError:
        return {"error": "".join(errors[-3:]).strip() or f"exit status {process.returncode}"}
    return {**result, "peak_mb": peak}


class Watch(threading.Thread):
    """Follows the memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.base = tree_memory(pid)
        self.peak = self.base
        self.going = True

    def run(self) -> None:
        """Look every 20 ms."""
        while self.going:
            self.peak = max(self.peak, tree_memory(self.pid))
            time.sleep(0.02)

    def stop(self) -> float:
        """Return the peak above the beginning, in MB."""
        self.going = False
        self.join()
        return (self.peak - self.base) / 1e6


def tree_memory(pid: int) -> int:
    """Return the proportional set size of a process and all below it, in bytes."""
    total = 0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def machine() -> dict[str, Any]:
    """Return processor, cores and versions."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    packages = ("numpy", "numba", "imagecodecs", "zarr", "tifffile")
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        **{name: version(name) for name in packages},
    }


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """Return rows as a Markdown table; ``columns`` maps keys to titles."""
    lines = ["| " + " | ".join(columns.values()) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(key)) for key in columns) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """Return a value as it stands in a table."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def serve(tasks: Mapping[str, Any]) -> bool:
    """In the process that :func:`measure` starts: run the task that is asked for. Return whether one was."""
    if len(sys.argv) < 4 or sys.argv[1] != "--task":
        return False
    prepare = tasks[sys.argv[2]]
    work = prepare(**json.loads(sys.argv[3]))
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    result = work() or {}
    print(json.dumps({"seconds": time.perf_counter() - started, **result}), flush=True)
    return True
