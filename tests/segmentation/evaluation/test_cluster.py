import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrix_samples import simulated
from micrographia.representation.evaluation.result import plain
from micrographia.segmentation.evaluation.matrix import Options, evaluate
from micrographia.segmentation.evaluation.result import differences

MODEL = '''
import os
import time
from pathlib import Path

import numpy as np
from scipy import ndimage


def slow(image):
    """Leave a mark of who works, take a while, and label what is bright."""
    marks = os.environ.get("SLOW_MARKS")
    if marks:
        (Path(marks) / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(0.5)
    return ndimage.label(image[0] > np.percentile(image[0], 90))[0].astype(np.int32)
'''


def test_a_killed_worker_changes_nothing(tmp_path, monkeypatch):
    simulated(tmp_path / "nuclei")
    (tmp_path / "slow_model.py").write_text(MODEL)
    (tmp_path / "marks").mkdir()
    here = Path(__file__).parents[2]
    path = os.pathsep.join([str(tmp_path), str(here), os.environ.get("PYTHONPATH", "")])
    told = subprocess.run(
        [sys.executable, here / "matrix_cluster.py", tmp_path / "nuclei", tmp_path / "out"],
        env={**os.environ, "PYTHONPATH": path, "SLOW_MARKS": str(tmp_path / "marks")},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    document = json.loads(told.stdout.splitlines()[-1])
    workers = {mark.name.split("-")[0] for mark in (tmp_path / "marks").iterdir()}
    assert len(workers) >= 2
    # More images were begun than there are: the one that was lost was begun again.
    assert len(list((tmp_path / "marks").iterdir())) > 6
    monkeypatch.syspath_prepend(str(tmp_path))
    alone = evaluate(
        Options(
            models=("slow_model:slow",),
            datasets=(str(tmp_path / "nuclei"),),
            split="train",
            baselines=("one",),
            boundary=False,
        ),
        tmp_path / "alone",
        workers=1,
        quiet=True,
    )
    assert differences(plain(alone.result), document["result"]) == []


def test_a_cluster_that_is_not_there_is_told(tmp_path):
    from micrographia.cli.segment_evaluate import executor_of
    from micrographia.segmentation.metrics.errors import SegmentationError

    with pytest.raises(SegmentationError, match="cannot be reached"), executor_of("tcp://127.0.0.1:1"):
        pass
