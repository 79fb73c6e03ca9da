"""Recall and known pairs as tasks, and what permuted labels say of them: against loops, and planted truth."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made_screens import features, meta, protocol, written
from micrographia.protocols import DIAGNOSTICS
from micrographia.representation.evaluation.known_pairs import named_rows
from micrographia.representation.evaluation.request import Request, audit_only, evaluate
from micrographia.representation.evaluation.rows import choose
from micrographia.representation.evaluation.shuffling import shuffled
from micrographia.representation.evaluation.tasks import score
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import write_profiles
from micrographia.representation.retrieval import mean_average_precision

RECALL = {"name": "found", "kind": "recall", "label": "moa", "pos_diffby": ["compound"], "k": 5}
MAP = {
    "name": "map",
    "kind": "retrieval",
    "label": "moa",
    "pos_diffby": ["compound"],
    "assigned_to": "compound",
}
GENES = {"name": "genes", "kind": "known_pairs", "label": "gene", "pairs_sameby": ["complex"]}


def asked(task, **changes):
    return protocol(tasks=[task], primary=task["name"], **changes)


def row_of(result, name, task=None):
    return next(row for row in result["table"] if row["candidate"] == name and task in (None, row["task"]))


def cosine(values):
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    return unit @ unit.T


# recall


@pytest.mark.parametrize("metric", ["recall", "hit"])
def test_recall_is_that_of_a_loop(metric):
    table = meta(12, 3)
    values, plan = features(table, 0.5), asked(RECALL | {"metric": metric})
    found = score(values, plan.primary_task, choose(table, plan), plan)
    near = cosine(values)
    compound, moa = table["compound"].to_numpy(), table["moa"].to_numpy()
    each, chance = [], []
    for at in range(len(table)):
        others = np.flatnonzero(compound != compound[at])
        positive = moa[others] == moa[at]
        first = positive[np.argsort(-near[at, others])[:5]]
        n, p = len(others), int(positive.sum())
        each.append(first.sum() / p if metric == "recall" else first.any())
        chance.append(5 / n if metric == "recall" else stats.hypergeom.sf(0, n, p, 5))
    assert found.scores.values == pytest.approx(np.array(each, float))
    assert found.chance == pytest.approx(np.mean(chance))
    assert list(found.scores.factors) == ["compound"]


def test_recall_as_the_task_that_decides(tmp_path):
    plan = asked(RECALL, diagnostics=list(DIAGNOSTICS))
    result = evaluate(plan, Request(profiles=(written(tmp_path, 1.5),)))
    own = row_of(result, "mine")
    assert own["metric"] == "recall at 5"
    assert own["low"] > own["chance"]
    assert (own["n_groups"], own["null_p"]) == (24, None)
    assert {row["verdict"] for row in result["comparisons"]} == {"beats"}
    assert result["examples"]
    json.dumps(result, allow_nan=False)
    told = audit_only(plan, Request(profiles=(written(tmp_path, 1.5),)))
    (chance,) = (one["numbers"]["chance"] for one in told["findings"] if one["kind"] == "chance")
    assert chance == pytest.approx(own["chance"])


def test_recall_of_noise_is_chance(tmp_path):
    result = evaluate(asked(RECALL), Request(profiles=(written(tmp_path, 0.0),)))
    own = row_of(result, "mine")
    assert own["low"] < own["chance"] < own["high"]
    assert {row["verdict"] for row in result["comparisons"]} <= {"undecided", "equivalent"}


# known pairs


def genes(complexes=8, members=3, lone=30, wells=2, signal=2.0, opposite=False, seed=0):
    """Genes of complexes, which look alike (or every other one opposite), genes of none, in two wells each."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for number in range(complexes + lone):
        centre = rng.normal(size=24)
        for member in range(members if number < complexes else 1):
            sign = -1 if opposite and member % 2 else 1
            own = signal * sign * centre + rng.normal(size=24)
            for well in range(wells):
                name = f"g{number}.{member}"
                place = f"{'ABCDEFGH'[len(rows) % 8]}{len(rows) // 8 + 1:02d}"
                rows.append((name, f"k{number}" if number < complexes else None, f"p{well}", place))
                values.append(own + 0.3 * rng.normal(size=24))
    return pd.DataFrame(rows, columns=["gene", "complex", "plate", "well"]), np.array(values)


def screen(tmp_path, name="mine", **options):
    table, values = genes(**options)
    path = tmp_path / f"{name}.parquet"
    write_profiles(Profiles(values, table, tuple(f"f{at}" for at in range(values.shape[1]))), path)
    return path


def plan_of(task, **changes):
    told = {
        "unit": "gene",
        "nuisances": [{"name": "plate", "column": "plate"}],
        "baselines": ["plate layout"],
    }
    return asked(task, **told | changes)


