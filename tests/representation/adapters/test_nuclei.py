import numpy as np
import pandas as pd
import pytest
from PIL import Image

from micrographia.dataset import open_dataset
from micrographia.errors import ProfileError
from micrographia.representation.adapters import load


def field(seed, shape=(128, 256)):
    """Return a smooth random field with grain: an edge continues in its neighbour and nowhere else."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    return np.clip(100 + 400 * smooth + 2 * rng.normal(size=shape), 0, 255).astype(np.uint8)


def made(folder):
    """Write three fields, one of them cut into two tiles, with label images."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    whole = field(1)
    planes = {
        "left": whole[:, :128],
        "right": whole[:, 128:],
        "lone": field(2)[:, :128],
        "other": field(3)[:, :128],
    }
    for at, (name, plane) in enumerate(planes.items()):
        Image.fromarray(np.ascontiguousarray(plane)).save(folder / f"images/{name}.png")
        labels = np.zeros(plane.shape, np.uint16)
        for number in range(at + 1):
            labels[10 * number : 10 * number + 5, 5:9] = number + 1
        Image.fromarray(labels).save(folder / f"labels/{name}.png")
    rgb = np.stack([field(4)[:, :96]] * 3, axis=-1)
    rgb[..., 0] //= 2
    Image.fromarray(rgb).save(folder / "images/stain.png")
    Image.fromarray(np.ones((128, 96), np.uint16)).save(folder / "labels/stain.png")


def test_tiles_of_one_field_are_one_group(tmp_path):
    made(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    study = load("nuclei", tmp_path, {"workers": 1})
    rows = study.rows.set_index("image")
    assert rows["count"].to_dict() == {"left": 1, "lone": 3, "other": 4, "right": 2, "stain": 1}
    assert rows["log_count"]["lone"] == pytest.approx(np.log(4))
    assert rows["field"]["left"] == rows["field"]["right"] != rows["field"]["lone"]
    assert rows["field"].nunique() == 4
    assert rows["domain"]["stain"] == "colour_128x96"
    assert rows["modality"].tolist() == ["fluorescence"] * 4 + ["H&E"]
    assert study.masks
    dataset = open_dataset(study.images)
    assert sorted(dataset.image_ids) == sorted(rows.index)
    assert len(dataset.masks("left")) == 1
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written into the folder of the data"
    place = study.images
    del study, dataset
    assert not place.exists(), "the links go with the study"


def test_fields_may_be_given_or_left_unknown(tmp_path):
    made(tmp_path)
    alone = load("nuclei", tmp_path, {"fields": False})
    assert alone.rows["field"].tolist() == alone.rows["image"].tolist()
    assert "optimistic" in alone.notes[0]
    table = pd.DataFrame({"image": ["left", "lone"], "field": ["f1", "f1"]})
    table.to_csv(tmp_path / "fields.csv", index=False)
    given = load("nuclei", tmp_path, {"fields": "fields.csv"}).rows.set_index("image")["field"]
    assert given["left"] == given["lone"] == "f1"
    assert given["right"] == "right"
    index = pd.DataFrame({"name": ["left"], "domain": ["mine"], "n_labels": [77]})
    index.to_csv(tmp_path / "index.csv", index=False)
    rows = load("nuclei", tmp_path, {"fields": False}).rows.set_index("image")
    assert (rows["count"]["left"], rows["domain"]["left"]) == (77, "mine")
    assert rows["count"]["right"] == 2


def test_what_is_wrong_is_told(tmp_path):
    made(tmp_path)
    (tmp_path / "index.csv").write_text("name,domain,n_labels\nleft,x,many\n")
    with pytest.raises(ProfileError, match="n_labels holds 'many'"):
        load("nuclei", tmp_path, {"fields": False})
    (tmp_path / "index.csv").write_text("name,domain\nleft,x\n")
    with pytest.raises(ProfileError, match="no column 'n_labels'"):
        load("nuclei", tmp_path, {"fields": False})
    (tmp_path / "index.csv").unlink()
    (tmp_path / "labels/lone.png").unlink()
    with pytest.raises(ProfileError, match=r"lone\.png: has no label image"):
        load("nuclei", tmp_path)


def test_the_published_folder(data):
    study = load("nuclei", data / "dsb2018", {"fields": False})
    assert len(study.rows) == 254
    assert study.rows["count"].sum() == 11_655
    assert study.rows["modality"].value_counts().to_dict() == {"fluorescence": 184, "H&E": 70}
