"""Models that tests run: small, local, and wrong in known ways."""

import numpy as np
from skimage.measure import label

from micrographia.segmentation.models.protocol import ModelInfo


class Components:
    """Connected components of a threshold: local, whatever the size of its objects."""

    api_version = 1

    def __init__(self, threshold=0.5, connectivity=1, **info):
        self.info = ModelInfo("components", sha256="0" * 64, **info)
        self.threshold = threshold
        self.connectivity = connectivity
        self.seen = []

    def predict(self, image, *, pixel_size=None):
        self.seen.append((image.shape, pixel_size))
        return label(image[0] > self.threshold, connectivity=self.connectivity)


class Gives(Components):
    """Gives whatever a function makes of its components."""

    def __init__(self, change, **info):
        super().__init__(**info)
        self.change = change

    def predict(self, image, *, pixel_size=None):
        return self.change(super().predict(image, pixel_size=pixel_size))


def same_partition(one, other):
    """Whether two label images are equal up to the numbers of their objects."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return (
        ((one > 0) == (other > 0)).all()
        and len(np.unique(pairs[0])) == pairs.shape[1]
        and len(np.unique(pairs[1])) == pairs.shape[1]
    )
