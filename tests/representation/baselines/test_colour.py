import numpy as np
import pytest

from micrographia.images import ArrayImage
from micrographia.representation.baselines.colour import STAIN, mean_colour, stain
from micrographia.representation.baselines.fields import Reading
from micrographia.representation.baselines.intensity import levels
from micrographia.simulation import simulate_histology

RNG = np.random.default_rng(2)


def measured(array, **options):
    reading = Reading(ArrayImage(np.asarray(array), "CYX", **options))
    found = mean_colour(
        [levels(reading, at) for at in range(len(array))], [f"c{at}" for at in range(len(array))]
    )
    return found.values.tolist(), found.reasons


def test_means_and_shares():
    array = np.stack([np.full((5, 5), value) for value in (1.0, 2.0, 5.0)])
    values, reasons = measured(array)
    assert values == pytest.approx([1, 2, 5, 1 / 8, 2 / 8, 5 / 8])
    assert not reasons
    assert measured(array[:1])[0] == [1]


def test_channels_without_light_have_no_shares():
    values, reasons = measured(np.zeros((2, 4, 4)))
    assert values[:2] == [0, 0]
    assert np.isnan(values[2:]).all()
    assert reasons == ("the channels sum to nothing: no shares",)
    array = np.ones((2, 4, 4))
    array[1] = np.nan
    values, reasons = measured(array)
    assert np.isnan(values[1:]).all()
    assert reasons == ("channel c1 has no finite pixel",)


def test_stain_vectors_of_haematoxylin_and_eosin():
    # Optical densities of Ruifrok & Johnston (2001), mixed at random.
    vectors = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    amounts = RNG.dirichlet([0.3, 0.3], (60, 60)) * RNG.uniform(0.5, 1.5, (60, 60, 1))
    picture = 255 * np.exp(-(amounts @ vectors))
    image = ArrayImage(np.moveaxis(picture, -1, 0).round().astype(np.uint8), "CYX", rgb=True)
    found = dict(zip(STAIN, stain(image).values, strict=True))
    for number, known in enumerate(vectors, 1):
        held = [found[f"stain{number}_{colour}"] for colour in ("red", "green", "blue")]
        assert np.dot(held, known) > 0.99


def test_simulated_sections_have_stain():
    field = simulate_histology((96, 96), seed=3)
    assert field.image.shape[0] == 3
    found = stain(ArrayImage(field.image, "CYX", rgb=True))
    assert not found.reasons
    assert np.isfinite(found.values).all()


def test_grey_and_blank_pictures_have_no_stain():
    grey = stain(ArrayImage(np.zeros((9, 9), np.uint8), "YX"))
    blank = stain(ArrayImage(np.full((3, 40, 40), 250, np.uint8), "CYX", rgb=True))
    assert np.isnan(grey.values).all()
    assert grey.reasons == ("not in colour: no stain",)
    assert np.isnan(blank.values).all()
    assert blank.reasons == ("too little stain to tell its colours",)
