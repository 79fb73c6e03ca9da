"""Patches around objects, balanced over classes; boxes, points and classes of what a patch shows."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from loading import made
from micrographia.annotations import conform, write_table
from micrographia.loading import LoadingError, patches

CLASSES = """annotations:
  - name: nuclei
    mask_kind: {kind}
    classes:
      - {{id: 1, name: round}}
      - {{id: 2, name: long}}
"""


def table(folder, kind, rows):
    """Add an annotation table to a dataset."""
    (folder / "annotations").mkdir(exist_ok=True)
    write_table(conform(pd.DataFrame(rows), kind)[0], kind, folder / "annotations" / f"{kind}.parquet")
    role = {"role": "table"} if kind == "objects" else {"role": "annotation", "kind": "bounding_boxes"}
    with (folder / "files.tsv").open("a") as file:
        file.write("\t".join(made.row(f"annotations/{kind}.parquet", **role)) + "\n")


@pytest.fixture
def scene(tmp_path):
    labels = made.squares((64, 80))
    made.raw(
        tmp_path,
        {"a": made.numbered((64, 80)), "b": made.numbered((64, 80))},
        {"a": labels, "b": labels[::-1]},
    )
    return tmp_path, {"a": labels, "b": labels[::-1]}


def test_every_object_is_in_the_middle_of_one_patch(scene):
    folder, masks = scene
    found = patches(folder, (15, 15), sampling="objects", seed=4)
    seen = [(patch["image_id"], patch["object"]) for patch in found]
    assert sorted(seen) == sorted(
        (name, one) for name, mask in masks.items() for one in np.unique(mask)[1:].tolist()
    )
    for patch in found:
        y, x = ndimage.center_of_mass(masks[patch["image_id"]] == patch["object"])
        expected = [
            min(max(0, int(np.floor(at + 0.5)) - 7), size - 15)
            for at, size in zip((y, x), (64, 80), strict=True)
        ]
        assert patch["start"].tolist() == expected
        assert patch["object"] in patch["mask"]


def test_jitter_moves_patches(scene):
    folder, _ = scene
    still = {(p["image_id"], p["object"]): p["start"] for p in patches(folder, (16, 16), sampling="objects")}
    moved = {
        (p["image_id"], p["object"]): p["start"]
        for p in patches(folder, (16, 16), sampling="objects", jitter=0.25)
    }
    shifts = np.array([moved[key] - still[key] for key in still])
    assert np.abs(shifts).max() in (3, 4, 5)
    assert len(np.unique(shifts, axis=0)) > 9


def test_objects_of_stacks(tmp_path):
    labels = made.squares((20, 30, 30), 4, 8)
    made.raw(tmp_path, {"a": made.numbered((20, 30, 30))}, {"a": labels})
    for patch in patches(tmp_path, (6, 6, 6), sampling="objects"):
        assert patch["mask"][3, 3, 3] == patch["object"] or 0 in patch["start"]
    planes = list(patches(tmp_path, (6, 6), sampling="objects"))
    assert len(planes) == labels.max()
    assert all(patch["object"] in patch["mask"] for patch in planes)


def test_tables_say_where_objects_are_without_reading_masks(scene):
    """A converted dataset lists its objects; those that are ignored are in the middle of no patch."""
    folder, masks = scene
    measured = list(patches(folder, (15, 15), sampling="objects", seed=4))
    rows = []
    for name, mask in masks.items():
        for one in np.unique(mask)[1:].tolist():
            y, x = ndimage.center_of_mass(mask == one)
            rows.append(
                {
                    "image": name,
                    "set": "nuclei",
                    "label_id": one,
                    "area": 16,
                    "y": y,
                    "x": x,
                    "ignore": one == 3,
                }
            )
    table(folder, "objects", rows)
    listed = patches(folder, (15, 15), sampling="objects", seed=4)
    assert len(listed) == len(measured) - 2
    assert 3 not in {patch["object"] for patch in listed}
    for patch in listed:
        assert (~patch["region"]).sum() == (patch["mask"] == 3).sum()


def test_classes_are_balanced_by_objects(scene):
    folder, masks = scene
    rows = [
        {"image": name, "set": "nuclei", "label_id": one, "class_id": 2 if one % 8 == 0 else 1}
        for name, mask in masks.items()
        for one in np.unique(mask)[1:].tolist()
        if one != 5
    ]
    table(folder, "objects", rows)
    found = list(patches(folder, (9, 9), sampling="balanced", per_epoch=200, classes=True))
    rare = sum(patch["object"] % 8 == 0 for patch in found)
    assert abs(rare - 100) <= 1
    assert 5 not in {patch["object"] for patch in found}
    for patch in found:
        for one, number in patch["classes"].tolist():
            assert number == (-1 if one == 5 else 2 if one % 8 == 0 else 1)
            assert one in patch["mask"]


def test_classes_of_semantic_masks_are_balanced_by_parts(tmp_path):
    labels = np.where(made.squares((60, 60), 5, 11) > 0, 1, 0).astype(np.uint8)
    labels[30:34, 40:44] = 2
    labels[48:58, 2:5] = 2
    labels[48:50, 2:20] = 2  # bent: its centre of mass is outside
    made.raw(tmp_path, {"a": made.numbered((60, 60))}, {"a": labels}, mifa=CLASSES.format(kind="semantic"))
    found = list(patches(tmp_path, (7, 7), sampling="balanced", per_epoch=60, points=True))
    assert sum(patch["object"] == 2 for patch in found) == 30
    for patch in found:
        inside = (patch["start"] > 0).all() and (patch["start"] < 53).all()
        assert not inside or patch["mask"][3, 3] == patch["object"]
        assert (patch["point_classes"] == patch["point_ids"]).all()


def test_without_classes_nothing_can_be_balanced(scene):
    with pytest.raises(LoadingError, match="which class"):
        len(patches(scene[0], (8, 8), sampling="balanced"))


def test_boxes_and_points_are_those_of_the_mask(scene):
    folder, _ = scene
    for patch in patches(folder, (20, 24), boxes=True, points=True, per_epoch=12):
        mask = patch["mask"]
        ids = np.unique(mask)[1:]
        assert patch["box_ids"].tolist() == ids.tolist()
        for box, point, one in zip(patch["boxes"], patch["points"], ids, strict=True):
            y, x = np.nonzero(mask == one)
            assert box.tolist() == [y.min(), x.min(), y.max() + 1, x.max() + 1]
            np.testing.assert_allclose(point, [y.mean(), x.mean()])
        assert (patch["box_classes"] == -1).all()
        assert not patch["point_ignore"].any()


def test_boxes_and_points_of_tables_are_cut(tmp_path):
    made.raw(tmp_path, {"a": made.numbered((40, 50))})
    table(
        tmp_path,
        "boxes",
        [
            {"image": "a", "object_id": 1, "y0": 2, "x0": 3, "y1": 12, "x1": 20, "class_name": "cell"},
            {"image": "a", "object_id": 2, "y0": 30.5, "x0": 40, "y1": 38, "x1": 50, "ignore": True},
        ],
    )
    table(tmp_path, "points", [{"image": "a", "object_id": 7, "y": 5, "x": 6.5, "class_name": "bud"}])
    whole = patches(tmp_path, (40, 50), boxes=True, points=True)[0]
    assert "mask" not in whole
    assert whole["boxes"].tolist() == [[2, 3, 12, 20], [30.5, 40, 38, 50]]
    assert whole["box_ignore"].tolist() == [False, True]
    assert whole["points"].tolist() == [[5, 6.5]]
    assert whole["box_classes"][0] >= 1_000_000
    assert whole["point_classes"][0] != whole["box_classes"][0]
    around = list(patches(tmp_path, (10, 10), boxes=True, sampling="objects"))
    assert [patch["object"] for patch in around] == [1]
    assert around[0]["start"].tolist() == [2, 6]  # the middle of rows 2 to 11 is 6.5, which is nearest to 7
    assert around[0]["boxes"].tolist() == [[0, 0, 10, 10]]
    (tmp_path / "annotations" / "points.parquet").unlink()
    lines = (tmp_path / "files.tsv").read_text().splitlines()
    (tmp_path / "files.tsv").write_text(
        "\n".join(line for line in lines if "points.parquet" not in line) + "\n"
    )
    with pytest.raises(LoadingError, match="neither points nor masks"):
        patches(tmp_path, (10, 10), masks=False, points=True)


def test_boxes_of_planes_hold_for_their_planes(tmp_path):
    made.raw(tmp_path, {"a": made.numbered((6, 20, 20))})
    table(
        tmp_path,
        "boxes",
        [
            {"image": "a", "object_id": 1, "z0": 2, "z1": 4, "y0": 0, "x0": 0, "y1": 20, "x1": 20},
            {"image": "a", "object_id": 2, "y0": 0, "x0": 0, "y1": 20, "x1": 20},
        ],
    )
    for patch in patches(tmp_path, (20, 20), boxes=True, per_epoch=30):
        assert patch["box_ids"].tolist() == ([1, 2] if patch["plane"] in (2, 3) else [2])
    stack = patches(tmp_path, (6, 20, 20), boxes=True)[0]
    assert stack["boxes"].tolist() == [[2, 0, 0, 4, 20, 20], [0, 0, 0, 6, 20, 20]]


def test_object_cap_counts_exactly_around_objects(tmp_path, scene):
    one = made.raw(tmp_path / "one", {"x": made.numbered((20, 20))}, {"x": made.squares((20, 20))})
    objects = made.squares((20, 20)).max()
    found = list(
        patches([one, scene[0]], (8, 8), sampling="objects", weights=[1, 1], object_cap=3, per_epoch=100)
    )
    counts = pd.Series(
        [(patch["dataset"], patch["image_id"], patch["object"]) for patch in found]
    ).value_counts()
    assert counts.max() <= 3
    assert sum(patch["dataset"] == 0 for patch in found) == 3 * objects
    assert len(found) == 100


def test_no_objects_is_an_error(tmp_path):
    made.raw(tmp_path, {"a": made.numbered((20, 20))}, {"a": np.zeros((20, 20), np.uint8)})
    with pytest.raises(LoadingError, match="no objects"):
        len(patches(tmp_path, (8, 8), sampling="objects"))


@pytest.mark.real_data
def test_real_nuclei_in_3d(data, tmp_path):
    from folders import copied
    from micrographia.dataset.describe import DescribeOptions, describe

    folder = copied(data, "plantseg_3d", tmp_path)
    describe(folder, DescribeOptions())
    found = patches(folder, (16, 32, 32), sampling="objects", per_epoch=12, object_size=16)
    for patch in found:
        assert patch["object"] in patch["mask"]
        assert patch["image"].shape == (1, 16, 32, 32)
