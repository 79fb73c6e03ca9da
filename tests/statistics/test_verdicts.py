from dataclasses import replace
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.statistics import Scores, Verdict, beats_all, compare, minimum_detectable, sign_flip_p


def pair(differences, per=4, noise=0.02, seed=0):
    """Two candidates whose groups differ by so much."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(differences)), per)
    common = rng.normal(0.5, 0.3, len(groups))
    extra = rng.normal(0, noise, len(groups))
    factors = {"donor": groups.tolist()}
    return Scores(common + np.asarray(differences)[groups] + extra, factors), Scores(common, factors)


def judged(differences, delta=0.05, **options):
    return compare(*pair(differences), "donor", delta=delta, **options)


SPREAD = np.array([-0.05, 0.05, -0.02, 0.03, 0.04, -0.04, 0.01, -0.01, 0.02, -0.03, 0.0, 0.01])


@pytest.mark.parametrize(
    ("differences", "word"),
    [
        (SPREAD + 0.2, Verdict.BEATS),
        (SPREAD - 0.2, Verdict.LOSES),
        (SPREAD, Verdict.EQUIVALENT),
        (SPREAD * 10, Verdict.UNDECIDED),
        (SPREAD[:6] + 0.2, Verdict.BEATS),
        (SPREAD[:5] + 0.2, Verdict.TOO_FEW),
        (SPREAD[:5] / 20, Verdict.EQUIVALENT),
        (SPREAD[:4] / 20, Verdict.TOO_FEW),
        (SPREAD[:3] + 5, Verdict.TOO_FEW),
        (SPREAD / 10 + 0.02, Verdict.EQUIVALENT),
    ],
)
def test_every_word_has_its_case(differences, word):
    assert judged(differences).verdict is word


def test_below_six_groups_the_reason_names_the_smallest_p():
    found = judged(SPREAD[:5] + 0.2)
    assert found.p == 2 / 32
    assert found.reason == "5 groups of donor: p cannot be below 0.0625; 6 are needed for p of 0.05"
    assert np.isnan(found.minimum_detectable)


def test_below_four_groups_there_is_no_interval():
    found = judged(SPREAD[:3] + 0.2)
    assert np.isnan([found.low, found.high]).all()
    assert found.method == "sign flips; none"
    assert "3 groups of donor: an interval needs 4" in found.reason


def test_a_difference_smaller_than_delta_does_not_matter():
    found = judged(SPREAD / 10 + 0.02)
    assert found.verdict is Verdict.EQUIVALENT
    assert found.p < 0.05
    assert found.reason == "a difference is there, but smaller than delta"
    assert judged(SPREAD / 10 + 0.02, delta=0.0).verdict is Verdict.BEATS


def test_the_level_decides_what_is_enough():
    assert judged(SPREAD[:6] + 0.2, level=0.99).verdict is Verdict.TOO_FEW
    assert judged(SPREAD + 0.2, level=0.99).verdict is Verdict.BEATS
    assert judged(SPREAD[:5] + 0.2, level=0.9).verdict is Verdict.BEATS


def test_the_numbers_belong_together():
    a, b = pair(SPREAD + 0.1)
    found = compare(a, b, "donor", delta=0.05)
    assert found.difference == pytest.approx(a.score - b.score)
    assert found.low < found.difference < found.high
    by_donor = (a.values - b.values).reshape(12, -1).sum(axis=1)
    assert found.p == found.p_by_factor["donor"] == sign_flip_p(by_donor)
    means = by_donor / 4
    assert found.minimum_detectable == pytest.approx(minimum_detectable(means.std(ddof=1), 12), rel=1e-9)
    assert (found.n_groups, found.n_items, found.delta, found.level) == (12, 48, 0.05, 0.95)


def test_swapping_the_candidates_swaps_the_words():
    a, b = pair(SPREAD + 0.1)
    there, back = compare(a, b, "donor", delta=0.01), compare(b, a, "donor", delta=0.01)
    assert (there.verdict, back.verdict) == (Verdict.BEATS, Verdict.LOSES)
    assert there.difference == pytest.approx(-back.difference)
    assert there.p == back.p
    np.testing.assert_allclose([there.low, there.high], [-back.high, -back.low], rtol=0.1)


def test_groups_unknown_is_said():
    a, b = pair(SPREAD)
    found = compare(Scores(a.values, {}), Scores(b.values, {}), "donor", delta=0.05)
    assert found.n_groups == 48
    assert found.reason.startswith("groups unknown, optimistic")
    assert found.p_by_factor.keys() == {"item"}


def test_an_undefined_score_is_undefined_with_its_reason():
    a, b = pair(SPREAD)
    found = compare(
        a, replace(b, values=np.full(48, np.nan), reason="constant features"), "donor", delta=0.05
    )
    assert found.verdict is Verdict.UNDEFINED
    assert found.reason == "constant features"
    assert np.isnan([found.difference, found.p, found.low, found.minimum_detectable]).all()
    both = replace(a, values=np.where(np.arange(48) % 2, a.values, np.nan))
    other = replace(b, values=np.where(np.arange(48) % 2, np.nan, b.values))
    assert compare(both, other, "donor", delta=0.05).reason == "no item can be evaluated for both"


def test_items_that_only_one_has_are_left_out_and_counted():
    a, b = pair(SPREAD + 0.2)
    missing = b.values.copy()
    missing[:3] = np.nan
    found = compare(a, replace(b, values=missing), "donor", delta=0.05)
    assert found.reason == "3 items could not be evaluated for both and are left out"
    assert found.n_items == 45
    assert found.difference == pytest.approx((a.values - b.values)[3:].mean())


def test_identical_scores_are_equivalent():
    a, _ = pair(SPREAD)
    found = compare(a, a, "donor", delta=0.01)
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert (found.verdict, found.p) == (Verdict.EQUIVALENT, 1.0)
    assert found.reason == "identical on every item"


def test_twelve_donors_that_are_all_right_may_still_differ():
    """Both candidates right on every item: up to 26% of donors could still differ."""
    right = Scores(np.ones(12), {"donor": list(range(12))})
    found = compare(right, right, "donor", delta=0.05)
    assert found.verdict is Verdict.UNDECIDED
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 12), abs=0.02)
    assert found.p_equivalence == pytest.approx(0.95**12, abs=0.03)
    many = Scores(np.ones(200), {"donor": list(range(200))})
    assert compare(many, many, "donor", delta=0.05).verdict is Verdict.EQUIVALENT


def test_few_groups_that_differ_cannot_decide():
    values = np.zeros(20)
    values[:5] = 1
    a, b = Scores(values, {"donor": list(range(20))}), Scores(np.zeros(20), {"donor": list(range(20))})
    found = compare(a, b, "donor", delta=0.05)
    assert found.verdict is Verdict.UNDECIDED
    assert found.p == 2 / 32
    assert found.reason == "only 5 of 20 groups of donor differ"


def seeds(shift, seed_spread, n_seeds=5, n=12):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(n), 6)
    factors = {"donor": groups.tolist()}
    common = rng.normal(0, 1, len(groups))
    a = Scores(common + shift + rng.normal(0, 0.1, len(groups)), factors)
    offsets = np.linspace(-1, 1, n_seeds) * seed_spread if n_seeds > 1 else [0.0]
    return a, [Scores(common + rng.normal(0, 0.1, len(groups)) + offset, factors) for offset in offsets]


def test_seeds_are_a_random_factor():
    close = compare(*seeds(0.2, 0.02), "donor", delta=0.01)
    apart = compare(*seeds(0.2, 0.4), "donor", delta=0.01)
    assert (close.verdict, apart.verdict) == (Verdict.BEATS, Verdict.UNDECIDED)
    assert close.difference == pytest.approx(apart.difference, abs=1e-9)
    assert apart.high - apart.low > 3 * (close.high - close.low)
    assert apart.p > 0.05 > max(apart.p_by_factor.values())
    assert apart.minimum_detectable > 2 * close.minimum_detectable
    assert close.reason == "5 seeds are a random factor: a claim about this checkpoint, not about the method"
    assert close.method == "sign flips; bootstrap-t plus t over seeds"


def test_one_seed_says_nothing_about_others():
    a, b = seeds(0.2, 0.0, n_seeds=1)
    found = compare(a, b, "donor", delta=0.01)
    assert found.reason == "one seed: nothing is said about other seeds"
    assert replace(found, reason="") == compare(a, b[0], "donor", delta=0.01)


def crossed(week_spread):
    rng = np.random.default_rng(1)
    compound, week = np.divmod(np.arange(160), 8)
    factors = {"compound": compound.tolist(), "week": week.tolist()}
    common = rng.normal(0, 1, 160)
    weekly = np.array([3.0, -1, 2, -1, 1, 0, -1, -1]) * week_spread
    extra = 0.2 + weekly[week] + rng.normal(0, 0.1, 20)[compound] + rng.normal(0, 0.1, 160)
    return Scores(common + extra, factors), Scores(common, factors)


def test_a_verdict_must_hold_along_each_crossed_factor():
    a, b = crossed(0.3)
    assert compare(a, b, "compound", delta=0.01).verdict is Verdict.BEATS
    found = compare(a, b, "compound", ["week"], delta=0.01)
    assert found.verdict is Verdict.UNDECIDED
    assert found.p >= max(found.p_by_factor.values())
    assert found.p_by_factor["compound"] < 0.05 < found.p_by_factor["week"]
    assert found.n_groups == 20
    assert compare(*crossed(0.0), "compound", ["week"], delta=0.01).verdict is Verdict.BEATS


def test_few_weeks_forbid_a_claim_beyond_them():
    a, b = crossed(0.0)
    factors = dict(a.factors) | {"half": [week // 4 for week in a.factors["week"]]}
    found = compare(
        replace(a, factors=factors), replace(b, factors=factors), "compound", ["half"], delta=0.01
    )
    assert found.verdict is Verdict.TOO_FEW
    assert "2 groups of half" in found.reason


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=4, max_size=12), st.floats(0.01, 100), st.randoms())
def test_order_and_unit_do_not_matter(differences, scale, random):
    a, b = pair(differences, per=2)
    found = compare(a, b, "donor", delta=0.1, resamples=100)
    order = random.sample(range(len(a.values)), len(a.values))
    labels = {"donor": [a.factors["donor"][place] for place in order]}
    moved = [Scores(scale * one.values[order], labels) for one in (a, b)]
    again = compare(*moved, "donor", delta=0.1 * scale, resamples=100)
    assert again.verdict is found.verdict
    assert again.p == pytest.approx(found.p)
    assert again.difference == pytest.approx(scale * found.difference)
    np.testing.assert_allclose([again.low, again.high], [scale * found.low, scale * found.high], rtol=1e-6)


def test_weights_are_those_of_the_score():
    a, b = pair(SPREAD, per=2)
    weights = np.random.default_rng(0).uniform(1, 4, 24)
    found = compare(replace(a, weights=weights), replace(b, weights=7 * weights), "donor", delta=0.05)
    assert found.difference == pytest.approx(np.average(a.values - b.values, weights=weights))


def test_candidates_that_do_not_belong_together_are_refused():
    a, b = pair(SPREAD)
    names = [str(place) for place in range(48)]
    for other, problem in [
        (Scores(b.values[:40], {"donor": list(b.factors["donor"])[:40]}), "48 items against 40"),
        (replace(b, factors={"donor": list(b.factors["donor"])[::-1]}), "different groups of donor"),
        (replace(b, weights=np.arange(1.0, 49)), "different weights"),
        ([], "nothing to compare"),
    ]:
        with pytest.raises(ValueError, match=problem):
            compare(a, other, "donor", delta=0.05)
    with pytest.raises(ValueError, match="same order"):
        compare(replace(a, items=names), replace(b, items=names[::-1]), "donor", delta=0.05)
    with pytest.raises(ValueError, match="no factor 'plate'"):
        compare(a, b, "plate", delta=0.05)
    for delta in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="delta"):
            compare(a, b, "donor", delta=delta)


def test_beating_all_is_decided_by_the_weakest():
    beats, loses, undecided, few = (
        judged(SPREAD + 0.2),
        judged(SPREAD - 0.2),
        judged(SPREAD * 10),
        judged(SPREAD[:4] + 1),
    )
    assert beats_all([beats, beats]) is Verdict.BEATS
    assert beats_all([beats, judged(SPREAD)]) is Verdict.EQUIVALENT
    assert beats_all([beats, undecided]) is Verdict.UNDECIDED
    assert beats_all([beats, undecided, few]) is Verdict.TOO_FEW
    assert beats_all([beats, undecided, loses]) is Verdict.LOSES
    assert beats_all([]) is Verdict.UNDEFINED


def test_words_are_plain():
    assert f"{Verdict.BEATS} {Verdict.TOO_FEW}" == "beats too few groups"


def test_fifty_groups_are_quick():
    a, b = pair(np.random.default_rng(0).normal(0, 1, 50))
    compare(a, b, "donor", delta=0.05)
    spent = []
    for _ in range(5):
        started = process_time()
        compare(a, b, "donor", delta=0.05)
        spent.append(process_time() - started)
    assert min(spent) < 0.05
