import json

import numpy as np
import pandas as pd
import pytest

from made_screens import MECHANISMS, features, meta, protocol, written
from micrographia.errors import MicrographiaError, ProfileError, ProtocolError
from micrographia.protocols import DIAGNOSTICS
from micrographia.representation.evaluation.permuting import permuted
from micrographia.representation.evaluation.request import Request, audit_only, evaluate, repeat
from micrographia.representation.evaluation.result import differences, plain, read_result, write_result
from micrographia.representation.evaluation.rows import choose
from micrographia.representation.evaluation.tasks import score
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import write_profiles

KEYS = {
    "micrographia_result", "title", "question", "protocol", "protocol_sha256", "study", "headline", "audit", "table",
    "comparisons", "shares", "confounders", "incremental", "rank_stability", "ablations", "layers", "similarity",
    "geometry", "batch", "untrusted", "examples", "problems", "provenance",
}  # fmt: skip


@pytest.fixture(scope="module")
def strong(tmp_path_factory):
    """The result of features that hold the mechanism."""
    path = written(tmp_path_factory.mktemp("strong"), 1.5)
    return evaluate(protocol(diagnostics=list(DIAGNOSTICS)), Request(profiles=(path,)))


def row_of(result, task, name):
    return next(row for row in result["table"] if (row["task"], row["candidate"]) == (task, name))


def against(result, task, name):
    return next(row for row in result["comparisons"] if (row["task"], row["against"]) == (task, name))


def test_features_that_hold_the_mechanism_beat_the_layout(strong):
    assert set(strong) == KEYS
    assert row_of(strong, "near", "mine")["score"] > 0.9
    assert row_of(strong, "near", "mine")["n_groups"] == 24
    assert row_of(strong, "near", "mine")["null_p"] == pytest.approx(1 / 100)
    assert {row["verdict"] for row in strong["comparisons"]} == {"beats"}
    assert strong["headline"][0].startswith("mine scores")
    assert strong["headline"][1].startswith("It beats everything")
    json.dumps(strong, allow_nan=False)


def test_how_much_is_batch_is_told_of_each_representation(strong):
    (own,) = (row for row in strong["batch"] if row["candidate"] == "mine")
    assert (own["label"], own["batch"]) == ("moa", "week")
    assert own["robustness_index"] > 0.9 > own["robustness_chance"]
    assert sum(own[f"share_{name}"] for name in ("ss", "so", "os", "oo")) == pytest.approx(1)
    assert own["clisi"] > own["clisi_chance"]
    assert own["silhouette_label"] > 0.1 > own["silhouette_batch"]


def test_noise_beats_nothing(tmp_path):
    result = evaluate(protocol(), Request(profiles=(written(tmp_path, 0.0),)))
    assert {row["verdict"] for row in result["comparisons"]} <= {"undecided", "equivalent"}
    near = row_of(result, "near", "mine")
    assert near["low"] < near["chance"] < near["high"]
    assert near["chance"] == pytest.approx(20 / 92)
    assert near["null_p"] > 0.05


def test_scores_are_those_of_an_independent_loop(strong, tmp_path):
    table = meta()
    values = features(table, 1.5)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    similarity = unit @ unit.T
    same = table["compound"].to_numpy()[:, None] == table["compound"].to_numpy()[None]
    similarity[same] = -np.inf
    moa = table["moa"].to_numpy()
    right = moa[similarity.argmax(axis=1)] == moa
    assert row_of(strong, "near", "mine")["score"] == pytest.approx(right.mean())


def test_permuted_scores_are_those_of_scoring_anew(tmp_path):
    table = meta(12, 3)
    values = np.round(features(table, 0.3)[:, :2])  # many ties
    task = protocol().primary_task
    rows = choose(table, protocol())
    null = permuted({"a": [values], "b": [features(table, 1.0)]}, task, rows, protocol())
    labels = np.array([MECHANISMS[at % 4] for at in range(12)], dtype=object)
    classes = np.unique(labels)
    assert null.observed["a"] == pytest.approx(score(values, task, rows, protocol()).scores.score)
    for at, moved in zip(range(5), null.drawn, strict=False):
        again = table.assign(moa=np.repeat(classes[moved.astype(int)], 3))
        found = score(values, task, choose(again, protocol()), protocol()).scores.score
        assert null.permuted["a"][at] == pytest.approx(found)


def test_rows_of_one_compound_become_one(tmp_path):
    plan = protocol(aggregate={"by": ["compound", "moa"]}, tasks=protocol().model_dump()["tasks"][:1])
    result = evaluate(plan, Request(profiles=(written(tmp_path, 1.5),)))
    near = row_of(result, "near", "mine")
    assert (near["n_items"], near["n_groups"]) == (24, 24)


def test_what_is_left_out_or_fits_a_transform_is_not_scored(tmp_path):
    plan = protocol(
        controls={"moa": ["none"]}, leave_out={"compound": ["c00"]}, transforms={"TVN": [{"tvn": {}}]}
    )
    near = row_of(evaluate(plan, Request(profiles=(written(tmp_path, 1.5),))), "near", "mine")
    assert near["n_items"] == 4 * (24 - 6 - 1)


