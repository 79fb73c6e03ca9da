import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import label

from micrographia.images import ArrayImage, Channel
from micrographia.loading.errors import LoadingError
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.maps import MapSegmenter
from micrographia.segmentation.models.postprocessing import Postprocessing
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.running import segment
from models_at_hand import Components, Gives, same_partition


def textured(seed, shape, smooth=1.0):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


class Blurred(MapSegmenter):
    """A network of one layer: it sees ``reach`` pixels far."""

    def __init__(self, reach=3, **more):
        super().__init__(
            ModelInfo("blurred"), origin="0", outputs=("foreground",), overlap=reach, tile=(24, 24), **more
        )
        self.calls = 0

    def maps(self, image, context):
        self.calls += 1
        scaled = context.normalised(image)
        return ndimage.uniform_filter(scaled, (0, *(2 * self.overlap + 1,) * (image.ndim - 1)), mode="mirror")


@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.3, 0.5, 0.55, 0.7]),
    overlap=st.integers(1, 4),
    tile=st.integers(9, 20),
    connectivity=st.sampled_from([1, 2]),
)
@settings(max_examples=60, deadline=None)
def test_tiles_of_a_local_model_give_what_the_whole_gives(seed, share, overlap, tile, connectivity):
    pixels = textured(seed, (37, 41))
    model = Components(float(np.quantile(pixels, share)), connectivity)
    image = ArrayImage(pixels, "YX")
    whole = segment(model, image)
    tiled = segment(model, image, tile=tile, overlap=overlap)
    assert whole.tiles == 1
    assert tiled.tiles > 1
    assert same_partition(whole.labels, tiled.labels)
    assert sorted(np.unique(tiled.labels)) == list(range(tiled.labels.max() + 1))


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.6, 0.7, 0.8]), connectivity=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_tiles_of_stacks(seed, share, connectivity):
    pixels = textured(seed, (13, 22, 25))
    model = Components(float(np.quantile(pixels, share)), connectivity)
    image = ArrayImage(pixels, "ZYX")
    tiled = segment(model, image, tile=(6, 9, 10), overlap=(1, 2, 2))
    assert tiled.tiles > 8
    assert same_partition(segment(model, image).labels, tiled.labels)


def test_a_spiral_through_all_tiles_is_one_object():
    pixels = np.zeros((60, 60), np.uint8)
    for ring in range(0, 28, 4):
        pixels[ring, ring : 60 - ring] = pixels[59 - ring, ring : 60 - ring] = 255
        pixels[ring : 60 - ring, 59 - ring] = 255
        pixels[ring + 4 : 60 - ring, ring] = 255
        pixels[ring + 4, ring : ring + 5] = 255
    wanted = label(pixels > 0, connectivity=1).max()
    found = segment(Components(128), ArrayImage(pixels, "YX"), tile=13, overlap=2)
    assert found.labels.max() == wanted


def test_touching_objects_at_a_border_between_tiles_stay_two():
    # The model draws the line between two touching objects a pixel off in one of the tiles.
    class Wavering(Components):
        def predict(self, image, **_):
            line = 15 if image[0, 0, 0] else 16
            labels = np.ones(image.shape[1:], np.int32)
            rows = image[0, :, -1]
            labels[rows > line] = 2
            return labels

    pixels = np.repeat(np.arange(32, dtype=np.float32)[:, None], 20, 1)
    pixels[0, 0] = 1
    found = segment(Wavering(), ArrayImage(pixels, "YX"), tile=(24, 20), overlap=8)
    assert found.labels.max() == 2
    assert found.labels[2, 2] != found.labels[30, 2]


@pytest.mark.parametrize("shape", [(70, 50), (20, 30, 40)])
def test_maps_are_put_together_as_if_untiled(shape):
    model = Blurred(postprocessing=Postprocessing(threshold=0.45, min_size=1))
    if len(shape) == 3:
        model.tile = (12, 16, 16)
    image = ArrayImage(textured(3, shape, 2.0), "ZYX"[-len(shape) :])
    tiled = segment(model, image).labels
    calls = model.calls
    model.tile = shape
    assert tiled.max() > 3
    assert calls > 4
    np.testing.assert_array_equal(tiled, segment(model, image).labels)


