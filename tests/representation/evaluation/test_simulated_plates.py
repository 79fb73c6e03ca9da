"""Plates whose density and phenotype are set independently: is an encoder of density told from one of the phenotype?"""

from dataclasses import replace

import numpy as np
import pytest

from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.protocols import Protocol
from micrographia.representation.adapters.described import load
from micrographia.representation.baselines.images import image_baselines
from micrographia.representation.evaluation.request import Request, evaluate
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import write_profiles
from micrographia.simulation import Plate, Treatment, phenotype, simulate_dataset

WELLS = 10

PLAN = {
    "name": "plate",
    "title": "A simulated plate",
    "study": {"adapter": "dataset", "options": {"count": False}},
    "unit": "well",
    "delta": 0.2,
    "transforms": {"standardised": ["standardise"]},
    "primary": "treatment",
    "tasks": [
        {"name": "treatment", "kind": "nearest_neighbour", "label": "treatment", "exclude": ["well"], "k": 3}
    ],
    "baselines": ["count"],
    "nuisances": [{"name": "cell count", "baseline": "count"}],
    "diagnostics": ["shares"],
}


def screen(folder, *treatments):
    """Simulate a plate of treatments and return its folder as a dataset."""
    plate = Plate("plate", rows=4, columns=5, treatments=treatments)
    simulate_dataset(folder, seed=3, plate=plate, images=2 * WELLS, shape=(96, 128))
    groups = ("well=treatments.csv:well", "treatment=treatments.csv:treatment")
    describe(folder, DescribeOptions(groups=groups, pixels=False))
    return folder


def judged(folder, candidate):
    """Evaluate one kind of features of a plate; return the comparison with the cell count, and the shares."""
    plan = Protocol.model_validate(PLAN | {"candidates": [candidate]})
    result = evaluate(plan, Request(folder))
    (compared,) = (row for row in result["comparisons"] if row["against"] == "count")
    return compared, result["shares"][0], result["table"]


@pytest.fixture(scope="module")
def independent(tmp_path_factory):
    """Chromatin is clumped, and there are as many cells as without."""
    treated = Treatment("clumped", (phenotype("textured_chromatin"),), wells=WELLS)
    return screen(tmp_path_factory.mktemp("plates") / "independent", treated)


def test_what_sees_the_phenotype_beats_the_cell_count(independent):
    compared, shares, table = judged(independent, "object intensity")
    assert compared["verdict"] == "beats"
    assert table[0]["score"] > 0.85
    assert shares["unique"] > 0.3


def test_what_sees_density_only_does_not(independent, tmp_path):
    count = image_baselines(independent, ["count"])["count"]
    draw = np.random.default_rng(0)
    mixed = count.values @ draw.normal(size=(count.d, 32)) + 0.01 * draw.normal(size=(count.n, 32))
    meta = load(independent, count=False).rows
    encoder = Profiles(mixed, meta, tuple(f"e{at}" for at in range(32)), "density encoder")
    write_profiles(replace(encoder, name="density"), tmp_path / "density.parquet")
    plan = Protocol.model_validate(PLAN)
    result = evaluate(plan, Request(independent, profiles=(tmp_path / "density.parquet",)))
    assert {row["verdict"] for row in result["comparisons"]} <= {"undecided", "equivalent"}


def test_a_phenotype_that_goes_with_density_is_flagged(tmp_path):
    treated = Treatment("clumped", (phenotype("textured_chromatin"),), wells=WELLS, density=0.25)
    compared, shares, table = judged(screen(tmp_path / "confounded", treated), "object intensity")
    count = next(row for row in table if row["candidate"] == "count")
    assert count["score"] > 0.7
    assert compared["verdict"] in ("undecided", "equivalent")
    assert shares["explained"] > 0.4


def test_a_plate_without_effects_gives_no_verdict(tmp_path):
    folder = screen(tmp_path / "null", Treatment("nothing", wells=WELLS))
    for candidate in ("object intensity", "intensity"):
        compared, _, _ = judged(folder, candidate)
        assert compared["verdict"] in ("undecided", "equivalent")
