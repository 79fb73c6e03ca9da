import numpy as np
import pytest

from micrographia.representation.adapters.registry import load
from micrographia.representation.evaluation.calibration import calibrate, draw_labels, plant
from micrographia.statistics import Verdict


@pytest.fixture(scope="module")
def dmso(data):
    """Profiles and intensity of the DMSO wells of BBBC021: nothing tells them apart but plates and chance."""
    study = load("bbbc021", data / "bbbc021_profiles")
    wells = study.controls
    return study.candidates["profiles"].take(wells), study.baselines["intensity"].take(wells)


def test_whole_groups_get_a_class_and_classes_are_balanced():
    groups = np.repeat([f"g{at}" for at in range(12)], 3)
    labels = draw_labels(groups, 3, np.random.default_rng(0))
    assert all(len(set(labels[groups == group])) == 1 for group in groups)
    assert np.bincount(labels).tolist() == [12, 12, 12]


def test_a_planted_signal_has_the_length_that_was_asked_for():
    values = np.random.default_rng(0).normal(size=(4000, 20))
    labels = np.arange(4000) % 2
    moved = plant(values, labels, 0.5, np.random.default_rng(1)) - values
    assert np.linalg.norm(moved, axis=1) == pytest.approx(0.5 * np.sqrt(20), rel=0.02)


def test_dmso_against_dmso_seldom_gives_a_verdict(dmso):
    found = calibrate(*dmso, "plate", draws=60)
    wrong = found.verdicts.get("beats", 0) + found.verdicts.get("loses", 0)
    # 60 draws at 5%: more than 7 errors have a probability below 1%.
    assert wrong <= 7
    assert found.share(Verdict.BEATS) <= 5 / 60


def test_a_planted_dose_is_found_the_more_often_the_higher_it_is(dmso):
    power = [
        calibrate(*dmso, "plate", strength=dose, draws=12).share(Verdict.BEATS) for dose in (0.0, 0.3, 1.0)
    ]
    assert power[0] <= power[1] <= power[2]
    assert power[2] >= 0.8
