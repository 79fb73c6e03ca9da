"""The audit of real designs, and of made ones whose faults are known."""

import json
import re
import time

import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.protocols import Protocol, load_protocol
from micrographia.representation.audit import audit
from micrographia.statistics import minimum_detectable


def protocol(**more):
    task = {
        "name": "t",
        "kind": "nearest_neighbour",
        "label": "moa",
        "exclude": ["compound"],
        **more.pop("task", {}),
    }
    given = {
        "name": "p",
        "title": "p",
        "unit": "compound",
        "delta": 0.05,
        "primary": "t",
        "tasks": [task],
        **more,
    }
    return Protocol(**given)


def made(compounds=40, classes=4, wells=3, seed=0):
    """A sound design: compounds of all classes on every plate."""
    compound = np.repeat(np.arange(compounds), wells)
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "compound": [f"c{at}" for at in compound],
            "moa": [f"m{at % classes}" for at in compound],
            "plate": [f"p{at}" for at in np.tile(np.arange(wells), compounds)],
            "well": np.arange(len(compound)),
            "count": rng.normal(1000, 100, len(compound)),
        }
    )


def numbers(found, kind, task=""):
    return [one.numbers for one in found.of(kind, task)]


@pytest.fixture(scope="module")
def bbbc021(data):
    table = pd.read_csv(
        data / "bbbc021_profiles/BBBC021_feature_selected_mad_robustize.csv", usecols=range(5)
    )
    table.columns = [name.removeprefix("Metadata_").lower() for name in table]
    table["week"] = table["plate"].str.split("_").str[0]
    return table


@pytest.mark.real_data
def test_bbbc021(bbbc021):
    found = audit(bbbc021, load_protocol("bbbc021"))
    assert numbers(found, "rows") == [{"rows": 632, "left_out": 330, "items": 103}]
    (labels,) = numbers(found, "labels")
    assert (labels["classes"], labels["items"], labels["largest"]) == (12, 103, 14)
    assert labels["majority"] == pytest.approx(0.136, abs=5e-4)
    assert numbers(found, "unit")[0]["groups"] == 38
    reach = {tuple(one["exclude"]): one["evaluable"] for one in numbers(found, "evaluable")}
    assert reach == {("compound",): 103, ("compound", "week"): 92, (): 103}
    (weeks,) = [one for one in numbers(found, "batch") if one["column"] == "week"]
    assert weeks["levels"] == 10
    assert weeks["units_in_several"] == 0
    lone = {one["column"]: one["classes"] for one in numbers(found, "lone classes")}
    assert lone["week"] == ["Cholesterol-lowering", "Kinase inhibitors"]
    assert (
        "2 classes of moa occur in one week only: Cholesterol-lowering, Kinase inhibitors." in found.verdict
    )
    assert found.verdict.startswith("mechanism of action, 1-NN")
    assert "92 of 103 items can be evaluated over 33 compounds, crossed with week (10)" in found.verdict
    assert any("Cholesterol-lowering, Kinase inhibitors cannot be evaluated" in said for said in found.cannot)
    assert any("more than week was learned" in said for said in found.cannot)


@pytest.mark.real_data
def test_bbbc021_by_plate_loses_five(bbbc021):
    told = load_protocol("bbbc021")
    task = told.tasks[0].model_copy(update={"exclude": ["compound", "plate"]})
    found = audit(bbbc021, told.model_copy(update={"tasks": [task, *told.tasks[1:]]}))
    assert numbers(found, "evaluable", "nscb")[-1]["evaluable"] == 98


