import csv

import numpy as np
import pytest
from skimage.color import rgb2hed
from skimage.filters import threshold_otsu

from micrographia.images import ArrayImage, open_image
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models import grey as greys
from micrographia.segmentation.models.baselines import BASELINES, baseline
from micrographia.segmentation.models.protocol import Context, MapModel, Tunable, context_of
from micrographia.segmentation.models.running import segment
from micrographia.segmentation.models.tuning import Sample, tune
from micrographia.segmentation.scoring import metric, score_pair
from micrographia.simulation import simulate_field

CLASSICAL = ("otsu", "local", "log")


def f1(truth, labels):
    return metric("f1@0.5").value(score_pair(truth, labels, boundary=False, objects=False).sums)


def blobs(shape, centres, radius, spacing=(1.0, 1.0, 1.0), rise=100.0, noise=4.0):
    places = np.indices(shape)
    steps = spacing[-len(shape) :]
    image = np.full(shape, 20.0)
    truth = np.zeros(shape, np.int32)
    for number, centre in enumerate(centres, 1):
        squares = sum(((axis - at) * step) ** 2 for axis, at, step in zip(places, centre, steps, strict=True))
        image += rise * np.exp(-np.clip(squares - (radius - 1) ** 2, 0, None) / radius)
        truth[squares < radius**2] = number
    return image + np.random.default_rng(0).normal(0, noise, shape), truth


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("dark", [False, True])
def test_round_objects_are_found_bright_on_dark_and_dark_on_bright(name, dark):
    image, truth = blobs((96, 96), [(20, 20), (20, 70), (60, 30), (70, 42), (70, 78)], 8)
    if dark:
        image = 200 - image
    found = segment(baseline(name), ArrayImage(image.astype(np.float32), "YX"))
    assert f1(truth, found.labels) == 1


@pytest.mark.parametrize("name", CLASSICAL)
def test_balls_in_voxels_longer_than_wide_are_found(name):
    spacing = (3.0, 1.0, 1.0)
    image, truth = blobs((14, 60, 60), [(4, 18, 18), (4, 40, 44), (9, 42, 16), (9, 20, 40)], 8, spacing)
    stack = ArrayImage(image.astype(np.float32), "ZYX", scale={"z": 1.5, "y": 0.5, "x": 0.5})
    model = baseline(name).with_settings({"sigma": 3.0}) if name == "log" else baseline(name)
    assert f1(truth, segment(model, stack).labels) == 1


def test_simulated_nuclei_are_found():
    field = simulate_field(seed=3)
    image, truth = ArrayImage(field.image[:1], "CYX"), field.labels["nuclei"]
    assert len(np.unique(truth)) > 5
    scores = {name: f1(truth, segment(baseline(name), image).labels) for name in CLASSICAL}
    assert max(scores.values()) > 0.7
    assert f1(truth, segment(baseline("one"), image).labels) == 0
    assert f1(truth, segment(baseline("nothing"), image).labels) == 0


def test_rules_look_at_nothing():
    image = ArrayImage(np.random.default_rng(0).random((3, 8, 9)), "ZYX")
    assert (segment(baseline("one"), image).labels == 1).all()
    assert (segment(baseline("nothing"), image).labels == 0).all()
    assert baseline("one").settings_grid() == [{}]


