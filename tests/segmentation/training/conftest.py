"""A small described dataset, and models trained on it for a moment."""

from dataclasses import replace
from pathlib import Path

import pytest

from micrographia.cli import main
from micrographia.dataset import open_dataset
from micrographia.segmentation.training.options import TrainOptions
from micrographia.simulation import Cells, simulate_dataset


@pytest.fixture(scope="session", autouse=True)
def torch():
    """PyTorch with one thread: the workers of the tests share the processors."""
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


@pytest.fixture(scope="session")
def cells(tmp_path_factory) -> Path:
    """Eight simulated images in six wells, described; nobody may change them."""
    folder = tmp_path_factory.mktemp("training") / "cells"
    simulate_dataset(folder, images=8, shape=(72, 88), seed=3, cells=Cells(density=0.15))
    told = ["describe", str(folder), "--workers", "1", "--group", "well=treatments.csv:well"]
    assert main(told) == 0
    return folder


@pytest.fixture
def tiny(cells, tmp_path):
    """Options of a run of a few seconds: a small network, few steps."""
    options = TrainOptions(
        [cells],
        tmp_path / "model",
        steps=12,
        evaluations=3,
        patch=(32, 32),
        batch=2,
        widths=(4, 8),
        device="cpu",
        workers=1,
    )

    def make(**changes):
        return replace(options, **changes)

    return make


@pytest.fixture
def dataset(cells):
    return open_dataset(cells)
