"""Who annotated what: sets with named annotators, several annotators in one set, sets that are asked for."""

import numpy as np
import pandas as pd
import pytest
import tifffile

from micrographia.annotations import objects_table, write_table
from micrographia.dataset import open_dataset
from micrographia.dataset.describe import describe
from micrographia.metadata import update
from micrographia.segmentation.metrics import SegmentationError
from micrographia.segmentation.scoring import Annotators, score_annotators

TRUTH = np.zeros((2, 24, 24), np.uint16)
TRUTH[0, 2:8, 2:8], TRUTH[0, 12:20, 12:20], TRUTH[0, 2:6, 14:20] = 1, 2, 3
TRUTH[1, 4:12, 4:12], TRUTH[1, 14:20, 14:20] = 1, 2
NUCLEI = {"ann": "nucleus", "bob": "nucleus"}


def folder(path, sets, targets=None, tables=True):
    """Write a dataset of two images; ``sets`` is set name to label images, and annotator(s) by label, or None."""
    for name in ("images", *sets):
        (path / name).mkdir(parents=True)
    frames = []
    for place, image in enumerate(("one", "two")):
        tifffile.imwrite(path / "images" / f"{image}.tif", np.full((24, 24), 100 + place, np.uint16))
        for name, (labels, who) in sets.items():
            tifffile.imwrite(path / name / f"{image}.tif", labels[place])
            table = objects_table(labels[place], image=image, set_name=name)
            if who is not None:
                table["annotator"] = [who(label) for label in table["label_id"]]
            frames.append(table)
    if tables:
        (path / "annotations").mkdir()
        write_table(pd.concat(frames, ignore_index=True), "objects", path / "annotations" / "objects.parquet")
    describe(path)
    for place, described in enumerate(open_dataset(path).mifa.annotations):
        if described.name in (targets or {}):
            update(path / "mifa.yaml", {f"annotations[{place}].target.object": targets[described.name]})
    return open_dataset(path)


def test_two_sets_with_named_annotators(tmp_path):
    narrower = np.where(TRUTH == 3, 0, TRUTH)
    dataset = folder(tmp_path, {"ann": (TRUTH, lambda _: "Ann"), "bob": (narrower, lambda _: "Bob")}, NUCLEI)
    found = Annotators(dataset)
    assert sorted(found.opinions) == list(dataset.image_ids)
    for place, image in enumerate(dataset.image_ids):
        labels = found.labels(image)
        assert np.array_equal(labels["Ann"], TRUTH[place])
        assert np.array_equal(labels["Bob"], narrower[place])
        assert found.ignored(image) == {"Ann": (), "Bob": ()}
    records = score_annotators(found.labels(dataset.image_ids[0]))
    assert records["Ann", "Bob"].counts["fn"] == 1


def test_several_annotators_in_one_set(tmp_path):
    labels = TRUTH.copy()
    labels[0, 2:8, 9:11] = 7
    who = {1: "Ann", 2: "Bob", 3: "Ann", 7: "Bob"}
    dataset = folder(tmp_path, {"cells": (labels, lambda label: who[label])})
    found = Annotators(dataset).labels(dataset.image_ids[0])
    assert np.array_equal(found["Ann"], np.where(np.isin(labels[0], (1, 3)), labels[0], 0))
    assert np.array_equal(found["Bob"], np.where(np.isin(labels[0], (2, 7)), labels[0], 0))


def test_one_person_twice_is_repeated_only_if_asked_for(tmp_path):
    sets = {"monday": (TRUTH, lambda _: "Ann"), "friday": (TRUTH, lambda _: "Ann")}
    dataset = folder(tmp_path, sets, {"monday": "nucleus", "friday": "nucleus"})
    assert not Annotators(dataset).opinions
    asked = Annotators(dataset, ("monday", "friday"))
    assert sorted(asked.labels(dataset.image_ids[0])) == ["Ann", "Ann (monday)"]


