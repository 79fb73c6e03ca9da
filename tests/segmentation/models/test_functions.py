import numpy as np
import pytest

from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.functions import FunctionSegmenter
from micrographia.segmentation.models.registry import segmenter
from micrographia.segmentation.models.running import segment

CODE = """
import numpy as np
from micrographia.segmentation.models.protocol import ModelInfo

def bright(image):
    return (image[0] > 100).astype("int64")

bright.channel_roles = ("nucleus",)
bright.version = "1.2"
bright.pixel_size = 0.5
bright.target = {"object": "nucleus"}

def sized(image, pixel_size):
    return np.full(image.shape[1:], int(pixel_size or 0))

def broken(image):
    raise KeyError("no such thing")

def flat(image):
    return image.mean()

class Whole:
    api_version = 1
    def __init__(self):
        self.info = ModelInfo("whole", "3")
    def predict(self, image, *, pixel_size=None):
        return np.ones(image.shape[1:], int)

class Old(Whole):
    api_version = 0

class Breaking:
    def __init__(self):
        raise RuntimeError("not today")
    def predict(self, image, *, pixel_size=None):
        return image

number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"made_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    return name


def test_a_function_is_a_model(module):
    model = segmenter(f"{module}:bright")
    assert model.info.channel_roles == ("nucleus",)
    assert model.info.version == "1.2"
    assert len(model.info.sha256) == 64
    pixels = np.zeros((8, 8), np.uint8)
    pixels[2:4, 2:4] = 200
    found = segment(model, ArrayImage(pixels, "YX"), roles=["nucleus"])
    assert (found.labels > 0).tolist() == (pixels > 0).tolist()


def test_it_is_told_the_pixel_size_where_it_asks(module):
    image = ArrayImage(np.zeros((4, 4)), "YX")
    assert segment(segmenter(f"{module}:sized"), image, pixel_size=7.0).labels.max() == 1
    assert segmenter(f"{module}:sized").predict(np.zeros((1, 4, 4)), pixel_size=7.0).max() == 7


def test_a_whole_model_may_be_named(module):
    assert segmenter(f"{module}:Whole").info.name == "whole"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "cannot be imported"),
        ("number", "not callable"),
        ("Old", "api_version 0"),
        ("Breaking", "not today"),
    ],
)
def test_what_is_no_model_is_refused(module, name, said):
    with pytest.raises(SegmentationError, match=said):
        segmenter(f"{module}:{name}")


@pytest.mark.parametrize(("name", "said"), [("broken", "KeyError: 'no such thing'"), ("flat", "float32")])
def test_what_fails_is_told(module, name, said):
    with pytest.raises(SegmentationError, match=said):
        segment(segmenter(f"{module}:{name}"), ArrayImage(np.zeros((4, 4)), "YX"))


def test_a_function_written_in_c_will_do():
    with pytest.raises(SegmentationError, match="float32"):
        FunctionSegmenter(np.negative).predict(np.zeros((1, 3, 3), np.float32))
