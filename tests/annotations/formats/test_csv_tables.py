"""CSV and TSV: our own exactly, others by the names that columns have in the wild."""

import pandas as pd
import pytest

from annotation_cases import full_table
from micrographia.annotations import TABLES, Annotations, read, sniff, write
from micrographia.annotations.formats.csv_names import SYNONYMS, columns_of, kind_of, plain
from micrographia.errors import AnnotationError


def loaded(tmp_path, text, name="a.csv", **options):
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    assert sniff(tmp_path / name) == "csv"
    return read(tmp_path / name, **options)


@pytest.mark.parametrize(
    ("header", "row", "kind", "expected"),
    [
        (
            "filename,xmin,ymin,xmax,ymax,class",
            "a.png,1,2,5,9,cell",
            "boxes",
            {"x0": 1, "y1": 9, "class_name": "cell"},
        ),
        ("image,left,top,width,height,label", "a,1,2,5,9,cell", "boxes", {"x0": 1, "x1": 6, "y1": 11}),
        ("image,x,y,w,h", "a,1,2,5,9", "boxes", {"x0": 1, "x1": 6, "y1": 11}),
        (
            "image,bbox-0,bbox-1,bbox-2,bbox-3,label",
            "a,2,1,9,5,1",
            "boxes",
            {"y0": 2, "x0": 1, "y1": 9, "x1": 5},
        ),
        ("Image,X,Y,Type", "a,1.5,2.5,T cell", "points", {"x": 1.5, "y": 2.5, "class_name": "T cell"}),
        ("ImageID,centroid-0,centroid-1", "a,3,4", None, {}),
        (
            "Location_Center_X,Location_Center_Y,ObjectNumber",
            "3,4,7",
            "points",
            {"x": 3, "y": 4, "object_id": 7},
        ),
        ("track,frame,x,y", "3,0,1,2", "tracks", {"track_id": 3, "t": 0, "x": 1}),
        ("TrackID,t,z,y,x,parent", "3,0,5,1,2,1", "tracks", {"z": 5, "y": 1, "parent": 1}),
        ("image,cell_count", "a,17", "counts", {"count": 17}),
        ("image,class,count,observer", "a,cell,17,Ann", "counts", {"count": 17, "annotator": "Ann"}),
        ("file,label", "a.png,mitotic", "class_labels", {"class_name": "mitotic", "image": "a.png"}),
        ("image,category_id,score", "a.png,3,0.5", "class_labels", {"class_id": 3, "confidence": 0.5}),
        ("source,target,weight", "1,2,0.5", "graph_edges", {"source": 1, "weight": 0.5}),
        ("node,x,y", "4,1,2", "graph_nodes", {"node_id": 4, "x": 1}),
        ("colour,taste", "red,sweet", None, {}),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_columns_by_the_names_they_go_by(header, row, kind, expected, delimiter, tmp_path):
    text = "\n".join([header, row, ""]).replace(",", delimiter)
    assert kind_of(header.split(",")) == kind
    if kind is None:
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(AnnotationError, match="make no annotation table"):
            read(tmp_path / "a.csv", "csv")
        return
    result = loaded(tmp_path, text)
    (found,) = result.table(kind).to_dict("records")
    assert {name: found[name] for name in expected} == expected


def test_every_synonym_is_plain_and_names_one_column():
    words = [word for names in SYNONYMS.values() for word in names.split()]
    assert len(words) == len(set(words))
    assert all(plain(word) == word for word in words)
    every = {column.name for schema in TABLES.values() for column in schema.columns} | {"width", "height"}
    assert set(SYNONYMS) <= every
    for column, names in SYNONYMS.items():
        assert columns_of([names.split()[0]]) == {names.split()[0]: column}


def test_an_exact_name_wins_over_a_synonym():
    assert columns_of(["label", "class_name", "frame", "t"]) == {"class_name": "class_name", "t": "t"}


def test_trackmate(tmp_path):
    text = (
        "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,POSITION_T,FRAME\n"
        "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame\n"
        "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame\n"
        ",,,(quality),(micron),(micron),(micron),(sec),\n"
        "ID10,10,0,2.5,1.25,3.5,0,0,0\n"
        "ID11,11,0,2.5,2.25,4.5,0,30,1\n"
    )
    result = loaded(tmp_path, text, image="movie")
    tracks = result.table("tracks")
    assert tracks[["image", "t", "track_id", "x", "y"]].values.tolist() == [
        ["movie", 0, 0, 1.25, 3.5],
        ["movie", 1, 0, 2.25, 4.5],
    ]
    notes = {note.code: note for note in result.findings}
    assert "micron" in notes["N011"].message
    assert tracks["POSITION_T"].tolist() == [0, 30]


def test_decimal_commas(tmp_path):
    result = loaded(tmp_path, "image;x;y\na;1,5;2,25\n")
    assert result.table("points")[["x", "y"]].values.tolist() == [[1.5, 2.25]]


def test_further_columns_are_kept_with_their_type(tmp_path):
    table = loaded(tmp_path, "image,x,y,brightness,remark\na,1,2,0.5,=1+1\nb,1,2,,<b>\n").table("points")
    assert table["brightness"].tolist()[0] == 0.5
    assert table["remark"].tolist() == ["=1+1", "<b>"]


def test_rows_without_id_are_numbered_by_image(tmp_path):
    result = loaded(tmp_path, "image,x,y\na,1,2\nb,1,2\na,3,4\n")
    assert result.table("points")["object_id"].tolist() == [1, 1, 2]
    assert "N010" in {note.code for note in result.findings}


def test_image_and_set_are_filled_in_where_the_file_has_none(tmp_path):
    table = loaded(tmp_path, "x,y\n1,2\n", image="i", set_name="s").table("points")
    assert table[["image", "set"]].values.tolist() == [["i", "s"]]
    table = loaded(tmp_path, "image,x,y\na,1,2\n", image="i").table("points")
    assert table["image"].tolist() == ["a"]


def test_other_encodings(tmp_path):
    latin = loaded(tmp_path, "image,label\nBild ä,Kern\n".encode("latin-1"))
    assert latin.table("class_labels")["image"].tolist() == ["Bild ä"]
    assert latin.findings[0].code == "N001"
    marked = loaded(tmp_path, "\ufeffimage,label\n画像,核\n")
    assert marked.table("class_labels")["image"].tolist() == ["画像"]
    (tmp_path / "w.csv").write_bytes("image,label\na,b\n".encode("utf-16"))
    assert read(tmp_path / "w.csv", "csv").table("class_labels")["class_name"].tolist() == ["b"]


def test_text_that_looks_missing_stays_text(tmp_path):
    table = loaded(tmp_path, "image,label\nNA,None\nnull,nan\n").table("class_labels")
    assert table[["image", "class_name"]].values.tolist() == [["NA", "None"], ["null", "nan"]]


def test_rows_that_are_too_long(tmp_path):
    result = loaded(tmp_path, "image,label\na,b,c\n")
    assert result.table("class_labels")["class_name"].tolist() == ["b"]
    assert [note.code for note in result.findings if note.code == "N005"] == ["N005"]
    with pytest.raises(AnnotationError, match="no table that can be read"):
        loaded(tmp_path, "image,label\na,b\na,b,c\n")


@pytest.mark.parametrize("text", ["", "\n\n", "image,label"])
def test_files_without_rows(text, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    if text.strip():
        assert read(tmp_path / "a.csv", "csv").tables == {}
    else:
        with pytest.raises(AnnotationError):
            read(tmp_path / "a.csv", "csv")


def test_a_folder_of_tables(tmp_path):
    annotations = Annotations({kind: full_table(kind) for kind in ("boxes", "tracks")})
    assert write(annotations, tmp_path / "out", "csv") == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["boxes.csv", "tracks.csv"]
    assert sniff(tmp_path / "out") == "csv"
    again = read(tmp_path / "out")
    for kind, table in annotations.tables.items():
        pd.testing.assert_frame_equal(again.table(kind), table)
    with pytest.raises(AnnotationError, match="holds one table, not 2"):
        write(annotations, tmp_path / "both.csv", "csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match="named after its kind"):
        read(tmp_path / "empty", "csv")


def test_tsv(tmp_path):
    write(Annotations({"points": full_table("points")}), tmp_path / "a.tsv", "csv")
    assert "\t" in (tmp_path / "a.tsv").read_text().splitlines()[0]
    pd.testing.assert_frame_equal(read(tmp_path / "a.tsv").table("points"), full_table("points"))


def test_real_tables_of_cells(data):
    """Point patterns and platemaps that people published."""
    files = sorted(data.rglob("*.csv"))
    read_as = {}
    for file in files:
        if file.stat().st_size < 5_000_000 and sniff(file) == "csv":
            read_as[file.name] = read(file, "csv")
    assert read_as
    for result in read_as.values():
        for kind, table in result.tables.items():
            assert tuple(table.columns[: len(TABLES[kind].names)]) == TABLES[kind].names
