"""Where the fields of the model stand in a PageTab record: types of sections, names of attributes.

Names are those of the archive's templates, as its records have them. A field that the templates do not know is written
as an attribute, or a section, under its own name: PageTab takes any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from micrographia.metadata import Mifa
from micrographia.metadata.fields import Record, field_name, specs
from micrographia.metadata.mifa import AnnotationClass, AnnotationSet, Coverage
from micrographia.metadata.rembi import (
    Association,
    Biosample,
    ImageAcquisition,
    ImageAnalysis,
    ImageCorrelation,
    ImagingMethod,
    Organism,
    Specimen,
    StudyComponent,
)
from micrographia.metadata.study import Author, Grant, Organisation, Publication, Study, Version
from micrographia.metadata.vocabulary import slug

FILE_LIST = "File List"
LICENCE_ADDRESSES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/legalcode",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/legalcode",
}
"""What the archive writes beside the name of a licence."""


@dataclass(frozen=True, slots=True)
class Place:
    """How a record of the model stands in a PageTab document.

    Parameters
    ----------
    model
        The record.
    type
        Type of its section.
    names
        Field to the name of its attribute; others have their own name.
    also
        Other names of attributes and sections, in lower case with underscores, to the field.
    sections
        Field to the place of the records in it; others have a section of their own name.
    """

    model: type[Record]
    type: str
    names: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, Place] = field(default_factory=dict)

    def name(self, of: str) -> str:
        """Return the name of the attribute of a field."""
        return self.names.get(of) or human(of)

    def field(self, name: str) -> str | None:
        """Return the field that an attribute stands for, or None."""
        written = slug(name)
        for known, shown in self.names.items():
            if slug(shown) == written:
                return known
        return self.also.get(written) or field_name(self.model, name)

    def section_field(self, type_: str) -> str | None:
        """Return the field that a subsection stands for, or None."""
        written = slug(type_)
        for known, place in self.sections.items():
            if slug(place.type) == written:
                return known
        found = self.also.get(written) or field_name(self.model, type_)
        return found if found and specs(self.model)[found].record else None

    def inner(self, of: str) -> Place:
        """Return the place of the records in a field."""
        model = specs(self.model)[of].record or Record
        return self.sections.get(of) or Place(model, human(of))


def human(name: str) -> str:
    """Return the name of a field as words.

    Examples
    --------
    >>> human("annotation_confidence_level")
    'Annotation confidence level'
    """
    return name.replace("_", " ").capitalize()


ORGANISATION = Place(
    Organisation,
    "organisation",
    {"organisation_name": "Name", "address": "Address", "ror_id": "RORID"},
)
AUTHOR = Place(
    Author,
    "author",
    {
        "author_first_name": "First name",
        "author_last_name": "Last name",
        "email": "E-mail",
        "role": "Role",
        "orcid_id": "ORCID",
    },
    sections={"organisation": ORGANISATION},
)
GRANT = Place(Grant, "Funding", {"funder": "Agency", "grant_id": "grant_id"})
PUBLICATION = Place(
    Publication,
    "Publication",
    {
        "publication_title": "Title",
        "publication_authors": "Authors",
        "publication_doi": "DOI",
        "publication_year": "Year",
        "pubmed_id": "Pubmed ID",
        "pmc_id": "PMC ID",
    },
)
STUDY = Place(
    Study,
    "Study",
    {
        "title": "Title",
        "description": "Description",
        "keywords": "Keywords",
        "license": "License",
        "funding_statement": "Funding statement",
        "release_date": "ReleaseDate",
        "doi": "DOI",
    },
    {"releasedate": "release_date", "publicreleasedate": "release_date"},
    {"authors": AUTHOR, "grants": GRANT, "publications": PUBLICATION},
)
ORGANISM = Place(
    Organism,
    "Organism",
    {"scientific_name": "Scientific name", "common_name": "Common name", "ncbi_taxon": "NCBI taxon ID"},
)
BIOSAMPLE = Place(
    Biosample,
    "Biosample",
    {
        "intrinsic_variables": "Intrinsic variable",
        "extrinsic_variables": "Extrinsic variable",
        "experimental_variables": "Experimental variable",
    },
    sections={"organism": ORGANISM},
)
SPECIMEN = Place(
    Specimen,
    "Specimen",
    {"sample_preparation": "Sample preparation protocol", "growth_protocol": "Growth protocol"},
    sections={"channels": Place(specs(Specimen)["channels"].record or Record, "Channel")},
)
METHOD = Place(
    ImagingMethod,
    "Imaging Method",
    {"value": "Ontology Value", "ontology_name": "Ontology Name", "ontology_id": "Ontology Term ID"},
)
ACQUISITION = Place(ImageAcquisition, "Image acquisition", sections={"imaging_method": METHOD})
ANALYSIS = Place(ImageAnalysis, "Image analysis", {"analysis_overview": "Image analysis overview"})
CORRELATION = Place(ImageCorrelation, "Image correlation")
VERSION = Place(
    Version,
    "Version",
    {"version": "Annotation version", "timestamp": "Version timestamp"},
    {"version_changes": "changes"},
)
ANNOTATIONS = Place(
    AnnotationSet,
    "Annotations",
    {
        "name": "Title",
        "annotation_overview": "Annotation Overview",
        "annotation_type": "Annotation Type",
        "annotation_method": "Annotation Method",
        "annotation_criteria": "Annotation Criteria",
    },
    sections={
        "authors": AUTHOR,
        "classes": Place(AnnotationClass, "Class"),
        "annotation_coverage": Place(Coverage, "Annotation coverage"),
    },
)
COMPONENT = Place(
    StudyComponent,
    "Study Component",
    {"name": "Name"},
    sections={"associations": Place(Association, "Associations")},
)
RECORD = Place(
    Mifa,
    "",
    sections={
        "biosamples": BIOSAMPLE,
        "specimens": SPECIMEN,
        "image_acquisitions": ACQUISITION,
        "image_correlations": CORRELATION,
        "image_analyses": ANALYSIS,
        "annotations": ANNOTATIONS,
        "study_components": COMPONENT,
        "versions": VERSION,
        "waivers": Place(specs(Mifa)["waivers"].record or Record, "Waiver"),
    },
    also={"experiment": "study_components", "supplementary_data": "study_components"},
)
"""What stands in sections beside the study's own."""

MEMBERS = {
    "biosample": "biosamples",
    "specimen": "specimens",
    "image_acquisition": "image_acquisitions",
    "image_correlation": "image_correlations",
    "image_analysis": "image_analyses",
}
"""Field of an association to the list in which the title is looked up."""

MIFA_NAMES = {
    "organisation": "organization",
    "Image acquisition": "Image Acquisition",
    "Image analysis": "Image Analysis",
    "Keywords": "Keyword",
    "Sample preparation protocol": "Sample Preparation Protocol",
    "Growth protocol": "Growth Protocol",
    "Imaging instrument": "Imaging Instrument",
    "Image acquisition parameters": "Image Acquisition Parameters",
    "Image analysis overview": "Image Analysis Overview",
}
"""What the template BioImages.MIFA.v1 calls what BioImages.v4 calls otherwise."""
