import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from folders import copied, lab
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.errors import MicrographiaError
from micrographia.metadata import load, update
from micrographia.simulation import Plate


def rows(folder):
    return pd.read_csv(folder / "files.tsv", sep="\t", dtype=str, keep_default_na=False)


def test_a_folder_becomes_a_dataset(tmp_path):
    folder = lab(tmp_path)
    result = describe(folder)
    assert len(result.dataset.image_ids) == 4
    assert {row.type for row in result.dataset.rows if row.role == "annotation"} == {"segmentation_mask"}
    assert result.harvest.mask_kind("masks") == "instance"
    truth = sum(len(np.unique(tifffile.imread(path))) - 1 for path in (folder / "masks").iterdir())
    assert result.harvest.objects() == truth
    written = load(folder / "mifa.yaml")
    assert written.mifa.annotations[0].annotation_coverage.annotated == 4
    assert written.mifa.annotations[0].mask_kind == "instance"
    assert not written.findings
    assert "study.title" in written.open_fields
    by_path = rows(folder).set_index("Files")
    assert by_path.at["treatments.csv", "role"] == "table"
    assert all(len(checksum) == 64 for checksum in by_path["sha256"])


def test_describing_again_keeps_what_people_wrote_and_follows_moves(tmp_path):
    folder = lab(tmp_path)
    describe(folder, DescribeOptions(groups=["well=treatments.csv:well"], split="treatments.csv:split"))
    update(folder / "mifa.yaml", {"study.title": "Our cells", "annotations[0].mask_kind": "semantic"})
    before = rows(folder)
    assert set(before.loc[before["role"] == "image", "split"]) == {"train", "test"}
    (folder / "images").rename(folder / "pictures")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(folder / "pictures" / "new.png")
    result = describe(folder)
    assert len(result.merged.moved) == 4
    assert not result.merged.gone
    assert result.merged.added == ("pictures/new.png",)
    after = rows(folder)
    kept = ["image", "split", "group:well", "sha256"]
    assert after.loc[:3, kept].equals(before.loc[:3, kept])
    assert set(after.loc[after["role"] == "image", "Files"].str.split("/").str[0]) == {"pictures"}
    written = load(folder / "mifa.yaml").mifa
    assert written.study.title == "Our cells"
    assert written.annotations[0].mask_kind == "semantic"


def test_only_two_files_are_written(tmp_path):
    folder = lab(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    describe(folder)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() - before.keys()} == {"mifa.yaml", "files.tsv"}
    assert all(after[path] == content for path, content in before.items())


def test_the_number_of_workers_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    one, two = (lab(tmp_path / name, images=34, plate=Plate(sites=2)) for name in ("1", "2"))
    describe(one, DescribeOptions(workers=1, split="train=0.5,test=0.5"))
    describe(two, DescribeOptions(workers=2, split="train=0.5,test=0.5"))
    assert (one / "files.tsv").read_bytes() == (two / "files.tsv").read_bytes()
    assert (one / "mifa.yaml").read_bytes() == (two / "mifa.yaml").read_bytes()


def test_nobody_is_believed_when_voxel_sizes_differ(tmp_path):
    folder = tmp_path / "lab"
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for name, size in (("images", 0.5), ("masks", 0.25)):
        tifffile.imwrite(
            folder / name / "a.tif",
            np.eye(16, dtype=np.uint8),
            imagej=True,
            resolution=(1 / size, 1 / size),
            metadata={"unit": "um"},
        )
    (folder / "notes.csv").write_text("file,pixel size [nm]\na.tif,250\n")
    result = describe(folder)
    told = result.harvest.voxel_conflicts()
    assert "a: size along y, x: the image says 0.5 micrometer but the mask says 0.25 micrometer" in told
    assert load(folder / "mifa.yaml").mifa.voxel_size is None


