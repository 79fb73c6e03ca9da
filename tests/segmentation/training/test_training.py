import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from micrographia.errors import MicrographiaError
from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.running import segment
from micrographia.segmentation.models.unet import load_unet
from micrographia.segmentation.training import checkpoints
from micrographia.segmentation.training.fingerprints import read_entries, read_fingerprints
from micrographia.segmentation.training.trainer import Schedule, rate_at
from micrographia.segmentation.training.training import train


@pytest.fixture(scope="module")
def trained(cells, tmp_path_factory, torch):
    """A run with everything that can be written."""
    from micrographia.segmentation.training.options import TrainOptions

    told = []
    found = train(
        TrainOptions(
            [cells],
            tmp_path_factory.mktemp("trained") / "nuclei",
            steps=12,
            evaluations=3,
            patch=(32, 32),
            batch=2,
            widths=(4, 8),
            device="cpu",
            workers=1,
            bioimageio=True,
        ),
        listener=told.append,
    )
    return found, told


def test_what_is_written(trained):
    found, told = trained
    names = {path.name for path in found.path.iterdir()}
    weights = found.card["weights"]["file"]
    assert names == {
        "model.yaml",
        weights,
        "curves.json",
        "curves.png",
        "fingerprints.json",
        "usage",
        "bioimageio",
    }
    assert [row["step"] for row in told] == [4, 8, 12]
    curves = json.loads((found.path / "curves.json").read_text())
    assert [row["step"] for row in curves["evaluations"]] == [4, 8, 12]
    assert curves["evaluations"][curves["best"]]["step"] == found.card["training"]["kept_step"]
    assert (found.path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_card_says_where_the_model_is_from(trained, dataset):
    found, _ = trained
    card = yaml.safe_load((found.path / "model.yaml").read_text("utf-8"))
    assert card == json.loads(json.dumps(found.card))
    (source,) = card["trained_on"]
    from micrographia.dataset.identity import content_sha256, dataset_files_sha256

    assert source["content_sha256"] == content_sha256(dataset)
    assert source["files_sha256"] == dataset_files_sha256(dataset)
    assert source["n_images"] + source["n_validation_images"] <= 8
    assert card["inputs"]["pixel_size"] == pytest.approx(0.325)
    assert card["training"]["seed"] == 0
    assert any("UNKNOWN" in text for text in card["licences_of_training_data"]["says"])
    assert "optimistic" in card["scores"]["validation"]["note"]


def test_the_usage_record_is_named_after_its_content(trained):
    import hashlib

    found, _ = trained
    (path,) = (found.path / "usage").iterdir()
    assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    record = json.loads(path.read_text())
    assert record["model"]["sha256"] == found.model.info.sha256
    assert record["dataset"]["content_sha256"] == found.card["trained_on"][0]["content_sha256"]
    assert record["score"]["metric"] == "f1@0.5"


def test_training_images_are_recognised_later(trained, dataset):
    from micrographia.checks.pixel_facts_image import measure_image

    found, _ = trained
    known = read_fingerprints(found.path)
    (division,) = found.plan.divisions
    assert len(known) == len(division.train) + len(division.validation)
    with dataset.image(division.train[0]) as image:
        facts, _ = measure_image(image, "x")
    assert facts.digest in {one.digest for one in known.values()}


def test_a_trained_model_opens_and_segments(trained, dataset):
    found, _ = trained
    again = load_unet(found.path, device="cpu")
    assert again.info.sha256 == found.model.info.sha256 == found.card["sha256"]
    assert Path(again.info.trained_on[0]["fingerprints"]) == found.path / "fingerprints.json"
    image = dataset.image(dataset.image_ids[0])
    one, other = segment(again, image), segment(found.model, image)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.labels.shape == (72, 88)


def test_an_interrupted_run_goes_on_to_the_same_model(tiny, tmp_path):
    whole = train(tiny())

    class StopError(Exception):
        pass

    def stop(row):
        if row["step"] == 8:
            raise StopError

    with pytest.raises(StopError):
        train(tiny(out=tmp_path / "other"), listener=stop)
    # The run was stopped while it looked at step 8: the checkpoint is that of step 4.
    assert not (tmp_path / "other/model.yaml").exists()
    with pytest.raises(SegmentationError, match="--resume"):
        train(tiny(out=tmp_path / "other"))
    told = []
    resumed = train(tiny(out=tmp_path / "other", resume=True), listener=told.append)
    assert [row["step"] for row in told] == [8, 12]
    assert resumed.model.info.sha256 == whole.model.info.sha256
    for name in ("loss", "foreground", "boundary", "distance"):
        held = [
            json.loads((found.path / "curves.json").read_text())["evaluations"] for found in (whole, resumed)
        ]
        assert [row["train"][name] for row in held[0]] == [row["train"][name] for row in held[1]]
    with pytest.raises(SegmentationError, match="already"):
        train(tiny(out=tmp_path / "other", resume=True))


def test_learning_anew_takes_all_images_and_the_settings_that_were_chosen(tiny, tmp_path):
    once = train(tiny(out=tmp_path / "once"))
    found = train(tiny(out=tmp_path / "anew", refit=True))
    (division,) = found.plan.divisions
    assert sorted(found.card["training"]["images"][0]) == sorted(division.train + division.validation)
    assert found.card["trained_on"][0]["n_images"] == len(division.train) + len(division.validation)
    assert found.card["training"]["refit"]["steps"] == once.card["training"]["kept_step"]
    assert found.card["postprocessing"] == once.card["postprocessing"]
    # The score is that of the network that had not learned from what it is scored on.
    score = found.card["scores"]["validation"]
    assert score["value"] == once.card["scores"]["validation"]["value"]
    assert "was not scored since" in score["note"]
    assert found.model.origin != once.model.origin
    assert {entry["use"] for entry in read_entries(found.path / "fingerprints.json")} == {"train"}
    assert {path.name for path in found.path.iterdir()} == {path.name for path in once.path.iterdir()}


def test_learning_anew_goes_on_where_it_was_interrupted(tiny, tmp_path, monkeypatch):
    whole = train(tiny(refit=True, evaluations=6))
    save = checkpoints.save

    def interrupted(folder, state, file):
        if file == checkpoints.REFIT and state.step >= 4:
            raise KeyboardInterrupt
        return save(folder, state, file)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(tiny(out=tmp_path / "other", refit=True, evaluations=6))
    assert {path.name for path in (tmp_path / "other").iterdir()} == {checkpoints.FILE, checkpoints.REFIT}
    told = []
    resumed = train(
        tiny(out=tmp_path / "other", refit=True, evaluations=6, resume=True), listener=told.append
    )
    assert not told  # the first network was not trained again
    assert resumed.model.info.sha256 == whole.model.info.sha256


def test_another_seed_and_the_same_seed(tiny, tmp_path):
    found = [
        train(tiny(out=tmp_path / name, seed=seed, steps=4, evaluations=1)).model.origin
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert found[0] == found[1] != found[2]


def test_a_checkpoint_of_another_run_is_refused(tiny, tmp_path):
    def stop(row):
        if row["step"] == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny(), listener=stop)
    with pytest.raises(SegmentationError, match=r"options\.rate, options\.seed"):
        train(tiny(seed=5, rate=1e-4, resume=True))
    path = tiny().out / checkpoints.FILE
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SegmentationError, match="damaged"):
        train(tiny(resume=True))
    with pytest.raises(SegmentationError, match="nothing to resume"):
        train(tiny(out=tmp_path / "none", resume=True))


