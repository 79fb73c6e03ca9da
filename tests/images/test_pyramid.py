import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.images import ArrayImage
from micrographia.images.pyramid import Level, label_pyramid, plan_pyramid, stored_pyramid

MICROMETRES = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}


def shapes(levels: tuple[Level, ...]) -> list[tuple[int, ...]]:
    return [level.shape for level in levels]


def test_halves_round_up_until_a_plane_is_small():
    assert shapes(plan_pyramid("YX", (520, 697))) == [(520, 697), (260, 349), (130, 175)]


def test_a_small_image_has_one_level():
    assert shapes(plan_pyramid("CYX", (3, 256, 200))) == [(3, 256, 200)]


def test_a_stack_of_unknown_voxel_size_keeps_its_planes():
    assert shapes(plan_pyramid("ZYX", (9, 600, 600)))[-1] == (9, 150, 150)


def test_isotropic_voxels_are_halved_along_z_too():
    levels = plan_pyramid("ZYX", (9, 600, 600), dict.fromkeys("zyx", 0.5), MICROMETRES)
    assert shapes(levels) == [(9, 600, 600), (5, 300, 300), (3, 150, 150)]
    assert levels[-1].factors == (4, 4, 4)


def test_anisotropic_voxels_become_isotropic_first():
    levels = plan_pyramid("ZYX", (64, 2048, 2048), {"z": 2.0, "y": 0.5, "x": 0.5}, MICROMETRES)
    assert [level.factors for level in levels] == [(1, 1, 1), (1, 2, 2), (1, 4, 4), (2, 8, 8)]


def test_steps_in_unlike_units_are_not_compared():
    units = {**MICROMETRES, "z": "nanometer"}
    levels = plan_pyramid("ZYX", (9, 600, 600), dict.fromkeys("zyx", 0.5), units)
    assert levels[-1].factors == (1, 4, 4)


def test_an_axis_of_one_pixel_is_left_alone():
    levels = plan_pyramid("TCZYX", (5, 2, 1, 1, 1000), dict.fromkeys("zyx", 1.0), MICROMETRES)
    assert shapes(levels) == [(5, 2, 1, 1, 1000), (5, 2, 1, 1, 500), (5, 2, 1, 1, 250)]
    assert levels[-1].factors == (1, 1, 1, 1, 4)


def test_a_long_axis_z_goes_on_being_halved():
    levels = plan_pyramid("ZYX", (1024, 100, 100), dict.fromkeys("zyx", 1.0), MICROMETRES)
    assert shapes(levels)[-1] == (256, 25, 25)


def test_the_number_of_levels_may_be_asked_for():
    assert len(plan_pyramid("YX", (64, 64), levels=3)) == 3
    assert shapes(plan_pyramid("YX", (2, 2), levels=9)) == [(2, 2), (1, 1)]
    with pytest.raises(ValueError, match="at least 1"):
        plan_pyramid("YX", (64, 64), levels=0)


def test_a_pixel_lies_in_the_middle_of_those_it_is_made_of():
    level = Level((1, 1, 1), (1, 2, 8))
    assert level.scale((3.0, 0.5, 0.25)) == [3.0, 1.0, 2.0]
    assert level.translation((3.0, 0.5, 0.25)) == [0.0, 0.25, 0.875]


@given(
    shape=st.tuples(*(st.integers(1, 5000) for _ in range(3))),
    z=st.sampled_from([None, 0.1, 1.0, 1.4, 1.5, 3.0, 20.0]),
)
def test_every_level_covers_the_one_below(shape: tuple[int, int, int], z: float | None):
    scale = None if z is None else {"z": z, "y": 1.0, "x": 1.0}
    levels = plan_pyramid("ZYX", shape, scale, None if z is None else MICROMETRES)
    for below, above in itertools.pairwise(levels):
        assert math.prod(above.shape) < math.prod(below.shape)
        for low, high, before, after in zip(
            below.shape, above.shape, below.factors, above.factors, strict=True
        ):
            assert (after, high) in ((before, low), (2 * before, -(-low // 2)))
    assert max(levels[-1].shape[1:]) <= 256


def test_a_label_image_is_halved_as_its_image():
    image = ArrayImage(
        np.zeros((4, 600, 500), np.uint16), "ZYX", scale=dict.fromkeys("zyx", 1.0), units=MICROMETRES
    )
    stored = stored_pyramid(image, "CZYX")
    flat = ArrayImage(np.zeros((600, 500), np.uint8), "YX")
    assert shapes(stored) == [(1, 4, 600, 500), (1, 2, 300, 250), (1, 1, 150, 125)]
    levels = label_pyramid(flat, "ZYX", stored, "CZYX")
    assert shapes(levels) == [(1, 600, 500), (1, 300, 250), (1, 150, 125)]
    assert [level.factors for level in levels] == [(1, 1, 1), (2, 2, 2), (4, 4, 4)]
