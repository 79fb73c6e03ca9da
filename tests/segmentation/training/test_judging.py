import numpy as np
import pytest

from micrographia.loading import patches
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_network import NetworkShape, build_network
from micrographia.segmentation.training.judging import Judgement, Samples, _standard_error, judge, tuned


@pytest.fixture
def samples(cells):
    return Samples(patches(cells, (96, 96), sampling="grid", threads=1), seed=0)


@pytest.fixture
def model():
    shape = NetworkShape("YX", 1, (4, 8), ((2, 2), (2, 2)), 4)
    return UNetSegmenter(build_network(shape), shape, ModelInfo("u"), device="cpu")


def test_f1_by_hand():
    assert Judgement(3, 1, 2, 0.0).f1 == pytest.approx(6 / 9)
    assert Judgement(0, 0, 0, 0.0).f1 == 1.0
    assert Judgement(0, 4, 0, 0.0).f1 == 0.0


def test_samples_are_whole_images_without_padding(samples, dataset):
    held = samples.first(1 << 40)
    assert len(held) == 8
    assert {sample.image_id for sample in held} == set(dataset.image_ids)
    for sample in held:
        assert sample.image.shape == (1, 72, 88)
        assert sample.region.all()
        with dataset.masks(sample.image_id)[0].image as labels:
            np.testing.assert_array_equal(sample.mask, labels.read())


def test_a_few_are_always_the_same_few(samples, cells):
    again = Samples(patches(cells, (96, 96), sampling="grid", threads=1), seed=0)
    assert [one.image_id for one in samples.first(20_000)] == [
        one.image_id for one in again.first(1 << 40)[:4]
    ]
    assert len(samples.first(1)) == 1
    other = Samples(patches(cells, (96, 96), sampling="grid", threads=1), seed=1)
    assert [one.image_id for one in other.first(1 << 40)] != [one.image_id for one in again.first(1 << 40)]


def test_tuning_never_makes_it_worse_on_what_it_saw(samples, model):
    held = samples.first(20_000)
    better, table = tuned(model, held, None)
    assert table[0]["settings"] == model.postprocessing.to_json()
    assert len(table) == 32
    before, after = judge(model, held, None), judge(better, held, None)
    assert after.f1 >= before.f1 == table[0]["f1@0.5"]
    assert after.f1 in (before.f1, max(row["f1@0.5"] for row in table))
    assert after.loss == before.loss
    assert before.tp + before.fn == after.tp + after.fn == sum(len(np.unique(one.mask)) - 1 for one in held)


def test_one_image_takes_the_best_settings(samples, model):
    (sample,) = samples.first(1)
    better, table = tuned(model, [sample], None)
    assert judge(better, [sample], None).f1 == max(row["f1@0.5"] for row in table)


def test_the_standard_error_is_that_of_leaving_one_image_out():
    random = np.random.default_rng(0)
    one, other = random.integers(20, 40, (2, 200, 3))

    def f1(counts):
        tp, fp, fn = counts.sum(0)
        return 2 * tp / (2 * tp + fp + fn)

    left = [f1(np.delete(one, at, 0)) - f1(np.delete(other, at, 0)) for at in range(200)]
    jackknife = np.sqrt(199 / 200 * ((left - np.mean(left)) ** 2).sum())
    assert _standard_error(one, other) == pytest.approx(jackknife, rel=0.02)
    assert _standard_error(one, one) == 0.0
    # Two images by hand: F1 of 1 and 1/2 against 1/2 and 1 differ by 1/2 in each, and not at all together.
    a, b = np.array([[1, 0, 0], [1, 1, 1]]), np.array([[1, 1, 1], [1, 0, 0]])
    share = (2 - 4 / 6 * 2) / 6  # of the first image in one, minus that of the second
    assert _standard_error(a, b) == pytest.approx(np.sqrt(2 * (2 * share) ** 2 * 2))


def test_what_nobody_annotated_is_not_judged(samples, model):
    from dataclasses import replace

    (sample,) = samples.first(1)
    region = np.zeros_like(sample.region)
    region[:, :40] = True
    part = replace(sample, region=region)
    spoilt = replace(part, mask=np.where(region, part.mask, 99).astype(np.int32))
    assert judge(model, [spoilt], None).tp == judge(model, [part], None).tp
    inside = len(np.unique(part.mask[region])) - 1
    found = judge(model, [spoilt], None)
    assert found.tp + found.fn <= inside
