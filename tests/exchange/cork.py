"""A small dataset with everything filled in that machine learning's forms ask for."""

from pathlib import Path

from folders import lab
from micrographia import metadata
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import DescribeOptions, describe

STUDY = {
    "title": "Cells of cork",
    "description": "Thin slices of cork under the microscope; pores that Hooke called cells.",
    "keywords": ["cork", "segmentation"],
    "license": "CC-BY-4.0",
    "authors": [
        {
            "author_first_name": "Robert",
            "author_last_name": "Hooke",
            "orcid_id": "https://orcid.org/0000-0002-1825-0097",
            "role": ["Data curation"],
            "organisation": [{"organisation_name": "The Royal Society", "address": "London"}],
        }
    ],
    "grants": [{"grant_id": "1", "funder": "The Royal Society"}],
    "publications": [
        {"publication_title": "Micrographia", "publication_doi": "https://doi.org/10.1242/jcs.033340"}
    ],
    "accession": "S-BIAD1665",
    "doi": "https://doi.org/10.6019/S-BIAD1665",
    "release_date": "2023-01-17",
}
ANNOTATION = {
    "annotation_method": "Drawn by two expert biologists",
    "annotation_criteria": "Whole cells only",
    "annotation_confidence_level": "IoU of 0.9 between both",
    "annotators": ["biologist, 3 years", "biologist, 9 years"],
    "target": {"object": "cell", "boundary": "outer edge"},
    "classes": [{"id": 1, "name": "pore", "ontology_id": "GO:0009505"}],
}


def cork(tmp_path: Path, *, converted: bool) -> Dataset:
    """Return a folder with the description above, raw or converted."""
    folder = lab(tmp_path)
    describe(folder, DescribeOptions(groups=["well=treatments.csv:well"], split="treatments.csv:split"))
    values = {f"study.{name}": value for name, value in STUDY.items()}
    values |= {f"annotations[0].{name}": value for name, value in ANNOTATION.items()}
    metadata.update(folder / "mifa.yaml", values)
    if not converted:
        return open_dataset(folder)
    convert(open_dataset(folder), tmp_path / "lab.mifa", ConvertOptions(verify=False, workers=1))
    return open_dataset(tmp_path / "lab.mifa")
