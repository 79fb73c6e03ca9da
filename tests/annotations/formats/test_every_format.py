"""What holds for all formats: round trips, nothing lost in silence, sniffing, and no traceback for any file."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation_cases import full_table, lost_in_silence, plain_annotations
from label_images import discs
from micrographia import plugins
from micrographia.annotations import (
    FORMATS,
    TABLES,
    AnnotationFormat,
    Annotations,
    Mask,
    MaskKey,
    labels_from_polygons,
    read,
    sniff,
    write,
)
from micrographia.errors import AnnotationError, MicrographiaError
from micrographia.images import ArrayImage

SHAPES = {"image_shapes": (64, 128)}
ENDINGS = {
    "coco": ".json",
    "geojson": ".geojson",
    "imagej": ".zip",
    "csv": ".csv",
    "yolo": "",
    "cellpose": "_seg.npy",
    "label_image": ".tif",
    "ilastik": ".h5",
    "napari": ".csv",
    "ctc": ".txt",
}
HOLDS_TABLES = ["coco", "geojson", "imagej", "yolo", "napari"]
HOLDS_MASKS = ["cellpose", "label_image", "ilastik"]


def mask_annotations(labels=None, axes="YX") -> Annotations:
    labels = discs(48, 16) if labels is None else labels
    return Annotations(masks={MaskKey("a"): Mask(ArrayImage(labels, axes), "instance")})


def written(name, folder) -> tuple[Annotations, "object"]:
    """A file of a format, and what was written into it."""
    path = folder / f"a{ENDINGS[name]}"
    if name in HOLDS_MASKS:
        annotations = mask_annotations()
    elif name == "ctc":
        annotations = Annotations()
        annotations.add(
            "tracks",
            {
                "image": "a",
                "t": [0, 1, 2],
                "track_id": [1, 1, 2],
                "label_id": [1, 1, 2],
                "parent": [None, None, 1],
            },
        )
    else:
        annotations = plain_annotations()
        if name == "csv":
            annotations.tables = {"points": annotations.tables["points"]}
        if name == "napari":
            del annotations.tables["points"]
    write(annotations, path, name)
    return annotations, path


@pytest.mark.parametrize("name", FORMATS)
def test_formats_follow_the_protocol(name):
    plugins.verify(FORMATS[name], AnnotationFormat)
    assert FORMATS[name].name == name
    assert isinstance(FORMATS[name], AnnotationFormat)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_table_of_what_it_carries(name):
    import sys

    text = sys.modules[type(FORMATS[name]).__module__].__doc__
    assert "| here |" in text
    assert "place" in text


@pytest.mark.parametrize("name", FORMATS)
def test_a_written_file_is_recognised(name, tmp_path):
    _, path = written(name, tmp_path)
    assert sniff(path) == name


@pytest.mark.parametrize("name", FORMATS)
def test_writing_twice_gives_the_same_bytes(name, tmp_path):
    contents = []
    for folder in ("one", "two"):
        _, path = written(name, tmp_path / folder)
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        contents.append([file.read_bytes() for file in files if file.is_file()])
    assert contents[0] == contents[1]


@pytest.mark.parametrize("kind", ["boxes", "polygons", "points"])
@pytest.mark.parametrize("name", HOLDS_TABLES)
def test_nothing_of_a_table_is_lost_in_silence(name, kind, tmp_path):
    before = Annotations({kind: full_table(kind)}, sizes={"a": (64, 128)})
    path = tmp_path / f"a{ENDINGS[name]}"
    findings = write(before, path, name)
    kinds = {"napari": {"points": "points.csv", "boxes": "shapes.csv", "polygons": "shapes.csv"}}
    after = read(path, name, **SHAPES)
    assert lost_in_silence(before.table(kind), after.table(kind), kind, findings) == [], kinds.get(name)


@pytest.mark.parametrize("kind", TABLES)
def test_csv_loses_nothing_of_any_table(kind, tmp_path):
    before = full_table(kind)
    assert write(Annotations({kind: before}), tmp_path / "t.csv", "csv") == []
    pd.testing.assert_frame_equal(read(tmp_path / "t.csv").table(kind), before)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "csv"])
def test_tables_without_a_place_are_told(name, tmp_path):
    tables = {kind: full_table(kind) for kind in ("counts", "graph_edges", "class_labels", "objects")}
    annotations = mask_annotations() if name in HOLDS_MASKS else plain_annotations()
    if name == "ctc":
        annotations.tables = {"tracks": full_table("tracks")}
    if name == "napari":
        del annotations.tables["points"]
    annotations.tables |= tables
    findings = write(annotations, tmp_path / f"a{ENDINGS[name]}", name)
    told = {note.field for note in findings if note.code == "N006"}
    assert {"counts", "graph_edges", "class_labels"} <= told


@pytest.mark.parametrize("name", ["coco", "geojson", "imagej", "yolo", "napari"])
def test_objects_of_a_mask_go_out_as_outlines_and_come_back(name, tmp_path):
    labels = discs(48, 16)
    path = tmp_path / f"a{ENDINGS[name]}"
    findings = write(mask_annotations(labels), path, name)
    assert name == "coco" or "masks" in {note.field for note in findings}
    polygons = read(path, name, image_shapes=labels.shape).table("polygons")
    if name in ("yolo", "napari"):
        # Ids have no place or rings are apart: what is foreground is all that is left.
        polygons["object_id"] = range(1, len(polygons) + 1)
        assert (
            sum(layer > 0 for layer in labels_from_polygons(polygons, labels.shape).layers) == (labels > 0)
        ).all()
    else:
        assert (labels_from_polygons(polygons, labels.shape).layers[0] == labels).all()


@pytest.mark.parametrize("name", HOLDS_MASKS)
def test_label_images_come_back(name, tmp_path):
    labels = discs(48, 16)
    write(mask_annotations(labels), tmp_path / f"a{ENDINGS[name]}", name)
    after = read(tmp_path / f"a{ENDINGS[name]}", image="b", set_name="s")
    ((key, mask),) = after.masks.items()
    assert key == MaskKey("b", "s", 1)
    assert (mask.labels.read() == labels).all()
    assert after.sizes == {"b": (48, 48)}
    assert after.format == name


@pytest.mark.parametrize("name", HOLDS_MASKS)
def test_volumes_come_back(name, tmp_path):
    labels = np.zeros((3, 5, 7), np.uint16)
    labels[1:, 2:4, 3:] = 9
    write(mask_annotations(labels, "ZYX"), tmp_path / f"a{ENDINGS[name]}", name)
    ((_, mask),) = read(tmp_path / f"a{ENDINGS[name]}").masks.items()
    assert mask.labels.axes == "ZYX"
    assert (mask.labels.read() == labels).all()


@pytest.mark.parametrize(
    "name", ["geojson", "imagej", "napari", "cellpose", "label_image", "ilastik", "ctc", "yolo"]
)
def test_several_images_go_into_a_folder(name, tmp_path):
    both = Annotations(sizes={"a": (64, 128), "b/c": (64, 128)})
    for image in ("a", "b/c"):
        if name in HOLDS_MASKS:
            both.masks[MaskKey(image)] = Mask(ArrayImage(np.eye(8, dtype=np.uint8), "YX"), "instance")
        elif name == "ctc":
            both.add("tracks", {"image": [image], "t": [0], "track_id": [1]})
        else:
            both.add(
                "boxes", {"image": [image], "object_id": [1], "y0": [1], "x0": [2], "y1": [3], "x1": [4]}
            )
    write(both, tmp_path / "out", name)
    files = [
        path
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and path.name not in ("classes.txt", "data.yaml")
    ]
    assert len(files) == 2
    if name != "yolo":
        with pytest.raises(AnnotationError):
            write(both, tmp_path / f"one{ENDINGS[name] or '.txt'}", name)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_one_clear_error(name, tmp_path, data):
    """Cut, with bytes changed, doubled or random: findings or an AnnotationError, nothing else."""
    folder = tmp_path / "damaged"
    _, path = written(name, folder)
    file = path if path.is_file() else path / "labels" / "a.txt"
    content = bytearray(file.read_bytes())
    match data.draw(st.sampled_from(["cut", "change", "random", "repeat", "empty"])):
        case "cut":
            content = content[: data.draw(st.integers(0, len(content) - 1))]
        case "change":
            for _ in range(data.draw(st.integers(1, 8))):
                content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        case "random":
            content = bytearray(data.draw(st.binary(max_size=200)))
        case "repeat":
            at = data.draw(st.integers(0, len(content) - 1))
            content = content[:at] + content[at : at + 40] * 3 + content[at:]
        case "empty":
            content = bytearray()
    file.write_bytes(content)
    sniff(path)
    after = tried(path, name)
    for kind, table in after.tables.items():
        assert tuple(table.columns[: len(TABLES[kind].names)]) == TABLES[kind].names


def tried(path, name):
    """What a file holds; nothing if it is refused with an error that names it."""
    try:
        after = read(path, name, **SHAPES)
        for mask in after.masks.values():
            mask.labels.read()
    except MicrographiaError as error:
        if path.name not in error.path:
            raise
        return Annotations()
    return after


def test_unknown_files_and_formats_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("Dear all,\nthe nuclei are fine.\n")
    assert sniff(tmp_path / "notes.txt") is None
    assert sniff(tmp_path / "none") is None
    with pytest.raises(AnnotationError, match="no annotation format that is known"):
        read(tmp_path / "notes.txt")
    with pytest.raises(AnnotationError, match="does not exist"):
        read(tmp_path / "none")
    with pytest.raises(AnnotationError, match="no annotation format 'pdf'"):
        write(plain_annotations(), tmp_path / "a.pdf", "pdf")
    with pytest.raises(AnnotationError):
        read(tmp_path)


def test_a_format_of_a_plugin_is_found(tmp_path, monkeypatch):
    class Shouting:
        api_version, name, title, extensions = 1, "shouting", "Shouting", (".shout",)

        def matches(self, _path, head):
            return head.startswith(b"HEY")

        def read(self, path, options):
            result = Annotations()
            result.add("counts", {"image": [options.image_of(path)], "count": [3]})
            return result

        def write(self, _annotations, path):
            path.write_text("HEY")
            return []

    monkeypatch.setattr(plugins, "load", lambda kind: iter([Shouting] if kind == "exchange" else []))
    write(Annotations(), tmp_path / "x.shout", "shouting")
    assert sniff(tmp_path / "x.shout") == "shouting"
    assert read(tmp_path / "x.shout").table("counts")["count"].tolist() == [3]


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write(plain_annotations(), path, "coco")
    before = path.read_bytes()

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(AnnotationError, match="No space left on device"):
        write(plain_annotations("b"), path, "coco")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
