import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from micrographia.simulation import DNA, Cells, simulate_field
from micrographia.simulation.placement import CONTACT, place, schedule
from micrographia.simulation.population import Population, draw


def placed(cells: Cells, size: tuple[float, float, float], seed: int) -> tuple[Population, np.ndarray]:
    count = cells.count or 0
    inside = schedule(count, cells, size)
    assert inside.sum() == count
    population = place(draw(cells, len(inside), seed), inside, cells, size, seed)
    return population, inside[population.ids - 1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 25), st.integers(0, 2**31), st.booleans())
def test_exactly_so_many_centres_lie_in_the_field_and_no_two_nuclei_overlap(
    count: int, seed: int, deep: bool
) -> None:
    cells = Cells(count=count, touching=0, gap=1.0, flatness=0.5)
    size = (30.0 if deep else 0.0, 110.0, 140.0)
    population, inside = placed(cells, size, seed)
    z, y, x = population.positions.T
    within = (
        (y >= 0) & (y < size[1]) & (x >= 0) & (x < size[2]) & ((z >= 0) & (z < size[0]) if deep else True)
    )
    assert within.sum() == count
    assert np.array_equal(within, inside)
    if len(population) > 1:
        radius = population.column("nucleus_radius")
        apart = squareform(pdist(population.positions / [0.5, 1, 1]))
        least = radius[:, None] + radius[None, :] + cells.gap
        np.fill_diagonal(apart, np.inf)
        assert (apart > least).all()


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.8])
def test_the_touching_rate_is_the_share_of_nuclei_in_contact(rate: float) -> None:
    cells = Cells(count=80, touching=rate)
    shares = []
    for seed in range(12):
        population, _ = placed(cells, (0.0, 260.0, 260.0), seed)
        radius = population.column("nucleus_radius")
        apart = squareform(pdist(population.positions))
        np.fill_diagonal(apart, np.inf)
        shares.append((apart < 1.001 * CONTACT * (radius[:, None] + radius[None, :])).any(axis=1).mean())
    assert np.mean(shares) == pytest.approx(rate, abs=0.08)


def test_nuclei_touch_in_the_picture_as_they_were_placed() -> None:
    fields = {
        rate: simulate_field((320, 320), seed=3, cells=Cells(count=25, touching=rate, gap=2.0))
        for rate in (0.0, 0.6)
    }
    shares = {rate: field.objects.nucleus_touching.mean() for rate, field in fields.items()}
    assert shares[0.0] == 0
    assert shares[0.6] > 0.3


def test_a_sparser_field_is_the_same_field_with_cells_left_out() -> None:
    size = (0.0, 160.0, 160.0)
    many, _ = placed(Cells(count=40), size, 9)
    few, _ = placed(Cells(count=15), size, 9)
    assert np.array_equal(few.positions, many.positions[: len(few)])


def test_too_many_nuclei_are_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match=r"of 200 nuclei .* fit without overlap: lower count"):
        simulate_field((100, 100), cells=Cells(count=200))


@pytest.mark.parametrize("shape", [(512, 512), (90, 400), (24, 200, 200)])
def test_density_is_the_share_that_nuclei_cover(shape: tuple[int, ...]) -> None:
    field = simulate_field(shape, seed=2, cells=Cells(density=0.16, touching=0), channels=(DNA,))
    share = (field.labels["nuclei"] > 0).mean()
    assert share == pytest.approx(0.16 if len(shape) == 2 else 0.08, rel=0.25)
    assert simulate_field((32, 32), cells=Cells(), channels=(DNA,)).axes == "CYX"
