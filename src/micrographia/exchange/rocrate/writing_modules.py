"""The REMBI modules and the annotation sets in a crate, in the archive's terms."""

from __future__ import annotations

from typing import Any

from micrographia.exchange.rocrate.associations import FIELDS, KINDS, inferred
from micrographia.exchange.rocrate.crate import Crate, fragment, is_clean_address, ref, refs
from micrographia.exchange.rocrate.writing_study import at_number, licence_address, write_people
from micrographia.metadata.taking import Taker
from micrographia.metadata.trees import Tokens

Plain = dict[str, Any]

TEXTS: dict[str, dict[str, str]] = {
    "biosamples": {
        "title": "name",
        "biological_entity": "biologicalEntityDescription",
        "description": "description",
    },
    "specimens": {"title": "name", "sample_preparation": "description"},
    "image_acquisitions": {
        "title": "name",
        "image_acquisition_parameters": "description",
        "imaging_instrument": "imagingInstrumentDescription",
    },
    "image_correlations": {
        "title": "name",
        "spatial_and_temporal_alignment": "description",
        "fiducials_used": "fiducialsUsed",
        "transformation_matrix": "transformationMatrix",
    },
    "image_analyses": {"title": "name", "analysis_overview": "description"},
}
"""Part of the model to the texts of its records, and what the second dialect calls them."""

VARIABLES = {
    "intrinsic_variables": "intrinsicVariableDescription",
    "extrinsic_variables": "extrinsicVariableDescription",
    "experimental_variables": "experimentalVariableDescription",
}
CHANNEL = {
    "name": "channelLabel",
    "content": "channelContentDescription",
    "biological_entity": "channelBiologicalEntity",
    "role": "role",
}
METHOD = {
    "annotation_method": "description",
    "annotation_criteria": "annotationCriteria",
    "source_image_association": "annotationSourceIndicator",
    "transformations": "transformationDescription",
    "spatial_information": "spatialInformation",
}
"""Texts of an annotation set that its method says."""
FILE_LEVEL = {
    "annotation_id": "name",
    "source_image_id": "isBasedOn",
    "transformations": "transformationDescription",
    "spatial_information": "spatialInformation",
    "annotation_creation_time": "dateCreated",
}
GROWTH = "Growth protocol"
"""What the protocol of growth is called, which has no name in the model."""
IMPLIED = "one of each"
"""What is said of the associations of a component that the model leaves open because there is one of each."""


def write_modules(crate: Crate, taker: Taker) -> None:
    """Write samples, preparations, acquisitions, correlations and analyses."""
    for part, kind in KINDS.items():
        for at, _ in taker.records((part,)):
            texts = {key: taker.text((*at, ours)) for ours, key in TEXTS[part].items()}
            title = texts.get("name")
            wanted = fragment(kind.word, title, at_number(at))
            name = crate.add(wanted, kind.type, **texts)
            crate.own(at, name)
            if part == "biosamples":
                _biosample(crate, taker, at, name)
            elif part == "specimens":
                _specimen(crate, taker, at, name, wanted)
            elif part == "image_acquisitions":
                _method(crate, taker, at, name)


def _biosample(crate: Crate, taker: Taker, at: Tokens, name: str) -> None:
    crate.put(name, **{key: taker.texts((*at, ours)) for ours, key in VARIABLES.items()})
    organism = taker.at((*at, "organism"))
    if not isinstance(organism, dict) or not organism:
        return
    place = (*at, "organism")
    key, known = crate.once("taxon", organism)
    if known:
        taker.take(place)
    else:
        text = taker.copy(place, "scientific_name", "ncbi_taxon", "common_name")
        taxon = text.get("ncbi_taxon", "")
        address = f"http://purl.obolibrary.org/obo/{taxon.replace(':', '_')}" if taxon else ""
        wanted = address if is_clean_address(address) and address not in crate.nodes else ""
        known = crate.remember(
            key,
            crate.add(
                wanted or fragment("taxon", text.get("scientific_name"), len(crate.nodes)),
                "bia:Taxon",
                scientificName=text.get("scientific_name"),
                commonName=text.get("common_name"),
            ),
        )
        if taxon and known != address:
            crate.put(known, sameAs=taxon)
        crate.own(place, known)
    crate.put(name, organismClassification=[ref(known)])


def _specimen(crate: Crate, taker: Taker, at: Tokens, name: str, wanted: str) -> None:
    growth = taker.text((*at, "growth_protocol"))
    if growth:
        protocol = crate.add(f"{wanted}-growth", "bia:Protocol", name=GROWTH, description=growth)
        crate.own((*at, "#growth"), protocol)
        crate.put(name, growthProtocol=ref(protocol))
    channels = []
    for place, _ in taker.records((*at, "channels")):
        texts = {key: taker.text((*place, ours)) for ours, key in CHANNEL.items()}
        channels.append(crate.add(f"{wanted}-channel-{at_number(place)}", "bia:SignalChannel", **texts))
        crate.own(place, channels[-1])
    crate.put(name, signalChannelInformation=refs(channels))


def _method(crate: Crate, taker: Taker, at: Tokens, name: str) -> None:
    place = (*at, "imaging_method")
    value, term = taker.text((*place, "value")), taker.text((*place, "ontology_id"))
    crate.put(name, imagingMethodName=[value] if value else [], fbbiId=[term] if term else [])


