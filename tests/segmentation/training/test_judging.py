import numpy as np
import pytest

from micrographia.loading import patches
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_network import NetworkShape, build_network
from micrographia.segmentation.training.judging import Judgement, Samples, judge, tuned


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
    assert after.f1 == max(row["f1@0.5"] for row in table) >= before.f1 == table[0]["f1@0.5"]
    assert after.loss == before.loss
    assert before.tp + before.fn == after.tp + after.fn == sum(len(np.unique(one.mask)) - 1 for one in held)


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
