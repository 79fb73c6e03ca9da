import numpy as np
import pytest

from micrographia.statistics import Scores


def test_the_score_is_the_weighted_mean_of_what_can_be_evaluated():
    scores = Scores(np.array([1.0, 0.0, np.nan]), {"donor": ["a", "b", "b"]}, np.array([3.0, 1.0, 5.0]))
    assert scores.score == 0.75
    assert (scores.n_items, scores.n_evaluable) == (3, 2)
    assert scores.evaluable.tolist() == [True, True, False]


def test_a_score_of_nothing_is_undefined():
    assert np.isnan(Scores(np.array([np.nan]), {}).score)
    assert np.isnan(Scores(np.array([1.0]), {}, np.array([0.0])).score)
    assert np.isnan(Scores(np.array([]), {}).score)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"values": np.ones((2, 2)), "factors": {}}, "shape"),
        ({"values": np.ones(2), "factors": {"donor": ["a"]}}, "1 labels for 2 items"),
        ({"values": np.ones(2), "factors": {}, "weights": np.array([1.0, -1.0])}, "not negative"),
        ({"values": np.ones(2), "factors": {}, "weights": np.array([1.0])}, "one an item"),
        ({"values": np.ones(2), "factors": {}, "items": ["x"]}, "1 names for 2 items"),
        ({"values": np.array([2.0]), "factors": {}, "bounds": (0.0, 1.0)}, "bounds 0.0 to 1.0"),
        ({"values": np.array([2.0]), "factors": {}, "bounds": (3.0, 3.0)}, "bounds"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments, problem):
    with pytest.raises(ValueError, match=problem):
        Scores(**arguments)