@pytest.mark.real_data
def test_diabetes(data):
    cells = pd.read_parquet(data / "diabetes_imc_cells/diabetes_cells.parquet")
    images = cells.rename(columns={"case": "donor"}).drop_duplicates("imageID")[
        ["donor", "slide", "part", "stage"]
    ]
    found = audit(images, load_protocol("diabetes"))
    (unit,) = numbers(found, "unit")
    assert (unit["groups"], unit["fewest"], unit["most"]) == (12, 4, 4)
    (ways,) = numbers(found, "permutations")
    assert ways["distinct"] == 34_650
    assert ways["pair_distinct"] == 70
    (chance,) = numbers(found, "chance", "stage")
    assert chance["majority_pipeline"] == pytest.approx(1 / 3)
    assert numbers(found, "evaluable", "stage")[0]["holdouts"] == 64
    (power,) = numbers(found, "power")
    assert power["groups_for_delta"] > 12
    assert power["minimum_detectable_sd"] == pytest.approx(minimum_detectable(1.0, 12))
    assert power["smallest_p"] == 2**-11
    slide = next(one for one in numbers(found, "batch") if one["column"] == "slide")
    assert slide["nested_in_unit"]
    told = load_protocol("diabetes")
    task = told.tasks[0].model_copy(
        update={"folds": told.tasks[0].folds.model_copy(update={"kind": "leave_group_out"})}
    )
    biased = audit(images, told.model_copy(update={"tasks": [task]}))
    (chance,) = numbers(biased, "chance", "stage")
    assert chance["majority_pipeline"] == 0
    assert chance["chance"] == pytest.approx(1 / 3)
    assert "hold out one group of each class" in biased.verdict


@pytest.mark.real_data
def test_sq00015054(data):
    table = pd.read_csv(data / "lincs_SQ00015054_profiles/SQ00015054_normalized_feature_select.csv.gz")
    meta = table[[name for name in table if name.startswith("Metadata_")]]
    meta.columns = [name.removeprefix("Metadata_") for name in meta]
    meta = meta.assign(
        compound=meta["broad_sample"],
        row=meta["Well"].str[0],
        column=meta["Well"].str[1:].astype(int),
        compound_dose=meta["broad_sample"] + "@" + meta["mmoles_per_liter"].round(6).astype(str),
    )
    told = load_protocol("sq00015054")
    found = audit(meta, told)
    # 24 wells of DMSO are controls; 18 others have no mechanism.
    assert numbers(found, "missing") == [{"missing": 18}]
    assert numbers(found, "evaluable")[0]["evaluable"] == 60
    assert "60 of 360 items can be evaluated over 10 compounds" in found.verdict
    # Counted as one class, the 42 wells without a mechanism make 861 pairs.
    whole = told.model_copy(
        update={"controls": {}, "tasks": [told.tasks[0].model_copy(update={"missing": "group"})]}
    )
    (missing,) = numbers(audit(meta, whole), "missing")
    assert missing == {"missing": 42, "pairs": 861}


def test_a_sound_design_is_told_what_it_can_tell():
    nuisances = [{"name": "density", "column": "count"}, {"name": "plate", "column": "plate"}]
    found = audit(made(400), protocol(nuisances=nuisances))
    assert [one for one in found.findings if one.weight == "error"] == []
    assert [one.kind for one in found.findings if one.weight == "warning"] == []
    assert found.cannot == []
    assert "Differences of 0.03 can be told (SD assumed 0.2), within the margin of 0.05." in found.verdict
    (power,) = numbers(found, "power")
    assert power["minimum_detectable"] == pytest.approx(minimum_detectable(0.2, 400))
    assert numbers(found, "chance")[0]["chance"] == pytest.approx(297 / 1197)
    assert numbers(found, "batch")[0]["units_in_several"] == 400


def test_a_phenotype_that_is_confounded_with_density_is_flagged():
    meta = made()
    meta["count"] += 200 * (meta["moa"] == "m0")
    found = audit(meta, protocol(nuisances=[{"name": "density", "column": "count"}]))
    (one,) = found.of("nuisance")
    assert one.weight == "warning"
    assert one.numbers["epsilon_squared"] > 0.5
    assert "moa is confounded with density" in found.verdict
    assert any("more than density was learned" in said for said in found.cannot)
    mediator = audit(meta, protocol(nuisances=[{"name": "density", "column": "count", "role": "mediator"}]))
    assert "not held against a candidate" in mediator.of("nuisance")[0].text
    assert not any("density" in said for said in mediator.cannot)


