import shutil
from pathlib import Path

import pytest

from builder import Builder
from micrographia.catalogue.describing import entry_of
from micrographia.catalogue.entry import Entry, packed, unpacked
from micrographia.dataset import open_dataset
from micrographia.errors import MicrographiaError
from micrographia.exchange import read_submission


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Builder(tmp_path_factory.mktemp("plain") / "nuclei", images=4).write()


def entry(folder: Path) -> Entry:
    return entry_of(open_dataset(folder), place=str(folder))[0]


def test_a_folder_tells_what_it_holds(plain: Path) -> None:
    found, images = entry_of(open_dataset(plain), place=str(plain))
    assert found.id == "nuclei"
    assert (found.images, found.dims, found.axes, found.dtypes) == (4, ("2D",), ("YX",), ("uint16",))
    assert found.voxel == {"y": (0.325, 0.325), "x": (0.325, 0.325)}
    assert (found.sides, found.splits, found.groups) == ((96, 96), ("test", "train"), ("slide",))
    assert found.organisms == ("Homo sapiens",)
    assert found.methods == ("fluorescence microscopy",)
    assert found.size == sum(
        path.stat().st_size for path in plain.rglob("*.*") if path.suffix in (".tif", ".png")
    )
    assert len(found.files_sha256) == 64
    assert found.scores["M"].judged > 30
    assert found.citation.startswith("Robert Hooke (2024). Nuclei of cultured")
    assert [(image.image, image.split, image.groups, image.shape) for image in images][:2] == [
        ("field_01", "train", {"slide": "slide-0"}, {"y": 96, "x": 96}),
        ("field_02", "train", {"slide": "slide-0"}, {"y": 96, "x": 96}),
    ]
    assert unpacked(packed(found)) == found


def test_without_headers_only_what_is_written_counts(plain: Path) -> None:
    found, images = entry_of(open_dataset(plain), place=str(plain), headers=False)
    assert (found.images, found.dims, found.dtypes) == (4, (), ())
    assert found.voxel == {"y": (0.325, 0.325), "x": (0.325, 0.325)}  # stated in mifa.yaml
    assert images[0].shape == {}


@pytest.mark.parametrize(
    ("study", "annotations", "allowed", "licences"),
    [
        ("CC0-1.0", "CC-BY-4.0", True, ("CC0-1.0", "CC-BY-4.0")),
        ("CC-BY-4.0", None, True, ("CC-BY-4.0",)),
        ("CC BY", None, True, ("CC BY",)),
        ("CC-BY-NC-4.0", "CC0-1.0", False, ("CC-BY-NC-4.0", "CC0-1.0")),
        ("CC0-1.0", "CC-BY-ND-4.0", False, ("CC0-1.0", "CC-BY-ND-4.0")),
        ("CC0-1.0", "free for friends", False, ("CC0-1.0", "free for friends")),
        ("ask us", "CC0-1.0", False, ("ask us", "CC0-1.0")),
        (None, "CC0-1.0", False, ("CC0-1.0",)),
        (None, None, False, ()),
    ],
)
def test_training_for_sale_needs_the_word_of_every_licence(
    study: str | None, annotations: str | None, allowed: bool, licences: tuple[str, ...], tmp_path: Path
) -> None:
    builder = Builder(tmp_path / "d", images=1)
    for dotted, value in (("study.license", study), ("annotations[0].license", annotations)):
        if value is None:
            builder.remove(dotted)
        else:
            builder.set(dotted, value)
    found = entry(builder.write())
    assert (found.trainable_commercially, found.licences) == (allowed, licences)


def test_channel_roles_are_those_of_people_and_names(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "d", images=2)
    builder.set("specimens[0].channels", [{"content": "DAPI"}])
    assert entry(builder.write()).roles == ("nucleus",)


def test_objects_are_counted_from_tables(tmp_path: Path) -> None:
    from micrographia.cli import main
    from micrographia.simulation import Cells, simulate_dataset

    simulate_dataset(tmp_path / "lab", images=2, shape=(64, 64), seed=1, cells=Cells(count=2))
    assert main(["describe", str(tmp_path / "lab")]) == 0
    assert entry(tmp_path / "lab").objects is None
    assert main(["convert", str(tmp_path / "lab"), str(tmp_path / "done"), "--workers", "1"]) == 0
    found = entry(tmp_path / "done")
    assert found.objects is not None
    assert found.objects > 0
    assert len(found.content_sha256) == 64


def test_a_header_that_cannot_be_read_is_told_and_the_rest_counts(plain: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(plain, tmp_path / "copy"))
    (folder / "images" / "field_01.tif").write_bytes(b"II*\0 no more")
    found = entry(folder)
    assert found.images == 4
    assert found.dims == ("2D",)
    assert "field_01.tif" in found.problems[0]


@pytest.mark.parametrize(
    "values",
    [
        {"id": 3},
        {"id": "a", "title": ["x"]},
        {"id": "a", "types": "segmentation_mask"},
        {"id": "a", "images": "many"},
        {"id": "a", "scores": {"M": 3}},
        {"id": "a", "scores": []},
        {"id": "a", "voxel": {"x": 1}},
        {"id": "a", "sets": [{"name": 3}]},
        {"id": "a", "sets": 5},
        {"id": "a", "commercial": "yes"},
        {},
        [],
        None,
    ],
)
def test_an_entry_of_other_types_is_refused(values: object) -> None:
    import json

    with pytest.raises(MicrographiaError):
        unpacked(json.dumps(values))


@pytest.mark.real_data
def test_every_real_record_has_an_entry(data: Path) -> None:
    records = sorted((data / "bia_records").glob("*.json"))
    entries = []
    for record in records:
        submission = read_submission(record)
        entries.append(
            entry_of(submission.dataset(), origin=submission.origin, place=str(record), kind="record")[0]
        )
    assert {entry.id for entry in entries} == {record.stem for record in records}
    assert all(entry.title and entry.scores["M"].judged for entry in entries)
    assert sum(bool(entry.authors) for entry in entries) >= 0.9 * len(entries)
    assert sum(bool(entry.organisms) for entry in entries) >= 0.9 * len(entries)
