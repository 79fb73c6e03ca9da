"""Submissions that the tests of citation forms share, and the round trip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from metadata.descriptions import PLAIN, records
from micrographia.exchange import (
    ExchangeFormat,
    Exported,
    Submission,
    described,
    export,
    file_table,
    find_format,
    read_submission,
    unnamed_differences,
)
from micrographia.metadata import Author, Grant, Publication, Study, Version

EVIL = "</script><!-- <script>alert('x')</script> {{7*7}} \\input{x} %&_#$"
HOOKE = {
    "author_first_name": "Robert",
    "author_last_name": "Hooke",
    "email": "robert.hooke@example.org",
    "orcid_id": "https://orcid.org/0000-0002-1825-0097",
    "role": ["data curation", "data annotation"],
    "organisation": [{"organisation_name": "Brown University", "ror_id": "https://ror.org/05gq02987"}],
}
WHOLE: dict[str, Any] = {
    "study": {
        "title": "Nuclei of cultured cells",
        "description": "Fluorescence images of nuclei, every one of them outlined by hand, to train segmentation.",
        "keywords": ["nucleus", "fluorescence"],
        "license": "CC-BY-4.0",
        "funding_statement": "Supported by the Royal Society.",
        "acknowledgements": "We thank the microscopy room.",
        "authors": [HOOKE, {"author_last_name": "The Royal Society"}],
        "grants": [{"grant_id": "PC-1929", "funder": "Royal Society"}, {"grant_id": "2"}],
        "publications": [
            {
                "publication_title": "Observations of Müller & Ångström: 100% of cork",
                "publication_authors": "Hooke R, Boyle R",
                "publication_doi": "https://doi.org/10.1038/s41592-025-02835-8",
                "publication_year": "2025",
                "pmc_id": "PMC7274788",
            }
        ],
        "links": [{"link_url": "https://example.org/code", "link_description": "analysis code"}],
        "accession": "S-BIAD1492",
        "doi": "https://doi.org/10.6019/S-BIAD1492",
        "release_date": "2024-11-26",
        "ai_models_trained": ["https://doi.org/10.5281/zenodo.1234567", "https://example.org/model"],
    },
    "annotations": [
        {
            "name": "nuclei",
            "annotation_overview": "Masks of nuclei",
            "annotation_type": ["segmentation_mask"],
            "annotation_method": "Drawn by hand",
            "authors": [{"author_first_name": "Grace", "author_last_name": "Hooke"}],
        }
    ],
    "biosamples": [{"organism": {"scientific_name": "Homo sapiens", "ncbi_taxon": "NCBITaxon:9606"}}],
    "image_acquisitions": [
        {"imaging_method": {"value": "confocal microscopy", "ontology_id": "FBbi:00000251"}}
    ],
    "versions": [{"version": "1.1", "timestamp": "2025-02-01", "previous_version": "https://doi.org/10.1/1"}],
}


def submission(plain: dict[str, Any], files: bool = False) -> Submission:
    """Return a description as what travels."""
    rows = [{"Files": "images/a.ome.tif", "size": 12, "role": "image"}] if files else []
    return Submission(described(plain), file_table(rows))


def trip(name: str, given: Submission, folder: Path) -> tuple[list[str], Exported, Submission]:
    """Write, read, and return the differences that no finding names."""
    form: ExchangeFormat = find_format(name)
    done = export(given, form, folder / form.file)
    back = read_submission(done.path, form)
    return unnamed_differences(given, back, [*done.findings, *back.findings]), done, back


STUDIES = st.fixed_dictionaries(
    {
        "study": records(Study),
        "versions": st.lists(records(Version), max_size=2),
        "people": st.lists(records(Author), max_size=3),
        "grants": st.lists(records(Grant), max_size=3),
        "papers": st.lists(records(Publication), max_size=3),
    }
).map(
    lambda held: {
        "study": {
            **held["study"],
            "authors": held["people"],
            "grants": held["grants"],
            "publications": held["papers"],
        },
        "versions": held["versions"],
    }
)
"""Descriptions with all that citations are made of."""
DESCRIPTIONS = st.one_of(PLAIN, STUDIES)