def test_sets_without_names_are_annotators_only_if_asked_for(tmp_path):
    dataset = folder(tmp_path, {"first": (TRUTH, None), "second": (TRUTH, None)}, tables=False)
    assert not Annotators(dataset).opinions
    asked = Annotators(dataset, ("first", "second"))
    assert sorted(asked.labels(dataset.image_ids[1])) == ["first", "second"]
    with pytest.raises(SegmentationError, match="no two annotators"):
        Annotators(dataset).labels(dataset.image_ids[1])
    with pytest.raises(SegmentationError, match="no annotation set 'third'"):
        _ = Annotators(dataset, ("first", "third")).opinions


@pytest.mark.parametrize("targets", [{"nuclei": "nucleus", "cells": "cell"}, {}])
def test_nuclei_and_cells_are_not_two_opinions(tmp_path, targets):
    sets = {"nuclei": (TRUTH, lambda _: "Ann"), "cells": (TRUTH, lambda _: "Bob")}
    dataset = folder(tmp_path, sets, targets)
    assert not Annotators(dataset).opinions
    assert len(Annotators(dataset, ("nuclei", "cells")).opinions) == 2


def test_of_several_targets_one_is_chosen(tmp_path):
    def both(label):
        return "Ann" if label == 1 else "Bob"

    dataset = folder(tmp_path, {"nuclei": (TRUTH, both), "cells": (TRUTH, both)})
    with pytest.raises(
        SegmentationError, match="different objects were annotated by several people: cells; nuclei"
    ):
        _ = Annotators(dataset).opinions
    assert {one.set for one in Annotators(dataset, like="cells").opinions["one"].values()} == {"cells"}
    with pytest.raises(SegmentationError, match="no annotation set 'glands'"):
        _ = Annotators(dataset, like="glands").opinions


def test_objects_of_nobody_leave_their_image_out(tmp_path):
    sets = {
        "ann": (TRUTH, lambda label: "" if label == 3 else "Ann"),
        "bob": (TRUTH, lambda _: "Bob"),
    }
    found = Annotators(folder(tmp_path, sets, NUCLEI))
    assert list(found.opinions) == ["two"]
    assert found.left_out == {"one": "1 objects of set ann name no annotator, others do"}


def test_overlapping_objects_are_on_layers_and_the_first_is_on_top(tmp_path):
    moved = np.roll(TRUTH, 3, 1)
    below = np.where(moved == 3, 13, moved).astype(np.uint16)
    folder(tmp_path, {"upper": (TRUTH, None), "lower": (below, None)}, tables=False)
    files = pd.read_csv(tmp_path / "files.tsv", sep="\t", dtype=str, keep_default_na=False)
    marks = files["role"] == "annotation"
    files["layer"] = files["annotation set"].map({"upper": "1", "lower": "2"}).fillna("")
    files.loc[marks, "annotation set"] = "cells"
    files.to_csv(tmp_path / "files.tsv", sep="\t", index=False)
    rows = [
        objects_table(labels[0], image="one", set_name="cells", layer=layer).assign(annotator=who)
        for layer, labels, who in ((1, TRUTH, "Ann"), (2, below, "Ann"))
    ]
    table = pd.concat(rows, ignore_index=True)
    table.loc[(table["layer"] == 2) & (table["label_id"] == 2), "annotator"] = "Bob"
    (tmp_path / "annotations").mkdir()
    write_table(table, "objects", tmp_path / "annotations" / "objects.parquet")
    describe(tmp_path)
    found = Annotators(open_dataset(tmp_path)).labels("one")
    lower = below[0]
    assert np.array_equal(found["Ann"], np.where(TRUTH[0] > 0, TRUTH[0], np.where(lower == 2, 0, lower)))
    assert np.array_equal(found["Bob"], np.where(lower == 2, 2, 0))
    assert ((TRUTH[0] > 0) & (lower > 0) & (TRUTH[0] != lower)).any()
