import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.dataset.build import merge
from micrographia.dataset.manifest import (
    COLUMNS,
    image_id,
    inside,
    path_problem,
    read_manifest,
    unique_ids,
    write_manifest,
)
from micrographia.errors import DatasetError

HEADER = "\t".join(COLUMNS)


def row(path="a.png", role="image", **cells):
    values = dict.fromkeys(COLUMNS, "") | {"Files": path, "role": role, "image": "a"} | cells
    return "\t".join(str(values[name]) for name in COLUMNS)


def written(tmp_path, *lines):
    path = tmp_path / "files.tsv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=20))
def test_what_is_written_is_read_back(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("m") / "files.tsv"
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {
            "Files": f"{n}.png",
            "role": "image",
            "image": str(n),
            "channel": a,
            "group:donor": b,
            "note": c,
            "size": n,
        }
        for n, (a, b, c) in enumerate(cells)
    ]
    names = [*COLUMNS, "group:donor", "note"]
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in names})
    write_manifest(path, frame)
    back, findings = read_manifest(path)
    assert not findings
    assert back[["Files", "channel", "group:donor", "note", "size"]].values.tolist() == [
        [row[name] for name in ("Files", "channel", "group:donor", "note", "size")] for row in rows
    ]


@pytest.mark.parametrize(
    "path",
    ["../a", "a/../../b", "/etc/passwd", "C:/a", "a\0b", "", "..", "a/.."],
)
def test_paths_that_leave_are_refused(path, tmp_path):
    assert path_problem(path)
    with pytest.raises(DatasetError):
        inside(tmp_path, path)


def test_a_row_that_leaves_is_a_finding_and_is_left_out(tmp_path):
    frame, findings = read_manifest(written(tmp_path, row("../../etc/passwd"), row("b.png")))
    assert list(frame["Files"]) == ["b.png"]
    assert [(finding.code, finding.line) for finding in findings] == [("T004", 2)]


def test_a_link_to_a_folder_outside_is_not_followed(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.png").touch()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(DatasetError, match="leads out of the dataset"):
        inside(tmp_path / "set", "link/a.png")


def test_a_circle_of_links_is_an_error_not_a_hang(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(DatasetError):
        inside(tmp_path, "a/x.png")


def test_lenient_about_syntax_and_says_so(tmp_path):
    frame, findings = read_manifest(
        written(
            tmp_path,
            row("./a.png"),
            "",
            row("b\\c.png", size="many"),
            row("d.png", role="picture"),
            "e.png\t",
        )
    )
    assert list(frame["Files"]) == ["a.png", "b/c.png", "d.png", "e.png"]
    assert [finding.code for finding in findings] == ["T003", "T001", "T003", "T006", "T005", "T002", "T005"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no column Files"),
        (b"name\trole\nx\timage\n", "no column Files"),
        (b"\xff\xfeF\x00", "not UTF-8"),
        (b"Files\tFiles\n", "names a column twice"),
        (b'Files\trole\n"a\timage\n' + b"x" * 200000 + b"\n", "cannot be read"),
    ],
)
def test_files_that_are_no_manifest(tmp_path, content, problem):
    path = tmp_path / "files.tsv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=problem):
        read_manifest(path)


@given(st.lists(st.text(max_size=8), max_size=20))
def test_ids_are_allowed_and_unique_regardless_of_case(names):
    ids = unique_ids([image_id(name) for name in names])
    assert len({name.casefold() for name in ids}) == len(names)
    assert all(
        name and set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!-_.*'()")
        for name in ids
    )


def frame(*rows):
    filled = [dict.fromkeys(COLUMNS, "") | {"role": "image", "size": 1} | row for row in rows]
    names = list(dict.fromkeys(name for row in filled for name in row))
    return pd.DataFrame({name: [row.get(name, "") for row in filled] for name in names})


def test_describing_again_keeps_what_people_wrote():
    old = frame({"Files": "a.png", "image": "my-name", "split": "train", "group:donor": "d1", "sha256": "1"})
    new = frame(
        {"Files": "a.png", "image": "a", "sha256": "2", "size": 9},
        {"Files": "m/a.png", "role": "annotation", "source image": "a", "sha256": "3"},
    )
    merged = merge(old, new).frame
    assert merged[
        ["Files", "image", "source image", "split", "group:donor", "sha256", "size"]
    ].values.tolist() == [
        ["a.png", "my-name", "", "train", "d1", "2", 9],
        ["m/a.png", "", "my-name", "", "", "3", 1],
    ]


def test_a_moved_file_is_followed_by_its_checksum():
    old = frame(
        {"Files": "a.png", "image": "x", "split": "test", "sha256": "1"},
        {"Files": "b.png", "image": "y", "sha256": "2"},
    )
    new = frame(
        {"Files": "new/a.png", "image": "a", "sha256": "1"}, {"Files": "c.png", "image": "c", "sha256": "3"}
    )
    merged = merge(old, new)
    assert merged.moved == (("a.png", "new/a.png"),)
    assert merged.gone == ("b.png",)
    assert merged.added == ("c.png",)
    assert merged.frame[["Files", "image", "split"]].values.tolist() == [
        ["new/a.png", "x", "test"],
        ["b.png", "y", ""],
        ["c.png", "c", ""],
    ]


def test_a_new_image_never_takes_an_id_that_is_in_use():
    old = frame({"Files": "a.png", "image": "x", "sha256": "1"})
    new = frame(
        {"Files": "a.png", "image": "a", "sha256": "1"}, {"Files": "X.png", "image": "X", "sha256": "2"}
    )
    assert list(merge(old, new).frame["image"]) == ["x", "X-2"]


def test_ids_keep_letters_that_the_archive_knows():
    assert image_id("Größe é 1") == "Grosse_e_1"
    assert image_id("細胞") == "image"
