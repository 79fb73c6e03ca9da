"""GeoJSON as QuPath writes it."""

import json

import numpy as np
import pytest
from hypothesis import given

from label_images import planes
from micrographia.annotations import Annotations, labels_from_polygons, polygons_from_labels, read, write
from micrographia.errors import AnnotationError

SQUARE = [[2, 3], [6, 3], [6, 8], [2, 8], [2, 3]]
INNER = [[3, 4], [3, 5], [4, 5], [4, 4], [3, 4]]
CELL = {
    "type": "Feature",
    "id": "5d1e3bbc-0000-4000-8000-000000000001",
    "geometry": {"type": "Polygon", "coordinates": [SQUARE, INNER], "plane": {"c": -1, "z": 2, "t": 1}},
    "nucleusGeometry": {"type": "Polygon", "coordinates": [INNER]},
    "properties": {
        "objectType": "cell",
        "name": "Zelle 1",
        "classification": {"name": "Tumor: Ki67+", "color": [200, 0, 16]},
        "isLocked": True,
        "measurements": {"Area µm^2": 3.5},
        "metadata": {"ANNOTATION_DESCRIPTION": "by hand"},
    },
}


def loaded(tmp_path, document):
    (tmp_path / "slide.geojson").write_text(json.dumps(document), encoding="utf-8")
    return read(tmp_path / "slide.geojson")


def feature(kind, coordinates, **properties):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


def test_a_cell_of_qupath(tmp_path):
    result = loaded(tmp_path, collection(CELL))
    rows = result.table("polygons")
    assert rows[["image", "object_id", "t", "z", "compartment", "part", "ring"]].values.tolist() == [
        ["slide", 1, 1, 2, "", 0, 0],
        ["slide", 1, 1, 2, "", 0, 1],
        ["slide", 1, 1, 2, "nucleus", 0, 0],
    ]
    assert rows["name"].unique().tolist() == ["Zelle 1"]
    assert rows["class_name"].unique().tolist() == ["Tumor: Ki67+"]
    assert [(entry.name, entry.color) for entry in result.classes] == [("Tumor: Ki67+", "C80010")]
    assert json.loads(rows["attributes"].iloc[0]) == {
        "id": CELL["id"],
        "objectType": "cell",
        "isLocked": True,
        "measurements": {"Area µm^2": 3.5},
        "metadata": {"ANNOTATION_DESCRIPTION": "by hand"},
    }
    assert result.findings == []


def test_a_cell_goes_out_as_it_came_in(tmp_path):
    result = loaded(tmp_path, collection(CELL))
    write(result, tmp_path / "again.geojson", "geojson")
    (again,) = json.loads((tmp_path / "again.geojson").read_text())["features"]
    assert (again["id"], again["type"]) == (CELL["id"], CELL["type"])
    assert again["nucleusGeometry"] == CELL["nucleusGeometry"] | {"plane": CELL["geometry"]["plane"]}
    assert again["geometry"] == CELL["geometry"]
    own = {
        key: value
        for key, value in again["properties"]["metadata"].items()
        if not key.startswith("micrographia.")
    }
    assert again["properties"] | {"metadata": own} == CELL["properties"]


def test_numbers_from_the_corner(tmp_path):
    """From 2 to 6 and 3 to 8 lie columns 2 to 5 and rows 3 to 7; the point is the middle of pixel 2, 3."""
    result = loaded(tmp_path, collection(feature("Polygon", [SQUARE]), feature("Point", [2.5, 3.5])))
    (ring,) = result.table("polygons").itertuples()
    assert (ring.x.tolist(), ring.y.tolist()) == ([1.5, 5.5, 5.5, 1.5], [2.5, 2.5, 7.5, 7.5])
    painted = labels_from_polygons(result.table("polygons"), (10, 10)).layers[0]
    assert painted[3:8, 2:6].all()
    assert painted.sum() == 20
    assert result.table("points")[["object_id", "y", "x"]].values.tolist() == [[2, 3, 2]]


