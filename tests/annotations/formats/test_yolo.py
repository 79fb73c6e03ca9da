"""YOLO text."""

import pytest

from annotation_cases import plain_annotations
from micrographia.annotations import Annotations, Mask, MaskKey, read, sniff, write
from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage


def loaded(tmp_path, text, shapes=(100, 200), **others):
    (tmp_path / "img.txt").write_text(text)
    for name, content in others.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    return read(tmp_path / "img.txt", "yolo", shapes)


def test_numbers_from_the_corner_as_fractions(tmp_path):
    """In an image of 100 x 200: columns 20 to 59 and rows 10 to 29; the same as an outline."""
    result = loaded(
        tmp_path, "0 0.2 0.2 0.2 0.2\n1 0.1 0.1 0.3 0.1 0.3 0.3 0.1 0.3 0.5\n2 0.5 0.5 0.1 0.1 0.75\n"
    )
    boxes = result.table("boxes")
    assert boxes[["y0", "x0", "y1", "x1"]].iloc[0].tolist() == pytest.approx([10, 20, 30, 60])
    assert boxes[["image", "class_id", "object_id"]].values.tolist() == [["img", 0, 1], ["img", 2, 3]]
    assert boxes["confidence"].tolist()[1] == 0.75
    (ring,) = result.table("polygons").itertuples()
    assert ring.x == pytest.approx([19.5, 59.5, 59.5, 19.5])
    assert ring.y == pytest.approx([9.5, 9.5, 29.5, 29.5])
    assert (ring.class_id, ring.confidence) == (1, 0.5)
    assert result.sizes == {"img": (100, 200)}


def test_the_size_must_be_known(tmp_path):
    with pytest.raises(AnnotationError, match="size of 'img' is unknown"):
        loaded(tmp_path, "0 0.5 0.5 1 1\n", {})


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("data_yaml", "names: [cell, debris]\n"),
        ("data_yaml", "path: ../../etc\ntrain: /abs\nnames:\n  0: cell\n  1: debris\n  2: [no]\n  x: y\n"),
        ("classes_txt", "cell\ndebris\n"),
    ],
)
def test_names_of_classes(file, content, tmp_path):
    result = loaded(tmp_path, "1 0.5 0.5 1 1\n", **{file: content})
    assert result.table("boxes")["class_name"].tolist() == ["debris"]
    assert [entry.name for entry in result.classes] == ["cell", "debris"]


@pytest.mark.parametrize(
    "content",
    [
        "names: !!python/object/apply:os.system ['false']\n",
        "names: [a\n",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nnames: *c\n",
        "- 1\n",
        "",
        "[" * 3000,
    ],
)
def test_class_files_that_are_none_do_no_harm(content, tmp_path):
    result = loaded(tmp_path, "1 0.5 0.5 1 1\n", data_yaml=content)
    assert result.table("boxes")["class_name"].tolist() == [""]


def test_lines_that_are_none_are_counted(tmp_path):
    result = loaded(tmp_path, "0 0.5 0.5 1 1\n0 0.5\nx 1 1 1 1\n1.5 0.1 0.1 0.1 0.1\n0 nan 0 0 0\n\n")
    assert len(result.table("boxes")) == 1
    (note,) = result.findings
    assert (note.code, note.line, note.evidence["lines"]) == ("N003", 2, [2, 3, 4, 5])


def test_a_folder(tmp_path):
    before = plain_annotations()
    del before.tables["points"]
    findings = write(before, tmp_path / "out", "yolo")
    assert {note.field for note in findings} == {"boxes.object_id", "polygons.object_id"}
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")) == [
        "classes.txt",
        "data.yaml",
        "labels/a.txt",
    ]
    assert sniff(tmp_path / "out") == "yolo"
    after = read(tmp_path / "out", image_shapes={"a": (64, 128)}, set_name="s")
    assert [(entry.id, entry.name) for entry in after.classes] == [(0, "cell"), (1, "debris")]
    for kind in ("boxes", "polygons"):
        assert after.table(kind)["class_name"].tolist() == ["cell", "debris"]
        assert after.table(kind)["set"].tolist() == ["s", "s"]
    for name in ("y0", "x0", "y1", "x1"):
        assert after.table("boxes")[name].tolist() == pytest.approx(before.table("boxes")[name].tolist())


def test_what_is_lost_is_told(tmp_path):
    before = Annotations(sizes={"a": (9, 9)})
    hole = {"y": [[0.0, 0.0, 8.0, 8.0], [2.0, 2.0, 4.0]], "x": [[0.0, 8.0, 8.0, 0.0], [2.0, 4.0, 4.0]]}
    before.add("polygons", {"image": "a", "object_id": 1, "part": 0, "ring": [0, 1]} | hole)
    before.add("polygons", {"image": "a", "object_id": [2], "shape": "path", "y": [[0, 1]], "x": [[0, 1]]})
    before.add(
        "polygons",
        {"image": "a", "object_id": [3], "shape": "ellipse", "y": [[0, 0, 4, 4]], "x": [[0, 4, 4, 0]]},
    )
    before.add("boxes", {"image": "a", "object_id": [1], "y0": 0, "x0": 0, "y1": 9, "x1": 9})
    said = " ".join(note.message for note in write(before, tmp_path / "out", "yolo"))
    for part in ("holes are lost", "open lines", "64 vertices", "beside the outline", "class `object`"):
        assert part in said


def test_sizes_come_from_masks_or_are_asked_for(tmp_path):
    import numpy as np

    labels = np.zeros((10, 20), np.uint8)
    labels[2:5, 4:9] = 1
    write(
        Annotations(masks={MaskKey("a"): Mask(ArrayImage(labels, "YX"), "instance")}),
        tmp_path / "out",
        "yolo",
    )
    words = (tmp_path / "out" / "labels" / "a.txt").read_text().split()
    assert sorted({float(word) for word in words[1::2]}) == [0.2, 0.45]
    boxes = Annotations()
    boxes.add("boxes", {"image": "a", "object_id": [1], "y0": 0, "x0": 0, "y1": 9, "x1": 9})
    with pytest.raises(AnnotationError, match="needs the size of 'a'"):
        write(boxes, tmp_path / "other", "yolo")
    with pytest.raises(AnnotationError, match="is a folder"):
        write(boxes, tmp_path / "a.txt", "yolo")


def test_negative_classes_cannot_be_written(tmp_path):
    boxes = Annotations(sizes={"a": (9, 9)})
    boxes.add("boxes", {"image": "a", "object_id": [1], "y0": 0, "x0": 0, "y1": 9, "x1": 9, "class_id": -1})
    with pytest.raises(AnnotationError, match="class -1"):
        write(boxes, tmp_path / "out", "yolo")


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "classes.txt").write_text("cell\n")
    with pytest.raises(AnnotationError, match="no label files"):
        read(tmp_path, "yolo", (9, 9))