def test_a_label_that_a_batch_determines_is_aliased():
    meta = made()
    meta["batch"] = meta["moa"].map({"m0": "b0", "m1": "b1", "m2": "b2", "m3": "b2"})
    meta.loc[meta["moa"] == "m3", "batch"] = "b3"
    found = audit(meta, protocol(crossed=["batch"]))
    (one,) = found.of("batch")
    assert one.numbers["aliased"]
    assert one.weight == "error"
    assert "they are aliased" in found.verdict
    assert "An effect of moa cannot be told from one of batch: no batch holds two of them." in found.cannot


def test_squared_errors_over_crossed_factors_add_up():
    meta = made(40, wells=20)
    (power,) = numbers(audit(meta, protocol(crossed=["plate"])), "power")
    one, other = minimum_detectable(0.2, 40), minimum_detectable(0.2, 20)
    assert power["minimum_detectable"] == pytest.approx(np.hypot(one, other))
    assert (power["minimum_detectable_compound"], power["minimum_detectable_plate"]) == (one, other)
    few = audit(made(), protocol(crossed=["plate"]))
    assert "No comparison of candidates can be decided over 3 plates." in few.cannot


def test_one_batch_only():
    found = audit(made().assign(site="here"), protocol(crossed=["site"]))
    assert any("another site cannot be concluded" in said for said in found.cannot)


def test_few_groups_cannot_decide():
    found = audit(made(4, 2), protocol())
    assert any("No comparison of candidates can be decided over 4 compounds" in said for said in found.cannot)
    assert any("No permutation of moa can give p below 0.05" in said for said in found.cannot)
    assert "decided over 4 compounds. Differences only describe." in found.verdict


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        (made().assign(moa="all"), r"all 120 items have one moa \(all\)"),
        (made().assign(moa=None), "no item has a moa"),
        (made().assign(compound="c"), "one compound only"),
        (made(4, 4), "no item has a partner of the same moa of another compound"),
    ],
)
def test_where_nothing_can_be_concluded_the_verdict_says_so(meta, why):
    found = audit(meta, protocol())
    assert found.verdict.startswith("Nothing can be concluded from the primary task (t): ")
    assert re.search(why, found.verdict)
    assert re.search(why, found.cannot[0])


@pytest.mark.parametrize("kind", ["leave_group_out", "balanced", "group_k_fold"])
def test_a_class_with_one_group_is_told_by_name(kind):
    meta = made(12, 3)
    meta.loc[meta["compound"] == "c0", "moa"] = "lone"
    task = {"kind": "classification", "folds": {"kind": kind}, "exclude": []}
    found = audit(meta, protocol(task=task))
    (one,) = found.of("evaluable")
    assert one.numbers["evaluable"] == 33
    assert "in one compound only, so never tested: lone" in one.text
    assert any("lone would be recognised in another compound" in said for said in found.cannot)


def test_a_class_with_one_member_and_missing_labels():
    meta = made()
    meta.loc[0, "moa"] = "single"
    meta.loc[5:9, "moa"] = None
    found = audit(meta, protocol())
    assert numbers(found, "missing") == [{"missing": 5}]
    assert found.of("labels")[1].numbers["single"] == ["single"]
    (reach,) = numbers(found, "evaluable")
    assert reach["classes"] == ["single"]


def test_labels_that_vary_within_the_unit_cannot_be_permuted_or_balanced_there():
    meta = made()
    meta.loc[0, "moa"] = "m3"
    told = protocol(task={"kind": "classification", "folds": {"kind": "balanced"}, "exclude": []})
    assert "groups hold rows of several classes, so none can stand for one: c0" in audit(meta, told).verdict
    (one,) = audit(meta, protocol()).of("permutations")
    assert one.weight == "warning"
    assert one.numbers["mixed"] == 1


