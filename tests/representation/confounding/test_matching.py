import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.confounding import count_matched


def test_by_hand():
    count = [10, 11, 12, 50, 10, 49, 51, 90, None]
    label = ["a", "a", "a", "a", "b", "b", "b", "b", "a"]
    found = count_matched(count, label, ["g1", "g1", "g1", "g2", "g3", "g3", "g4", "g4", "g1"], caliper=20)
    # bins 10 to 30 (3 a, 1 b), 30 to 50 (no, 1 b), 50 to 70 (1 a, 1 b), 90 (1 b)
    assert found.n == 4
    assert found.kept == {"a": (2, 5), "b": (2, 4)}
    assert found.rows[3]
    assert found.rows[4]
    assert found.rows[6]
    assert found.groups == {"a": 2, "b": 2}
    assert found.reason == ""
    assert found.difference[1] < found.difference[0]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["a", "b", "c", None])), max_size=60),
    st.integers(1, 8),
    st.integers(0, 3),
)
def test_every_bin_holds_as_many_of_every_class(rows, bins, seed):
    values = np.array([value for value, _ in rows])
    labels = [label for _, label in rows]
    found = count_matched(values, labels, caliper=10.0, seed=seed)
    known = [at for at, label in enumerate(labels) if label is not None]
    present = {labels[at] for at in known}
    least = min((values[at] for at in known), default=0.0)
    for place in {int((values[at] - least) // 10) for at in known}:
        inside = [at for at in known if int((values[at] - least) // 10) == place]
        held = [sum(labels[at] == name for at in inside) for name in present]
        left = [sum(bool(found.rows[at]) for at in inside if labels[at] == name) for name in present]
        assert left == [min(held) if len(present) > 1 else 0] * len(left)
    quantiles = count_matched(values, labels, bins=bins, seed=seed)
    kept = [labels[at] for at in np.flatnonzero(quantiles.rows)]
    assert len({kept.count(name) for name in present}) <= 1


def test_classes_that_do_not_overlap_cannot_be_compared():
    found = count_matched([1, 2, 3, 101, 102, 103], list("aaabbb"), caliper=5)
    assert found.n == 0
    assert "no bin of the nuisance holds every class (a 1 to 3, b 101 to 103)" in found.reason
    assert np.isnan(found.difference[1])


def test_few_groups_are_told():
    found = count_matched([1, 2, 1, 2], list("aabb"), ["g1", "g1", "g2", "g3"], bins=1)
    assert found.reason == "fewer than two groups are left of a"


def test_one_class_and_wrong_input():
    assert "no two classes" in count_matched([1, 2], ["a", "a"]).reason
    assert "no two classes" in count_matched([], []).reason
    with pytest.raises(ValueError, match="equally long"):
        count_matched([1, 2], ["a"])
    with pytest.raises(ValueError, match="positive"):
        count_matched([1], ["a"], caliper=0)
    with pytest.raises(ProfileError, match="'many' is no number"):
        count_matched(["many", 2], ["a", "b"])


def test_the_seed_decides_which_rows_are_kept():
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=200), np.repeat(["a", "b"], [150, 50])
    first, again, other = (count_matched(values, labels, bins=4, seed=seed).rows for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert first.sum() == other.sum() <= 100
