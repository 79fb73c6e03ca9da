"""Figures of instance segmentation as other programs compute them; runs in an environment of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _peers import environment

PACKAGES = [
    "bioimage-cpp",
    "csbdeep",
    "fastremap",
    "numba",
    "pandas",
    "panoptica",
    "py-ctcmetrics",
    "scikit-image",
]
PACKAGES += ["scikit-learn", "scipy", "tifffile", "tqdm"]
ALONE = ["cellpose", "python-elf", "stardist"]
"""Installed without what they ask for: their metrics need no deep learning."""

THRESHOLDS = [number / 100 for number in range(50, 100, 5)]
RANGE = np.arange(0.5, 1.0, 0.05)
"""The same ten, as they are usually written: three of them are a little more than they seem."""
Figure = Callable[[Any, Any], Any]


def peers() -> Path:
    """Return the Python of the environment that holds the other programs."""
    python = environment("metrics", PACKAGES)
    mark = python.parents[1] / "alone.txt"
    if not mark.exists() or mark.read_text() != " ".join(ALONE):
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*install, *ALONE], check=True, stderr=subprocess.DEVNULL)
        mark.write_text(" ".join(ALONE))
    return python


def packed(truth: Any, predicted: Any) -> Any:
    """Return both labels of each pixel as one number, as one does before counting."""
    return (truth.astype(np.int64).ravel() << 32) | predicted.ravel()


def singletons(predicted: Any) -> Any:
    """Return labels with a segment of its own for each background pixel."""
    own = int(predicted.max()) + 1 + np.arange(predicted.size, dtype=predicted.dtype).reshape(predicted.shape)
    return np.where(predicted == 0, own, predicted)


def of_numpy() -> dict[str, Figure]:
    return {"table": lambda t, p: len(np.unique(packed(t, p), return_counts=True)[0])}


def of_fastremap() -> dict[str, Figure]:
    import fastremap

    return {"table": lambda t, p: len(fastremap.unique(packed(t, p), return_counts=True)[0])}


def of_scikit_image() -> dict[str, Figure]:
    from skimage.metrics import adapted_rand_error, contingency_table, variation_of_information

    return {
        "table": lambda t, p: int(np.count_nonzero(contingency_table(t, p).data)),
        "are": lambda t, p: float(adapted_rand_error(t, p, ignore_labels=(0,))[0]),
        "vi": lambda t, p: float(sum(variation_of_information(t, p, ignore_labels=(0,)))),
    }


def of_stardist() -> dict[str, Figure]:
    from stardist.matching import matching

    return {
        "f1": lambda t, p: float(matching(t, p, 0.5).f1),
        "map": lambda t, p: float(np.mean([each.accuracy for each in matching(t, p, THRESHOLDS)])),
        "pq": lambda t, p: float(matching(t, p, 0.5).panoptic_quality),
        "map, arange": lambda t, p: float(np.mean([each.accuracy for each in matching(t, p, RANGE)])),
    }


def of_cellpose() -> dict[str, Figure]:
    metrics = cellpose_metrics()

    def f1(t: Any, p: Any) -> float:
        _, tp, fp, fn = metrics.average_precision(t, p, [0.5])
        return float(2 * tp[0] / (2 * tp[0] + fp[0] + fn[0]))

    return {
        "f1": f1,
        "map": lambda t, p: float(metrics.average_precision(t, p, THRESHOLDS)[0].mean()),
        "map, arange": lambda t, p: float(metrics.average_precision(t, p, RANGE)[0].mean()),
        "aji": lambda t, p: float(metrics.aggregated_jaccard_index([t], [p])[0]),
    }


def cellpose_metrics() -> Any:
    """Load cellpose's metrics alone: the rest of it imports torch, which they do not use."""
    found = importlib.util.find_spec("cellpose")
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = list(found.submodule_search_locations)
    package = ModuleType("cellpose")
    package.__path__ = folder
    sys.modules["cellpose"], sys.modules["cellpose.utils"] = package, ModuleType("cellpose.utils")
    return importlib.import_module("cellpose.metrics")


def of_elf() -> dict[str, Figure]:
    from elf.evaluation import (
        dice_score,
        matching,
        mean_segmentation_accuracy,
        rand_index,
        variation_of_information,
    )
    from elf.evaluation.util import contigency_table

    return {
        "table": lambda t, p: len(contigency_table(t, p)[3]),
        "f1": lambda t, p: float(matching(p, t)["f1"]),
        "map": lambda t, p: float(mean_segmentation_accuracy(p, t, thresholds=THRESHOLDS)),
        "map, arange": lambda t, p: float(mean_segmentation_accuracy(p, t)),
        "are, singletons": lambda t, p: float(rand_index(singletons(p), t, ignore_gt=[0])[0]),
        "dice": lambda t, p: float(dice_score(p, t)),
        "are": lambda t, p: float(rand_index(p, t, ignore_gt=[0])[0]),
        "vi": lambda t, p: float(sum(variation_of_information(p, t, ignore_gt=[0]))),
    }


def of_panoptica() -> dict[str, Figure]:
    from panoptica import InputType, Metric, NaiveThresholdMatching, Panoptica_Evaluator

    evaluator = Panoptica_Evaluator(
        expected_input=InputType.UNMATCHED_INSTANCE,
        instance_matcher=NaiveThresholdMatching(),
        instance_metrics=[Metric.IOU],
        global_metrics=[],
    )

    def result(t: Any, p: Any) -> Any:
        return evaluator.evaluate(p.astype(np.uint32), t.astype(np.uint32), verbose=False)["ungrouped"]

    return {"f1": lambda t, p: float(result(t, p).rq), "pq": lambda t, p: float(result(t, p).pq)}


def of_ctcmetrics() -> dict[str, Figure]:
    from ctc_metrics.metrics.technical.seg import seg
    from ctc_metrics.utils import representations

    held: dict[str, Any] = {}
    # It reads files; here it is handed the arrays, so that only its counting is measured.
    representations.tiff = SimpleNamespace(imread=lambda path: held[path].copy())

    def score(t: Any, p: Any) -> float:
        here, there = __file__, str(Path(__file__).with_name("_peers.py"))
        held[here], held[there] = t, p
        labels, _, _, _, iou = representations.match(here, there)
        return float(seg([labels], [iou]))

    return {"seg": score}


PROGRAMS: dict[str, Callable[[], dict[str, Figure]]] = {
    "numpy.unique": of_numpy,
    "fastremap": of_fastremap,
    "scikit-image": of_scikit_image,
    "stardist": of_stardist,
    "cellpose": of_cellpose,
    "elf": of_elf,
    "panoptica": of_panoptica,
    "py-ctcmetrics": of_ctcmetrics,
}
FIGURES = {
    "numpy.unique": ["table"],
    "fastremap": ["table"],
    "scikit-image": ["table", "are", "vi"],
    "stardist": ["f1", "map", "pq"],
    "cellpose": ["f1", "map", "aji"],
    "elf": ["table", "f1", "map", "dice", "are", "vi"],
    "panoptica": ["f1", "pq"],
    "py-ctcmetrics": ["seg"],
}
"""What each program computes, known without importing it."""
VARIANTS = {
    "stardist": ["map, arange"],
    "cellpose": ["map, arange"],
    "elf": ["map, arange", "are, singletons"],
}
"""What is compared and not timed."""
OTHER = {("cellpose", "aji"), ("scikit-image", "are"), ("elf", "are")}
OTHER |= {(program, "map, arange") for program in VARIANTS}
"""Figures of another definition, or that compare floats: they may differ from ours."""
