import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.report import probe_words as words


@given(st.floats(-1e8, 1e8), st.integers(0, 4))
def test_a_number_reads_back_within_half_its_last_digit(value, decimals):
    told = words.fixed(value, decimals)
    back = float(told.replace("−", "-").replace(",", ""))
    assert abs(back - value) <= 0.5 * 10**-decimals + 1e-6
    assert not told.startswith("−0") or back != 0
    signed = words.signed(value, decimals)
    assert signed[0] in "+−"


@pytest.mark.parametrize("odd", [None, math.nan, math.inf, "1", True, [], 10**400])
def test_what_is_no_number_is_a_dash(odd):
    for write in (words.percent, words.p_value, words.count):
        assert write(odd) == words.NONE
    assert words.fixed(odd, 2) == words.signed(odd, 2) == words.NONE


@pytest.mark.parametrize(
    ("rows", "decimals"),
    [
        ([], 2),
        ([{"score": 0.4, "low": 0.33, "high": 0.49}], 2),
        ([{"score": 0.4, "low": 0.399, "high": 0.401}], 3),
        ([{"score": 0.4, "low": 0.4, "high": 0.400001}], 4),
        ([{"score": 42.0, "low": 40, "high": 44}], 1),
        ([{"score": 4200.0, "low": 4000, "high": 4400}], 0),
        ([{"score": None, "low": None, "high": math.nan}], 2),
    ],
)
def test_decimals_follow_the_narrowest_interval(rows, decimals):
    assert words.places(rows) == decimals


@pytest.mark.parametrize(
    ("value", "told"), [(0.0004, "<0.001"), (0.0312, "0.031"), (0.2, "0.20"), (1.0, "1.00"), (None, "–")]
)
def test_p_values(value, told):
    assert words.p_value(value) == told


def verdict(word, against, detectable=0.08, groups=12):
    return {
        "task": "t",
        "candidate": "dinov2",
        "against": against,
        "verdict": word,
        "minimum_detectable": detectable,
        "n_groups": groups,
    }


@pytest.mark.parametrize(
    ("comparisons", "told"),
    [
        ([], "Nothing was compared."),
        ([verdict("beats", "a"), verdict("beats", "b"), verdict("beats", "c")], "dinov2 beats a, b and c."),
        ([verdict("loses", "a"), verdict("equivalent", "b")], "dinov2 loses to a and is equivalent to b."),
        (
            [verdict("beats", "a"), verdict("undecided", "b"), verdict("undecided", "c", 0.11)],
            "dinov2 beats a. Against b and c this design cannot tell: it would need a difference of 0.11.",
        ),
        ([verdict("undecided", "b", None)], "dinov2: this design cannot tell it from b."),
        ([verdict("too few groups", "a", groups=4)], "4 groups are too few to tell dinov2 from a."),
        ([verdict("too few groups", "a", groups=None)], "There are too few groups to tell dinov2 from a."),
    ],
)
def test_a_result_without_sentences_gets_them_from_its_verdicts(comparisons, told):
    row = {"task": "t", "candidate": "dinov2", "kind": "candidate", "score": 0.5}
    assert words.headline({"table": [row], "comparisons": comparisons}) == [told]
