import json
from pathlib import Path

import numpy as np
import pytest

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.ranking.measuring import Plan
from micrographia.segmentation.ranking.ordering import Ruling
from micrographia.segmentation.ranking.perturbations import Perturbation, parse
from micrographia.segmentation.ranking.request import Request, rank, repeat
from micrographia.segmentation.ranking.result import differences, read_result, rows, write_result
from micrographia.segmentation.ranking.scenes import Choice
from ranking_models import family, written

PLAN = Plan(perturbations=parse(["brightness=0.3", "noise=0.05,0.15", "gamma=0.7"]))


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    return written(tmp_path_factory.mktemp("request") / "disks", 8)


@pytest.fixture(scope="module")
def ranked(disks, tmp_path_factory):
    """Models of known worth, ranked on eight images of four slides."""
    request = Request((), (disks,), plan=PLAN, out=tmp_path_factory.mktemp("out"))
    return request, rank(
        request, segmenters=family("jumpy", "nothing", "halfway", "grid", "absolute", "everything")
    )


def test_the_order_is_the_true_one(ranked):
    models = ranked[1]["rankings"][0]["models"]
    assert [one["key"] for one in models[:3]] == ["halfway", "absolute", "jumpy"]
    true = [one["true"]["f1"] for one in models[:3]]
    assert true[0] > 0.95
    assert true[2] < 0.3
    truth = ranked[1]["rankings"][0]["truth"]
    assert truth["taken"] == "halfway"
    assert truth["regret"] == pytest.approx(0.0, abs=0.05)


def test_the_worthless_are_unranked_with_a_reason(ranked):
    models = {one["key"]: one for one in ranked[1]["rankings"][0]["models"]}
    assert {key for key, one in models.items() if one["status"] == "worthless"} == {
        "nothing",
        "everything",
        "grid",
    }
    assert "finds nothing in 8 of 8" in models["nothing"]["why"]
    assert "one object in 8 of 8" in models["everything"]["why"]
    assert "whatever it is shown" in models["grid"]["why"]
    for one in models.values():
        assert (one["rank"] is None) == (one["status"] == "worthless")
    assert all(models[key]["score"] == 0 for key in ("nothing", "everything", "grid"))
    assert any("grid is not ranked" in text for text in ranked[1]["headline"])


def test_what_cannot_be_told_is_said(ranked, disks, tmp_path):
    assert ranked[1]["rankings"][0]["n_groups"] == 4
    few = rank(
        Request((), (disks,), Choice(at_most=3), PLAN, out=tmp_path), segmenters=family("halfway", "absolute")
    )
    (ranking,) = few["rankings"]
    assert not ranking["decided"]
    assert [one["low"] for one in ranking["models"]] == [1, 1]
    assert any("every place is possible" in text for text in ranking["cannot_tell"])
    assert "does not decide" in few["headline"][0]


def test_one_model_is_no_ranking(disks, tmp_path):
    found = rank(
        Request((), (disks,), Choice(at_most=2), PLAN, out=tmp_path), segmenters=family("halfway", "nothing")
    )
    assert "nothing to compare it with" in " ".join(found["rankings"][0]["cannot_tell"])
    none = rank(
        Request((), (disks,), Choice(at_most=2), PLAN, out=tmp_path),
        segmenters=family("everything", "nothing"),
    )
    assert none["rankings"][0]["cannot_tell"] == [
        "No model can be ranked: each failed, or its consistency is worthless."
    ]
    assert none["rankings"][0]["truth"]["taken"] is None


def test_a_model_that_is_wrong_in_the_same_way_each_time_stands_apart(disks, tmp_path):
    models = family("halfway", "absolute")
    from ranking_models import Made

    def cut(image):
        from ranking_models import halfway

        labels = halfway(image)
        labels[:, ::2] *= 2
        return labels * (image.shape[1] > 0)

    def thirds(image):
        from scipy.ndimage import gaussian_filter
        from skimage.measure import label

        smooth = gaussian_filter(image[0], 1.5)
        return label(smooth > 0.6 * smooth.min() + 0.4 * smooth.max())

    models |= {"cut": Made("cut", cut), "thirds": Made("thirds", thirds)}
    found = rank(Request((), (disks,), Choice(at_most=4), PLAN, out=tmp_path), segmenters=models)
    ranking = found["rankings"][0]
    told = " ".join(ranking["cannot_tell"])
    assert "cut stands apart" in told or "before they are taken: cut (0." in told
    by_vote = rank(
        Request((), (disks,), Choice(at_most=4), PLAN, Ruling(source="consensus"), out=tmp_path),
        segmenters=models,
    )
    order = [one["key"] for one in by_vote["rankings"][0]["models"]]
    assert order[-1] == "cut"
    assert by_vote["rankings"][0]["truth"]["regret"] < 0.1


def test_two_models_cannot_outvote_one_another(disks, tmp_path):
    request = Request((), (disks,), Choice(at_most=2), PLAN, Ruling(source="consensus"), out=tmp_path)
    found = rank(request, segmenters=family("halfway", "absolute"))
    assert any("cannot outvote" in text for text in found["rankings"][0]["cannot_tell"])


