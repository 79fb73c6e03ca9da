import sys

import pytest

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models import names, segmenter

PLUGIN = """
import numpy as np
from micrographia.segmentation.models.protocol import ModelInfo

class Halves:
    api_version = 1
    def __init__(self):
        self.info = ModelInfo("halves", "1")
    def predict(self, image, *, pixel_size=None):
        return np.ones(image.shape[1:], int)

class Old(Halves):
    api_version = 0
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "halving.py").write_text(PLUGIN)
    info = tmp_path / "halving-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halving\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[micrographia.segmenters]\nhalves = halving:Halves\nold = halving:Old\ngone = halving:Gone\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("halving", None)


def test_plug_ins_are_found_by_name(installed):
    assert {"halves", "old", "otsu"} <= set(names())
    assert segmenter("halves").info.name == "halves"


@pytest.mark.parametrize(("name", "said"), [("old", "api_version 0"), ("gone", "Gone")])
def test_plug_ins_that_cannot_be_used_say_why(installed, name, said):
    with pytest.raises(SegmentationError, match=said):
        segmenter(name)


@pytest.mark.parametrize("name", ["otsu", "local", "log", "one", "nothing", "otsu:nucleus"])
def test_baselines_have_names(name):
    assert segmenter(name).info.baseline
    assert segmenter(name).info.name == name


def test_names_hold_over_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log").mkdir()
    assert segmenter("log").info.baseline
    with pytest.raises(SegmentationError, match=r"no rdf\.yaml"):
        segmenter("./log")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("otzu", "Did you mean otsu"),
        ("no/such/file.onnx", "no such model or file"),
        ("", "no model is named"),
    ],
)
def test_what_there_is_not_is_told(spec, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SegmentationError, match=said):
        segmenter(spec)


def test_other_files_are_no_models(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("none")
    with pytest.raises(SegmentationError, match="is no model"):
        segmenter(path)


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(SegmentationError):
        segmenter(tmp_path)
