"""Changing a ``mifa.yaml``: update, merge, apply, mend; whole or not at all."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM, PLAIN, described
from micrographia.errors import MetadataError
from micrographia.metadata import (
    AnnotationClass,
    Coverage,
    Version,
    apply,
    dump,
    load,
    mend,
    merge,
    template,
    update,
)
from micrographia.metadata.template import FROM_FILES

HARVESTED: dict[str, Any] = {
    "annotations": [
        {
            "name": "nuclei",
            "annotation_type": ["segmentation_mask"],
            "annotation_coverage": {"annotated": 4, "total": 8, "unit": "images"},
            "mask_kind": "instance",
        }
    ],
    "versions": [{"version": "0.1", "timestamp": "2025-11-21T12:00:00Z", "changes": "first description"}],
}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    file = tmp_path / "mifa.yaml"
    file.write_text(template(HARVESTED), encoding="utf-8")
    return file


def notes(file: Path) -> list[str]:
    return [
        line.strip()
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("#")
    ]


def test_update_takes_records_and_makes_what_is_missing(fresh: Path) -> None:
    before = notes(fresh)
    update(
        fresh,
        {
            "study.title": "T",
            "annotations[0].annotation_coverage": Coverage(annotated=8.0, total=8.0, unit="images"),
            "annotations[0].classes": [AnnotationClass(id=1, name="nucleus")],
            "versions[1]": Version(version="0.2", changes="converted"),
        },
    )
    mifa = load(fresh).mifa
    assert mifa.study.title == "T"
    assert mifa.annotations[0].annotation_coverage == Coverage(annotated=8, total=8, unit="images")
    assert [one.version for one in mifa.versions] == ["0.1", "0.2"]
    assert mifa.annotations[0].classes == [AnnotationClass(id=1, name="nucleus")]
    text = fresh.read_text(encoding="utf-8")
    assert "annotated: 8  # from the files" in text
    assert "# classes:" not in text, "the offer of a field gives way to the field"
    offered = ["# classes:", "#   - id: 1", "#     name: fibroblast", "#     ontology_id: CL:0000057"]
    assert [note for note in before if note not in notes(fresh)] == offered


def test_merge_fills_only_what_is_open_or_absent(fresh: Path) -> None:
    update(fresh, {"study.title": "Mine", "annotations[0].annotation_type": ["counts"]})
    merged = merge(
        fresh,
        {
            "study": {"title": "Theirs", "description": "D"},
            "annotations": [
                {"name": "cells", "annotation_type": ["tracks"]},
                {"name": "nuclei", "annotation_type": ["segmentation_mask"], "transformations": "none",
                 "annotation_coverage": {"annotated": 5, "description": "half"}},
            ],
            "voxel_size.z": 0.5,
            "ours": {"kept": 1},
        },
    )  # fmt: skip
    assert merged.filled == [
        "study.description", "annotations[1].name", "annotations[1].annotation_type",
        "annotations[0].annotation_coverage.description", "annotations[0].transformations", "voxel_size.z", "ours",
    ]  # fmt: skip
    assert merged.kept == {
        "study.title": ("Mine", "Theirs"),
        "annotations[0].annotation_type": (["counts"], ["segmentation_mask"]),
        "annotations[0].annotation_coverage.annotated": (4, 5),
    }
    mifa = load(fresh).mifa
    assert (mifa.study.title, mifa.study.description) == ("Mine", "D")
    assert [one.name for one in mifa.annotations] == ["nuclei", "cells"]
    assert mifa.annotations[0].annotation_type == ["counts"]
    assert mifa.unknown == {"ours": {"kept": 1}}
    text = fresh.read_text(encoding="utf-8")
    assert f"description: D  # {FROM_FILES}" in text
    assert "annotations[1].annotation_method" in load(fresh).open_fields, (
        "a new set asks what only people know"
    )
    assert text.count("# Who or what made them") == 2


def test_merging_the_same_again_changes_nothing(fresh: Path) -> None:
    text = fresh.read_text(encoding="utf-8")
    merged = merge(fresh, HARVESTED)
    assert (merged.filled, merged.kept) == ([], {})
    assert fresh.read_text(encoding="utf-8") == text


def test_merge_finds_an_unnamed_set_and_records_by_order(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    file.write_text(
        "micrographia_format: 1\nannotations:\n- annotation_method: by hand\nbiosamples:\n- description: d\n"
    )
    merge(
        file,
        {
            "annotations": [{"name": "a"}],
            "biosamples": [{"biological_entity": "b"}, {"biological_entity": "c"}],
        },
    )
    mifa = load(file).mifa
    assert [(one.name, one.annotation_method) for one in mifa.annotations] == [("a", "by hand")]
    assert [(one.description, one.biological_entity) for one in mifa.biosamples] == [("d", "b"), (None, "c")]


def test_what_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    file.write_text(
        "micrographia_format: 1\nannotations:\n- name: a\n  annotation_coverage: {annotated: most}\n"
    )
    merged = merge(file, {"annotations": [{"name": "a", "annotation_coverage": {"annotated": 3}}]})
    assert merged.kept == {"annotations[0].annotation_coverage.annotated": ("most", 3)}


def test_apply_fills_and_changes(fresh: Path) -> None:
    other = load(fresh).mifa
    other.study.title = "T"
    other.annotations[0].annotation_coverage = Coverage(annotated=6, total=8, unit="images")
    assert apply(fresh, other) == ["study.title", "annotations[0].annotation_coverage.annotated"]
    assert load(fresh).mifa == other
    assert apply(fresh, other) == []


@CALM
@given(PLAIN, PLAIN)
def test_apply_makes_the_other_description(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, Any], new: dict[str, Any]
) -> None:
    file = tmp_path_factory.mktemp("apply") / "mifa.yaml"
    file.write_text(dump(described(old)), encoding="utf-8")
    apply(file, described(new))
    assert apply(file, described(new)) == []


@CALM
@given(PLAIN)
def test_a_dump_reads_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    file = tmp_path_factory.mktemp("dump") / "mifa.yaml"
    file.write_text(dump(described(values)), encoding="utf-8")
    description = load(file)
    assert description.mifa == described(values)
    assert description.findings == []


LOOSE = """\
micrographia_format: 1
study:
  Licence: CC BY 4.0  # ours
  keywords: nucleus  # one
  title: ?
  authors:
    # the first
    - Robert Hooke
    - orcid: 0000-0002-1825-0097
      role: software