def test_without_labels_it_says_that_consistent_is_not_right(disks, tmp_path):
    request = Request((), (disks / "images",), Choice(at_most=4), PLAN, out=tmp_path)
    found = rank(request, segmenters=family("halfway", "absolute"))
    assert found["rankings"][0]["truth"] is None
    assert "consistent is not the same as right" in found["headline"][-1]


def test_several_datasets_are_ranked_on_and_pooled(disks, tmp_path):
    request = Request((), (disks,), Choice(by="slide", group="slide"), PLAN, out=tmp_path)
    found = rank(request, segmenters=family("halfway", "absolute", "jumpy"))
    assert [one["key"] for one in found["rankings"]] == [f"disks:slide{at}" for at in range(4)]
    assert found["pooled"]["n_datasets"] == 4
    assert found["pooled"]["p"] < found["rankings"][0]["truth"]["smallest_p"]
    assert found["headline"][-1].startswith("Over 4 datasets")


def test_the_result_is_the_same_whatever_the_number_of_workers(disks, tmp_path):
    results = []
    for workers in (1, 2):
        request = Request(
            ("otsu", "one"),
            (disks,),
            Choice(at_most=4),
            Plan(parse(["noise", "blur=1"])),
            out=tmp_path / str(workers),
        )
        results.append(rank(request, workers=workers))
    first, second = ({**one, "created": "", "provenance": ""} for one in results)
    for one in (first, second):
        for model in one["rankings"][0]["models"]:
            model.pop("seconds")
    assert first == second


def test_a_result_is_kept_and_repeated(disks, tmp_path):
    request = Request(("otsu", "local"), (disks,), Choice(at_most=4), Plan(parse(["noise"])), out=tmp_path)
    before = rank(request, command=["segment", "rank"], workers=1)
    path = write_result(before, tmp_path)
    assert read_result(tmp_path) == json.loads(path.read_text())
    held = rows(before)
    assert {(row["kind"], row["model"]) for row in held} == {
        (kind, model) for kind in ("perturbation", "control") for model in ("otsu", "local")
    }
    after = repeat(read_result(path), workers=1)
    assert differences(read_result(path), after) == []
    after["rankings"][0]["models"][0]["score"] -= 0.1
    after["rankings"][0]["pixels_sha256"] = "0"
    told = differences(before, after)
    assert any("other images" in text for text in told)
    assert any("score was" in text for text in told)
    for name in ("seed", "versions", "command", "request"):
        assert name in before["provenance"]
    assert len(before["rankings"][0]["content_sha256"]) == 64
    assert all(len(one["sha256"]) == 64 for one in before["models"])


def test_objects_of_a_program_cannot_be_repeated(ranked):
    with pytest.raises(SegmentationError, match="objects of a program"):
        repeat(ranked[1])


def test_a_request_survives_its_result(tmp_path):
    request = Request(
        ("otsu",), (tmp_path,), Choice(by="stain", roles=("nucleus",), at_most=3),
        Plan((Perturbation("noise", 0.2),), (0.1,), seed=3), Ruling("f1", "dropout", 0.9, 2), tmp_path, tmp_path,
        "cpu", ("pack",),
    )  # fmt: skip
    said = json.loads(json.dumps(request.to_json()))
    assert Request.from_json(said, out=tmp_path, cache=tmp_path) == request


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": ()}, "no images"),
        ({"ruling": Ruling("iou")}, "no 'iou'"),
        ({"ruling": Ruling(source="luck")}, "no 'luck'"),
        ({"ruling": Ruling(source="dropout")}, "no share is given"),
        ({"plan": Plan(())}, "no perturbation"),
        ({"models": ("ostu",)}, "otsu"),
        ({"images": (Path("nowhere"),)}, "does not exist"),
    ],
)
def test_requests_that_cannot_be_carried_out(tmp_path, changes, said):
    base = {"models": ("otsu",), "images": (tmp_path,), "out": tmp_path}
    with pytest.raises(SegmentationError, match=said):
        rank(Request(**{**base, **changes}))
    with pytest.raises(SegmentationError, match="no model"):
        rank(Request((), (tmp_path,)))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"kind": "segmentation ranking", "format": 99}'])
def test_what_is_no_ranking_is_refused(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(SegmentationError):
        read_result(tmp_path)
    with pytest.raises(SegmentationError, match="cannot be read"):
        read_result(tmp_path / "none.json")


def test_a_majority_that_is_wrong_outvotes_the_right_one(disks, tmp_path):
    """The limit of consensus: three models that cut every object beat the one that does not."""
    from ranking_models import Made, halfway

    def cut(shift):
        def function(image):
            labels = halfway(image)
            return labels * 2 + (labels > 0) * ((np.arange(image.shape[2]) // 5 + shift) % 2)

        return function

    models = family("halfway") | {f"cut {at}": Made(f"cut {at}", cut(at)) for at in range(3)}
    request = Request((), (disks,), Choice(at_most=4), PLAN, Ruling(source="consensus"), out=tmp_path)
    found = rank(request, segmenters=models)["rankings"][0]
    assert found["models"][-1]["key"] == found["truth"]["best"] == "halfway"
    assert found["truth"]["regret"] > 0.3
