"""What is written about a dataset: reading, checking, writing and changing its description.

``load`` reads a ``mifa.yaml`` leniently, ``template`` writes a fresh one, ``update``, ``merge`` and ``mend`` change
one in place. The models are :class:`Mifa` and what it holds.
"""

from micrographia.metadata.archive import read_archive
from micrographia.metadata.archive_writing import archive_documents, write_archive
from micrographia.metadata.changing import Merged, apply, dump, mend, merge, update
from micrographia.metadata.coercions import COERCIONS, Coercion, coercion_table
from micrographia.metadata.dates import Moment, parse_moment
from micrographia.metadata.document import Description, empty, from_dict, load
from micrographia.metadata.fields import Record
from micrographia.metadata.form import write_form
from micrographia.metadata.form_reading import read_form
from micrographia.metadata.identifiers import (
    Identifier,
    Scheme,
    check_doi,
    check_fbbi,
    check_orcid,
    check_pmc,
    check_pubmed,
    check_ror,
    check_taxon,
    identify,
)
from micrographia.metadata.lab import Defaults, Lab, defaults, lab_file, lab_template
from micrographia.metadata.licences import Licence, known_licences, licence_by_spdx, normalise_licence
from micrographia.metadata.mifa import (
    FORMAT,
    AnnotationClass,
    AnnotationSet,
    Coverage,
    FileLevelRecord,
    Mifa,
    Target,
    VoxelSize,
    Waiver,
)
from micrographia.metadata.rembi import (
    Association,
    Biosample,
    ChannelContent,
    ImageAcquisition,
    ImageAnalysis,
    ImageCorrelation,
    ImagingMethod,
    Organism,
    Specimen,
    StudyComponent,
)
from micrographia.metadata.schema import json_schema
from micrographia.metadata.study import Author, Grant, Link, Organisation, Publication, Study, Version
from micrographia.metadata.template import template
from micrographia.metadata.terms import (
    MethodTerm,
    OrganismTerm,
    find_method,
    find_organism,
    imaging_methods,
    organisms,
)
from micrographia.metadata.units import is_length, normalise_unit
from micrographia.metadata.vocabulary import AnnotationType, Match, annotation_type, credit_role, mask_kind

__all__ = [
    "COERCIONS",
    "FORMAT",
    "AnnotationClass",
    "AnnotationSet",
    "AnnotationType",
    "Association",
    "Author",
    "Biosample",
    "ChannelContent",
    "Coercion",
    "Coverage",
    "Defaults",
    "Description",
    "FileLevelRecord",
    "Grant",
    "Identifier",
    "ImageAcquisition",
    "ImageAnalysis",
    "ImageCorrelation",
    "ImagingMethod",
    "Lab",
    "Licence",
    "Link",
    "Match",
    "Merged",
    "MethodTerm",
    "Mifa",
    "Moment",
    "Organisation",
    "Organism",
    "OrganismTerm",
    "Publication",
    "Record",
    "Scheme",
    "Specimen",
    "Study",
    "StudyComponent",
    "Target",
    "Version",
    "VoxelSize",
    "Waiver",
    "annotation_type",
    "apply",
    "archive_documents",
    "check_doi",
    "check_fbbi",
    "check_orcid",
    "check_pmc",
    "check_pubmed",
    "check_ror",
    "check_taxon",
    "coercion_table",
    "credit_role",
    "defaults",
    "dump",
    "empty",
    "find_method",
    "find_organism",
    "from_dict",
    "identify",
    "imaging_methods",
    "is_length",
    "json_schema",
    "known_licences",
    "lab_file",
    "lab_template",
    "licence_by_spdx",
    "load",
    "mask_kind",
    "mend",
    "merge",
    "normalise_licence",
    "normalise_unit",
    "organisms",
    "parse_moment",
    "read_archive",
    "read_form",
    "template",
    "update",
    "write_archive",
    "write_form",
]
