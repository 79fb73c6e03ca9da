"""Sample data: simulated datasets, made and described on the spot."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.napari.lazy import LayerData
from micrographia.napari.reading import dataset_layers
from micrographia.simulation import ACTIN, DNA, Timelapse, simulate_dataset


def cells() -> list[LayerData]:
    """Return one field of cells in two channels, with the nuclei outlined."""
    return _made(channels=(DNA, ACTIN), shape=(320, 400))


def divisions() -> list[LayerData]:
    """Return a time-lapse of dividing nuclei with their tracks."""
    return _made(timelapse=Timelapse(frames=16, interval=1200.0, cycle=5.0), shape=(256, 256))


def _made(**options: Any) -> list[LayerData]:
    with tempfile.TemporaryDirectory(prefix="micrographia-") as folder:
        root = Path(folder) / "simulated"
        simulate_dataset(root, images=1, **options)
        dataset = describe(root, DescribeOptions(workers=1)).dataset
        layers = dataset_layers(dataset, dataset.image_ids)
        made = []
        for data, said, kind in layers:
            # The files go away with the folder: what is shown has to be in memory.
            said["metadata"]["micrographia"].pop("dataset")
            made.append((np.asarray(data) if kind in ("image", "labels") else data, said, kind))
        return made
