import gzip
import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import FORMATS, problems, read_profiles, write_profiles

QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LABELS = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
)


@st.composite
def some_profiles(draw):
    n, d = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    width = 32 if dtype is np.float32 else 64
    cells = st.floats(width=width, allow_infinity=True, allow_nan=True)
    values = np.array(draw(st.lists(cells, min_size=n * d, max_size=n * d)), dtype=dtype).reshape(n, d)
    texts = draw(st.lists(LABELS, min_size=n, max_size=n))
    numbers = draw(st.lists(st.integers(-(10**9), 10**9), min_size=n, max_size=n))
    meta = pd.DataFrame(
        {
            "label": pd.array([None if text is None else f"t{text}" for text in texts], dtype="str"),
            "day": numbers,
        }
    )
    return Profiles(values, meta, tuple(f"f {at}" for at in range(d)), "some", {"kind": "candidate"})


@pytest.mark.parametrize("ending", FORMATS)
@QUICK
@given(profiles=some_profiles())
def test_what_is_written_is_read_again(tmp_path, ending, profiles):
    path = tmp_path / f"some{ending}"
    write_profiles(profiles, path)
    read = read_profiles(path)
    np.testing.assert_array_equal(read.values.astype(profiles.values.dtype), profiles.values)
    assert read.names == profiles.names
    assert read.column("label").tolist() == profiles.column("label").tolist()
    assert read.meta["day"].tolist() == profiles.meta["day"].tolist()
    assert read.source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    if ending == ".parquet":
        assert read.values.dtype == profiles.values.dtype
        assert (read.name, read.source["kind"]) == ("some", "candidate")
    else:
        assert read.name == "some"


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_profiles_are_the_same_bytes(tmp_path, ending):
    meta = pd.DataFrame(
        {"plate": ["p1", None], "day": pd.array([1, None], dtype="Int64"), "on": [True, False]}
    )
    profiles = Profiles(np.array([[1.5, np.nan], [0.1, 2]]), meta, ("a", "b"), "x")
    written = []
    for folder in ("one", "two"):
        path = tmp_path / folder / f"x{ending}"
        write_profiles(profiles, path)
        written.append([(one.name, one.read_bytes()) for one in sorted(path.parent.iterdir())])
    assert written[0] == written[1]
    assert len(written[0]) == (2 if ending == ".npz" else 1)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"before")
    odd = Profiles(np.ones((1, 1)), pd.DataFrame({"what": [object()]}), ("a",), "odd")
    with pytest.raises(ProfileError, match="cannot be stored"):
        write_profiles(odd, path)
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["x.parquet"]


def test_conventions_of_cellprofiler(tmp_path):
    path = tmp_path / "wells.csv"
    path.write_text(
        "Metadata_Plate,Image_Metadata_Well,ImageNumber,Image_FileName_DNA,Cells_Area,Cells_Mean\n"
        "0012,A01,1,a.tif,1.5,3\n0013,A02,2,b.tif,nan,4\n"
    )
    profiles = read_profiles(path)
    assert profiles.names == ("Cells_Area", "Cells_Mean")
    assert profiles.column("Plate").tolist() == ["0012", "0013"], "a leading zero is part of the name"
    assert profiles.meta["ImageNumber"].tolist() == [1, 2]
    assert list(profiles.meta.columns) == ["Plate", "Well", "ImageNumber", "Image_FileName_DNA"]
    assert np.isnan(profiles.values[1, 0])


