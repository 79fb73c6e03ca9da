import json

import numpy as np
import tifffile
import yaml

from micrographia.dataset import open_dataset


def test_it_says_what_it_found_and_what_comes_next(command, lab):
    told = command("describe", lab)
    assert (told.status, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == f"  Found 4 images and 4 mask files in {lab}/  (ImageJ TIFF, 2D, uint16; masks uint16)"
    assert lines[1:3] == [
        "  Annotated 4 of 4:",
        "    4  parallel folders, same stem: images/NAME.tif <-> masks/NAME.tif",
    ]
    assert lines[-1] == f"  Next: fill in mifa.yaml, then  micrographia check {lab}/"
    assert "  treatments.csv says the split of each image:  --split treatments.csv:split" in lines
    described = open_dataset(lab).description
    told_fields = next(line for line in lines if "mifa.yaml" in line and "filled" in line)
    assert f"{len(described.open_fields)} for you" in told_fields
    leaves = [text for text in (lab / "mifa.yaml").read_text().splitlines() if "# from the files" in text]
    assert f"({len(leaves) + 3} fields filled" in told_fields  # and the three of the first version


def test_json_for_programs(command, lab):
    told = command("describe", lab, "--json")
    assert (told.status, told.err) == (0, "")
    document = json.loads(told.out)
    assert document["images"] == document["annotated"] == document["annotation_files"] == 4
    assert document.keys() == {
        "images", "annotated", "annotation_files", "rules", "notes", "assumptions", "unpaired",
        "images_without_annotation", "tables", "unreadable", "harvest", "voxel_size_conflicts", "moved", "gone",
        "groups", "split", "open_fields", "rows",
    }  # fmt: skip
    assert "study.title" in document["open_fields"]


def test_what_is_left_over_is_listed_up_to_a_few(command, lab):
    for mask in (lab / "masks").iterdir():
        mask.rename(mask.with_name(f"lost_{mask.name.replace('s1', 's77')}"))
    for number in range(12):
        (lab / "images" / f"broken_{number}.tif").write_bytes(b"II*\0")
    told = command("describe", lab)
    assert told.status == 0
    assert "  Annotated 0 of 4\n" in told.out
    assert "  4 annotations without image:\n" in told.out
    assert "(no image has this name)" in told.out
    assert "  12 files passed over:\n" in told.out
    assert "    and 4 more: --all\n" in told.out
    everything = command("describe", lab, "--all").out
    assert "more: --all" not in everything
    assert everything.count("broken_") == 12


def test_an_image_that_cannot_be_opened_with_its_masks_is_told(command, lab):
    """Two masks of one image in one set, of different sizes, cannot be put together."""
    command("describe", lab)
    mask = min((lab / "masks").iterdir())
    tifffile.imwrite(lab / "more.tif", np.ones((9, 9), np.uint8))
    text = (lab / "files.tsv").read_text()
    row = next(line for line in text.splitlines() if f"masks/{mask.name}" in line)
    (lab / "files.tsv").write_text(text + row.replace(f"masks/{mask.name}", "more.tif") + "\n")
    told = command("describe", lab)
    assert told.status == 0
    assert "1 file passed over:" in told.out
    line = told.out.split("1 file passed over:\n")[1].splitlines()[0]
    assert line.startswith(f"    masks/{mask.name}: its size 64 x 80 differs from 9 x 9")


def test_an_annotation_table_counts(command, tmp_path):
    folder = tmp_path / "boxes"
    (folder / "images").mkdir(parents=True)
    for name in "ab":
        tifffile.imwrite(folder / "images" / f"{name}.tif", np.arange(400, dtype=np.uint16).reshape(20, 20))
    coco = {
        "images": [{"id": 1, "file_name": "a.tif", "width": 20, "height": 20}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 4, 5], "area": 20, "iscrowd": 0}
        ],
        "categories": [{"id": 1, "name": "nucleus"}],
    }
    (folder / "instances.json").write_text(json.dumps(coco))
    told = command("describe", folder)
    assert "  Found 2 images in " in told.out
    assert "  Annotated 1 of 2:\n    1  instances.json: bounding_boxes of 1 image (coco)\n" in told.out
    assert "  1 image without annotation:\n    images/b.tif\n" in told.out
    coverage = yaml.safe_load((folder / "mifa.yaml").read_text())["annotations"][0]["annotation_coverage"]
    assert (coverage["annotated"], coverage["total"]) == (1, 2)