def write_components(crate: Crate, taker: Taker) -> dict[str, str]:
    """Write study components, and return name to id; the first of a name counts."""
    named: dict[str, str] = {}
    for at, _ in taker.records(("study_components",)):
        title = taker.text((*at, "name"))
        name = crate.add(
            fragment("images", title, at_number(at)),
            ["Dataset", "bia:Dataset", "bia:RembiDataset"],
            name=title,
            description=taker.text((*at, "description")),
        )
        crate.own(at, name)
        _associate(crate, taker, at, name)
        named.setdefault(title or "", name)
    return named


def _associate(crate: Crate, taker: Taker, at: Tokens, name: str) -> None:
    path = (*at, "associations")
    written = taker.at(path)
    titles: dict[str, dict[str, str]] = {}
    for part in KINDS:
        ids = titles.setdefault(part, {})
        for place, record in taker.records((part,)):
            title = record.get("title")
            ids.setdefault(title if isinstance(title, str) else "", crate.owner(place))
    meant: dict[str, list[str]] = {}
    if not written:
        meant = {part: list(ids) for part, ids in titles.items() if len(taker.records((part,))) == 1}
        if meant:
            crate.additional_of(name, ("associations",), IMPLIED)
    elif isinstance(written, list) and all(isinstance(one, dict) for one in written):
        for field, part in FIELDS.items():
            found = [one.get(field) for one in written]
            meant[part] = list(
                dict.fromkeys(
                    text for text in found if isinstance(text, str) and text and text in titles[part]
                )
            )
        if inferred({field: meant[part] for field, part in FIELDS.items()}) == written:
            taker.take(path)
    chosen = {part: [titles[part][title] for title in names] for part, names in meant.items()}
    crate.put(name, **{KINDS[part].property: refs(names) for part, names in chosen.items()})
    samples, preparations = chosen.get("biosamples", []), chosen.get("specimens", [])
    if len(samples) == 1 and len(preparations) == 1:
        key, known = crate.once("specimen", [samples, preparations])
        known = known or crate.remember(
            key,
            crate.add(
                fragment("specimen", None, len(crate.nodes)),
                "bia:Specimen",
                biologicalEntity=refs(samples),
                imagingPreparationProtocol=refs(preparations),
            ),
        )
        crate.own((*at, "#specimen"), known)
        crate.put(name, associatedSpecimen=ref(known))


def write_annotations(crate: Crate, taker: Taker) -> dict[str, str]:
    """Write annotation sets with their methods, and return name to id; the first of a name counts."""
    named: dict[str, str] = {}
    for at, _ in taker.records(("annotations",)):
        title = taker.text((*at, "name"))
        licence = taker.text((*at, "license"))
        wanted = fragment("annotations", title, at_number(at))
        name = crate.add(
            wanted,
            ["Dataset", "bia:Dataset", "bia:MifaDataset"],
            name=title,
            description=taker.text((*at, "annotation_overview")),
            license=licence_address(licence) if licence else None,
            dateCreated=taker.text((*at, "annotation_completion_time")),
        )
        crate.own(at, name)
        coverage, said = coverage_text(taker.at((*at, "annotation_coverage")))
        if said:
            taker.take((*at, "annotation_coverage", "description"))
        method = crate.add(
            f"{wanted}-method",
            "bia:AnnotationMethod",
            name=title,
            methodType=taker.texts((*at, "annotation_type")),
            annotationCoverage=coverage,
            **{key: taker.text((*at, ours)) for ours, key in METHOD.items()},
        )
        crate.own((*at, "#method"), method)
        crate.put(
            name,
            associatedAnnotationMethod=[ref(method)],
            author=refs(write_people(crate, taker, (*at, "authors"))),
            about=refs([_class(crate, taker, wanted, *one) for one in taker.records((*at, "classes"))]),
            mentions=refs(
                [_file_level(crate, taker, wanted, *one) for one in taker.records((*at, "file_metadata"))]
            ),
        )
        named.setdefault(title or "", name)
    return named


def coverage_text(coverage: Any) -> tuple[str | None, bool]:
    """Return what an annotation method says of the coverage, and whether that is its description.

    Without a description the numbers are said in words: ``40 of 254 images``.
    """
    if not isinstance(coverage, dict):
        return None, False
    said = coverage.get("description")
    annotated, total, unit = (coverage.get(name) for name in ("annotated", "total", "unit"))
    counted = f"{annotated} of {total}" if annotated is not None and total is not None else ""
    words = f"{counted} {unit or ''}".strip() if counted else None
    if isinstance(said, str) and said and said != words:
        return said, True
    return words, False


def _class(crate: Crate, taker: Taker, owner: str, at: Tokens, record: Plain) -> str:
    number = record.get("id")
    if type(number) is int:
        taker.take((*at, "id"))
    name = crate.add(
        f"{owner}-class-{at_number(at)}",
        "DefinedTerm",
        name=taker.text((*at, "name")),
        termCode=number if type(number) is int else None,
        sameAs=taker.text((*at, "ontology_id")),
    )
    crate.own(at, name)
    return name


def _file_level(crate: Crate, taker: Taker, owner: str, at: Tokens, record: Plain) -> str:
    del record
    texts = {key: taker.text((*at, ours)) for ours, key in FILE_LEVEL.items()}
    kinds = taker.texts((*at, "annotation_type"))
    name = crate.add(f"{owner}-file-{at_number(at)}", "bia:AnnotationData", additionalType=kinds, **texts)
    crate.own(at, name)
    return name
