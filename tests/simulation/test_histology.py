import numpy as np
import pytest

from micrographia.simulation import simulate_histology
from simulation.looks import same


def test_a_section_is_a_colour_picture_with_dark_violet_nuclei() -> None:
    field = simulate_histology((160, 160), seed=2)
    assert field.rgb
    assert field.image.shape == (3, 160, 160)
    assert field.image.dtype == np.uint8
    red, green, blue = field.image.astype(float)
    nuclei, rest = field.labels["nuclei"] > 0, field.labels["nuclei"] == 0
    assert red[nuclei].mean() < 0.75 * red[rest].mean()
    assert blue[nuclei].mean() > red[nuclei].mean() > green[nuclei].mean()
    assert red[rest].mean() > blue[rest].mean() > green[rest].mean()


def test_same_seed_same_section_and_stains_do_not_move_cells() -> None:
    one = simulate_histology((96, 96), seed=2)
    assert same(one, simulate_histology((96, 96), seed=2))
    pale = simulate_histology((96, 96), seed=2, stains=(0.5, 0.5))
    assert np.array_equal(one.labels["cells"], pale.labels["cells"])
    assert pale.image.mean() > one.image.mean()


def test_light_is_lost_by_the_law_of_beer_and_lambert() -> None:
    def density(stain: float) -> np.ndarray:
        image = simulate_histology((96, 96), seed=2, stains=(stain, 0.0)).image[0].astype(float)
        return -np.log10(np.clip(image, 1, None) / 244)

    inside = simulate_histology((96, 96), seed=2).labels["nuclei"] > 0
    assert density(0.8)[inside].mean() / density(0.4)[inside].mean() == pytest.approx(2, rel=0.06)
