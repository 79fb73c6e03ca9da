"""What the tests of encoders share: PyTorch with one thread, a small dataset, an encoder that needs no PyTorch."""

from pathlib import Path

import numpy as np
import pytest

from builder import Builder
from conftest import missing
from micrographia.representation.encoders.functions import FunctionEncoder


@pytest.fixture(scope="session")
def torch():
    try:
        import torch
    except ImportError:
        missing("PyTorch: pip install 'micrographia[encoders]'")
    torch.set_num_threads(1)  # the workers of the tests share the processors
    return torch


@pytest.fixture(scope="session")
def transformers(torch):
    try:
        import transformers
    except ImportError:
        missing("transformers: pip install 'micrographia[encoders]'")
    return transformers


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """Four fields of 96 x 96 pixels with nuclei, two a slide."""
    return Builder(tmp_path_factory.mktemp("fields"), images=4).write()


def moments(batch):
    """Mean and standard deviation of each channel, and a layer of corner pixels before them."""
    pixels = batch.astype(np.float64)
    first = pixels[:, :, :2, :2].reshape(len(batch), -1)
    return {
        "corner": first,
        "moments": np.concatenate([pixels.mean((2, 3)), pixels.std((2, 3))], axis=1),
    }


@pytest.fixture(scope="session")
def tiny():
    """An encoder of 16 x 16 pixels in one channel: two features and a layer of four."""
    return FunctionEncoder(moments, name="moments", size=16, channels=1)