def test_large_images_are_labelled_in_tiles_and_agree_where_objects_are_small():
    rng = np.random.default_rng(5)
    pixels = np.zeros((300, 260), np.float32)
    for y, x in rng.integers(8, 250, (120, 2)):
        pixels[y - 4 : y + 5, x - 4 : x + 5] = 1
    model = Blurred(2, postprocessing=Postprocessing(min_size=4, holes=0))
    image = ArrayImage(pixels, "YX")
    whole = segment(model, image)
    tiled = segment(model, image, tile=100, overlap=30)
    assert tiled.tiles > 4
    assert whole.labels.max() > 50
    agree = np.count_nonzero((whole.labels > 0) == (tiled.labels > 0)) / pixels.size
    assert agree == 1
    assert tiled.labels.max() == pytest.approx(whole.labels.max(), abs=2)


def test_channels_come_by_role_in_the_order_of_the_model():
    pixels = np.stack([np.full((8, 8), value, np.uint8) for value in (10, 20, 30)])
    image = ArrayImage(pixels, "CYX", channels=[Channel("Phalloidin"), Channel("GFP"), Channel("DAPI")])
    seen = []

    class Watching(Components):
        def predict(self, image, **_):
            seen.append(image[:, 0, 0].tolist())
            return np.zeros(image.shape[1:], int)

    segment(Watching(channel_roles=("nucleus", "actin")), image)
    segment(Watching(), image)
    segment(Watching(channel_roles=("membrane",)), image, roles=["er", "membrane", None])
    assert seen == [[30, 10], [10, 20, 30], [20]]
    with pytest.raises(LoadingError, match="golgi"):
        segment(Watching(channel_roles=("golgi",)), image)
    with pytest.raises(SegmentationError, match="3 channels"):
        segment(Watching(), image, roles=["nucleus"])


@pytest.mark.parametrize("factor", [0.5, 2.0, 1.37])
def test_a_model_sees_its_own_pixel_size_and_labels_come_back(factor):
    pixels = np.zeros((60, 44), np.float32)
    pixels[8:24, 10:30] = 1
    pixels[36:52, 10:30] = 1
    image = ArrayImage(pixels, "YX", scale={"y": 0.5, "x": 0.5}, units={"y": "micrometer", "x": "micrometer"})
    model = Components(pixel_size=0.5 / factor)
    found = segment(model, image)
    assert model.seen == [((1, round(60 * factor), round(44 * factor)), 0.5 / factor)]
    assert found.labels.shape == pixels.shape
    assert found.labels.max() == 2
    overlap = (found.labels > 0) & (pixels > 0)
    assert overlap.sum() / ((found.labels > 0) | (pixels > 0)).sum() > 0.85
    assert any("rescaled" in note for note in found.notes)
    tiled = segment(model, image, tile=round(18 * factor), overlap=round(4 * factor))
    assert tiled.tiles > 1
    np.testing.assert_array_equal(tiled.labels, found.labels)


def test_an_unknown_pixel_size_is_said():
    found = segment(Components(pixel_size=0.3), ArrayImage(np.zeros((8, 8), np.uint8), "YX"))
    assert any("unknown" in note for note in found.notes)


def test_planes_and_time_points_are_labelled_one_by_one_with_ids_of_their_own():
    pixels = np.zeros((2, 3, 1, 12, 12), np.uint16).transpose(0, 2, 1, 3, 4)
    pixels[..., 2:5, 2:5] = 9
    pixels[..., 7:10, 7:10] = 9
    image = ArrayImage(pixels, "TCZYX")
    found = segment(Components(4, axes="YX"), image)
    assert found.axes == "TZYX"
    assert found.labels.shape == (2, 3, 12, 12)
    assert found.labels.max() == 12
    assert found.labels[0, 0].max() == 2
    assert any("each plane" in note for note in found.notes)
    assert segment(Components(4), image).labels.max() == 4
    one = segment(Components(4), image, timepoint=1)
    assert one.axes == "ZYX"
    assert one.labels.max() == 2
    with pytest.raises(SegmentationError, match="time point 2"):
        segment(Components(4), image, timepoint=2)