def test_training_stops_when_it_gets_no_better(tiny):
    found = train(tiny(steps=200, evaluations=50, rate=1e-9, patience=2))
    training = found.card["training"]
    assert training["stopped_early"]
    assert training["steps_taken"] < 60
    assert training["kept_step"] < training["steps_taken"]


def test_minutes_decide_how_many_steps(tiny):
    found = train(tiny(minutes=0.02, evaluations=2))
    training = found.card["training"]
    assert 1 <= training["steps"] <= 2000
    assert training["steps_taken"] == training["steps"]


def test_it_learns(tiny):
    found = train(tiny(steps=150, evaluations=2, widths=(8, 16), batch=4, patch=(48, 48)))
    score = found.card["scores"]["validation"]
    assert score["value"] >= 0.5
    rows = json.loads((found.path / "curves.json").read_text())["evaluations"]
    assert rows[-1]["validation_loss"] < 1.9


def test_several_datasets_are_mixed(tiny, cells, tmp_path):
    import shutil

    other = Path(shutil.copytree(cells, tmp_path / "more"))
    text = (other / "mifa.yaml").read_text("utf-8")
    (other / "mifa.yaml").write_text(text.replace("title: ?", "title: More cells"), "utf-8")
    found = train(tiny(datasets=[cells, other], weights=(1.0, 3.0), steps=4, evaluations=1))
    assert len(found.card["trained_on"]) == len(found.records) == 2
    assert len(read_fingerprints(found.path)) >= 8