def test_label_images_are_told_by_their_pixels_where_names_are_silent(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "lab"
    for name in ("left", "right"):
        (folder / name).mkdir(parents=True)
    for number in range(3):
        labels = np.kron(rng.integers(0, 5, (4, 4)), np.ones((16, 16), int)).astype(np.uint8)
        labels[:16] = 0
        Image.fromarray(labels).save(folder / "right" / f"{number}.png")
        noise = rng.integers(0, 255, (64, 64)).astype(np.uint8)
        Image.fromarray(noise).save(folder / "left" / f"{number}.png")
    result = describe(folder)
    assert len(result.pairing.annotations) == 3
    assert result.pairing.notes == [
        "no name speaks of annotations; by their pixels those in right are label images"
    ]


def test_pairs_by_a_table(tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / f"{name}.png")
    (folder / "pairs.csv").write_text("image,mask,set\na.png,b.png,cells\n./c.png,d.png,cells\n")
    result = describe(folder, DescribeOptions(pairs="pairs.csv"))
    assert [(entry.set, entry.items[0].path) for entry in result.pairing.annotations] == [
        ("cells", "b.png"),
        ("cells", "d.png"),
    ]
    (folder / "pairs.csv").write_text("image,mask\na.png,zzz.png\n")
    with pytest.raises(MicrographiaError, match=r"pairs\.csv: line 2: there is no image zzz\.png"):
        describe(folder, DescribeOptions(pairs="pairs.csv"))


@pytest.mark.parametrize("content", [None, "text"])
def test_a_folder_without_images_is_one_clear_error(tmp_path, content):
    if content:
        (tmp_path / "a.tif").write_text(content)
    with pytest.raises(MicrographiaError, match="holds no image that can be read"):
        describe(tmp_path)
    assert not (tmp_path / "files.tsv").exists()


def test_an_unreadable_image_does_not_stop_the_others(tmp_path):
    folder = lab(tmp_path)
    (folder / "images" / "broken.tif").write_bytes(b"II*\0")
    result = describe(folder)
    assert len(result.dataset.image_ids) == 4
    assert [error.path for error in result.found.problems if "broken.tif" in error.path]


def test_links_in_a_circle_and_odd_names_are_passed_over(tmp_path):
    folder = lab(tmp_path)
    (folder / "images" / "again").symlink_to(folder)
    (folder / "images" / "nothing.tif").symlink_to(folder / "nowhere.tif")
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, os; open(os.path.join(os.fsencode(sys.argv[1]), b'\\xff.tif'), 'w')",
            folder,
        ],
        check=True,
    )
    result = describe(folder)
    problems = " ".join(error.problem for error in result.found.problems)
    assert "link to a folder" in problems
    assert "link to nothing" in problems
    assert "not UTF-8" in problems
    assert len(result.dataset.image_ids) == 4


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "images", "annotations", "kinds", "objects"),
    [
        ("dsb2018", 257, 257, {"labels": "instance", "masks": "instance"}, 11655 + 41),
        ("stardist_test_images", 3, 2, {"masks": "instance"}, 125 + 51),
        ("plantseg_3d", 4, 4, {"labels": "instance"}, None),
        ("nf1_cellpainting", 5, 15, dict.fromkeys(("nuclei", "cells", "cytoplasm"), "binary"), 0),
        ("pancreas_imc_images", 3, 3, {"masks": "instance", "point_annotations": None}, None),
    ],
)
def test_real_folders_are_paired_without_help(data, tmp_path, name, images, annotations, kinds, objects):
    result = describe(copied(data, name, tmp_path))
    assert len(result.pairing.images) == images
    assert len(result.pairing.annotations) == annotations
    assert not result.pairing.unpaired
    assert {held: result.harvest.mask_kind(held) for held in result.dataset.annotation_sets} == kinds
    if objects is not None:
        assert result.harvest.objects() == objects


@pytest.mark.real_data
def test_channels_and_voxel_sizes_of_real_files(data, tmp_path):
    nf1 = describe(copied(data, "nf1_cellpainting", tmp_path)).dataset
    image = nf1.image(nf1.image_ids[0])
    assert image.axes == "CYX"
    assert [channel.name for channel in image.channels] == ["DAPI", "GFP", "RFP"]
    plant = describe(copied(data, "plantseg_3d", tmp_path)).dataset
    ovule = plant.image("sample_ovule")
    assert ovule.axes == "ZYX"
    assert ovule.scale == pytest.approx({"z": 0.235, "y": 0.15, "x": 0.15})
    assert ovule.units == dict.fromkeys("zyx", "micrometer")


def test_what_the_whole_lab_shares_is_typed_once(tmp_path, monkeypatch):
    shared = tmp_path / "lab.yaml"
    shared.write_text("funding_statement: Paid for by the department\nlicense: CC0-1.0\n")
    monkeypatch.setenv("MICROGRAPHIA_LAB", str(shared))
    folder = lab(tmp_path)
    result = describe(folder)
    assert result.lab == shared
    study = load(folder / "mifa.yaml").mifa.study
    assert (study.funding_statement, study.license) == ("Paid for by the department", "CC0-1.0")
