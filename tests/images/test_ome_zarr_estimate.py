from pathlib import Path

import numpy as np
import pytest

from micrographia.images import ArrayImage, LabelSource, estimate, write_image


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("shape", [(300, 400), (2, 1500, 1100)])
def test_files_are_counted_exactly_and_bytes_suffice(tmp_path: Path, version: str, shape: tuple[int, ...]):
    random = np.random.default_rng(1)
    image = ArrayImage(random.poisson(300, shape).astype(np.uint16), "CYX"[-len(shape) :])
    labels = ArrayImage((np.indices(shape[-2:]).sum(0) // 40).astype(np.int32), "YX")
    told = estimate(image, labels=[labels], version=version)
    written = write_image(tmp_path / "a.ome.zarr", image, labels=[LabelSource("n", labels)], version=version)
    assert told.files == len(written.files)
    assert written.nbytes <= told.bytes <= 1.6 * written.nbytes
    assert told.seconds > 0


def test_without_labels(tmp_path: Path):
    image = ArrayImage(np.zeros((100, 100), np.uint8), "YX")
    assert estimate(image).files == len(write_image(tmp_path / "a.ome.zarr", image).files)


def test_headers_alone_count_files_and_give_an_upper_bound():
    class Unread(ArrayImage):
        def read(self, region=None):  # noqa: ARG002
            raise AssertionError("no pixels are needed")

    image = Unread(np.zeros((2, 600, 700), np.uint16), "CYX")
    told = estimate(image, masks=2, sample=False)
    assert (
        told.files
        == estimate(image, labels=[ArrayImage(np.zeros((600, 700), np.uint16), "YX")] * 2, sample=False).files
    )
    assert told.bytes > 1.3 * image.nbytes
    assert told.seconds == 0
