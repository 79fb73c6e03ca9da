"""Folders that 3D Slicer saved become datasets, and go back as they were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nrrd
import numpy as np
import pytest

from micrographia.cli import main
from micrographia.dataset import open_dataset
from micrographia.exchange import (
    export,
    import_submission,
)
from micrographia.images.readers.nrrd import key_values
from slicer_folders import codes


def slicer_folder(folder: Path) -> Path:
    """A folder as 3D Slicer saves it: an oblique image elsewhere in space, a segmentation without our entries."""
    folder.mkdir()
    directions = np.array([[-0.6, 0.8, 0], [-0.8, -0.6, 0], [0, 0, 2.5]])
    space = {
        "space": "left-posterior-superior",
        "space directions": directions,
        "space origin": [193.25, -216, 340.5],
        "kinds": ["domain"] * 3,
    }
    nrrd.write(
        str(folder / "brain.nrrd"), np.arange(120, dtype="i2").reshape(6, 5, 4), {**space, "modality": "MR"}
    )
    labels = np.zeros((6, 5, 4), "u1")
    labels[1:3, 1:3, 1:3] = 1
    labels[3:5, 1:3, 1:3] = 2
    tags = "Segmentation.Status:inprogress|TerminologyEntry:list~SCT^123037004^Structure~SCT^113197003^Rib~^^~~^^~^^|"
    segments = {}
    for number, (name, color) in enumerate(
        [("rib", "0.992157 0.909804 0.619608"), ("vein", "0 0.592157 0.807843")]
    ):
        segments |= {
            f"Segment{number}_Color": color,
            f"Segment{number}_Extent": "0 5 0 4 0 3",
            f"Segment{number}_ID": f"Segment_{number + 1}",
            f"Segment{number}_LabelValue": str(number + 1),
            f"Segment{number}_Layer": "0",
            f"Segment{number}_Name": name,
            f"Segment{number}_Tags": tags if number == 0 else "Some field:some value|",
        }
    nrrd.write(
        str(folder / "brain.seg.nrrd"),
        labels,
        {**space, **segments, "Segmentation_MasterRepresentation": "x"},
    )
    return folder


def test_a_folder_of_slicer_becomes_a_dataset_and_goes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = slicer_folder(tmp_path / "slicer")
    assert main(["import", str(folder), str(tmp_path / "set"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "slicer"
    assert told["kept"] == ["brain.nrrd", "brain.seg.nrrd"]
    dataset = open_dataset(tmp_path / "set")
    assert dataset.image_ids == ("brain",)
    entry = dataset.mifa.annotations[0]
    assert (entry.name, entry.mask_kind) == ("masks", "semantic")
    assert [(one.id, one.name, one.ontology_id) for one in entry.classes] == [
        (1, "rib", "SCT:113197003"),
        (2, "vein", None),
    ]
    assert main(["check", str(tmp_path / "set")]) == 1
    done = export(dataset, "slicer", tmp_path / "out")
    assert not [one for one in done.findings if one.code == "E005"]
    for name in ("brain.nrrd", "brain.seg.nrrd"):
        before, after = (key_values(place / name) for place in (folder, done.path))
        assert np.array_equal(nrrd.read(str(folder / name))[0], nrrd.read(str(done.path / name))[0])
        assert np.allclose(before[0]["space directions"], after[0]["space directions"], rtol=1e-12)
        assert before[0]["space origin"].tolist() == after[0]["space origin"].tolist()
    assert after[1]["Segment0_Color"] == "0.992157 0.909804 0.619608"
    assert after[1]["Segment1_Tags"] == "Some field:some value|"
    assert key_values(done.path / "brain.nrrd")[1]["modality"] == "MR"


def test_values_that_mean_different_things_are_no_classes(tmp_path: Path) -> None:
    folder = slicer_folder(tmp_path / "slicer")
    for name in ("brain", "heart"):
        if name == "heart":
            shutil.copy(folder / "brain.nrrd", folder / "heart.nrrd")
            text = (folder / "brain.seg.nrrd").read_bytes()
            (folder / "heart.seg.nrrd").write_bytes(text.replace(b"Name:=rib", b"Name:=bar"))
    back = import_submission(folder, tmp_path / "set")
    assert back.mifa.annotations[0].classes == []
    assert any("'rib' in one file and 'bar' in another" in one.message for one in back.findings)


def test_names_of_segmentations_say_their_image_and_set(tmp_path: Path) -> None:
    folder = slicer_folder(tmp_path / "slicer")
    shutil.copy(folder / "brain.nrrd", folder / "brain_2.nrrd")
    (folder / "brain.seg.nrrd").rename(folder / "brain_2-vessels-segmentation.seg.nrrd")
    shutil.copy(folder / "brain_2-vessels-segmentation.seg.nrrd", folder / "other.seg.nrrd")
    (folder / "broken.nrrd").write_bytes(b"NRRD0004\ntype: short\n")
    back = import_submission(folder, tmp_path / "set")
    rows = back.files[back.files["role"] == "annotation"]
    assert rows["source image"].tolist() == ["brain_2", ""]
    assert rows["annotation set"].tolist() == ["vessels", "masks"]
    assert {"E007", "E010"} <= codes(back.findings)
    alone = import_submission(folder / "brain_2-vessels-segmentation.seg.nrrd", tmp_path / "one")
    assert alone.files["image"].tolist() == ["brain_2", ""]


def test_layers_that_number_anew_are_sets(tmp_path: Path) -> None:
    folder = slicer_folder(tmp_path / "slicer")
    layers = np.zeros((2, 6, 5, 4), "u1")
    layers[0, 1:3], layers[1, 2:5] = 1, 1
    head = {"kinds": ["list", "domain", "domain", "domain"]}
    for number, name in enumerate(["cell", "nucleus"]):
        head |= {
            f"Segment{number}_Name": name,
            f"Segment{number}_LabelValue": "1",
            f"Segment{number}_Layer": str(number),
        }
    nrrd.write(str(folder / "brain.seg.nrrd"), layers, head)
    import_submission(folder, tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    assert [(one.name, [c.name for c in one.classes]) for one in dataset.mifa.annotations] == [
        ("masks", ["cell"]),
        ("masks-layer-2", ["nucleus"]),
    ]
    assert [np.count_nonzero(mask.image.read()) for mask in dataset.masks("brain")] == [40, 60]


@pytest.mark.parametrize(
    "damage", ["Segment0_LabelValue:=x", "Segment0_Layer:=-3", "Segment0_Tags:=|||:|a~b"]
)
def test_odd_segments_are_told_or_taken(tmp_path: Path, damage: str) -> None:
    folder = slicer_folder(tmp_path / "slicer")
    key = damage.split(":=")[0].encode()
    lines = (folder / "brain.seg.nrrd").read_bytes().split(b"\n")
    changed = [damage.encode() if line.startswith(key) else line for line in lines]
    (folder / "brain.seg.nrrd").write_bytes(b"\n".join(changed))
    back = import_submission(folder, tmp_path / "set")
    assert ("E009" in codes(back.findings)) == ("Tags" not in damage)
    export(open_dataset(tmp_path / "set"), "slicer", tmp_path / "out")


def test_entries_of_others_under_our_names_do_no_harm(tmp_path: Path) -> None:
    folder = slicer_folder(tmp_path / "slicer")
    for name in ("brain.nrrd", "brain.seg.nrrd"):
        head, _, rest = (folder / name).read_bytes().partition(b"\n\n")
        entries = [
            "Image:=../../x<script>",
            "Number:=9999999999999",
            "Time:=../y",
            "Kind:=[1, 2]",
            "Set:=</script>\\n../z",
        ]
        lines = "".join(
            f"\nMicrographia_{entry}" for entry in entries if name != "brain.nrrd" or "Set" not in entry
        )
        (folder / name).write_bytes(head + lines.encode() + b"\n\n" + rest)
    back = import_submission(folder, tmp_path / "set")
    assert back.files["image"].tolist()[0] == "x_script__t.._y"
    assert back.mifa.annotations[0].mask_kind is None or "mask_kind" in str(back.findings)
    dataset = open_dataset(tmp_path / "set")
    assert len(dataset.masks(dataset.image_ids[0])) == 1
    done = export(dataset, "slicer", tmp_path / "out")
    assert all(path.parent == done.path for path in done.path.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "set", "slicer"]
