"""The text of a dataset card, under the headings of the Hub's template."""

from __future__ import annotations

from collections.abc import Iterable

from micrographia.exchange.citation.facts import address_of, citation_text
from micrographia.exchange.croissant.listing import Listing
from micrographia.exchange.croissant.people import creator
from micrographia.exchange.croissant.rai import answers, records, said
from micrographia.exchange.croissant.study import cite
from micrographia.exchange.croissant.terms import texts
from micrographia.exchange.huggingface.markdown import OPEN, escaped, fenced, one_line
from micrographia.metadata import Mifa
from micrographia.metadata.taking import Plain

SHOWN = (
    "study.title",
    "study.description",
    "study.license",
    "study.keywords",
    "study.funding_statement",
    "study.acknowledgements",
    "study.authors[].author_first_name",
    "study.authors[].author_last_name",
    "study.authors[].orcid_id",
    "study.grants[].grant_id",
    "study.grants[].funder",
    "study.publications",
    "study.links[].link_url",
    "study.links[].link_description",
    "study.accession",
    "study.doi",
    "study.release_date",
    "study.ai_models_trained",
    "annotations[].name",
    "annotations[].annotation_overview",
    "annotations[].annotation_type",
    "annotations[].annotation_method",
    "annotations[].annotation_confidence_level",
    "annotations[].annotation_criteria",
    "annotations[].annotation_coverage.annotated",
    "annotations[].annotation_coverage.total",
    "annotations[].annotation_coverage.unit",
    "annotations[].annotation_coverage.description",
    "annotations[].source_image_association",
    "annotations[].transformations",
    "annotations[].spatial_information",
    "annotations[].annotators",
    "annotations[].license",
    "annotations[].target",
    "annotations[].authors[].author_first_name",
    "annotations[].authors[].author_last_name",
    "annotations[].mask_kind",
    "annotations[].classes[].id",
    "annotations[].classes[].name",
    "biosamples[].title",
    "biosamples[].organism.scientific_name",
    "biosamples[].biological_entity",
    "biosamples[].description",
    "specimens[].title",
    "specimens[].sample_preparation",
    "specimens[].growth_protocol",
    "image_acquisitions[].title",
    "image_acquisitions[].imaging_method.value",
    "image_acquisitions[].imaging_instrument",
    "image_acquisitions[].image_acquisition_parameters",
    "image_correlations[].spatial_and_temporal_alignment",
    "image_analyses[].analysis_overview",
    "versions[].version",
    "versions[].timestamp",
    "versions[].changes",
    "versions[].previous_version",
    "waivers[].reason",
)
"""Fields that the text shows; the end of a pattern stands for all below it."""

_DESCRIPTION = "### Dataset Description"
_AFTER = "- **Curated by:**"


def body(mifa: Mifa, listing: Listing) -> str:
    """Return the text of a card; what nobody has answered says so."""
    plain = mifa.plain()
    held = plain.get("study")
    study: Plain = held if isinstance(held, dict) else {}
    rai = {name: texts(value) for name, value in answers(plain, listing.splits).items()}
    sets = records(plain, "annotations")
    title = said(study, "title") or "a dataset without a title"
    parts = [
        f"# Dataset Card for {one_line(title)}",
        "## Dataset Details",
        _DESCRIPTION,
        escaped(said(study, "description")) or OPEN,
        "\n".join(
            [
                f"{_AFTER} {_people(study) or OPEN}",
                f"- **Funded by:** {_funding(study) or OPEN}",
                f"- **License:** {one_line(said(study, 'license')) or OPEN}",
            ]
        ),
        "### Dataset Sources",
        _sources(mifa, study),
        "## Uses",
        "### Direct Use",
        _paragraphs(rai.get("rai:dataUseCases", [])),
        "### Out-of-Scope Use",
        OPEN,
        "## Dataset Structure",
        _structure(sets, listing),
        "## Dataset Creation",
        "### Curation Rationale",
        OPEN,
        "### Source Data",
        "#### Data Collection and Processing",
        _paragraphs([*rai.get("rai:dataCollection", []), *rai.get("rai:dataPreprocessingProtocol", [])]),
        "#### Who are the source data producers?",
        _paragraphs(rai.get("rai:dataCollectionRawData", [])),
        "### Annotations",
        "#### Annotation process",
        _process(rai, sets),
        "#### Who are the annotators?",
        _paragraphs([*rai.get("rai:annotatorDemographics", []), *_annotators(sets)]),
        "#### Personal and Sensitive Information",
        OPEN,
        "## Bias, Risks, and Limitations",
        _paragraphs([*rai.get("rai:dataCollectionMissingData", []), *rai.get("rai:dataLimitations", [])]),
        "## Citation",
        "**BibTeX:**",
        fenced(cited, "bibtex") if (cited := cite(study, records(plain, "versions"))) else OPEN,
        "**APA:**",
        one_line(citation_text(mifa)) if said(study, "title") else OPEN,
        "## More Information",
        _paragraphs([said(study, "acknowledgements"), *rai.get("rai:dataReleaseMaintenancePlan", [])]),
    ]
    return "\n\n".join(parts) + "\n"


