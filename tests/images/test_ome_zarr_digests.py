from pathlib import Path

import numpy as np
import pytest

from micrographia.errors import ImageError
from micrographia.images import ArrayImage, LabelSource, content_digest, open_image, write_image


def picture(shape: tuple[int, ...], axes: str) -> ArrayImage:
    return ArrayImage(np.random.default_rng(11).integers(0, 200, shape).astype(np.uint16), axes)


def blobs(shape: tuple[int, ...], axes: str) -> ArrayImage:
    places = np.indices(shape)
    return ArrayImage((sum(place // 9 for place in places) % 5 * 3).astype(np.uint16), axes)


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.ozx"])
def test_without_digests_the_pixels_are_the_same_and_nothing_is_hashed(tmp_path: Path, name: str):
    image, labels = picture((2, 700, 900), "CYX"), blobs((700, 900), "YX")
    source = [LabelSource("n", labels)]
    hashed = write_image(tmp_path / "hashed" / name, image, labels=source)
    plain = write_image(tmp_path / "plain" / name, image, labels=source, digests=False)
    assert plain.digest == plain.label_digests["n"] == ""
    assert {file.sha256 for file in plain.files} == {""}
    assert [(file.path, file.size) for file in plain.files] == [
        (file.path, file.size) for file in hashed.files
    ]
    assert content_digest(open_image(tmp_path / "plain" / name)) == hashed.digest


def test_negative_labels_are_refused_without_digests_too(tmp_path: Path):
    labels = ArrayImage(np.full((30, 40), -1, np.int16), "YX")
    with pytest.raises(ImageError, match="negative value -1"):
        write_image(
            tmp_path / "a.ome.zarr",
            picture((30, 40), "YX"),
            labels=[LabelSource("n", labels)],
            digests=False,
        )
