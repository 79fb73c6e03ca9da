"""Where a field stands in the form that the author filled in: the archive's, the MIFA documents, or mifa.yaml."""

from __future__ import annotations

import re

from micrographia.catalogue.triage.record import Record, index, quoted
from micrographia.metadata.trees import tokens

_FORM: dict[str, tuple[str, str]] = {
    "study.title": ("Study", "Title"),
    "study.description": ("Study", "Description"),
    "study.keywords": ("Study", "Keywords"),
    "study.license": ("Study", "License"),
    "study.funding_statement": ("Study", "Funding statement"),
    "study.acknowledgements": ("Study", "Acknowledgements"),
    "study.ai_models_trained": ("Study", "Links"),
    "study.links": ("Study", "Links"),
    "study.publications": ("Publication", "DOI"),
    "study.grants": ("Funding", "Agency and grant_id"),
    "study.grants[].funder": ("Funding", "Agency"),
    "study.grants[].grant_id": ("Funding", "grant_id"),
    "study.authors": ("Authors", "Name"),
    "study.authors[].author_last_name": ("Authors", "Name"),
    "study.authors[].orcid_id": ("Authors", "ORCID"),
    "study.authors[].role": ("Authors", "Role"),
    "study.authors[].email": ("Authors", "E-mail"),
    "study.authors[].organisation": ("Authors", "Affiliation"),
    "study.authors[].organisation[].ror_id": ("Organisation", "RORID"),
    "study.publications[].publication_doi": ("Publication", "DOI"),
    "study.publications[].pubmed_id": ("Publication", "Pubmed ID"),
    "study.publications[].pmc_id": ("Publication", "PMC ID"),
    "study.links[].link_url": ("Links", "URL"),
    "biosamples": ("Biosample", "Organism"),
    "biosamples[].organism": ("Biosample", "Organism"),
    "biosamples[].organism.scientific_name": ("Organism", "Scientific name"),
    "biosamples[].organism.ncbi_taxon": ("Organism", "NCBI taxon ID"),
    "biosamples[].biological_entity": ("Biosample", "Biological entity"),
    "specimens[].sample_preparation": ("Specimen", "Sample preparation protocol"),
    "image_acquisitions[].imaging_method.value": ("Image acquisition", "Imaging method"),
    "image_acquisitions[].imaging_method.ontology_id": ("Imaging method", "Ontology Term ID"),
    "image_acquisitions[].imaging_instrument": ("Image acquisition", "Imaging instrument"),
    "image_acquisitions[].image_acquisition_parameters": (
        "Image acquisition",
        "Image acquisition parameters",
    ),
    "study_components": ("Study Component", "File List"),
    "study_components[]": ("Study Component", "File List"),
    "study_components[].name": ("Study Component", "Name"),
    "study_components[].description": ("Study Component", "Description"),
    "study_components[].associations": ("Study Component", "Associations"),
    "annotations": ("Annotations", ""),
    "annotations[]": ("Annotations", "File List"),
    "annotations[].name": ("Annotations", "Title"),
    "annotations[].annotation_overview": ("Annotations", "Annotation overview"),
    "annotations[].annotation_type": ("Annotations", "Annotation type"),
    "annotations[].annotation_method": ("Annotations", "Annotation method"),
    "annotations[].annotation_confidence_level": ("Annotations", "Annotation confidence level"),
    "annotations[].annotation_criteria": ("Annotations", "Annotation criteria"),
    "annotations[].annotation_coverage": ("Annotations", "Annotation coverage"),
    "annotations[].transformations": ("File list of the annotations", "column transformation"),
    "annotations[].annotation_completion_time": ("File list of the annotations", "column creation time"),
    "annotations[].source_image_association": ("File list of the annotations", "column source image"),
    "annotations[].spatial_information": ("Annotations", "Annotation method"),
    "annotations[].target": ("Annotations", "Annotation criteria"),
    "annotations[].mask_kind": ("Annotations", "Annotation overview"),
    "annotations[].classes": ("Annotations", "Annotation overview"),
    "annotations[].authors": ("Annotations", "Authors"),
    "versions": ("Annotations", "Version"),
}
"""Field to section and name in the archive's submission form; what the form has no field for goes where people look."""

_SLOTS = {
    "target": "annotation_criteria",
    "mask_kind": "annotation_overview",
    "classes": "annotation_overview",
    "annotation_completion_time": "file_metadata, annotation_creation_time",
    "transformations": "file_metadata, transformations",
    "source_image_association": "file_metadata, source_image_id",
    "spatial_information": "file_metadata, spatial_information",
}
"""Field to the slot of the MIFA schema, where that has another name."""


def where(record: Record, field: str, path: str = "", *, many: bool = False) -> str:
    """Return where a field is filled in.

    Parameters
    ----------
    record
        Whose form it is.
    field
        Dotted path of the field; empty for a matter of the file list.
    path
        File that the finding is about.
    many
        Whether several entries are meant, so that none is named.
    """
    plain = re.sub(r"\[[0-9]+\]", "[]", field)
    if record.format == "pagetab":
        return _form(record, field, plain, many=many)
    if record.format == "mifa":
        return _document(record, field, plain)
    if not field:
        return path or "files.tsv"
    shown = plain if many else field
    return f"mifa.yaml, {shown}"


def _form(record: Record, field: str, plain: str, *, many: bool) -> str:
    if not field:
        return "File list"
    section, name = _FORM.get(plain) or _nearest(plain)
    at = index(field, "annotations")
    if section == "Annotations" and at is not None and not many and len(record.mifa.annotations) > 1:
        section = f"Annotations {quoted(record.mifa.annotations[at].name or str(at + 1), 50)}"
    return f"{section}, {name}" if name else section


def _nearest(plain: str) -> tuple[str, str]:
    """Return the place of the longest known beginning of a path, with the field's own name."""
    for length in range(len(plain), 0, -1):
        found = _FORM.get(plain[:length].rstrip(".[]"))
        if found and plain[:length].rstrip(".[]") == plain[:length]:
            own = plain.rsplit(".", 1)[-1].rstrip("[]").replace("_", " ").capitalize()
            return found[0], f"{found[1]}, {own}" if plain.startswith("study_components") else own or found[1]
    return "Study", plain.rsplit(".", 1)[-1].rstrip("[]").replace("_", " ").capitalize()


def _document(record: Record, field: str, plain: str) -> str:
    accession = record.name
    kind = {"study": "Study", "annotations": "Annotations", "versions": "Version"}.get(
        re.split(r"[.\[]", plain)[0], "Study"
    )
    try:
        slot = next((str(part) for part in reversed(tokens(field)) if isinstance(part, str)), "")
    except ValueError:
        slot = ""
    slot = "" if slot in ("annotations", "versions") else _SLOTS.get(slot, slot)
    document = f"{kind}_{accession}.yaml" if accession else f"{kind}.yaml"
    return f"{document}, {slot}" if slot else document
