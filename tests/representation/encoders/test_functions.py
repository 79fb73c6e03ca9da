import numpy as np
import pytest

from micrographia.plugins import verify
from micrographia.representation.encoders.functions import code_sha256, function_encoder
from micrographia.representation.encoders.protocol import Encoder, EncoderError

CODE = """
import numpy as np

def mean(batch):
    return batch.mean((2, 3))

mean.size = 8
mean.channels = 2
mean.version = "1.2"

def broken(batch):
    raise RuntimeError("no such thing")

def flat(batch):
    return batch.mean()

def nothing(batch):
    return {}

class Whole:
    api_version = 1
    name, version, sha256 = "whole", "3", "0" * 64
    channels, size, dim, layers = 1, 4, 1, ("mean",)
    def encode(self, batch):
        return {"mean": batch.mean((1, 2, 3))[:, None]}

class Lacking:
    api_version = 1
    def encode(self, batch):
        return {}

number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = f"features_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_function_in_the_working_folder(module):
    made = function_encoder(f"{module}:mean")
    assert verify(made, Encoder) is None
    assert (made.size, made.channels, made.version, made.dim) == (8, 2, "1.2", 2)
    batch = np.random.default_rng(0).random((3, 2, 8, 8), np.float32)
    assert np.array_equal(made.encode(batch)["output"], batch.mean((2, 3)))
    assert len(made.sha256) == 64


def test_size_and_channels_can_be_said(module):
    made = function_encoder(f"{module}:mean", size=5, channels=3)
    assert (made.size, made.channels, made.dim) == (5, 3, 3)


def test_an_encoder_in_a_module(module):
    made = function_encoder(f"{module}:Whole")
    assert made.encode(np.ones((2, 1, 4, 4), np.float32))["mean"].tolist() == [[1], [1]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "fails: RuntimeError: no such thing"),
        ("flat", r"gives \(\) in layer output for 1 images"),
        ("nothing", "gives no layer"),
        ("absent", "cannot be imported: AttributeError"),
        ("number", "is not callable"),
        ("Lacking", "lacks channels, dim, layers, name"),
    ],
)
def test_what_is_no_encoder(module, name, message):
    with pytest.raises(EncoderError, match=message):
        function_encoder(f"{module}:{name}")


def test_a_module_that_is_not_there():
    with pytest.raises(EncoderError, match="no_such_module:f: cannot be imported"):
        function_encoder("no_such_module:f")


def test_layers_are_those_of_the_dictionary(tiny):
    assert tiny.layers == ("corner", "moments")
    assert tiny.dim == 2
    with pytest.raises(EncoderError, match="takes 1 channels, not 3"):
        tiny.encode(np.zeros((1, 3, 16, 16), np.float32))


def test_the_checksum_is_that_of_file_and_name():
    assert len(code_sha256(len)) == 64
    assert code_sha256(code_sha256) != code_sha256(function_encoder) != code_sha256(len)