def test_geometries_of_all_types(tmp_path):
    away = [[x + 20, y] for x, y in SQUARE]
    result = loaded(
        tmp_path,
        collection(
            feature("MultiPolygon", [[SQUARE, INNER], [away]]),
            feature("LineString", [[0, 0], [3, 4]]),
            feature("MultiLineString", [[[0, 0], [1, 1]], [[5, 5], [6, 6], [7, 5]]]),
            feature("MultiPoint", [[1, 1], [2, 2]]),
            feature("GeometryCollection", []),
            {"type": "Feature", "geometry": None},
            feature("Polygon", "text"),
            feature("Polygon", [[[1, "x"], [2, 2], [3, 3]]]),
            feature("Point", [1]),
        ),
    )
    polygons = result.table("polygons")
    assert polygons[["object_id", "part", "ring", "shape"]].values.tolist() == [
        [1, 0, 0, "polygon"],
        [1, 0, 1, "polygon"],
        [1, 1, 0, "polygon"],
        [2, 0, 0, "path"],
        [3, 0, 0, "path"],
        [3, 1, 0, "path"],
    ]
    assert result.table("points")["object_id"].tolist() == [4, 4]
    assert len(result.findings) == 5


@pytest.mark.parametrize(
    "wrap", [lambda f: [f], lambda f: f, lambda f: collection(f), lambda f: {"a": {"b": []}} | collection(f)]
)
def test_other_outer_forms(wrap, tmp_path):
    assert len(loaded(tmp_path, wrap(feature("Polygon", [SQUARE]))).table("polygons")) == 1


@pytest.mark.parametrize(
    ("said", "name", "color"),
    [
        ({"name": "Tumor", "colorRGB": -3670016}, "Tumor", "C80000"),
        ({"names": ["Tumor", "Ki67"], "color": [1, 2, 3]}, "Tumor: Ki67", "010203"),
        ({"name": "Tumor", "color": [1, 2, 300]}, "Tumor", ""),
        ("Tumor", "Tumor", None),
        (None, "", None),
        (3, "", None),
    ],
)
def test_classifications(said, name, color, tmp_path):
    result = loaded(tmp_path, collection(feature("Point", [1, 1], classification=said)))
    assert result.table("points")["class_name"].tolist() == [name]
    assert [entry.color for entry in result.classes] == ([] if color is None else [color])


@given(planes(6))
def test_outlines_survive(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("g") / "a.geojson"
    write(Annotations({"polygons": polygons_from_labels(labels, image="a")}), path, "geojson")
    again = read(path).table("polygons")
    assert (labels_from_polygons(again, labels.shape).layers[0] == labels).all()


def test_ids_of_ours_and_of_new_objects_differ(tmp_path):
    annotations = Annotations()
    annotations.add("points", {"image": "a", "object_id": [2, 1], "y": [1, 2], "x": [3, 4]})
    write(annotations, tmp_path / "a.geojson", "geojson")
    document = json.loads((tmp_path / "a.geojson").read_text())
    document["features"].insert(0, feature("Point", [9, 9]))
    (tmp_path / "a.geojson").write_text(json.dumps(document))
    assert read(tmp_path / "a.geojson").table("points")["object_id"].tolist() == [3, 2, 1]


def test_boxes_come_back_as_boxes(tmp_path):
    annotations = Annotations()
    annotations.add("boxes", {"image": "a", "object_id": [1], "y0": 3, "x0": 2, "y1": 8, "x1": 6})
    write(annotations, tmp_path / "a.geojson", "geojson")
    (held,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert held["geometry"]["coordinates"] == [[[float(x), float(y)] for x, y in SQUARE]]
    assert read(tmp_path / "a.geojson").table("boxes")[["y0", "x0", "y1", "x1"]].values.tolist() == [
        [3, 2, 8, 6]
    ]


def test_ellipses_are_told(tmp_path):
    annotations = Annotations()
    ring = {"y": [[0, 0, 8, 8]], "x": [[0, 4, 4, 0]], "shape": "ellipse"}
    annotations.add("polygons", {"image": "a", "object_id": [1]} | ring)
    findings = write(annotations, tmp_path / "a.geojson", "geojson")
    assert [(note.code, note.field) for note in findings] == [("N007", "polygons.shape")]
    (ring,) = read(tmp_path / "a.geojson").table("polygons").itertuples()
    assert len(ring.y) == 64
    assert np.ptp(ring.y) == pytest.approx(8)


@pytest.mark.parametrize("document", [{"type": "FeatureCollection"}, {"a": 1}])
def test_what_has_no_features_is_refused(document, tmp_path):
    (tmp_path / "a.geojson").write_text(json.dumps(document))
    with pytest.raises(AnnotationError, match="no features"):
        read(tmp_path / "a.geojson", "geojson")
