import numpy as np
import pytest
from PIL import Image

from micrographia.segmentation.models.maps import MapSegmenter
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.ranking.agreement import MEASURES, soft_dice
from micrographia.segmentation.ranking.measuring import Contender, Plan, Task, measure
from micrographia.segmentation.ranking.perturbations import Perturbation
from micrographia.segmentation.ranking.scenes import scenes
from ranking_models import Made, everything, family, halfway, nuclei, written

PLAN = Plan(perturbations=(Perturbation("brightness", 0.1), Perturbation("noise", 0.1)))


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    return scenes(written(tmp_path_factory.mktemp("measuring") / "disks", 3, groups=False))[0].items


def task(model, items, cache, plan=PLAN, at=0):
    return Task(
        Contender("m", "", model.info.sha256, held=model),
        items[at],
        items[(at + 1) % len(items)],
        plan,
        cache,
    )


def test_a_good_model_agrees_with_itself_and_with_no_control(items, tmp_path):
    found = measure(task(family("halfway")["halfway"], items, tmp_path))
    assert found.reason == ""
    assert found.image == "f0"
    assert found.content.objects == 4
    assert set(found.perturbed) == {"brightness +0.1", "noise 0.1"}
    assert found.perturbed["brightness +0.1"] == dict.fromkeys(MEASURES, 1.0)
    assert found.perturbed["noise 0.1"]["rand"] > 0.8
    assert set(found.controls) == {"blank", "shuffled", "other image"}
    assert found.controls["blank"]["f1"] == 0
    assert max(values["f1"] for values in found.controls.values()) < 0.9
    assert found.truth["f1"] == 1.0
    assert (found.truth["tp"], found.truth["fp"], found.truth["fn"]) == (4, 0, 0)


def test_an_image_that_is_like_it_is_no_control(items, tmp_path):
    twice = (items[0], items[0])
    found = measure(task(family("halfway")["halfway"], twice, tmp_path))
    assert set(found.controls) == {"blank", "shuffled"}
    assert any("too much like it" in note for note in found.notes)


def test_everything_agrees_with_every_control(items, tmp_path):
    found = measure(task(Made("everything", everything), items, tmp_path))
    assert {values["f1"] for values in found.controls.values()} == {1.0}
    assert found.content.largest == 1.0


def test_what_was_measured_is_not_measured_again_and_only_what_is_new_is(items, tmp_path):
    model = family("halfway")["halfway"]
    first = measure(task(model, items, tmp_path))
    asked = model.asked
    assert asked == 1 + 2 + 2 + 1  # plain, perturbed, blank and shuffled, and the other image
    again = measure(task(model, items, tmp_path))
    assert model.asked == asked
    assert again == first
    more = Plan(perturbations=(*PLAN.perturbations, Perturbation("blur", 1.0)))
    found = measure(task(model, items, tmp_path, more))
    assert model.asked == asked + 1
    assert found.perturbed["noise 0.1"] == first.perturbed["noise 0.1"]
    measure(task(model, items, tmp_path, Plan(perturbations=PLAN.perturbations, seed=1)))
    assert model.asked > asked + 1
    assert measure(task(Made("other", halfway), items, tmp_path)).perturbed == first.perturbed


def test_a_model_that_raises_is_a_row_with_a_reason(items, tmp_path):
    def fails(image):
        raise RuntimeError("out of luck")

    found = measure(task(Made("fails", fails), items, tmp_path))
    assert "out of luck" in found.reason
    assert not found.perturbed


def test_a_model_that_raises_when_perturbed_is_a_row_with_a_reason(items, tmp_path):
    def shy(image):
        if image.std() > 1.05 * shy.first.setdefault("std", image.std()):
            raise RuntimeError("too much contrast")
        return halfway(image)

    shy.first = {}
    plan = Plan(perturbations=(Perturbation("contrast", 1.5),))
    assert "too much contrast" in measure(task(Made("shy", shy), items, tmp_path, plan)).reason


