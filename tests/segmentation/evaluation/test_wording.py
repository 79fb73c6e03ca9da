"""What a matrix says where objects and images weigh differently."""

from micrographia.segmentation.evaluation.wording import alike

ROW = {
    "verdict": "undecided",
    "image_weighted_verdict": "beats",
    "image_weighted_difference": 0.05,
    "image_weighted_low": 0.01,
    "image_weighted_high": 0.09,
}


def test_another_verdict_where_images_count_alike_is_told():
    assert alike(ROW) == "; if images count alike: beats, +0.05 (+0.01 to +0.09)"
    assert alike(ROW | {"image_weighted_low": None}) == "; if images count alike: beats, +0.05"


def test_the_same_verdict_is_not_told_twice():
    assert alike(ROW | {"verdict": "beats"}) == ""
    assert alike({"verdict": "beats"}) == ""
