import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.errors import ImageError
from micrographia.images import ArrayImage, Image, content_digest
from micrographia.images.digest import PixelHasher


def by_hand(array: np.ndarray, header: dict) -> str:
    """Hash pixels with five axes as the definition says, in the plainest way."""
    whole = hashlib.sha256(
        b"micrographia pixels 1\n"
        + json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        + b"\n"
    )
    for t, c, z in np.ndindex(array.shape[:3]):
        for y in range(0, array.shape[3], 1024):
            for x in range(0, array.shape[4], 1024):
                block = array[t, c, z, y : y + 1024, x : x + 1024]
                if header["dtype"] == "label":
                    block = block.astype(
                        next(
                            kind for kind in ("u1", "<u2", "<u4", "<u8") if block.max() <= np.iinfo(kind).max
                        )
                    )
                whole.update(hashlib.sha256(block.astype(block.dtype.newbyteorder("<")).tobytes()).digest())
    return whole.hexdigest()


def noise(shape: tuple[int, ...], dtype: type = np.uint16, most: int = 60000) -> np.ndarray:
    return np.random.default_rng(5).integers(0, most, shape).astype(dtype)


def test_digest_is_what_its_definition_says():
    pixels = noise((2, 3, 1100, 1030))
    image = ArrayImage(pixels, "CZYX", scale={"z": 2.0, "y": 1.0, "x": 0.5}, units={"x": "micrometer"})
    header = {
        "axes": "CZYX",
        "shape": [2, 3, 1100, 1030],
        "dtype": "uint16",
        "scale": {"z": 2.0, "x": 0.5},
        "units": {"x": "micrometer"},
    }
    assert content_digest(image) == by_hand(pixels[np.newaxis], header)


def test_digest_of_labels_is_what_its_definition_says():
    pixels = noise((1030, 1100), np.uint64, 9)
    pixels[1028, 3], pixels[3, 1028], pixels[1028, 1028] = 1 << 40, 300, 70000
    image = ArrayImage(pixels, "YX", scale={"y": 0.5, "x": 0.5})
    header = {"axes": "YX", "shape": [1030, 1100], "dtype": "label"}
    assert content_digest(image, kind="label") == by_hand(pixels[np.newaxis, np.newaxis, np.newaxis], header)


def test_type_of_labels_does_not_matter():
    pixels = noise((60, 70), np.uint8, 200)
    digests = {
        content_digest(ArrayImage(pixels.astype(kind), "YX"), kind="label")
        for kind in (np.uint8, np.uint16, np.int32, np.uint64, np.int64)
    }
    assert len(digests) == 1
    assert content_digest(ArrayImage(pixels, "YX")) not in digests


def test_axes_of_one_pixel_do_not_matter():
    pixels = noise((60, 70))
    plain = content_digest(ArrayImage(pixels, "YX"))
    assert content_digest(ArrayImage(pixels[np.newaxis, np.newaxis, np.newaxis], "TCZYX")) == plain


def test_a_step_of_one_without_unit_says_nothing():
    pixels = noise((6, 7))
    plain = content_digest(ArrayImage(pixels, "YX"))
    assert content_digest(ArrayImage(pixels, "YX", scale={"y": 1.0, "x": 1.0})) == plain
    told = ArrayImage(pixels, "YX", scale={"y": 1.0, "x": 1.0}, units={"y": "micrometer", "x": "micrometer"})
    assert content_digest(told) != plain


@pytest.mark.parametrize("change", ["pixel", "type", "scale", "axes"])
def test_digest_changes_with_content(change: str):
    pixels = noise((4, 60, 70), most=100)
    changed, axes, scale = pixels.copy(), "ZYX", {"z": 2.0}
    if change == "pixel":
        changed[3, 59, 69] ^= 1
    elif change == "type":
        changed = changed.astype(np.uint32)
    elif change == "scale":
        scale = {"z": 3.0}
    else:
        axes, scale = "TYX", {"t": 2.0}
    assert content_digest(ArrayImage(pixels, "ZYX", scale={"z": 2.0})) != content_digest(
        ArrayImage(changed, axes, scale=scale)
    )


class Strips:
    """Rows of a wide picture, made when they are read."""

    def __init__(self, width: int, rows: int) -> None:
        self.width, self.rows = width, rows

    def read(self, region):
        y = np.arange(region[0].start, region[0].stop, dtype=np.uint64)[:, np.newaxis]
        x = np.arange(region[1].start, region[1].stop, dtype=np.uint64)
        return (y * 7919 + x) % 251 + np.where((y == 1050) & (x > 12000), 1 << 33, 0).astype(np.uint64)

    def close(self):
        pass


@pytest.mark.parametrize("kind", ["image", "label"])
def test_strips_are_hashed_as_blocks_are(kind: str, tmp_path):
    """Cells of a wide picture hold fewer rows than a block of the digest."""
    width, rows = 20000, 1100
    pixels = Strips(width, rows)
    common = {
        "path": tmp_path,
        "axes": "YX",
        "shape": (rows, width),
        "dtype": np.uint64,
        "compression": "lzw",
    }
    strips = Image(pixels, block_shape=(16, width), **common)
    blocks = Image(pixels, block_shape=(1024, 1024), **common)
    assert content_digest(strips, kind=kind, threads=2) == content_digest(blocks, kind=kind, threads=1)


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 2200), st.integers(1, 2200)),
    block=st.tuples(st.integers(1, 2), st.integers(1, 1500), st.integers(1, 1500)),
    threads=st.integers(1, 3),
)
def test_digest_does_not_depend_on_blocks_or_threads(shape, block, threads: int):
    pixels = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape).astype(np.uint8)
    plain = content_digest(ArrayImage(pixels, "ZYX"), threads=1)
    assert content_digest(ArrayImage(pixels, "ZYX", block_shape=block), threads=threads) == plain


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int64])
def test_negative_labels_are_refused(tmp_path, kind: type):
    with pytest.raises(ImageError, match="negative value -3"):
        content_digest(ArrayImage(np.array([[0, -3]], kind), "YX", path=tmp_path), kind="label")


def test_fractional_labels_are_refused(tmp_path):
    with pytest.raises(ImageError, match="type float32"):
        content_digest(ArrayImage(np.zeros((2, 2), np.float32), "YX", path=tmp_path), kind="label")


def test_an_unfinished_hash_is_not_given_out():
    hasher = PixelHasher(ArrayImage(noise((1, 2)), "YX"), "image")
    with pytest.raises(RuntimeError, match="0 of 1 blocks"):
        hasher.hexdigest()
