"""Evaluate on a Dask cluster of this machine and kill one of its workers on the way; run by a test."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from distributed import Client, LocalCluster

from micrographia.representation.evaluation.result import plain
from micrographia.segmentation.evaluation.matrix import Options, evaluate


def main() -> None:
    dataset, out = Path(sys.argv[1]), Path(sys.argv[2])
    options = Options(
        models=("slow_model:slow",),
        datasets=(str(dataset),),
        split="train",
        baselines=("one",),
        boundary=False,
    )
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pids = client.run(os.getpid)
        victim = next(iter(pids.values()))
        marks = Path(os.environ["SLOW_MARKS"])

        def kill() -> None:
            while not any(mark.name.startswith(f"{victim}-") for mark in marks.iterdir()):
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        found = evaluate(options, out, executor=client.get_executor(pure=False), quiet=True)
        killer.join()
    print(json.dumps({"result": plain(found.result), "computed": found.computed}))


if __name__ == "__main__":
    main()