def test_words_for_missing_are_missing_and_counted(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Metadata_moa,a\nNA,1\n,2\nnan,3\nkinase,4\n")
    profiles = read_profiles(path)
    assert profiles.column("moa").tolist() == [None, None, None, "kinase"]
    assert profiles.source["missing_words"] == {"moa": {"NA": 1, "nan": 1}}
    kept = read_profiles(path, missing=())
    assert kept.column("moa").tolist() == ["NA", None, "nan", "kinase"]


def test_metadata_may_be_listed_or_stand_in_another_file(tmp_path):
    path, beside = tmp_path / "x.csv", tmp_path / "meta.tsv"
    path.write_text("site,a,b\n1,2,3\n2,4,5\n")
    beside.write_text("well\tdose\nA01\t0.5\nA02\t\n")
    profiles = read_profiles(path, metadata=["site"])
    assert profiles.names == ("a", "b")
    assert profiles.meta["site"].tolist() == [1, 2]
    assert read_profiles(path, features=["b"]).names == ("b",)
    joined = read_profiles(path, metadata=beside)
    assert joined.names == ("site", "a", "b")
    assert joined.column("well").tolist() == ["A01", "A02"]
    assert joined.column("dose").tolist() == [0.5, None]
    assert joined.source["metadata"]["file"] == "meta.tsv"


def test_arrays_with_a_table_beside(tmp_path):
    np.savez(tmp_path / "e.npz", embeddings=np.eye(3, dtype=np.float32), other=np.zeros(2))
    (tmp_path / "e.csv").write_text("Metadata_image\nx\ny\nz\n")
    profiles = read_profiles(tmp_path / "e.npz")
    assert profiles.names == ("f0", "f1", "f2")
    assert profiles.column("image").tolist() == ["x", "y", "z"]
    (tmp_path / "e.csv").write_text("Metadata_image\nx\ny\n")
    with pytest.raises(ProfileError, match=r"has 3 rows, and its metadata e\.csv 2"):
        read_profiles(tmp_path / "e.npz")


def test_a_column_of_lists_is_many_features(tmp_path):
    table = pa.table({"well_id": ["a", "b"], "embedding": [[1.0, 2.0], [3.0, 4.0]]})
    pq.write_table(table, tmp_path / "x.parquet")
    profiles = read_profiles(tmp_path / "x.parquet")
    assert profiles.names == ("embedding_0", "embedding_1")
    assert profiles.values.tolist() == [[1, 2], [3, 4]]
    pq.write_table(pa.table({"e": [[1.0], [1.0, 2.0]]}), tmp_path / "y.parquet")
    with pytest.raises(ProfileError, match="lists of different lengths"):
        read_profiles(tmp_path / "y.parquet")


def zipped(text):
    return gzip.compress(text.encode(), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"\n", "is empty"),
        ("x.csv", b"a,b\n", "holds no rows"),
        ("x.csv", b"Metadata_a\n1\n", "holds no features"),
        ("x.csv", b"a,a\n1,2\n", "two columns called 'a'"),
        (
            "x.csv",
            b"a,b\n1,2\n3,oops\n4,5\n",
            r"feature 'b' holds text in 1 of 3 rows, the first 'oops' in row 2",
        ),
        ("x.csv", b"a,b\n1,2,3\n", "more cells than its header|cannot be read"),
        ("x.csv", b"a\xff,b\n1,2\n", "cannot be read"),
        ("x.csv.gz", zipped("a,b\n1,2\n" * 50)[:-12], "cannot be read"),
        ("x.csv.gz", b"no gzip", "cannot be read"),
        ("x.parquet", b"PAR1 no parquet", "cannot be read as Parquet"),
        ("x.npz", b"PK no zip", r"cannot be read as \.npz"),
        ("x.h5ad", b"no hdf5", "cannot be read as AnnData"),
        ("x.xlsx", b"a", "no ending of a known format"),
    ],
)
def test_bad_files_are_told_in_a_sentence(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ProfileError, match=said):
        read_profiles(path)


def test_what_is_not_there_is_told(tmp_path):
    path = tmp_path / "x.csv"
    with pytest.raises(ProfileError, match="no such file"):
        read_profiles(path)
    path.write_text("area,b\n1,2\n")
    with pytest.raises(ProfileError, match=r"no column 'areas'.*Did you mean 'area'"):
        read_profiles(path, features=["areas"])
    with pytest.raises(ProfileError, match="no column 'well'"):
        read_profiles(path, metadata=["well"])
    with pytest.raises(ProfileError, match="called like metadata"):
        write_profiles(Profiles(np.ones((1, 1)), pd.DataFrame({"x": [1]}), ("Metadata_a",)), path)


def test_real_profiles(data):
    folder = data / "lincs_SQ00015054_profiles"
    profiles = read_profiles(folder / "SQ00015054_normalized_feature_select.csv.gz")
    assert (profiles.n, profiles.d) == (384, 454)
    assert sum(label is None for label in profiles.column("moa")) == 42
    cells = read_profiles(data / "nf1_cellpainting" / "Plate_2_with_image_data_shrunken.parquet")
    assert (cells.n, cells.d) == (5, 2046)
    assert set(cells.column("Well_x")) == {"B7", "D6", "D7", "F7", "H12"}


def test_text_keeps_every_bit(tmp_path):
    bits = np.random.default_rng(0).integers(0, 1 << 64, 4000, dtype=np.uint64)
    values = bits.view(np.float64)[np.isfinite(bits.view(np.float64))].reshape(-1, 1)
    write_profiles(Profiles(values, pd.DataFrame(index=range(len(values))), ("a",)), tmp_path / "x.csv")
    np.testing.assert_array_equal(read_profiles(tmp_path / "x.csv").values, values)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_damaged_file_is_told_in_a_sentence(tmp_path, ending):
    meta = pd.DataFrame({"a": ["x", None, "é,y"], "b": pd.Categorical(["u", "v", "u"])})
    path = tmp_path / f"x{ending}"
    write_profiles(Profiles(np.eye(3), meta, ("f1", "f2", "f3")), path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(
            bytes(damaged[: rng.integers(1, len(damaged) + 1)] if rng.random() < 0.3 else damaged)
        )
        try:
            problems(read_profiles(path))
        except ProfileError:
            refused += 1
    assert refused > 5


def test_the_separator_is_told(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a;b;c\n1,5;2;3\n")
    with pytest.raises(ProfileError, match="is separated by ';'"):
        read_profiles(path)
    path.write_text("a\tb\tc\n1\t2\t3\n")
    with pytest.raises(ProfileError, match=r"is separated by tabulators\. Call it \.tsv"):
        read_profiles(path)
    (tmp_path / "y.txt").write_text("a\tb\n1\t2\n")
    assert read_profiles(tmp_path / "y.txt").name == "y"
