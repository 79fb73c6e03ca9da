"""ImageJ regions of interest, against roifile and by hand."""

import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi, roiread, roiwrite

from label_images import planes
from micrographia.annotations import (
    Annotations,
    labels_from_boxes,
    labels_from_polygons,
    polygons_from_labels,
    read,
    write,
)
from micrographia.annotations.formats import imagej_roi
from micrographia.errors import AnnotationError


def loaded(tmp_path, *rois):
    roiwrite(tmp_path / "a.zip", rois, name=[f"r{k}" for k in range(len(rois))], mode="w")
    return read(tmp_path / "a.zip")


def vertices(kind, points, **fields):
    roi = ImagejRoi.frompoints(points)
    roi.roitype = kind
    for name, value in fields.items():
        setattr(roi, name, value)
    return roi


def test_areas_are_measured_from_the_corner(tmp_path):
    """ImageJ's rectangle at 2, 3 of 4 x 5 is columns 2 to 5 and rows 3 to 7; so is the polygon around it."""
    rect = ImagejRoi(roitype=ROI_TYPE.RECT, left=2, top=3, right=6, bottom=8)
    polygon = vertices(ROI_TYPE.POLYGON, [[2, 3], [6, 3], [6, 8], [2, 8]])
    result = loaded(tmp_path, rect, polygon)
    expected = np.zeros((10, 10), bool)
    expected[3:8, 2:6] = True
    boxes, rings = result.table("boxes"), result.table("polygons")
    assert boxes[["y0", "x0", "y1", "x1"]].values.tolist() == [[3, 2, 8, 6]]
    assert rings["x"].iloc[0].tolist() == [1.5, 5.5, 5.5, 1.5]
    assert ((labels_from_boxes(boxes, (10, 10)).layers[0] > 0) == expected).all()
    assert ((labels_from_polygons(rings, (10, 10)).layers[0] > 0) == expected).all()


def test_lines_and_points_are_measured_from_the_centre(tmp_path):
    line = ImagejRoi(roitype=ROI_TYPE.LINE, x1=1.5, y1=2, x2=7, y2=9)
    bent = vertices(ROI_TYPE.POLYLINE, [[1, 2], [3, 4], [5, 4]])
    dots = vertices(ROI_TYPE.POINT, [[4, 5], [6, 7]], name="dots")
    result = loaded(tmp_path, line, bent, dots)
    paths = result.table("polygons")
    assert paths["shape"].tolist() == ["path", "path"]
    assert (paths["x"].iloc[0].tolist(), paths["y"].iloc[0].tolist()) == ([1.5, 7], [2, 9])
    assert paths["x"].iloc[1].tolist() == [1, 3, 5]
    assert result.table("points")[["object_id", "name", "y", "x"]].values.tolist() == [
        [3, "dots", 5, 4],
        [3, "dots", 7, 6],
    ]


def test_subpixel_positions_and_places(tmp_path):
    roi = vertices(
        ROI_TYPE.FREEHAND,
        [[1.25, 2.5], [8.5, 2.5], [4, 9.75]],
        t_position=3,
        z_position=5,
        c_position=2,
        group=7,
    )
    (row,) = loaded(tmp_path, roi).table("polygons").itertuples()
    assert (row.x.tolist(), row.y.tolist()) == ([0.75, 8.0, 3.5], [2.0, 2.0, 9.25])
    assert (row.t, row.z, row.class_id) == (2, 4, 7)
    assert '"c": 1' in row.attributes


def test_ovals_and_ellipses(tmp_path):
    oval = ImagejRoi(roitype=ROI_TYPE.OVAL, left=2, top=3, right=12, bottom=9)
    style, head, arc = struct.unpack(">BBh", struct.pack(">f", 0.5))
    turned = ImagejRoi(
        roitype=ROI_TYPE.FREEHAND, subtype=ROI_SUBTYPE.ELLIPSE, x1=0, y1=5, x2=10, y2=5,
        arrow_style_or_aspect_ratio=style, arrow_head_size=head, rounded_rect_arc_size=arc,
        n_coordinates=1, integer_coordinates=np.zeros((1, 2), np.int32),
    )  # fmt: skip
    rings = loaded(tmp_path, oval, turned).table("polygons")
    assert rings["shape"].tolist() == ["ellipse", "ellipse"]
    assert rings["x"].iloc[0].tolist() == [1.5, 11.5, 11.5, 1.5]
    assert sorted(set(rings["x"].iloc[1])) == [-0.5, 9.5]
    assert sorted(set(rings["y"].iloc[1])) == [2.0, 7.0]