@pytest.mark.parametrize("metric", ["signed_recall", "unsigned_recall"])
@pytest.mark.parametrize("opposite", [False, True])
def test_known_pairs_are_those_of_a_loop(metric, opposite):
    table, values = genes(opposite=opposite, signal=0.6)
    plan = plan_of(GENES | {"metric": metric, "tail": 0.1})
    found = score(values, plan.primary_task, choose(table, plan), plan)
    held = table.assign(at=range(len(table))).groupby("gene", sort=False)["at"].apply(list)
    means = np.stack([values[rows].mean(axis=0) for rows in held])
    near = cosine(means)
    names = list(held.index)
    all_pairs = near[np.triu_indices(len(names), 1)]
    high, low = np.quantile(all_pairs, 0.9), np.quantile(all_pairs, 0.1)
    for item, value in zip(found.scores.items, found.scores.values, strict=True):
        one, other = item.split(" - ")
        assert one.split(".")[0] == other.split(".")[0]
        at = near[names.index(one), names.index(other)]
        if min(abs(at - high), abs(at - low)) > 1e-3:  # a threshold may fall between two pairs
            assert value == float(at > high or (metric == "unsigned_recall" and at < low))
    assert found.scores.n_items == 8 * 3
    complexes = [item.split(".")[0] for item in found.scores.items]
    groups = found.scores.factors["gene"]
    assert len(set(zip(complexes, groups, strict=True))) == len(set(groups)) == 8


def test_opposite_phenotypes_count_unsigned_only(tmp_path):
    table, values = genes(opposite=True, members=2)
    told = {}
    for metric in ("signed_recall", "unsigned_recall"):
        plan = plan_of(GENES | {"metric": metric})
        told[metric] = score(values, plan.primary_task, choose(table, plan), plan)
    assert told["signed_recall"].scores.score == 0
    assert told["unsigned_recall"].scores.score == 1
    # Of all pairs a tail is one in twenty; of the genes of complexes more, for their pairs are extreme.
    assert 0.02 < told["signed_recall"].chance < told["unsigned_recall"].chance < 0.5


def test_known_pairs_as_the_task_that_decides(tmp_path):
    plan = plan_of(GENES, diagnostics=list(DIAGNOSTICS))
    request = Request(profiles=(screen(tmp_path),))
    result = evaluate(plan, request)
    own = row_of(result, "mine")
    assert (own["metric"], own["n_items"], own["n_groups"]) == ("signed recall", 24, 8)
    assert own["score"] > 0.9
    assert own["low"] > own["chance"] > 0
    assert own["null_p"] == pytest.approx(1 / 100)
    assert [row["verdict"] for row in result["comparisons"]] == ["beats"]
    json.dumps(result, allow_nan=False)
    told = audit_only(plan, request)
    (unit,) = (one["numbers"] for one in told["findings"] if one["kind"] == "unit")
    (labels,) = (one["numbers"] for one in told["findings"] if one["kind"] == "labels")
    assert unit["groups"] == 8
    assert labels == {"pairs": 24, "names": 54, "unknown": 0}


def test_genes_that_mean_nothing(tmp_path):
    result = evaluate(plan_of(GENES), Request(profiles=(screen(tmp_path, signal=0.0),)))
    own = row_of(result, "mine")
    assert own["null_p"] > 0.05
    assert {row["verdict"] for row in result["comparisons"]} <= {"undecided", "equivalent"}


def test_pairs_that_are_listed_and_what_is_left_out():
    table, values = genes()
    pairs = [
        ["g0.0", "g0.1"],
        ["g0.1", "g0.0"],
        ["g1.0", "g1.0"],
        ["g1.0", "gene"],
        ["g1.0", "g0.2"],
        ["g5.0", "g6.0"],
    ]
    plan = plan_of({"name": "genes", "kind": "known_pairs", "label": "gene", "pairs": pairs})
    rows = choose(table, plan)
    found = score(values, plan.primary_task, rows, plan)
    assert found.scores.items == ["g0.0 - g0.1", "g0.2 - g1.0", "g5.0 - g6.0"]
    assert found.scores.factors["gene"] == ["pairs 0", "pairs 1", "pairs 2"]
    assert found.reason == (
        "1 known pairs name what is not among the rows; 1 known pairs were given twice; "
        "1 known pairs are of a name with itself"
    )
    by_complex = plan_of(plan.primary_task.model_dump() | {"pairs_sameby": ["complex"]})
    listed = named_rows(by_complex.primary_task, choose(table, by_complex)).listed
    assert len(listed.pairs) == 24 + 2


