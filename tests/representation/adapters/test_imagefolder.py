import numpy as np
import pytest
from PIL import Image

from micrographia.dataset import open_dataset
from micrographia.errors import ProfileError
from micrographia.representation.adapters import load


def picture(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16), dtype=np.uint8))


def test_folders_of_classes(tmp_path):
    for at, (label, name) in enumerate([("cat", "a-1"), ("cat", "a-2"), ("dog", "b-1"), ("dog", "c-1")]):
        (tmp_path / label).mkdir(exist_ok=True)
        picture(at).save(tmp_path / label / f"{name}.png")
    study = load("imagefolder", tmp_path, {"group": r"^(\w)-"})
    assert study.rows["label"].tolist() == ["cat", "cat", "dog", "dog"]
    assert study.rows["group"].tolist() == ["a", "a", "b", "c"]
    assert study.rows["image"].tolist() == ["cat_a-1", "cat_a-2", "dog_b-1", "dog_c-1"]
    assert sorted(open_dataset(study.images).image_ids) == study.rows["image"].tolist()
    limited = load("imagefolder", tmp_path, {"limit": 1})
    assert limited.rows["file"].tolist() == ["cat/a-1.png", "dog/b-1.png"]
    assert limited.rows["group"].tolist() == limited.rows["image"].tolist()
    assert "optimistic" in limited.notes[-1]
    with pytest.raises(ProfileError, match="no regular expression"):
        load("imagefolder", tmp_path, {"group": "("})
    with pytest.raises(ProfileError, match=r"b-1\.png: does not match"):
        load("imagefolder", tmp_path, {"group": "a"})


def test_folders_of_splits_and_of_one_class(tmp_path):
    for split in ("train", "test"):
        for label in ("x", "y"):
            place = tmp_path / split / label
            place.mkdir(parents=True)
            picture(5).save(place / "1.png")
    rows = load("imagefolder", tmp_path).rows
    assert rows["split"].tolist() == ["test", "test", "train", "train"]
    assert rows["label"].tolist() == ["x", "y", "x", "y"]
    with pytest.raises(ProfileError, match="pictures in 1 subfolder, and classes are two or more"):
        load("imagefolder", _one_class(tmp_path))


def _one_class(tmp_path):
    place = tmp_path / "alone" / "only"
    place.mkdir(parents=True)
    picture(6).save(place / "1.png")
    return place.parent