def test_composites_have_holes(tmp_path):
    path = [0, 0, 0, 1, 8, 0, 1, 8, 8, 1, 0, 8, 4, 0, 2, 2, 1, 4, 2, 1, 4, 4, 4]
    roi = ImagejRoi(
        roitype=ROI_TYPE.RECT,
        right=8,
        bottom=8,
        shape_roi_size=len(path),
        multi_coordinates=np.array(path, np.float32),
    )
    rings = loaded(tmp_path, roi).table("polygons")
    assert rings[["part", "ring"]].values.tolist() == [[0, 0], [0, 1]]
    painted = labels_from_polygons(rings, (9, 9)).layers[0]
    assert painted.sum() == 64 - 3
    assert painted[2, 3] == 0


@given(planes(6))
def test_outlines_survive_and_roifile_reads_them(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("r") / "a.zip"
    write(Annotations({"polygons": polygons_from_labels(labels, image="a")}), path, "imagej")
    if labels.any():
        assert (labels_from_polygons(read(path).table("polygons"), labels.shape).layers[0] == labels).all()
        rois = roiread(path)
        assert len(rois) == len(set(labels[labels > 0].tolist()))
        for roi in rois:
            label = int(roi.name)
            rows, columns = np.nonzero(labels == label)
            assert (roi.top, roi.left) == (rows.min(), columns.min())
            assert (roi.bottom, roi.right)[0] >= rows.max()


def test_all_shapes_come_back(tmp_path):
    before = Annotations()
    common = {"image": "a", "name": "x", "class_id": 300, "class_name": "Kern", "t": 4}
    before.add(
        "polygons",
        common
        | {"object_id": [1], "y": [[1.0, 1.0, 5.0, 5.0]], "x": [[2.0, 8.0, 8.0, 2.0]], "shape": "ellipse"},
    )
    before.add(
        "polygons",
        common
        | {"object_id": [2], "y": [[0.0, 3.0, 9.0, 6.0]], "x": [[3.0, 0.0, 6.0, 9.0]], "shape": "ellipse"},
    )
    before.add(
        "polygons", common | {"object_id": [3], "y": [[0.5, 3.0]], "x": [[3.0, 0.25]], "shape": "path"}
    )
    before.add(
        "polygons",
        common | {"object_id": [4], "y": [[0.5, 3.0, 8.0]], "x": [[3.0, 0.25, 1.0]], "shape": "path"},
    )
    before.add(
        "polygons", common | {"object_id": [5], "y": [[0.1, 3.0, 8.0]], "x": [[3.0, 0.25, 1.0]], "z": 1.5}
    )
    before.add("points", common | {"object_id": [6], "y": [2.0], "x": [70_000.5]})
    findings = write(before, tmp_path / "a.zip", "imagej")
    assert {note.code for note in findings} == {"N007"}
    after = read(tmp_path / "a.zip")
    rings = after.table("polygons")
    assert rings["shape"].tolist() == before.table("polygons")["shape"].tolist()
    assert rings["z"].tolist()[-1] == 1.5
    assert rings[["class_id", "class_name", "t"]].drop_duplicates().values.tolist() == [[300, "Kern", 4]]
    for index in (0, 2, 3, 4):
        assert rings["y"].iloc[index] == pytest.approx(before.table("polygons")["y"].iloc[index])
    assert sorted(rings["y"].iloc[1]) == pytest.approx(
        sorted(before.table("polygons")["y"].iloc[1]), abs=1e-5
    )
    assert after.table("points")["x"].tolist() == [70_000.5]


@pytest.mark.parametrize("name", ["\U0001f9ec DNA", "核", "a/b\\c:..", "x" * 400])
def test_names_in_any_script(name, tmp_path):
    before = Annotations()
    before.add("points", {"image": "a", "object_id": [1], "y": [1], "x": [2], "name": name})
    write(before, tmp_path / "a.zip", "imagej")
    assert read(tmp_path / "a.zip").table("points")["name"].tolist() == [name]
    (roi,) = roiread(tmp_path / "a.zip")
    assert roi.name == name.encode("utf-16-be", "replace").decode("utf-16-be")
    (member,) = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert "/" not in member
    assert len(member.encode()) < 255


def test_properties_and_colours_of_imagej_stay(tmp_path):
    roi = vertices(
        ROI_TYPE.POINT, [[4, 5]], props="who: me\nscore: 3\n", stroke_color=b"\xff\x10\x20\x30", position=4
    )
    result = loaded(tmp_path, roi)
    write(result, tmp_path / "b.zip", "imagej")
    (again,) = roiread(tmp_path / "b.zip")
    assert again.props.startswith("who: me\nscore: 3\n")
    assert (again.stroke_color, again.position) == (b"\xff\x10\x20\x30", 4)
    assert read(tmp_path / "b.zip", image="a").table("points").equals(result.table("points"))


def test_one_roi(tmp_path):
    before = Annotations()
    before.add("points", {"image": "a", "object_id": [1], "y": [1], "x": [2]})
    write(before, tmp_path / "a.roi", "imagej")
    assert len(read(tmp_path / "a.roi").table("points")) == 1
    before.add("points", {"image": "a", "object_id": [2], "y": [1], "x": [2]})
    with pytest.raises(AnnotationError, match="holds one ROI"):
        write(before, tmp_path / "a.roi", "imagej")


def test_what_is_no_shape_is_told(tmp_path):
    text = ImagejRoi(roitype=ROI_TYPE.RECT, subtype=ROI_SUBTYPE.TEXT, right=9, bottom=9, text="hello")
    counters = vertices(ROI_TYPE.POINT, [[4, 5], [6, 7]], counters=np.array([1, 2], np.uint8))
    counters.counter_positions = np.array([3, 4], np.uint32)
    result = loaded(tmp_path, text, counters)
    assert [note.code for note in result.findings] == ["N005", "N005"]
    assert result.table("points")["class_id"].tolist() == [1, 2]


def test_archives_are_never_unpacked(tmp_path, monkeypatch):
    roi = vertices(ROI_TYPE.POINT, [[4, 5]], name="").tobytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../outside.roi", roi)
        archive.writestr("readme.txt", "x")
        archive.writestr("broken.roi", b"Iout")
    before = sorted(tmp_path.parent.rglob("*"))
    result = read(tmp_path / "a.zip")
    assert result.table("points")["name"].tolist() == ["outside"]
    assert {note.code for note in result.findings} == {"N003", "N005"}
    assert sorted(tmp_path.parent.rglob("*")) == before
    monkeypatch.setattr(imagej_roi, "MAX_TOTAL", 100)
    with pytest.raises(AnnotationError, match="unpacks to 3 files"):
        read(tmp_path / "a.zip")


def test_zip_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(imagej_roi, "MAX_ROI", 10_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.roi", b"Iout" + bytes(1_000_000))
    with pytest.raises(AnnotationError, match="unpacks to more than"):
        read(tmp_path / "a.zip")


@pytest.mark.parametrize("content", [b"", b"Iout", b"PK\x05\x06" + bytes(18), b"Iout" + b"\xff" * 200])
def test_broken_rois_are_refused(content, tmp_path):
    (tmp_path / "a.roi").write_bytes(content)
    with pytest.raises(AnnotationError):
        read(tmp_path / "a.roi", "imagej")


def test_subpixel_flag_is_set_only_where_it_is_needed(tmp_path):
    before = Annotations({"polygons": polygons_from_labels(np.ones((3, 3), np.uint8), image="a")})
    before.add("boxes", {"image": "a", "object_id": [2], "y0": 0.5, "x0": 1, "y1": 2, "x1": 3})
    write(before, tmp_path / "a.zip", "imagej")
    outline, box = roiread(tmp_path / "a.zip")
    assert not outline.options & ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    assert box.options & ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    assert (box.xd, box.yd, box.widthd, box.heightd) == (1, 0.5, 2, 1.5)
