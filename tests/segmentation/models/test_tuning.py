import numpy as np
import pytest

from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.baselines import Otsu, baseline
from micrographia.segmentation.models.protocol import ModelInfo, set_up
from micrographia.segmentation.models.running import segment
from micrographia.segmentation.models.tuning import Sample, tune
from micrographia.segmentation.scoring import metric, score_pair
from models_at_hand import Components


class Cutting:
    """Gives as many of four squares as its setting says; raises where the setting is in ``bad``."""

    api_version = 1

    def __init__(self, count=1, bad=()):
        self.count, self.bad = count, bad
        self.info = set_up(ModelInfo("cutting"), "0", {"count": count})

    def predict(self, image, **_):
        if self.count in self.bad or image[0, 0, 0]:
            raise RuntimeError("not this one")
        return np.where(self.count >= SQUARES, SQUARES, 0)

    def settings_grid(self, budget=32):
        return [{"count": count} for count in (1, 3, 2, 4, 4, 0)][:budget]

    def with_settings(self, settings):
        return Cutting(**{"count": self.count, **settings}, bad=self.bad)


SQUARES = np.zeros((20, 20), int)
for number, (row, column) in enumerate([(2, 2), (2, 12), (12, 2), (12, 12)], 1):
    SQUARES[row : row + 6, column : column + 6] = number


def sample(name="a", *, raising=False, **more):
    pixels = np.zeros(SQUARES.shape, np.float32)
    pixels[0, 0] = raising
    return Sample(ArrayImage(pixels, "YX"), SQUARES, name=name, **more)


def test_the_best_setting_is_chosen_and_of_equals_the_first():
    model, rows = tune(Cutting(), [sample("a"), sample("b")])
    assert model.info.settings == {"count": 4}
    assert [row["score"] for row in rows] == pytest.approx([0.4, 6 / 7, 2 / 3, 1, 1, 0])
    assert [row["chosen"] for row in rows] == [False, False, False, True, False, False]
    assert [row["n_images"] for row in rows] == [2] * 6


def test_less_is_better_for_errors():
    model, rows = tune(Cutting(), [sample()], metric="count_error")
    assert model.info.settings == {"count": 4}
    assert rows[3]["score"] == pytest.approx(0)
    assert rows[0]["score"] > 0


def test_the_budget_is_kept():
    model, rows = tune(Cutting(), [sample()], budget=2)
    assert len(rows) == 2
    assert model.info.settings == {"count": 3}


def test_region_and_ignored_objects_are_honoured():
    region = np.zeros(SQUARES.shape, bool)
    region[:, :10] = True
    assert tune(Cutting(), [sample(region=region)])[0].info.settings == {"count": 3}
    _, rows = tune(Cutting(), [sample(ignore=(4,))])
    assert rows[1]["score"] == pytest.approx(1)


def test_images_that_always_fail_are_left_out_and_named():
    _, rows = tune(Cutting(), [sample("good"), sample("broken", raising=True)])
    assert rows[3]["score"] == 1
    assert rows[3]["n_images"] == 1
    assert "broken" in rows[3]["reason"]
    assert "not this one" in rows[3]["reason"]


def test_settings_that_fail_are_not_chosen():
    model, rows = tune(Cutting(bad=(4,)), [sample()])
    assert model.info.settings == {"count": 3}
    assert rows[3]["score"] is None
    assert "not this one" in rows[3]["reason"]


def test_what_cannot_be_tuned_says_why():
    with pytest.raises(SegmentationError, match="not this one"):
        tune(Cutting(), [sample(raising=True)])
    with pytest.raises(SegmentationError, match="no images"):
        tune(Cutting(), [])
    empty = Sample(ArrayImage(np.zeros((4, 4)), "YX"), np.zeros((4, 4), int))
    with pytest.raises(SegmentationError, match="not defined"):
        tune(baseline("one"), [empty], metric="are")
    with pytest.raises(SegmentationError):
        tune(Cutting(), [sample()], metric="beauty")


def test_a_model_without_settings_comes_back():
    pixels = (SQUARES > 0).astype(np.float32)
    model = Components()
    tuned, rows = tune(model, [Sample(ArrayImage(pixels, "YX"), SQUARES)])
    assert tuned is model
    assert rows[0]["score"] == 1
    assert rows[0]["settings"] == {}


def textured(seed):
    rng = np.random.default_rng(seed)
    truth = np.kron(np.arange(1, 10).reshape(3, 3), np.ones((16, 16), int))
    truth[::16] = truth[:, ::16] = truth[15::16] = truth[:, 15::16] = 0
    truth[1::16] = truth[2::16] = 0
    return Sample(ArrayImage((truth > 0) * 50 + rng.normal(0, 15, truth.shape), "YX"), truth, name=str(seed))


def test_maps_are_computed_once_an_image_and_the_scores_are_those_of_segment():
    calls = []

    class Counting(Otsu):
        def maps(self, image, context):
            calls.append(image.shape)
            return super().maps(image, context)

    samples = [textured(seed) for seed in range(3)]
    tuned, rows = tune(Counting(), samples, budget=6)
    assert len(calls) == 3
    sums = [
        score_pair(one.truth, segment(tuned, one.image).labels, boundary=False, objects=False).sums
        for one in samples
    ]
    chosen = next(row for row in rows if row["chosen"])
    together = {name: sum(one[name] for one in sums) for name in sums[0]}
    assert chosen["score"] == pytest.approx(metric("f1@0.5").value(together))


def test_threads_change_nothing():
    samples = [textured(seed) for seed in range(4)]
    results = [tune(baseline("local"), samples, budget=5, workers=workers) for workers in (1, 3)]
    told = [[{**row, "seconds": 0} for row in rows] for _, rows in results]
    assert told[0] == told[1]
    assert results[0][0].info == results[1][0].info
