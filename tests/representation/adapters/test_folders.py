import numpy as np
import pytest
from PIL import Image

from micrographia.dataset import open_dataset
from micrographia.representation.adapters import folders
from micrographia.representation.adapters.folders import (
    Picture,
    described_groups,
    ids_of,
    is_dataset,
    opened,
    pictures,
)


@pytest.fixture
def folder(tmp_path):
    for name in ("b.PNG", "a.tif", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    for name in ("b.PNG", "a.tif"):
        Image.fromarray(np.full((8, 9), ord(name[0]), np.uint8)).save(tmp_path / name)
    return tmp_path


def test_pictures_are_found_in_order(folder):
    assert [path.name for path in pictures(folder)] == ["a.tif", "b.PNG"]
    assert ids_of([folder / "x y/a.b.png", folder / "x_y/A.b.png"], folder) == ["x_y_a.b", "x_y_A.b-2"]


@pytest.mark.parametrize("links", [True, False])
def test_a_dataset_of_links(folder, monkeypatch, links):
    if not links:

        def refused(self, target):
            raise OSError("no links here")

        monkeypatch.setattr(folders.Path, "symlink_to", refused)
    found = [
        Picture("a", folder / "a.tif", folder / "b.PNG", {"field": "f1"}),
        Picture("b", folder / "b.PNG"),
    ]
    held = opened(found, "mine")
    dataset = open_dataset(held.folder)
    assert dataset.title == "mine"
    assert dataset.image_ids == ("a", "b")
    assert dataset.image_groups("a") == {"field": "f1"}
    with dataset.image("a") as image:
        assert image.read().flat[0] == ord("a")
    assert len(dataset.masks("a")) == 1
    assert dataset.masks("b") == []
    assert (held.folder / "images/b.png").is_symlink() is links
    assert is_dataset(held.folder)
    assert described_groups(held.folder, "field") == {"a": "f1"}
    assert described_groups(folder, "field") == {}
    place = held.folder
    del held, dataset, image
    assert not place.exists()
    assert (folder / "a.tif").stat().st_size > 0