def _paragraphs(several: Iterable[str]) -> str:
    return "\n\n".join(escaped(one).replace("\n", "\\\n") for one in several if one.strip()) or OPEN


def _people(study: Plain) -> str:
    named = []
    for one in records(study, "authors"):
        made = creator(one)
        name, orcid = one_line(made.get("name", "")), one_line(str(made.get("identifier", "")))
        if name:
            named.append(f"{name} ({orcid})" if orcid else name)
    return ", ".join(named)


def _funding(study: Plain) -> str:
    grants = [
        " ".join(filter(None, [said(one, "funder"), said(one, "grant_id")]))
        for one in records(study, "grants")
    ]
    return "; ".join(one_line(one) for one in [said(study, "funding_statement"), *grants] if one)


def _sources(mifa: Mifa, study: Plain) -> str:
    papers = [
        " ".join(
            filter(
                None,
                [
                    said(one, "publication_authors"),
                    said(one, "publication_title"),
                    said(one, "publication_year"),
                    said(one, "publication_doi") or said(one, "pubmed_id") or said(one, "pmc_id"),
                ],
            )
        )
        for one in records(study, "publications")
    ]
    links = [
        ": ".join(filter(None, [said(one, "link_description"), said(one, "link_url")]))
        for one in records(study, "links")
    ]
    place = " ".join(filter(None, [address_of(mifa), said(study, "accession"), said(study, "release_date")]))
    return "\n".join(
        [
            f"- **Repository:** {one_line(place) or OPEN}",
            *(f"- **Paper:** {one_line(one)}" for one in papers or [""] if one or not papers),
            *(f"- **Link:** {one_line(one)}" for one in links if one),
        ]
    ).replace("- **Paper:** \n", f"- **Paper:** {OPEN}\n")


def _structure(sets: list[Plain], listing: Listing) -> str:
    counts: dict[str, int] = {}
    for row in listing.rows:
        counts[str(row.get("role", "other"))] = counts.get(str(row.get("role", "other")), 0) + 1
    lines = [
        f"- {count} file{'s' if count > 1 else ''} of role {one_line(role)}" for role, count in counts.items()
    ]
    splits: dict[str, set[str]] = {}
    for row in listing.rows:
        if row.get("role") == "image" and row.get("split"):
            splits.setdefault(str(row["split"]), set()).add(str(row.get("image")))
    lines += [f"- split {one_line(name)}: {len(images)} images" for name, images in splits.items()]
    lines += [f"- annotation set {one_line(words)}" for one in sets if (words := _set(one))]
    if listing.rows:
        lines.append(
            "- `files.tsv` says which annotation belongs to which image, `mifa.yaml` what is known of both"
        )
    return "\n".join(lines) or OPEN


def _set(one: Plain) -> str:
    classes = ", ".join(
        f"{held.get('id')} {said(held, 'name')}".strip()
        for held in records(one, "classes")
        if said(held, "name")
    )
    parts = [
        ", ".join(texts(one.get("annotation_type"))),
        said(one, "mask_kind"),
        said(one, "source_image_association"),
        f"classes {classes}" if classes else "",
        said(one, "spatial_information"),
        f"licence {said(one, 'license')}" if said(one, "license") else "",
    ]
    return ": ".join(filter(None, [said(one, "name"), "; ".join(filter(None, parts))]))


def _process(rai: dict[str, list[str]], sets: list[Plain]) -> str:
    trust = [f"Confidence: {one}" for one in rai.get("rai:dataAnnotationAnalysis", [])]
    return (
        _paragraphs([*rai.get("rai:dataAnnotationProtocol", []), *trust])
        if sets
        else "No annotations are described."
    )


def _annotators(sets: list[Plain]) -> list[str]:
    names = [creator(one).get("name", "") for held in sets for one in records(held, "authors")]
    return [", ".join(dict.fromkeys(filter(None, names)))] if any(names) else []


def read_description(text: str) -> str:
    """Return the Markdown under the heading of the description; empty if there is none."""
    _, found, rest = text.partition(f"{_DESCRIPTION}\n")
    if not found:
        return ""
    kept = []
    for line in rest.split("\n"):
        if line.startswith(("#", _AFTER)):
            break
        kept.append(line)
    words = "\n".join(kept).strip()
    return "" if words == OPEN or words.startswith("<!--") else words
