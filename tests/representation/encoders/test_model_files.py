import pickle
import warnings

import numpy as np
import pytest

from conftest import missing
from micrographia.representation.encoders.model_files import OnnxEncoder, torchscript
from micrographia.representation.encoders.networks import seeded
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.representation.encoders.twins import twins


def script(torch, module, path, side=8):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(module.eval(), torch.zeros(1, 3, side, side)), str(path))
    return path


@pytest.fixture
def plain(torch, tmp_path):
    with seeded(0):
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU())
    return script(torch, module, tmp_path / "plain.pt"), module


def batch(n=4, channels=3):
    return np.random.default_rng(0).random((n, channels, 8, 8), np.float32)


def test_torchscript_gives_what_the_module_gives(torch, plain):
    path, module = plain
    made = torchscript(path, size=8, normalise="half", device="cpu")
    with torch.no_grad():
        expected = module(torch.from_numpy((batch() - 0.5) / 0.5)).mean((2, 3)).numpy()
    assert made.encode(batch())["output"] == pytest.approx(expected, abs=1e-6)
    assert (made.name, made.layers, made.dim) == ("plain", ("output",), 6)


def test_twins_of_torchscript_have_other_weights_of_the_right_size(torch, plain):
    made = torchscript(plain[0], size=8, device="cpu")
    first, second = twins(made, [0, 1])
    assert len({made.sha256, first.sha256, second.sha256}) == 3
    weight = dict(first.network.module.named_parameters())["0.weight"]
    assert weight.detach().std().item() == pytest.approx((2 / 27) ** 0.5, rel=0.2)
    assert first.encode(batch())["output"].shape == (4, 6)


def test_torchscript_with_batch_norm_has_no_twin(torch, tmp_path):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.BatchNorm2d(6))
    made = torchscript(script(torch, module, tmp_path / "normed.pt"), size=8, device="cpu")
    with pytest.raises(EncoderError, match="has BatchNorm layers"):
        twins(made)


class Trap:
    """A pickle that would run code."""

    def __reduce__(self):
        return (open, ("/no/such/folder/stolen", "w"))


@pytest.mark.parametrize("kind", ["pickle", "state", "cut"])
def test_what_is_no_torchscript_is_never_unpickled(torch, plain, tmp_path, kind):
    path = tmp_path / "other.pt"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Trap()))
    elif kind == "state":
        torch.save({"trap": Trap()}, path)
    else:
        path.write_bytes(plain[0].read_bytes()[:-200])
    with pytest.raises(EncoderError, match="is no TorchScript file, or is damaged"):
        torchscript(path)


def test_a_file_that_is_not_there(torch, tmp_path):
    with pytest.raises(EncoderError, match="cannot be read"):
        torchscript(tmp_path / "absent.pt")


@pytest.fixture
def onnx(tmp_path):
    """Writes an ONNX file that averages its pixels by hand, without the package onnx."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        missing("onnxruntime: pip install 'micrographia[encoders]'")

    def write(name="mean.onnx", shape=("n", 3, 8, 8)):
        path = tmp_path / name
        path.write_bytes(_model(shape))
        return path

    return write


def test_onnx_gives_layers(onnx):
    made = OnnxEncoder(onnx(), normalise="none", device="cpu")
    assert (made.size, made.channels, made.layers, made.dim) == (8, 3, ("map", "mean"), 3)
    found = made.encode(batch())
    assert found["mean"] == pytest.approx(batch().mean((2, 3)), abs=1e-6)
    assert found["map"] == pytest.approx(np.maximum(batch(), 0).mean((2, 3)), abs=1e-6)


def test_onnx_normalises(onnx):
    made = OnnxEncoder(onnx(), normalise="half", device="cpu")
    assert made.encode(batch())["mean"] == pytest.approx(batch().mean((2, 3)) * 2 - 1, abs=1e-6)


@pytest.mark.parametrize("fixed", [1, 3])
def test_onnx_of_a_fixed_batch_takes_any(onnx, fixed):
    made = OnnxEncoder(onnx(shape=(fixed, 3, 8, 8)), normalise="none", device="cpu")
    assert made.encode(batch(5))["mean"] == pytest.approx(batch(5).mean((2, 3)), abs=1e-6)


def test_onnx_of_open_size_is_told_its_size(onnx):
    made = OnnxEncoder(onnx(shape=("n", "c", "y", "x")), size=8, channels=2, normalise="half", device="cpu")
    assert made.encode(batch(2, 2))["mean"].shape == (2, 2)
    with pytest.raises(EncoderError, match=r"takes \[3, 8, 8\] \(C, Y, X\) only"):
        OnnxEncoder(onnx(), size=16)
    with pytest.raises(EncoderError, match="imagenet is for 3 channels, not 2"):
        OnnxEncoder(onnx(shape=("n", 2, 8, 8)))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"nothing of the kind", "is no usable ONNX file"), (b"", "is no usable ONNX file")],
)
def test_a_file_that_is_no_onnx(onnx, tmp_path, content, message):
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match=message):
        OnnxEncoder(path)


def test_onnx_has_no_device_of_others(onnx):
    with pytest.raises(EncoderError):
        OnnxEncoder(onnx(), device="tpu")


def _model(shape):
    """Return ``mean = GlobalAveragePool(x)``, ``map = Relu(x)`` as an ONNX model, written as protocol buffers are."""

    def field(number, *contents):
        parts = [content if isinstance(content, bytes) else content.encode() for content in contents]
        return b"".join(_key(number, 2) + _varint(len(part)) + part for part in parts)

    def value(name, dims):
        sides = b"".join(
            field(1, _key(1, 0) + _varint(side) if isinstance(side, int) else field(2, side)) for side in dims
        )
        tensor = _key(1, 0) + _varint(1) + (field(2, sides) if dims else b"")
        return field(1, name) + field(2, field(1, tensor))

    pool = field(1, "x") + field(2, "mean") + field(4, "GlobalAveragePool")
    relu = field(1, "x") + field(2, "map") + field(4, "Relu")
    graph = field(1, pool, relu) + field(2, "g") + field(11, value("x", shape))
    graph += field(12, value("mean", ()), value("map", ()))
    return _key(1, 0) + _varint(8) + field(7, graph) + field(8, _key(2, 0) + _varint(13))


def _key(number, kind):
    return _varint(number << 3 | kind)


def _varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])