def test_pairs_of_nothing_are_undefined_with_a_reason(tmp_path):
    plan = plan_of({"name": "genes", "kind": "known_pairs", "label": "gene", "pairs": [["x", "y"]]})
    result = evaluate(plan, Request(profiles=(screen(tmp_path),)))
    own = row_of(result, "mine")
    assert (own["score"], own["low"], own["null_p"]) == (None, None, None)
    assert "no known pair is among the rows" in own["reason"]
    assert {row["verdict"] for row in result["comparisons"]} == {"undefined"}
    told = audit_only(plan, Request(profiles=(screen(tmp_path),)))
    assert any("no known pair of gene is among the items" in said for said in told["cannot"])


def test_a_name_without_features_is_an_item_without_a_score():
    table, values = genes()
    values[table["gene"] == "g0.0"] = np.nan
    plan = plan_of(GENES)
    found = score(values, plan.primary_task, choose(table, plan), plan)
    lost = [
        item for item, value in zip(found.scores.items, found.scores.values, strict=True) if np.isnan(value)
    ]
    assert lost == ["g0.0 - g0.1", "g0.0 - g0.2"]
    assert "2 known pairs have a name without usable features" in found.reason


# permuted labels


def test_the_p_of_mean_average_precision_is_in_the_table(tmp_path):
    table = meta()
    for signal, low, high in ((1.5, 0.0, 0.011), (0.0, 0.05, 1.0)):
        path = written(tmp_path, signal)
        result = evaluate(asked(MAP), Request(profiles=(path,)))
        own = row_of(result, "mine")
        assert low < own["null_p"] <= high
        assert own["null_n"] == 99
        found = mean_average_precision(
            features(table, signal), table, pos_sameby="moa", pos_diffby="compound", neg_diffby="moa", permute="moa",
            assigned_to="compound", n_permutations=99, seed=0,
        )  # fmt: skip
        assert own["score"] == pytest.approx(found["map"].iloc[0])
        assert own["null_p"] == pytest.approx(found["p"].iloc[0])


def test_where_it_explores_it_has_a_p_under_each_transform(tmp_path):
    tasks = [protocol().model_dump()["tasks"][0], MAP]
    plan = protocol(tasks=tasks, transforms={"as it is": [], "scaled": ["standardise"]})
    result = evaluate(plan, Request(profiles=(written(tmp_path, 1.5),)))
    rows = [row for row in result["table"] if row["task"] == "map" and row["candidate"] == "mine"]
    assert [(row["transform"], row["role"]) for row in rows] == [
        ("as it is", "exploratory"), ("scaled", "exploratory")
    ]  # fmt: skip
    assert all(row["null_p"] == pytest.approx(1 / 100) for row in rows)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"label": "compound", "pos_diffby": []}, "each compound has a compound of its own"),
        ({"assigned_to": "week"}, "varies within a unit"),
        ({"pos_sameby": ["week"]}, "moa does not say what is positive"),
    ],
)
def test_where_permuting_would_say_nothing_there_is_no_p(tmp_path, task, reason):
    result = evaluate(asked(MAP | task), Request(profiles=(written(tmp_path, 1.0),)))
    own = row_of(result, "mine")
    assert (own["null_p"], own["null_n"]) == (None, 0)
    assert reason in own["reason"]


def test_a_difference_is_held_against_permuted_labels():
    table = meta()
    rows, plan = choose(table, asked(MAP)), asked(MAP)
    values = {
        "strong": [features(table, 1.5)],
        "weak": [features(table, 0.0, seed=1), features(table, 0.0, seed=2)],
    }
    found = shuffled(values, plan.primary_task, rows, plan)
    assert found.count == 99
    assert found.p("strong") == found.p_of_difference("strong", "weak") == pytest.approx(1 / 100)
    assert found.p_of_difference("weak", "weak") == 1
    seeds = [score(one, plan.primary_task, rows, plan).scores.score for one in values["weak"]]
    assert found.observed["weak"] == pytest.approx(np.mean(seeds))
    assert np.isnan(found.p("other"))
    assert shuffled(values, protocol().primary_task, rows, protocol()) is None


def test_how_often_permuted_labels_are_wrong():
    """Over draws of noise in which wells of a compound resemble each other, p below 0.05 is as rare as it says."""
    table = meta(16, 3)
    plan = asked(MAP, permutations=49)
    rows = choose(table, plan)
    low = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = np.repeat(rng.normal(size=(16, 6)), 3, axis=0) + 0.3 * rng.normal(size=(48, 6))
        low += shuffled({"x": [values]}, plan.primary_task, rows, plan).p("x") <= 0.05
    assert low <= stats.binom.ppf(0.999, 60, 0.05)
