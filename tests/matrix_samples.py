"""What the tests of the transfer matrix share: a small simulated dataset with groups and splits, and made models."""

import shutil
from pathlib import Path

import numpy as np

from micrographia.cli import main
from micrographia.simulation import Cells, simulate_dataset

MODULE = '''
import numpy as np
from scipy import ndimage


def bright(image):
    """Label what is brighter than halfway between the darkest and the brightest percentile."""
    low, high = np.percentile(image[0], (1, 99))
    return ndimage.label(image[0] > (low + high) / 2)[0].astype(np.int32)


def nothing(image):
    return np.zeros(image.shape[1:], np.int32)


def fails_on_bright(image):
    if image.max() > THRESHOLD:
        raise ValueError("too bright for me")
    return bright(image)


def floats(image):
    return image[0] / 2


def negative(image):
    return np.full(image.shape[1:], -1)


def other_shape(image):
    return np.zeros((3, 3), np.int32)
'''


def simulated(folder: Path, images: int = 8, seed: int = 0) -> Path:
    """Write a dataset of simulated nuclei: described, with a group a well and a split by well."""
    simulate_dataset(folder, images=images, shape=(128, 144), cells=Cells(count=5), seed=seed)
    table = "treatments.csv"
    arguments = ["--group", f"well={table}:well", "--split", f"{table}:split"]
    assert main(["describe", str(folder), *arguments]) == 0
    return folder


def copied(made: Path, target: Path) -> Path:
    return Path(shutil.copytree(made, target))


def brightest(folder: Path) -> float:
    """Return the median of the images' maxima: half of the images are above."""
    from micrographia.dataset import open_dataset

    dataset = open_dataset(folder)
    tops = []
    for name in dataset.image_ids:
        image = dataset.image(name)
        tops.append(float(np.asarray(image.read(tuple(slice(0, size) for size in image.shape))).max()))
    return float(np.median(tops))
