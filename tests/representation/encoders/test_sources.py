import numpy as np
import pytest
from PIL import Image as Picture

from builder import Builder
from micrographia.dataset import open_dataset
from micrographia.dataset.identity import content_sha256
from micrographia.errors import MicrographiaError, ProfileError
from micrographia.representation.encoders import sources
from micrographia.representation.encoders.sources import collect


@pytest.fixture
def folder(tmp_path):
    """A folder of photographs, a subfolder a class."""
    for name in ("cats/a.png", "cats/b.png", "dogs/a.png"):
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Picture.fromarray(np.full((5, 6, 3), len(name), np.uint8)).save(path)
    return tmp_path / "photographs"


def test_a_dataset_gives_images_with_splits_and_groups(dataset):
    found = collect(dataset)
    assert [source.id for source in found.sources] == [f"field_{number:02}" for number in range(1, 5)]
    assert [source.split for source in found.sources] == ["train", "train", "test", "test"]
    assert [source.groups["slide"] for source in found.sources] == [
        "slide-0",
        "slide-0",
        "slide-1",
        "slide-1",
    ]
    assert found.group_names == ("slide",)
    assert found.kinds == {"nuclei": "instance"}
    with found.sources[0].image() as image:
        assert image.shape == (96, 96)
    assert [mask.set for mask in found.sources[0].masks()] == ["nuclei"]


def test_the_content_is_that_of_the_dataset(dataset):
    expected = content_sha256(open_dataset(dataset), workers=1)
    assert collect(dataset).identity(content=True, workers=2)["content_sha256"] == expected
    assert "content_sha256" not in collect(dataset).identity(content=False)


def test_the_content_is_read_once_until_a_file_changes(tmp_path, monkeypatch):
    builder = Builder(tmp_path, images=2)
    read = []
    identify = sources.identify
    monkeypatch.setattr(sources, "identify", lambda *held: read.append(held[0]) or identify(*held))
    first = collect(builder.write()).identity(content=True)
    assert collect(tmp_path).identity(content=True) == first
    assert sorted(read) == ["field_01", "field_02"]
    builder.put("images/field_02.tif", builder.read("images/field_01.tif"))
    assert collect(tmp_path).identity(content=True)["content_sha256"] != first["content_sha256"]
    assert len(read) == 4


def test_the_content_that_was_written_down_is_believed(tmp_path):
    builder = Builder(tmp_path, images=1)
    builder.set("versions[0].content_sha256", "ab" * 32)
    assert collect(builder.write()).identity(content=True)["content_sha256"] == "ab" * 32


def test_a_folder_gives_its_images_with_their_subfolder(folder):
    found = collect(folder)
    assert [source.id for source in found.sources] == ["cats/a.png", "cats/b.png", "dogs/a.png"]
    assert [source.groups["folder"] for source in found.sources] == ["cats", "cats", "dogs"]
    assert found.sources[0].masks() == []
    told = found.identity(content=True)
    assert (found.name, told["images"]) == ("photographs", 3)
    Picture.fromarray(np.zeros((5, 6, 3), np.uint8)).save(folder / "cats" / "a.png")
    assert collect(folder).identity(content=True)["files_sha256"] != told["files_sha256"]


def test_the_listing_tells_of_splits(dataset, tmp_path):
    builder = Builder(tmp_path, images=4)
    before = collect(builder.write()).listing_sha256()
    assert before == collect(dataset).listing_sha256()
    builder.row("images/field_01.tif")["split"] = "test"
    assert collect(builder.write()).listing_sha256() != before


def test_what_holds_no_images(tmp_path, folder):
    with pytest.raises(MicrographiaError, match="does not exist"):
        collect(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProfileError, match="holds no image"):
        collect(tmp_path / "empty")
    (folder / "dogs" / "b.png").write_bytes(b"no picture")
    with pytest.raises(ProfileError, match=r"dogs/b\.png: .*Mend or remove it"):
        collect(folder)