@pytest.mark.parametrize("name", CLASSICAL)
def test_tiles_give_what_the_whole_gives_but_at_borders(name):
    centres = [(y + (x // 20) % 3, x) for y in range(12, 190, 22) for x in range(12, 190, 20)]
    image, truth = blobs((200, 200), centres, 7)
    held = ArrayImage(image.astype(np.float32), "YX")
    whole, tiled = segment(baseline(name), held), segment(baseline(name), held, tile=96, overlap=24)
    assert tiled.tiles > 4
    assert whole.labels.max() == tiled.labels.max() == len(centres)
    assert f1(whole.labels, tiled.labels) == 1
    assert f1(truth, tiled.labels) == 1


@pytest.mark.parametrize("name", BASELINES)
def test_settings_are_tried_within_the_budget_default_first(name):
    model = baseline(name)
    assert isinstance(model, Tunable)
    assert isinstance(model, MapModel)
    for budget in (1, 7, 32):
        grid = model.settings_grid(budget)
        assert grid[0] == model.info.settings
        assert len(grid) == (budget if name in CLASSICAL else 1)
        assert len({repr(one) for one in grid}) == len(grid)
    hashes = {model.with_settings(one).info.sha256 for one in grid}
    assert len(hashes) == len(grid)
    assert model.with_settings(grid[-1]).with_settings(grid[0]).info == model.info


def test_a_role_chooses_the_channel():
    image, truth = blobs((64, 64), [(20, 20), (44, 40)], 8)
    pixels = np.stack([np.zeros_like(image), image]).astype(np.float32)
    held = ArrayImage(pixels, "CYX")
    assert f1(truth, segment(baseline("otsu:actin"), held, roles=["er", "actin"]).labels) == 1
    assert f1(truth, segment(baseline("otsu"), held, roles=["actin", "nucleus"]).labels) == 1
    assert baseline("otsu:actin").info.sha256 != baseline("otsu").info.sha256


@pytest.mark.parametrize("said", ["otsus", "one:nucleus"])
def test_what_is_no_baseline_is_refused(said):
    with pytest.raises(SegmentationError):
        baseline(said)


@pytest.mark.parametrize("settings", [{"colour": 1}, {"blur": "much"}, {"depth": 4}, {"blur": float("nan")}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(SegmentationError):
        baseline("otsu").with_settings(settings)


def test_otsu_is_that_of_scikit_image():
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(0.2, 0.05, 8000), rng.normal(0.8, 0.1, 2000)]).astype(np.float32)
    assert greys._otsu(values) == pytest.approx(threshold_otsu(values), abs=0.02)


def test_haematoxylin_is_that_of_scikit_image_up_to_scale():
    rgb = np.random.default_rng(0).integers(20, 255, (16, 16, 3), np.uint8)
    ours = greys.haematoxylin(np.moveaxis(rgb, 2, 0).astype(np.float32), 255.0)
    assert np.corrcoef(ours.ravel(), rgb2hed(rgb)[..., 0].ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("role", "rgb", "light", "sign"),
    [
        ("nucleus", False, True, 1),
        ("membrane", False, False, -1),
        ("brightfield", False, False, -1),
        (None, False, True, -1),
        (None, False, False, 1),
        ("colour", True, True, -1),
        ("colour", True, False, 1),
        ("he", True, False, 1),
    ],
)
def test_light_or_dark_is_by_role_and_else_by_what_most_is(role, rgb, light, sign):
    values = np.random.default_rng(0).random((3 if rgb else 1, 1000), np.float32) ** (0.2 if light else 5)
    context = Context(values, roles=(role,) * len(values), rgb=rgb)
    assert greys._sign(context) == sign


def test_flat_images_hold_nothing():
    for name in CLASSICAL:
        model = baseline(name)
        image = np.full((1, 20, 20), 7, np.float32)
        assert model.predict(image).max() <= 1
        assert np.isfinite(greys.grey(image, context_of(image))).all()


@pytest.mark.real_data
@pytest.mark.parametrize(("domain", "least"), [("fluo_256x256", 0.6), ("he_256x320", 0.5)])
def test_tuned_baselines_on_real_nuclei(data, domain, least):
    folder = data / "dsb2018"
    with (folder / "index.csv").open() as file:
        named = [row["name"] for row in csv.DictReader(file) if row["domain"] == domain][:4]
    samples = []
    for name in named:
        image = open_image(folder / "images" / f"{name}.png")
        truth = open_image(folder / "labels" / f"{name}.png").read()
        roles = ["he"] * 3 if image.rgb else ["nucleus"]
        samples.append(Sample(image, truth.reshape(truth.shape[-2:]), roles=roles, name=name))
    model, rows = tune(baseline("otsu"), samples, budget=8)
    best = max(row["score"] for row in rows)
    assert best > least
    assert best >= rows[0]["score"]
    again = [f1(sample.truth, segment(model, sample.image, roles=sample.roles).labels) for sample in samples]
    assert np.mean(again) > least - 0.1


@pytest.mark.real_data
def test_baselines_on_real_stacks(data):
    folder = data / "stardist_test_images"
    image, truth = (open_image(folder / f"{kind}3d.tif") for kind in ("img", "mask"))
    sample = Sample(image, truth.read().squeeze(), roles=["nucleus"])
    scores = {name: tune(baseline(name), [sample], budget=12)[1] for name in CLASSICAL}
    best = {name: max(row["score"] for row in rows) for name, rows in scores.items()}
    assert max(best.values()) > 0.4, best


@pytest.mark.real_data
def test_tiles_of_real_images_give_the_objects_of_the_whole(data):
    folder = data / "dsb2018"
    with (folder / "index.csv").open() as file:
        named = [row["name"] for row in csv.DictReader(file) if row["domain"] == "fluo_520x696"][:2]
    for name in named:
        image = open_image(folder / "images" / f"{name}.png")
        whole = segment(baseline("otsu"), image, roles=["nucleus"])
        tiled = segment(baseline("otsu"), image, roles=["nucleus"], tile=200, overlap=48)
        assert tiled.tiles > 10
        assert f1(whole.labels, tiled.labels) > 0.99
