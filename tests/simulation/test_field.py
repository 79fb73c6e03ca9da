import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from micrographia.simulation import (
    ALL_CHANNELS,
    DNA,
    EIGHT_BIT,
    LYSOSOMES,
    PHENOTYPES,
    Camera,
    Cells,
    Nuisance,
    Optics,
    Phenotype,
    Timelapse,
    phenotype,
    render,
    simulate_field,
)
from simulation.looks import INTENDED, light, same

WATER = Optics(numerical_aperture=1.1, refractive_index=1.33, pixel_size=0.4, z_step=1.2)


def small(**options: Any) -> Any:
    options = {"seed": 3, "cells": Cells(count=6)} | options
    return simulate_field((160, 180), **options)


def test_a_field_says_what_it_is() -> None:
    field = small(camera=EIGHT_BIT, name="a")
    assert field.axes == "CYX"
    assert field.label_axes == "YX"
    assert field.image.shape == (3, 160, 180)
    assert field.image.dtype == np.uint8
    assert field.labels["nuclei"].shape == (160, 180)
    assert field.scale == {"y": 0.325, "x": 0.325}
    assert field.channels == ("DNA", "actin", "mitochondria")
    assert not field.rgb
    assert (field.image == 255).mean() < 1e-3
    assert field.image.max() > 150


def test_same_seed_same_bytes_whatever_was_made_before() -> None:
    first = small(seed=11)
    small(seed=12)
    assert same(first, small(seed=11))
    assert not np.array_equal(first.image, small(seed=12).image)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 5), st.floats(0, 1), st.booleans())
