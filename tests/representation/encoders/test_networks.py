import numpy as np
import pytest

from micrographia.plugins import verify
from micrographia.representation.encoders import networks
from micrographia.representation.encoders.networks import (
    Network,
    TorchEncoder,
    needed,
    normalisation,
    pick_device,
    seeded,
    weights_sha256,
)
from micrographia.representation.encoders.protocol import Encoder, EncoderError


def run(module, tensor):
    for number, part in enumerate(module):
        tensor = part(tensor)
        yield f"part.{number}", tensor


@pytest.fixture
def normed(torch):
    """A network with two BatchNorm layers and random weights."""

    def make(seed):
        nn = torch.nn
        with seeded(seed):
            module = nn.Sequential(
                nn.Conv2d(3, 4, 3, bias=False),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Conv2d(4, 5, 3),
                nn.BatchNorm2d(5),
            )
        return Network(module, run, fresh=make)

    return make


def images(n=8, side=12):
    return np.random.default_rng(0).random((n, 3, side, side), np.float32)


def test_it_is_an_encoder(normed):
    made = TorchEncoder(normed(0), name="net", version="1", size=12)
    assert verify(made, Encoder) is None
    assert made.layers == ("part.0", "part.1", "part.2", "part.3", "part.4")
    assert made.dim == 5


def test_images_are_normalised_and_maps_are_averaged(torch):
    network = Network(torch.nn.Identity(), lambda module, tensor: iter([("pixels", module(tensor))]))
    made = TorchEncoder(network, name="net", version="", size=4, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 4.0))
    batch = images(5, 4)
    expected = (batch.mean((2, 3)) - [0.1, 0.2, 0.3]) / [1, 2, 4]
    assert made.encode(batch)["pixels"] == pytest.approx(expected, abs=1e-6)


def test_tokens_are_averaged_unless_told_otherwise(torch):
    def tokens(module, tensor):
        yield "tokens", module(tensor).flatten(2).transpose(1, 2)

    plain = TorchEncoder(Network(torch.nn.Identity(), tokens), name="a", version="", size=4)
    first = TorchEncoder(
        Network(torch.nn.Identity(), tokens, lambda t: t[:, 0]), name="a", version="", size=4
    )
    batch = images(2, 4)
    assert plain.encode(batch)["tokens"] == pytest.approx(batch.mean((2, 3)), abs=1e-6)
    assert np.array_equal(first.encode(batch)["tokens"], batch[:, :, 0, 0])


def test_statistics_are_those_of_an_independent_computation(torch, normed):
    made = TorchEncoder(normed(1), name="net", version="seed 1", size=12, untrained=True)
    batch = images()
    made.calibrate(batch)
    conv, norm, _, second, last = made.network.module
    # By hand in 64 bits: the input of each layer, its mean and unbiased variance over images and pixels.
    with torch.no_grad():
        inner = torch.nn.functional.conv2d(torch.from_numpy(batch).double(), conv.weight.double()).numpy()
        mean, variance = inner.mean((0, 2, 3)), inner.var((0, 2, 3), ddof=1)
        assert norm.running_mean.numpy() == pytest.approx(mean, rel=1e-4)
        assert norm.running_var.numpy() == pytest.approx(variance, rel=1e-4)
        biased = inner.var((0, 2, 3))
        shape = (1, -1, 1, 1)
        passed = np.maximum((inner - mean.reshape(shape)) / np.sqrt(biased.reshape(shape) + norm.eps), 0)
        outer = torch.nn.functional.conv2d(
            torch.from_numpy(passed), second.weight.double(), second.bias.double()
        ).numpy()
    assert last.running_mean.numpy() == pytest.approx(outer.mean((0, 2, 3)), rel=1e-4, abs=1e-6)
    assert last.running_var.numpy() == pytest.approx(outer.var((0, 2, 3), ddof=1), rel=1e-4)
    assert made.details["batch_norm"]["inputs"] == 8
    assert made.details["batch_norm"]["layers"] == 2
    assert (norm.momentum, norm.training) == (0.1, False)


def test_random_weights_without_statistics_are_refused(normed):
    made = TorchEncoder(normed(1), name="net", version="seed 1", size=12, untrained=True)
    with pytest.raises(EncoderError, match="no statistics of its BatchNorm layers"):
        made.encode(images())
    made.calibrate(images())
    assert made.encode(images())["part.4"].shape == (8, 5)


@pytest.mark.parametrize("size", [1, 3])
def test_features_do_not_depend_on_the_company(normed, size):
    made = TorchEncoder(normed(2), name="net", version="", size=12)
    batch = images()
    together = made.encode(batch)
    apart = [made.encode(batch[at : at + size]) for at in range(0, 8, size)]
    for layer in made.layers:
        assert np.concatenate([part[layer] for part in apart]) == pytest.approx(together[layer], abs=1e-6)


def test_checksum_of_weights(normed):
    assert weights_sha256(normed(3).module) == weights_sha256(normed(3).module)
    assert weights_sha256(normed(3).module) != weights_sha256(normed(4).module)


def test_seeds_leave_the_generator_alone(torch):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(99):
        torch.rand(10)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3, 12, 13), r"takes images \(n, 3, 12, 12\)"),
        ((2, 12, 12), r"takes images \(n, 3, 12, 12\)"),
        ((2, 1, 12, 12), "takes 3 channels, not 1. Choose a mapping"),
    ],
)
def test_a_batch_of_another_shape(normed, shape, message):
    made = TorchEncoder(normed(0), name="net", version="", size=12)
    with pytest.raises(EncoderError, match=message):
        made.encode(np.zeros(shape, np.float32))


def test_values_that_are_no_numbers(normed):
    made = TorchEncoder(normed(0), name="net", version="", size=12)
    batch = images()
    batch[3, 0, 0, 0] = np.nan
    with pytest.raises(EncoderError, match="no finite numbers"):
        made.encode(batch)


def test_a_network_that_fails_is_an_error_in_one_line(normed):
    with pytest.raises(EncoderError, match=r"net: fails on images \(3, 2, 2\)"):
        TorchEncoder(normed(0), name="net", version="", size=2)


def test_devices(torch):
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(EncoderError, match="no device 'tpu' here"):
        pick_device("tpu")


def test_what_is_not_installed_names_its_extra(monkeypatch, tmp_path):
    with pytest.raises(EncoderError, match=r"pip install 'micrographia\[torch\]'"):
        needed("not_a_module_of_anyone", "torch")
    (tmp_path / "broken_module.py").write_text("import not_a_module_of_anyone\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderError, match="cannot be imported: No module named"):
        needed("broken_module", "torch")


def test_normalisations():
    assert normalisation("imagenet") == networks.IMAGENET
    with pytest.raises(EncoderError, match="no normalisation 'zscore'"):
        normalisation("zscore")
