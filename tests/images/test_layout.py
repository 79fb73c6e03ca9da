import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.images.layout import Layout, drop_singletons, guess, unfold, unnamed


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    letters = draw(st.permutations("TCZYXS-"))
    count = draw(st.integers(2, 7))
    axes = "".join(letters[:count])
    for needed in "YX":
        axes = axes if needed in axes else axes + needed
    shape = tuple(draw(st.integers(1, 4)) for _ in axes)
    at = tuple(draw(st.integers(0, size - 1)) for axis, size in zip(axes, shape, strict=True) if axis == "-")
    samples = draw(st.none() | st.integers(1, 4)) if "S" in axes else None
    return Layout(axes, shape, at, samples)


def by_numpy(layout: Layout, array: np.ndarray) -> np.ndarray:
    """Return the image by another way: fix indices, order the axes, merge channels and samples."""
    fixed = iter(layout.at)
    array = array[tuple(next(fixed) if axis == "-" else slice(None) for axis in layout.axes)]
    letters = [axis for axis in layout.axes if axis != "-"]
    if "S" in letters:
        array = np.moveaxis(array, letters.index("S"), -1)[..., : layout.samples]
        letters = [axis for axis in letters if axis != "S"] + ["S"]
        if "C" not in letters:
            letters[-1] = "C"
        else:
            array = np.moveaxis(array, letters.index("C"), -2)
            array = array.reshape(*array.shape[:-2], -1)
            letters = [axis for axis in letters if axis not in "CS"] + ["C"]
    order = sorted(range(len(letters)), key=lambda index: "TCZYX".index(letters[index]))
    return array.transpose(order)


@given(layout=layouts(), data=st.data())
@settings(deadline=None, max_examples=300)
def test_a_region_of_the_image_comes_from_its_region_of_the_array(
    layout: Layout, data: st.DataObject
) -> None:
    array = np.arange(np.prod(layout.shape)).reshape(layout.shape)
    expected = by_numpy(layout, array)
    assert layout.image_shape == expected.shape
    region = tuple(
        slice(start, data.draw(st.integers(start + 1, size)))
        for size in expected.shape
        for start in [data.draw(st.integers(0, size - 1))]
    )
    read = array[layout.to_file(region)]
    np.testing.assert_array_equal(layout.to_image(read, region), expected[region])


@given(layout=layouts(), target=st.integers(1, 400))
@settings(deadline=None)
def test_a_block_fits_the_image_and_the_target(layout: Layout, target: int) -> None:
    block = layout.plane_block(1, target)
    assert all(1 <= step <= size for step, size in zip(block, layout.image_shape, strict=True))
    assert np.prod(block) <= target


def test_a_block_covers_planes_whatever_lies_within_them() -> None:
    assert Layout("ZYXS", (5, 40, 50, 3)).plane_block(1) == (3, 1, 40, 50)
    assert Layout("CYX", (5, 40, 50)).plane_block(1) == (1, 40, 50)
    assert Layout("XYZ", (50, 40, 5)).plane_block(1) == (5, 40, 50)


def test_singletons_are_dropped() -> None:
    assert drop_singletons("TCZYX", (1, 2, 1, 1, 9)) == "-C-YX"


@pytest.mark.parametrize(
    ("axes", "named", "notes"),
    [
        ("QYX", "ZYX", 1),
        ("ZQYX", "ZTYX", 1),
        ("QQQYX", "CTZYX", 3),
        ("TCZQYX", "TCZQYX", 0),
        ("TYX", "TYX", 0),
    ],
)
def test_unnamed_axes_become_z_then_t_then_c(axes: str, named: str, notes: int) -> None:
    got, said = unnamed(axes)
    assert (got, len(said)) == (named, notes)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((40, 50), "YX"),
        ((7, 40, 50), "ZYX"),
        ((40, 50, 3), "YXS"),
        ((40, 50, 4), "YXS"),
        ((4, 50, 3), "ZYX"),
        ((2, 7, 40, 50), "CZYX"),
        ((7, 40, 50, 3), "ZYXS"),
        ((5, 7, 40, 50, 3), "TZYXS"),
        ((6, 2, 7, 40, 50), "TCZYX"),
        ((9,), ""),
        ((1, 2, 3, 4, 5, 6), ""),
    ],
)
def test_axes_are_guessed_by_the_documented_rule(shape: tuple[int, ...], axes: str) -> None:
    got, notes = guess(shape)
    assert got == axes
    assert bool(notes) == (axes not in ("", "YX"))


def test_other_axes_become_images_of_their_own() -> None:
    found = list(unfold("PTA-YX", (2, 5, 1, 1, 4, 4)))
    assert found == [("P=0,A=0", "-T--YX", (0, 0, 0)), ("P=1,A=0", "-T--YX", (1, 0, 0))]
    assert list(unfold("CYX", (2, 4, 4))) == [("", "CYX", ())]