def test_a_folder_of_yolo_labels_is_one_line(command, tmp_path):
    folder = tmp_path / "yolo"
    for split, names in (("train", "abc"), ("val", "de")):
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        for number, name in enumerate(names):
            pixels = np.arange(400, dtype=np.uint16).reshape(20, 20) + number + 3 * (split == "val")
            tifffile.imwrite(folder / "images" / split / f"{name}.tif", pixels)
            (folder / "labels" / split / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    told = command("describe", folder)
    assert "  Annotated 5 of 5:\n    3  labels/train/NAME.txt: bounding_boxes (yolo)\n" in told.out
    assert "  Folders say the split of each image (train 3, validation 2):  --split folders\n" in told.out
    split = command("describe", folder, "--split", "folders")
    assert "  Split: train 3, validation 2\n" in split.out
    assert {open_dataset(folder).image_split(image) for image in "de"} == {"validation"}
    assert "--split folders" not in split.out


def test_groups_and_splits(command, lab):
    told = command("describe", lab, "--group", "well=treatments.csv:well", "--split", "train=0.5,test=0.5")
    assert "  Grouped by well: 4 values\n" in told.out
    assert "  Split: train 2, test 2\n" in told.out
    assert "--split treatments.csv:split" not in told.out
    assert open_dataset(lab).groups == ("well",)


def test_options_that_fit_nothing_are_one_line(command, lab):
    for options, words in (
        (["--group", "well"], "COLUMN=PATTERN"),
        (["--group", "well=("], "regular expression"),
        (["--group", "well=nowhere"], "A path looks like"),
        (["--group", "well=none.csv:well"], "none.csv"),
        (["--group", "well=treatments.csv:none"], "Its columns are"),
        (["--split", "train"], "train=0.7"),
        (["--split", "train=0.5,test=-1"], "positive share"),
        (["--split", "a=1,b=1,c=1,d=1,e=1"], "finer"),
        (["--split", "folders"], "no folders named"),
        (["--pairs", "none.csv"], "does not exist"),
        (["--pairs", "treatments.csv"], "`mask`"),
    ):
        told = command("describe", lab, *options)
        assert (told.status, told.out) == (2, ""), options
        assert told.err.count("\n") == 1, told.err
        assert words in told.err
        assert "Traceback" not in told.err
    assert not (lab / "mifa.yaml").exists()
    assert not (lab / "files.tsv").exists()


def test_pairs_by_a_table(command, lab):
    images, masks = sorted((lab / "images").iterdir()), sorted((lab / "masks").iterdir())
    lines = [
        f"{image.name},masks/{mask.name},nuclei" for image, mask in zip(images, reversed(masks), strict=True)
    ]
    lines = [f"images/{line}" for line in lines]
    (lab / "pairs.csv").write_text("image,mask,set\n" + "\n".join(lines) + "\n")
    told = command("describe", lab, "--pairs", "pairs.csv")
    assert "    4  by the table pairs.csv\n" in told.out
    dataset = open_dataset(lab)
    assert dataset.annotation_sets == ("nuclei",)
    first = dataset.image_ids[0]
    assert dataset.mask_rows(first)[0].path == f"masks/{masks[-1].name}"


def test_channels_can_be_left_apart(command, tmp_path):
    folder = tmp_path / "plate"
    folder.mkdir()
    for name in ("a_DAPI", "a_GFP", "b_DAPI", "b_GFP"):
        tifffile.imwrite(folder / f"{name}.tif", np.arange(64, dtype=np.uint16).reshape(8, 8))
    assert "Found 4 images" in command("describe", folder, "--channels", "none").out
    for name in ("mifa.yaml", "files.tsv"):
        (folder / name).unlink()
    told = command("describe", folder, "--channels", "GFP,DAPI")
    assert "Found 2 images" in told.out
    assert "CHANNEL one of GFP, DAPI" in told.out
    assert [channel.name for channel in open_dataset(folder).image("a").channels] == ["GFP", "DAPI"]


def test_again_says_what_changed(command, described):
    image = min((described / "images").iterdir())
    image.rename(image.with_name("renamed.tif"))
    max((described / "masks").iterdir()).unlink()
    told = command("describe", described)
    assert told.status == 0
    assert f"    images/{image.name} -> images/renamed.tif\n" in told.out
    assert "  1 file gone; their rows stay, --prune takes them off:\n" in told.out
    assert "without image" not in told.out, "the mask of the image that moved has one"
    assert "  Updated " in told.out
    pruned = command("describe", described, "--prune")
    assert "  1 file gone and off the list:\n" in pruned.out
    assert "gone" not in command("describe", described).out
