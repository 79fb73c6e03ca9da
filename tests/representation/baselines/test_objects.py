import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, cKDTree
from scipy.spatial.distance import pdist
from skimage.measure import regionprops_table
from skimage.morphology import convex_hull_image

from label_images import discs, planes, volumes
from micrographia.errors import AnnotationError, ProfileError
from micrographia.representation.baselines import object_features
from micrographia.representation.baselines.shape import ratio

RNG = np.random.default_rng(5)


def noisy(shape, dtype=np.uint16):
    return RNG.integers(0, 4000 if dtype == np.uint16 else 255, shape).astype(dtype)


SHAPE = {
    "area": "area",
    "extent": "extent",
    "equivalent_diameter": "equivalent_diameter_area",
    "major_axis": "axis_major_length",
    "minor_axis": "axis_minor_length",
    "eccentricity": "eccentricity",
    "perimeter": "perimeter",
    "y": "centroid-0",
    "x": "centroid-1",
    **{f"hu_{at + 1}": f"moments_hu-{at}" for at in range(7)},
    **{f"moment_{p}{q}": f"moments_normalized-{p}-{q}" for p, q in ((2, 0), (1, 1), (0, 2), (3, 0), (1, 2))},
}
INTENSITY = {
    "c1_mean": "intensity_mean",
    "c1_sd": "intensity_std",
    "c1_min": "intensity_min",
    "c1_max": "intensity_max",
    "c1_median": "intensity_median",
}


def oracle(labels, image=None):
    wanted = {name.split("-")[0] for name in SHAPE.values()} | {"label"}
    if image is not None:
        wanted |= set(INTENSITY.values())
    return regionprops_table(labels, image, properties=sorted(wanted))


