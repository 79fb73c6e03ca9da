import numpy as np
import pytest

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import MapModel, ModelInfo, context_of
from micrographia.segmentation.ranking.dropout import (
    Dropped,
    dropout_reason,
    dropping,
    network_of,
    with_dropout,
)
from ranking_models import Made, halfway

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def network(seed=0):
    torch.manual_seed(seed)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1)
    ).eval()  # fmt: skip


class Maps:
    """Gives the output of a network as a map."""

    api_version = 1
    info = ModelInfo("maps")

    def __init__(self, module):
        self.network = module

    def maps(self, image, context):  # noqa: ARG002
        with torch.inference_mode():
            return self.network(torch.from_numpy(np.asarray(image, np.float32))[None])[0].numpy()

    def instances(self, maps, context):  # noqa: ARG002
        return (maps[0] > 0).astype(np.int32)

    def predict(self, image, *, pixel_size=None):  # noqa: ARG002
        return self.instances(self.maps(image, context_of(image)), None)


IMAGE = np.random.default_rng(0).random((1, 12, 14), np.float32)


def test_maps_are_dropped_where_the_network_takes_most_channels_and_the_rest_is_scaled():
    module = network()
    with torch.inference_mode():
        features = module[:4](torch.from_numpy(IMAGE)[None])
        with dropping(module, p=0.25, seed=3):
            found = module(torch.from_numpy(IMAGE)[None])
        drawn = torch.rand(16, generator=torch.Generator().manual_seed(3)) >= 0.25
        expected = module[4](features * (drawn / 0.75).view(1, -1, 1, 1))
    assert 0 < drawn.sum() < 16
    torch.testing.assert_close(found, expected)


def test_the_network_is_left_as_it_was():
    module = network()
    before = module(torch.from_numpy(IMAGE)[None])
    with pytest.raises(RuntimeError, match="stop"), dropping(module, p=0.5, seed=0):
        raise RuntimeError("stop")
    torch.testing.assert_close(module(torch.from_numpy(IMAGE)[None]), before)


def test_every_tile_drops_the_same_maps_and_every_seed_others():
    module = network()
    whole = torch.from_numpy(np.tile(IMAGE, (1, 2, 1)))[None]
    with torch.inference_mode(), dropping(module, p=0.5, seed=1):
        first, second = module(whole), module(whole)
    with torch.inference_mode(), dropping(module, p=0.5, seed=2):
        other = module(whole)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert not torch.allclose(first, other)


def test_a_model_of_maps_stays_one():
    model = Maps(network())
    dropped = with_dropout(model, p=0.5, seed=1)
    assert isinstance(dropped, MapModel)
    assert not np.allclose(dropped.maps(IMAGE, None), model.maps(IMAGE, None))
    assert dropped.info.name == "maps"
    assert dropped.predict(IMAGE).shape == (12, 14)


def test_a_model_that_drops_by_itself_is_asked():
    class Own(Made):
        def predict_with_dropout(self, image, *, seed, p, pixel_size=None):  # noqa: ARG002
            return np.full(image.shape[1:], round(100 * p) + seed)

    dropped = with_dropout(Own("own", halfway), p=0.2, seed=4)
    assert (dropped.predict(IMAGE) == 24).all()
    assert not isinstance(dropped, MapModel)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Made("plain", halfway), "shows no network"),
        (Maps(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3))), "no convolutions"),
        (Maps(torch.nn.Linear(3, 4)), "no convolutions"),
    ],
)
def test_what_cannot_be_dropped_is_said(model, reason):
    assert reason in dropout_reason(model)
    with pytest.raises(SegmentationError, match=reason):
        with_dropout(model, p=0.1, seed=0)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_does_not_call_hooks():
    scripted = torch.jit.trace(network(), torch.zeros(1, 1, 8, 8), check_trace=False)
    assert network_of(Maps(scripted)) is None


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, float("nan")])
def test_shares_that_drop_nothing_or_everything_are_refused(p):
    with pytest.raises(SegmentationError, match="dropout"):
        with_dropout(Maps(network()), p=p, seed=0)


def test_at_least_one_map_is_kept():
    module = network()
    with torch.inference_mode(), dropping(module, p=0.999, seed=0):
        assert torch.isfinite(module(torch.from_numpy(IMAGE)[None])).all()


def test_only_what_runs_the_network_is_wrapped():
    dropped = Dropped(Made("plain", halfway), 0.1, 0)
    assert not hasattr(dropped, "predict_tile")
    assert not hasattr(dropped, "maps")


def test_the_reference_model_is_ranked_with_its_features_dropped(tmp_path):
    from micrographia.segmentation.models.unet import UNetSegmenter
    from micrographia.segmentation.models.unet_network import build_network, shape_for
    from micrographia.segmentation.ranking.measuring import Contender, Plan, Task, measure
    from micrographia.segmentation.ranking.perturbations import parse
    from micrographia.segmentation.ranking.scenes import scenes
    from ranking_models import written

    shape = shape_for("YX", 1, widths=(4, 8))
    model = UNetSegmenter(build_network(shape), shape, ModelInfo("untrained", axes="YX"), device="cpu")
    # An untrained network finds nothing; at this threshold it finds something, whatever that is.
    model = model.with_settings({"threshold": 0.2, "smoothing": 0.0, "min_size": 1, "seed": 0.05})
    items = scenes(written(tmp_path / "disks", 2, groups=False))[0].items
    plan = Plan(parse(["noise=0.1"]), dropout=(0.25,), draws=2)
    task = Task(
        Contender("u", "", model.info.sha256, held=model), items[0], items[1], plan, tmp_path / "cache"
    )
    found = measure(task)
    assert found.reason == found.dropout_reason == ""
    assert set(found.dropped) == {"dropout 0.25 #1", "dropout 0.25 #2"}
    assert found.content.objects > 0
    # Foreground probabilities are compared, not masks.
    assert 0.9 < found.dropped["dropout 0.25 #1"]["dice"] < 1
    assert measure(task) == found