annotation_sets:
  - type: Segmentation masks, Bounding box
    coverage: all of them
    completion_time: 17 January 2023
    colour: red
    file_metadata:
      - annotation_type: mask
      - annotation_type: mask
versions:
  - version: 1.10
"""

MENDED = """\
micrographia_format: 1
study:
  license: CC-BY-4.0  # ours
  keywords:  # one
    - nucleus
  title: "?"
  authors:
    # the first
    - Robert Hooke
    - orcid_id: https://orcid.org/0000-0002-1825-0097
      role:
        - software
annotations:
  - annotation_type:
      - segmentation_mask
      - bounding_boxes
    annotation_coverage:
      description: all of them
    annotation_completion_time: "2023-01-17"
    colour: red
    file_metadata:
      - annotation_type:
          - segmentation_mask
      - annotation_type:
          - segmentation_mask
versions:
  - version: "1.10"
"""


def test_mend_writes_what_was_read(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    file.write_text(LOOSE, encoding="utf-8")
    before = load(file)
    mended = mend(file)
    assert file.read_text(encoding="utf-8") == MENDED
    after = load(file)
    assert after.mifa == before.mifa
    assert [finding.code for finding in after.findings] == ["C023", "C014"]
    assert {finding.code for finding in mended} >= {
        "C001",
        "C003",
        "C005",
        "C006",
        "C007",
        "C009",
        "C011",
        "C021",
    }
    assert mend(file) == []


def test_mending_touches_nothing_that_stands_elsewhere_than_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    text = """\
micrographia_format: 1
study:
  keywords: ["?", 5, 6]
  publications:
    10.1242/jcs.033340: {publication_year: 2008}
    10.1242/jcs.174946: {pubmed_id: PMC7274788, publication_year: 2015}
  license: CC0
annotations:
- annotation_type: [[counts, tracks], mask]
  annotation_coverage: 3 of 4 images
"""
    file.write_text(text, encoding="utf-8")
    before = load(file).mifa
    mended = mend(file)
    assert {finding.field for finding in mended} == {"study.license", "annotations[0].annotation_coverage"}
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line not in text.splitlines()]
    assert lines == [
        "  license: CC0-1.0", "  annotation_coverage:", "    annotated: 3", "    total: 4", "    unit: images",
    ]  # fmt: skip
    assert load(file).mifa == before


def test_records_in_a_mapping_of_names_are_not_changed_by_number(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    file.write_text(
        "micrographia_format: 1\nstudy:\n  publications:\n    10.1242/jcs.033340: {doi: 10.1242/x}\n"
    )
    with pytest.raises(MetadataError, match="mapping by publication_doi") as caught:
        update(file, {"study.publications[0].publication_title": "T"})
    assert caught.value.path == str(file)


def test_texts_for_records_are_merged_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    values = {
        "study.authors": ["Robert Hooke"],
        "annotations": [{"name": "a", "annotation_coverage": "half"}],
    }
    file.write_text(template(values), encoding="utf-8")
    mifa = load(file).mifa
    assert mifa.study.authors[0].author_last_name == "Hooke"
    assert mifa.annotations[0].annotation_coverage == Coverage(description="half")
    file.write_text("micrographia_format: 1\n", encoding="utf-8")
    merge(file, values)
    assert load(file).mifa == mifa


def test_byte_order_mark_link_and_permissions_survive(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_bytes(b"\xef\xbb\xbfmicrographia_format: 1\n")
    real.chmod(0o640)
    link = tmp_path / "mifa.yaml"
    link.symlink_to(real)
    update(link, {"study.title": "T"})
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"\xef\xbb\xbfmicrographia_format: 1\n")
    assert real.stat().st_mode & 0o777 == 0o640
    assert load(link).mifa.study.title == "T"


def test_a_failed_change_leaves_the_file(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fresh.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MetadataError, match="No space left on device"):
        update(fresh, {"study.title": "T"})
    assert fresh.read_bytes() == before
    assert [path.name for path in fresh.parent.iterdir()] == ["mifa.yaml"]


def test_half_a_character_is_refused(fresh: Path) -> None:
    before = fresh.read_bytes()
    with pytest.raises(MetadataError, match="surrogate"):
        update(fresh, {"study.title": "\ud800"})
    assert fresh.read_bytes() == before


KEYS = st.sampled_from(["title", "description", "funding_statement"])


@CALM
@given(st.dictionaries(KEYS, st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1)))
def test_what_people_wrote_survives_every_merge(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("merge") / "mifa.yaml"
    file.write_text(template({}), encoding="utf-8")
    update(file, {f"study.{name}": text for name, text in texts.items()})
    before = load(file).mifa
    merge(file, {"study": dict.fromkeys(["title", "description", "funding_statement"], "harvested")})
    after = load(file).mifa
    for name in ("title", "description", "funding_statement"):
        assert getattr(after.study, name) == (getattr(before.study, name) or "harvested")
