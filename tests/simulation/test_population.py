import numpy as np
import pytest

from micrographia.simulation import PHENOTYPES, Cells, Phenotype, phenotype
from micrographia.simulation.population import NAMES, PARAMETERS, draw, respond


def test_parameters_have_their_means_and_spreads() -> None:
    population = draw(Cells(), 20_000, seed=2)
    for parameter in PARAMETERS:
        values = population.column(parameter.name)
        assert np.isfinite(values).all()
        if parameter.kind == "positive":
            assert values.mean() == pytest.approx(parameter.mean, rel=0.02)
            assert values.std() / values.mean() == pytest.approx(parameter.spread, rel=0.05)
        elif parameter.kind == "fraction":
            assert values.mean() == pytest.approx(parameter.mean, abs=0.01)
            assert 0 <= values.min() <= values.max() <= 1
        elif parameter.kind == "aspect":
            assert values.min() >= 1


def test_fewer_cells_are_the_first_of_more() -> None:
    few, many = draw(Cells(), 10, seed=4), draw(Cells(), 40, seed=4)
    assert np.array_equal(few.table, many.table[:10])
    assert np.array_equal(few.seeds, many.seeds[:10])


def test_without_variation_cells_differ_by_direction_only() -> None:
    table = draw(Cells(variation=0), 50, seed=1).table
    moving = [name for name, column in zip(NAMES, table.T, strict=True) if np.ptp(column) > 1e-12]
    assert moving == ["angle"]


def test_a_mean_of_ones_own_is_taken_and_a_wrong_name_refused() -> None:
    assert draw(Cells(parameters={"dna": 3.0}), 4000, seed=1).column("dna").mean() == pytest.approx(
        3, rel=0.02
    )
    with pytest.raises(ValueError, match="no such parameter of a cell: size"):
        draw(Cells(parameters={"size": 3.0}), 1, seed=1)


@pytest.mark.parametrize("name", PHENOTYPES)
def test_a_phenotype_of_strength_0_changes_nothing_and_others_only_what_they_name(name: str) -> None:
    base = draw(Cells(), 30, seed=3)
    assert np.array_equal(respond(base, [phenotype(name, 0.0)], 3).table, base.table)
    shifted = respond(base, [phenotype(name, 0.7)], 3)
    changed = {
        n for n, a, b in zip(NAMES, base.table.T, shifted.table.T, strict=True) if not np.array_equal(a, b)
    }
    assert changed == set(PHENOTYPES[name].shifts) - {"count"}


def test_penetrance_chooses_cells_and_more_of_it_keeps_them() -> None:
    base = draw(Cells(), 2000, seed=3)
    some = respond(base, [phenotype("elongated", penetrance=0.3)], 3).phenotypes == "elongated"
    more = respond(base, [phenotype("elongated", penetrance=0.6)], 3).phenotypes == "elongated"
    assert some.mean() == pytest.approx(0.3, abs=0.04)
    assert more[some].all()


def test_two_phenotypes_join_their_names() -> None:
    both = respond(draw(Cells(), 3, seed=1), [phenotype("elongated"), phenotype("larger_nuclei")], 1)
    assert set(both.phenotypes) == {"elongated+larger_nuclei"}


@pytest.mark.parametrize(
    ("shifts", "problem"),
    [
        ({"size": 2.0}, "shifts 'size'"),
        ({"angle": 2.0}, "a direction"),
        ({"dna": -1.0}, "must be positive"),
        ({"count": 0.0}, "must be positive"),
    ],
)
def test_impossible_phenotypes_are_refused(shifts: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        respond(draw(Cells(), 2, seed=1), [Phenotype("odd", shifts)], 1)


def test_an_unknown_phenotype_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="no phenotype 'big'; there are larger_nuclei"):
        phenotype("big")
    with pytest.raises(ValueError, match="strength must lie in 0 to 1"):
        phenotype("elongated", 2.0)