def test_a_regression_has_no_classes():
    meta = made().assign(dose=np.arange(120.0))
    meta.loc[3, "dose"] = np.nan
    told = protocol(
        task={"kind": "regression", "label": "dose", "exclude": [], "folds": {"kind": "group_k_fold"}}
    )
    found = audit(meta, told)
    assert numbers(found, "labels")[0]["items"] == 119
    assert numbers(found, "chance")[0] == {"chance": 0.0}
    assert numbers(found, "evaluable")[0]["holdouts"] == 5
    assert not found.of("permutations")
    constant = audit(meta.assign(dose=1.0), told)
    assert "dose does not vary" in constant.verdict
    with pytest.raises(ProfileError, match="is no number"):
        audit(meta.assign(dose="high"), told)


def test_retrieval_and_reproducibility():
    retrieval = {
        "kind": "retrieval",
        "pos_sameby": ["moa"],
        "pos_diffby": ["compound"],
        "neg_diffby": ["moa"],
        "exclude": [],
    }
    found = audit(made(), protocol(task=retrieval))
    assert numbers(found, "evaluable")[0]["evaluable"] == 120
    assert 0.25 < numbers(found, "chance")[0]["chance"] < 0.3
    found = audit(made(), protocol(task={"kind": "reproducibility", "exclude": []}))
    assert numbers(found, "chance")[0]["chance"] == 0.05


def test_duplicated_rows_are_counted_even_with_lists_in_them():
    meta = made().drop(columns=["well", "count"])
    meta = pd.concat([meta, meta.iloc[:7]], ignore_index=True)
    assert numbers(audit(meta, protocol()), "duplicates") == [{"rows": 7}]
    meta["tags"] = [["a", "b"]] * len(meta)
    assert numbers(audit(meta, protocol()), "duplicates") == [{"rows": 7}]


def test_a_missing_column_is_told_with_one_like_it():
    with pytest.raises(ProfileError, match="no column 'moa'; did you mean 'moas'"):
        audit(made().rename(columns={"moa": "moas"}), protocol())
    with pytest.raises(ProfileError, match="no rows are left"):
        audit(made(), protocol(controls={"moa": ["m0", "m1", "m2", "m3"]}))


def test_the_audit_is_json_and_says_nothing_twice():
    found = audit(made(4, 2), protocol(crossed=["plate"]))
    told = found.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["verdict"] == found.verdict
    assert {"kind", "text", "numbers"} <= set(told["findings"][0])
    assert len(set(found.cannot)) == len(found.cannot)
    texts = [(one.kind, one.text) for one in found.findings]
    assert len(set(texts)) == len(texts)


def test_the_order_of_rows_changes_nothing():
    meta = made(12, 3)
    told = protocol(crossed=["plate"], nuisances=[{"name": "density", "column": "count"}])
    first = audit(meta, told).to_json()
    second = audit(meta.sample(frac=1, random_state=1).reset_index(drop=True), told).to_json()
    assert first["verdict"] == second["verdict"]
    assert [one["text"] for one in first["findings"]] == [one["text"] for one in second["findings"]]


def test_many_rows_take_seconds():
    rng = np.random.default_rng(0)
    n = 300_000
    compound = rng.integers(0, 5000, n)
    meta = pd.DataFrame(
        {"compound": compound, "moa": compound % 50, "week": compound // 7 % 20, "n": rng.normal(size=n)}
    )
    started = time.perf_counter()
    task = {"kind": "classification", "exclude": [], "folds": {"kind": "leave_group_out"}}
    found = audit(meta, protocol(task=task, crossed=["week"], nuisances=[{"name": "n", "column": "n"}]))
    assert numbers(found, "evaluable")[0]["holdouts"] == 5000
    assert time.perf_counter() - started < 30