def test_a_control_that_a_model_refuses_is_said_and_costs_nothing_else(items, tmp_path):
    def proud(image):
        if image.min() == image.max():
            raise ValueError("nothing to see")
        return halfway(image)

    found = measure(task(Made("proud", proud), items, tmp_path))
    assert found.reason == ""
    assert "blank" not in found.controls
    assert any("no control `blank`" in note and "nothing to see" in note for note in found.notes)
    assert measure(task(Made("proud", proud), items, tmp_path)) == found


@pytest.mark.parametrize(
    ("kind", "said"), [("nan", "not finite"), ("flat", "same everywhere"), ("bad", "b.tif")]
)
def test_an_image_that_cannot_be_used_is_a_row_with_a_reason(tmp_path, kind, said):
    import tifffile

    folder = tmp_path / "images"
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", nuclei(0)[0].astype(np.float32))
    pixels = np.full((20, 30), np.nan if kind == "nan" else 3.0, np.float32)
    tifffile.imwrite(folder / "b.tif", pixels)
    if kind == "bad":
        (folder / "b.tif").write_bytes(b"II*\0")
    (found,) = scenes(folder)
    records = [
        measure(task(family("halfway")["halfway"], found.items, tmp_path / "cache", at=at)) for at in (0, 1)
    ]
    assert said in records[1].reason
    assert records[0].reason == ""
    assert any("no control `other image`" in note for note in records[0].notes)


def test_of_a_large_image_the_middle_is_used(items, tmp_path):
    found = measure(task(family("halfway")["halfway"], items, tmp_path, Plan(PLAN.perturbations, crop=40)))
    assert set(found.notes) == {"40 of 64 along Y are used", "40 of 72 along X are used"}
    assert found.truth is not None


def test_the_type_of_the_image_is_known_to_the_model_but_nothing_is_rounded(tmp_path):
    seen = []

    class Listens(MapSegmenter):
        def __init__(self):
            super().__init__(ModelInfo("listens"), origin="1", outputs=("distance", "foreground"))

        def maps(self, image, context):
            seen.append((context.white, float(image.min()), bool((image % 1 != 0).any())))
            share = context.normalised(image)[0].clip(0, 1)
            return np.stack([share, share])

        def instances(self, maps, context):  # noqa: ARG002
            return (maps[1] > 0.5).astype(np.int32)

    (tmp_path / "images").mkdir()
    Image.fromarray(nuclei(0)[0]).save(tmp_path / "images" / "a.png")
    (found,) = scenes(tmp_path / "images")
    plan = Plan(perturbations=(Perturbation("brightness", -0.5), Perturbation("noise", 0.2)))
    record = measure(
        Task(Contender("m", "", "1", held=Listens()), found.items[0], None, plan, tmp_path / "cache")
    )
    assert {white for white, _, _ in seen} == {255.0}
    assert min(low for _, low, _ in seen) < 0
    assert any(broken for _, _, broken in seen)
    # Probabilities are compared where the model gives them: brightness changes none, noise some.
    assert record.perturbed["brightness -0.5"]["dice"] == pytest.approx(1, abs=1e-5)
    one = record.perturbed["noise 0.2"]
    assert one["dice"] != pytest.approx(2 * one["hamming"] / (1 + one["hamming"]), abs=1e-3)
    assert soft_dice(np.ones(2), np.ones(2)) == 1


def test_stacks_are_measured_too(tmp_path):
    import tifffile

    folder = tmp_path / "images"
    folder.mkdir()
    stack = np.stack([nuclei(1)[0]] * 5)
    tifffile.imwrite(folder / "a.tif", stack, imagej=True, metadata={"axes": "ZYX"})

    def balls(image):
        from scipy import ndimage

        return ndimage.label(ndimage.gaussian_filter(image[0], 1) > 50)[0]

    (found,) = scenes(folder)
    record = measure(
        Task(
            Contender("m", "", "1", held=Made("balls", balls)), found.items[0], None, PLAN, tmp_path / "cache"
        )
    )
    assert record.reason == ""
    assert record.content.objects == 4
    assert record.perturbed["noise 0.1"]["rand"] > 0.9
