"""How long the command line takes to answer, above a Python that does nothing.

    python benchmarks/startup.py

Prints one row a command: median of the runs, and its difference from bare Python, which runs in turn with them so that
a busy machine slows all alike. Exits with 1 if a limit is passed.
"""

import platform
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from statistics import median

RUNS = 20
BARE = [sys.executable, "-c", "pass"]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "micrographia")
# Arguments to the program, and the milliseconds above bare Python that they may take.
LIMITS = {"--version": 60, "--help": 150}


def milliseconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


def main() -> int:
    commands = {"python -c pass": BARE} | {f"micrographia {option}": [PROGRAM, option] for option in LIMITS}
    for command in commands.values():
        milliseconds(command)  # once beforehand, to fill the file cache
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            times[name].append(milliseconds(command))
    medians = {name: median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    print(f"Python {platform.python_version()}, median of {RUNS} runs\n")
    print(f"{'command':<24} {'ms':>7} {'above bare':>11} {'limit':>6}")
    print(f"{'python -c pass':<24} {bare:>7.1f}")
    passed = True
    for option, limit in LIMITS.items():
        name = f"micrographia {option}"
        above = medians[name] - bare
        passed = passed and above <= limit
        print(f"{name:<24} {medians[name]:>7.1f} {above:>11.1f} {limit:>6}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