def test_stacks(tiny, tmp_path):
    import tifffile

    from micrographia.cli import main

    folder = tmp_path / "stacks"
    random = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for at in range(4):
        mask = np.zeros((12, 40, 36), np.uint16)
        mask[2:8, 5:17, 5:17], mask[5:11, 20:34, 15:30] = 1, 2
        image = (mask > 0) * 900 + random.integers(0, 200, mask.shape)
        for kind, pixels in (("images", image), ("masks", mask)):
            path = folder / kind / f"s{at}.tif"
            metadata = {"axes": "ZYX", "spacing": 0.8, "unit": "um"}
            tifffile.imwrite(
                path,
                pixels.astype(np.uint16),
                imagej=True,
                resolution=(5, 5),
                metadata=metadata,
                photometric="minisblack",
            )
    assert main(["describe", str(folder), "--workers", "1"]) == 0
    found = train(tiny(datasets=[folder], patch=None, steps=4, evaluations=1, share=0.3))
    network = found.card["network"]
    assert network["axes"] == "ZYX"
    assert network["strides"] == [[1, 2, 2], [1, 2, 2]]  # voxels are four times as long as wide
    assert found.plan.spacing == pytest.approx((4.0, 1.0, 1.0))
    labels = found.model.predict(random.random((1, 7, 30, 20), np.float32))
    assert labels.shape == (7, 30, 20)
    assert found.card["scores"]["validation"]["groups_unknown"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"patch": (33, 32)}, "multiples of"),
        ({"masks": "nothing"}, "nothing"),
        ({"channels": ("membrane",)}, "membrane"),
        ({"device": "cuda:9"}, "no device"),
        ({"group": "donor"}, "donor"),
        ({"only": {"well": ("Z99",)}}, "no image"),
        ({"validation": ("Z99",)}, "Z99"),
    ],
)
def test_what_cannot_be_trained(tiny, changes, told):
    with pytest.raises(MicrographiaError, match=told):
        train(tiny(**changes))
    assert not (tiny().out / "model.yaml").exists()


@pytest.mark.parametrize(
    "changes",
    [{"steps": 0}, {"rate": float("nan")}, {"patience": -1}, {"precision": "8"}, {"patch": (3,)}, {"datasets": []},
     {"share": 1.0}, {"images": [None, None]}],
)  # fmt: skip
def test_options_that_mean_nothing(tiny, changes):
    with pytest.raises(SegmentationError):
        train(tiny(**changes))


def test_the_learning_rate_is_one_cycle():
    schedule = Schedule(total=1000, batch=1, every=10, rate=2.0, patience=0)
    rates = [rate_at(step, schedule) for step in range(1000)]
    assert rates[0] == pytest.approx(2.0 / 25)
    assert max(rates) == rates[150] == pytest.approx(2.0)
    assert rates[-1] == pytest.approx(2.0 / 1000, rel=0.01)
    assert all(a < b for a, b in itertools.pairwise(rates[:151]))
    assert all(a > b for a, b in itertools.pairwise(rates[150:]))


def test_a_loss_that_is_no_number_ends_the_run(tiny, torch):
    with pytest.raises(SegmentationError, match="no number"):
        train(tiny(rate=1e30))


def test_mixed_precision_on_the_processor(tiny):
    found = train(tiny(precision="mixed", steps=4, evaluations=1))
    assert found.card["training"]["mixed_precision"]


def test_images_that_are_no_images(trained):
    found, _ = trained
    noise = np.full((1, 40, 40), np.nan, np.float32)
    with pytest.raises(SegmentationError, match="finite"):
        found.model.predict(noise)
    with pytest.raises(SegmentationError, match="1 channels"):
        found.model.predict(np.zeros((3, 40, 40), np.float32))
    assert found.model.predict(np.zeros((1, 1, 3), np.float32)).shape == (1, 3)
    assert segment(found.model, ArrayImage(np.zeros((9, 200), np.uint16), "YX")).labels.shape == (9, 200)
