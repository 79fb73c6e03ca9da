"""What the tests of ranking share: a simulated dataset on disk, and models of known worth."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.measure import label

from micrographia.cli import main
from micrographia.segmentation.models.protocol import ModelInfo

SHAPE = (64, 72)


def nuclei(seed):
    """Four disks of 80 on 20 that do not touch, with noise of 3, and their labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels = np.zeros(SHAPE, np.uint16)
    placed = []
    while len(placed) < 4:
        row, column = rng.integers(10, SHAPE[0] - 10), rng.integers(10, SHAPE[1] - 10)
        if all((row - a) ** 2 + (column - b) ** 2 > 22**2 for a, b in placed):
            placed.append((row, column))
            labels[(y - row) ** 2 + (x - column) ** 2 <= rng.integers(36, 81)] = len(placed)
    image = 20 + 60 * (labels > 0) + 3 * rng.standard_normal(SHAPE)
    return np.clip(image, 0, 255).astype(np.uint8), labels


def written(folder: Path, images: int = 6, *, masks: bool = True, groups: bool = True) -> Path:
    """Write a dataset: images, masks, and two images a slide, of two stains."""
    for kind in ("images", "masks") if masks else ("images",):
        (folder / kind).mkdir(parents=True)
    rows = ["image,slide,stain"]
    for number in range(images):
        image, labels = nuclei(number)
        Image.fromarray(image).save(folder / "images" / f"f{number}.png")
        if masks:
            Image.fromarray(labels).save(folder / "masks" / f"f{number}.png")
        rows.append(f"f{number}.png,slide{number // 2},{'red' if number < images // 2 else 'blue'}")
    (folder / "slides.csv").write_text("\n".join(rows) + "\n")
    more = ["--group", "slide=slides.csv:slide"] if groups else []
    assert main(["describe", str(folder), *more]) == 0
    return folder


class Made:
    """A model that a function carries out; it counts how often it is asked."""

    api_version = 1

    def __init__(self, name, function, **info):
        self.info = ModelInfo(name, sha256=hashlib.sha256(name.encode()).hexdigest(), **info)
        self.function, self.asked = function, 0

    def predict(self, image, *, pixel_size=None):  # noqa: ARG002
        self.asked += 1
        return self.function(image)


def halfway(image):
    """Halfway between the extremes of the smoothed image: right on the disks."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(image[0], 1.5)
    return label(smooth > (smooth.min() + smooth.max()) / 2).astype(np.int32)


def absolute(image):
    """Above 60: right on the plain images, lost when they get brighter."""
    return label(image[0] > 60).astype(np.int32)


def jumpy(image):
    """Above what happens to be the mean of the first row: noise decides."""
    return label(image[0] > image[0, 0].mean() + 1).astype(np.int32)


def grid(image):
    """Squares, whatever there is."""
    y, x = np.mgrid[: image.shape[1], : image.shape[2]]
    return (1 + (y // 16) * 100 + x // 16).astype(np.int32)


def nothing(image):
    return np.zeros(image.shape[1:], np.int32)


def everything(image):
    return np.ones(image.shape[1:], np.int32)


def family(*names):
    """Return models by name, made anew."""
    known = {one.__name__: one for one in (halfway, absolute, jumpy, grid, nothing, everything)}
    return {name: Made(name, known[name]) for name in names}
