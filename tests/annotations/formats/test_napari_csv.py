"""Shapes and points as napari saves them."""

import pytest

from micrographia.annotations import Annotations, read, sniff, write
from micrographia.errors import AnnotationError

SHAPES = """index,shape-type,vertex-index,axis-0,axis-1
0,rectangle,0,1.5,2.5
0,rectangle,1,1.5,9.5
0,rectangle,2,6.5,9.5
0,rectangle,3,6.5,2.5
1,rectangle,0,0,3
1,rectangle,1,3,0
1,rectangle,2,6,3
1,rectangle,3,3,6
2,ellipse,0,1,2
2,ellipse,1,1,8
2,ellipse,2,5,8
2,ellipse,3,5,2
3,path,0,1,2
3,path,1,1,8
3,path,2,5,8
4,line,0,0,0
4,line,1,2,3
5,polygon,0,1,1
5,polygon,1,1,4
5,polygon,2,4,4
6,star,0,1,1
"""
POINTS = "index,axis-0,axis-1,axis-2,label\n0.0,3.0,10.5,20.25,nucleus\n1.0,4.0,11,21,x\n"


def loaded(tmp_path, text, **options):
    (tmp_path / "img.csv").write_text(text)
    assert sniff(tmp_path / "img.csv") == "napari"
    return read(tmp_path / "img.csv", **options)


def test_shapes(tmp_path):
    """Pixel centres are integers: the upright rectangle from 1.5 to 6.5 holds rows 2 to 6, half-open 2 to 7."""
    result = loaded(tmp_path, SHAPES, set_name="s")
    assert result.table("boxes")[["image", "set", "object_id", "y0", "x0", "y1", "x1"]].values.tolist() == [
        ["img", "s", 1, 2, 3, 7, 10]
    ]
    rings = result.table("polygons")
    assert rings[["object_id", "shape"]].values.tolist() == [
        [2, "polygon"], [3, "ellipse"], [4, "path"], [5, "path"], [6, "polygon"]
    ]  # fmt: skip
    assert rings["y"].iloc[0].tolist() == [0, 3, 6, 3]
    (note,) = result.findings
    assert (note.code, "star" in note.message) == ("N005", True)


def test_points(tmp_path):
    result = loaded(tmp_path, POINTS)
    points = result.table("points")
    assert points[["object_id", "z", "y", "x"]].values.tolist() == [[1, 3, 10.5, 20.25], [2, 4, 11, 21]]
    assert points["label"].tolist() == ["nucleus", "x"]
    assert [note.code for note in result.findings] == ["N011"]


def test_four_axes_are_time_and_space(tmp_path):
    text = "index,axis-0,axis-1,axis-2,axis-3\n0,5,1,2,3\n"
    assert loaded(tmp_path, text).table("points")[["t", "z", "y", "x"]].values.tolist() == [[5, 1, 2, 3]]


def test_what_comes_in_goes_out(tmp_path):
    result = loaded(tmp_path, SHAPES.replace("6,star,0,1,1\n", ""))
    assert write(result, tmp_path / "out.csv", "napari") == []
    again = read(tmp_path / "out.csv", image="img")
    for kind in ("boxes", "polygons"):
        before, after = (
            part.table(kind).sort_values("object_id", ignore_index=True) for part in (result, again)
        )
        assert before.drop(columns=["y", "x"], errors="ignore").equals(
            after.drop(columns=["y", "x"], errors="ignore")
        )


def test_points_and_shapes_are_two_files(tmp_path):
    both = Annotations()
    both.add("points", {"image": "a", "object_id": [1], "y": [1], "x": [2], "t": [3]})
    both.add("boxes", {"image": "a", "object_id": [1], "y0": 0, "x0": 0, "y1": 2, "x1": 2})
    with pytest.raises(AnnotationError, match="two files"):
        write(both, tmp_path / "a.csv", "napari")
    write(both, tmp_path / "out", "napari")
    assert read(tmp_path / "out" / "points.csv").table("points")[["t", "z", "y", "x"]].values.tolist() == [
        [3, 0, 1, 2]
    ]
    assert len(read(tmp_path / "out" / "shapes.csv").table("boxes")) == 1


def test_rows_that_are_no_numbers_are_counted(tmp_path):
    result = loaded(tmp_path, "index,axis-0,axis-1\n0,1,2\nx,1,2\n1,inf,2\n1e300,1,2\n")
    assert len(result.table("points")) == 1
    assert result.findings[0].evidence["count"] == 3


def test_shapes_across_planes_are_left_out(tmp_path):
    text = "index,shape-type,vertex-index,axis-0,axis-1,axis-2\n0,line,0,0,1,1\n0,line,1,1,2,2\n"
    result = loaded(tmp_path, text)
    assert result.tables == {}
    assert "not in one plane" in result.findings[-1].message


@pytest.mark.parametrize(
    "text",
    [
        "index,axis-0,axis-1\n0,1,2,3\n1,2\n",
        "index,axis-0,axis-2\n",
        "a,b\n",
        "index,axis-0,axis-1,axis-2,axis-3,axis-4\n",
    ],
)
def test_other_tables_are_refused(text, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    if "0,1,2,3" in text:
        assert len(read(tmp_path / "a.csv", "napari").findings) > 0
    else:
        with pytest.raises(AnnotationError):
            read(tmp_path / "a.csv", "napari")
