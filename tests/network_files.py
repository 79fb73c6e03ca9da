"""Small networks in files: TorchScript and ONNX that give the blurred image as foreground."""

import warnings
from pathlib import Path

import numpy as np


def torch_module(channels=1, outputs=1, side=5, ndim=2):
    """A convolution that averages over a square (or cube) of all channels, repeated for each output."""
    import torch

    kind = torch.nn.Conv2d if ndim == 2 else torch.nn.Conv3d
    layer = kind(channels, outputs, side, padding=side // 2, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0 / (channels * side**ndim))
    return layer.eval()


def write_torchscript(path: Path, channels=1, outputs=1, side=5, ndim=2) -> Path:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.trace(
            torch_module(channels, outputs, side, ndim), torch.zeros(1, channels, *(16,) * ndim)
        )
        scripted.save(str(path))
    return path


def write_onnx(path: Path, channels=1, outputs=1, side=5, sizes=("y", "x")) -> Path:
    """An ONNX file written by hand: one convolution, as bytes of the protocol-buffer format."""
    weights = np.full((outputs, channels, side, side), 1.0 / (channels * side * side), np.float32)
    pad = side // 2
    node = (
        _text(1, "image")
        + _text(1, "weights")
        + _text(2, "maps")
        + _text(4, "Conv")
        + _field(5, _text(1, "kernel_shape") + _numbers(8, (side, side)) + _number(20, 7))
        + _field(5, _text(1, "pads") + _numbers(8, (pad,) * 4) + _number(20, 7))
    )
    tensor = _numbers(1, weights.shape) + _number(2, 1) + _text(8, "weights") + _field(9, weights.tobytes())
    graph = (
        _field(1, node)
        + _text(2, "graph")
        + _field(5, tensor)
        + _field(11, _value("image", (1, channels, *sizes)))
        + _field(12, _value("maps", (1, outputs, *sizes)))
    )
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _text(1, "") + _number(2, 13)))
    return path


def _value(name, shape):
    dims = b"".join(
        _field(1, _number(1, size) if isinstance(size, int) else _text(2, size)) for size in shape
    )
    return _text(1, name) + _field(2, _field(1, _number(1, 1) + _field(2, dims)))


def _varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def _number(tag, value):
    return _varint(tag << 3) + _varint(value)


def _numbers(tag, values):
    return b"".join(_number(tag, value) for value in values)


def _field(tag, held):
    return _varint(tag << 3 | 2) + _varint(len(held)) + held


def _text(tag, text):
    return _field(tag, text.encode())
