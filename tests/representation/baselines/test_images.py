import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage

from folders import lab
from label_images import discs
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.errors import DatasetError, ProfileError
from micrographia.images import ArrayImage, Channel, open_image
from micrographia.representation.baselines import NAMES, image_baselines, object_features
from micrographia.representation.baselines.names import OF_IMAGES, OF_OBJECTS, object_part

RNG = np.random.default_rng(8)
LABELS = [discs(96, seed=at) for at in range(3)]
IMAGES = [(RNG.poisson(20, (2, 96, 96)) + 100 * (labels > 0)).astype(np.uint16) for labels in LABELS]


@pytest.fixture
def dataset(tmp_path):
    """Six simulated fields of a plate, described."""
    folder = lab(tmp_path, images=6, seed=4)
    describe(
        folder,
        DescribeOptions(workers=1, groups=("plate=treatments.csv:plate", "well=treatments.csv:well")),
    )
    return folder


def find_components(masks):
    """Count the components of the mask of nuclei by another program."""
    (nuclei,) = [mask.image.read() for mask in masks if mask.set == "nuclei"]
    return ndimage.label(nuclei, np.ones((3, 3)))[1]


def equal(one, other):
    assert list(one) == list(other)
    for name in one:
        assert np.array_equal(one[name].values, other[name].values, equal_nan=True), name
        assert one[name].meta.equals(other[name].meta), name
        assert one[name].source == other[name].source, name


def test_arrays_give_every_baseline_that_needs_no_plate():
    found = image_baselines(IMAGES, labels=LABELS, dimension=40)
    assert list(found) == [name for name in NAMES if name in found]
    assert set(OF_IMAGES) - set(found) == {"stain", "well position", "plate", "plate and position"}
    for name, profiles in found.items():
        assert profiles.n == 3
        assert profiles.name == name or name == "projection"
        assert profiles.values.dtype == np.float64
        assert profiles.meta["image"].tolist() == ["0", "1", "2"]
        assert np.isfinite(profiles.values).all(), name
        assert profiles.source["undefined"] == [], name
        assert len(set(profiles.names)) == profiles.d
        assert json.loads(json.dumps(profiles.source)) == profiles.source
    assert found["projection"].d == 40
    assert found["count"].values[:, 0].tolist() == [len(np.unique(labels)) - 1 for labels in LABELS]
    kinds = {name: profiles.source["kind"] for name, profiles in found.items()}
    assert {name for name, kind in kinds.items() if kind == "density"} == {
        "count",
        "density proxy",
        "neighbours",
    }
    assert kinds["projection"] == "random"


def test_without_labels_density_is_a_proxy_that_says_so():
    found = image_baselines(IMAGES)
    assert "count" not in found
    assert "objects" not in found
    assert found["density proxy"].source["stands_for"].startswith("object count")
    with pytest.raises(ProfileError, match="'count' needs label images"):
        image_baselines(IMAGES, ["count"])


def test_the_features_of_an_image_are_those_of_its_objects():
    found = image_baselines(IMAGES, ["objects", "shape", "object intensity", "neighbours"], labels=LABELS)
    table = object_features(LABELS[1], IMAGES[1])
    row = dict(zip(found["objects"].names, found["objects"].values[1], strict=True))
    assert row["area_mean"] == pytest.approx(table["area"].mean())
    assert row["area_sd"] == pytest.approx(table["area"].std())
    assert row["c2_mean_median"] == pytest.approx(table["c2_mean"].median())
    parts = [name for part in ("shape", "object intensity", "neighbours") for name in found[part].names]
    assert sorted(parts) == sorted(found["objects"].names)
    assert object_part("c1_mean") == object_part("c1_mean_mean") == "object intensity"
    assert object_part("area_sd") == "shape"
    assert object_part("nearest_5_mean") == "neighbours"


def test_objects_are_rows_by_label():
    found = image_baselines(IMAGES, per="object", labels=LABELS)
    assert list(found) == list(OF_OBJECTS)
    known = pd.concat([object_features(labels, image) for labels, image in zip(LABELS, IMAGES, strict=True)])
    every = found["objects"]
    assert every.meta["label_id"].tolist() == known["label_id"].tolist()
    for name in every.names:
        np.testing.assert_array_equal(
            every.column if name == "" else every.select([name]).values[:, 0], known[name]
        )
    assert found["shape"].d + found["object intensity"].d + found["neighbours"].d == every.d
    place = found["place"].values
    assert ((place[:, :2] > 0) & (place[:, :2] < 1)).all()
    assert place[:, 2].max() <= 48


