"""Crates for tests: written by hand as other people write them, and what is true of every one that is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from micrographia.exchange import Submission, described, file_table, read_submission
from micrographia.exchange.rocrate.columns import PROPERTIES

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
DESCRIPTOR = {
    "@id": "ro-crate-metadata.json",
    "@type": "CreativeWork",
    "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    "about": {"@id": "./"},
}
ORCID = "https://orcid.org/0000-0002-1825-0097"
BIA = {"bia": "http://bia/", "csvw": "http://www.w3.org/ns/csvw#", "schema": "http://schema.org/"}
STUDY = {
    "title": "Nuclei of cork",
    "description": "Thin slices, stained",
    "license": "CC-BY-4.0",
    "release_date": "2024-11-26",
    "accession": "S-BIAD1492",
    "authors": [{"author_first_name": "Robert", "author_last_name": "Hooke", "orcid_id": ORCID}],
}


def root(**properties: Any) -> dict[str, Any]:
    """Return a root dataset with a name."""
    return {"@id": "./", "@type": "Dataset", "name": "Cells"} | properties


def write(folder: Path, graph: Any, context: Any = CONTEXT, **files: str) -> Path:
    """Write a crate with the files beside it; ``__`` in their names stands for a full stop."""
    folder.mkdir(exist_ok=True)
    document = {"@context": context, "@graph": graph}
    (folder / "ro-crate-metadata.json").write_text(json.dumps(document), encoding="utf-8")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, graph: Any, context: Any = CONTEXT, **files: str) -> Submission:
    """Write a crate and read it."""
    return read_submission(write(folder / "crate", graph, context, **files))


def codes(submission: Submission) -> list[str]:
    """Return the codes of exchange that reading told."""
    return [finding.code for finding in submission.findings if finding.code.startswith("E")]


def whole(**parts: Any) -> Submission:
    """Return a submission with everything that an RO-Crate and the archive ask for."""
    rows = parts.pop("files", [])
    return Submission(described({"study": STUDY} | parts), file_table(rows))


def file_list(
    header: list[str], *lines: list[str], name: str = "file_list.tsv"
) -> tuple[list[dict[str, Any]], str]:
    """Return the entities of a file list, and its text."""
    columns = [
        {"@id": f"_:c{n}", "@type": "csvw:Column", "columnName": title, "propertyUrl": PROPERTIES.get(title)}
        for n, title in enumerate(header)
    ]
    schema = {"@id": "_:s", "@type": "csvw:Schema", "column": [{"@id": one["@id"]} for one in columns]}
    table = {"@id": name, "@type": ["File", "bia:FileList", "csvw:Table"], "tableSchema": {"@id": "_:s"}}
    text = "".join("\t".join(line) + "\n" for line in (header, *lines))
    return [table, schema, *columns], text


def archive(dialect: str) -> tuple[list[dict[str, Any]], str]:
    """Return a crate as the archive makes them, in one of its dialects, and its file list."""
    title, says = ("title", "protocolDescription") if dialect == "title" else ("name", "description")
    person = {
        "displayName": "Robert Hooke",
        "affiliation": [{"@id": "#rs"}],
        "contactEmail": "hooke@example.org",
    }
    if dialect == "name":
        person = {"name": "Robert Hooke", "memberOf": [{"@id": "#rs"}], "email": "hooke@example.org"}
    shown = "displayName" if dialect == "title" else "name"
    entities, text = file_list(
        ["file_path", "size_in_bytes", "dataset", "type", "label", "source_image_label", "associated_specimen",
         "associated_annotation_method", "donor"],
        ["images/a.tif", "12", "#Images", "http://bia/Image", "a", "", "#specimen", "", "d1"],
        ["images/b.tif", "13", "#Images", "http://bia/Image", "b", "", "#specimen", "", "d2"],
        ["masks/a.tif", "14", "#Masks", "http://bia/AnnotationData", "", "['a']", "", "#Drawing", "d1"],
    )  # fmt: skip
    graph = [
        DESCRIPTOR,
        {
            "@id": "./",
            "@type": ["Dataset", "bia:Study"],
            "name": "Cork",
            "description": "Slices",
            "contributor" if dialect == "title" else "author": [{"@id": ORCID}],
            "keyword" if dialect == "title" else "keywords": ["cork", "cell"],
            "license": "https://creativecommons.org/publicdomain/zero/1.0/",
            "datePublished": "2023-09-05",
            "acknowledgement": None,
            "accessionId": "S-BIAD1",
            "hasPart": [{"@id": "file_list.tsv"}, {"@id": "#Images"}, {"@id": "#Masks"}],
            "relatedPublication": [{"@id": "#paper"}],
            "seeAlso": [{"@id": "https://example.org/code"}],
        },
        {"@id": ORCID, "@type": ["Person", "bia:Contributor"], **person, "role": ["drawing"], "website": None},
        {"@id": "#rs", "@type": ["Organization", "bia:Affiliation"], shown: "Royal Society"},
        {"@id": "#paper", "@type": "bia:Publication", title: "Micrographia", "authorNames": "Hooke",
         "doi": "10.5962/bhl.title.904", "publicationYear": 1665},
        {"@id": "https://example.org/code", "@type": "bia:ExternalReference", "description": "code",
         "additionalType": "GitHub"},
        {
            "@id": "#Images",
            "@type": ["Dataset", "bia:Dataset", "bia:RembiDataset"],
            "name": "Images",
            "description": "All of them",
            "associatedBiologicalEntity": [{"@id": "#cork"}],
            "associatedSpecimen": {"@id": "#specimen"},
            "associatedSpecimenImagingPreparationProtocol": [{"@id": "#cut"}],
            "associatedImageAcquisitionProtocol": [{"@id": "#look"}],
        },
        {"@id": "#specimen", "@type": "bia:Specimen", "biologicalEntity": [{"@id": "#cork"}],
         "imagingPreparationProtocol": [{"@id": "#cut"}]},
        {"@id": "#cork", "@type": "bia:BioSample", title: "Cork", "biologicalEntityDescription": "bark",
         "organismClassification": [{"@id": "NCBI:txid78583"}], "growthProtocol": {"@id": "#grow"}},
        {"@id": "NCBI:txid78583", "@type": "bia:Taxon", "scientificName": "Quercus suber", "commonName": "cork oak"},
        {"@id": "#grow", "@type": "bia:Protocol", "description" if dialect == "name" else says: "In the sun"},
        {"@id": "#cut", "@type": "bia:SpecimenImagingPreparationProtocol", title: "Cut", says: "With a penknife",
         "signalChannelInformation": [{"@id": "#light"}]},
        {"@id": "#light", "@type": "bia:SignalChannel", "channelLabel": "C1", "channelContentDescription": "light"},
        {"@id": "#look", "@type": "bia:ImageAcquisitionProtocol", title: "Look", says: "50x",
         "imagingInstrumentDescription": "Compound microscope", "imagingMethodName": ["bright-field microscopy"],
         "fbbiId": ["FBbi:00000243"]},
        {"@id": "#Masks", "@type": ["Dataset", "bia:Dataset"], "name": "Masks", "description": "Outlines",
         "associatedAnnotationMethod": [{"@id": "#Drawing"}]},
        {"@id": "#Drawing", "@type": "bia:AnnotationMethod", title: "Drawing", says: "By hand",
         "methodType": ["segmentation_mask"], "annotationCriteria": "whole cells", "annotationCoverage": "one slice",
         "annotationSourceIndicator": "same name", "transformationDescription": "none", "spatialInformation": "pixels"},
        *entities,
    ]  # fmt: skip
    return graph, text