def test_labels_and_objects_say_the_same(seed: int, count: int, touching: float, deep: bool) -> None:
    shape = (10, 90, 100) if deep else (140, 150)
    field = simulate_field(
        shape, seed=seed, cells=Cells(count=count // (1 + 3 * deep), touching=touching), optics=WATER
    )
    table = field.objects
    assert table.label_id.tolist() == list(range(1, len(table) + 1))
    nuclei, cells = field.labels["nuclei"], field.labels["cells"]
    assert set(np.unique(cells)) - {0} == set(table.label_id)
    assert (nuclei[nuclei != cells] == 0).all()
    for kind, labels in (("nucleus", nuclei), ("cell", cells)):
        for row in table.itertuples():
            mask = labels == row.label_id
            assert mask.sum() == getattr(row, f"{kind}_area")
            if not mask.any():
                assert np.isnan(getattr(row, f"{kind}_y"))
                continue
            centre = ndimage.center_of_mass(mask)
            assert [getattr(row, f"{kind}_{axis}") for axis in "zyx"[-mask.ndim :]] == pytest.approx(centre)
            grown = ndimage.binary_dilation(mask, ndimage.generate_binary_structure(mask.ndim, 1))
            assert ((labels[grown] > 0) & (labels[grown] != row.label_id)).any() == getattr(
                row, f"{kind}_touching"
            )
            assert ndimage.label(mask)[1] == 1


def test_true_sizes_are_those_in_the_picture() -> None:
    field = simulate_field((400, 400), seed=1, cells=Cells(count=30, touching=0))
    whole = field.objects[~field.objects.nucleus_at_border & (field.objects.nucleus_area > 0)]
    assert len(whole) > 15
    expected = np.pi * whole.nucleus_radius**2 / 0.325**2
    assert whole.nucleus_area.to_numpy() == pytest.approx(expected.to_numpy(), rel=0.03)


def test_the_light_of_nuclei_lies_in_their_labels() -> None:
    field = small(optics=Optics(out_of_focus=0, background=0), cells=Cells(count=6, min_visible=0))
    dna = light(field, "DNA")
    assert dna[field.labels["nuclei"] > 0].sum() > 0.98 * dna.sum()


@pytest.mark.parametrize("name", PHENOTYPES)
def test_more_of_a_phenotype_is_more_of_what_it_changes(name: str) -> None:
    measure, direction = INTENDED[name]
    fields = [
        simulate_field(
            (256, 256), seed=7, cells=Cells(count=14), channels=ALL_CHANNELS, phenotypes=[phenotype(name, s)]
        )
        for s in (0.0, 0.35, 0.7, 1.0)
    ]
    control = simulate_field((256, 256), seed=7, cells=Cells(count=14), channels=ALL_CHANNELS)
    assert same(control, fields[0])
    assert (np.diff([direction * measure(field) for field in fields]) > 0).all()
    assert set(fields[0].objects.phenotype) == {"control"}
    if name != "fewer_cells":
        assert set(fields[-1].objects.phenotype) == {name}


@pytest.mark.parametrize(
    "name", ["textured_chromatin", "clustered_puncta", "perinuclear_organelles", "short_mitochondria"]
)
def test_arrangements_keep_light_shapes_and_number(name: str) -> None:
    control, treated = (
        simulate_field(
            (320, 320), seed=5, cells=Cells(count=20), channels=ALL_CHANNELS, phenotypes=[phenotype(name, s)]
        )
        for s in (0.0, 1.0)
    )
    assert np.array_equal(control.labels["cells"], treated.labels["cells"])
    assert np.array_equal(control.labels["nuclei"], treated.labels["nuclei"])
    for channel in control.channels:
        assert light(treated, channel).mean() == pytest.approx(light(control, channel).mean(), rel=0.02)


def test_density_is_a_nuisance_of_its_own() -> None:
    few, many = (small(seed=8, cells=Cells(count=8), nuisance=Nuisance(density=d)) for d in (0.5, 1.0))
    # a body may reach further where a neighbour is missing, a nucleus does not
    radii = [set(field.objects[field.objects.nucleus_area > 0].nucleus_radius) for field in (few, many)]
    assert radii[0] < radii[1]


def test_intensity_background_and_defocus_do_what_they_say() -> None:
    plain = small()
    bright = small(nuisance=Nuisance(intensity=(2.0, 1.0, 1.0)))
    inside = plain.labels["nuclei"] > 0
    assert light(bright, "DNA")[inside].mean() == pytest.approx(
        2 * light(plain, "DNA")[inside].mean(), rel=0.05
    )
    assert np.array_equal(bright.image[1], plain.image[1])
    misty = small(nuisance=Nuisance(background=4.0))
    assert light(misty, "DNA").min() > light(plain, "DNA").min()
    soft = small(nuisance=Nuisance(defocus=5.0))
    assert light(soft, "mitochondria").std() < 0.8 * light(plain, "mitochondria").std()
    assert np.array_equal(soft.labels["cells"], plain.labels["cells"])


def test_a_stack_is_the_same_whatever_is_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate_field((9, 64, 72), seed=2, cells=Cells(count=3), channels=ALL_CHANNELS, optics=WATER)
    assert whole.axes == "CZYX"
    assert whole.scale == {"z": 1.2, "y": 0.4, "x": 0.4}
    monkeypatch.setattr(render, "SLAB", 2 * 64 * 72)
    assert same(
        whole, simulate_field((9, 64, 72), seed=2, cells=Cells(count=3), channels=ALL_CHANNELS, optics=WATER)
    )


def test_a_stack_is_blurred_along_the_axis_as_the_formula_says() -> None:
    sharp = Optics(numerical_aperture=1.3, refractive_index=1.33, pixel_size=0.4, z_step=0.6, out_of_focus=0)
    soft = Optics(numerical_aperture=0.5, refractive_index=1.33, pixel_size=0.4, z_step=0.6, out_of_focus=0)
    images = [
        simulate_field((21, 64, 64), seed=4, cells=Cells(count=3), channels=(DNA,), optics=optics)
        .image[0]
        .astype(float)
        for optics in (sharp, soft)
    ]
    steepness = [np.abs(np.diff(image, axis=0)).max() for image in images]
    assert steepness[1] < 0.5 * steepness[0]


def test_working_memory_does_not_grow_with_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "SLAB", 4 * 96 * 96)

    def working(planes: int) -> int:
        tracemalloc.start()
        field = simulate_field(
            (planes, 96, 96), seed=2, cells=Cells(count=planes // 4), channels=(DNA,), optics=WATER
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - field.image.nbytes - sum(labels.nbytes for labels in field.labels.values())

    working(8)
    assert working(64) < 1.5 * working(16)


def test_fragments_of_a_nucleus_are_one_object() -> None:
    field = small(phenotypes=[phenotype("fragmented_nuclei")], cells=Cells(count=8))
    whole = field.objects[~field.objects.nucleus_at_border & (field.objects.nucleus_area > 0)]
    pieces = [ndimage.label(field.labels["nuclei"] == number)[1] for number in whole.label_id]
    assert max(pieces) >= 3


def test_what_an_annotator_would_not_draw_is_not_annotated() -> None:
    keen, usual = (
        simulate_field((200, 200), seed=6, cells=Cells(count=12, min_visible=m)) for m in (0.0, 0.3)
    )
    assert np.array_equal(keen.image, usual.image)
    assert len(usual.objects) < len(keen.objects)


def test_a_phenotype_that_no_channel_shows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"clustered_puncta.* changes puncta, which no channel shows"):
        small(phenotypes=[phenotype("clustered_puncta")])
    assert small(phenotypes=[phenotype("clustered_puncta")], channels=(LYSOSOMES,)).channels == ("lysosomes",)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"channels": ()}, "at least one channel"),
        ({"nuisance": Nuisance(intensity=(1.0, 1.0))}, "2 factors for 3 channels"),
        ({"phenotypes": [Phenotype("odd", {"wings": 2.0})]}, "shifts 'wings'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        small(**options)


@pytest.mark.parametrize("shape", [(), (5,), (0, 10), (2, 3, 4, 5)])
def test_shapes_of_other_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape must be"):
        simulate_field(shape)


def test_an_empty_field_is_background() -> None:
    field = simulate_field((40, 50), cells=Cells(count=0), camera=Camera(read_noise=0))
    assert len(field.objects) == 0
    assert "phenotype" in field.objects
    assert field.labels["cells"].max() == 0
    # 12 photons of background, 80% of which become electrons, 2 counts each
    assert light(field, "DNA").mean() == pytest.approx(12 * 0.8 * 2, rel=0.1)
    movie = simulate_field((40, 50), cells=Cells(count=0), timelapse=Timelapse(frames=2))
    assert movie.tracks is not None
    assert len(movie.tracks) == 0
