import numpy as np
import pytest
from scipy.ndimage import correlate

from micrographia.representation.encoders.plain import WIDTHS, random_cnn, random_vit


@pytest.fixture(params=[random_cnn, random_vit], ids=["cnn", "vit"])
def make(request, torch):
    return request.param


def test_the_seed_decides_the_weights(make):
    batch = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)
    first, again, other = (make(seed=seed, size=32, device="cpu") for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    layer = first.layers[-1]
    assert np.array_equal(first.encode(batch)[layer], again.encode(batch)[layer])
    assert not np.allclose(first.encode(batch)[layer], other.encode(batch)[layer])


def test_features_differ_between_images(make):
    batch = (
        np.random.default_rng(0).random((4, 3, 32, 32), np.float32)
        * np.linspace(0.2, 1, 4)[:, None, None, None]
    )
    found = make(size=32, device="cpu").encode(batch.astype(np.float32))
    for values in found.values():
        assert np.isfinite(values).all()
        assert values.std(axis=0).max() > 1e-3


def test_layers(torch):
    cnn = random_cnn(size=32, device="cpu")
    assert cnn.layers == ("conv.0", "conv.1", "conv.2", "conv.3")
    assert {
        layer: found.shape[1] for layer, found in cnn.encode(np.zeros((1, 3, 32, 32), np.float32)).items()
    } == (dict(zip(cnn.layers, WIDTHS, strict=True)))
    vit = random_vit(size=32, device="cpu")
    assert (vit.layers[0], vit.layers[-1], vit.dim) == ("embeddings", "last", 192)


def test_the_first_convolution_is_that_of_scipy(torch):
    made = random_cnn(size=16, device="cpu")
    image = np.random.default_rng(1).random((3, 16, 16), np.float32)
    kernels = made.network.module[0].weight.detach().numpy()
    full = [
        sum(correlate((image[c] - 0.5) / 0.5, kernel[c], mode="constant") for c in range(3))
        for kernel in kernels
    ]
    expected = np.maximum(np.array(full)[:, ::2, ::2], 0).mean((1, 2))
    assert made.encode(image[None])["conv.0"][0] == pytest.approx(expected, abs=1e-5)
