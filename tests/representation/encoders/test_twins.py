import numpy as np
import pytest

from micrographia.representation.encoders.plain import random_cnn
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.representation.encoders.twins import SEEDS, twins


def test_twins_share_the_architecture_and_nothing_else(torch):
    model = random_cnn(seed=7, size=16, device="cpu")
    found = twins(model)
    assert [twin.version for twin in found] == [f"seed {seed}" for seed in SEEDS]
    assert len({model.sha256, *(twin.sha256 for twin in found)}) == 6
    for twin in found:
        assert (twin.layers, twin.dim, twin.size, twin.channels) == (model.layers, model.dim, 16, 3)
        assert (twin.mean, twin.std) == (model.mean, model.std)
        assert twin.details["twin_of"] == model.sha256
        assert twin.details["weights"] == "random"


def test_a_seed_gives_the_same_twin_every_time(torch):
    model = random_cnn(size=16, device="cpu")
    assert twins(model, [3])[0].sha256 == twins(model, [3])[0].sha256


def test_a_twin_has_twins(torch):
    model = random_cnn(size=16, device="cpu")
    assert twins(twins(model, [3])[0], [4])[0].sha256 == twins(model, [4])[0].sha256


def test_what_cannot_be_built_anew_has_no_twin(tiny):
    with pytest.raises(EncoderError, match="has no untrained twin"):
        twins(tiny)


def test_features_of_twins_are_of_the_same_scale(torch):
    batch = np.random.default_rng(0).random((6, 3, 16, 16), np.float32)
    spread = [twin.encode(batch)["conv.3"].std() for twin in twins(random_cnn(size=16, device="cpu"))]
    assert max(spread) < 5 * min(spread)
