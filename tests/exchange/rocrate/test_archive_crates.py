"""Crates as the BioImage Archive makes them: both dialects say the same, and nothing of them is lost."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from exchange.rocrate.crates import (
    BIA,
    CONTEXT,
    DESCRIPTOR,
    ORCID,
    archive,
    codes,
    file_list,
    read,
    root,
    write,
)
from micrographia.exchange import COMPONENT, Submission, differing, export, read_submission

READ = {
    "study": {
        "title": "Cork",
        "description": "Slices",
        "keywords": ["cork", "cell"],
        "license": "CC0-1.0",
        "authors": [
            {
                "author_first_name": "Robert",
                "author_last_name": "Hooke",
                "email": "hooke@example.org",
                "orcid_id": ORCID,
                "role": ["drawing"],
                "organisation": [{"organisation_name": "Royal Society"}],
            }
        ],
        "publications": [
            {
                "publication_title": "Micrographia",
                "publication_authors": "Hooke",
                "publication_doi": "https://doi.org/10.5962/bhl.title.904",
                "publication_year": "1665",
            }
        ],
        "links": [
            {"link_url": "https://example.org/code", "link_description": "code", "link_type": "GitHub"}
        ],
        "accession": "S-BIAD1",
        "release_date": "2023-09-05",
    },
    "annotations": [
        {
            "name": "Masks",
            "annotation_overview": "Outlines",
            "annotation_type": ["segmentation_mask"],
            "annotation_method": "By hand",
            "annotation_criteria": "whole cells",
            "annotation_coverage": {"description": "one slice"},
            "source_image_association": "same name",
            "transformations": "none",
            "spatial_information": "pixels",
        }
    ],
    "biosamples": [
        {
            "title": "Cork",
            "organism": {
                "scientific_name": "Quercus suber",
                "ncbi_taxon": "NCBITaxon:78583",
                "common_name": "cork oak",
            },
            "biological_entity": "bark",
        }
    ],
    "specimens": [
        {
            "title": "Cut",
            "sample_preparation": "With a penknife",
            "growth_protocol": "In the sun",
            "channels": [{"name": "C1", "content": "light"}],
        }
    ],
    "image_acquisitions": [
        {
            "title": "Look",
            "imaging_method": {"value": "bright-field microscopy", "ontology_id": "FBbi:00000243"},
            "imaging_instrument": "Compound microscope",
            "image_acquisition_parameters": "50x",
        }
    ],
    "study_components": [
        {
            "name": "Images",
            "description": "All of them",
            "associations": [{"biosample": "Cork", "specimen": "Cut", "image_acquisition": "Look"}],
        }
    ],
}


@pytest.mark.parametrize("dialect", ["title", "name"])
@pytest.mark.parametrize("context", [CONTEXT, [CONTEXT, BIA]])
def test_both_dialects_say_the_same(tmp_path: Path, dialect: str, context: object) -> None:
    graph, text = archive(dialect)
    found = read(tmp_path, graph, context, file_list__tsv=text)
    assert found.mifa.plain() == {"micrographia_format": 1} | READ
    files = found.files.set_index("Files")
    assert list(files["role"]) == ["image", "image", "annotation"]
    assert list(files["image"]) == ["a", "b", ""]
    assert list(files["source image"]) == ["", "", "a"]
    assert list(files[COMPONENT]) == ["Images", "Images", ""]
    assert list(files["annotation set"]) == ["", "", "Masks"]
    assert list(files["donor"]) == ["d1", "d2", "d1"]
    assert list(files["size"]) == [12, 13, 14]
    assert "E007" not in codes(found)


@pytest.mark.parametrize("dialect", ["title", "name"])
def test_what_has_no_home_is_kept_named_and_put_back(tmp_path: Path, dialect: str) -> None:
    graph, text = archive(dialect)
    for one in graph:
        if one["@id"] == ORCID:
            one["website"] = "https://example.org/hooke"
        if one["@id"] == "#Images":
            one["associatedProtocol"] = [{"@id": "#other"}]
    graph.append({"@id": "#other", "@type": "bia:Protocol", "title": "Other", "protocolDescription": "?"})
    before = read(tmp_path, graph, file_list__tsv=text)
    messages = [finding.message for finding in before.findings if finding.code == "E004"]
    for kind in ("Contributor/Person.website", "Dataset/RembiDataset.associatedProtocol", "Protocol"):
        assert any(message.startswith(f"{kind} has no home") for message in messages), messages
    for number, other in enumerate(("title", "name")):
        done = export(before, "rocrate", tmp_path / f"again{number}", {"dialect": other})
        assert "E005" not in [finding.code for finding in done.findings]
        written = json.loads((done.path / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
        entities = {one["@id"]: one for one in written}
        assert entities[ORCID]["website"] == "https://example.org/hooke"
        assert entities["#Images"]["associatedProtocol"] == [{"@id": "#other"}]
        assert entities["#other"]["title"] == "Other"
        assert (
            next(value for key, value in entities["#Drawing"].items() if key in ("title", "name"))
            == "Drawing"
        )
        after = read_submission(done.path)
        assert differing(before, after) == []
        assert said(after) == said(before)


def said(submission: Submission) -> list[str]:
    """Return what was kept, whatever the dialect calls it."""
    return sorted(
        repr({key: value for key, value in one.value.items() if one.at != "property" or key != "property"})
        for one in submission.origin.kept
    )


def test_one_list_for_each_dataset(tmp_path: Path) -> None:
    graph = [DESCRIPTOR, root(hasPart=[{"@id": "#A"}, {"@id": "#B"}])]
    files = {}
    for name in "AB":
        entities, text = file_list(
            ["file_path", "type"], [f"{name}.tif", "http://bia/Image"], name=f"{name}.tsv"
        )
        for one in entities:
            for key in ("@id", "tableSchema", "column"):
                one |= (
                    json.loads(json.dumps({key: one[key]}).replace("_:", f"_:{name}")) if key in one else {}
                )
        graph += [
            {"@id": f"#{name}", "@type": "bia:Dataset", "name": name, "hasPart": [{"@id": f"{name}.tsv"}]},
            *entities,
        ]
        files[f"{name}__tsv"] = text
    found = read(tmp_path, graph, **files)
    assert dict(zip(found.files["Files"], found.files[COMPONENT], strict=True)) == {
        "A.tif": "A",
        "B.tif": "B",
    }
    assert list(found.files["image"]) == ["A", "B"]


def test_a_list_with_commas_and_labels_that_are_no_ids(tmp_path: Path) -> None:
    entities, text = file_list(
        ["file_path", "type", "label", "source_image_label"],
        ["one.tif", "bia:Image", "Größe 1", ""],
        ["m1.tif", "http://bia/AnnotationData", "mask one", "Größe 1"],
        ["m2.tif", "http://bia/AnnotationData", "", "one.tif"],
        name="list.csv",
    )
    found = read(tmp_path, [DESCRIPTOR, root(), *entities], list__csv=text.replace("\t", ","))
    assert list(found.files["image"]) == ["Grosse_1", "", ""]
    assert list(found.files["label"]) == ["Größe 1", "mask one", ""]
    assert list(found.files["source image"]) == ["", "Grosse_1", "Grosse_1"]


def test_lists_of_one_length_go_together(tmp_path: Path) -> None:
    graph = [
        DESCRIPTOR,
        root(),
        *({"@id": f"#b{n}", "@type": "bia:BioSample", "title": f"sample {n}"} for n in (1, 2)),
        *(
            {"@id": f"#s{n}", "@type": "bia:SpecimenImagingPreparationProtocol", "title": f"cut {n}"}
            for n in (1, 2)
        ),
        {
            "@id": "#A",
            "@type": "bia:Dataset",
            "name": "A",
            "associatedBiologicalEntity": [{"@id": "#b1"}, {"@id": "#b2"}],
            "associatedSpecimenImagingPreparationProtocol": [{"@id": "#s2"}, {"@id": "#s1"}],
        },
    ]
    [component] = read(tmp_path, graph).mifa.study_components
    assert [(one.biosample, one.specimen) for one in component.associations] == [
        ("sample 1", "cut 2"),
        ("sample 2", "cut 1"),
    ]


def test_a_dataset_may_be_both(tmp_path: Path) -> None:
    entities, text = file_list(
        ["file_path", "dataset", "type"],
        ["a.tif", "#A", "http://bia/Image"],
        ["m.tif", "#A", "http://bia/AnnotationData"],
    )
    graph = [
        DESCRIPTOR,
        root(),
        {"@id": "#A", "@type": ["bia:RembiDataset", "bia:MifaDataset"], "name": "A", "description": "x"},
        *entities,
    ]
    found = read(tmp_path, graph, file_list__tsv=text)
    assert (
        [one.name for one in found.mifa.study_components]
        == [one.name for one in found.mifa.annotations]
        == ["A"]
    )
    assert list(found.files["annotation set"]) == ["", "A"]
    assert list(found.files[COMPONENT]) == ["A", ""]


def test_a_column_means_what_its_schema_says(tmp_path: Path) -> None:
    entities, text = file_list(["file", "size_in_bytes"], ["a.tif", "5"])
    entities[2]["propertyUrl"] = "http://bia/filePath"
    entities[3]["propertyUrl"] = "https://example.org/weight"
    before = read(tmp_path, [DESCRIPTOR, root(), *entities], file_list__tsv=text)
    assert list(before.files["Files"]) == ["a.tif"]
    assert list(before.files["size"]) == [5]
    done = export(before, "rocrate", tmp_path / "again")
    assert differing(before, read_submission(done.path)) == []


def test_it_is_recognised_by_its_name(tmp_path: Path) -> None:
    folder = write(tmp_path / "crate", [DESCRIPTOR, root()])
    for source in (folder, folder / "ro-crate-metadata.json"):
        assert read_submission(source).origin.format == "rocrate"
    (folder / "ro-crate-metadata.json").rename(folder / "cells-ro-crate-metadata.json")
    assert read_submission(folder).mifa.study.title == "Cells"


def test_it_is_read_from_a_web_server(tmp_path: Path) -> None:
    graph, text = archive("title")
    folder = write(tmp_path / "crate", graph, file_list__tsv=text)
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}/"
        found = read_submission(f"{base}ro-crate-metadata.json")
        (folder / "file_list.tsv").unlink()
        without = read_submission(f"{base}ro-crate-metadata.json")
        server.shutdown()
    assert found.mifa.plain() == {"micrographia_format": 1} | READ
    assert len(found.files) == 3
    assert (found.origin.files, found.folder) == (base, None)
    assert "E010" in codes(without)
    assert without.mifa.plain() == found.mifa.plain()