def test_rows_come_in_the_order_asked():
    rows = pd.DataFrame({"image": ["2", "0", "2"], "label_id": [3, 1, 1], "fold": [0, 1, 2]})
    found = image_baselines(
        IMAGES, ["shape", "place"], per="object", labels=LABELS, images=["0", "1", "2"], rows=rows
    )
    whole = image_baselines(IMAGES, ["shape"], per="object", labels=LABELS)["shape"]
    place = [
        np.flatnonzero((whole.meta["image"] == image) & (whole.meta["label_id"] == label))[0]
        for image, label in zip(rows["image"], rows["label_id"], strict=True)
    ]
    assert np.array_equal(found["shape"].values, whole.values[place])
    assert found["place"].meta[["image", "label_id", "fold"]].equals(rows)
    with pytest.raises(ProfileError, match="label_id 999"):
        image_baselines(
            IMAGES, per="object", labels=LABELS, images=["0", "1", "2"], rows=rows.assign(label_id=999)
        )
    with pytest.raises(ProfileError, match="no column 'image'"):
        image_baselines(IMAGES, rows=pd.DataFrame({"well": ["A01"]}))


def test_images_of_different_channels_are_measured_by_their_mean():
    colour = ArrayImage(RNG.integers(0, 255, (3, 64, 64)).astype(np.uint8), "CYX", rgb=True)
    grey = RNG.integers(0, 255, (64, 64)).astype(np.uint8)
    found = image_baselines([grey, colour], ["intensity", "colour", "stain"])
    assert found["intensity"].source["mean_of_channels"]
    assert found["intensity"].source["channels"] == ["mean"]
    assert found["intensity"].values[1, 0] == pytest.approx(colour.read().mean())
    assert np.isnan(found["stain"].values[0]).all()
    with pytest.raises(ProfileError, match="1, 3 channels"):
        image_baselines([grey, colour], channels="each")


def test_channels_keep_their_names():
    named = [ArrayImage(image, "CYX", channels=[Channel("Actin"), Channel("DAPI")]) for image in IMAGES]
    found = image_baselines(named, ["intensity", "density proxy"])
    assert found["intensity"].names[0] == "Actin_mean"
    assert found["density proxy"].source["density_channel"] == "DAPI"
    alone = image_baselines([image[1] for image in IMAGES], ["density proxy"])
    assert np.array_equal(found["density proxy"].values, alone["density proxy"].values)


def test_stacks_and_movies():
    stack = np.stack([IMAGES[0][0]] * 3)
    labels = np.stack([LABELS[0]] * 3)
    found = image_baselines([stack], labels=[labels], axes="ZYX")
    assert "volume_mean" in found["objects"].names
    movie = image_baselines([stack], labels=[labels[:, None]], axes="TYX")
    flat = image_baselines([IMAGES[0][0]], labels=[LABELS[0]])
    assert movie["count"].values[0, 0] == flat["count"].values[0, 0] == found["count"].values[0, 0]
    for name in ("intensity", "texture", "spectrum", "pixels"):
        np.testing.assert_allclose(movie[name].values, flat[name].values, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[name].values, flat[name].values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("plane", ["constant", "NaN", "one pixel", "huge values"])
def test_strange_images_are_numbers_or_have_reasons(plane):
    size = (1, 1) if plane == "one pixel" else (40, 40)
    value = {"constant": 7.0, "NaN": np.nan, "one pixel": 3.0, "huge values": 1e300}[plane]
    image = np.full(size, value)
    labels = np.zeros(size, np.uint8)
    labels[0, 0] = 1
    found = image_baselines([image, image], labels=[labels, np.zeros_like(labels)])
    for name, profiles in found.items():
        missing = np.isnan(profiles.values).any(axis=1)
        assert not np.isinf(profiles.values).any(), name
        assert bool(missing.any()) == bool(profiles.source["undefined"]), name
    assert found["count"].values[:, 0].tolist() == [1, 0]
    told = {entry["reason"] for entry in found["objects"].source["undefined"]}
    assert {"no object in the image", "a single object has no SD"} <= told


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held * 1e200,
        lambda held: held * 1e-320,
        lambda held: np.clip(held, -1, 1) * 1.7e308,
        lambda held: np.where(held > 1, np.inf, np.where(held < -1, -np.inf, held)),
        lambda held: held > 0,
        lambda held: (held * 2**60).astype(np.int64),
        lambda held: (np.clip(held, -1, 1) * 3.4e38).astype(np.float32),
        lambda held: held.astype(np.float16),
        lambda held: held[:1],
    ],
)
def test_strange_numbers_are_numbers_or_have_reasons(change):
    image = change(np.random.default_rng(0).normal(size=(96, 96)))
    labels = LABELS[0][: len(image)]
    found = image_baselines([image], labels=[labels]) | image_baselines(
        [image], per="object", labels=[labels]
    )
    for name, profiles in found.items():
        assert not np.isinf(profiles.values).any(), name
        assert bool(np.isnan(profiles.values).any()) == bool(profiles.source["undefined"]), name


