import json
import os
import sys

import numpy as np
import pytest

from matrix_samples import MODULE, brightest, copied, simulated
from micrographia.cli import main
from micrographia.dataset import open_dataset
from micrographia.representation.evaluation.result import plain
from micrographia.segmentation.evaluation.matrix import Options, evaluate
from micrographia.segmentation.evaluation.repeating import repeat
from micrographia.segmentation.evaluation.result import differences, read_result, write_result
from micrographia.segmentation.metrics.errors import SegmentationError

MADE = "made_models"
BRIGHT = f"{MADE}:bright"
FAST = {"baselines": ("otsu", "one", "nothing"), "budget": 3, "boundary": False}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    simulated(folder / "nuclei")
    (folder / "made_models.py").write_text(MODULE.replace("THRESHOLD", str(brightest(folder / "nuclei"))))
    return folder


@pytest.fixture
def models(made, monkeypatch):
    monkeypatch.syspath_prepend(str(made))
    yield "made_models"
    sys.modules.pop("made_models", None)


def options(made, *models, **more):
    return Options(models=models, datasets=(str(made / "nuclei"),), **(FAST | more))


def cell(result, model, dataset="nuclei"):
    return next(one for one in result["cells"] if (one["model"], one["dataset"]) == (model, dataset))


@pytest.fixture(scope="module")
def found(made, tmp_path_factory):
    sys.path.insert(0, str(made))
    try:
        out = tmp_path_factory.mktemp("out")
        yield evaluate(options(made, "made_models:bright", "made_models:nothing"), out, quiet=True, workers=1)
    finally:
        sys.path.remove(str(made))
        sys.modules.pop("made_models", None)


def test_every_model_has_a_cell_with_scores_beside_baselines(found):
    result = found.result
    assert [entry["key"] for entry in result["datasets"]] == ["nuclei"]
    assert result["datasets"][0]["n_groups"] == 2  # of the images that are evaluated
    keys = [entry["key"] for entry in result["models"]]
    assert keys[:2] == [BRIGHT, f"{MADE}:nothing"]
    assert sorted(entry["key"] for entry in result["models"] if entry["baseline"]) == sorted(keys[2:])
    assert len(result["cells"]) == len(keys)
    bright = cell(result, BRIGHT)
    assert bright["n_images"] == 2  # the test split alone
    assert 0.8 < bright["scores"]["f1@0.5"]["value"] <= 1
    assert bright["counts"]["tp"] + bright["counts"]["fn"] == bright["counts"]["n_truth"] == 10
    assert len(bright["curve"]["f1"]) == 10
    nothing = cell(result, f"{MADE}:nothing")
    assert nothing["scores"]["f1@0.5"]["value"] == 0
    assert nothing["scores"]["precision@0.5"]["value"] is None
    assert len(bright["versus"]) == 3
    assert {row["verdict"] for row in bright["versus"]} == {"too few groups"}


def test_baselines_are_tuned_on_training_images_and_say_so(found):
    otsu = next(entry for entry in found.result["models"] if entry["spec"] == "otsu")
    assert otsu["tuned_on"] == "nuclei"
    assert otsu["trained_on"][0]["n_images"] == 6
    assert len(otsu["tried"]) == 3
    assert otsu["tuning_score"] == max(row["score"] for row in otsu["tried"])
    assert cell(found.result, otsu["key"])["status"] == "same source"
    one = next(entry for entry in found.result["models"] if entry["spec"] == "one")
    assert one["tuned_on"] is None
    assert cell(found.result, one["key"])["status"] == "clean"
    assert cell(found.result, BRIGHT)["status"] == "unknown"


def test_the_headline_names_model_dataset_and_what_cannot_be_told(found):
    told = found.result["headline"]
    assert told[0].startswith("nuclei: made_models:bright scores f1@0.5 ")
    assert "too few groups to tell it from" in told[0]
    assert "what it was trained on is not known" in told[0]


def test_examples_are_the_worst_and_the_predictions_are_kept(found):
    shown = [row for row in found.result["examples"] if row["model"] == BRIGHT]
    assert {row["kind"] for row in shown} == {"worst"}
    assert [row["score"] for row in shown] == sorted(row["score"] for row in shown)
    labels = found.cache.labels(found.keys[BRIGHT, "nuclei", shown[0]["image"]])
    assert labels.shape == (128, 144)
    assert len(np.unique(labels)) - 1 == shown[0]["hits"] + shown[0]["false"]


def test_a_second_run_computes_only_what_is_new(made, models, tmp_path):
    first = evaluate(options(made, f"{models}:bright", baselines=("one",)), tmp_path, quiet=True, workers=1)
    assert (first.computed, first.reused) == (4, 0)
    again = evaluate(options(made, f"{models}:bright", baselines=("one",)), tmp_path, quiet=True, workers=1)
    assert (again.computed, again.reused) == (0, 4)
    assert differences(plain(first.result), plain(again.result)) == []
    copied(made / "nuclei", tmp_path / "moved")
    more = Options(
        models=(f"{models}:bright", f"{models}:nothing"), datasets=(str(tmp_path / "moved"),),
        **(FAST | {"baselines": ("one",)}),
    )  # fmt: skip
    renamed = evaluate(more, tmp_path, quiet=True, workers=1)
    assert (renamed.computed, renamed.reused) == (2, 4)  # the same content under another name