def test_a_result_can_be_written_read_and_repeated(strong, tmp_path):
    path = write_result(strong, tmp_path / "out")
    held = read_result(tmp_path / "out")
    assert held == json.loads(path.read_text()) == plain(strong)
    assert len(pd.read_parquet(tmp_path / "out" / "table.parquet")) == len(strong["table"])
    again = repeat(held, data=None, out=None, command=(), workers=1, quiet=True)
    assert differences(held, again) == []
    other = json.loads(json.dumps(held))
    other["table"][0]["score"] += 0.01
    other["comparisons"][0]["verdict"] = "loses"
    assert len(differences(held, other)) == 2


def test_several_candidates_are_told_apart_and_aligned(tmp_path):
    first = written(tmp_path, 1.5)
    table = meta()
    order = np.random.default_rng(1).permutation(len(table))
    shuffled = Profiles(
        features(table, 0.0)[order], table.iloc[order], tuple(f"g{at}" for at in range(16)), "noise"
    )
    write_profiles(shuffled, tmp_path / "noise.parquet")
    result = evaluate(protocol(), Request(profiles=(first, tmp_path / "noise.parquet")))
    assert row_of(result, "near", "mine")["score"] > 0.9
    assert row_of(result, "near", "noise")["score"] < 0.4


def test_an_audit_needs_no_features(tmp_path):
    told = audit_only(protocol(), Request(profiles=(written(tmp_path, 0.0),)))
    assert set(told) >= {"verdict", "findings", "cannot"}
    assert "24 compounds" in told["verdict"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"unit": "donor"}, "donor"),
        ({"controls": {"moa": ["actin", *("tubulin", "kinase", "none")]}}, "no row"),
        ({"leave_out": {"mao": ["x"]}}, "mao"),
        ({"aggregate": {"by": ["compound", "dose"]}}, "dose"),
        ({"transforms": {"x": ["whiten"]}}, "whiten"),
        ({"study": {"adapter": "bbbc02"}}, "bbbc021|--data"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(tmp_path, changes, told):
    with pytest.raises(MicrographiaError, match=told):
        evaluate(protocol(**changes), Request(profiles=(written(tmp_path, 0.0),)))


def test_one_group_only_is_no_verdict(tmp_path):
    table = meta().assign(compound="c00")
    write_profiles(
        Profiles(features(table, 1.0), table, tuple(f"f{at}" for at in range(16))), tmp_path / "one.parquet"
    )
    plan = protocol(tasks=protocol().model_dump()["tasks"][1:], primary="probe")
    result = evaluate(plan, Request(profiles=(tmp_path / "one.parquet",)))
    assert {row["verdict"] for row in result["comparisons"]} <= {"too few groups", "undefined"}
    assert all(row["score"] is None or row["n_groups"] <= 1 for row in result["table"])


def test_a_feature_of_nothing_but_missing_numbers_is_told(tmp_path):
    table = meta()
    values = features(table, 1.5)
    values[:, 3] = np.nan
    values[5, 4] = np.inf
    path = tmp_path / "gaps.parquet"
    write_profiles(Profiles(values, table, tuple(f"f{at}" for at in range(16))), path)
    result = evaluate(protocol(), Request(profiles=(path,)))
    assert row_of(result, "near", "gaps")["n_features"] == 15
    assert any("1 of 16 features" in text for text in result["problems"])
    assert any("in 1 rows single numbers are missing" in text for text in result["problems"])
    values[:] = np.nan
    write_profiles(Profiles(values, table, tuple(f"f{at}" for at in range(16))), path)
    with pytest.raises(ProfileError, match="no feature that is a finite number in 50%"):
        evaluate(protocol(), Request(profiles=(path,)))


def test_what_is_no_result_is_refused(tmp_path):
    for text, told in (("{", "no JSON"), ("{}", "no result"), ('{"micrographia_result": 9}', "format 9")):
        (tmp_path / "result.json").write_text(text)
        with pytest.raises(ProtocolError, match=told):
            read_result(tmp_path)
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_result(tmp_path / "absent.json")


def test_mechanism_of_bbbc021_as_published(data, tmp_path):
    from micrographia.protocols import load_protocol

    plan = load_protocol("bbbc021")
    first = {"as it is": plan.transforms["as it is"]}
    plan = plan.model_copy(update={"transforms": first, "diagnostics": []})
    result = evaluate(plan, Request(data / "bbbc021_profiles"))
    near = row_of(result, "nscb", "profiles")
    assert (near["n_evaluable"], near["score"]) == (92, pytest.approx(68 / 92))
    rows = [row for row in result["table"] if (row["task"], row["candidate"]) == ("nsc", "profiles")]
    assert rows[0]["score"] == pytest.approx(94 / 103)
    assert rows[1]["score"] == pytest.approx(0.870, abs=0.005)