def test_a_dataset_in_the_order_asked_whatever_the_workers(dataset):
    names = list(open_dataset(dataset).image_ids)[::-1]
    one = image_baselines(dataset, images=names, workers=1)
    equal(one, image_baselines(str(dataset), images=names, workers=3))
    assert one["count"].column("image").tolist() == names
    assert {"well position", "plate", "plate and position"} <= set(one)
    assert one["well position"].source["kind"] == "layout"
    assert one["count"].meta.columns.tolist() == ["image", "plate", "well"]
    back = image_baselines(open_dataset(dataset), ["intensity"], images=names[::-1])
    assert np.array_equal(back["intensity"].values[::-1], one["intensity"].values)
    objects = image_baselines(dataset, per="object", workers=2)
    assert len(objects["shape"]) == one["count"].values[:, 0].sum()


def test_conversion_changes_no_baseline(dataset, tmp_path):
    raw = open_dataset(dataset)
    convert(raw, tmp_path / "converted", ConvertOptions(workers=1))
    one, other = (image_baselines(folder, workers=1) for folder in (dataset, tmp_path / "converted"))
    assert list(one) == list(other)
    for name, profiles in one.items():
        assert np.array_equal(profiles.values, other[name].values, equal_nan=True), name


def test_an_image_that_cannot_be_read_is_a_row_with_a_reason(dataset):
    opened = open_dataset(dataset)
    broken = opened.image_ids[2]
    opened.locate(opened.image_rows(broken)[0]).write_bytes(b"no image")
    found = image_baselines(dataset, ["count", "intensity"])
    assert np.isnan(found["intensity"].values[2]).all()
    assert np.isfinite(found["intensity"].values[[0, 1, 3, 4, 5]]).all()
    assert found["intensity"].source["undefined"][0]["first"] == [broken]


def test_labels_of_another_size_are_a_row_with_a_reason(dataset):
    opened = open_dataset(dataset)
    (row,) = opened.mask_rows(opened.image_ids[1])
    tifffile.imwrite(opened.locate(row), np.ones((5, 5), np.uint16))
    found = image_baselines(dataset, ["shape", "intensity"])
    assert np.isnan(found["shape"].values[1]).all()
    assert np.isfinite(found["intensity"].values).all()
    told = [
        entry["first"] for entry in found["shape"].source["undefined"] if "size of their" in entry["reason"]
    ]
    assert told == [[opened.image_ids[1]]]
    with pytest.raises(ProfileError, match="no image has objects"):
        image_baselines(dataset, ["shape"], per="object", images=[opened.image_ids[1]])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"which": ["colours"]}, "no baseline 'colours'"),
        ({"which": ["stain"]}, "needs a colour picture"),
        ({"which": ["plate"]}, "group columns"),
        ({"per": "well"}, "per well"),
        ({"per": "object"}, "no label images"),
        ({"channels": "first"}, "channels 'first'"),
        ({"labels": LABELS[:1]}, "1 label images"),
        ({"axes": "YX"}, "no image YX"),
    ],
)
def test_what_cannot_be_is_told(options, problem):
    with pytest.raises(ProfileError, match=problem):
        image_baselines(IMAGES, **options)


def test_no_image_and_no_dataset(tmp_path):
    assert image_baselines(IMAGES, []) == {}
    with pytest.raises(ProfileError, match="no image to measure"):
        image_baselines([])
    with pytest.raises(ProfileError, match="is no image"):
        image_baselines([np.array(["a"])])
    with pytest.raises(DatasetError):
        image_baselines(tmp_path / "nowhere")


@pytest.mark.real_data
def test_binary_masks_are_counted_by_components_and_say_so(data, tmp_path):
    folder = tmp_path / "nf1"
    for path in (data / "nf1_cellpainting").glob("Plate_2_*/[BD]*"):
        place = folder / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    describe(folder, DescribeOptions(workers=1))
    found = image_baselines(folder, ["count", "density proxy"], annotation_set="nuclei")
    assert found["count"].source["exact"] is False
    assert found["count"].source["annotation_set"] == "nuclei"
    assert found["count"].source["notes"] == ["connected components of binary masks stand for objects"]
    assert found["density proxy"].source["density_channel"] == "DAPI"
    nuclei = [find_components(open_dataset(folder).masks(name)) for name in found["count"].column("image")]
    assert found["count"].values[:, 0].tolist() == nuclei
    with pytest.raises(ProfileError, match="no label images of a set 'spots'"):
        image_baselines(folder, ["count"], annotation_set="spots")


@pytest.mark.real_data
def test_nuclei_of_fluorescence_and_histology(data, tmp_path):
    index = pd.read_csv(data / "dsb2018/index.csv").groupby("channels").head(4)
    pictures = {3: [], 1: []}
    for row in index.itertuples():
        labels = open_image(next((data / "dsb2018/labels").glob(f"{row.name}.*")))
        pictures[row.channels].append(
            (open_image(next((data / "dsb2018/images").glob(f"{row.name}.*"))), labels, row.n_labels)
        )
    for channels, held in pictures.items():
        found = image_baselines([image for image, _, _ in held], labels=[labels for _, labels, _ in held])
        assert found["count"].values[:, 0].tolist() == [count for _, _, count in held]
        assert len(found["intensity"].names) == 13 * channels
        assert ("stain" in found) == (channels == 3)