def test_the_result_does_not_depend_on_workers(made, models, found, tmp_path):
    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{made}:{path}"
    try:
        other = evaluate(
            options(made, f"{models}:bright", f"{models}:nothing"), tmp_path, quiet=True, workers=2
        )
    finally:
        os.environ["PYTHONPATH"] = path
    assert differences(plain(found.result), plain(other.result)) == []


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("floats", "float"),
        ("negative", "negative"),
        ("other_shape", "shape"),
    ],
)
def test_what_is_no_segmentation_is_a_row_with_a_reason(made, models, tmp_path, model, reason):
    result = evaluate(
        options(made, f"{models}:{model}", baselines=("one",)), tmp_path, quiet=True, workers=1
    ).result
    bad = cell(result, f"{MADE}:{model}")
    assert (bad["n_failed"], bad["n_images"]) == (2, 2)
    assert all(reason in failure["reason"] for failure in bad["failures"])
    assert bad["scores"]["f1@0.5"]["value"] is None
    assert bad["scores"]["f1@0.5"]["reason"]
    assert cell(result, next(m["key"] for m in result["models"] if m["spec"] == "one"))["n_failed"] == 0
    assert any("without a score" in sentence for sentence in result["headline"])


def test_a_model_that_fails_on_one_image_keeps_the_others(made, models, tmp_path):
    result = evaluate(
        options(made, f"{models}:fails_on_bright", split="train", baselines=("one",)),
        tmp_path,
        quiet=True,
        workers=1,
    ).result
    bad = cell(result, f"{MADE}:fails_on_bright")
    assert 0 < bad["n_failed"] < bad["n_images"] == 6
    assert all("too bright for me" in failure["reason"] for failure in bad["failures"])
    assert bad["scores"]["f1@0.5"]["value"] > 0.3


def test_domains_are_columns_of_their_own(made, models, tmp_path):
    result = evaluate(
        options(made, f"{models}:bright", by="well", baselines=("one",)), tmp_path, quiet=True, workers=1
    ).result
    assert [entry["key"] for entry in result["datasets"]] == ["nuclei:A04", "nuclei:A06"]
    assert {entry["n_images"] for entry in result["datasets"]} == {1}
    assert "groups unknown, optimistic" in cell(result, BRIGHT, "nuclei:A04")["notes"]


def test_a_result_is_read_back_and_repeats_itself(made, models, tmp_path):
    found = evaluate(options(made, f"{models}:bright"), tmp_path, quiet=True, workers=1)
    path = write_result(found.result, tmp_path)
    before = read_result(path)
    assert differences(before, plain(repeat(before, workers=1, quiet=True).result)) == []
    changed = json.loads(path.read_text())
    changed["cells"][0]["scores"]["f1@0.5"]["value"] += 0.01
    assert len(differences(changed, before)) == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"primary": "f1"}, "there is no metric 'f1'"),
        ({"by": "donor"}, "has no group column 'donor'"),
        ({"split": "validation"}, "has no annotated image in split 'validation'"),
        ({"masks": "cells"}, "has no annotation set 'cells'"),
        ({"baselines": ()}, "no model is named"),
    ],
)
def test_what_is_not_there_is_told(made, tmp_path, more, told):
    with pytest.raises(SegmentationError, match=told):
        evaluate(options(made, **more), tmp_path, quiet=True, workers=1)


def test_what_is_no_matrix_is_refused(tmp_path):
    with pytest.raises(SegmentationError, match="cannot be read"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(SegmentationError, match="is no JSON"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text('{"kind": "another"}')
    with pytest.raises(SegmentationError, match="is no transfer matrix"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text('{"kind": "segmentation matrix", "format": 9}')
    with pytest.raises(SegmentationError, match="format 9"):
        read_result(tmp_path)


def test_two_annotators_give_the_human_ceiling(made, models, tmp_path):
    import tifffile

    # A second person draws the same nuclei one pixel further to the right.
    folder = copied(made / "nuclei", tmp_path / "twice")
    (folder / "second_masks").mkdir()
    for path in sorted((folder / "masks").iterdir()):
        tifffile.imwrite(folder / "second_masks" / path.name, np.roll(tifffile.imread(path), 1, axis=1))
    for name in ("mifa.yaml", "files.tsv"):
        (folder / name).unlink()
    split = ["--group", "well=treatments.csv:well", "--split", "treatments.csv:split"]
    assert main(["describe", str(folder), *split]) == 0
    sets = tuple(open_dataset(folder).annotation_sets)
    assert len(sets) == 2
    more = {"annotators": sets, "baselines": ("nothing",), "split": "train", "boundary": False}
    result = evaluate(
        Options(models=(BRIGHT,), datasets=(str(folder),), **more), tmp_path / "out", quiet=True, workers=1
    ).result
    by_model = {row["model"]: row for row in result["human"]}
    assert by_model[BRIGHT]["human"] > 0.9
    assert by_model[BRIGHT]["n_images"] == 6
    assert by_model["nothing"]["word"] == "below human agreement"
    assert by_model["nothing"]["model_score"] == 0
    assert any("human agreement (2 annotators of 6 images" in sentence for sentence in result["headline"])