def test_one_plane_of_a_stack_is_an_image():
    found = segment(Components(4), ArrayImage(np.zeros((1, 1, 9, 8), np.uint8), "CZYX"))
    assert found.labels.shape == (9, 8)
    with pytest.raises(SegmentationError, match="takes stacks"):
        segment(Components(axes="ZYX"), ArrayImage(np.zeros((9, 8), np.uint8), "YX"))


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (5, 3)])
def test_an_image_smaller_than_a_tile_is_labelled(size):
    image = ArrayImage(np.ones(size, np.uint8), "YX")
    assert segment(Components(), image, tile=64, overlap=8).labels.tolist() == np.ones(size).tolist()
    assert segment(Blurred(), image).labels.shape == size


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda labels: labels.astype(float), "float64"),
        (lambda labels: labels > 0, "yes and no"),
        (lambda labels: labels - 1, "negative"),
        (lambda labels: labels[:-1], "shape"),
        (lambda labels: labels.astype(object), "object"),
    ],
)
def test_labels_that_are_none_are_refused(change, said):
    with pytest.raises(SegmentationError, match=said) as caught:
        segment(Gives(change), ArrayImage(np.eye(9, dtype=np.uint8), "YX"))
    assert caught.value.path == "components"


def test_a_model_that_raises_is_named_with_the_image(tmp_path):
    def broken(labels):
        raise ZeroDivisionError("by nothing")

    image = ArrayImage(np.eye(9, dtype=np.uint8), "YX", path=tmp_path / "cells.tif")
    with pytest.raises(SegmentationError, match=r"components fails.*ZeroDivisionError: by nothing") as caught:
        segment(Gives(broken), image)
    assert caught.value.path.endswith("cells.tif")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(value):
    pixels = np.zeros((9, 9), np.float32)
    pixels[3, 4] = value
    with pytest.raises(SegmentationError, match="1 pixels that are no finite numbers"):
        segment(Components(), ArrayImage(pixels, "YX"))


def test_labels_with_huge_ids_keep_their_objects():
    found = segment(Gives(lambda held: held.astype(np.uint64) << np.uint64(40)), ArrayImage(np.eye(3), "YX"))
    assert found.labels.tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 3]]


def test_tiles_that_cannot_cover_are_refused():
    image = ArrayImage(np.zeros((50, 50), np.uint8), "YX")
    with pytest.raises(SegmentationError, match="cannot cover"):
        segment(Components(), image, tile=8, overlap=4)


def test_labels_of_large_images_go_to_a_file_whole_or_not_at_all(tmp_path):
    pixels = textured(1, (90, 80))
    image = ArrayImage(pixels, "YX", scale={"y": 2, "x": 2}, units={"y": "micrometer", "x": "micrometer"})
    for size in (None, 1.0):
        model = Components(float(np.quantile(pixels, 0.6)), pixel_size=size)
        out = tmp_path / f"labels_{size}.npy"
        found = segment(model, image, tile=40, overlap=6, out=out)
        np.testing.assert_array_equal(np.load(out), found.labels)
        np.testing.assert_array_equal(found.labels, segment(model, image, tile=40, overlap=6).labels)
        with pytest.raises(SegmentationError, match="exists already"):
            segment(model, image, out=out)
    pixels[80, 70] = np.nan
    with pytest.raises(SegmentationError, match="finite"):
        segment(Components(), image, tile=40, overlap=6, out=tmp_path / "never.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels_1.0.npy", "labels_None.npy"]


def test_time_and_memory_are_told():
    class Hungry(Components):
        def predict(self, image, **_):
            held = np.ones(16 << 20, np.float64)
            return np.full(image.shape[1:], int(held[-1]))

    found = segment(Hungry(), ArrayImage(np.zeros((9, 9), np.uint8), "YX"))
    assert found.seconds > 0
    assert found.peak_bytes > 100 << 20