def test_shape_and_intensity_are_those_of_regionprops():
    labels = discs(200)
    image = noisy(labels.shape)
    found, known = object_features(labels, image), oracle(labels, image)
    assert np.array_equal(found["label_id"], known["label"])
    for name, theirs in (SHAPE | INTENSITY).items():
        np.testing.assert_allclose(found[name], known[theirs], rtol=1e-9, atol=1e-12, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(planes())
def test_any_small_plane_agrees_with_regionprops(labels):
    found = object_features(labels, parts=["shape"])
    if not labels.any():
        assert len(found) == 0
        return
    known = oracle(labels)
    for name, theirs in SHAPE.items():
        if name.startswith(("moment_", "hu_")) and (found["area"] == 1).any():
            continue
        # The oracle takes the root of differences that round to about 1e-16.
        np.testing.assert_allclose(found[name], known[theirs], rtol=1e-6, atol=1e-6, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(planes())
def test_the_hull_is_that_of_all_corners_of_pixels(labels):
    found = object_features(labels, parts=["shape"]).set_index("label_id")
    for label in found.index:
        y, x = np.nonzero(labels == label)
        corners = np.unique(
            np.concatenate([[y + dy, x + dx] for dy in (0, 1) for dx in (0, 1)], axis=1).T, axis=0
        )
        hull = ConvexHull(corners)
        points = corners[hull.vertices]
        assert found.loc[label, "hull_area"] == pytest.approx(hull.volume)
        assert found.loc[label, "max_feret"] == pytest.approx(pdist(points).max())
        # Brute force over many directions bounds the smallest width from above.
        angles = np.linspace(0, np.pi, 721)
        widths = np.ptp(points @ np.stack([np.cos(angles), np.sin(angles)]), axis=0)
        assert found.loc[label, "min_feret"] <= widths.min() + 1e-9
        assert found.loc[label, "min_feret"] == pytest.approx(widths.min(), rel=0.01)
        assert 0 < found.loc[label, "solidity"] <= 1 + 1e-12


def test_hull_area_counts_nearly_the_pixels_of_the_hull_image():
    y, x = np.mgrid[:120, :120]
    labels = (((y - 60) / 50) ** 2 + ((x - 55) / 30) ** 2 <= 1).astype(int)
    labels[50:60, 50:] = 0
    found = object_features(labels, parts=["shape"])
    assert found.loc[0, "hull_area"] == pytest.approx(convex_hull_image(labels).sum(), rel=0.03)
    assert found.loc[0, "solidity"] < 0.96


def test_known_shapes():
    labels = np.zeros((20, 30), np.int32)
    labels[2:8, 3:7] = 5
    labels[12, 4] = 9
    labels[15, 10:20] = 2
    found = object_features(labels, parts=["shape"]).set_index("label_id")
    assert found.index.tolist() == [2, 5, 9]
    rectangle, pixel, line = found.loc[5], found.loc[9], found.loc[2]
    assert rectangle[["area", "hull_area", "solidity", "extent"]].tolist() == [24, 24, 1, 1]
    assert rectangle["max_feret"] == pytest.approx(np.hypot(6, 4))
    assert rectangle["min_feret"] == 4
    assert rectangle["perimeter"] == 2 * 5 + 2 * 3
    assert rectangle["form_factor"] == pytest.approx(4 * np.pi * 24 / 16**2)
    assert rectangle["major_axis"] == pytest.approx(4 * np.sqrt(35 / 12))
    assert pixel[["area", "eccentricity", "perimeter", "solidity", "min_feret"]].tolist() == [1, 0, 0, 1, 1]
    assert np.isnan(pixel["form_factor"])
    assert line["eccentricity"] == 1
    assert line["minor_axis"] == 0
    assert found["touches_border"].tolist() == [0, 0, 0]


def test_objects_at_the_border_say_so():
    labels = np.zeros((6, 6), np.uint8)
    labels[0, 2] = 1
    labels[3, 3] = 2
    labels[4, 5] = 3
    assert object_features(labels, parts=["shape"])["touches_border"].tolist() == [1, 0, 1]


def test_quantiles_are_those_of_numpy_and_nan_pixels_are_left_out():
    labels = discs(120)
    image = RNG.normal(100, 20, labels.shape)
    image[::5, ::3] = np.nan
    image[7, :] = np.inf
    found = object_features(labels, image).set_index("label_id")
    for label in found.index:
        held = image[labels == label]
        held = held[np.isfinite(held)]
        low, middle, high = np.percentile(held, (25, 50, 75))
        row = found.loc[label]
        assert row["c1_mean"] == pytest.approx(held.mean())
        assert row["c1_sd"] == pytest.approx(held.std(), abs=1e-9)
        assert row[["c1_lower_quartile", "c1_median", "c1_upper_quartile"]].tolist() == pytest.approx(
            [low, middle, high]
        )
        assert row["c1_mad"] == pytest.approx(np.median(np.abs(held - middle)))
        assert row["c1_integrated"] == pytest.approx(held.sum())


@settings(max_examples=60, deadline=None)
@given(
    planes(12),
    st.sampled_from([2, 40, 65535]),
    st.sampled_from(["uint8", "uint16", "float32"]),
    st.integers(0, 99),
)
def test_quantiles_are_the_same_counted_or_sorted(labels, largest, dtype, seed):
    top = min(largest, 255) if dtype == "uint8" else largest
    image = np.random.default_rng(seed).integers(0, top, labels.shape, endpoint=True).astype(dtype)
    found = object_features(labels, image).set_index("label_id")
    for label in found.index:
        held = image[labels == label].astype(float)
        known = [*np.percentile(held, (25, 50, 75)), np.median(np.abs(held - np.median(held)))]
        own = found.loc[label, ["c1_lower_quartile", "c1_median", "c1_upper_quartile", "c1_mad"]]
        assert own.tolist() == pytest.approx(known)


def test_bright_objects_lose_no_digits():
    labels = np.zeros((40, 40), np.uint8)
    labels[5:30, 5:30] = 1
    image = 1e9 + RNG.normal(0, 1e-3, labels.shape)
    row = object_features(labels, image).iloc[0]
    held = image[labels == 1]
    assert row["c1_sd"] == pytest.approx(held.std(), rel=1e-6)


def test_an_object_without_finite_pixels_has_no_intensity():
    labels = np.zeros((8, 8), np.uint8)
    labels[1:3, 1:3], labels[5:7, 5:7] = 1, 2
    image = np.ones((8, 8))
    image[labels == 1] = np.nan
    found = object_features(labels, image)
    own = [name for name in found if name.startswith("c1_")]
    assert found.loc[0, own].isna().all()
    assert found.loc[1, own].tolist() == [1, 0, 1, 1, 4, 1, 0, 1, 1, 1, 0]


def test_mass_displacement_is_the_distance_of_two_centroids():
    labels = np.zeros((10, 10), np.uint8)
    labels[2:8, 1:9] = 1
    image = np.arange(100.0).reshape(10, 10)
    row = object_features(labels, image).iloc[0]
    y, x = np.nonzero(labels)
    weight = image[labels == 1]
    apart = np.hypot(
        (weight * y).sum() / weight.sum() - y.mean(), (weight * x).sum() / weight.sum() - x.mean()
    )
    assert row["c1_mass_displacement"] == pytest.approx(apart)


@settings(max_examples=40, deadline=None)
@given(planes(), st.sampled_from(["uint8", "int16", "uint32", "int64", ">u2", "bool"]))
def test_the_type_of_the_labels_does_not_matter(labels, dtype):
    if dtype == "bool":
        labels = (labels > 0).astype(np.uint16)
    found, other = object_features(labels), object_features(labels.astype(dtype))
    assert found.equals(other)


def test_negative_labels_are_objects():
    labels = np.array([[-1, -1, 0, -300], [2, 2, 0, -300]], np.int16)
    found = object_features(labels)
    assert found["label_id"].tolist() == [-300, -1, 2]
    assert found["touching"].tolist() == [0, 1, 1]


@settings(max_examples=60, deadline=None)
@given(planes(7))
def test_touching_objects_are_those_with_adjacent_pixels(labels):
    found = object_features(labels, parts=["neighbours"]).set_index("label_id")
    padded = np.pad(labels, 1)
    for label in found.index:
        near = set()
        for dy in range(3):
            for dx in range(3):
                moved = padded[dy : dy + labels.shape[0], dx : dx + labels.shape[1]]
                near |= set(moved[labels == label].tolist())
        assert found.loc[label, "touching"] == len(near - {0, label})


def test_distances_to_neighbours():
    labels = discs(200)
    found = object_features(labels, parts=["neighbours"])
    points = found[["y", "x"]].to_numpy()
    away = cKDTree(points).query(points, 6)[0]
    np.testing.assert_allclose(found["nearest"], away[:, 1])
    np.testing.assert_allclose(found["second_nearest"], away[:, 2])
    np.testing.assert_allclose(found["nearest_5"], away[:, 1:].mean(axis=1))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert found["within_radius"].tolist() == ((apart <= 100).sum(axis=1) - 1).tolist()


def test_the_angle_between_the_two_nearest():
    labels = np.zeros((30, 30), np.uint8)
    labels[10, 10], labels[10, 20], labels[21, 10] = 1, 2, 3
    found = object_features(labels, parts=["neighbours"])
    assert found.loc[0, "angle"] == pytest.approx(np.pi / 2)


def test_concentric_objects_have_neighbours_but_no_angle():
    labels = np.zeros((9, 9), np.uint8)
    for number, inset in enumerate(range(4), 1):
        labels[inset : 9 - inset, inset : 9 - inset] = number
    found = object_features(labels, parts=["neighbours"])
    assert found["nearest"].tolist() == [0] * 4
    assert found["angle"].isna().all()


def test_one_object_and_none():
    labels = np.zeros((9, 9), np.uint8)
    empty = object_features(labels, np.zeros((2, 9, 9)))
    assert len(empty) == 0
    labels[3:6, 3:6] = 1
    one = object_features(labels, np.zeros((2, 9, 9)))
    assert set(one.columns) == set(empty.columns)
    missing = set(one.columns[one.isna().iloc[0]])
    assert missing == {
        *("nearest", "second_nearest", "nearest_5", "angle"),
        *("c1_mass_displacement", "c2_mass_displacement"),
    }


def test_stacks_agree_with_regionprops():
    z, y, x = np.mgrid[:24, :30, :40]
    labels = np.zeros(z.shape, np.uint16)
    labels[((z - 10) / 6) ** 2 + ((y - 12) / 4) ** 2 + ((x - 13) / 9) ** 2 <= 1] = 3
    labels[5:9, 20:27, 25:37] = 8
    image = noisy(labels.shape)
    found = object_features(labels, image)
    known = regionprops_table(
        labels,
        image,
        properties=(
            *("label", "area", "centroid", "extent"),
            "inertia_tensor_eigvals",
            "intensity_mean",
            "intensity_std",
            "intensity_median",
            "equivalent_diameter_area",
        ),
    )
    pairs = {
        "volume": "area",
        "z": "centroid-0",
        "y": "centroid-1",
        "x": "centroid-2",
        "extent": "extent",
        "equivalent_diameter": "equivalent_diameter_area",
        "c1_mean": "intensity_mean",
        "c1_sd": "intensity_std",
        "c1_median": "intensity_median",
    }
    for name, theirs in pairs.items():
        np.testing.assert_allclose(found[name], known[theirs], rtol=1e-9, err_msg=name)
    # Eigenvalues of the inertia tensor are the trace of the covariance less its eigenvalues.
    inertia = np.stack([known[f"inertia_tensor_eigvals-{at}"] for at in range(3)], axis=1)
    spread = inertia.sum(axis=1, keepdims=True) / 2 - inertia
    axes = found[["minor_axis", "middle_axis", "major_axis"]].to_numpy()
    np.testing.assert_allclose(axes, 4 * np.sqrt(spread), rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(volumes())
def test_any_small_stack_is_measured(labels):
    found = object_features(labels, labels.astype(float))
    ids, counts = np.unique(labels[labels > 0], return_counts=True)
    assert found["label_id"].tolist() == ids.tolist()
    volume = "volume" if labels.shape[0] > 1 else "area"
    assert found[volume].tolist() == counts.tolist()
    assert found["c1_mean"].tolist() == pytest.approx(ids.tolist())


def test_spacing_scales_lengths():
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[2:6, 2:6, 2:6] = 1
    labels[7:9, 7:9, 7:9] = 2
    plain, wide = object_features(labels), object_features(labels, spacing=(3, 1, 1))
    assert wide["volume"].tolist() == (plain["volume"] * 3).tolist()
    assert wide["major_axis"].tolist() == pytest.approx((plain["major_axis"] * 3).tolist())
    assert wide["nearest"].tolist() == pytest.approx([np.linalg.norm([12, 4, 4])] * 2)


@pytest.mark.parametrize(
    ("labels", "image", "options", "error"),
    [
        (np.zeros((4, 4)), None, {}, AnnotationError),
        (np.zeros((0, 4), int), None, {}, AnnotationError),
        (np.zeros((2, 2, 3, 4), int), None, {}, ProfileError),
        (np.zeros((4, 4), int), np.zeros((4, 5)), {}, ProfileError),
        (np.zeros((4, 4), int), np.zeros((4, 4), complex), {}, ProfileError),
        (np.zeros((4, 4), int), np.zeros((4, 4)), {"channels": ["a", "b"]}, ProfileError),
        (np.zeros((4, 4), int), None, {"parts": ["colour"]}, ProfileError),
        (np.zeros((4, 4), int), None, {"spacing": (1, 1, 1)}, ProfileError),
        (np.zeros((4, 4), int), None, {"spacing": (1, float("nan"))}, ProfileError),
        (np.full((4, 4), 2**63, np.uint64), None, {}, AnnotationError),
    ],
)
def test_what_cannot_be_measured_is_told(labels, image, options, error):
    with pytest.raises(error):
        object_features(labels, image, **options)


def test_a_ratio_by_zero_is_missing():
    assert np.isnan(ratio(np.array([1.0]), np.array([0.0]))).all()
