"""COCO JSON, against pycocotools and by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as peer
from pycocotools.coco import COCO

from annotation_cases import plain_annotations
from label_images import discs, planes
from micrographia.annotations import (
    Annotations,
    Mask,
    MaskKey,
    labels_from_polygons,
    polygons_from_labels,
    read,
    write,
)
from micrographia.annotations.formats import Coco, coco_rle, json_stream
from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage

masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: arrays(np.uint8, size, elements=st.integers(0, 1))
)


def document(**parts):
    return {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "nucleus", "supercategory": "cell"}],
        "annotations": [],
    } | parts


def loaded(tmp_path, **parts):
    (tmp_path / "c.json").write_text(json.dumps(document(**parts)))
    return read(tmp_path / "c.json")


def annotation(**parts):
    return {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 20, 5, 7]} | parts


@given(masks)
def test_run_lengths_agree_with_pycocotools(mask):
    expected = peer.encode(np.asfortranarray(mask))
    counts = coco_rle.encode(mask)
    assert coco_rle.compress(counts) == expected["counts"]
    assert (coco_rle.decompress(expected["counts"]) == counts).all()
    listed = {"size": list(mask.shape), "counts": counts.tolist()}
    assert peer.frPyObjects(listed, *mask.shape)["counts"] == expected["counts"]
    crop, top, left = coco_rle.crop_of(counts, mask.shape[0])
    whole = np.zeros_like(mask)
    whole[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    assert (whole == mask).all()
    assert crop.sum() == peer.area(expected)


@given(planes())
def test_run_lengths_of_labels_agree_with_pycocotools(labels):
    found = dict(coco_rle.encode_labels(labels))
    assert sorted(found) == [label for label in np.unique(labels) if label]
    for label, counts in found.items():
        assert (
            coco_rle.compress(counts)
            == peer.encode(np.asfortranarray(labels == label).view(np.uint8))["counts"]
        )


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("segmentation", ["polygons", "rle", "compressed"])
def test_pycocotools_sees_the_same_pixels(segmentation, tmp_path, capsys):
    labels = discs(64, 16)
    labels[20:40, 20:40] = 200
    labels[25:30, 25:30] = 0
    polygons = polygons_from_labels(labels, image="a.png")
    annotations = Annotations({"polygons": polygons}, sizes={"a.png": labels.shape})
    write(annotations, tmp_path / "c.json", Coco(segmentation))
    other = COCO(tmp_path / "c.json")
    capsys.readouterr()
    assert sorted(other.anns) == [label for label in np.unique(labels) if label]
    for label, entry in other.anns.items():
        painted = other.annToMask(entry)
        if segmentation != "polygons" or isinstance(entry["segmentation"], dict):
            assert (painted == (labels == label)).all()
        assert entry["area"] == (labels == label).sum()
    again = read(tmp_path / "c.json").table("polygons")
    assert (labels_from_polygons(again, labels.shape).layers[0] == labels).all()


@pytest.mark.parametrize("segmentation", ["polygons", "compressed"])
def test_label_images_are_written_as_run_lengths(segmentation, tmp_path):
    labels = discs(48, 16)
    mask = Mask(ArrayImage(labels, "YX"), "instance")
    write(Annotations(masks={MaskKey("a.png"): mask}), tmp_path / "c.json", Coco(segmentation))
    entry = json.loads((tmp_path / "c.json").read_text())["annotations"][0]
    assert isinstance(entry["segmentation"]["counts"], str if segmentation == "compressed" else list)
    again = read(tmp_path / "c.json")
    assert (labels_from_polygons(again.table("polygons"), labels.shape).layers[0] == labels).all()
    assert again.sizes == {"a.png": (48, 48)}


def test_numbers_from_the_corner(tmp_path):
    """Pixels of columns 10 to 14 and rows 20 to 26: edges at 10, 15 and 20, 27 from the corner of the image."""
    ring = [10, 20, 15, 20, 15, 27, 10, 27]
    result = loaded(tmp_path, annotations=[annotation(segmentation=[ring])])
    (box,) = result.table("boxes").itertuples()
    assert (box.y0, box.x0, box.y1, box.x1) == (20, 10, 27, 15)
    (polygon,) = result.table("polygons").itertuples()
    assert polygon.x.tolist() == [9.5, 14.5, 14.5, 9.5]
    assert polygon.y.tolist() == [19.5, 19.5, 26.5, 26.5]
    painted = labels_from_polygons(result.table("polygons"), (30, 40)).layers[0]
    assert painted[20:27, 10:15].all()
    assert painted.sum() == 35


def test_what_the_file_says_is_read(tmp_path):
    result = loaded(
        tmp_path,
        annotations=[
            annotation(iscrowd=1, score=0.5, track=9),
            annotation(id=2, segmentation=[1, 1, 5, 1, 5, 4], bbox=[]),
        ],
        info={"year": 2020},
        licenses=[{"id": 1, "name": "CC0"}],
    )
    (box,) = result.table("boxes").itertuples()
    assert (box.image, box.class_id, box.class_name, box.ignore, box.confidence) == (
        "a.png",
        3,
        "nucleus",
        True,
        0.5,
    )
    assert json.loads(box.attributes) == {"track": 9}
    assert result.table("polygons")["object_id"].tolist() == [2]
    assert result.sizes == {"a.png": (30, 40)}
    assert [(entry.id, entry.name, entry.parent) for entry in result.classes] == [(3, "nucleus", "cell")]
    assert result.about == {"info": {"year": 2020}, "licenses": [{"id": 1, "name": "CC0"}]}
    assert result.findings == []


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("../../etc/passwd", "passwd"),
        ("/data/a.png", "a.png"),
        ("C:\\lab\\a.png", "a.png"),
        ("train/../../a.png", "a.png"),
        ("https://host/a.png", "a.png"),
        ("train/a.png", None),
        ("./b.png", None),
        ("..", "unnamed"),
        ("Bild ä.png", None),
    ],
)
def test_names_that_leave_the_folder_are_findings(name, taken, tmp_path):
    images = [{"id": 7, "file_name": name}]
    result = loaded(tmp_path, images=images, annotations=[annotation()])
    assert [note.code for note in result.findings] == (["N008"] if taken else [])
    assert result.table("boxes")["image"].tolist() == [taken or name.removeprefix("./")]


def test_problems_are_counted(tmp_path):
    result = loaded(
        tmp_path,
        annotations=[
            annotation(image_id=99),
            annotation(bbox=[1, 2]),
            annotation(id=5, category_id=8, segmentation=[[1, 2, 3, 4]]),
            annotation(id=5, segmentation={"size": [3, 3], "counts": [20]}),
            "text",
        ],
        categories=[{"name": "no id"}],
        extra=[],
    )
    assert len(result.table("boxes")) == 2
    said = " ".join(note.message for note in result.findings)
    for part in (
        "of no image",
        "not four numbers",
        "neither box",
        "no category",
        "three or more pairs",
        "do not fit",
        "extra",
        "ids are",
    ):
        assert part in said
    assert result.table("boxes")["object_id"].tolist() == [1, 2]


def test_ids_that_repeat_over_images_stay(tmp_path):
    annotations = Annotations(sizes={"a": (9, 9), "b": (9, 9)})
    for image in "ab":
        annotations.add(
            "boxes", {"image": image, "object_id": [1, 2], "y0": 0, "x0": 0, "y1": 1, "x1": [1, 2]}
        )
    write(annotations, tmp_path / "c.json", "coco")
    entries = json.loads((tmp_path / "c.json").read_text())["annotations"]
    assert [entry["id"] for entry in entries] == [1, 2, 3, 4]
    again = read(tmp_path / "c.json")
    assert again.table("boxes")[["image", "object_id"]].values.tolist() == [
        ["a", 1],
        ["a", 2],
        ["b", 1],
        ["b", 2],
    ]
    assert again.findings == []


def test_boxes_and_outlines_of_one_object_stay_together(tmp_path):
    annotations = plain_annotations()
    annotations.tables["polygons"]["object_id"] = annotations.tables["boxes"]["object_id"]
    del annotations.tables["points"]
    write(annotations, tmp_path / "c.json", "coco")
    again = read(tmp_path / "c.json")
    assert len(json.loads((tmp_path / "c.json").read_text())["annotations"]) == 2
    for kind in ("boxes", "polygons"):
        assert again.table(kind)["object_id"].tolist() == [1, 2]
    assert again.table("boxes")[["y0", "x1"]].values.tolist() == [[1, 18], [4, 40]]


def test_holes_without_a_size_are_told(tmp_path):
    ring = np.ones((5, 5), np.uint8)
    ring[2, 2] = 0
    annotations = Annotations({"polygons": polygons_from_labels(ring, image="a")})
    findings = write(annotations, tmp_path / "c.json", "coco")
    assert {note.field for note in findings} >= {"polygons.ring", "sizes", "class_name"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{",
        '{"images": 3, "annotations": []}',
        '{"images": [}',
        '{"images": [], "annotations": []} more',
        '{"annotations": []}',
        '{"images": [], "annotations": [{"id": NaN, "x": 1e999999}]',
        '{"images": [{"id": ' + "9" * 5000 + "}]}",
        '{"images": [], "a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"images": [], "a": ' + "[" * 100_000,
    ],
)
def test_broken_files_are_refused(content, tmp_path):
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(AnnotationError, match=r"c\.json"):
        read(tmp_path / "c.json", "coco")


def test_elements_beyond_measure_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "MAX_ELEMENT", 1000)
    with pytest.raises(AnnotationError, match="element of"):
        loaded(tmp_path, annotations=[annotation(segmentation=[[1] * 1000])])
    monkeypatch.setattr(json_stream, "MAX_ELEMENT", 1 << 20)
    monkeypatch.setattr(json_stream, "MAX_CONTAINERS", 100)
    with pytest.raises(AnnotationError, match="too many lists"):
        loaded(tmp_path, annotations=[annotation(segmentation=[[]] * 200)])


@pytest.mark.parametrize(
    "said",
    [
        {"size": [2**40, 2**40], "counts": [0, 2**79]},
        {"size": [10, 10], "counts": "~~~~"},
        {"size": [10, 10], "counts": "oooooooooooooooooooo"},
        {"size": [10, 10], "counts": [-5, 20]},
        {"size": [30000, 30000], "counts": [0, 900_000_000]},
        {"size": "x", "counts": []},
        {"counts": [1]},
    ],
)
def test_impossible_run_lengths_are_left_out(said, tmp_path):
    result = loaded(tmp_path, annotations=[annotation(segmentation=said)])
    assert len(result.table("boxes")) == 1
    assert len(result.table("polygons")) == 0
    assert "masks were left out" in result.findings[0].message


def test_halves_of_surrogate_pairs_are_replaced(tmp_path):
    result = loaded(
        tmp_path, images=[{"id": 7, "file_name": "\ud83d.png"}], annotations=[annotation(note="\udc00")]
    )
    assert result.table("boxes")["image"].tolist() == ["\ufffd.png"]
    assert json.loads(result.table("boxes")["attributes"].iloc[0]) == {"note": "\ufffd"}


def test_a_file_in_latin_1_is_read(tmp_path):
    text = json.dumps(document(annotations=[annotation()]), ensure_ascii=False).replace(
        "nucleus", "Zellkörper"
    )
    (tmp_path / "c.json").write_bytes(text.encode("latin-1"))
    result = read(tmp_path / "c.json")
    assert result.table("boxes")["class_name"].tolist() == ["Zellkörper"]
    assert [note.code for note in result.findings] == ["N001"]


def test_ellipses_are_written_as_polygons(tmp_path):
    annotations = Annotations(sizes={"a": (30, 30)})
    corners = {"y": [[4.5, 4.5, 14.5, 14.5]], "x": [[4.5, 24.5, 24.5, 4.5]]}
    annotations.add("polygons", {"image": "a", "object_id": [1], "shape": "ellipse"} | corners)
    findings = write(annotations, tmp_path / "c.json", "coco")
    assert "N007" in {note.code for note in findings}
    (entry,) = json.loads((tmp_path / "c.json").read_text())["annotations"]
    assert len(entry["segmentation"][0]) == 128
    assert entry["bbox"] == pytest.approx([5, 5, 20, 10])
    assert entry["area"] == pytest.approx(np.pi * 10 * 5, rel=0.01)


def test_a_list_of_other_things_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("micrographia.annotations.formats.coco.MAX_STRAY", 10)
    with pytest.raises(AnnotationError, match="other things than objects"):
        loaded(tmp_path, annotations=[[]] * 20)
