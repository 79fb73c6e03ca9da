"""Crates as an independent validator and an independent reader see them, in an environment of their own, offline."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import missing
from exchange.rocrate.crates import STUDY, read, whole
from exchange.rocrate.test_general_crates import GRAPH
from folders import copied, lab
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import describe
from micrographia.dataset.origin import Origin
from micrographia.exchange import Submission, described, export, file_table, read_submission

HERE = Path(__file__).parent
RICH: dict[str, Any] = {
    "study": {
        **STUDY,
        "keywords": ["cork"],
        "doi": "https://doi.org/10.6019/S-BIAD1492",
        "funding_statement": "Paid by the Royal Society",
        "grants": [{"grant_id": "1", "funder": "Royal Society"}, {"funder": "Royal Society"}],
        "publications": [
            {"publication_title": "Micrographia", "publication_doi": "https://doi.org/10.5962/bhl.title.904"}
        ],
        "links": [{"link_url": "https://example.org/code"}, {"link_url": "not an address"}],
        "ai_models_trained": ["https://example.org/model"],
        "authors": [
            {**STUDY["authors"][0], "role": ["drawing"], "organisation": [{"organisation_name": "Royal Society"}]},  # type: ignore[index]
            {"author_last_name": "Fellows", "organisation": [{"ror_id": "https://ror.org/03dbr7087"}]},
        ],
    },
    "versions": [{"version": "1.0", "timestamp": "2024-11-26", "content_sha256": "ab"}],
    "voxel_size": {"x": 0.1, "y": 0.1, "unit": "micrometer"},
    "biosamples": [
        {"title": "cork", "organism": {"scientific_name": "Quercus suber", "ncbi_taxon": "NCBITaxon:78583"}}
    ],
    "specimens": [{"title": "cut", "growth_protocol": "sun", "channels": [{"name": "C1", "content": "light"}]}],
    "image_acquisitions": [
        {"title": "look", "imaging_method": {"value": "bright-field", "ontology_id": "FBbi:00000243"}}
    ],
    "image_analyses": [{"title": "count", "analysis_overview": "counted"}],
    "image_correlations": [{"title": "both", "fiducials_used": "none"}],
    "study_components": [
        {"name": "all of it", "description": "x", "associations": [{"biosample": "cork", "specimen": "cut"}]}
    ],
    "annotations": [
        {
            "name": "cells",
            "annotation_overview": "outlines",
            "annotation_type": ["segmentation_mask"],
            "annotation_coverage": {"annotated": 1, "total": 2},
            "classes": [{"id": 1, "name": "cell", "ontology_id": "CL:0000000"}],
            "file_metadata": [{"annotation_id": "m/a.tif", "source_image_id": "a"}],
            "authors": STUDY["authors"],
            "mask_kind": "binary",
        }
    ],
}  # fmt: skip


def hold(folder: Path, *crates: Path) -> dict[str, dict[str, Any]]:
    """Return what is wrong with crates, by the names of their folders."""
    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    cache = folder / "cache"
    cache.mkdir()
    done = subprocess.run(
        [python, HERE / "validate.py", HERE / "ro-crate-1.1-context.jsonld", cache, *crates],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "HOME": str(cache)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.mark.validators
def test_what_is_written_is_valid_and_opens_elsewhere(tmp_path: Path) -> None:
    rows = [
        {"Files": "a b.tif", "role": "image", "image": "a", "study component": "all of it", "size": 5},
        {"Files": "m/a.tif", "role": "annotation", "annotation set": "cells", "source image": "a"},
        {"Files": "x.h5", "member": "1", "role": "image", "image": "x1", "study component": "all of it"},
        {"Files": "x.h5", "member": "2", "role": "image", "image": "x2", "study component": "all of it"},
    ]
    rich = Submission(described(RICH), file_table(rows), Origin("", "", "https://example.org/files/"))
    crates = []
    for dialect in ("title", "name"):
        for name, submission in (("rich", rich), ("plain", whole())):
            crates.append(tmp_path / f"{name}-{dialect}")
            assert export(submission, "rocrate", crates[-1], {"dialect": dialect}).valid
    dataset = Submission.of(describe(lab(tmp_path)).dataset)
    converted = tmp_path / "zarr"
    convert(dataset.dataset(), converted, ConvertOptions("0.5", verify=False))
    for name, folder in (("raw", tmp_path / "lab"), ("converted", converted)):
        made = open_dataset(folder)
        titled = described(made.mifa.plain() | {"study": STUDY}, name)
        crates.append(tmp_path / f"crate-{name}")
        submission = Submission(titled, made.files, folder=folder)
        assert export(submission, "rocrate", crates[-1], {"files": "link"}).valid
    crates.append(tmp_path / "general")
    export(read(tmp_path, GRAPH), "rocrate", crates[-1])
    (tmp_path / "general/data").mkdir()
    for name in ("data/a b.tif", "wf.cwl"):
        (tmp_path / "general" / name).write_bytes(b"x")
    crates.append(tmp_path / "bad")
    assert not export(
        Submission(described({"study": {"title": "x"}}), file_table([])), "rocrate", crates[-1]
    ).valid
    told = hold(tmp_path, *crates)
    bad = " ".join(told.pop("bad")["issues"])
    assert all(f"`{name}`" in bad for name in ("description", "license", "datePublished"))
    assert "`name` property" not in bad
    assert {name: one["issues"] for name, one in told.items() if one["issues"]} == {}
    assert told["rich-title"]["name"] == STUDY["title"]
    assert told["rich-title"]["entities"] > 40
    assert told["rich-name"]["lists"] == ["file_list.tsv", "file_list_members.tsv"]


@pytest.mark.validators
@pytest.mark.real_data
@pytest.mark.slow
def test_real_records_are_valid_but_for_what_they_lack(data: Path, tmp_path: Path) -> None:
    records = [
        *sorted((data / "bia_records").glob("S-*.json")),
        *sorted((data / "bia_records").glob("S-*/S-*.json")),
        *sorted((data / "mifa_examples").glob("Study_*.yaml")),
    ]
    crates, lacking = [], {}
    for record in records:
        crates.append(tmp_path / record.stem)
        done = export(read_submission(record), "rocrate", crates[-1])
        fields = {"study.title": "name", "study.description": "description", "study.license": "license"}
        fields["study.release_date"] = "datePublished"
        lacking[record.stem] = {fields[one.field] for one in done.findings if one.code == "E003"}
    told = hold(tmp_path, *crates)
    assert len(told) >= 24
    for name, one in told.items():
        assert len(one["issues"]) == len(lacking[name]), (name, one["issues"])
        assert all(any(f"`{field}`" in issue for issue in one["issues"]) for field in lacking[name])
    assert sum(not fields for fields in lacking.values()) >= 20


@pytest.mark.validators
@pytest.mark.real_data
def test_real_folders_are_valid(data: Path, tmp_path: Path) -> None:
    crates = []
    for name in ("dsb2018/original_layout", "plantseg_3d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        made = describe(copied(data, name, tmp_path)).dataset
        titled = described(made.mifa.plain() | {"study": STUDY})
        crates.append(tmp_path / f"crate-{made.path.name}")
        export(Submission(titled, made.files, folder=made.path), "rocrate", crates[-1], {"files": "link"})
        back = open_dataset(crates[-1])
        assert (back.image(back.image_ids[0]).read() == made.image(back.image_ids[0]).read()).all()
    assert [one["issues"] for one in hold(tmp_path, *crates).values()] == [[], []]
