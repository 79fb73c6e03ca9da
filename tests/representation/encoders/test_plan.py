import numpy as np
import pytest

from builder import Builder
from micrographia.errors import MicrographiaError, ProfileError
from micrographia.images import open_image
from micrographia.representation.encoders import plan as module
from micrographia.representation.encoders.plan import make_plan
from micrographia.representation.encoders.sampling import LABEL, Sampling
from micrographia.representation.encoders.sources import collect


def planned(dataset, sampling=None, **options):
    return make_plan(collect(dataset), sampling or Sampling(), **{"size": 16, "channels": 1} | options)


@pytest.mark.parametrize("step", [1, 5, 64])
def test_chunks_cover_all_windows_in_order(dataset, monkeypatch, step):
    monkeypatch.setattr(module, "CHUNK_WINDOWS", step)
    plan = planned(dataset, Sampling("patch"))
    chunks = list(plan.chunks())
    assert [(c.source, w) for c in chunks for w in range(c.start, c.stop)] == [
        (image, window) for image in range(4) for window in range(36)
    ]
    assert np.concatenate([plan.row_numbers(chunk) for chunk in chunks]).tolist() == list(range(144))
    assert sum(chunk.last for chunk in chunks) == 4
    assert (plan.rows, plan.windows) == (144, 144)


def test_a_whole_image_at_its_own_size_is_its_pixels(dataset):
    plan = planned(dataset, size=96, scaling="fixed:100,2000")
    found = plan.read(next(plan.chunks()))
    with open_image(dataset / "images" / "field_01.tif") as image:
        expected = np.clip((image.read().astype(float) - 100) / 1900, 0, 1)
    assert found.shape == (1, 1, 96, 96)
    assert found[0, 0] == pytest.approx(expected, abs=1e-6)


def test_masked_objects_show_nothing_else(dataset):
    plan = planned(dataset, Sampling("object", crop=16, masked=True), scaling="fixed:0,4000")
    bare = planned(dataset, Sampling("object", crop=16), scaling="fixed:0,4000")
    chunk = next(plan.chunks())
    found, whole = plan.read(chunk), bare.read(chunk)
    with open_image(dataset / "masks" / "field_01.png") as image:
        labels = image.read()
    checked = 0
    for window, black, full in zip(plan.samples[0].windows, found[:, 0], whole[:, 0], strict=False):
        y0, y1, x0, x1 = window[3:7]
        if min(y0, x0) < 0 or max(y1, x1) > 96:
            continue
        held = labels[y0:y1, x0:x1] == window[LABEL]
        assert np.array_equal(black[held], full[held])
        assert not black[~held].any()
        checked += 1
    assert checked > 2


def test_meta_of_objects(dataset):
    plan = planned(dataset, Sampling("object"))
    meta = plan.meta()
    assert list(meta) == ["image", "split", "slide", "set", "object", "y", "x", "side"]
    assert len(meta) == plan.rows == sum(7 + number % 3 for number in range(4))
    with open_image(dataset / "masks" / "field_02.png") as image:
        labels = image.read()
    second = meta[meta["image"] == "field_02"]
    assert second["object"].tolist() == sorted(set(labels[labels > 0].tolist()))
    where = np.argwhere(labels == second["object"].iloc[0]).mean(0)
    assert second[["y", "x"]].iloc[0].tolist() == pytest.approx(where.tolist())
    assert set(second["slide"]) == {"slide-0"}


def test_a_group_called_like_a_column_of_ours(tmp_path):
    builder = Builder(tmp_path, images=2)
    for row in builder.rows:
        row["group:image"] = "lens"
    assert list(planned(builder.write()).meta()) == ["image", "split", "slide", "group_image"]


def test_ablation_needs_masks(tmp_path):
    builder = Builder(tmp_path, images=2)
    builder.drop_row("masks/field_02.png")
    plan = planned(builder.write(), ablation="nuclei-only")
    chunks = list(plan.chunks())
    assert plan.read(chunks[0]).shape == (1, 1, 16, 16)
    with pytest.raises(
        ProfileError, match="field_02: has no label image, which the ablation nuclei-only needs"
    ):
        plan.read(chunks[1])


def test_a_random_ablation_is_drawn_by_the_id_of_the_image(dataset):
    from micrographia.representation.encoders.ablations import ablate

    plain, shuffled = planned(dataset), planned(dataset, ablation="pixel-shuffle", seed=3)
    for chunk, name in zip(plain.chunks(), collect(dataset).sources, strict=True):
        expected = ablate("pixel-shuffle", plain.read(chunk), [name.id], seed=3)
        assert np.array_equal(shuffled.read(chunk), expected)


def test_label_images_without_objects(tmp_path):
    builder = Builder(tmp_path, images=1)
    builder.put("masks/field_01.png", np.zeros((96, 96), np.uint16))
    with pytest.raises(ProfileError, match="the label images of 'nuclei' hold no objects"):
        planned(builder.write(), Sampling("object"))


@pytest.mark.parametrize("options", [{"ablation": "sharpen"}, {"mapping": "best"}, {"scaling": "best"}])
def test_choices_that_do_not_exist_are_refused_before_reading(dataset, options):
    with pytest.raises(ProfileError):
        planned(dataset, **options)


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    builder = Builder(tmp_path, images=2)
    root = builder.write()
    (root / "images" / "field_02.tif").write_bytes(b"")
    with pytest.raises(MicrographiaError, match="field_02"):
        planned(root)
